/* frontier_fit.h: maximum likelihood for the fits of a frontier network: sums over draws, and the steps made of them.
 *
 * The features of a fit are z = (its F frontier spins times their signs; per unit u the part of tanh h_u that is not
 * linear in h_u, (tanh h - kappa h) / sigma, of unit variance; 1), D = F + U + 1 of them; its parameters are theta [D],
 * then kappa [U], then 1 / sigma [U], then the signs [F]. The mean loss of a draw, sum over the fit's outputs of log(1
 * + exp(-s o)), o = theta z, is convex. First the signs, then the moments of the units; then Newton steps from fresh
 * draws each, until they are only noise; then the last Hessian's Cholesky factor L is frozen and theta -= w_t (L
 * L^T)^-1 g_t for every batch, with w_t falling as 1 / (draws so far): the average over all draws of second-order
 * stochastic approximation. A ridge on the units' coefficients holds directions that the data do not determine. Vectors
 * of all fits lie one after the other (nnsm_frontier_layout).
 *
 * Of q > 2 values there are K = q - 1 rows of such theta, one for each value but the first, over the same features
 * (I = F (q - 1) inputs instead of F spins): theta [K][I + U + 1], D its size, and the loss is -log of the softmax.
 * Where it says D below, that; F stays the number of sites. Local, no MPI. */
#ifndef NNSM_MADE_FRONTIER_FIT_H
#define NNSM_MADE_FRONTIER_FIT_H

#include "nnsm/frontier.h"

/* What is summed over draws, floats a fit. SIGNS: sum of output times frontier spin, or of whether labels agree, [F].
 * MOMENTS: sum h^2, sum (tanh h)^2, sum h tanh h, over draws and some of the outputs (nnsm_fit_moments_of), [3][U], for
 * kappa and sigma; HESSIAN: gradient [D] and lower triangle of the Hessian [D (D + 1) / 2]; GRADIENT: [D]. All but the
 * last are laid out as HESSIAN. */
typedef enum { NNSM_FIT_SIGNS, NNSM_FIT_MOMENTS, NNSM_FIT_HESSIAN, NNSM_FIT_GRADIENT } nnsm_fit_sums;

/* Of how many outputs, evenly spread. They need not look the same: a slot may be empty in most of them. */
static inline size_t nnsm_fit_moments_of(const nnsm_fit *fit)
{
    return fit->members < 32 ? fit->members : 32;
}

/* Where the parts of a fit begin; entry `fits` is the total. */
typedef struct {
    size_t fits;
    size_t *parameters, *gradient, *hessian, *factor; /* [fits + 1] */
} nnsm_frontier_layout;

nnsm_status nnsm_frontier_layout_create(nnsm_frontier_layout *layout, const nnsm_frontier *frontier, nnsm_error *error);
void nnsm_frontier_layout_destroy(nnsm_frontier_layout *layout);

/* Sums of one kind over configurations ([count][sites]) for all fits. sums: out, laid out as layout->gradient or
 * layout->hessian. Returns sum of -log p; before the first step
 * (SIGNS, MOMENTS) p is uniform. */
double nnsm_frontier_sums(const nnsm_frontier *frontier, const nnsm_frontier_layout *layout,
                          nnsm_frontier_workspace *workspace, nnsm_fit_sums kind, const float *parameters,
                          const int8_t *configurations, size_t count, float *sums);

/* Signs of one fit from SIGNS over `draws` draws: -1 where the correlation is negative beyond noise. A wrong sign costs
 * nothing but the use of some units. parameters: in and out, of the fit. */
void nnsm_fit_orient(const nnsm_fit *fit, const float *sums, double draws, float *parameters);

/* kappa and 1 / sigma of one fit from its moments over `draws` draws. parameters: in and out, of the fit. */
void nnsm_fit_standardize(const nnsm_fit *fit, const float *sums, double draws, float *parameters);

/* What the steps need to know. */
typedef struct {
    bool odd;     /* the spin flip is a symmetry: the constant stays zero */
    double ridge; /* on the units' coefficients, per draw and output */
} nnsm_fit_options;

/* A Newton step of one fit from its HESSIAN sums; factor: out, the Cholesky factor, [layout factor]. noise: out, the
 * Newton decrement in units of what draws alone would make it (1 at the solution). NNSM_FAILURE when the Hessian is not
 * positive. */
nnsm_status nnsm_fit_newton(const nnsm_fit *fit, const nnsm_fit_options *options, const float *sums, double draws,
                            float *parameters, float *factor, double *noise, nnsm_error *error);

/* A step with the frozen factor from GRADIENT sums. NNSM_FAILURE for want of memory. */
nnsm_status nnsm_fit_average(const nnsm_fit *fit, const nnsm_fit_options *options, const float *sums, double draws,
                             double weight, const float *factor, float *parameters, nnsm_error *error);

/* Parameters of all fits into the network's weights and signs. */
void nnsm_frontier_apply(nnsm_frontier *frontier, const nnsm_frontier_layout *layout, const float *parameters);

#endif
