#include "hamiltonian/couplings_states.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/couplings.h"

typedef struct {
    const nnsm_multistate *model;
    nnsm_projection projection;
    nnsm_rng_key key;
    int8_t *states; /* [NNSM_TILE][sites] */
} reading;

/* The same random configurations, all states alike, in both passes. */
static void pass(reading *r, double *sums,
                 void (*add)(nnsm_projection *, const int8_t *, const double *, size_t, double *))
{
    const nnsm_operators *o = r->projection.operators;
    size_t tiles = 2 + 4 * o->classes / NNSM_TILE;
    double energy[NNSM_TILE];
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(r->key, NNSM_RNG_TRUTH, 0, 0);
    for (size_t t = 0; t < tiles; t++) {
        for (size_t i = 0; i < NNSM_TILE * o->sites; i++)
            r->states[i] = (int8_t)nnsm_rng_below(&draw, (uint32_t)o->values);
        for (size_t i = 0; i < NNSM_TILE; i++)
            energy[i] = nnsm_multistate_energy(r->model, r->states + i * o->sites);
        add(&r->projection, r->states, energy, NNSM_TILE, sums);
    }
}

nnsm_status nnsm_couplings_truth_of_states(const nnsm_operators *basis, const nnsm_multistate *model, nnsm_rng_key key,
                                           double *truth, bool *known, nnsm_error *error)
{
    reading r = {.model = model, .key = key};
    double *sums = NULL;
    *known = false;
    nnsm_status status = nnsm_projection_create(&r.projection, basis, error);
    if (!status)
        status = NNSM_NEW(&r.states, NNSM_TILE * basis->sites, "couplings", error);
    if (!status)
        status = NNSM_NEW(&sums, nnsm_projection_moments(&r.projection), "couplings", error);
    if (!status) {
        pass(&r, sums, nnsm_projection_add);
        nnsm_projection_solve(&r.projection, sums);
        memset(sums, 0, (basis->classes + 2) * sizeof *sums);
        pass(&r, sums, nnsm_projection_pull);
        const double *rest = sums + basis->classes; /* sums of squares: of what is left, and of E */
        *known = rest[0] <= 1e-12 * rest[1];
        for (size_t c = 0; c < basis->classes && *known; c++) /* what rounding leaves is no coupling */
            truth[c] = fabs(r.projection.coupling[c]) > 1e-9 ? r.projection.coupling[c] : 0;
    }
    nnsm_projection_destroy(&r.projection);
    nnsm_release(r.states);
    nnsm_release(sums);
    return status;
}
