/* trust.h: the trust stage: the same chains, under other Hamiltonians that the data allow.
 *
 * When the scan is evaluated, the chains of the learned Hamiltonian H_0 go on for a bounded number of rounds. After
 * each round, long enough to decorrelate, every Hamiltonian H_k of the ensemble of networks, and the distilled one, is
 * evaluated on the chains' configurations. Reweighting (statistics/reweight.h) then gives every observable under H_k at
 * the same temperature, and what matters, the difference to H_0, without the noise of a scan of its own. Of F, where
 * every network's is 0 at T0,
 *     F_k(T) = F_0(T) - T ln <exp(-(H_k - H_0) / T)>_0.
 * Where n_eff is below NNSM_TRUST_EFFECTIVE there is no estimate, and a warning. */
#ifndef NNSM_STAGE_TRUST_H
#define NNSM_STAGE_TRUST_H

#include "nnsm/hamiltonian.h"
#include "stage/chains.h"
#include "stage/members.h"

enum {
    NNSM_TRUST_SAMPLES = 2048,  /* a temperature, at least */
    NNSM_TRUST_EFFECTIVE = 100, /* least n_eff */
    NNSM_TRUST_LONGEST = 20,    /* most sweeps or proposals of a round */
};

/* What the stage looks at; all borrowed. */
typedef struct {
    nnsm_chains *group; /* chains of the learned Hamiltonian, evaluated; they go on */
    size_t groups;
    const nnsm_learned *learned;
    const nnsm_members *members;
    const nnsm_couplings *couplings;
    double temperature; /* T0 */
} nnsm_trust_subject;

/* Fills scanned->trust from scanned->learned and scanned->distilled, which must be evaluated. NNSM_UNFINISHED when
 * asked to stop: rounds are not saved but made again. Collective on run->world. */
nnsm_status nnsm_stage_trust(nnsm_run *run, const nnsm_trust_subject *subject, nnsm_scanned *scanned,
                             nnsm_error *error);

/* One row of measurements: columns of the table below. */
enum { NNSM_TRUST_M, NNSM_TRUST_E, NNSM_TRUST_ORDER, NNSM_TRUST_H /* and on: of all Hamiltonians */ };

/* The entries of one temperature from `samples` rows of NNSM_TRUST_H + hamiltonians columns, in the order of time. t:
 * position in the scan; sites: N; magnetic_sites: those of m; temperature0: T0. Local. */
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
