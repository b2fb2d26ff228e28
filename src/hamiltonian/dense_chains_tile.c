/* dense_chains_tile.c: H(s) = -T0 log p(s) of a dense network of spins, chain by chain, for flips that only some chains
 * of a tile propose.
 *
 * A chain's quantities lie in one piece of memory, so what a flip costs is in proportion to the chains that ask for it,
 * and their products are made together, whichever they are: vectors run over the units of a panel of the weights as
 * training keeps them (made/staircase.h), which need not be repacked. Only the suffix behind the flipped position
 * changes, as in dense_rows.h, in whole lines. Every sum runs upwards over the units below, in one accumulator: its
 * bits do not depend on which chains stand beside it. Asked of all chains a flip costs more than in dense_tile.c, where
 * they lie side by side. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/learned.h"
#include "made/chain_kernels.h"
#include "made/kernels.h"
#include "made/network.h"

enum { T = NNSM_TILE, LINE = NNSM_STAIRCASE_ROWS, SITES = NNSM_CHAIN_SITES, LANES = NNSM_CHAIN_LANES };

typedef struct {
    const nnsm_learned *learned;
    /* Where they begin in a chain's floats: pre-activations, logits, inputs, terms as in made/chain_kernels.h. */
    size_t z[NNSM_MAX_LAYERS], o, x, term, end;
    size_t size;       /* to the next chain */
    float *now;        /* [NNSM_TILE][size] */
    float *next;       /* the same after the flip proposed last, of the chains that asked for it, x aside */
    float *difference; /* [NNSM_TILE][o] of their activations, where their z is */
    size_t *first;     /* [layers][sites] first unit that depends on a position */
    size_t position, asked;
    size_t chain[NNSM_TILE];  /* [asked] rising */
    double change[NNSM_TILE]; /* [asked] of -log p */
    double nll[NNSM_TILE];    /* of all chains */
} dense_chains;

static size_t up(size_t count, size_t multiple)
{
    return (count + multiple - 1) / multiple * multiple;
}

static size_t down(size_t count, size_t multiple)
{
    return count / multiple * multiple;
}

/* ---- evaluation from scratch */

static void sum_terms(dense_chains *t)
{
    size_t sites = t->x - t->o, terms = sites / SITES * LANES;
    for (size_t c = 0; c < T; c++) {
        float *now = t->now + c * t->size;
        memset(now + t->term, 0, terms * sizeof *now);
        t->nll[c] = nnsm_chain_terms(now + t->x, now + t->o, sites, now + t->term, t->next + t->term);
        memcpy(now + t->term, t->next + t->term, terms * sizeof *now);
    }
}

static void evaluate_hidden(dense_chains *t)
{
    const nnsm_made *made = t->learned->made;
    const nnsm_architecture *a = &made->architecture;
    const float *below = t->now + t->x;
    size_t row = t->size;
    for (size_t l = 0; l < a->layers; l++) {
        const float *bias = made->parameters + made->hidden_bias[l];
        nnsm_staircase_suffix(&made->hidden[l], made->parameters + made->hidden_weights[l], 0, 0, T, below, row,
                              t->now + t->z[l], t->size);
        for (size_t c = 0; c < T; c++) {
            float *z = t->now + c * t->size + t->z[l], *activation = t->difference + c * t->o + t->z[l];
            memcpy(activation, z, a->hidden[l] * sizeof *z);
            nnsm_kernel_activate(a->activation, activation, bias, 1, a->hidden[l]);
            nnsm_kernel_add(z, bias, a->hidden[l]);
        }
        below = t->difference + t->z[l];
        row = t->o;
    }
}

