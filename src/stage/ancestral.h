/* ancestral.h: independent samples of the network: the distribution at T0, and the entropy of the learned Hamiltonian,
 * S = <-log p>, with its error. */
#ifndef NNSM_STAGE_ANCESTRAL_H
#define NNSM_STAGE_ANCESTRAL_H

#include "nnsm/hamiltonian.h"
#include "stage/scan.h"

enum {
    NNSM_ANCESTRAL_TILES = 640,
    NNSM_ANCESTRAL_SAMPLES = NNSM_ANCESTRAL_TILES * NNSM_TILE,
};

/* One of the Hamiltonians that are scanned, and what it gives the samples, the same on all ranks. */
typedef struct {
    nnsm_tile tile;
    double *energy; /* [NNSM_ANCESTRAL_SAMPLES], zeroed before */
} nnsm_witness;

/* Fills the witnesses' energies, scanned->ancestral (counts by the bins of the ensemble's histogram) and ancestral_nll,
 * the same on all ranks and on any number of them. NNSM_UNFINISHED when a stop is asked for: samples are not saved but
 * drawn again. Collective. */
nnsm_status nnsm_ancestral_sample(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                                  nnsm_scanned *scanned, nnsm_witness *const *witnesses, size_t count,
                                  nnsm_error *error);

#endif
