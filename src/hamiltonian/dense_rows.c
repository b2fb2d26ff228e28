#include "hamiltonian/dense_rows.h"

#include <string.h>

#include "base/memory.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE };

/* ---- full evaluation */

static void fill_rows(const float *bias, size_t rows, float *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < T; c++)
            out[r * T + c] = bias[r];
}

void nnsm_dense_rows_evaluate(nnsm_dense_rows *rows)
{
    nnsm_dense_rows *t = rows;
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    const float *below = t->x;
    for (size_t l = 0; l < made->architecture.layers; l++) {
        nnsm_layer_rows *layer = &t->layer[l];
        size_t width = made->architecture.hidden[l];
        fill_rows(made->parameters + made->hidden_bias[l], width, layer->z);
        nnsm_panels_multiply(&h->hidden[l], 0, 0, below, NULL, 0, layer->z, layer->z);
        nnsm_tile_activate(made->architecture.activation, layer->z, width, layer->a);
        below = layer->a;
    }
    fill_rows(made->parameters + made->output_bias, made->outputs, t->o);
    if (made->architecture.layers)
        nnsm_panels_multiply(&h->output, 0, 0, below, NULL, 0, t->o, t->o);
    if (made->architecture.direct)
        nnsm_panels_multiply(&h->direct, 0, 0, t->x, NULL, 0, t->o, t->o);
}

/* ---- changes */

/* What a matrix of so many rows, with transposed columns, sees of the sites' steps. changes: out, [count]. */
static const nnsm_input_change *seen(const float *columns, size_t rows, size_t width, const nnsm_dense_step *step,
                                     size_t count, nnsm_input_change *changes)
{
    size_t stride = nnsm_column_rows(rows);
    for (size_t i = 0; i < count; i++)
        changes[i] = (nnsm_input_change){columns + step[i].position * width * stride, stride, step[i].step, width};
    return changes;
}

/* Changes of the hidden layers' suffixes; returns the first changed unit of the last layer. */
static size_t change_hidden(nnsm_dense_rows *t, const nnsm_dense_step *step, size_t count)
{
    const nnsm_learned *h = t->learned;
    const nnsm_architecture *a = &h->made->architecture;
    size_t first = 0;
    for (size_t l = 0; l < a->layers; l++) {
        nnsm_layer_rows *layer = &t->layer[l];
        size_t below = first, units = a->hidden[l];
        first = nnsm_made_first_unit(h->made, l, step->position);
        if (l == 0) {
            nnsm_input_change changes[NNSM_UPDATE_SITES];
            seen(h->first_columns, units, h->made->width, step, count, changes);
            nnsm_tile_input_difference(a->activation, changes, count, first, units, layer->z, layer->difference);
            continue;
        }
        nnsm_panels_multiply(&h->hidden[l], first, below, t->layer[l - 1].difference, NULL, 0, layer->z, layer->z_new);
        nnsm_tile_difference(a->activation, layer->z_new + first * T, layer->z + first * T, units - first,
                             layer->difference + first * T);
    }
    return first;
}

void nnsm_dense_rows_change(nnsm_dense_rows *rows, const nnsm_dense_step *step, size_t count)
{
    nnsm_dense_rows *t = rows;
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    size_t layers = made->architecture.layers, own = step->position * made->width;
    size_t first = change_hidden(t, step, count), direct = made->architecture.direct ? count : 0;
    nnsm_input_change changes[NNSM_UPDATE_SITES];
    seen(h->direct_columns, made->outputs, made->width, step, direct, changes);
    if (layers)
        nnsm_panels_multiply(&h->output, own, first, t->layer[layers - 1].difference, changes, direct, t->o, t->o_new);
    else
        nnsm_tile_add_inputs(changes, direct, own / NNSM_PANEL_ROWS * NNSM_PANEL_ROWS, made->outputs, t->o, t->o_new);
}

void nnsm_dense_rows_accept(nnsm_dense_rows *rows, const nnsm_dense_step *step, size_t count, const uint32_t *accept)
{
    nnsm_dense_rows *t = rows;
    const nnsm_made *made = t->learned->made;
    for (size_t i = 0; i < count; i++) {
        float *x = t->x + step[i].position * made->width * T;
        for (size_t k = 0; k < made->width; k++)
            for (size_t c = 0; c < T; c++) {
                step[i].step[k * T + c] = accept[c] ? step[i].step[k * T + c] : 0.f;
                x[k * T + c] += step[i].step[k * T + c];
            }
    }
    if (made->architecture.layers) {
        nnsm_input_change changes[NNSM_UPDATE_SITES];
        size_t units = made->architecture.hidden[0];
        seen(t->learned->first_columns, units, made->width, step, count, changes);
        nnsm_tile_add_inputs(changes, count, nnsm_made_first_unit(made, 0, step->position), units, t->layer[0].z,
                             t->layer[0].z);
    }
    for (size_t l = 1; l < made->architecture.layers; l++) {
        size_t first = nnsm_made_first_unit(made, l, step->position), units = made->architecture.hidden[l] - first;
        nnsm_tile_select(accept, t->layer[l].z_new + first * T, units, t->layer[l].z + first * T);
    }
    size_t next = (step->position + 1) * made->width;
    nnsm_tile_select(accept, t->o_new + next * T, made->outputs - next, t->o + next * T);
    for (size_t c = 0; c < T; c++)
        t->nll[c] += accept[c] ? t->change[c] : 0;
}

