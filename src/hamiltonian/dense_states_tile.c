/* dense_states_tile.c: H(s) = -T0 log p(s) of a dense network of sites with more than two values, for 32 chains at a
 * time: states and units are those of dense_states.h, the terms log sum_k exp(o_k) - o_s of an update's sites and of
 * all behind the first of them are taken anew. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/dense_states.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE };

static void refresh(void *state)
{
    nnsm_dense_states *t = state;
    nnsm_dense_rows *r = &t->rows;
    const nnsm_made *made = r->learned->made;
    nnsm_dense_rows_evaluate(r);
    memset(r->term_new, 0, made->sites * T * sizeof *r->term_new);
    memset(r->nll, 0, sizeof r->nll);
    nnsm_tile_softmax_terms(made->width, t->s, r->o, r->term_new, made->sites, r->term, r->nll);
}

static void load(void *state, const int8_t *configurations)
{
    nnsm_dense_states_load(state, configurations);
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    nnsm_dense_states_read(state, configurations);
}

static void look(const void *state, size_t site, int8_t *states)
{
    nnsm_dense_states_look(state, site, states);
}

static void propose(void *state, const nnsm_update *update, double *change)
{
    nnsm_dense_states *t = state;
    nnsm_dense_rows *r = &t->rows;
    const nnsm_made *made = r->learned->made;
    nnsm_dense_states_arrange(t, update);
    nnsm_dense_rows_change(r, t->update, t->count);
    size_t first = t->update[0].position, next = first + 1;
    memset(r->change, 0, sizeof r->change);
    /* The first site's logits do not change. */
    nnsm_tile_softmax_terms(made->width, t->s_new + first * T, r->o + first * made->width * T, r->term + first * T, 1,
                            r->term_new + first * T, r->change);
    nnsm_tile_softmax_terms(made->width, t->s_new + next * T, r->o_new + next * made->width * T, r->term + next * T,
                            made->sites - next, r->term_new + next * T, r->change);
    for (size_t c = 0; c < T; c++)
        change[c] = made->architecture.temperature * r->change[c];
}

static void settle(void *state, const nnsm_update *update, const uint32_t *accept)
{
    (void)update; /* arranged already */
    (void)nnsm_dense_states_accept(state, accept);
}

static void energy(const void *state, double *out)
{
    nnsm_dense_rows_energy(&((const nnsm_dense_states *)state)->rows, out);
}

/* ---- ancestral sampling */

void nnsm_dense_states_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    nnsm_dense_states *t = tile->state;
    const nnsm_made *made = t->rows.learned->made;
    uint32_t random[4 * T];
    t->count = 0;
    nnsm_dense_rows_start(&t->rows);
    for (size_t p = 0; p < tile->sites; p++) {
        const float *o = p < draws->from ? NULL : nnsm_dense_rows_logits(&t->rows, p);
        const uint32_t *words = o ? nnsm_draw_words(draws, p, random) : NULL;
        for (size_t c = 0; c < T; c++)
            nnsm_dense_states_set(t, p, c,
                                  o ? nnsm_draw_state(o + c, made->width, words[c] * 0x1p-32)
                                    : configurations[c * made->sites + (size_t)made->order[p]]);
        if (p + 1 >= draws->from)
            nnsm_dense_rows_advance(&t->rows, p);
    }
    refresh(t);
    read(t, configurations);
}

/* ---- creation */

static void destroy(void *state)
{
    nnsm_dense_states_destroy(state);
    nnsm_release(state);
}

const nnsm_tile_methods nnsm_dense_states_methods = {.load = load,
                                                     .look = look,
                                                     .propose = propose,
                                                     .settle = settle,
                                                     .energy = energy,
                                                     .refresh = refresh,
                                                     .read = read,
                                                     .destroy = destroy};

nnsm_status nnsm_dense_states_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    nnsm_dense_states *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (!status)
        status = nnsm_dense_states_create(t, learned, error);
    if (status) {
        nnsm_release(t);
        return status;
    }
    *out = (nnsm_tile){.methods = &nnsm_dense_states_methods, .state = t, .sites = learned->made->sites};
    return NNSM_OK;
}
