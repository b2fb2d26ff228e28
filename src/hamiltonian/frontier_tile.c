/* frontier_tile.c: H(s) = -T0 log p(s) of a frontier network for 32 chains at a time.
 *
 * Once single flips are proposed, the fields h of all units of all outputs, and the linear parts of all logits, are
 * kept: megabytes, which a scan that only evaluates whole configurations spares itself. A flip changes the outputs
 * whose frontier holds the site: about one lattice row of them (all, for sites of the first row of a periodic lattice),
 * each by one column of its fit's weights. The proposal's logits are kept for the commit, which then shifts the fields
 * of the chains that accept. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/learned.h"
#include "made/frontier_kernels.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE };

typedef struct {
    const nnsm_learned *learned;
    float *x; /* [sites][T] spins by position */
    bool keeps;
    float *h;               /* kept, [rows of all outputs][T] */
    float *scratch;         /* rows of one output, not kept */
    size_t *at;             /* [sites] first row of an output in h */
    float *gathered;        /* [largest frontier + 1][T] */
    float *o, *o_new;       /* [sites][T] logits */
    float *term, *term_new; /* [sites][T] log(1 + exp(-x o)) */
    double nll[T], change[T];
} frontier_tile;

static size_t position_of(const frontier_tile *t, size_t site)
{
    return (size_t)t->learned->position[site];
}

/* ---- full evaluation */

/* Fields, kept or not, and logit of one output from the spins before it. */
static void evaluate(frontier_tile *t, size_t p)
{
    const nnsm_learned *learned = t->learned;
    const int32_t *sites;
    size_t index = nnsm_frontier_output(learned->frontier, p, &sites);
    const nnsm_fit *fit = nnsm_frontier_look(learned->frontier, index);
    float *h = t->keeps ? t->h + t->at[p] * T : t->scratch;
    for (size_t f = 0; f < fit->frontier; f++)
        if (sites[f] < 0)
            memset(t->gathered + f * T, 0, T * sizeof *t->gathered);
        else
            memcpy(t->gathered + f * T, t->x + position_of(t, (size_t)sites[f]) * T, T * sizeof *t->gathered);
    nnsm_learned_fields(learned, index, t->gathered, h);
    nnsm_frontier_logits(h, NULL, 0, fit->weights + fit->inputs, 0, fit->units, 1, t->o + p * T);
}

static void sum_terms(frontier_tile *t)
{
    size_t sites = nnsm_frontier_sites(t->learned->frontier);
    memset(t->term_new, 0, sites * T * sizeof *t->term_new);
    memset(t->nll, 0, sizeof t->nll);
    nnsm_tile_terms(t->x, t->o, t->term_new, sites, t->term, t->nll);
}

static void refresh(void *state)
{
    frontier_tile *t = state;
    for (size_t p = 0; p < nnsm_frontier_sites(t->learned->frontier); p++)
        evaluate(t, p);
    sum_terms(t);
}

static void load(void *state, const int8_t *configurations)
{
    frontier_tile *t = state;
    size_t sites = nnsm_frontier_sites(t->learned->frontier);
    const int32_t *order = nnsm_frontier_order(t->learned->frontier);
    t->keeps = false;
    for (size_t p = 0; p < sites; p++)
        for (size_t c = 0; c < T; c++)
            t->x[p * T + c] = (float)configurations[c * sites + (size_t)order[p]];
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    const frontier_tile *t = state;
    size_t sites = nnsm_frontier_sites(t->learned->frontier);
    const int32_t *order = nnsm_frontier_order(t->learned->frontier);
    for (size_t p = 0; p < sites; p++)
        for (size_t c = 0; c < T; c++)
            configurations[c * sites + (size_t)order[p]] = (int8_t)t->x[p * T + c];
}

/* ---- a single flip */

static void change(void *state, size_t site, uint32_t asked, double *out)
{
    (void)asked;
    frontier_tile *t = state;
    const nnsm_learned *h = t->learned;
    const int32_t *positions, *slots, *sites;
    size_t own = position_of(t, site) * T, count = nnsm_frontier_seen_by(h->frontier, site, &positions, &slots);
    float step[T];
    if (!t->keeps) {
        t->keeps = true;
        refresh(t);
    }
    for (size_t c = 0; c < T; c++) {
        step[c] = -2.f * t->x[own + c];
        /* The flipped site's own term: log(1 + exp(x o)) - log(1 + exp(-x o)) = x o. */
        t->change[c] = (double)(t->x[own + c] * t->o[own + c]);
    }
    for (size_t k = 0; k < count; k++) {
        size_t p = (size_t)positions[k], slot = (size_t)slots[k], i = p * T;
        size_t index = nnsm_frontier_output(h->frontier, p, &sites);
        const nnsm_fit *fit = nnsm_frontier_look(h->frontier, index);
        const nnsm_frontier_change flip = nnsm_learned_change(h, index, slot, step);
        nnsm_frontier_logits(t->h + t->at[p] * T, &flip, 1, fit->weights + fit->inputs, 0, fit->units, 1, t->o_new + i);
        nnsm_tile_terms(t->x + i, t->o_new + i, t->term + i, 1, t->term_new + i, t->change);
    }
    for (size_t c = 0; c < T; c++)
        out[c] = h->temperature * t->change[c];
}

