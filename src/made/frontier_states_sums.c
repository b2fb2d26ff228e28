/* frontier_states_sums.c: gradients and Hessians over draws of the softmax conditionals of sites with more than two
 * values. The curvature between outputs k and l is q_k (delta_kl - q_l): all blocks of a Hessian are symmetric, each
 * one product of the features with their transposed. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"
#include "made/frontier_workspace.h"

/* ---- elementwise passes */

NNSM_MULTIVERSION
static void saturate(float *restrict h, float offset, size_t count)
{
    for (size_t i = 0; i < count; i++)
        h[i] = nnsm_tanh(h[i] + offset);
}

NNSM_MULTIVERSION
static void standardize(float *restrict h, float offset, float kappa, float inverse, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float x = h[i] + offset;
        h[i] = (nnsm_tanh(x) - kappa * x) * inverse;
    }
}

/* q_k = exp(o_k) / sum_j exp(o_j) with o_0 = 0, residual = q_k - 1[y = k], loss = -log q_y; k from 1 on in rows.
 * total: scratch, [count]. */
NNSM_MULTIVERSION
static void likelihood(const float *restrict o, const float *restrict y, size_t outputs, size_t count,
                       float *restrict q, float *restrict residual, float *restrict total, float *restrict loss)
{
    for (size_t i = 0; i < count; i++)
        loss[i] = 0.f; /* the largest logit, for a moment */
    for (size_t k = 0; k < outputs; k++)
        for (size_t i = 0; i < count; i++)
            loss[i] = o[k * count + i] > loss[i] ? o[k * count + i] : loss[i];
    for (size_t i = 0; i < count; i++)
        total[i] = nnsm_exp_negative(-loss[i]);
    for (size_t k = 0; k < outputs; k++)
        for (size_t i = 0; i < count; i++) {
            q[k * count + i] = nnsm_exp_negative(o[k * count + i] - loss[i]);
            total[i] += q[k * count + i];
        }
    for (size_t i = 0; i < count; i++) {
        loss[i] += nnsm_log_above_one(total[i]);
        total[i] = 1.f / total[i];
    }
    for (size_t k = 0; k < outputs; k++)
        for (size_t i = 0; i < count; i++) {
            bool own = y[i] == (float)(k + 1);
            q[k * count + i] *= total[i];
            residual[k * count + i] = q[k * count + i] - (own ? 1.f : 0.f);
            loss[i] -= own ? o[k * count + i] : 0.f;
        }
}

/* out = x times the square root of the curvature between two outputs, or the same one, up to its sign. */
NNSM_MULTIVERSION
static void curvature(const float *restrict q, const float *restrict other, bool same, size_t count,
                      float *restrict root)
{
    for (size_t i = 0; i < count; i++)
        root[i] = sqrtf(q[i] * (same ? 1.f - q[i] : other[i]));
}

NNSM_MULTIVERSION
static void scale(const float *restrict x, const float *restrict root, size_t rows, size_t count, float *restrict out)
{
    for (size_t k = 0; k < rows; k++)
        for (size_t i = 0; i < count; i++)
            out[k * count + i] = x[k * count + i] * root[i];
}

/* ---- one output */

/* Logits of the features in x by coefficients [K][P], then probabilities, residuals and losses; columns beyond count
 * are left out of all sums. Returns the sum of the losses. */
static double evaluate(nnsm_frontier_workspace *w, const nnsm_fit *fit, const float *coefficients, size_t count)
{
    int k = (int)fit->outputs, p = (int)nnsm_fit_features(fit), n = (int)w->columns;
    double sum = 0;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k, n, p, 1.f, coefficients, p, w->x, n, 0.f, w->o, n);
    likelihood(w->o, w->y, fit->outputs, w->columns, w->q, w->residual, w->root, w->loss);
    for (size_t row = 0; row < fit->outputs; row++)
        for (size_t i = count; i < w->columns; i++)
            w->residual[row * w->columns + i] = w->q[row * w->columns + i] = 0.f;
    for (size_t i = 0; i < count; i++)
        sum += w->loss[i];
    return sum;
}

