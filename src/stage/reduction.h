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

/* How a vector of floats is cut into one slice a rank. */
typedef struct {
    MPI_Comm comm;
    size_t count;
    int *counts, *starts; /* [ranks] */
} nnsm_slices;

/* starts: in, where the slice of each rank begins, [ranks + 1], not falling, from 0 to count; NULL: equal slices.
 * Collective. */
nnsm_status nnsm_slices_create(nnsm_slices *slices, MPI_Comm comm, size_t count, const size_t *starts,
                               nnsm_error *error);
void nnsm_slices_destroy(nnsm_slices *slices);

/* The slice [*first, *end) of this rank. Local. */
void nnsm_slices_own(const nnsm_slices *slices, size_t *first, size_t *end);

/* Every rank's slice of `vector` ([count]) to all ranks, in place. Adds the time to *waited. Collective. */
void nnsm_slices_share(const nnsm_slices *slices, float *vector, double *waited);

typedef struct nnsm_reduction nnsm_reduction;

/* For vectors cut as slices says (borrowed), and `shards` shards spread over slices->comm as nnsm_partition_owner says.
 * Collective. */
nnsm_status nnsm_reduction_create(nnsm_reduction **out, const nnsm_slices *slices, size_t shards, nnsm_error *error);
void nnsm_reduction_destroy(nnsm_reduction *reduction);

/* Fills shard's vector, [count]. */
typedef void nnsm_shard_function(void *context, size_t shard, float *vector);

/* Compute all own shards and sum. Returns this rank's slice of the sum, borrowed. waited: out, seconds spent in
 * communication. Collective. */
const float *nnsm_reduction_sum(nnsm_reduction *reduction, nnsm_shard_function *function, void *context,
                                double *waited);

#endif
