/* frontier_sums.c: sums over draws for fitting a frontier network, and log p. Hessians of two values are here, their
 * gradients in frontier_gradient.c; what sites with more than two values need is in frontier_states_sums.c.
 *
 * Configurations are turned into columns, [site][column], so that every quantity of an output is a row over the columns
 * of a block. A Hessian of raw features (spins, tanh h, 1) would lose its digits (tanh h is nearly linear for small h),
 * so the standardised features are formed. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"
#include "made/frontier_kernels.h"
#include "made/frontier_workspace.h"

/* ---- one output */

NNSM_MULTIVERSION
static void standardize(float *restrict h, float offset, float kappa, float inverse, float coefficient,
                        float *restrict o, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float x = h[i] + offset, z = (nnsm_tanh(x) - kappa * x) * inverse;
        h[i] = z;
        o[i] += coefficient * z;
    }
}

/* Logits to residuals and losses of the columns that count; returns the sum of the losses. */
static double evaluate(nnsm_frontier_workspace *w, size_t count)
{
    double sum = 0;
    nnsm_frontier_likelihood(w->o, w->y, w->columns, w->residual, w->root, w->loss);
    for (size_t i = count; i < w->columns; i++)
        w->residual[i] = w->root[i] = 0.f;
    for (size_t i = 0; i < count; i++)
        sum += w->loss[i];
    return sum;
}

/* w->sum += X residual. */
static void add_gradient(nnsm_frontier_workspace *w, size_t d)
{
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)d, (int)w->columns, 1.f, w->x, (int)w->columns, w->residual, 1, 0.f,
                w->part, 1);
    for (size_t i = 0; i < d; i++)
        w->sum[i] += w->part[i];
}

/* ---- one fit, one block of columns */

static void linear_part(nnsm_frontier_workspace *w, size_t f, const float *a, float constant)
{
    for (size_t i = 0; i < w->columns; i++)
        w->o[i] = constant;
    if (f)
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)f, (int)w->columns, 1.f, w->x, (int)w->columns, a, 1, 1.f, w->o, 1);
}

static double fit_hessian(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                          const float *parameters, size_t count, float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t f = fit->frontier, u = fit->units, d = nnsm_fit_features(fit);
    const float *kappa = parameters + d, *inverse = kappa + u;
    double nll = 0;
    memset(w->sum, 0, d * sizeof *w->sum);
    for (size_t member = 0; member < fit->members; member++) {
        nnsm_frontier_gather(frontier, w, index, member, inverse + u);
        linear_part(w, f, parameters, parameters[f + u]);
        for (size_t k = 0; k < u; k++)
            standardize(w->x + (f + k) * w->columns, fit->offset[k], kappa[k], inverse[k], parameters[f + k], w->o,
                        w->columns);
        nll += evaluate(w, count);
        add_gradient(w, d);
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i < w->columns; i++)
                w->x[k * w->columns + i] *= w->root[i];
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)d, (int)w->columns, 1.f, w->x, (int)w->columns, 0.f,
                    w->product, (int)d);
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i <= k; i++)
                sums[d + k * (k + 1) / 2 + i] += w->product[k * d + i];
    }
    for (size_t i = 0; i < d; i++)
        sums[i] += (float)w->sum[i];
    return nll;
}

double nnsm_frontier_sums(const nnsm_frontier *frontier, const nnsm_frontier_layout *layout,
                          nnsm_frontier_workspace *workspace, nnsm_fit_sums kind, const float *parameters,
                          const int8_t *configurations, size_t count, float *sums)
{
    nnsm_frontier_workspace *w = workspace;
    size_t sites = nnsm_frontier_sites(frontier);
    const size_t *at = kind == NNSM_FIT_GRADIENT ? layout->gradient : layout->hessian;
    double nll = 0, uniform = log(nnsm_frontier_architecture_of(frontier)->alphabet.count) * (double)sites;
    memset(sums, 0, at[layout->fits] * sizeof *sums);
    for (size_t first = 0; first < count; first += w->columns) {
        size_t rows = count - first < w->columns ? count - first : w->columns;
        nnsm_frontier_load(w, sites, configurations + first * sites, rows);
        if (kind == NNSM_FIT_SIGNS || kind == NNSM_FIT_MOMENTS)
            nll += uniform * (double)rows;
        for (size_t f = 0; f < layout->fits; f++) {
            const float *theta = parameters + layout->parameters[f];
            bool states = nnsm_frontier_look(frontier, f)->outputs > 1;
            if (kind == NNSM_FIT_SIGNS)
                nnsm_frontier_fit_signs(frontier, w, f, rows, sums + at[f]);
            else if (kind == NNSM_FIT_MOMENTS)
                nnsm_frontier_fit_moments(frontier, w, f, theta, rows, sums + at[f]);
            else if (states)
                nll += nnsm_frontier_fit_states(frontier, w, f, kind, theta, rows, sums + at[f]);
            else if (kind == NNSM_FIT_HESSIAN)
                nll += fit_hessian(frontier, w, f, theta, rows, sums + at[f]);
            else
                nll += nnsm_frontier_fit_gradient(frontier, w, f, theta, rows, sums + at[f]);
        }
    }
    return nll;
}

/* ---- log p, and into the network */

void nnsm_frontier_log_probability(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace,
                                   const int8_t *configurations, size_t count, double *log_probability)
{
    nnsm_frontier_workspace *w = workspace;
    size_t sites = nnsm_frontier_sites(frontier);
    for (size_t first = 0; first < count; first += w->columns) {
        size_t rows = count - first < w->columns ? count - first : w->columns;
        nnsm_frontier_load(w, sites, configurations + first * sites, rows);
        memset(log_probability + first, 0, rows * sizeof *log_probability);
        for (size_t index = 0; index < nnsm_frontier_fits(frontier); index++)
            if (nnsm_frontier_look(frontier, index)->outputs > 1)
                nnsm_frontier_states_losses(frontier, w, index, rows, log_probability + first);
            else
                nnsm_frontier_fit_losses(frontier, w, index, rows, log_probability + first);
    }
}

void nnsm_frontier_apply(nnsm_frontier *frontier, const nnsm_frontier_layout *layout, const float *parameters)
{
    for (size_t index = 0; index < layout->fits; index++) {
        nnsm_fit *fit = nnsm_frontier_fit(frontier, index);
        const float *own = parameters + layout->parameters[index];
        const float *sign = own + nnsm_fit_dimension(fit) + 2 * fit->units;
        size_t features = nnsm_fit_features(fit);
        for (size_t k = 0; k < fit->outputs; k++)
            nnsm_frontier_raw(fit, own + k * features, own + fit->outputs * features, fit->weights + k * features);
        for (size_t i = 0; i < fit->frontier; i++)
            fit->sign[i] = sign[i] < 0 ? -1.f : 1.f; /* 0: not known yet */
    }
}
