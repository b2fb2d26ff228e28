/* masked_tile.c: H(s) = -T0 log p(s) of a dense network on sums in overlapping windows, whose softmax is masked
 * (made/masked.h), for 32 chains at a time. States and units are those of dense_states.h, sites in raster order; what
 * the windows add to the logits is kept beside them, chain by chain, and followed anew from the first row of windows
 * that an update touches to where nothing changes any more. Outside of the support H is infinite: such updates are
 * rejected, and a chain that began there accepts the first one that leads inside. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/dense_states.h"
#include "lattice/support_path.h"
#include "made/masked.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE };

typedef struct {
    nnsm_dense_states states;
    nnsm_support_stream *stream[T]; /* one a chain, for ancestral sampling; the first does all else */
    nnsm_support_path path[T];
    int8_t *ahead;                         /* [T][sites] states as proposed, by site */
    uint32_t *allowed;                     /* [sites] of one proposal */
    float *belief;                         /* [sites][beliefs] of one proposal */
    float *add, *add_new;                  /* [outputs][T] what the windows add to the logits */
    size_t changed_from[T], changed_to[T]; /* sites where add_new may differ from add */
    bool changed[T], inside[T];            /* of the proposal: anything; in the support */
} masked_tile;

static const nnsm_made *made_of(const masked_tile *t)
{
    return t->states.rows.learned->made;
}

/* Terms of the logits in one chain's column of add. */
static void put(const nnsm_made *made, size_t site, size_t chain, uint32_t allowed, const float *belief, float *add)
{
    float terms[NNSM_MAX_VALUES];
    nnsm_masked_terms(made, site, allowed, belief, terms);
    for (size_t k = 0; k < made->width; k++)
        add[(site * made->width + k) * T + chain] = terms[k];
}

/* -log q of sites first ... end - 1 from logits o and what the windows add; sum += term_new - term. */
static void terms_of(const nnsm_made *made, const float *s, const float *o, const float *add, const float *term,
                     size_t first, size_t end, float *term_new, double *sum)
{
    float y[NNSM_MAX_VALUES * T];
    size_t block = made->width * T;
    for (size_t p = first; p < end; p++) {
        for (size_t i = 0; i < block; i++)
            y[i] = o[p * block + i] + add[p * block + i];
        nnsm_tile_softmax_terms(made->width, s + p * T, y, term + p * T, 1, term_new + p * T, sum);
    }
}

static void refresh(void *state)
{
    masked_tile *t = state;
    nnsm_dense_rows *r = &t->states.rows;
    const nnsm_made *made = made_of(t);
    size_t n = made->sites, f = made->beliefs;
    nnsm_dense_rows_evaluate(r);
    for (size_t c = 0; c < T; c++) {
        int8_t *states = t->ahead + c * n;
        for (size_t p = 0; p < n; p++)
            states[p] = (int8_t)t->states.s[p * T + c];
        (void)nnsm_support_path_load(&t->path[c], t->stream[0], states);
        for (size_t p = 0; p < n; p++)
            put(made, p, c, t->path[c].allowed[p], t->path[c].belief + p * f, t->add);
        t->changed_from[c] = t->changed_to[c] = 0;
    }
    memcpy(t->add_new, t->add, made->outputs * T * sizeof *t->add);
    memset(r->term_new, 0, n * T * sizeof *r->term_new);
    memset(r->nll, 0, sizeof r->nll);
    terms_of(made, t->states.s, r->o, t->add, r->term_new, 0, n, r->term, r->nll);
}

static void load(void *state, const int8_t *configurations)
{
    nnsm_dense_states_load(&((masked_tile *)state)->states, configurations);
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    nnsm_dense_states_read(&((const masked_tile *)state)->states, configurations);
}

static void look(const void *state, size_t site, int8_t *states)
{
    nnsm_dense_states_look(&((const masked_tile *)state)->states, site, states);
}

/* ---- updates */

/* The states of an update's sites ahead, and which chains it changes. */
static void look_ahead(masked_tile *t, const nnsm_update *update)
{
    size_t n = made_of(t)->sites;
    memset(t->changed, 0, sizeof t->changed);
    for (size_t i = 0; i < update->count; i++)
        for (size_t c = 0; c < T; c++) {
            int8_t *state = &t->ahead[c * n + update->site[i]];
            t->changed[c] = t->changed[c] || update->state[i][c] != *state;
            *state = update->state[i][c];
        }
}

