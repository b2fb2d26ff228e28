/* thermodynamics.h: free energy and entropy over a scan, absolute, for any Hamiltonian H of its branches.
 *
 * The network's p is normalised. So the ancestral samples s at T0 give Z of H at T0 by
 *     ln Z(T0) = ln < exp(-H(s) / T0) / p(s) >_p
 * (Nicoli et al., Phys. Rev. E 101, 023304 (2020)), which is 0 without any error for the learned H = -T0 log p, and the
 * samples, weighted by exp(-H / T0) / p, are one more temperature of the scan: the anchor. From there the acceptance
 * ratios of neighbouring temperatures lead to every other one (statistics/free_energy.h), and
 *     F(T) = -T ln Z(T),   S(T) = (<H> - F) / T.
 * S is absolute. F is given relative to F(T0), because the zero of energy cannot be known from one ensemble: for the
 * learned H, whose F(T0) is 0, it is F itself. Two cross-checks: integration of <H>, and reweighting of the ancestral
 * samples, ln Z(T) = ln <exp(-H / T) / p>, as far as those are worth NNSM_LEAST_SAMPLES. */
#ifndef NNSM_STAGE_THERMODYNAMICS_H
#define NNSM_STAGE_THERMODYNAMICS_H

#include "stage/chains.h"

enum { NNSM_LEAST_SAMPLES = 200 }; /* effective; ln Z has an error of 0.07 then */

/* Ancestral samples; plain, the same on all ranks, borrowed. */
typedef struct {
    double temperature;    /* T0 */
    size_t samples;        /* a multiple of batches */
    size_t batches;        /* for errors */
    const double *learned; /* [samples] -T0 log p */
    const double *energy;  /* [samples] H that is scanned */
} nnsm_anchor;

/* <H> at T0 by these samples, for the constants of the acceptance ratios. Local. */
double nnsm_anchor_energy(const nnsm_anchor *anchor);

/* The columns of curve->free_energy. Per site, relative to F(T0). */
typedef enum {
    NNSM_F_INTEGRATED,
    NNSM_F_INTEGRATED_ERROR,
    NNSM_F_INTEGRATED_SYSTEMATIC, /* estimate of what the finite steps cost */
    NNSM_F_REWEIGHTED,
    NNSM_F_REWEIGHTED_ERROR,
    NNSM_F_REWEIGHTED_SAMPLES, /* effective number */
    NNSM_F_OVERLAP,            /* with the next temperature on the way to T0 */
    NNSM_F_COLUMNS
} nnsm_free_energy_column;

/* Name in the results file, unit and description. */
const char *nnsm_free_energy_column_text(nnsm_free_energy_column column, const char **units, const char **description);

/* Fill the cells NNSM_FREE_ENERGY and NNSM_ENTROPY of the curve, its free_energy and log_partition, at all temperatures
 * of the configuration; NaN where there is no number. group: [groups] all chains under H, run to their end. Says in the
 * log why a number is missing, and warns where the estimates disagree; `what` names the scan. Collective. */
nnsm_status nnsm_thermodynamics_evaluate(nnsm_run *run, const nnsm_chains *group, size_t groups,
                                         const nnsm_anchor *anchor, const char *what, nnsm_curve *curve,
                                         nnsm_error *error);

#endif
