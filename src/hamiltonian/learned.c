/* learned.c: networks of all kinds, repacked for tiles. */
#include "hamiltonian/learned.h"

#include <assert.h>
#include <math.h>

#include "base/memory.h"
#include "base/vector.h"
#include "base/vector_math.h"
#include "made/network.h"

/* ---- dense */

/* Columns as nnsm_input_change wants them: [columns][nnsm_column_rows(rows)]. */
static nnsm_status transpose(float **out, const nnsm_staircase *matrix, const float *w, nnsm_error *error)
{
    size_t stride = nnsm_column_rows(matrix->rows);
    nnsm_status status = NNSM_NEW(out, stride * matrix->columns, "scan weights", error);
    for (size_t r = 0; r < matrix->rows && !status; r++)
        for (size_t i = 0; i < matrix->extent[r]; i++)
            (*out)[i * stride + r] = w[nnsm_staircase_entry(matrix, r, i)];
    return status;
}

nnsm_status nnsm_learned_create(nnsm_learned **out, const nnsm_made *made, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, "learned Hamiltonian", error);
    if (status)
        return status;
    nnsm_learned *h = *out;
    const float *w = made->parameters;
    h->made = made;
    h->temperature = made->architecture.temperature;
    for (size_t l = 0; l < made->architecture.layers && !status; l++)
        status = nnsm_panels_create(&h->hidden[l], &made->hidden[l], w + made->hidden_weights[l], error);
    if (!status && made->architecture.layers)
        status = nnsm_panels_create(&h->output, &made->output, w + made->output_weights, error);
    if (!status && made->architecture.layers)
        status = transpose(&h->first_columns, &made->hidden[0], w + made->hidden_weights[0], error);
    if (!status && made->architecture.direct)
        status = nnsm_panels_create(&h->direct, &made->direct, w + made->direct_weights, error);
    if (!status && made->architecture.direct)
        status = transpose(&h->direct_columns, &made->direct, w + made->direct_weights, error);
    if (status) {
        nnsm_learned_destroy(h);
        *out = NULL;
    }
    return status;
}

/* ---- frontier */

void nnsm_learned_fields(const nnsm_learned *learned, size_t fit, float *inputs, float *h)
{
    const nnsm_fit *f = nnsm_frontier_look(learned->frontier, fit);
    for (size_t c = 0; c < NNSM_TILE; c++)
        inputs[f->inputs * NNSM_TILE + c] = 1.f;
    nnsm_panels_full(learned->panels[fit], nnsm_fit_panels(f), f->inputs + 1, inputs, h);
}

nnsm_frontier_change nnsm_learned_change(const nnsm_learned *learned, size_t fit, size_t input, const float *step)
{
    size_t stride = (nnsm_frontier_look(learned->frontier, fit)->inputs + 1) * NNSM_PANEL_ROWS;
    return (nnsm_frontier_change){learned->panels[fit] + input * NNSM_PANEL_ROWS, stride, step};
}

nnsm_status nnsm_learned_create_frontier(nnsm_learned **out, const nnsm_frontier *frontier, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, "learned Hamiltonian", error);
    if (status)
        return status;
    nnsm_learned *h = *out;
    size_t sites = nnsm_frontier_sites(frontier), fits = nnsm_frontier_fits(frontier);
    h->frontier = frontier;
    h->temperature = nnsm_frontier_architecture_of(frontier)->temperature;
    status = NNSM_NEW(&h->position, sites, "scan weights", error);
    for (size_t p = 0; p < sites && !status; p++)
        h->position[nnsm_frontier_order(frontier)[p]] = (int32_t)p;
    if (!status)
        status = NNSM_NEW(&h->panels, fits, "scan weights", error);
    for (size_t f = 0; f < fits && !status; f++) {
        const nnsm_fit *fit = nnsm_frontier_look(frontier, f);
        status =
            NNSM_NEW(&h->panels[f], nnsm_fit_panels(fit) * (fit->inputs + 1) * NNSM_PANEL_ROWS, "scan weights", error);
        if (!status)
            nnsm_fit_pack(fit, fit->weights, fit->sign, h->panels[f]);
    }
    if (status) {
        nnsm_learned_destroy(h);
        *out = NULL;
    }
    return status;
}

/* ---- both */

