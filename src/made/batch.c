/* batch.c: log p and its gradient for a batch of configurations, by dense products over blocks of the masked matrices.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "made/kernels.h"
#include "made/masked.h"
#include "made/network.h"

struct nnsm_made_workspace {
    size_t rows;
    float *input;                       /* [rows][outputs] inputs in order, 0 in padded rows */
    float *activation[NNSM_MAX_LAYERS]; /* [rows][hidden[l]] */
    float *derivative[NNSM_MAX_LAYERS]; /* [rows][hidden[l]] */
    float *output;                      /* [rows][outputs] logits, then their derivatives */
    double *nll;                        /* [rows] */
    nnsm_masked_rows masked;            /* of sums in overlapping windows */
};

nnsm_status nnsm_made_workspace_create(nnsm_made_workspace **out, const nnsm_made *made, size_t rows, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, "training workspace", error);
    if (status)
        return status;
    nnsm_made_workspace *w = *out;
    w->rows = rows;
    status = NNSM_NEW(&w->input, rows * made->outputs, "training workspace", error);
    if (!status)
        status = NNSM_NEW(&w->output, rows * made->outputs, "training workspace", error);
    if (!status)
        status = NNSM_NEW(&w->nll, rows, "training workspace", error);
    if (!status && made->support)
        status = nnsm_masked_rows_create(&w->masked, made, rows, error);
    for (size_t l = 0; l < made->architecture.layers && !status; l++) {
        status = NNSM_NEW(&w->activation[l], rows * made->architecture.hidden[l], "training workspace", error);
        if (!status)
            status = NNSM_NEW(&w->derivative[l], rows * made->architecture.hidden[l], "training workspace", error);
    }
    if (status) {
        nnsm_made_workspace_destroy(w);
        *out = NULL;
    }
    return status;
}

void nnsm_made_workspace_destroy(nnsm_made_workspace *workspace)
{
    if (!workspace)
        return;
    nnsm_release(workspace->input);
    nnsm_release(workspace->output);
    nnsm_release(workspace->nll);
    nnsm_masked_rows_destroy(&workspace->masked);
    for (size_t l = 0; l < NNSM_MAX_LAYERS; l++) {
        nnsm_release(workspace->activation[l]);
        nnsm_release(workspace->derivative[l]);
    }
    nnsm_release(workspace);
}

/* States into the network's order; rows beyond count are zero, which no product notices. */
static void load(const nnsm_made *made, nnsm_made_workspace *w, const int8_t *configurations, size_t count)
{
    assert(count <= w->rows);
    size_t n = made->sites, full = made->outputs, cleared = made->width == 1 ? count : 0;
    memset(w->input + cleared * full, 0, (w->rows - cleared) * full * sizeof *w->input);
    for (size_t r = 0; r < count; r++) {
        const int8_t *state = configurations + r * n;
        float *input = w->input + r * full;
        if (made->width > 1)
            for (size_t p = 0; p < n; p++)
                input[p * made->width + (size_t)state[made->order[p]]] = 1.f;
        else if (made->architecture.order == NNSM_RASTER) /* positions are sites */
            for (size_t p = 0; p < n; p++)
                input[p] = (float)state[p];
        else
            for (size_t p = 0; p < n; p++)
                input[p] = (float)state[made->order[p]];
    }
}

/* Hidden activations and output logits (without the output bias). */
static void forward(const nnsm_made *made, nnsm_made_workspace *w)
{
    const nnsm_architecture *a = &made->architecture;
    const float *below = w->input;
    for (size_t l = 0; l < a->layers; l++) {
        nnsm_staircase_forward(&made->hidden[l], made->parameters + made->hidden_weights[l], w->rows, below,
                               w->activation[l], false);
        nnsm_kernel_activate(a->activation, w->activation[l], made->parameters + made->hidden_bias[l], w->rows,
                             a->hidden[l]);
        below = w->activation[l];
    }
    if (a->layers)
        nnsm_staircase_forward(&made->output, made->parameters + made->output_weights, w->rows, below, w->output,
                               false);
    else
        memset(w->output, 0, w->rows * made->outputs * sizeof *w->output);
    if (a->direct)
        nnsm_staircase_forward(&made->direct, made->parameters + made->direct_weights, w->rows, w->input, w->output,
                               true);
}

