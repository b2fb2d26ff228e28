#include "made/frontier_fit.h"

#include <lapacke.h>
#include <math.h>

#include "base/memory.h"

/* Row-major lower packed is LAPACK's column-major upper packed. */
enum { ORDER = LAPACK_COL_MAJOR };
static const char UPLO = 'U';

/* Of the part of tanh h that is not linear in h: below it, the sums' rounding. */
static const double least_variance = 1e-6;
static const double jitter = 1e-6; /* on the linear directions, which the geometry may leave empty */
/* The same of more than two values, where pairs that do not occur are common: their coefficients would run away. */
static const double states_jitter = 1e-5;

/* ---- layout */

nnsm_status nnsm_frontier_layout_create(nnsm_frontier_layout *layout, const nnsm_frontier *frontier, nnsm_error *error)
{
    size_t fits = nnsm_frontier_fits(frontier);
    size_t **arrays[] = {&layout->parameters, &layout->gradient, &layout->hessian, &layout->factor};
    nnsm_status status = NNSM_OK;
    *layout = (nnsm_frontier_layout){.fits = fits};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i], fits + 1, "frontier network", error);
    for (size_t f = 0; f < fits && !status; f++) {
        const nnsm_fit *fit = nnsm_frontier_look(frontier, f);
        size_t d = nnsm_fit_dimension(fit), triangle = d * (d + 1) / 2;
        layout->parameters[f + 1] = layout->parameters[f] + d + 2 * fit->units + fit->frontier;
        layout->gradient[f + 1] = layout->gradient[f] + d;
        layout->hessian[f + 1] = layout->hessian[f] + d + triangle;
        layout->factor[f + 1] = layout->factor[f] + triangle;
    }
    return status;
}

void nnsm_frontier_layout_destroy(nnsm_frontier_layout *layout)
{
    nnsm_release(layout->parameters);
    nnsm_release(layout->gradient);
    nnsm_release(layout->hessian);
    nnsm_release(layout->factor);
    *layout = (nnsm_frontier_layout){0};
}

/* ---- steps */

void nnsm_fit_orient(const nnsm_fit *fit, const float *sums, double draws, float *parameters)
{
    float *sign = parameters + nnsm_fit_dimension(fit) + 2 * fit->units;
    double noise = 4 * sqrt(draws * (double)fit->members); /* of spins without correlation: 4 sigma */
    for (size_t i = 0; i < fit->frontier; i++)
        sign[i] = sums[i] < -noise ? -1.f : 1.f;
}

void nnsm_fit_standardize(const nnsm_fit *fit, const float *sums, double draws, float *parameters)
{
    size_t u = fit->units;
    float *kappa = parameters + nnsm_fit_dimension(fit), *inverse = kappa + u;
    for (size_t k = 0; k < u; k++) {
        double hh = sums[k], tt = sums[u + k], ht = sums[2 * u + k], slope = hh > 0 ? ht / hh : 0;
        kappa[k] = (float)slope;
        inverse[k] =
            (float)(1 / sqrt(fmax((tt - slope * ht) / (draws * (double)nnsm_fit_moments_of(fit)), least_variance)));
    }
}

/* Ridge lambda of a feature, on the K coefficients of which it adds lambda / 2 (sum theta_k^2 - (sum theta_k)^2 / q)
 * to the loss of more than two values: about the mean over all q, theta_0 = 0 among them, so that no value is set
 * apart.
 */
static double ridge_of(const nnsm_fit *fit, const nnsm_fit_options *options, size_t feature)
{
    bool unit = feature >= fit->inputs && feature + 1 < nnsm_fit_features(fit);
    return (double)fit->members * (unit ? options->ridge : fit->outputs > 1 ? states_jitter : jitter);
}

static double common_share(const nnsm_fit *fit)
{
    return fit->outputs > 1 ? 1 / (double)(fit->outputs + 1) : 0;
}

