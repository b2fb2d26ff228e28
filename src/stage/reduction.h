/* reduction.h: sums of gradient shards in one fixed binary tree, whatever ranks own the shards.
 *
 * MPI_Allreduce promises no order, so the tree is our own. Ranks own contiguous shards; a rank sums the tree nodes that
 * lie wholly within its shards, then the vector is cut into one slice a rank: every rank sends its nodes' slices to
 * their owners, who finish the tree on their slice, take the optimiser step there, and share the new parameters. */
#ifndef NNSM_STAGE_REDUCTION_H
#define NNSM_STAGE_REDUCTION_H

#include <mpi.h>
#include <stddef.h>

#include "nnsm/error.h"

typedef struct nnsm_reduction nnsm_reduction;

/* For vectors of `count` floats and `shards` shards spread over comm as nnsm_partition_owner says. Collective. */
nnsm_status nnsm_reduction_create(nnsm_reduction **out, MPI_Comm comm, size_t shards, size_t count, nnsm_error *error);
void nnsm_reduction_destroy(nnsm_reduction *reduction);

/* The slice [*first, *end) of the vector that this rank owns. */
void nnsm_reduction_slice(const nnsm_reduction *reduction, size_t *first, size_t *end);

/* Fills shard's vector, [count]. */
typedef void nnsm_shard_function(void *context, size_t shard, float *vector);

/* Compute all own shards and sum. Returns this rank's slice of the sum, borrowed. waited: out, seconds spent in
 * communication. Collective. */
const float *nnsm_reduction_sum(nnsm_reduction *reduction, nnsm_shard_function *function, void *context,
                                double *waited);

/* Every rank's slice of `vector` ([count]) to all ranks, in place. Collective. */
void nnsm_reduction_share(nnsm_reduction *reduction, float *vector, double *waited);

#endif
