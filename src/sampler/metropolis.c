#include "sampler/decide.h"

#include "base/vector.h"
#include "base/vector_math.h"

NNSM_MULTIVERSION
void nnsm_decide(const double *restrict change, const double *restrict beta, const uint32_t *restrict random,
                 uint32_t *restrict accept)
{
    for (size_t c = 0; c < NNSM_TILE; c++) {
        float exponent = (float)(-beta[c] * change[c]);
        float probability = NNSM_MOST_ACCEPTED * nnsm_exp_negative(exponent < 0.f ? exponent : 0.f);
        accept[c] = ((float)random[c] + 0.5f) * 0x1p-32f < probability ? UINT32_MAX : 0u;
    }
}

void nnsm_metropolis_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep, const double *beta,
                           int64_t *accepted)
{
    uint32_t random[4 * NNSM_TILE], accept[NNSM_TILE];
    double change[NNSM_TILE];
    for (size_t site = 0; site < tile->sites; site++) {
        if (site % 4 == 0)
            nnsm_rng_blocks(key, NNSM_RNG_SCAN, stream, NNSM_TILE, sweep, (uint32_t)(site / 4), random);
        tile->methods->change(tile->state, site, change);
        nnsm_decide(change, beta, random + site % 4 * NNSM_TILE, accept);
        tile->methods->commit(tile->state, site, accept);
        for (size_t c = 0; c < NNSM_TILE; c++)
            accepted[c] += accept[c] & 1;
    }
}
