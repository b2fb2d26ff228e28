/* screening.h: the cheap Hamiltonian that screens the single flips of a scan (nnsm/metropolis.h): the couplings read off
 * the learned Hamiltonian, reduced to those that matter as for self-learning. Every NNSM_WHOLE_SWEEPS-th sweep is not
 * screened: what it accepts tells what the screen costs. Local. */
#ifndef NNSM_STAGE_SCREENING_H
#define NNSM_STAGE_SCREENING_H

#include "sampler/surrogate.h"
#include "stage/couplings.h"

enum { NNSM_WHOLE_SWEEPS = 64 };

typedef struct {
    nnsm_surrogate surrogate;
    size_t tiles;
    nnsm_tile *tile; /* [tiles] the surrogate's own chains; NULL: flips are not screened */
} nnsm_screening;

/* May couplings screen the flips of this network? Where they are known, and it is a dense one of spins, whose flips cost
 * in proportion to the chains that ask. */
bool nnsm_screening_possible(const nnsm_run *run, const nnsm_network *network, const nnsm_couplings *couplings);

/* What the couplings miss in a flip, about, in units of this temperature; a screen is made up to NNSM_MOST_MISSED. */
#define NNSM_MOST_MISSED 0.5
double nnsm_screening_missed(const nnsm_run *run, const nnsm_couplings *couplings, double temperature);

/* For so many tiles; tile stays NULL where no coupling stands out of its error. *screening must stay where it is. */
nnsm_status nnsm_screening_create(nnsm_screening *screening, const nnsm_couplings *couplings, size_t tiles,
                                  nnsm_error *error);
void nnsm_screening_destroy(nnsm_screening *screening);

/* Is a sweep with this number screened? */
bool nnsm_screening_at(const nnsm_screening *screening, uint32_t sweep);

/* Of the sweeps first ... last - 1, those that are not screened, where there is a screen. */
uint32_t nnsm_screening_whole(uint32_t first, uint32_t last);

#endif
