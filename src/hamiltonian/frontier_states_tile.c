/* frontier_states_tile.c: H(s) = -T0 log p(s) of a frontier network of sites with more than two values, for 32 chains
 * at a time. As in frontier_tile.c, all rows are kept once updates are proposed; an update changes q - 1 inputs at
 * every one of its sites, and touches the outputs whose frontier holds one of them, once each, and the terms of the
 * sites themselves. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/learned.h"
#include "made/frontier_kernels.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE, MOST_CHANGES = NNSM_UPDATE_SITES * (NNSM_MAX_VALUES - 1) };

/* One site of the update in the frontier of an output that it touches. */
typedef struct {
    size_t slot, site; /* in the frontier; in the update */
    int32_t next;      /* of the same output, -1: none */
} contact;

typedef struct {
    const nnsm_learned *learned;
    size_t values;
    float *s, *s_new; /* [sites][T] states by position; after the update proposed last */
    bool keeps;
    float *h;               /* kept, [rows of all outputs][T] */
    float *scratch;         /* rows of one output, not kept */
    size_t *at;             /* [sites] first row of an output in h */
    float *gathered;        /* [most inputs + 1][T] */
    float *o, *o_new;       /* [sites][values][T] logits; the first is 0 */
    float *term, *term_new; /* [sites][T] -log q */
    double nll[T], change[T];
    /* the update proposed last */
    float *step;                          /* [NNSM_UPDATE_SITES][values - 1][T] of the indicators */
    size_t own[NNSM_UPDATE_SITES], count; /* positions of its sites */
    int32_t *first;                       /* [sites] first contact of an output; -1: none, -2: not touched */
    size_t *touched, outputs;             /* [sites] positions in the order they were met */
    contact *contacts;                    /* [NNSM_UPDATE_SITES][sites] */
    nnsm_frontier_change changes[MOST_CHANGES];
} states_tile;

static size_t position_of(const states_tile *t, size_t site)
{
    return (size_t)t->learned->position[site];
}

static const nnsm_fit *fit_of(const states_tile *t, size_t p, size_t *index, const int32_t **sites)
{
    *index = nnsm_frontier_output(t->learned->frontier, p, sites);
    return nnsm_frontier_look(t->learned->frontier, *index);
}

/* ---- full evaluation */

/* The inputs of an output, but for signs. */
static void gather(states_tile *t, const nnsm_fit *fit, const int32_t *sites)
{
    size_t outputs = t->values - 1;
    float mean = 1.f / (float)t->values;
    for (size_t i = 0; i < fit->inputs; i++) {
        float *x = t->gathered + i * T, value = (float)(i % outputs + 1);
        if (sites[i / outputs] < 0) {
            memset(x, 0, T * sizeof *x);
            continue;
        }
        const float *s = t->s + position_of(t, (size_t)sites[i / outputs]) * T;
        for (size_t c = 0; c < T; c++)
            x[c] = (s[c] == value ? 1.f : 0.f) - mean;
    }
}

/* Fields, kept or not, and logits of one output from the states before it. */
static void evaluate(states_tile *t, size_t p)
{
    const int32_t *sites;
    size_t index;
    const nnsm_fit *fit = fit_of(t, p, &index, &sites);
    float *h = t->keeps ? t->h + t->at[p] * T : t->scratch, *o = t->o + p * t->values * T;
    gather(t, fit, sites);
    nnsm_learned_fields(t->learned, index, t->gathered, h);
    memset(o, 0, T * sizeof *o);
    nnsm_frontier_logits(h, NULL, 0, fit->weights + fit->inputs, nnsm_fit_features(fit), fit->units, t->values - 1,
                         o + T);
}

static void sum_terms(states_tile *t)
{
    size_t sites = nnsm_frontier_sites(t->learned->frontier);
    memset(t->term_new, 0, sites * T * sizeof *t->term_new);
    memset(t->nll, 0, sizeof t->nll);
    nnsm_tile_softmax_terms(t->values, t->s, t->o, t->term_new, sites, t->term, t->nll);
}

static void refresh(void *state)
{
    states_tile *t = state;
    for (size_t p = 0; p < nnsm_frontier_sites(t->learned->frontier); p++)
        evaluate(t, p);
    sum_terms(t);
}

/* No update is under way: nothing is touched. */
static void forget(states_tile *t)
{
    for (size_t i = 0; i < t->outputs; i++)
        t->first[t->touched[i]] = -2;
    t->outputs = t->count = 0;
}

