/* kernels.h: the elementwise passes of training, tuned, each beside its readable reference (kernels_reference.c).
 * Plain arrays, no MPI, no I/O; local, cannot fail. */
#ifndef NNSM_MADE_KERNELS_H
#define NNSM_MADE_KERNELS_H

#include <stddef.h>

#include "nnsm/made.h"

/* z = f(z + bias), in place. z: [rows][columns], bias: [columns]. */
void nnsm_kernel_activate(nnsm_activation activation, float *z, const float *bias, size_t rows, size_t columns);

/* dz = da * f'(z), in place, from a = f(z). da, a: [count]. */
void nnsm_kernel_activate_back(nnsm_activation activation, float *da, const float *a, size_t count);

/* Per row: nll = sum_p softplus(-x_p (o_p + bias_p)). x, o: [rows][columns], nll: out, [rows], summed in double. */
void nnsm_kernel_nll(const float *x, const float *o, const float *bias, size_t rows, size_t columns, double *nll);

/* The same, and o becomes its derivative: d nll / d o_p = -x_p / (1 + exp(x_p (o_p + bias_p))). Eight terms are summed
 * in float before they enter the sum, with one logarithm: what is below 6e-8 in a term may be lost. */
void nnsm_kernel_nll_gradient(const float *x, float *o, const float *bias, size_t rows, size_t columns, double *nll);

/* Sites of more than two values, x = 1 for the site's state, else 0: per row nll = sum_p (log sum_k exp(y_pk) -
 * sum_k x_pk y_pk), y = o + bias. x, o: [rows][sites][values]. */
void nnsm_kernel_softmax_nll(const float *x, const float *o, const float *bias, size_t rows, size_t sites,
                             size_t values, double *nll);

/* The same, and o becomes its derivative: d nll / d o_pk = exp(y_pk) / sum_l exp(y_pl) - x_pk; zero where x is zero for
 * all values of a site, as in padded rows. */
void nnsm_kernel_softmax_nll_gradient(const float *x, float *o, const float *bias, size_t rows, size_t sites,
                                      size_t values, double *nll);

/* out[c] = sum over rows of m[r][c]. */
void nnsm_kernel_column_sums(const float *m, size_t rows, size_t columns, float *out);

/* sum += term, [count]. */
void nnsm_kernel_add(float *restrict sum, const float *restrict term, size_t count);

/* One Adam step (Kingma and Ba 2015) on `count` parameters: gradient scaled by `scale`, rate already divided by the
 * bias correction of the first moment, `root_correction` = 1 / sqrt(1 - beta2^t). first, second: moments, in and out.
 */
void nnsm_kernel_adam(float *parameters, float *first, float *second, const float *gradient, size_t count, float scale,
                      float rate, float root_correction);

/* References: the same contracts in libm and double, one line a formula. */
void nnsm_reference_activate(nnsm_activation activation, float *z, const float *bias, size_t rows, size_t columns);
void nnsm_reference_activate_back(nnsm_activation activation, float *da, const float *a, size_t count);
void nnsm_reference_nll(const float *x, const float *o, const float *bias, size_t rows, size_t columns, double *nll);
void nnsm_reference_nll_gradient(const float *x, float *o, const float *bias, size_t rows, size_t columns, double *nll);
void nnsm_reference_softmax_nll(const float *x, const float *o, const float *bias, size_t rows, size_t sites,
                                size_t values, double *nll);
void nnsm_reference_softmax_nll_gradient(const float *x, float *o, const float *bias, size_t rows, size_t sites,
                                         size_t values, double *nll);
void nnsm_reference_adam(float *parameters, float *first, float *second, const float *gradient, size_t count,
                         float scale, float rate, float root_correction);

#endif