/* w->sum += residual X^T. */
static void add_gradient(nnsm_frontier_workspace *w, const nnsm_fit *fit)
{
    int k = (int)fit->outputs, p = (int)nnsm_fit_features(fit), n = (int)w->columns;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, p, n, 1.f, w->residual, n, w->x, n, 0.f, w->part, p);
    for (size_t i = 0; i < nnsm_fit_dimension(fit); i++)
        w->sum[i] += w->part[i];
}

/* The block of outputs k >= l, both triangles of it where they differ, into the packed lower triangle. */
static void add_block(nnsm_frontier_workspace *w, const nnsm_fit *fit, size_t k, size_t l, float *packed)
{
    size_t p = nnsm_fit_features(fit), n = w->columns;
    curvature(w->q + k * n, w->q + l * n, k == l, n, w->root);
    scale(w->x, w->root, p, n, w->scaled);
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)p, (int)n, 1.f, w->scaled, (int)n, 0.f, w->product,
                (int)p);
    for (size_t i = 0; i < p; i++) {
        size_t row = k * p + i;
        float *to = packed + row * (row + 1) / 2 + l * p;
        for (size_t j = 0; j < p && (k > l || j <= i); j++) {
            float value = w->product[i > j ? i * p + j : j * p + i];
            to[j] += k == l ? value : -value;
        }
    }
}

/* ---- one fit, one block of columns */

static void transform(const nnsm_fit *fit, nnsm_frontier_workspace *w, const float *kappa)
{
    const float *inverse = kappa + fit->units;
    for (size_t u = 0; u < fit->units; u++)
        standardize(w->x + (fit->inputs + u) * w->columns, fit->offset[u], kappa[u], inverse[u], w->columns);
}

static void transform_raw(const nnsm_fit *fit, nnsm_frontier_workspace *w)
{
    for (size_t u = 0; u < fit->units; u++)
        saturate(w->x + (fit->inputs + u) * w->columns, fit->offset[u], w->columns);
}

/* The gradient by raw features into that by standardised ones. */
static void standardize_gradient(const nnsm_fit *fit, const float *kappa, double *sum)
{
    size_t inputs = fit->inputs, units = fit->units;
    for (size_t u = 0; u < units; u++) {
        double along = fit->offset[u] * sum[inputs + units];
        for (size_t i = 0; i < inputs; i++)
            along += fit->w[u * inputs + i] * sum[i];
        sum[inputs + u] = (sum[inputs + u] - kappa[u] * along) * kappa[units + u];
    }
}

double nnsm_frontier_fit_states(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                                nnsm_fit_sums kind, const float *parameters, size_t count, float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t features = nnsm_fit_features(fit), d = nnsm_fit_dimension(fit);
    const float *kappa = parameters + d, *sign = kappa + 2 * fit->units;
    bool hessian = kind == NNSM_FIT_HESSIAN;
    double nll = 0;
    memset(w->sum, 0, d * sizeof *w->sum);
    for (size_t k = 0; k < fit->outputs && !hessian; k++)
        nnsm_frontier_raw(fit, parameters + k * features, kappa, w->raw + k * features);
    for (size_t member = 0; member < fit->members; member++) {
        nnsm_frontier_gather(frontier, w, index, member, sign);
        if (hessian)
            transform(fit, w, kappa);
        else
            transform_raw(fit, w);
        nll += evaluate(w, fit, hessian ? parameters : w->raw, count);
        add_gradient(w, fit);
        for (size_t k = 0; k < fit->outputs && hessian; k++)
            for (size_t l = 0; l <= k; l++)
                add_block(w, fit, k, l, sums + d);
    }
    for (size_t k = 0; k < fit->outputs && !hessian; k++)
        standardize_gradient(fit, kappa, w->sum + k * features);
    for (size_t i = 0; i < d; i++)
        sums[i] += (float)w->sum[i];
    return nll;
}

void nnsm_frontier_states_losses(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t count,
                                 double *log_probability)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    for (size_t member = 0; member < fit->members; member++) {
        nnsm_frontier_gather(frontier, w, index, member, fit->sign);
        transform_raw(fit, w);
        (void)evaluate(w, fit, fit->weights, count);
        for (size_t r = 0; r < count; r++)
            log_probability[r] -= w->loss[r];
    }
}
