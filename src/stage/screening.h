/* screening.h: the cheap Hamiltonian that screens the single flips of a scan (nnsm/metropolis.h): the couplings read
 * off the learned Hamiltonian, reduced to those that matter as for self-learning. Every NNSM_WHOLE_SWEEPS-th sweep is
 * not screened: what it accepts tells what the screen costs. Local, and the same on all ranks. */
#ifndef NNSM_STAGE_SCREENING_H
#define NNSM_STAGE_SCREENING_H

#include "sampler/surrogate.h"
#include "stage/couplings.h"

enum { NNSM_WHOLE_SWEEPS = 64 };

typedef enum {
    NNSM_NO_SCREEN,     /* none was asked for */
    NNSM_SCREENED,      /* flips are screened */
    NNSM_SCREEN_EMPTY,  /* no coupling stands out of its error */
    NNSM_SCREEN_MISSES, /* the couplings are too far from H */
    NNSM_SCREEN_PASSES, /* so many flips pass that it would cost more than it saves */
} nnsm_screen_verdict;

typedef struct {
    nnsm_screen_verdict verdict;
    double missed;  /* by the couplings in a flip, about, in units of the lowest temperature; judged at T0 */
    double passing; /* share of the flips, a mean over the temperatures, by chains of the couplings alone */
    double lowest;  /* temperature */
    nnsm_surrogate surrogate;
    size_t tiles;
    nnsm_tile *tile; /* [tiles] the surrogate's own chains; NULL: flips are not screened */
} nnsm_screening;

/* May couplings screen the flips of this network? Where they are known, and it is a dense one of spins, whose flips
 * cost in proportion to the chains that ask. */
bool nnsm_screening_possible(const nnsm_run *run, const nnsm_network *network, const nnsm_couplings *couplings);

/* Decide for these temperatures, [temperatures], rising, and make the screens of so many tiles. *screening must stay
 * where it is. */
nnsm_status nnsm_screening_create(nnsm_screening *screening, const nnsm_run *run, const nnsm_couplings *couplings,
                                  size_t temperatures, const double *temperature, size_t tiles, nnsm_error *error);
void nnsm_screening_destroy(nnsm_screening *screening);

/* "screened by pair (1,0)", or why not. */
void nnsm_screening_describe(const nnsm_screening *screening, char *text, size_t size);

/* Is a sweep with this number screened? */
bool nnsm_screening_at(const nnsm_screening *screening, uint32_t sweep);

/* Of the sweeps first ... last - 1, those that are not screened, where there is a screen. */
uint32_t nnsm_screening_whole(uint32_t first, uint32_t last);

#endif