/* Gradient of the mean loss with its ridge; the constant does not move where the spin flip is a symmetry. */
static void mean_gradient(const nnsm_fit *fit, const nnsm_fit_options *options, const float *sums, double draws,
                          const float *parameters, double *g)
{
    size_t d = nnsm_fit_dimension(fit), features = nnsm_fit_features(fit);
    for (size_t i = 0; i < d; i++) {
        double common = 0;
        for (size_t k = 0; k < fit->outputs && fit->outputs > 1; k++)
            common += parameters[k * features + i % features];
        g[i] = sums[i] / draws + ridge_of(fit, options, i % features) * (parameters[i] - common_share(fit) * common);
    }
    if (options->odd)
        g[d - 1] = 0;
}

/* Mean Hessian with its ridge, packed. */
static void mean_hessian(const nnsm_fit *fit, const nnsm_fit_options *options, const float *sums, double draws,
                         double *matrix)
{
    size_t d = nnsm_fit_dimension(fit), features = nnsm_fit_features(fit);
    for (size_t k = 0; k < d; k++) {
        double *row = matrix + k * (k + 1) / 2, ridge = ridge_of(fit, options, k % features);
        for (size_t i = 0; i <= k; i++)
            row[i] = options->odd && k + 1 == d ? 0 : sums[d + k * (k + 1) / 2 + i] / draws;
        for (size_t i = k % features; i < k; i += features)
            row[i] -= ridge * common_share(fit);
        row[k] += options->odd && k + 1 == d ? 1 : ridge * (1 - common_share(fit));
    }
}

nnsm_status nnsm_fit_newton(const nnsm_fit *fit, const nnsm_fit_options *options, const float *sums, double draws,
                            float *parameters, float *factor, double *noise, nnsm_error *error)
{
    size_t d = nnsm_fit_dimension(fit), triangle = d * (d + 1) / 2;
    double *matrix = NULL;
    nnsm_status status = NNSM_NEW(&matrix, triangle + 2 * d, "Newton step", error);
    if (status)
        return status;
    double *g = matrix + triangle, *step = g + d, decrement = 0;
    mean_gradient(fit, options, sums, draws, parameters, g);
    mean_hessian(fit, options, sums, draws, matrix);
    for (size_t i = 0; i < d; i++)
        step[i] = g[i];
    int failed = LAPACKE_dpptrf(ORDER, UPLO, (int)d, matrix);
    if (!failed)
        failed = LAPACKE_dpptrs(ORDER, UPLO, (int)d, 1, matrix, step, (int)d);
    for (size_t i = 0; i < d; i++)
        decrement += g[i] * step[i];
    if (failed || !isfinite(decrement)) {
        nnsm_release(matrix);
        return nnsm_fail(error, NNSM_FAILURE,
                         "a conditional has no unique solution; raise network.ridge, lower network.units, or give more "
                         "configurations");
    }
    /* decrement / members is the mean of q (1 - q) (change of o)^2: steps beyond one are shortened. */
    double most = decrement / (double)fit->members, scale = most > 1 ? 1 / sqrt(most) : 1;
    for (size_t i = 0; i < d; i++)
        parameters[i] -= (float)(scale * step[i]);
    for (size_t i = 0; i < triangle; i++)
        factor[i] = (float)matrix[i];
    *noise = decrement * draws / (double)d;
    nnsm_release(matrix);
    return NNSM_OK;
}

nnsm_status nnsm_fit_average(const nnsm_fit *fit, const nnsm_fit_options *options, const float *sums, double draws,
                             double weight, const float *factor, float *parameters, nnsm_error *error)
{
    size_t d = nnsm_fit_dimension(fit), triangle = d * (d + 1) / 2;
    double *matrix = NULL;
    nnsm_status status = NNSM_NEW(&matrix, triangle + d, "averaging step", error);
    if (status)
        return status;
    double *g = matrix + triangle;
    for (size_t i = 0; i < triangle; i++)
        matrix[i] = factor[i];
    mean_gradient(fit, options, sums, draws, parameters, g);
    (void)LAPACKE_dpptrs(ORDER, UPLO, (int)d, 1, matrix, g, (int)d);
    for (size_t i = 0; i < d; i++)
        parameters[i] -= (float)(weight * g[i]);
    nnsm_release(matrix);
    return NNSM_OK;
}
