/* decide.h: the acceptance rule that all single-tile Metropolis sweeps share. Local, cannot fail. */
#ifndef NNSM_SAMPLER_DECIDE_H
#define NNSM_SAMPLER_DECIDE_H

#include "nnsm/metropolis.h"

/* accept: out, [NNSM_TILE], all ones with probability NNSM_MOST_ACCEPTED min(1, exp(-beta change)), else 0. random: in,
 * [NNSM_TILE] words. */
void nnsm_decide(const double *change, const double *beta, const uint32_t *random, uint32_t *accept);

#endif
