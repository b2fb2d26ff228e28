/* trust.h: the trust stage: the same chains, under other Hamiltonians that the data allow.
 *
 * While the chains of the learned Hamiltonian H_0 were scanned, every Hamiltonian H_k of the ensemble of networks, and
 * the distilled one, was evaluated on some of their configurations (common_samples.h). Reweighting
 * (statistics/reweight.h) gives every observable under H_k at the same temperature, and what matters, the difference to
 * H_0, without the noise of a scan of its own. Of F, where every network's is 0 at T0, F_k(T) = F_0(T) - T ln
 * <exp(-(H_k - H_0) / T)>_0. Where n_eff is below NNSM_TRUST_EFFECTIVE there is no estimate, and a warning. */
#ifndef NNSM_STAGE_TRUST_H
#define NNSM_STAGE_TRUST_H

#include "nnsm/hamiltonian.h"
#include "stage/chains.h"
#include "stage/members.h"

enum { NNSM_TRUST_EFFECTIVE = 100 }; /* least n_eff */

/* The Hamiltonians H_k: the other networks, then the distilled one. members and couplings are borrowed. Local. */
typedef struct {
    nnsm_judges judges;
    nnsm_learned *learned[NNSM_MOST_MEMBERS]; /* from 1 */
} nnsm_trust_judges;
nnsm_status nnsm_trust_judges_create(nnsm_trust_judges *judges, const nnsm_members *members,
                                     const nnsm_couplings *couplings, bool distilled, nnsm_error *error);
void nnsm_trust_judges_destroy(nnsm_trust_judges *judges);

/* What the stage looks at; all borrowed. */
typedef struct {
    nnsm_chains *group; /* chains of the learned Hamiltonian, evaluated, with their common samples; they may go on */
    size_t groups;
    const nnsm_learned *learned;
    const nnsm_members *members;
    const nnsm_couplings *couplings;
    double temperature; /* T0 */
} nnsm_trust_subject;

/* Fills scanned->trust from scanned->learned and scanned->distilled, which must be evaluated. NNSM_UNFINISHED when
 * asked to stop; samples beyond the scan are not saved but made again. Collective on run->world. */
nnsm_status nnsm_stage_trust(nnsm_run *run, const nnsm_trust_subject *subject, nnsm_scanned *scanned,
                             nnsm_error *error);

/* The entries of one temperature from `samples` rows of NNSM_COMMON_H + hamiltonians columns (common_samples.h), in the
 * order of time; at least NNSM_REWEIGHT_BLOCKS. t: position in the scan; sites: N; magnetic_sites: those of m;
 * temperature0: T0. Local. */
nnsm_status nnsm_trust_estimate(nnsm_trust *trust, size_t t, double temperature, double temperature0, double sites,
                                double magnetic_sites, const double *rows, size_t samples, const nnsm_scanned *scanned,
                                nnsm_error *error);

/* The errors, once all temperatures are there. Learned minus distilled is that of the common samples or that of the two
 * scans, whichever has the smaller error. A part that there should be and is not known leaves no total. Local. */
void nnsm_trust_total(nnsm_trust *trust, const nnsm_scanned *scanned, double sites);

/* The energies of H that were seen in training: trust->low, high, seen. Collective on run->world. */
nnsm_status nnsm_trust_seen(nnsm_run *run, const nnsm_learned *learned, const nnsm_scanned *scanned, double temperature,
                            nnsm_trust *trust, nnsm_error *error);
/* Share of them at each end that does not count. */
#define NNSM_SUPPORT_TAIL 0.001

/* Symmetries of H on ancestral samples: trust->audit. Collective on run->world. */
nnsm_status nnsm_trust_audit(nnsm_run *run, const nnsm_learned *learned, nnsm_trust *trust, nnsm_error *error);

/* Measure the second ensemble and compare: trust->second. Its H is that of the run's own network, and the prediction's
 * error the one of this same function under the other networks. Needs the totals. Collective on run->world. */
nnsm_status nnsm_second_compare(nnsm_run *run, const nnsm_learned *learned, const nnsm_scanned *scanned,
                                nnsm_trust *trust, nnsm_error *error);
const char *nnsm_second_name(size_t row);

/* Log and /trust of an open results file. Local. */
void nnsm_trust_report(nnsm_run *run, const nnsm_trust *trust);
void nnsm_trust_write(nnsm_h5 *h5, const nnsm_run *run, const nnsm_trust *trust);
/* /trust of an open results file on the standard output, as tables. Local. */
void nnsm_trust_print(nnsm_h5 *h5);

#endif
