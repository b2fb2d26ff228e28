/* pseudo_likelihood.h: couplings from the data alone, the estimate that a physicist would hold ours against.
 *
 * Maximum pseudo-likelihood (Besag 1975; for inverse Ising problems Aurell and Ekeberg, PRL 108, 090201 (2012)) on the
 * operators of nnsm/local.h: the conditional of a site given all others is exact and needs no partition function, so
 *     L(J) = sum over configurations and sites of log(1 + exp(-2 beta s_i h_i)),  h_i = sum_c J_c dO_c / ds_i
 * is convex in J and minimised by Newton steps. Of more than two values the conditional is a softmax over them
 * (pseudo_states.h), and L as convex. Classes that do not touch a site cost nothing there: sites with the
 * same classes share a block of the Hessian. The Hessian is taken from a part of the configurations where these are
 * many; all of them enter the gradient. Errors: blocks of configurations, each left out with one Newton step
 * (infinitesimal jackknife), cov = f A^-1 (sum_b g_b g_b^T) A^-1 as in couplings.h, which needs no model of what the
 * sites of a configuration have to do with each other. Local; `sum` may be collective. */
#ifndef NNSM_HAMILTONIAN_PSEUDO_LIKELIHOOD_H
#define NNSM_HAMILTONIAN_PSEUDO_LIKELIHOOD_H

#include "hamiltonian/couplings.h"

typedef struct nnsm_pseudo nnsm_pseudo;

/* operators is borrowed; temperature: of the data. */
nnsm_status nnsm_pseudo_create(nnsm_pseudo **out, const nnsm_operators *operators, double temperature,
                               nnsm_error *error);
void nnsm_pseudo_destroy(nnsm_pseudo *pseudo);

/* The sums of a block: pull [classes] (-dL/dJ), L, and the blocks of the Hessian. */
size_t nnsm_pseudo_sums(const nnsm_pseudo *pseudo);

/* Add configurations ([count][sites]) to the sums of their block; without the Hessian that part is left as it is. */
void nnsm_pseudo_add(nnsm_pseudo *pseudo, const double *coupling, bool hessian, const int8_t *configurations,
                     size_t count, double *sums);

/* What nnsm_pseudo_maximise asks of its caller: at these couplings, over the first NNSM_BLOCKS / part blocks
 * their sums added in their order into total [nnsm_pseudo_sums], and their pulls, NNSM_BLOCKS rows of [classes], into
 * pulls (rows of blocks left out are not looked at). The same on all ranks. */
typedef struct {
    const double *coupling;
    size_t part;
    bool hessian;
    double *total, *pulls;
} nnsm_pseudo_request;
typedef nnsm_status nnsm_pseudo_sum(void *context, const nnsm_pseudo_request *request, nnsm_error *error);

/* Fails only when `sum` does. coupling, error_bars: out, [classes]; NaN where the data do not determine them.
 * converged: out; where it is false (data that a finite J cannot explain, as frozen ones) all couplings are NaN.
 * configurations: how many there are. */
nnsm_status nnsm_pseudo_maximise(nnsm_pseudo *pseudo, size_t configurations, nnsm_pseudo_sum *sum, void *context,
                                 double *coupling, double *error_bars, bool *converged, nnsm_error *error);

/* Where it did not converge: the class whose coupling still grew fastest. Local. */
size_t nnsm_pseudo_fastest(const nnsm_pseudo *pseudo);

#endif
