/* scan.h: the scan stage: chains at all temperatures under a Hamiltonian, observables with errors. */
#ifndef NNSM_STAGE_SCAN_H
#define NNSM_STAGE_SCAN_H

#include "stage/couplings.h"
#include "stage/curve.h"
#include "stage/members.h"
#include "stage/reweighting.h"
#include "stage/train.h"
#include "stage/trusted.h"
#include "statistics/series.h"

typedef struct {
    nnsm_curve learned, reference; /* reference.cell is NULL where no model is known or wanted */
    nnsm_curve distilled;          /* cell is NULL where there are no couplings or it is not wanted */
    double *ancestral;             /* [summary.bins] histogram of ancestral samples; NULL where no model is known */
    nnsm_reweighted reweighted;    /* the ancestral samples at the temperatures of the scan */
    double inconsistent;  /* ancestral samples of overlapping windows that are no image of any sites; NaN: not known */
    double ancestral_nll; /* -<log p> over ancestral samples: the entropy S(T0) of the learned Hamiltonian */
    double ancestral_nll_error;
    nnsm_trust trust;
} nnsm_scanned;

/* Scan the learned Hamiltonian, the true one for reference, and the distilled one; then the learned one's chains under
 * the other members. Collective on run->world. */
nnsm_status nnsm_stage_scan(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                            const nnsm_couplings *couplings, const nnsm_members *members, nnsm_scanned *scanned,
                            nnsm_error *error);
void nnsm_scanned_destroy(nnsm_scanned *scanned);

#endif