void nnsm_dense_rows_energy(const nnsm_dense_rows *rows, double *energy)
{
    for (size_t c = 0; c < T; c++)
        energy[c] = rows->learned->temperature * rows->nll[c];
}

/* ---- ancestral sampling */

void nnsm_dense_rows_start(nnsm_dense_rows *rows)
{
    nnsm_dense_rows *t = rows;
    const nnsm_made *made = t->learned->made;
    memset(t->done, 0, sizeof t->done);
    memset(t->begun, 0, sizeof t->begun);
    memset(t->x, 0, made->outputs * T * sizeof *t->x);
    for (size_t l = 0; l < made->architecture.layers; l++)
        memset(t->layer[l].a, 0, nnsm_panel_rows(made->architecture.hidden[l]) * T * sizeof(float));
}

/* Whether a row is the first one of its panel that is asked for; then the panel's rows become their biases. */
static bool begin(size_t row, size_t rows, const float *bias, size_t *begun, float *out)
{
    size_t panel = row / NNSM_PANEL_ROWS, first = panel * NNSM_PANEL_ROWS;
    if (*begun == panel + 1)
        return false;
    *begun = panel + 1;
    fill_rows(bias + first, rows - first < NNSM_PANEL_ROWS ? rows - first : NNSM_PANEL_ROWS, out + first * T);
    return true;
}

float *nnsm_dense_rows_logits(nnsm_dense_rows *rows, size_t position)
{
    nnsm_dense_rows *t = rows;
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    const nnsm_architecture *a = &made->architecture;
    const float *top = a->layers ? t->layer[a->layers - 1].a : NULL;
    for (size_t r = position * made->width; r < (position + 1) * made->width; r++) {
        if (begin(r, made->outputs, made->parameters + made->output_bias, &t->begun[a->layers], t->o)) {
            t->known[a->layers] = a->layers ? t->done[a->layers - 1] : 0;
            t->inputs = position * made->width;
            if (a->layers)
                nnsm_panels_begin(&h->output, r / NNSM_PANEL_ROWS, t->known[a->layers], top, t->o);
            if (a->direct)
                nnsm_panels_begin(&h->direct, r / NNSM_PANEL_ROWS, t->inputs, t->x, t->o);
        }
        if (a->layers)
            nnsm_panels_end(&h->output, r, t->known[a->layers], top, t->o);
        if (a->direct)
            nnsm_panels_end(&h->direct, r, t->inputs, t->x, t->o);
    }
    return t->o + position * made->width * T;
}

void nnsm_dense_rows_advance(nnsm_dense_rows *rows, size_t position)
{
    nnsm_dense_rows *t = rows;
    const nnsm_learned *h = t->learned;
    const nnsm_made *made = h->made;
    const nnsm_architecture *a = &made->architecture;
    const float *below = t->x;
    size_t known = (position + 1) * made->width;
    for (size_t l = 0; l < a->layers; l++) {
        size_t first = t->done[l], end = first;
        nnsm_layer_rows *layer = &t->layer[l];
        for (; end < a->hidden[l] && made->degree[l][end] <= position + 1; end++) {
            if (begin(end, a->hidden[l], made->parameters + made->hidden_bias[l], &t->begun[l], layer->z)) {
                t->known[l] = known;
                nnsm_panels_begin(&h->hidden[l], end / NNSM_PANEL_ROWS, known, below, layer->z);
            }
            nnsm_panels_end(&h->hidden[l], end, t->known[l], below, layer->z);
        }
        nnsm_tile_activate(a->activation, layer->z + first * T, end - first, layer->a + first * T);
        known = t->done[l] = end;
        below = layer->a;
    }
}

/* ---- creation */

static nnsm_status allocate_rows(size_t rows, float **const *arrays, size_t count, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = NNSM_NEW(arrays[i], nnsm_panel_rows(rows) * T, "chains of a scan", error);
    return status;
}

nnsm_status nnsm_dense_rows_create(nnsm_dense_rows *rows, const nnsm_learned *learned, nnsm_error *error)
{
    nnsm_dense_rows *t = rows;
    const nnsm_made *made = learned->made;
    *t = (nnsm_dense_rows){.learned = learned};
    float **outputs[] = {&t->x, &t->o, &t->o_new}, **terms[] = {&t->term, &t->term_new};
    nnsm_status status = allocate_rows(made->outputs, outputs, 3, error);
    if (!status)
        status = allocate_rows(made->sites, terms, 2, error);
    for (size_t l = 0; l < made->architecture.layers && !status; l++) {
        nnsm_layer_rows *s = &t->layer[l];
        float **units[] = {&s->z, &s->a, &s->z_new, &s->difference};
        status = allocate_rows(made->architecture.hidden[l], units, 4, error);
    }
    if (status)
        nnsm_dense_rows_destroy(t);
    return status;
}

void nnsm_dense_rows_destroy(nnsm_dense_rows *rows)
{
    nnsm_dense_rows *t = rows;
    for (size_t l = 0; l < NNSM_MAX_LAYERS; l++) {
        float *arrays[] = {t->layer[l].z, t->layer[l].a, t->layer[l].z_new, t->layer[l].difference};
        for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
            nnsm_release(arrays[i]);
    }
    float *arrays[] = {t->x, t->o, t->o_new, t->term, t->term_new};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    *t = (nnsm_dense_rows){0};
}
