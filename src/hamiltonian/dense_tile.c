/* dense_tile.c: H(s) = -T0 log p(s) for 32 chains at a time.
 *
 * Flipping the site at position p changes nothing before p: with units sorted by degree only the suffix of every hidden
 * layer (degree > p) and of the outputs (position > p) is touched, by the change of its inputs: a rank-one change into
 * the first layer and the direct connections, then products of the suffixes' triangular parts. Averaged over p that is
 * a sixth of the dense work. The proposal is kept beside the current state and selected chain by chain on commit; the
 * terms log(1 + exp(-x o)) of the current state are kept, not recomputed. Rounding of many commits is bounded by a
 * refresh (stage/chains.c), which evaluates everything from scratch. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/learned.h"
#include "made/network.h"
#include "made/tile_kernels.h"

typedef struct {
    float *z, *a;         /* [units][NNSM_TILE] current pre-activations and activations */
    float *z_new, *a_new; /* the same for the proposal */
    float *difference;    /* a_new - a */
} layer_state;

typedef struct {
    const nnsm_learned *learned;
    layer_state layer[NNSM_MAX_LAYERS];
    float *x;               /* [sites][NNSM_TILE] spins in the network's order */
    float *o, *o_new;       /* logits, bias included */
    float *term, *term_new; /* log(1 + exp(-x o)) = -log q */
    double nll[NNSM_TILE], change[NNSM_TILE];
} learned_tile;

/* ---- full evaluation */

static void fill_rows(const float *bias, size_t rows, float *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            out[r * NNSM_TILE + c] = bias[r];
}

static void refresh(void *state)
{
    learned_tile *t = state;
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    const float *below = t->x;
    for (size_t l = 0; l < made->architecture.layers; l++) {
        layer_state *layer = &t->layer[l];
        size_t width = made->architecture.hidden[l];
        fill_rows(made->parameters + made->hidden_bias[l], width, layer->z);
        nnsm_panels_multiply(&h->hidden[l], 0, 0, below, layer->z, layer->z);
        nnsm_tile_activate(made->architecture.activation, layer->z, layer->a_new, width, layer->a, layer->difference);
        below = layer->a;
    }
    fill_rows(made->parameters + made->output_bias, made->sites, t->o);
    if (made->architecture.layers)
        nnsm_panels_multiply(&h->output, 0, 0, below, t->o, t->o);
    if (made->architecture.direct)
        nnsm_panels_multiply(&h->direct, 0, 0, t->x, t->o, t->o);
    memset(t->term_new, 0, made->sites * NNSM_TILE * sizeof *t->term_new);
    memset(t->nll, 0, sizeof t->nll);
    nnsm_tile_terms(t->x, t->o, t->term_new, made->sites, t->term, t->nll);
}

static void load(void *state, const int8_t *configurations)
{
    learned_tile *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            t->x[p * NNSM_TILE + c] = (float)configurations[c * made->sites + (size_t)made->order[p]];
    refresh(state);
}

static void read(const void *state, int8_t *configurations)
{
    const learned_tile *t = state;
    const nnsm_made *made = t->learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            configurations[c * made->sites + (size_t)made->order[p]] = (int8_t)t->x[p * NNSM_TILE + c];
}

/* ---- a single flip */

/* Changes of the hidden layers' suffixes; returns the first changed unit of the last layer. */
static size_t change_hidden(learned_tile *t, size_t position, const float *step)
{
    const nnsm_learned *h = t->learned;
    const nnsm_architecture *a = &h->made->architecture;
    size_t first = 0;
    for (size_t l = 0; l < a->layers; l++) {
        layer_state *layer = &t->layer[l];
        size_t below = first;
        first = nnsm_made_first_unit(h->made, l, position);
        size_t rows = a->hidden[l] - first, shift = first * NNSM_TILE;
        if (l == 0)
            nnsm_tile_rank_one(h->first_columns + position * a->hidden[0] + first, step, rows, layer->z + shift,
                               layer->z_new + shift);
        else
            nnsm_panels_multiply(&h->hidden[l], first, below, t->layer[l - 1].difference, layer->z, layer->z_new);
        nnsm_tile_activate(a->activation, layer->z_new + shift, layer->a + shift, rows, layer->a_new + shift,
                           layer->difference + shift);
    }
    return first;
}

