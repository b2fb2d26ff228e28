/* nnsm/regenerate.h: suffixes redrawn from the network as moves of chains under H = -T0 log p.
 *
 * A step draws an order position k, the same for the chains of a tile and independent of their states, keeps the sites
 * before k and redraws all others from the network's own conditionals, s' ~ p(. | s_<k). With s'_<k = s_<k the ratio of
 * the proposals' probabilities is p(s) / p(s'), so that for the weight p^(T0 / T) the Metropolis-Hastings rule
 * accepts with
 *     min(1, exp(-(1/T - 1/T0) (H(s') - H(s)))):
 * always at T0, where k = 0 is an independent configuration; less the farther T is and the longer the suffix. For each
 * k the step is reversible, and k = 0 reaches every configuration: exact on its own, though slow far from T0, where it
 * wants single flips beside it. Configurations with inconsistent local changes (block spins) move as a whole.
 * A chain's state is its configuration and nothing else afterwards where any chain of the tile accepted. Random numbers
 * belong to the tile's first chain and the lane: tiles can live on any rank. All functions are local. */
#ifndef NNSM_REGENERATE_H
#define NNSM_REGENERATE_H

#include "nnsm/hamiltonian.h"

typedef struct nnsm_regenerator nnsm_regenerator;

/* learned is borrowed. One regenerator serves all tiles of a rank. The caller owns *out. Errors: memory. */
nnsm_status nnsm_regenerator_create(nnsm_regenerator **out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_regenerator_destroy(nnsm_regenerator *regenerator);

/* One step of a tile of chains whose Hamiltonian is `learned`, however they move otherwise: load, energy and read are
 * all that is used. stream: random stream of its first chain; step: number of this step; beta: in, [NNSM_TILE] inverse
 * temperatures; accepted: in and out, [NNSM_TILE], counts. */
void nnsm_regenerate(nnsm_regenerator *regenerator, nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t step,
                     const double *beta, int64_t *accepted);

#endif
