/* nnsm/hamiltonian.h: what a sampler knows of a Hamiltonian: 32 chains at a time, one proposed change after the other.
 *
 * A tile holds the configurations of NNSM_TILE chains and whatever its Hamiltonian keeps to evaluate changes quickly. H
 * does not depend on temperature, so the chains of one tile may be at different ones. Hamiltonians are the learned one,
 * H(s) = -T0 log p(s) (Eq. 2 of arXiv:2007.01037), the models that make data, for reference, and local ones. Sites hold
 * states (nnsm/alphabet.h). Of two values the only change is a flip; of more it is an update of up to NNSM_UPDATE_SITES
 * sites to new states. */
#ifndef NNSM_HAMILTONIAN_H
#define NNSM_HAMILTONIAN_H

#include <stddef.h>
#include <stdint.h>

#include "nnsm/frontier.h"
#include "nnsm/ising.h"
#include "nnsm/made.h"

enum { NNSM_TILE = 32, NNSM_UPDATE_SITES = 16 };
#define NNSM_ALL_CHAINS UINT32_MAX /* a bit each */

/* New states of a few sites: the same sites in all chains of a tile, every chain with its own states. */
typedef struct {
    size_t count;                               /* 1 to NNSM_UPDATE_SITES */
    size_t site[NNSM_UPDATE_SITES];             /* all different, in any order */
    int8_t state[NNSM_UPDATE_SITES][NNSM_TILE]; /* proposed; the present one where a chain is to keep it */
} nnsm_update;

/* Chains of a tile propose to flip the same site, all or some of them, or all to update the same sites: change and
 * commit are there for two values, look, propose and settle for more; the others are NULL. `state` is the tile's own.
 * Local; none can fail. */
typedef struct {
    /* Take configurations ([NNSM_TILE][sites]) and evaluate H from scratch. */
    void (*load)(void *state, const int8_t *configurations);
    /* change: out, [NNSM_TILE], H(s with `site` flipped) - H(s), of the chains whose bit of `asked` is set; others may
     * be left out, then theirs is 0. Costs a part of a full evaluation. */
    void (*change)(void *state, size_t site, uint32_t asked, double *change);
    /* Carry out the flip proposed last in the chains whose accept is all ones (0: rejected); [NNSM_TILE], of those that
     * were asked for. */
    void (*commit)(void *state, size_t site, const uint32_t *accept);
    /* states: out, [NNSM_TILE], of a site now. */
    void (*look)(const void *state, size_t site, int8_t *states);
    /* change: out, [NNSM_TILE], H(s after `update`) - H(s); exactly 0 where nothing changes. */
    void (*propose)(void *state, const nnsm_update *update, double *change);
    /* Carry out the update proposed last in the chains whose accept is all ones; `update` as it was proposed. */
    void (*settle)(void *state, const nnsm_update *update, const uint32_t *accept);
    /* energy: out, [NNSM_TILE], H of the chains now. */
    void (*energy)(const void *state, double *energy);
    /* Evaluate again from scratch, so that rounding does not pile up over many flips. */
    void (*refresh)(void *state);
    void (*read)(const void *state, int8_t *configurations);
    void (*destroy)(void *state);
} nnsm_tile_methods;

typedef struct {
    const nnsm_tile_methods *methods;
    void *state;
    size_t sites;
} nnsm_tile;

/* Destroys the state; accepts NULL and a zeroed tile. */
void nnsm_tile_destroy(nnsm_tile *tile);

/* The learned Hamiltonian, repacked for tiles; shared by all tiles of a rank. made is borrowed and must not change.
 * The caller owns *out. Local. */
typedef struct nnsm_learned nnsm_learned;
nnsm_status nnsm_learned_create(nnsm_learned **out, const nnsm_made *made, nnsm_error *error);
/* The same of a frontier network. */
nnsm_status nnsm_learned_create_frontier(nnsm_learned **out, const nnsm_frontier *frontier, nnsm_error *error);
void nnsm_learned_destroy(nnsm_learned *learned);
/* T0 of its network. */
double nnsm_learned_temperature(const nnsm_learned *learned);

/* A tile under the learned Hamiltonian; `learned` is borrowed. */
nnsm_status nnsm_learned_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);

/* The same for screened flips (nnsm/metropolis.h): where the network is a dense one of spins, a flip costs in
 * proportion to the chains that ask for it; asked of all it costs more than above. Not for ancestral samples. */
nnsm_status nnsm_learned_screened_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);

/* A tile under the Ising model; `model` is borrowed. */
nnsm_status nnsm_ising_tile_create(nnsm_tile *out, const nnsm_ising *model, nnsm_error *error);

/* Ancestral samples of the network: independent configurations from p at T0, chain c from random stream first + c.
 * configurations: out, [NNSM_TILE][sites]. tile: one made by nnsm_learned_tile_create; it holds the samples afterwards.
 */
void nnsm_learned_sample(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, int8_t *configurations);

/* Redraw, in every chain, the sites from order position `from` on, each from its conditional given those before it:
 * from = 0 draws everything anew, at T0. Chain c from random stream first + c, purpose NNSM_RNG_REGENERATE, at `step`.
 * configurations: in and out, [NNSM_TILE][sites]. tile: as above. */
void nnsm_learned_redraw(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, uint32_t step, size_t from,
                         int8_t *configurations);

#endif
