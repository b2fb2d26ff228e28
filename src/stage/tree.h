/* tree.h: who sends what to whom when the ranks sum gradient shards in one fixed binary tree.
 *
 * A node of the tree is a range of shards; its left part is the largest power of two below its size. Ranks own
 * contiguous shards (nnsm_partition_owner). A node that lies wholly within one rank's shards is that rank's own; above,
 * a node's sum is spread over all ranks with shards in it: the vector has as many slices as there are ranks, and every
 * member of a node holds a contiguous range of slices. Where two nodes join, their members are merged in the order of
 * the middles of their ranges and the slices cut anew into equal ranges; what moves are the overlaps of old and new
 * ranges. On a power of two of ranks that is recursive halving (Thakur, Rabenseifner and Gropp 2005): log2 P messages a
 * rank, the largest between neighbours, 1 - 1/P of the vector in all. The order of additions is the tree's on any
 * number of ranks; only who adds changes.
 *
 * At the root the slices stand in the order of a tree whose shards are the ranks, one each. So what becomes of the
 * slices goes back to all ranks down that tree, in which every rank is one node, whatever its shards are: about log2 P
 * messages, but for a last rank that is alone in a right part (of 193, or 5): it has one for every rank of the left.
 * All functions are local. */
#ifndef NNSM_STAGE_TREE_H
#define NNSM_STAGE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "nnsm/error.h"

/* Shards. */
typedef struct {
    size_t low, high;
} nnsm_range;

/* Slices [first, end) on their way to or from a rank. */
typedef struct {
    int rank;
    size_t first, end;
} nnsm_piece;

/* One of the two nodes that are joined. */
typedef struct {
    size_t low, high;  /* its shards */
    bool mine;         /* this rank is a member of it, */
    size_t first, end; /* and holds these slices of its sum */
    nnsm_piece *out;   /* [outs] what this rank sends of them */
    nnsm_piece *in;    /* [ins] what it receives from other members, of the slices that are its own after the join */
    size_t outs, ins;
} nnsm_side;

/* A node above those of single ranks, of which this rank is a member. */
typedef struct {
    size_t low, middle, high; /* its shards; `middle` names it */
    int height;               /* of the tree's node: joins of one height do not wait for each other */
    size_t first, end;        /* slices of its sum that are this rank's */
    nnsm_side side[2];        /* left and right */
} nnsm_join;

typedef struct {
    int rank, ranks;
    size_t shards;
    size_t own;       /* own nodes */
    nnsm_range *node; /* [own], in the order of shards */
    size_t joins;     /* those of this rank, lowest first */
    nnsm_join *join;  /* [joins] */
    int *slice;       /* [ranks] the slice of the whole sum that a rank ends with */
} nnsm_tree;

/* The part of `rank` in the sum of `shards` shards over `ranks` ranks, ranks <= shards. NNSM_FAILURE without memory;
 * the tree may be destroyed then, too. */
nnsm_status nnsm_tree_create(nnsm_tree *tree, size_t shards, int rank, int ranks, nnsm_error *error);
void nnsm_tree_destroy(nnsm_tree *tree);

/* Pieces that this rank sends and receives in a sum. */
size_t nnsm_tree_messages(const nnsm_tree *tree);

/* Where the left part of [low, high) ends. */
size_t nnsm_tree_middle(size_t low, size_t high);

#endif