/* Columns of add_new that an update changed before become those of add. */
static void take_back(masked_tile *t, size_t chain)
{
    size_t width = made_of(t)->width;
    for (size_t r = t->changed_from[chain] * width; r < t->changed_to[chain] * width; r++)
        t->add_new[r * T + chain] = t->add[r * T + chain];
    t->changed_from[chain] = t->changed_to[chain] = 0;
}

/* The first and the last site of the update. */
static size_t first_of(const masked_tile *t)
{
    return t->states.update[0].position;
}

static size_t last_of(const masked_tile *t)
{
    return t->states.update[t->states.count - 1].position;
}

/* Where the proposal of one chain leads. */
static void follow(masked_tile *t, size_t chain)
{
    const nnsm_made *made = made_of(t);
    const nnsm_support_path *path = &t->path[chain];
    size_t from, to, first = first_of(t);
    t->inside[chain] = path->inside;
    if (!t->changed[chain])
        return;
    t->inside[chain] = nnsm_support_path_try(path, t->stream[0], t->ahead + chain * made->sites, first, last_of(t),
                                             t->allowed, t->belief, &from, &to);
    if (!t->inside[chain])
        return;
    t->changed_from[chain] = from > first || !path->inside ? from : first;
    t->changed_to[chain] = to;
    for (size_t p = t->changed_from[chain]; p < to; p++)
        put(made, p, chain, t->allowed[p], t->belief + p * made->beliefs, t->add_new);
}

static void propose(void *state, const nnsm_update *update, double *change)
{
    masked_tile *t = state;
    nnsm_dense_states *states = &t->states;
    nnsm_dense_rows *r = &states->rows;
    const nnsm_made *made = made_of(t);
    size_t n = made->sites;
    for (size_t c = 0; c < T; c++) {
        for (size_t i = 0; i < states->count; i++) { /* of the update before */
            size_t site = states->update[i].position;
            t->ahead[c * n + site] = (int8_t)states->s[site * T + c];
        }
        take_back(t, c);
    }
    look_ahead(t, update);
    nnsm_dense_states_arrange(states, update);
    for (size_t c = 0; c < T; c++)
        follow(t, c);
    nnsm_dense_rows_change(r, states->update, states->count);
    size_t first = first_of(t);
    memset(r->change, 0, sizeof r->change);
    /* The first site's logits do not change. */
    terms_of(made, states->s_new, r->o, t->add_new, r->term, first, first + 1, r->term_new, r->change);
    terms_of(made, states->s_new, r->o_new, t->add_new, r->term, first + 1, n, r->term_new, r->change);
    for (size_t c = 0; c < T; c++) {
        bool inside = t->path[c].inside;
        change[c] = made->architecture.temperature * r->change[c];
        if (t->changed[c] && !(t->inside[c] && inside))
            change[c] = t->inside[c] ? -INFINITY : INFINITY;
    }
}

static void accept_chain(masked_tile *t, size_t chain)
{
    const nnsm_made *made = made_of(t);
    for (size_t r = t->changed_from[chain] * made->width; r < t->changed_to[chain] * made->width; r++)
        t->add[r * T + chain] = t->add_new[r * T + chain];
    nnsm_support_path_accept(&t->path[chain], t->stream[0], t->ahead + chain * made->sites, first_of(t), last_of(t));
}

static void settle(void *state, const nnsm_update *update, const uint32_t *accept)
{
    masked_tile *t = state;
    bool entered = false;
    (void)update; /* arranged already */
    if (!nnsm_dense_states_accept(&t->states, accept))
        return;
    for (size_t c = 0; c < T; c++)
        if (accept[c] && t->changed[c]) {
            entered = entered || !t->path[c].inside;
            accept_chain(t, c);
        }
    if (entered) /* the terms of a chain that was outside were not its own */
        refresh(t);
}

static void energy(const void *state, double *out)
{
    const masked_tile *t = state;
    nnsm_dense_rows_energy(&t->states.rows, out);
    for (size_t c = 0; c < T; c++)
        out[c] = t->path[c].inside ? out[c] : INFINITY;
}

/* ---- ancestral sampling */

