#include "made/kernels.h"

#include <math.h>
#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"

static const float beta_1 = 0.9f, beta_2 = 0.999f, epsilon = 1e-8f; /* Kingma and Ba 2015, algorithm 1 */
enum { LANES = 16 };

NNSM_MULTIVERSION
void nnsm_kernel_activate(nnsm_activation activation, float *restrict z, const float *restrict bias, size_t rows,
                          size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        float *row = z + r * columns;
        if (activation == NNSM_RELU)
            for (size_t c = 0; c < columns; c++) {
                float value = row[c] + bias[c];
                row[c] = value < 0.f ? 0.f : value; /* this way round NaN stays NaN */
            }
        else
            for (size_t c = 0; c < columns; c++)
                row[c] = nnsm_tanh(row[c] + bias[c]);
    }
}

NNSM_MULTIVERSION
void nnsm_kernel_activate_back(nnsm_activation activation, float *restrict da, const float *restrict a, size_t count)
{
    if (activation == NNSM_RELU)
        for (size_t i = 0; i < count; i++)
            da[i] = a[i] > 0.f ? da[i] : 0.f;
    else
        for (size_t i = 0; i < count; i++)
            da[i] *= 1.f - a[i] * a[i];
}

/* Sum of a row of terms in LANES double accumulators, which vectorises and keeps one fixed order. */
static inline double sum_lanes(const double *lanes)
{
    double sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lanes[j];
    return sum;
}

NNSM_MULTIVERSION
void nnsm_kernel_nll(const float *restrict x, const float *restrict o, const float *restrict bias, size_t rows,
                     size_t columns, double *restrict nll)
{
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * columns, * or = o + r * columns;
        double lanes[LANES] = {0};
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES)
            for (size_t j = 0; j < LANES; j++)
                lanes[j] += (double)nnsm_softplus(-xr[c + j] * (or [c + j] + bias[c + j]));
        for (size_t j = 0; c + j < columns; j++)
            lanes[j] += (double)nnsm_softplus(-xr[c + j] * (or [c + j] + bias[c + j]));
        nll[r] = sum_lanes(lanes);
    }
}

enum { FACTORS = 8, BLOCK = FACTORS * LANES }; /* factors of a product whose logarithm is taken: at most 2^8 */

/* `count` sites of one row, at most BLOCK: for y = x (o + bias) the terms softplus(-y) = max(-y, 0) + log(1 +
 * exp(-|y|)) are added to `lanes`, a logarithm for FACTORS of them, and o becomes -x sigmoid(-y). */
static inline __attribute__((always_inline)) void terms_and_derivatives(const float *restrict x, float *restrict o,
                                                                        const float *restrict bias, size_t count,
                                                                        double *restrict lanes)
{
    float power[BLOCK], negative[BLOCK], product[LANES], sum[LANES];
    for (size_t i = 0; i < count; i++) {
        float y = x[i] * (o[i] + bias[i]);
        float e = nnsm_exp_negative(y < 0.f ? y : -y);
        o[i] = -x[i] * ((y < 0.f ? 1.f : e) / (1.f + e));
        power[i] = e;
        negative[i] = y < 0.f ? -y : 0.f;
    }
    for (size_t i = count; i < BLOCK; i++)
        power[i] = negative[i] = 0.f;
    for (size_t j = 0; j < LANES; j++) {
        float factors = 1.f, part = 0.f;
        for (size_t k = 0; k < FACTORS; k++) {
            factors += factors * power[k * LANES + j];
            part += negative[k * LANES + j];
        }
        product[j] = factors;
        sum[j] = part;
    }
    for (size_t j = 0; j < LANES; j++)
        lanes[j] += (double)(sum[j] + nnsm_log_above_one(product[j]));
}

NNSM_MULTIVERSION
void nnsm_kernel_nll_gradient(const float *restrict x, float *restrict o, const float *restrict bias, size_t rows,
                              size_t columns, double *restrict nll)
{
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * columns;
        float *logit = o + r * columns;
        double lanes[LANES] = {0};
        for (size_t c = 0; c < columns; c += BLOCK)
            terms_and_derivatives(xr + c, logit + c, bias + c, columns - c < BLOCK ? columns - c : BLOCK, lanes);
        nll[r] = sum_lanes(lanes);
    }
}