static void load(void *state, const int8_t *configurations)
{
    states_tile *t = state;
    size_t sites = nnsm_frontier_sites(t->learned->frontier);
    const int32_t *order = nnsm_frontier_order(t->learned->frontier);
    forget(t);
    t->keeps = false;
    for (size_t p = 0; p < sites; p++)
        for (size_t c = 0; c < T; c++)
            t->s[p * T + c] = t->s_new[p * T + c] = (float)configurations[c * sites + (size_t)order[p]];
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    const states_tile *t = state;
    size_t sites = nnsm_frontier_sites(t->learned->frontier);
    const int32_t *order = nnsm_frontier_order(t->learned->frontier);
    for (size_t p = 0; p < sites; p++)
        for (size_t c = 0; c < T; c++)
            configurations[c * sites + (size_t)order[p]] = (int8_t)t->s[p * T + c];
}

static void look(const void *state, size_t site, int8_t *states)
{
    const states_tile *t = state;
    const float *s = t->s + position_of(t, site) * T;
    for (size_t c = 0; c < T; c++)
        states[c] = (int8_t)s[c];
}

/* ---- updates */

static void touch(states_tile *t, size_t position)
{
    if (t->first[position] != -2)
        return;
    t->first[position] = -1;
    t->touched[t->outputs++] = position;
}

/* Steps of the indicators, new states, and which outputs see them where. */
static void arrange(states_tile *t, const nnsm_update *update)
{
    size_t outputs = t->values - 1, contacts = 0;
    for (size_t i = 0; i < t->count; i++) /* of an update that was not accepted everywhere */
        memcpy(t->s_new + t->own[i] * T, t->s + t->own[i] * T, T * sizeof *t->s);
    forget(t);
    t->count = update->count;
    for (size_t i = 0; i < update->count; i++) {
        const int32_t *positions, *slots;
        size_t seen = nnsm_frontier_seen_by(t->learned->frontier, update->site[i], &positions, &slots);
        size_t own = t->own[i] = position_of(t, update->site[i]);
        const float *s = t->s + own * T;
        for (size_t c = 0; c < T; c++)
            t->s_new[own * T + c] = (float)update->state[i][c];
        for (size_t k = 0; k < outputs; k++)
            for (size_t c = 0; c < T; c++)
                t->step[(i * outputs + k) * T + c] =
                    (float)(t->s_new[own * T + c] == (float)(k + 1)) - (float)(s[c] == (float)(k + 1));
        touch(t, own);
        for (size_t k = 0; k < seen; k++) {
            size_t p = (size_t)positions[k];
            touch(t, p);
            t->contacts[contacts] = (contact){(size_t)slots[k], i, t->first[p]};
            t->first[p] = (int32_t)contacts++;
        }
    }
}

/* The changed inputs of one output. */
static size_t list_changes(states_tile *t, size_t p, size_t index)
{
    size_t outputs = t->values - 1, changes = 0;
    for (int32_t i = t->first[p]; i >= 0; i = t->contacts[i].next)
        for (size_t v = 0; v < outputs; v++) {
            const float *step = t->step + (t->contacts[i].site * outputs + v) * T;
            t->changes[changes++] = nnsm_learned_change(t->learned, index, t->contacts[i].slot * outputs + v, step);
        }
    return changes;
}

static void propose(void *state, const nnsm_update *update, double *change)
{
    states_tile *t = state;
    size_t outputs = t->values - 1;
    if (!t->keeps) {
        t->keeps = true;
        refresh(t);
    }
    arrange(t, update);
    memset(t->change, 0, sizeof t->change);
    for (size_t i = 0; i < t->outputs; i++) {
        const int32_t *sites;
        size_t p = t->touched[i], index, at = p * t->values * T;
        const nnsm_fit *fit = fit_of(t, p, &index, &sites);
        size_t changes = list_changes(t, p, index);
        if (changes)
            nnsm_frontier_logits(t->h + t->at[p] * T, t->changes, changes, fit->weights + fit->inputs,
                                 nnsm_fit_features(fit), fit->units, outputs, t->o_new + at + T);
        else
            memcpy(t->o_new + at + T, t->o + at + T, outputs * T * sizeof *t->o);
        nnsm_tile_softmax_terms(t->values, t->s_new + p * T, t->o_new + at, t->term + p * T, 1, t->term_new + p * T,
                                t->change);
    }
    for (size_t c = 0; c < T; c++) {
        bool same = true;
        for (size_t i = 0; i < t->count; i++)
            same = same && t->s_new[t->own[i] * T + c] == t->s[t->own[i] * T + c];
        t->change[c] = same ? 0 : t->change[c]; /* not what rounding makes of it */
        change[c] = t->learned->temperature * t->change[c];
    }
}

