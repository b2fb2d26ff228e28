/* nnsm/moves.h: Metropolis moves of sites with more than two values.
 *
 *   single     a site to one of its other values, all alike
 *   neighbour  a site one value up or down, with equal chances; beyond the last value: rejected
 *   patch      all sites of a small box one value up or down together; where one would leave its values: rejected. It
 * is the image of one microscopic change where values are sums over overlapping windows. On an open lattice boxes reach
 * over the edge, and are cut there.
 *
 * Every proposal has the same chance as its reverse, so acceptance is NNSM_MOST_ACCEPTED min(1, exp(-dH / T)) as for
 * flips (nnsm/metropolis.h); moves may be mixed in any fixed sequence, and with replica exchange. Random numbers belong
 * to the chain. All functions are local and cannot fail. */
#ifndef NNSM_MOVES_H
#define NNSM_MOVES_H

#include "nnsm/hamiltonian.h"
#include "nnsm/lattice.h"

typedef enum { NNSM_MOVE_SINGLE, NNSM_MOVE_NEIGHBOUR, NNSM_MOVE_PATCH, NNSM_MOVES } nnsm_move;

/* Where moves take place. */
typedef struct {
    const nnsm_lattice *lattice; /* borrowed */
    int values;                  /* of a site, more than 2 */
    int box[NNSM_MAX_DIMENSIONS];
} nnsm_move_space;

/* Boxes of 2 sites along every axis that has more than one. */
nnsm_move_space nnsm_move_space_make(const nnsm_lattice *lattice, int values);

/* Proposals of a chain in a sweep: one a site, or one a box. */
size_t nnsm_move_proposals(const nnsm_move_space *space, nnsm_move move);

/* One sweep of a tile, in lattice order; arguments as of nnsm_metropolis_sweep. */
void nnsm_move_sweep(nnsm_tile *tile, const nnsm_move_space *space, nnsm_move move, nnsm_rng_key key, uint32_t stream,
                     uint32_t sweep, const double *beta, int64_t *accepted);

#endif