void nnsm_made_log_probability(const nnsm_made *made, nnsm_made_workspace *workspace, const int8_t *configurations,
                               size_t count, double *log_probability)
{
    load(made, workspace, configurations, count);
    forward(made, workspace);
    if (made->support)
        nnsm_masked_rows_add(&workspace->masked, made, configurations, count, workspace->output);
    const float *bias = made->parameters + made->output_bias;
    if (made->width == 1)
        nnsm_kernel_nll(workspace->input, workspace->output, bias, workspace->rows, made->sites, workspace->nll);
    else
        nnsm_kernel_softmax_nll(workspace->input, workspace->output, bias, workspace->rows, made->sites, made->width,
                                workspace->nll);
    for (size_t r = 0; r < count; r++)
        log_probability[r] = made->support && !workspace->masked.inside[r] ? -INFINITY : -workspace->nll[r];
}

/* ---- the gradient */

/* Floats of a gradient that one is told of at once, about: tens of microseconds of work. */
enum { PART = 1 << 16 };

static void tell(const nnsm_listener *listener, size_t first, size_t end)
{
    if (listener && first < end)
        listener->tell(listener->context, first, end);
}

/* Of a matrix whose weights begin at `at`, from the derivatives of its outputs. */
static void weights(const nnsm_staircase *matrix, size_t at, size_t rows, const float *derivative, const float *input,
                    float *gradient, const nnsm_listener *listener)
{
    for (size_t first = 0, end = 0; first < matrix->panels; first = end) {
        size_t from = matrix->offset[first], to = from;
        while (end < matrix->panels && to - from < PART)
            to = ++end < matrix->panels ? matrix->offset[end] : matrix->size;
        nnsm_staircase_gradient(matrix, first, end, rows, derivative, input, gradient + at);
        tell(listener, at + from, at + to);
    }
}

static void biases(const nnsm_made *made, const nnsm_made_workspace *w, size_t count, float *gradient,
                   const nnsm_listener *listener)
{
    const nnsm_architecture *a = &made->architecture;
    for (size_t l = 0; l < a->layers; l++)
        nnsm_kernel_column_sums(w->derivative[l], w->rows, a->hidden[l], gradient + made->hidden_bias[l]);
    nnsm_kernel_column_sums(w->output, w->rows, made->outputs, gradient + made->output_bias);
    if (made->support)
        nnsm_masked_rows_gradient(&w->masked, made, count, w->output, gradient + made->belief_weights);
    tell(listener, nnsm_made_first_bias(made), made->count);
}

/* From d nll / d o in w->output down to all parameters. A matrix is told of after the derivatives below it, which need
 * its weights. */
static void backward(const nnsm_made *made, nnsm_made_workspace *w, size_t count, float *gradient,
                     const nnsm_listener *listener)
{
    const nnsm_architecture *a = &made->architecture;
    const nnsm_staircase *above = &made->output;
    size_t above_weights = made->output_weights;
    const float *above_derivative = w->output;
    if (a->direct)
        weights(&made->direct, made->direct_weights, w->rows, w->output, w->input, gradient, listener);
    for (size_t l = a->layers; l-- > 0;) {
        nnsm_staircase_backward(above, made->parameters + above_weights, w->rows, above_derivative, w->derivative[l]);
        nnsm_kernel_activate_back(a->activation, w->derivative[l], w->activation[l], w->rows * a->hidden[l]);
        weights(above, above_weights, w->rows, above_derivative, w->activation[l], gradient, listener);
        above = &made->hidden[l];
        above_weights = made->hidden_weights[l];
        above_derivative = w->derivative[l];
    }
    if (a->layers)
        weights(above, above_weights, w->rows, above_derivative, w->input, gradient, listener);
    biases(made, w, count, gradient, listener);
}

double nnsm_made_gradient_by_layers(const nnsm_made *made, nnsm_made_workspace *workspace, const int8_t *configurations,
                                    size_t count, float *gradient, const nnsm_listener *listener)
{
    load(made, workspace, configurations, count);
    forward(made, workspace);
    if (made->support)
        nnsm_masked_rows_add(&workspace->masked, made, configurations, count, workspace->output);
    /* Padded rows have x = 0, so their derivatives are zero; only their nll must be left out. */
    const float *bias = made->parameters + made->output_bias;
    if (made->width == 1)
        nnsm_kernel_nll_gradient(workspace->input, workspace->output, bias, workspace->rows, made->sites,
                                 workspace->nll);
    else
        nnsm_kernel_softmax_nll_gradient(workspace->input, workspace->output, bias, workspace->rows, made->sites,
                                         made->width, workspace->nll);
    backward(made, workspace, count, gradient, listener);
    double sum = 0;
    for (size_t r = 0; r < count; r++)
        sum += workspace->nll[r];
    return sum;
}

double nnsm_made_gradient(const nnsm_made *made, nnsm_made_workspace *workspace, const int8_t *configurations,
                          size_t count, float *gradient)
{
    return nnsm_made_gradient_by_layers(made, workspace, configurations, count, gradient, NULL);
}
