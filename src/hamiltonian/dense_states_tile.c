/* dense_states_tile.c: H(s) = -T0 log p(s) of a dense network of sites with more than two values, for 32 chains at a
 * time. The units are those of dense_rows.h; an update changes one input a value at every site of it, and the terms
 * log sum_k exp(o_k) - o_s of these sites and of all behind the first of them. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/dense_rows.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE };

typedef struct {
    nnsm_dense_rows rows;
    float *s;     /* [sites][T] states by position */
    float *s_new; /* the same but at the sites of the update proposed last */
    float *step;  /* [NNSM_UPDATE_SITES][values][T] changes of the inputs of these */
    size_t count; /* of these */
    nnsm_dense_step update[NNSM_UPDATE_SITES];
} states_tile;

static void refresh(void *state)
{
    states_tile *t = state;
    nnsm_dense_rows *r = &t->rows;
    const nnsm_made *made = r->learned->made;
    nnsm_dense_rows_evaluate(r);
    memset(r->term_new, 0, made->sites * T * sizeof *r->term_new);
    memset(r->nll, 0, sizeof r->nll);
    nnsm_tile_softmax_terms(made->width, t->s, r->o, r->term_new, made->sites, r->term, r->nll);
}

/* A chain's state at a position, into states and inputs. */
static void set(states_tile *t, size_t position, size_t chain, int8_t value)
{
    size_t width = t->rows.learned->made->width;
    t->s[position * T + chain] = t->s_new[position * T + chain] = (float)value;
    for (size_t k = 0; k < width; k++)
        t->rows.x[(position * width + k) * T + chain] = (float)((size_t)value == k);
}

static void load(void *state, const int8_t *configurations)
{
    states_tile *t = state;
    const nnsm_made *made = t->rows.learned->made;
    t->count = 0;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < T; c++)
            set(t, p, c, configurations[c * made->sites + (size_t)made->order[p]]);
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    const states_tile *t = state;
    const nnsm_made *made = t->rows.learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < T; c++)
            configurations[c * made->sites + (size_t)made->order[p]] = (int8_t)t->s[p * T + c];
}

static void look(const void *state, size_t site, int8_t *states)
{
    const states_tile *t = state;
    const float *s = t->s + (size_t)t->rows.learned->made->position[site] * T;
    for (size_t c = 0; c < T; c++)
        states[c] = (int8_t)s[c];
}

/* ---- updates */

/* The sites of an update with rising positions, their new states and the steps of their inputs. */
static void arrange(states_tile *t, const nnsm_update *update)
{
    const nnsm_made *made = t->rows.learned->made;
    size_t width = made->width;
    for (size_t i = 0; i < t->count; i++)
        memcpy(t->s_new + t->update[i].position * T, t->s + t->update[i].position * T, T * sizeof *t->s);
    t->count = update->count;
    for (size_t i = 0; i < update->count; i++) {
        size_t position = (size_t)made->position[update->site[i]], at = i;
        float *step = t->step + i * width * T, *s_new = t->s_new + position * T;
        const float *s = t->s + position * T;
        for (size_t c = 0; c < T; c++)
            s_new[c] = (float)update->state[i][c];
        for (size_t k = 0; k < width; k++)
            for (size_t c = 0; c < T; c++)
                step[k * T + c] = (float)(s_new[c] == (float)k) - (float)(s[c] == (float)k);
        for (; at > 0 && t->update[at - 1].position > position; at--)
            t->update[at] = t->update[at - 1];
        t->update[at] = (nnsm_dense_step){position, step};
    }
}

static void propose(void *state, const nnsm_update *update, double *change)
{
    states_tile *t = state;
    nnsm_dense_rows *r = &t->rows;
    const nnsm_made *made = r->learned->made;
    arrange(t, update);
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
    states_tile *t = state;
    nnsm_dense_rows *r = &t->rows;
    size_t first = t->update[0].position;
    uint32_t any = 0;
    (void)update; /* arranged already */
    for (size_t c = 0; c < T; c++)
        any |= accept[c];
    if (!any)
        return;
    nnsm_dense_rows_accept(r, t->update, t->count, accept);
    nnsm_tile_select(accept, r->term_new + first * T, r->learned->made->sites - first, r->term + first * T);
    for (size_t i = 0; i < t->count; i++) {
        size_t position = t->update[i].position;
        nnsm_tile_select(accept, t->s_new + position * T, 1, t->s + position * T);
    }
}

static void energy(const void *state, double *out)
{
    nnsm_dense_rows_energy(&((const states_tile *)state)->rows, out);
}

/* ---- ancestral sampling */

void nnsm_dense_states_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    states_tile *t = tile->state;
    const nnsm_made *made = t->rows.learned->made;
    uint32_t random[4 * T];
    t->count = 0;
    nnsm_dense_rows_start(&t->rows);
    for (size_t p = 0; p < tile->sites; p++) {
        const float *o = p < draws->from ? NULL : nnsm_dense_rows_logits(&t->rows, p);
        const uint32_t *words = o ? nnsm_draw_words(draws, p, random) : NULL;
        for (size_t c = 0; c < T; c++)
            set(t, p, c,
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
    states_tile *t = state;
    nnsm_dense_rows_destroy(&t->rows);
    nnsm_release(t->s);
    nnsm_release(t->s_new);
    nnsm_release(t->step);
    nnsm_release(t);
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
    states_tile *t = NULL;
    size_t sites = learned->made->sites;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (status)
        return status;
    status = nnsm_dense_rows_create(&t->rows, learned, error);
    if (!status)
        status = NNSM_NEW(&t->s, sites * T, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->s_new, sites * T, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->step, NNSM_UPDATE_SITES * learned->made->width * T, "chains of a scan", error);
    if (status)
        destroy(t);
    else
        *out = (nnsm_tile){.methods = &nnsm_dense_states_methods, .state = t, .sites = sites};
    return status;
}
