/* bench_layers.c: when which part of a shard's gradient is there. */
#include "base/timer.h"
#include "stage/bench.h"

enum { CALLS = 8 };

typedef struct {
    nnsm_bench *bench;
    size_t layers;
    double since;
} audience;

static void listen(void *context, size_t first, size_t end)
{
    audience *a = context;
    nnsm_bench_layer *layer = a->bench->layer;
    double now = nnsm_process_seconds();
    /* what comes first is by itself, with all that is before it; then parts of a layer follow each other */
    if (a->layers < 2 || layer[a->layers - 1].end != first)
        layer[a->layers++].first = first;
    layer[a->layers - 1].end = end;
    layer[a->layers - 1].seconds += (now - a->since) / CALLS;
    a->since = nnsm_process_seconds();
}

void nnsm_bench_layers(nnsm_bench *bench)
{
    nnsm_bench *b = bench;
    for (int call = 0; call < CALLS; call++) {
        audience a = {b, 0, nnsm_process_seconds()};
        (void)nnsm_learner_sum(&b->training.learner, &b->trainer.workspace, b->rows,
                               nnsm_partition_shard_rows(&b->pool.partition), b->sums, &(nnsm_listener){listen, &a});
        b->layers = a.layers;
    }
}