static void evaluate_logits(dense_chains *t)
{
    const nnsm_made *made = t->learned->made;
    const float *bias = made->parameters + made->output_bias;
    size_t layers = made->architecture.layers;
    for (size_t c = 0; c < T; c++) {
        memset(t->now + c * t->size + t->o, 0, made->sites * sizeof *t->now);
        memset(t->next + c * t->size + t->o, 0, made->sites * sizeof *t->next);
    }
    if (layers)
        nnsm_staircase_suffix(&made->output, made->parameters + made->output_weights, 0, 0, T,
                              t->difference + t->z[layers - 1], t->o, t->now + t->o, t->size);
    if (made->architecture.direct)
        nnsm_staircase_suffix(&made->direct, made->parameters + made->direct_weights, 0, 0, T, t->now + t->x, t->size,
                              t->next + t->o, t->size);
    for (size_t c = 0; c < T; c++) {
        float *o = t->now + c * t->size + t->o;
        nnsm_kernel_add(o, t->next + c * t->size + t->o, made->sites);
        nnsm_kernel_add(o, bias, made->sites);
        for (size_t i = made->sites; i < t->x - t->o; i++) /* beyond the last line no flip writes */
            o[i] = t->next[c * t->size + t->o + i] = NNSM_CHAIN_CERTAIN;
    }
}

static void refresh(void *state)
{
    evaluate_hidden(state);
    evaluate_logits(state);
    sum_terms(state);
}

static void load(void *state, const int8_t *configurations)
{
    dense_chains *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t c = 0; c < T; c++)
        for (size_t p = 0; p < made->sites; p++)
            t->now[c * t->size + t->x + p] = (float)configurations[c * made->sites + (size_t)made->order[p]];
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    const dense_chains *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t c = 0; c < T; c++)
        for (size_t p = 0; p < made->sites; p++)
            configurations[c * made->sites + (size_t)made->order[p]] = (int8_t)t->now[c * t->size + t->x + p];
}

static void energy(const void *state, double *out)
{
    const dense_chains *t = state;
    for (size_t c = 0; c < T; c++)
        out[c] = t->learned->temperature * t->nll[c];
}

/* ---- a flip */

/* First line of layer l that may change, and how many floats from there on. */
static size_t first_line(const dense_chains *t, size_t layer)
{
    return down(t->first[layer * t->learned->made->sites + t->position], LINE);
}

static size_t lines_from(const dense_chains *t, size_t layer, size_t first)
{
    return up(t->learned->made->architecture.hidden[layer], LINE) - first;
}

/* The change of what lies above a layer, into `next` from a row on. */
static void multiply(dense_chains *t, const nnsm_staircase *matrix, size_t weights, size_t row, size_t layer, size_t at)
{
    const nnsm_made *made = t->learned->made;
    nnsm_staircase_suffix(matrix, made->parameters + weights, row, t->first[layer * made->sites + t->position],
                          t->asked, t->difference + t->z[layer], t->o, t->next + at, t->size);
}

/* z_new and differences of the hidden layers' suffixes. */
static void change_hidden(dense_chains *t)
{
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    const nnsm_architecture *a = &made->architecture;
    for (size_t l = 0; l < a->layers; l++) {
        size_t first = first_line(t, l), at = t->z[l] + first, count = lines_from(t, l, first);
        const float *column = l > 0 ? NULL : h->first_columns + t->position * nnsm_column_rows(a->hidden[0]) + first;
        if (l > 0)
            multiply(t, &made->hidden[l], made->hidden_weights[l], first, l - 1, t->z[l]);
        for (size_t k = 0; k < t->asked; k++) {
            const float *now = t->now + t->chain[k] * t->size;
            float *next = t->next + k * t->size + at, *difference = t->difference + k * t->o + at;
            if (l > 0)
                nnsm_chain_next(a->activation, now + at, count, next, difference);
            else
                nnsm_chain_first(a->activation, column, -2.f * now[t->x + t->position], now + at, count, next,
                                 difference);
        }
    }
}

/* o_new from the block of sites on that holds the position. */
static void change_logits(dense_chains *t)
{
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    size_t first = down(t->position, SITES), at = t->o + first, count = up(made->sites, LINE) - first;
    const float *column =
        made->architecture.direct ? h->direct_columns + t->position * nnsm_column_rows(made->sites) + first : NULL;
    if (made->architecture.layers)
        multiply(t, &made->output, made->output_weights, first, made->architecture.layers - 1, t->o);
    for (size_t k = 0; k < t->asked; k++) {
        const float *now = t->now + t->chain[k] * t->size;
        float *next = t->next + k * t->size + at;
        if (!made->architecture.layers)
            memset(next, 0, count * sizeof *next);
        nnsm_chain_logits(column, -2.f * now[t->x + t->position], now + at, count, next);
    }
}