void nnsm_learned_destroy(nnsm_learned *learned)
{
    if (!learned)
        return;
    for (size_t l = 0; l < NNSM_MAX_LAYERS; l++)
        nnsm_panels_destroy(&learned->hidden[l]);
    nnsm_panels_destroy(&learned->output);
    nnsm_panels_destroy(&learned->direct);
    nnsm_release(learned->first_columns);
    nnsm_release(learned->direct_columns);
    for (size_t f = 0; learned->panels && f < nnsm_frontier_fits(learned->frontier); f++)
        nnsm_release(learned->panels[f]);
    nnsm_release(learned->panels);
    nnsm_release(learned->position);
    nnsm_release(learned);
}

nnsm_status nnsm_learned_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    *out = (nnsm_tile){0};
    if (learned->frontier)
        return nnsm_frontier_architecture_of(learned->frontier)->alphabet.count > 2
                   ? nnsm_frontier_states_tile_create(out, learned, error)
                   : nnsm_frontier_tile_create(out, learned, error);
    if (learned->made->support)
        return nnsm_masked_tile_create(out, learned, error);
    return learned->made->width > 1 ? nnsm_dense_states_tile_create(out, learned, error)
                                    : nnsm_dense_tile_create(out, learned, error);
}

nnsm_status nnsm_learned_screened_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    bool some = !learned->frontier && !learned->made->support && learned->made->width == 1;
    *out = (nnsm_tile){0};
    return some ? nnsm_dense_chains_tile_create(out, learned, error) : nnsm_learned_tile_create(out, learned, error);
}

double nnsm_learned_temperature(const nnsm_learned *learned)
{
    return learned->temperature;
}

/* ---- ancestral sampling */

const uint32_t *nnsm_draw_words(const nnsm_draws *draws, size_t position, uint32_t *random)
{
    if (position % 4 == 0 || position == draws->from)
        nnsm_rng_blocks(draws->key, draws->purpose, draws->first, NNSM_TILE, draws->step, (uint32_t)(position / 4),
                        random);
    return random + position % 4 * NNSM_TILE;
}

/* The less probable spin is drawn where `random`, counted from its end of the unit interval, lies below its
 * probability, which is thus known to a part in 10^6 however small it is. */
NNSM_MULTIVERSION
static void spins_of(const float *restrict logit, const uint32_t *restrict random, float *restrict spins)
{
    for (size_t c = 0; c < NNSM_TILE; c++) {
        float o = logit[c], likely = o < 0.f ? -1.f : 1.f;
        float e = nnsm_exp_negative(-o * likely);
        uint32_t word = o < 0.f ? random[c] : ~random[c];
        float here = ((float)(int32_t)(word >> 1) + 0.5f) * 0x1p-31f;
        spins[c] = here * (1.f + e) < e ? -likely : likely;
    }
}

void nnsm_draw_spins(const nnsm_draws *draws, size_t position, const float *logit, uint32_t *random, float *spins)
{
    spins_of(logit, nnsm_draw_words(draws, position, random), spins);
}

int8_t nnsm_draw_state(const float *o, size_t values, double random)
{
    double weight[NNSM_MAX_VALUES], top = (double)o[0], sum = 0;
    for (size_t k = 1; k < values; k++)
        top = fmax(top, (double)o[k * NNSM_TILE]);
    for (size_t k = 0; k < values; k++)
        sum += weight[k] = exp((double)o[k * NNSM_TILE] - top);
    size_t k = 0;
    for (double left = random * sum - weight[0]; left >= 0 && k + 1 < values; left -= weight[k])
        k++;
    return (int8_t)k;
}

static void sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations)
{
    if (tile->methods == &nnsm_frontier_tile_methods)
        nnsm_frontier_tile_sample(tile, draws, configurations);
    else if (tile->methods == &nnsm_frontier_states_methods)
        nnsm_frontier_states_tile_sample(tile, draws, configurations);
    else if (tile->methods == &nnsm_masked_tile_methods)
        nnsm_masked_tile_sample(tile, draws, configurations);
    else if (tile->methods == &nnsm_dense_states_methods)
        nnsm_dense_states_tile_sample(tile, draws, configurations);
    else {
        assert(tile->methods == &nnsm_dense_tile_methods);
        nnsm_dense_tile_sample(tile, draws, configurations);
    }
}

void nnsm_learned_sample(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, int8_t *configurations)
{
    sample(tile, &(nnsm_draws){key, NNSM_RNG_ANCESTRAL, first, 0, 0}, configurations);
}

void nnsm_learned_redraw(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, uint32_t step, size_t from,
                         int8_t *configurations)
{
    sample(tile, &(nnsm_draws){key, NNSM_RNG_REGENERATE, first, step, from}, configurations);
}
