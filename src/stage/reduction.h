/* reduction.h: sums of gradient shards in one fixed binary tree, whatever ranks own the shards, and what follows them.
 *
 * MPI_Allreduce promises no order, so the tree is our own. Ranks own contiguous shards; a rank sums the tree nodes that
 * lie wholly within its shards, then all join them up the tree by halves (tree.h), until every rank has one slice of
 * the sum; it takes the optimiser step there, and shares the new parameters, down the same tree.
 *
 * The vector goes in pieces, each on a way of its own (relay.h). A piece starts as soon as a rank's last shard has
 * told of all its floats, while others are still being computed: then messages of some pieces pass beside the
 * computation, additions and steps of others. Every float has the additions of the tree in its order, whatever the
 * pieces are and whenever they start. */
#ifndef NNSM_STAGE_REDUCTION_H
#define NNSM_STAGE_REDUCTION_H

#include "nnsm/made.h"
#include "stage/relay.h"

typedef struct nnsm_reduction nnsm_reduction;

/* For vectors in `pieces` pieces, which follow each other from float 0 on, none empty. sums, results: [pieces], how
 * they are cut, of one communicator and number of shards; borrowed. Collective. */
nnsm_status nnsm_reduction_create(nnsm_reduction **out, size_t pieces, const nnsm_slices *sums,
                                  const nnsm_slices *results, nnsm_error *error);
void nnsm_reduction_destroy(nnsm_reduction *reduction);

/* Where the shards come from. */
typedef struct {
    void *context;
    /* Fills shard's vector, and tells of every float once, when it is final. listener: NULL where nobody listens. */
    void (*compute)(void *context, size_t shard, float *vector, const nnsm_listener *listener);
} nnsm_producer;

/* Compute all own shards, the last one at last, and sum; the consumer uses this rank's slices of pieces, in any order,
 * as soon as they are there, also from within `compute`; then all have all of its results. Collective. */
void nnsm_reduction_run(nnsm_reduction *reduction, const nnsm_producer *producer, const nnsm_consumer *consumer);

#endif
