/* support_trellis.h: a set of ways to fill the columns of a lattice, each with one symbol of its own, as a graph with a
 * level of nodes between neighbouring columns. An edge has the set of symbols that its column can have there; a way is
 * in the set where the edges of some path from the first node to the last level have its symbols.
 *
 * Reduced, it is the minimal deterministic automaton of the set (Rabin and Scott, IBM J. Res. Dev. 3, 114 (1959); read
 * column by column): subsets from the first level on, nodes with the same continuations merged from the last one back,
 * numbered in order. What does not depend on each other in different places costs the sum of the possibilities, where
 * a list of them would cost the product. All functions are local. */
#ifndef NNSM_LATTICE_SUPPORT_TRELLIS_H
#define NNSM_LATTICE_SUPPORT_TRELLIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnsm/error.h"

enum {
    NNSM_TRELLIS_WORDS = 4, /* most words of a set of symbols */
    NNSM_TRELLIS_KEY = 3,   /* words of what else tells nodes apart */
    NNSM_TRELLIS_NODES = 1 << 18,
    NNSM_TRELLIS_EDGES = 1 << 20,
};

/* A node's edges are edge[node] ... edge[node + 1] - 1, a level's nodes level[j] ... level[j + 1] - 1. */
typedef struct {
    size_t columns, words;
    size_t nodes, edges, node_room, edge_room, slots, open; /* open: first node of the level in the making */
    int32_t *level;                                         /* [columns + 2] */
    int32_t *edge;                                          /* [node_room] */
    int32_t *target;                                        /* [edge_room] */
    uint64_t *set;                                          /* [edge_room][words] */
    int32_t *from, *origin;                                 /* by node and by edge: of another trellis, or what else */
    int8_t *upper;                                          /* by edge */
    uint8_t *dead;                                          /* by node: no path to the last level goes through it */
    uint64_t *key, *hash;                                   /* [node_room][KEY], [node_room] */
    int32_t *slot;                                          /* hash table of the open level */
    uint32_t *stamp, present;
} nnsm_trellis;

nnsm_status nnsm_trellis_create(nnsm_trellis *trellis, size_t columns, size_t words, nnsm_error *error);
void nnsm_trellis_destroy(nnsm_trellis *trellis);

/* A block of memory, or NULL, becomes one for `room` objects; its first `used` ones are kept. False where there is no
 * memory: it is as it was. */
bool nnsm_trellis_enlarge(void **block, size_t used, size_t room, size_t size);

/* An empty one, and its first level open. */
void nnsm_trellis_clear(nnsm_trellis *trellis);

/* All nodes of the level are there, the next one is open. */
void nnsm_trellis_close_level(nnsm_trellis *trellis, size_t level);

/* Number of the node or edge, or -1: no room. A node is added to the open level, alive; edges come node by node, each
 * after its nnsm_trellis_begin_edges, and nnsm_trellis_end_edges after those of a level. set: in, [words]. */
int32_t nnsm_trellis_add_node(nnsm_trellis *trellis, uint64_t hash);
int32_t nnsm_trellis_add_edge(nnsm_trellis *trellis, int32_t target, const uint64_t *set);

static inline void nnsm_trellis_begin_edges(nnsm_trellis *trellis, size_t node)
{
    trellis->edge[node] = (int32_t)trellis->edges;
}

static inline void nnsm_trellis_end_edges(nnsm_trellis *trellis)
{
    trellis->edge[trellis->open] = (int32_t)trellis->edges;
}

/* Nodes of the open level with that hash, one after the other, -1 after the last; *slot: UINT64_MAX before the first.
 */
int32_t nnsm_trellis_probe(const nnsm_trellis *trellis, uint64_t hash, uint64_t *slot);

/* Nodes before `level` all of whose edges lead to dead ones are dead: from level - 1 back to level 0, or from `sure` on
 * to where nothing changes. Returns the first level where something did, or `level`. */
size_t nnsm_trellis_bury(nnsm_trellis *trellis, size_t level, size_t sure);

/* False where there is no room. */
bool nnsm_trellis_copy(nnsm_trellis *to, const nnsm_trellis *from);

/* Is one node alive in every level? Then the reduced form has one edge a column, with all symbols; that, drawn. */
bool nnsm_trellis_is_line(const nnsm_trellis *trellis);
void nnsm_trellis_draw_line(const nnsm_trellis *trellis, nnsm_trellis *out);

/* Memory of nnsm_trellis_reduce, of trellises with as many columns and words. */
typedef struct nnsm_trellis_reducer nnsm_trellis_reducer;
nnsm_status nnsm_trellis_reducer_create(nnsm_trellis_reducer **out, size_t columns, size_t words, nnsm_error *error);
void nnsm_trellis_reducer_destroy(nnsm_trellis_reducer *reducer);

/* The reduced form of what is alive in `trellis`, whose last level counts as one node. False where there is no room to
 * reduce it: the same set as it is, or what of it there is memory for. trellis is used up. */
bool nnsm_trellis_reduce(nnsm_trellis_reducer *reducer, nnsm_trellis *trellis, nnsm_trellis *reduced);

static inline uint64_t nnsm_trellis_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

#endif
