/* dense_tile.c: H(s) = -T0 log p(s) of a dense network of spins for 32 chains at a time.
 *
 * The units are those of dense_rows.h; the terms log(1 + exp(-x o)) of the current state are kept, not recomputed.
 * Rounding of many commits is bounded by a refresh (stage/chains.c), which evaluates everything from scratch. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/dense_rows.h"
#include "made/tile_kernels.h"

static void refresh(void *state)
{
    nnsm_dense_rows *t = state;
    size_t sites = t->learned->made->sites;
    nnsm_dense_rows_evaluate(t);
    memset(t->term_new, 0, sites * NNSM_TILE * sizeof *t->term_new);
    memset(t->nll, 0, sizeof t->nll);
    nnsm_tile_terms(t->x, t->o, t->term_new, sites, t->term, t->nll);
}

static void load(void *state, const int8_t *configurations)
{
    nnsm_dense_rows *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            t->x[p * NNSM_TILE + c] = (float)configurations[c * made->sites + (size_t)made->order[p]];
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    const nnsm_dense_rows *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            configurations[c * made->sites + (size_t)made->order[p]] = (int8_t)t->x[p * NNSM_TILE + c];
}

/* ---- a single flip */

static void change(void *state, size_t site, double *out)
{
    nnsm_dense_rows *t = state;
    const nnsm_made *made = t->learned->made;
    size_t position = (size_t)made->position[site], next = position + 1, rows = made->sites - next;
    float step[NNSM_TILE];
    for (size_t c = 0; c < NNSM_TILE; c++)
        step[c] = -2.f * t->x[position * NNSM_TILE + c];
    nnsm_dense_rows_change(t, &(nnsm_dense_step){position, step}, 1);
    /* The flipped site's own term: log(1 + exp(x o)) - log(1 + exp(-x o)) = x o. */
    for (size_t c = 0; c < NNSM_TILE; c++)
        t->change[c] = (double)(t->x[position * NNSM_TILE + c] * t->o[position * NNSM_TILE + c]);
    nnsm_tile_terms(t->x + next * NNSM_TILE, t->o_new + next * NNSM_TILE, t->term + next * NNSM_TILE, rows,
                    t->term_new + next * NNSM_TILE, t->change);
    for (size_t c = 0; c < NNSM_TILE; c++)
        out[c] = made->architecture.temperature * t->change[c];
}

static void commit(void *state, size_t site, const uint32_t *accept)
{
    nnsm_dense_rows *t = state;
    uint32_t any = 0;
    for (size_t c = 0; c < NNSM_TILE; c++)
        any |= accept[c];
    if (!any)
        return;
    size_t position = (size_t)t->learned->made->position[site];
    nnsm_dense_rows_accept(t, position, accept);
    for (size_t c = 0; c < NNSM_TILE; c++)
        if (accept[c]) {
            size_t i = position * NNSM_TILE + c;
            t->term[i] += t->x[i] * t->o[i];
            t->x[i] = -t->x[i];
        }
}

static void energy(const void *state, double *out)
{
    nnsm_dense_rows_energy(state, out);
}

/* ---- ancestral sampling */

void nnsm_dense_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    nnsm_dense_rows *t = tile->state;
    const nnsm_made *made = t->learned->made;
    uint32_t random[4 * NNSM_TILE];
    nnsm_dense_rows_start(t);
    for (size_t p = 0; p < made->sites; p++) {
        float *x = t->x + p * NNSM_TILE;
        for (size_t c = 0; c < NNSM_TILE && p < draws->from; c++)
            x[c] = (float)configurations[c * made->sites + (size_t)made->order[p]];
        if (p >= draws->from)
            nnsm_draw_spins(draws, p, nnsm_dense_rows_logits(t, p), random, x);
        nnsm_dense_rows_advance(t, p);
    }
    refresh(t);
    read(t, configurations);
}

/* ---- creation */

static void destroy(void *state)
{
    nnsm_dense_rows_destroy(state);
    nnsm_release(state);
}

static const nnsm_tile_methods methods = {.load = load,
                                          .change = change,
                                          .commit = commit,
                                          .energy = energy,
                                          .refresh = refresh,
                                          .read = read,
                                          .destroy = destroy};

nnsm_status nnsm_dense_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    nnsm_dense_rows *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (!status)
        status = nnsm_dense_rows_create(t, learned, error);
    if (status) {
        nnsm_release(t);
        return status;
    }
    *out = (nnsm_tile){.methods = &methods, .state = t, .sites = learned->made->sites};
    return NNSM_OK;
}