static void settle(void *state, const nnsm_update *update, const uint32_t *accept)
{
    states_tile *t = state;
    size_t outputs = t->values - 1;
    uint32_t any = 0;
    (void)update; /* arranged already */
    for (size_t c = 0; c < T; c++)
        any |= accept[c];
    if (!any)
        return;
    for (size_t i = 0; i < t->count * outputs * T; i++)
        t->step[i] = accept[i % T] ? t->step[i] : 0.f;
    for (size_t i = 0; i < t->outputs; i++) {
        const int32_t *sites;
        size_t p = t->touched[i], index;
        size_t panels = nnsm_fit_panels(fit_of(t, p, &index, &sites)), changes = list_changes(t, p, index);
        for (size_t k = 0; k < changes; k++)
            nnsm_frontier_shift(t->h + t->at[p] * T, &t->changes[k], panels);
        nnsm_tile_select(accept, t->o_new + p * t->values * T, t->values, t->o + p * t->values * T);
        nnsm_tile_select(accept, t->term_new + p * T, 1, t->term + p * T);
    }
    for (size_t i = 0; i < t->count; i++)
        nnsm_tile_select(accept, t->s_new + t->own[i] * T, 1, t->s + t->own[i] * T);
    for (size_t c = 0; c < T; c++)
        t->nll[c] += accept[c] ? t->change[c] : 0;
}

static void energy(const void *state, double *out)
{
    const states_tile *t = state;
    for (size_t c = 0; c < T; c++)
        out[c] = t->learned->temperature * t->nll[c];
}

/* ---- ancestral sampling */

void nnsm_frontier_states_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    states_tile *t = tile->state;
    const int32_t *order = nnsm_frontier_order(t->learned->frontier);
    uint32_t random[4 * T];
    forget(t);
    t->keeps = false;
    for (size_t p = 0; p < tile->sites; p++) {
        const float *o = t->o + p * t->values * T;
        evaluate(t, p);
        const uint32_t *words = p < draws->from ? NULL : nnsm_draw_words(draws, p, random);
        for (size_t c = 0; c < T; c++)
            t->s[p * T + c] = words ? (float)nnsm_draw_state(o + c, t->values, words[c] * 0x1p-32)
                                    : (float)configurations[c * tile->sites + (size_t)order[p]];
    }
    memcpy(t->s_new, t->s, tile->sites * T * sizeof *t->s);
    sum_terms(t);
    read(t, configurations);
}

/* ---- creation */

static void destroy(void *state)
{
    states_tile *t = state;
    void *blocks[] = {t->s,     t->s_new, t->h,        t->at,   t->scratch, t->gathered, t->o,
                      t->o_new, t->term,  t->term_new, t->step, t->first,   t->touched,  t->contacts};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        nnsm_release(blocks[i]);
    nnsm_release(t);
}

const nnsm_tile_methods nnsm_frontier_states_methods = {.load = load,
                                                        .look = look,
                                                        .propose = propose,
                                                        .settle = settle,
                                                        .energy = energy,
                                                        .refresh = refresh,
                                                        .read = read,
                                                        .destroy = destroy};

static nnsm_status allocate(states_tile *t, nnsm_error *error)
{
    const nnsm_frontier *network = t->learned->frontier;
    size_t sites = nnsm_frontier_sites(network), rows = 0, most = 0, inputs = 0, index, outputs = t->values - 1;
    nnsm_status status = NNSM_NEW(&t->at, sites, "chains of a scan", error);
    for (size_t p = 0; p < sites && !status; p++) {
        const int32_t *seen;
        const nnsm_fit *fit = fit_of(t, p, &index, &seen);
        t->at[p] = rows;
        size_t own = nnsm_fit_panels(fit) * NNSM_PANEL_ROWS;
        rows += own;
        most = own > most ? own : most;
        inputs = fit->inputs > inputs ? fit->inputs : inputs;
    }
    struct {
        float **array;
        size_t rows;
    } arrays[] = {{&t->s, sites},
                  {&t->s_new, sites},
                  {&t->o, sites * t->values},
                  {&t->o_new, sites * t->values},
                  {&t->term, sites},
                  {&t->term_new, sites},
                  {&t->h, rows},
                  {&t->scratch, most},
                  {&t->gathered, inputs + 1},
                  {&t->step, NNSM_UPDATE_SITES * outputs}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i].array, arrays[i].rows * T, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->first, sites, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->touched, sites, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->contacts, NNSM_UPDATE_SITES * sites, "chains of a scan", error);
    for (size_t p = 0; p < sites && !status; p++)
        t->first[p] = -2;
    return status;
}

nnsm_status nnsm_frontier_states_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    states_tile *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (status)
        return status;
    t->learned = learned;
    t->values = (size_t)nnsm_frontier_architecture_of(learned->frontier)->alphabet.count;
    status = allocate(t, error);
    if (status)
        destroy(t);
    else
        *out = (nnsm_tile){
            .methods = &nnsm_frontier_states_methods, .state = t, .sites = nnsm_frontier_sites(learned->frontier)};
    return status;
}