static void change(void *state, size_t site, double *out)
{
    learned_tile *t = state;
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    size_t position = (size_t)made->position[site], next = position + 1, rows = made->sites - next;
    float step[NNSM_TILE];
    for (size_t c = 0; c < NNSM_TILE; c++)
        step[c] = -2.f * t->x[position * NNSM_TILE + c];
    size_t first = change_hidden(t, position, step);
    const float *base = t->o;
    if (made->architecture.direct) {
        nnsm_tile_rank_one(h->direct_columns + position * made->sites + next, step, rows, t->o + next * NNSM_TILE,
                           t->o_new + next * NNSM_TILE);
        base = t->o_new;
    }
    if (made->architecture.layers && rows)
        nnsm_panels_multiply(&h->output, next, first, t->layer[made->architecture.layers - 1].difference, base,
                             t->o_new);
    else if (!made->architecture.direct)
        memcpy(t->o_new + next * NNSM_TILE, t->o + next * NNSM_TILE, rows * NNSM_TILE * sizeof *t->o);
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
    learned_tile *t = state;
    const nnsm_made *made = t->learned->made;
    uint32_t any = 0;
    for (size_t c = 0; c < NNSM_TILE; c++)
        any |= accept[c];
    if (!any)
        return;
    size_t position = (size_t)made->position[site], next = (position + 1) * NNSM_TILE;
    for (size_t l = 0; l < made->architecture.layers; l++) {
        size_t first = nnsm_made_first_unit(made, l, position), rows = made->architecture.hidden[l] - first;
        layer_state *layer = &t->layer[l];
        nnsm_tile_select(accept, layer->z_new + first * NNSM_TILE, rows, layer->z + first * NNSM_TILE);
        nnsm_tile_select(accept, layer->a_new + first * NNSM_TILE, rows, layer->a + first * NNSM_TILE);
    }
    nnsm_tile_select(accept, t->o_new + next, made->sites - position - 1, t->o + next);
    nnsm_tile_select(accept, t->term_new + next, made->sites - position - 1, t->term + next);
    for (size_t c = 0; c < NNSM_TILE; c++)
        if (accept[c]) {
            size_t i = position * NNSM_TILE + c;
            t->term[i] += t->x[i] * t->o[i];
            t->x[i] = -t->x[i];
            t->nll[c] += t->change[c];
        }
}

static void energy(const void *state, double *out)
{
    const learned_tile *t = state;
    for (size_t c = 0; c < NNSM_TILE; c++)
        out[c] = t->learned->made->architecture.temperature * t->nll[c];
}

/* ---- ancestral sampling: every unit is computed once, when its last input is known */

static void sample_layers(learned_tile *t, size_t *done, size_t position)
{
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    const float *below = t->x;
    for (size_t l = 0; l < made->architecture.layers; l++) {
        size_t end = nnsm_made_first_unit(made, l, position + 1), first = done[l];
        layer_state *layer = &t->layer[l];
        fill_rows(made->parameters + made->hidden_bias[l] + first, end - first, layer->z + first * NNSM_TILE);
        for (size_t u = first; u < end; u++)
            nnsm_panels_row(&h->hidden[l], u, below, layer->z + u * NNSM_TILE);
        nnsm_tile_activate(made->architecture.activation, layer->z + first * NNSM_TILE,
                           layer->a_new + first * NNSM_TILE, end - first, layer->a + first * NNSM_TILE,
                           layer->difference + first * NNSM_TILE);
        done[l] = end;
        below = layer->a;
    }
}

void nnsm_dense_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    learned_tile *t = tile->state;
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    size_t done[NNSM_MAX_LAYERS] = {0};
    uint32_t random[4 * NNSM_TILE];
    memset(t->x, 0, made->sites * NNSM_TILE * sizeof *t->x);
    for (size_t l = 0; l < made->architecture.layers; l++)
        memset(t->layer[l].a, 0, nnsm_panel_rows(made->architecture.hidden[l]) * NNSM_TILE * sizeof(float));
    for (size_t p = 0; p < made->sites; p++) {
        float *o = t->o + p * NNSM_TILE, *x = t->x + p * NNSM_TILE;
        if (p < draws->from) {
            for (size_t c = 0; c < NNSM_TILE; c++)
                x[c] = (float)configurations[c * made->sites + (size_t)made->order[p]];
            sample_layers(t, done, p);
            continue;
        }
        fill_rows(made->parameters + made->output_bias + p, 1, o);
        if (made->architecture.layers)
            nnsm_panels_row(&h->output, p, t->layer[made->architecture.layers - 1].a, o);
        if (made->architecture.direct)
            nnsm_panels_row(&h->direct, p, t->x, o);
        nnsm_draw_spins(draws, p, o, random, x);
        sample_layers(t, done, p);
    }
    refresh(t);
    read(t, configurations);
}

/* ---- creation */

static void destroy(void *state)
{
    learned_tile *t = state;
    for (size_t l = 0; l < NNSM_MAX_LAYERS; l++) {
        float *arrays[] = {t->layer[l].z, t->layer[l].a, t->layer[l].z_new, t->layer[l].a_new, t->layer[l].difference};
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
            nnsm_release(arrays[i]);
    }
    float *arrays[] = {t->x, t->o, t->o_new, t->term, t->term_new};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    nnsm_release(t);
}

static const nnsm_tile_methods methods = {load, change, commit, energy, refresh, read, destroy};

static nnsm_status allocate_rows(size_t rows, float **const *arrays, size_t count, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = NNSM_NEW(arrays[i], nnsm_panel_rows(rows) * NNSM_TILE, "chains of a scan", error);
    return status;
}

nnsm_status nnsm_dense_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    learned_tile *t = NULL;
    const nnsm_made *made = learned->made;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (status)
        return status;
    t->learned = learned;
    float **sites[] = {&t->x, &t->o, &t->o_new, &t->term, &t->term_new};
    status = allocate_rows(made->sites, sites, 5, error);
    for (size_t l = 0; l < made->architecture.layers && !status; l++) {
        layer_state *s = &t->layer[l];
        float **units[] = {&s->z, &s->a, &s->z_new, &s->a_new, &s->difference};
        status = allocate_rows(made->architecture.hidden[l], units, 5, error);
    }
    if (status) {
        destroy(t);
        return status;
    }
    *out = (nnsm_tile){&methods, t, made->sites};
    return NNSM_OK;
}
