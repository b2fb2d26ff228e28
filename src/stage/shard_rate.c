#include "stage/shard_rate.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"

nnsm_status nnsm_shard_rate(nnsm_learner *learner, nnsm_vector sums, double seconds, double *rate, nnsm_error *error)
{
    nnsm_learner *l = learner;
    const nnsm_config *c = l->config;
    nnsm_network_workspace workspace = {0};
    int8_t *configurations = NULL;
    float *sum = NULL;
    uint64_t phase = l->phase;
    size_t sites = nnsm_network_shape_of(l->network).sites;
    size_t rows = (size_t)((c->train.batch + c->train.shards_per_batch - 1) / c->train.shards_per_batch);
    nnsm_status status = nnsm_network_workspace_create(&workspace, l->network, rows, error);
    if (!status)
        status = NNSM_NEW(&configurations, rows * sites, "measurement", error);
    if (!status)
        status = NNSM_NEW(&sum, l->count[sums], "measurement", error);
    if (!status) {
        l->phase = sums == NNSM_VECTOR_HESSIAN ? NNSM_PHASE_NEWTON : NNSM_PHASE_AVERAGE;
        memset(configurations, 1, rows * sites);
        (void)nnsm_learner_sum(l, &workspace, configurations, rows, sum, NULL);
        double since = nnsm_process_seconds(), taken;
        int calls = 0;
        do {
            (void)nnsm_learner_sum(l, &workspace, configurations, rows, sum, NULL);
            calls++;
            taken = nnsm_process_seconds() - since;
        } while (taken < seconds);
        *rate = calls * (double)rows / fmax(taken, 1e-7);
    }
    l->phase = phase;
    nnsm_network_workspace_destroy(&workspace);
    nnsm_release(configurations);
    nnsm_release(sum);
    return status;
}