static double change_terms(dense_chains *t, size_t k)
{
    float *now = t->now + t->chain[k] * t->size, *next = t->next + k * t->size, *own = now + t->x + t->position;
    size_t first = down(t->position, SITES), term = t->term + first / SITES * LANES;
    *own = -*own;
    double change =
        nnsm_chain_terms(now + t->x + first, next + t->o + first, t->x - t->o - first, now + term, next + term);
    *own = -*own;
    return change;
}

static void change(void *state, size_t site, uint32_t asked, double *out)
{
    dense_chains *t = state;
    t->position = (size_t)t->learned->made->position[site];
    t->asked = 0;
    for (size_t c = 0; c < T; c++) {
        out[c] = 0;
        if (asked >> c & 1)
            t->chain[t->asked++] = c;
    }
    change_hidden(t);
    change_logits(t);
    for (size_t k = 0; k < t->asked; k++) {
        t->change[k] = change_terms(t, k);
        out[t->chain[k]] = t->learned->temperature * t->change[k];
    }
}

static void commit(void *state, size_t site, const uint32_t *accept)
{
    dense_chains *t = state;
    size_t block = down(t->position, SITES), o = t->o + block, term = t->term + block / SITES * LANES;
    (void)site; /* the one proposed last */
    for (size_t k = 0; k < t->asked; k++) {
        float *now = t->now + t->chain[k] * t->size;
        const float *next = t->next + k * t->size;
        if (!accept[t->chain[k]])
            continue;
        for (size_t l = 0; l < t->learned->made->architecture.layers; l++) {
            size_t first = first_line(t, l), at = t->z[l] + first;
            memcpy(now + at, next + at, lines_from(t, l, first) * sizeof *now);
        }
        memcpy(now + o, next + o, (t->x - o) * sizeof *now);
        memcpy(now + term, next + term, (t->end - term) * sizeof *now);
        now[t->x + t->position] = -now[t->x + t->position];
        t->nll[t->chain[k]] += t->change[k];
    }
}

/* ---- creation */

static void destroy(void *state)
{
    dense_chains *t = state;
    nnsm_release(t->now);
    nnsm_release(t->next);
    nnsm_release(t->difference);
    nnsm_release(t->first);
    nnsm_release(t);
}

/* A chain's floats, an odd number of lines, so that the same quantity of all chains does not fall into the same places
 * of the cache. */
static void lay_out(dense_chains *t)
{
    const nnsm_made *made = t->learned->made;
    size_t sites = up(made->sites, SITES), next = 0;
    for (size_t l = 0; l < made->architecture.layers; l++) {
        t->z[l] = next;
        next += up(made->architecture.hidden[l], LINE);
    }
    t->o = next;
    t->x = t->o + sites;
    t->term = t->x + sites;
    t->end = t->term + sites / SITES * LANES;
    t->size = (up(t->end, LINE) / LINE | 1) * LINE;
}

static nnsm_status allocate(dense_chains *t, nnsm_error *error)
{
    const nnsm_made *made = t->learned->made;
    nnsm_status status = NNSM_NEW(&t->now, T * t->size, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->next, T * t->size, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->difference, T * t->o, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->first, made->architecture.layers * made->sites, "chains of a scan", error);
    for (size_t l = 0; l < made->architecture.layers && !status; l++)
        for (size_t p = 0; p < made->sites; p++)
            t->first[l * made->sites + p] = nnsm_made_first_unit(made, l, p);
    for (size_t c = 0; c < T && !status; c++)
        for (size_t i = t->x + made->sites; i < t->term; i++)
            t->now[c * t->size + i] = 1.f;
    return status;
}

static const nnsm_tile_methods methods = {.load = load,
                                          .change = change,
                                          .commit = commit,
                                          .energy = energy,
                                          .refresh = refresh,
                                          .read = read,
                                          .destroy = destroy};

nnsm_status nnsm_dense_chains_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    dense_chains *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (status)
        return status;
    t->learned = learned;
    lay_out(t);
    status = allocate(t, error);
    if (status) {
        destroy(t);
        return status;
    }
    *out = (nnsm_tile){.methods = &methods, .state = t, .sites = learned->made->sites};
    return NNSM_OK;
}
