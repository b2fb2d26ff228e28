#include "nnsm/regenerate.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

struct nnsm_regenerator {
    nnsm_tile network;      /* evaluates the proposals */
    double beta0;           /* 1 / T0 */
    int8_t *now, *proposal; /* [NNSM_TILE][sites] */
};

nnsm_status nnsm_regenerator_create(nnsm_regenerator **out, const nnsm_learned *learned, nnsm_error *error)
{
    nnsm_regenerator *r = NULL;
    *out = NULL;
    nnsm_status status = NNSM_NEW(&r, 1, "regenerated suffixes", error);
    if (!status)
        status = nnsm_learned_tile_create(&r->network, learned, error);
    if (!status)
        status = NNSM_NEW(&r->now, NNSM_TILE * r->network.sites, "regenerated suffixes", error);
    if (!status)
        status = NNSM_NEW(&r->proposal, NNSM_TILE * r->network.sites, "regenerated suffixes", error);
    if (status) {
        nnsm_regenerator_destroy(r);
        return status;
    }
    r->beta0 = 1 / nnsm_learned_temperature(learned);
    *out = r;
    return NNSM_OK;
}

void nnsm_regenerator_destroy(nnsm_regenerator *regenerator)
{
    if (!regenerator)
        return;
    nnsm_tile_destroy(&regenerator->network);
    nnsm_release(regenerator->now);
    nnsm_release(regenerator->proposal);
    nnsm_release(regenerator);
}

/* Indices of random numbers beside those of the spins, which count from 0. */
enum { PLACE = -1, DECISION = -2 };

static size_t choose_position(nnsm_rng_key key, uint32_t stream, uint32_t step, size_t sites)
{
    uint32_t word[4];
    nnsm_rng_block(key, NNSM_RNG_REGENERATE, stream, step, (uint32_t)PLACE, word);
    return (size_t)((uint64_t)word[0] * sites >> 32);
}

void nnsm_regenerate(nnsm_regenerator *regenerator, nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t step,
                     const double *beta, int64_t *accepted)
{
    nnsm_regenerator *r = regenerator;
    size_t sites = tile->sites, any = 0;
    double before[NNSM_TILE], after[NNSM_TILE];
    uint32_t random[4 * NNSM_TILE];
    tile->methods->read(tile->state, r->now);
    tile->methods->energy(tile->state, before);
    memcpy(r->proposal, r->now, NNSM_TILE * sites);
    nnsm_learned_redraw(&r->network, key, stream, step, choose_position(key, stream, step, sites), r->proposal);
    r->network.methods->energy(r->network.state, after);
    nnsm_rng_blocks(key, NNSM_RNG_REGENERATE, stream, NNSM_TILE, step, (uint32_t)DECISION, random);
    for (size_t c = 0; c < NNSM_TILE; c++) {
        double exponent = -(beta[c] - r->beta0) * (after[c] - before[c]);
        if (!(exponent >= 0) && !((random[c] + 0.5) * 0x1p-32 < exp(exponent))) /* NaN: never */
            continue;
        memcpy(r->now + c * sites, r->proposal + c * sites, sites);
        accepted[c]++;
        any++;
    }
    if (any)
        tile->methods->load(tile->state, r->now);
}
