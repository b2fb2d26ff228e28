/* kernels_reference.c: what the tuned kernels of kernels.c compute, as one would write it on paper. */
#include <math.h>

#include "made/chain_kernels.h"
#include "made/kernels.h"
#include "made/tile_kernels.h"

static double softplus(double y)
{
    return fmax(y, 0) + log1p(exp(-fabs(y)));
}

void nnsm_reference_activate(nnsm_activation activation, float *z, const float *bias, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows * columns; i++) {
        double value = (double)z[i] + (double)bias[i % columns];
        z[i] = (float)(activation != NNSM_RELU ? tanh(value) : value < 0 ? 0 : value);
    }
}

void nnsm_reference_activate_back(nnsm_activation activation, float *da, const float *a, size_t count)
{
    for (size_t i = 0; i < count; i++)
        da[i] *= activation == NNSM_RELU ? (float)(a[i] > 0.f) : 1.f - a[i] * a[i];
}

void nnsm_reference_nll(const float *x, const float *o, const float *bias, size_t rows, size_t columns, double *nll)
{
    for (size_t r = 0; r < rows; r++) {
        nll[r] = 0;
        for (size_t c = 0; c < columns; c++)
            nll[r] += softplus(-(double)x[r * columns + c] * ((double)o[r * columns + c] + (double)bias[c]));
    }
}

void nnsm_reference_nll_gradient(const float *x, float *o, const float *bias, size_t rows, size_t columns, double *nll)
{
    nnsm_reference_nll(x, o, bias, rows, columns, nll);
    for (size_t i = 0; i < rows * columns; i++)
        o[i] = (float)(-(double)x[i] / (1 + exp((double)x[i] * ((double)o[i] + (double)bias[i % columns]))));
}

void nnsm_reference_softmax_nll(const float *x, const float *o, const float *bias, size_t rows, size_t sites,
                                size_t values, double *nll)
{
    for (size_t r = 0; r < rows; r++) {
        nll[r] = 0;
        for (size_t i = 0; i < sites * values; i += values) {
            double sum = 0;
            for (size_t k = i; k < i + values; k++) {
                double y = (double)o[r * sites * values + k] + (double)bias[k];
                sum += exp(y);
                nll[r] -= (double)x[r * sites * values + k] * y;
            }
            nll[r] += log(sum);
        }
    }
}

void nnsm_reference_softmax_nll_gradient(const float *x, float *o, const float *bias, size_t rows, size_t sites,
                                         size_t values, double *nll)
{
    nnsm_reference_softmax_nll(x, o, bias, rows, sites, values, nll);
    for (size_t i = 0; i < rows * sites * values; i += values) {
        double sum = 0, present = 0;
        const float *b = bias + i % (sites * values);
        for (size_t k = 0; k < values; k++) {
            sum += exp((double)o[i + k] + (double)b[k]);
            present += (double)x[i + k];
        }
        for (size_t k = 0; k < values; k++)
            o[i + k] = (float)(present * exp((double)o[i + k] + (double)b[k]) / sum - (double)x[i + k]);
    }
}

void nnsm_reference_adam(float *parameters, float *first, float *second, const float *gradient, size_t count,
                         float scale, float rate, float root_correction)
{
    for (size_t i = 0; i < count; i++) {
        double g = (double)scale * (double)gradient[i];
        first[i] = (float)(0.9 * (double)first[i] + 0.1 * g);
        second[i] = (float)(0.999 * (double)second[i] + 0.001 * g * g);
        parameters[i] -=
            (float)((double)rate * (double)first[i] / (sqrt((double)second[i]) * (double)root_correction + 1e-8));
    }
}

void nnsm_reference_tile_blocks(const float *x, const float *o_new, const float *term, size_t rows, float *term_new,
                                double *sum)
{
    for (size_t b = 0; b < nnsm_tile_term_blocks(rows); b++)
        for (size_t c = 0; c < NNSM_TILE; c++) {
            size_t i = b * NNSM_TILE + c;
            double next = 0;
            for (size_t r = b * NNSM_TERM_ROWS; r < (b + 1) * NNSM_TERM_ROWS && r < rows; r++)
                next += softplus(-(double)x[r * NNSM_TILE + c] * (double)o_new[r * NNSM_TILE + c]);
            sum[c] += next - (double)term[i];
            term_new[i] = (float)next;
        }
}

double nnsm_reference_chain_terms(const float *x, const float *o, size_t sites, const float *term, float *term_new)
{
    double change = 0;
    for (size_t i = 0; i < sites; i += NNSM_CHAIN_SITES)
        for (size_t lane = 0; lane < NNSM_CHAIN_LANES; lane++) {
            size_t t = i / NNSM_CHAIN_SITES * NNSM_CHAIN_LANES + lane;
            double next = 0;
            for (size_t k = i + lane; k < i + NNSM_CHAIN_SITES; k += NNSM_CHAIN_LANES)
                next += softplus(-(double)x[k] * (double)o[k]);
            change += next - (double)term[t];
            term_new[t] = (float)next;
        }
    return change;
}
