/* reweighting.h: ancestral samples of the network, reweighted from T0 to the temperatures of the scan: an estimate that
 * no Markov chain had a part in, and so a check of all that did.
 *
 * With weights w = p^(T0/T - 1) = exp(-H (1/T - 1/T0)) of independent samples
 *     <x>_T = sum w x / sum w,   error^2 = sum w^2 (x - <x>_T)^2 / (sum w)^2,   n_eff = (sum w)^2 / sum w^2.
 * The effective sample size falls like exp(-var(H) (1/T - 1/T0)^2): only temperatures near T0 have an estimate, those
 * with n_eff >= NNSM_LEAST_EFFECTIVE; elsewhere it is NaN. */
#ifndef NNSM_STAGE_REWEIGHTING_H
#define NNSM_STAGE_REWEIGHTING_H

#include "io/h5.h"
#include "stage/run.h"

enum { NNSM_LEAST_EFFECTIVE = 2000 }; /* of 20480; measured: at 700 the weights' tails make errors too small by two */

/* |m|, E of the known model per site (0 where none is known), H of the network. */
enum { NNSM_REWEIGHTED_M, NNSM_REWEIGHTED_E, NNSM_REWEIGHTED_H, NNSM_REWEIGHTED };

typedef struct {
    size_t samples, temperatures;
    double (*sample)[NNSM_REWEIGHTED];                          /* [samples] */
    double *effective;                                          /* [temperatures] */
    double (*mean)[NNSM_REWEIGHTED], (*error)[NNSM_REWEIGHTED]; /* [temperatures], NaN out of reach */
} nnsm_reweighted;

nnsm_status nnsm_reweighted_create(nnsm_reweighted *reweighted, size_t samples, size_t temperatures, nnsm_error *error);
void nnsm_reweighted_destroy(nnsm_reweighted *reweighted);

/* Estimates from the samples, at each temperature. Local. */
void nnsm_reweighted_evaluate(nnsm_reweighted *reweighted, double temperature0, const double *temperature);

/* The chains' estimate of one of the observables at one temperature, in sigma of both errors; 0 where there is none. */
double nnsm_reweighted_pull(const nnsm_reweighted *reweighted, size_t t, int observable, double mean, double error);

/* /scan/reweighted/{effective_samples,abs_magnetization,energy,learned_energy}; H per site of `sites`. */
void nnsm_reweighted_write(nnsm_h5 *h5, const nnsm_reweighted *reweighted, bool model_known, double sites);

#endif
