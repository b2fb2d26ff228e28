/* scale.h: how a surrogate learns from the chains: its scale a(T), its work per proposal, its acceptance.
 *
 * During thermalization all chains of a temperature measure H, the surrogate H_s, whether the last proposal was
 * accepted and how many spins were flipped on the way to it. After an eighth, a quarter, half and all of the
 * measurements the sums since the last time give a(T) = cov(H, H_s) / var(H_s)        (regression of H on H_s: the
 * least variance of (H - a H_s)), palindromes = palindromes N / flips  (heat bath only: a proposal turns over about the
 * whole lattice), and from then on all is frozen. The acceptance of the last half decides whether the sampler works.
 * The same on every rank: sums run over gathered measurements in a fixed order. */
#ifndef NNSM_STAGE_SCALE_H
#define NNSM_STAGE_SCALE_H

#include "nnsm/self_learning.h"
#include "stage/state.h"

/* Below this acceptance, at any temperature, single flips take over: a step is then worth less than it costs. */
#define NNSM_LEAST_ACCEPTANCE 0.1

typedef struct {
    double count, surrogate, surrogate2, hamiltonian, product, accepted, flips; /* sums over measurements */
} nnsm_scale_sums;

typedef struct {
    size_t temperatures, sites;
    bool fit;                    /* false: H is the surrogate itself, a = 1 */
    int64_t measurements, seen;  /* of a thermalization; so far */
    nnsm_scale_sums *sums;       /* [temperatures] */
    double *scale, *palindromes; /* [temperatures] */
    double *acceptance;          /* [temperatures] between the last two times; NaN before */
} nnsm_scale;

nnsm_status nnsm_scale_create(nnsm_scale *scale, size_t temperatures, size_t sites, int64_t measurements, bool fit,
                              nnsm_error *error);
void nnsm_scale_destroy(nnsm_scale *scale);

/* One measurement of one chain at temperature t, while thermalizing. */
void nnsm_scale_add(nnsm_scale *scale, size_t t, double hamiltonian, double surrogate, double accepted, double flips);

/* After how many more measurements of all chains it learns again; SIZE_MAX: never. */
size_t nnsm_scale_until(const nnsm_scale *scale);

/* After the measurements of all chains: learns when it is time to, and tells the sampler. */
void nnsm_scale_learn(nnsm_scale *scale, nnsm_self_learning *sampler);

/* The lowest acceptance of a finished thermalization; 1 before, or where there was none. */
double nnsm_scale_acceptance(const nnsm_scale *scale);

/* Save or restore below `group`; what was restored goes to the sampler. Collective. */
void nnsm_scale_state(nnsm_scale *scale, nnsm_self_learning *sampler, const char *group, nnsm_state *state);

#endif
