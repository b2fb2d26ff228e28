/* slices.h: how a piece of a vector of floats is cut into one slice a rank, and the messages that carry slices. */
#ifndef NNSM_STAGE_SLICES_H
#define NNSM_STAGE_SLICES_H

#include <mpi.h>

#include "stage/tree.h"

/* Pieces that a vector may have: so that tags stay below 32767, which is all that MPI promises, with 1024 shards. */
enum { NNSM_MOST_PIECES = 15 };

/* Piece `number` of a vector: its floats [first, first + count). */
typedef struct {
    size_t number, first, count;
} nnsm_span;

/* Which slice is whose, the tree says. */
typedef struct {
    MPI_Comm comm;
    nnsm_span span;
    nnsm_tree tree;       /* of sums, up */
    nnsm_tree down;       /* of what is made of them, whose shards are the ranks */
    int *cut;             /* [ranks + 1] where slices begin, counted from the piece's first float */
    size_t messages;      /* under way at once, at most */
    MPI_Request *request; /* [messages] of nnsm_slices_share */
} nnsm_slices;

/* For sums of `shards` shards, spread over comm as nnsm_partition_owner says. starts: in, where the slices begin,
 * [ranks + 1], not falling, from 0 to the piece's end; NULL: equal slices. Collective. */
nnsm_status nnsm_slices_create(nnsm_slices *slices, MPI_Comm comm, size_t shards, nnsm_span span, const size_t *starts,
                               nnsm_error *error);
void nnsm_slices_destroy(nnsm_slices *slices);

/* The slice [*first, *end) of this rank, counted from the vector's first float. Local. */
void nnsm_slices_own(const nnsm_slices *slices, size_t *first, size_t *end);

/* Every rank's slice of the piece to all ranks, in place. vector: all of it. Collective. */
void nnsm_slices_share(const nnsm_slices *slices, float *vector);

/* Messages under way. */
typedef struct {
    MPI_Request *request; /* [nnsm_slices.messages], borrowed */
    int count;
} nnsm_messages;

/* Begin to send this rank's sums of the nodes under a join of slices->tree, and to receive those of others. sum: in,
 * [2] its slices of either node, read where it is a member; buffer: out, [2] the join's slices of either, written where
 * any come. */
void nnsm_slices_send_up(const nnsm_slices *slices, const nnsm_join *join, float *const *sum, float *const *buffer,
                         nnsm_messages *messages);

/* The way back: begin to send the slices of a join of slices->down to the members of its parts. piece: in and out, its
 * first float. Joins go one after the other, the highest first. */
void nnsm_slices_send_down(const nnsm_slices *slices, const nnsm_join *join, float *piece, nnsm_messages *messages);

#endif