/* `count` sites of one row, at most LANES, which compilers vectorise over: their logits with the bias into v, with
 * exp(v - largest) and its sum; their terms are added to `lanes`. */
static inline __attribute__((always_inline)) void softmax_sites(const float *x, const float *o, const float *bias,
                                                                size_t values, size_t count, float (*v)[LANES],
                                                                float *sum, float *present, double *lanes)
{
    float top[LANES], own[LANES];
    for (size_t j = 0; j < count; j++) {
        top[j] = o[j * values] + bias[j * values];
        sum[j] = own[j] = present[j] = 0.f;
    }
    for (size_t k = 0; k < values; k++)
        for (size_t j = 0; j < count; j++) {
            float y = o[j * values + k] + bias[j * values + k], here = x[j * values + k];
            v[k][j] = y;
            top[j] = y > top[j] ? y : top[j];
            own[j] += here * y;
            present[j] += here;
        }
    for (size_t k = 0; k < values; k++)
        for (size_t j = 0; j < count; j++) {
            v[k][j] = nnsm_exp_negative(v[k][j] - top[j]);
            sum[j] += v[k][j];
        }
    for (size_t j = 0; j < count; j++)
        lanes[j] += (double)(top[j] + nnsm_log_above_one(sum[j]) - own[j]);
}

NNSM_MULTIVERSION
void nnsm_kernel_softmax_nll(const float *restrict x, const float *restrict o, const float *restrict bias, size_t rows,
                             size_t sites, size_t values, double *restrict nll)
{
    float v[NNSM_MAX_VALUES][LANES], sum[LANES], present[LANES];
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * sites * values, *logit = o + r * sites * values;
        double lanes[LANES] = {0};
        size_t c = 0;
        for (; c + LANES <= sites; c += LANES)
            softmax_sites(xr + c * values, logit + c * values, bias + c * values, values, LANES, v, sum, present,
                          lanes);
        softmax_sites(xr + c * values, logit + c * values, bias + c * values, values, sites - c, v, sum, present,
                      lanes);
        nll[r] = sum_lanes(lanes);
    }
}

static inline __attribute__((always_inline)) void softmax_derivatives(const float *x, float *o, size_t values,
                                                                      size_t count, float (*v)[LANES], const float *sum,
                                                                      const float *present)
{
    for (size_t k = 0; k < values; k++)
        for (size_t j = 0; j < count; j++)
            o[j * values + k] = present[j] * v[k][j] / sum[j] - x[j * values + k];
}

NNSM_MULTIVERSION
void nnsm_kernel_softmax_nll_gradient(const float *restrict x, float *restrict o, const float *restrict bias,
                                      size_t rows, size_t sites, size_t values, double *restrict nll)
{
    float v[NNSM_MAX_VALUES][LANES], sum[LANES], present[LANES];
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * sites * values;
        float *logit = o + r * sites * values;
        double lanes[LANES] = {0};
        size_t c = 0;
        for (; c + LANES <= sites; c += LANES) {
            softmax_sites(xr + c * values, logit + c * values, bias + c * values, values, LANES, v, sum, present,
                          lanes);
            softmax_derivatives(xr + c * values, logit + c * values, values, LANES, v, sum, present);
        }
        softmax_sites(xr + c * values, logit + c * values, bias + c * values, values, sites - c, v, sum, present,
                      lanes);
        softmax_derivatives(xr + c * values, logit + c * values, values, sites - c, v, sum, present);
        nll[r] = sum_lanes(lanes);
    }
}

NNSM_MULTIVERSION
void nnsm_kernel_column_sums(const float *restrict m, size_t rows, size_t columns, float *restrict out)
{
    memset(out, 0, columns * sizeof *out);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[c] += m[r * columns + c];
}

NNSM_MULTIVERSION
void nnsm_kernel_add(float *restrict sum, const float *restrict term, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += term[i];
}

NNSM_MULTIVERSION
void nnsm_kernel_adam(float *restrict parameters, float *restrict first, float *restrict second,
                      const float *restrict gradient, size_t count, float scale, float rate, float root_correction)
{
    for (size_t i = 0; i < count; i++) {
        float g = scale * gradient[i];
        first[i] = beta_1 * first[i] + (1.f - beta_1) * g;
        second[i] = beta_2 * second[i] + (1.f - beta_2) * g * g;
        parameters[i] -= rate * first[i] / (sqrtf(second[i]) * root_correction + epsilon);
    }
}
