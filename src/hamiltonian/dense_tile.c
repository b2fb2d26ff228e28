/* dense_tile.c: H(s) = -T0 log p(s) of a dense network of spins for 32 chains at a time.
 *
 * The units are those of dense_rows.h; the terms log(1 + exp(-x o)) of the current state are kept, not recomputed,
 * summed over blocks of sites that share a logarithm.
 * Rounding of many commits is bounded by a refresh (stage/chains.c), which evaluates everything from scratch. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/dense_rows.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE };

/* The terms of all logits. */
static void sum_terms(nnsm_dense_rows *t)
{
    size_t sites = t->learned->made->sites;
    memset(t->term_new, 0, nnsm_tile_term_blocks(sites) * T * sizeof *t->term_new);
    memset(t->nll, 0, sizeof t->nll);
    nnsm_tile_blocks(t->x, t->o, t->term_new, sites, t->term, t->nll);
}

static void refresh(void *state)
{
    nnsm_dense_rows_evaluate(state);
    sum_terms(state);
}

static void load(void *state, const int8_t *configurations)
{
    nnsm_dense_rows *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < T; c++)
            t->x[p * T + c] = (float)configurations[c * made->sites + (size_t)made->order[p]];
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    const nnsm_dense_rows *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < T; c++)
            configurations[c * made->sites + (size_t)made->order[p]] = (int8_t)t->x[p * T + c];
}

/* ---- a single flip */

static void change(void *state, size_t site, uint32_t asked, double *out)
{
    (void)asked;
    nnsm_dense_rows *t = state;
    const nnsm_made *made = t->learned->made;
    size_t position = (size_t)made->position[site], block = position / NNSM_TERM_ROWS, row = block * NNSM_TERM_ROWS;
    float step[T], *own = t->x + position * T;
    for (size_t c = 0; c < T; c++)
        step[c] = -2.f * own[c];
    nnsm_dense_rows_change(t, &(nnsm_dense_step){position, step}, 1);
    memset(t->change, 0, sizeof t->change);
    for (size_t c = 0; c < T; c++)
        own[c] = -own[c];
    nnsm_tile_blocks(t->x + row * T, t->o_new + row * T, t->term + block * T, made->sites - row,
                     t->term_new + block * T, t->change);
    for (size_t c = 0; c < T; c++) {
        own[c] = -own[c];
        out[c] = made->architecture.temperature * t->change[c];
    }
}

static void commit(void *state, size_t site, const uint32_t *accept)
{
    nnsm_dense_rows *t = state;
    const nnsm_made *made = t->learned->made;
    size_t position = (size_t)made->position[site], block = position / NNSM_TERM_ROWS;
    float step[T];
    uint32_t any = 0;
    for (size_t c = 0; c < T; c++) {
        step[c] = -2.f * t->x[position * T + c];
        any |= accept[c];
    }
    if (!any)
        return;
    nnsm_dense_rows_accept(t, &(nnsm_dense_step){position, step}, 1, accept);
    nnsm_tile_select(accept, t->term_new + block * T, nnsm_tile_term_blocks(made->sites) - block, t->term + block * T);
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
    uint32_t random[4 * T];
    nnsm_dense_rows_start(t);
    for (size_t p = 0; p < made->sites; p++) {
        float *x = t->x + p * T;
        for (size_t c = 0; c < T && p < draws->from; c++)
            x[c] = (float)configurations[c * made->sites + (size_t)made->order[p]];
        if (p >= draws->from)
            nnsm_draw_spins(draws, p, nnsm_dense_rows_logits(t, p), random, x);
        if (p + 1 >= draws->from)
            nnsm_dense_rows_advance(t, p);
    }
    if (draws->from) /* some logits are missing */
        nnsm_dense_rows_evaluate(t);
    sum_terms(t);
    read(t, configurations);
}

/* ---- creation */

static void destroy(void *state)
{
    nnsm_dense_rows_destroy(state);
    nnsm_release(state);
}

const nnsm_tile_methods nnsm_dense_tile_methods = {.load = load,
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
    *out = (nnsm_tile){.methods = &nnsm_dense_tile_methods, .state = t, .sites = learned->made->sites};
    return NNSM_OK;
}
