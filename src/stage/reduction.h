/* reduction.h: sums of gradient shards in one fixed binary tree, whatever ranks own the shards.
 *
 * MPI_Allreduce promises no order, so the tree is our own. Ranks own contiguous shards; a rank sums the tree nodes that
 * lie wholly within its shards, then all join them up the tree by halves (tree.h), until every rank has one slice of
 * the sum; it takes the optimiser step there, and shares the new parameters, down the same tree. */
#ifndef NNSM_STAGE_REDUCTION_H
#define NNSM_STAGE_REDUCTION_H

#include <mpi.h>

#include "stage/tree.h"

/* How a vector of floats is cut into one slice a rank. Which slice is whose, the tree says. */
typedef struct {
    MPI_Comm comm;
    size_t count;
    nnsm_tree tree;
    int *cut;             /* [ranks + 1] where slices begin */
    int *counts, *starts; /* [ranks] the slice of a rank */
    MPI_Request *request; /* of the messages under way */
} nnsm_slices;

/* For sums of `shards` shards, spread over comm as nnsm_partition_owner says. starts: in, where the slices begin,
 * [ranks + 1], not falling, from 0 to count; NULL: equal slices. Collective. */
nnsm_status nnsm_slices_create(nnsm_slices *slices, MPI_Comm comm, size_t shards, size_t count, const size_t *starts,
                               nnsm_error *error);
void nnsm_slices_destroy(nnsm_slices *slices);

/* The slice [*first, *end) of this rank. Local. */
void nnsm_slices_own(const nnsm_slices *slices, size_t *first, size_t *end);

/* Every rank's slice of `vector` ([count]) to all ranks, in place. Adds the time to *waited. Collective. */
void nnsm_slices_share(const nnsm_slices *slices, float *vector, double *waited);

typedef struct nnsm_reduction nnsm_reduction;

/* For vectors cut as slices says (borrowed). Collective. */
nnsm_status nnsm_reduction_create(nnsm_reduction **out, const nnsm_slices *slices, nnsm_error *error);
void nnsm_reduction_destroy(nnsm_reduction *reduction);

/* Fills shard's vector, [count]. */
typedef void nnsm_shard_function(void *context, size_t shard, float *vector);

/* Compute all own shards and sum. Returns this rank's slice of the sum, borrowed. waited: out, seconds spent in
 * communication. Collective. */
const float *nnsm_reduction_sum(nnsm_reduction *reduction, nnsm_shard_function *function, void *context,
                                double *waited);

#endif
