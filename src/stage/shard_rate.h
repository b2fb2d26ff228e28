/* shard_rate.h: how fast this rank sums over the configurations of a gradient shard, for plans. Local. */
#ifndef NNSM_STAGE_SHARD_RATE_H
#define NNSM_STAGE_SHARD_RATE_H

#include "stage/learner.h"

/* Configurations a second of processor time, of shards of the configuration's batches. sums: NNSM_VECTOR_GRADIENT, or
 * NNSM_VECTOR_HESSIAN for those that a frontier network's Newton steps want. seconds: that it may take at least.
 * learner: in, its phase is left as it was. NNSM_FAILURE for want of memory. */
nnsm_status nnsm_shard_rate(nnsm_learner *learner, nnsm_vector sums, double seconds, double *rate, nnsm_error *error);

#endif
