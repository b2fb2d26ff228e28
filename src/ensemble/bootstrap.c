#include "ensemble/bootstrap.h"

/* A chain that has no rows in this shard is drawn in vain. */
void nnsm_bootstrap_rows(const nnsm_partition *partition, size_t chains, nnsm_rng_key key, size_t shard,
                         uint32_t *order)
{
    const nnsm_partition *p = partition;
    uint32_t rows = (uint32_t)nnsm_partition_rows(p, shard), filled = 0;
    size_t units = chains > 1 ? chains : NNSM_BOOTSTRAP_STRETCHES,
           length = (p->configurations + NNSM_BOOTSTRAP_STRETCHES - 1) / NNSM_BOOTSTRAP_STRETCHES;
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(key, NNSM_RNG_BOOTSTRAP, (uint32_t)shard, 0);
    while (filled < rows) {
        size_t chosen = nnsm_rng_below(&draw, (uint32_t)units);
        for (uint32_t r = 0; r < rows && filled < rows; r++) {
            size_t index = nnsm_partition_index(p, shard, r);
            if ((chains > 1 ? index % units : index / length) == chosen)
                order[filled++] = r;
        }
    }
}
