/* screening.h: the cheap Hamiltonian that screens the single flips of a scan (nnsm/metropolis.h): the couplings read off
 * the learned Hamiltonian, reduced to those that matter as for self-learning. Every NNSM_WHOLE_SWEEPS-th sweep is not
 * screened: what it accepts tells what the screen costs. Local. */
#ifndef NNSM_STAGE_SCREENING_H
#define NNSM_STAGE_SCREENING_H

#include "sampler/surrogate.h"
#include "stage/couplings.h"
#include "stage/curve.h"

enum { NNSM_WHOLE_SWEEPS = 64 };

typedef struct {
    nnsm_surrogate surrogate;
    size_t tiles;
    nnsm_tile *tile; /* [tiles] the surrogate's own chains; NULL: flips are not screened */
} nnsm_screening;

/* The couplings that may screen the flips of this network, or NULL: those of a dense network of spins, whose flips cost
 * in proportion to the chains that ask, where the couplings miss at most half a T in a flip at the lowest temperature. */
const nnsm_couplings *nnsm_screening_choose(nnsm_run *run, const nnsm_network *network, const nnsm_couplings *couplings);

/* For so many tiles; none where no coupling stands out of its error. *screening must stay where it is. */
nnsm_status nnsm_screening_create(nnsm_screening *screening, const nnsm_couplings *couplings, size_t tiles,
                                  nnsm_error *error);
void nnsm_screening_destroy(nnsm_screening *screening);

/* Is a sweep with this number screened? */
bool nnsm_screening_at(const nnsm_screening *screening, uint32_t sweep);

/* Of the sweeps first ... last - 1, those that are not screened, where there is a screen. */
uint32_t nnsm_screening_whole(uint32_t first, uint32_t last);

/* What the screen cost and saved, for the log, and a warning where it rejects what the network would accept. */
void nnsm_screening_report(nnsm_run *run, const nnsm_screening *screening, const nnsm_curve *curve, double flips,
                           double whole_flips);

#endif
