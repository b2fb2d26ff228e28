/* bench_messages.c: what ranks tell each other, by its size. */
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/bench.h"

enum { SMALLEST = 8, STEP = 4 };

typedef struct {
    MPI_Comm comm;
    size_t bytes;
    float *vector; /* [bytes / 4] */
    nnsm_slices slices;
    nnsm_reduction *reduction;
} message;

static nnsm_status sum(void *context, nnsm_error *error)
{
    message *m = context;
    (void)error;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, m->vector, (int)(m->bytes / sizeof(double)), MPI_DOUBLE, MPI_MAX, m->comm));
    return NNSM_OK;
}

static nnsm_status gather(void *context, nnsm_error *error)
{
    message *m = context;
    (void)error;
    nnsm_slices_share(&m->slices, m->vector);
    return NNSM_OK;
}

static void keep(void *context, size_t shard, float *vector, const nnsm_listener *listener)
{
    message *m = context;
    (void)shard, (void)vector;
    if (listener)
        listener->tell(listener->context, 0, m->bytes / sizeof(float));
}

static void leave(void *context, size_t piece, const float *sum)
{
    (void)context, (void)piece, (void)sum;
}

static nnsm_status reduce(void *context, nnsm_error *error)
{
    message *m = context;
    (void)error;
    nnsm_reduction_run(m->reduction, &(nnsm_producer){m, keep}, &(nnsm_consumer){m, leave, NULL});
    return NNSM_OK;
}

static nnsm_status create(message *m, MPI_Comm comm, size_t bytes, nnsm_error *error)
{
    int ranks;
    size_t floats = bytes / sizeof(float);
    *m = (message){.comm = comm, .bytes = bytes};
    NNSM_MPI(MPI_Comm_size(comm, &ranks));
    nnsm_status status = NNSM_NEW(&m->vector, floats, "benchmark", error);
    status = nnsm_agree(comm, status, error);
    if (!status)
        status = nnsm_slices_create(&m->slices, comm, (size_t)ranks, (nnsm_span){0, 0, floats}, NULL, error);
    return status ? status : nnsm_reduction_create(&m->reduction, 1, &m->slices, &m->slices, error);
}

static void destroy(message *m)
{
    nnsm_reduction_destroy(m->reduction);
    nnsm_slices_destroy(&m->slices);
    nnsm_release(m->vector);
}

static void fit(nnsm_bench *b)
{
    double size[NNSM_BENCH_SIZES], seconds[NNSM_BENCH_SIZES];
    for (int k = 0; k < NNSM_BENCH_MESSAGES; k++) {
        for (int s = 0; s < NNSM_BENCH_SIZES; s++) {
            size[s] = (double)b->message_size[s];
            seconds[s] = b->message[k][s].seconds;
        }
        b->line[k] = nnsm_bench_fit(NNSM_BENCH_SIZES, size, seconds);
    }
}

nnsm_status nnsm_bench_messages(nnsm_bench *bench, nnsm_error *error)
{
    nnsm_bench *b = bench;
    static const struct {
        const char *name, *title;
        nnsm_bench_call *call;
    } kinds[NNSM_BENCH_MESSAGES] = {
        {"allreduce", "allreduce", sum}, {"gather", "gather to all", gather}, {"reduce", "sum of gradients", reduce}};
    message m[NNSM_BENCH_SIZES] = {{0}};
    size_t bytes = SMALLEST, parts = (size_t)NNSM_BENCH_MESSAGES * NNSM_BENCH_SIZES;
    nnsm_status status = NNSM_OK;
    for (int s = 0; s < NNSM_BENCH_SIZES; s++, bytes *= STEP) {
        b->message_size[s] = bytes;
        if (!status)
            status = create(&m[s], b->run->world, bytes, error);
        for (int k = 0; k < NNSM_BENCH_MESSAGES; k++)
            b->message[k][s] = (nnsm_bench_part){.name = kinds[k].name,
                                                 .title = kinds[k].title,
                                                 .units = "bytes",
                                                 .together = true,
                                                 .work = (double)bytes,
                                                 .budget = b->seconds * 0.1 / (NNSM_BENCH_ROUNDS * (double)parts),
                                                 .call = kinds[k].call,
                                                 .context = &m[s]};
    }
    if (!status)
        status = nnsm_bench_measure(&b->message[0][0], parts, b->run->world, nnsm_bench_pause, b, error);
    if (!status)
        fit(b);
    for (int s = 0; s < NNSM_BENCH_SIZES; s++)
        destroy(&m[s]);
    return status;
}