/* The allowed state at which the rising sum of the probabilities passes `random` (in [0, 1)). */
static int8_t draw(const float *o, const float *add, uint32_t allowed, size_t values, double random)
{
    double weight[NNSM_MAX_VALUES], top = -INFINITY, sum = 0;
    int8_t last = 0;
    for (size_t k = 0; k < values; k++)
        if (allowed >> k & 1)
            top = fmax(top, (double)o[k * T] + (double)add[k]);
    for (size_t k = 0; k < values; k++)
        sum += weight[k] = allowed >> k & 1 ? exp((double)o[k * T] + (double)add[k] - top) : 0;
    double left = random * sum;
    for (size_t k = 0; k < values; k++) {
        if (!(allowed >> k & 1))
            continue;
        last = (int8_t)k;
        left -= weight[k];
        if (left < 0)
            break;
    }
    return last;
}

/* One chain's state at a site, and its stream past it. possible: in and out, false once it has left the support. */
static int8_t next_state(masked_tile *t, size_t site, size_t chain, const float *o, double random, int8_t present,
                         bool *possible)
{
    const nnsm_made *made = made_of(t);
    uint32_t allowed = *possible ? nnsm_support_next(t->stream[chain], t->belief) : 0;
    float add[NNSM_MAX_VALUES];
    int8_t value = present;
    if (!*possible)
        memset(t->belief, 0, made->beliefs * sizeof *t->belief);
    if (o) {
        nnsm_masked_terms(made, site, allowed, t->belief, add);
        value = draw(o + chain, add, allowed ? allowed : UINT32_MAX, made->width, random);
    }
    *possible = *possible && nnsm_support_take(t->stream[chain], (size_t)value);
    return value;
}

void nnsm_masked_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    masked_tile *t = tile->state;
    size_t n = tile->sites;
    uint32_t random[4 * T];
    bool possible[T];
    t->states.count = 0;
    nnsm_dense_rows_start(&t->states.rows);
    for (size_t c = 0; c < T; c++) {
        nnsm_support_begin(t->stream[c]);
        possible[c] = true;
    }
    for (size_t p = 0; p < n; p++) {
        const float *o = p < draws->from ? NULL : nnsm_dense_rows_logits(&t->states.rows, p);
        const uint32_t *words = o ? nnsm_draw_words(draws, p, random) : NULL;
        for (size_t c = 0; c < T; c++)
            nnsm_dense_states_set(
                &t->states, p, c,
                next_state(t, p, c, o, words ? words[c] * 0x1p-32 : 0, configurations[c * n + p], &possible[c]));
        if (p + 1 >= draws->from)
            nnsm_dense_rows_advance(&t->states.rows, p);
    }
    refresh(t);
    read(t, configurations);
}

/* ---- creation */

static void destroy(void *state)
{
    masked_tile *t = state;
    nnsm_dense_states_destroy(&t->states);
    for (size_t c = 0; c < T; c++) {
        nnsm_support_stream_destroy(t->stream[c]);
        nnsm_support_path_destroy(&t->path[c]);
    }
    void *arrays[] = {t->ahead, t->allowed, t->belief, t->add, t->add_new};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    nnsm_release(t);
}

const nnsm_tile_methods nnsm_masked_tile_methods = {.load = load,
                                                    .look = look,
                                                    .propose = propose,
                                                    .settle = settle,
                                                    .energy = energy,
                                                    .refresh = refresh,
                                                    .read = read,
                                                    .destroy = destroy};

static nnsm_status allocate(masked_tile *t, const nnsm_made *made, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    float **arrays[] = {&t->add, &t->add_new, &t->belief};
    size_t sizes[] = {made->outputs * T, made->outputs * T, made->sites * made->beliefs};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i], sizes[i], "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->ahead, T * made->sites, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->allowed, made->sites, "chains of a scan", error);
    for (size_t c = 0; c < T && !status; c++) {
        status = nnsm_support_stream_create(&t->stream[c], made->support, error);
        if (!status)
            status = nnsm_support_path_create(&t->path[c], made->support, error);
    }
    return status;
}

nnsm_status nnsm_masked_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    masked_tile *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (status)
        return status;
    status = nnsm_dense_states_create(&t->states, learned, error);
    if (!status)
        status = allocate(t, learned->made, error);
    if (status)
        destroy(t);
    else
        *out = (nnsm_tile){.methods = &nnsm_masked_tile_methods, .state = t, .sites = learned->made->sites};
    return status;
}