static void commit(void *state, size_t site, const uint32_t *accept)
{
    frontier_tile *t = state;
    const nnsm_learned *h = t->learned;
    const int32_t *positions, *slots, *sites;
    size_t own = position_of(t, site) * T, count = nnsm_frontier_seen_by(h->frontier, site, &positions, &slots);
    float step[T];
    uint32_t any = 0;
    for (size_t c = 0; c < T; c++) {
        step[c] = accept[c] ? -2.f * t->x[own + c] : 0.f;
        any |= accept[c];
    }
    if (!any)
        return;
    for (size_t k = 0; k < count; k++) {
        size_t p = (size_t)positions[k], i = p * T, index = nnsm_frontier_output(h->frontier, p, &sites);
        const nnsm_frontier_change flip = nnsm_learned_change(h, index, (size_t)slots[k], step);
        nnsm_frontier_shift(t->h + t->at[p] * T, &flip, nnsm_fit_panels(nnsm_frontier_look(h->frontier, index)));
        nnsm_tile_select(accept, t->o_new + i, 1, t->o + i);
        nnsm_tile_select(accept, t->term_new + i, 1, t->term + i);
    }
    for (size_t c = 0; c < T; c++)
        if (accept[c]) {
            t->term[own + c] += t->x[own + c] * t->o[own + c];
            t->x[own + c] = -t->x[own + c];
            t->nll[c] += t->change[c];
        }
}

static void energy(const void *state, double *out)
{
    const frontier_tile *t = state;
    for (size_t c = 0; c < T; c++)
        out[c] = t->learned->temperature * t->nll[c];
}

/* ---- ancestral sampling */

void nnsm_frontier_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    frontier_tile *t = tile->state;
    const int32_t *order = nnsm_frontier_order(t->learned->frontier);
    uint32_t random[4 * T];
    t->keeps = false;
    for (size_t p = 0; p < tile->sites; p++) {
        evaluate(t, p);
        if (p >= draws->from)
            nnsm_draw_spins(draws, p, t->o + p * T, random, t->x + p * T);
        for (size_t c = 0; c < T && p < draws->from; c++)
            t->x[p * T + c] = (float)configurations[c * tile->sites + (size_t)order[p]];
    }
    sum_terms(t);
    read(t, configurations);
}

/* ---- creation */

static void destroy(void *state)
{
    frontier_tile *t = state;
    float *arrays[] = {t->x, t->h, t->scratch, t->gathered, t->o, t->o_new, t->term, t->term_new};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    nnsm_release(t->at);
    nnsm_release(t);
}

const nnsm_tile_methods nnsm_frontier_tile_methods = {.load = load,
                                                      .change = change,
                                                      .commit = commit,
                                                      .energy = energy,
                                                      .refresh = refresh,
                                                      .read = read,
                                                      .destroy = destroy};

static nnsm_status allocate(frontier_tile *t, nnsm_error *error)
{
    const nnsm_frontier *network = t->learned->frontier;
    size_t sites = nnsm_frontier_sites(network), rows = 0, most = 0, frontier = 0;
    float **arrays[] = {&t->x, &t->o, &t->o_new, &t->term, &t->term_new};
    nnsm_status status = NNSM_NEW(&t->at, sites, "chains of a scan", error);
    for (size_t p = 0; p < sites && !status; p++) {
        const int32_t *seen;
        const nnsm_fit *fit = nnsm_frontier_look(network, nnsm_frontier_output(network, p, &seen));
        t->at[p] = rows;
        size_t own = nnsm_fit_panels(fit) * NNSM_PANEL_ROWS;
        rows += own;
        most = own > most ? own : most;
        frontier = fit->frontier > frontier ? fit->frontier : frontier;
    }
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i], sites * T, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->h, rows * T, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->scratch, most * T, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->gathered, (frontier + 1) * T, "chains of a scan", error);
    return status;
}

nnsm_status nnsm_frontier_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    frontier_tile *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (status)
        return status;
    t->learned = learned;
    status = allocate(t, error);
    if (status)
        destroy(t);
    else
        *out = (nnsm_tile){&nnsm_frontier_tile_methods, t, nnsm_frontier_sites(learned->frontier)};
    return status;
}
