#include "sampler/decide.h"

#include "base/vector.h"
#include "base/vector_math.h"

/* min(1, exp(-beta change)) */
static inline float weight(double beta, double change)
{
    float exponent = (float)(-beta * change);
    return nnsm_exp_negative(exponent < 0.f ? exponent : 0.f);
}

/* Uniform between 0 and 1. */
static inline float uniform(uint32_t random)
{
    return ((float)random + 0.5f) * 0x1p-32f;
}

NNSM_MULTIVERSION
void nnsm_decide(const double *restrict change, const double *restrict beta, const uint32_t *restrict random,
                 uint32_t *restrict accept)
{
    for (size_t c = 0; c < NNSM_TILE; c++)
        accept[c] = uniform(random[c]) < NNSM_MOST_ACCEPTED * weight(beta[c], change[c]) ? UINT32_MAX : 0u;
}

void nnsm_metropolis_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep, const double *beta,
                           int64_t *accepted)
{
    uint32_t random[4 * NNSM_TILE], accept[NNSM_TILE];
    double change[NNSM_TILE];
    for (size_t site = 0; site < tile->sites; site++) {
        if (site % 4 == 0)
            nnsm_rng_blocks(key, NNSM_RNG_SCAN, stream, NNSM_TILE, sweep, (uint32_t)(site / 4), random);
        tile->methods->change(tile->state, site, NNSM_ALL_CHAINS, change);
        nnsm_decide(change, beta, random + site % 4 * NNSM_TILE, accept);
        tile->methods->commit(tile->state, site, accept);
        for (size_t c = 0; c < NNSM_TILE; c++)
            accepted[c] += accept[c] & 1;
    }
}

/* Of those that passed, by the same random number: below the first probability it is uniform there. */
NNSM_MULTIVERSION
static void decide_again(const double *restrict change, const double *restrict guess, const double *restrict beta,
                         const uint32_t *restrict random, uint32_t *restrict accept)
{
    for (size_t c = 0; c < NNSM_TILE; c++) {
        float first = NNSM_MOST_ACCEPTED * weight(beta[c], guess[c]);
        accept[c] &= uniform(random[c]) < first * weight(beta[c], change[c] - guess[c]) ? UINT32_MAX : 0u;
    }
}

void nnsm_screened_sweep(nnsm_tile *tile, nnsm_tile *screen, nnsm_rng_key key, uint32_t stream, uint32_t sweep,
                         const double *beta, int64_t *passed, int64_t *accepted)
{
    uint32_t random[4 * NNSM_TILE], accept[NNSM_TILE];
    double guess[NNSM_TILE], change[NNSM_TILE];
    for (size_t site = 0; site < tile->sites; site++) {
        const uint32_t *words = random + site % 4 * NNSM_TILE;
        uint32_t asked = 0;
        if (site % 4 == 0)
            nnsm_rng_blocks(key, NNSM_RNG_SCAN, stream, NNSM_TILE, sweep, (uint32_t)(site / 4), random);
        screen->methods->change(screen->state, site, NNSM_ALL_CHAINS, guess);
        nnsm_decide(guess, beta, words, accept);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            asked |= (accept[c] & 1) << c;
            passed[c] += accept[c] & 1;
        }
        if (!asked)
            continue;
        tile->methods->change(tile->state, site, asked, change);
        decide_again(change, guess, beta, words, accept);
        tile->methods->commit(tile->state, site, accept);
        screen->methods->commit(screen->state, site, accept);
        for (size_t c = 0; c < NNSM_TILE; c++)
            accepted[c] += accept[c] & 1;
    }
}
