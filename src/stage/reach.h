/* reach.h: the reach of a frontier network, from the data where the configuration does not state it.
 *
 * Couplings of local operators up to NNSM_REACH_LONGEST lattice spacings are fitted to the ensemble by
 * pseudo-likelihood, and the shortest reach that they do not contradict is taken (hamiltonian/reach.h). Operators:
 * fields, pairs, three- and four-spin products, classes by the symmetries of train.augment; without translations every
 * bond is one, and larger lattices have room for pairs, then for shorter ones, only. Nothing but the data enters, sums
 * are the same bits on any number of ranks, and what is decided is decided again after a stop: nothing to save. */
#ifndef NNSM_STAGE_REACH_H
#define NNSM_STAGE_REACH_H

#include "hamiltonian/reach.h"
#include "io/h5.h"
#include "nnsm/network.h"
#include "stage/run.h"

#define NNSM_REACH_LONGEST 3.0
enum { NNSM_MOST_REACHES = 16 };

/* What was decided, and why; plain data, the same on all ranks. */
typedef struct {
    double reach;          /* 0: nothing was decided, the configuration states it */
    size_t configurations; /* tested on; 0: could not be tested */
    size_t tests;
    nnsm_reach_test test[NNSM_MOST_REACHES]; /* the last one was not rejected, where it is not that many'th */
    char strongest[NNSM_MOST_REACHES][NNSM_OPERATOR_NAME];
} nnsm_reach_choice;

/* Is the reach to be chosen from the data? Local. */
bool nnsm_reach_wanted(const nnsm_config *config);

/* Choose it where wanted, and say why in the log; the lattice and the ensemble must be known. Where the data cannot
 * tell (frozen configurations, no basis that fits): 1, and a warning. Collective on run->world; NNSM_UNFINISHED when
 * stopped. */
nnsm_status nnsm_stage_reach(nnsm_run *run, double temperature, nnsm_reach_choice *choice, nnsm_error *error);

/* The reach for a network of this run: chosen, else stated, else 1. Local. */
double nnsm_reach_of(const nnsm_config *config, const nnsm_reach_choice *choice);

/* /reach of an open network file. */
void nnsm_reach_write(nnsm_h5 *h5, const nnsm_reach_choice *choice);

#endif
