/* generator.h: a tile of independent Monte Carlo chains at one temperature, of the Ising model, of any local
 * Hamiltonian (local_generator.c), or of sites with several states (multistate_generator.c).
 *
 * All chains of a tile are updated together, one bit of a word (Metropolis updates of the Ising model: multispin.h) or
 * one vector lane a chain. Metropolis (Metropolis et al. 1953): sites are visited in checkerboard order (all even, then
 * all odd sites; on lattices that are not bipartite still a valid sequential sweep), acceptance 0.95 min(1,
 * exp(-dE/T)). Wolff (1989): one cluster flip an update, bond probability 1 - exp(-2 J s_i s_j / T) where positive, a
 * field enters by accepting the flip with min(1, exp(-2 h sum_cluster s / T)). The chains of a tile use only random
 * numbers of their own streams, so tiles can live on any rank. */
#ifndef NNSM_LATTICE_GENERATOR_H
#define NNSM_LATTICE_GENERATOR_H

#include "nnsm/model.h"
#include "nnsm/rng.h"

enum { NNSM_GENERATOR_CHAINS = 64 }; /* chains of a tile; part of the identity of a result */

typedef enum { NNSM_METROPOLIS, NNSM_WOLFF, NNSM_STATES_HEAT_BATH } nnsm_algorithm;

typedef struct nnsm_generator nnsm_generator;

/* Chains first_chain ... first_chain + NNSM_GENERATOR_CHAINS - 1, started from random spins. model is borrowed and
 * outlives the object; temperature > 0. Local. */
nnsm_status nnsm_generator_create(nnsm_generator **out, const nnsm_ising *model, double temperature,
                                  nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain, nnsm_error *error);
/* The same for any local Hamiltonian, which is borrowed: sites in lattice order; Wolff clusters through pairs of any
 * range and sign, NNSM_USAGE where there are products of more spins. */
nnsm_status nnsm_generator_create_local(nnsm_generator **out, const nnsm_local *local, double temperature,
                                        nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain,
                                        nnsm_error *error);
/* Sites of several states, which are borrowed: Metropolis, heat bath, or clusters of reflections. */
nnsm_status nnsm_generator_create_states(nnsm_generator **out, const nnsm_multistate *states, double temperature,
                                         nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain,
                                         nnsm_error *error);
/* The fastest of these for a model, which is borrowed. NNSM_USAGE for the heat bath where sites have two values: its
 * Metropolis is faster. */
nnsm_status nnsm_generator_create_model(nnsm_generator **out, const nnsm_model *model, double temperature,
                                        nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain,
                                        nnsm_error *error);
void nnsm_generator_destroy(nnsm_generator *generator);

/* `updates` Metropolis or heat-bath sweeps, or Wolff cluster flips, of every chain. Local. */
void nnsm_generator_advance(nnsm_generator *generator, uint32_t updates);

/* configurations: out, [NNSM_GENERATOR_CHAINS][sites] states. Local. */
void nnsm_generator_read(const nnsm_generator *generator, int8_t *configurations);

/* Updates done so far; with the configurations it is all that a generator must remember. Local. */
uint32_t nnsm_generator_updates(const nnsm_generator *generator);

/* Go on from what nnsm_generator_read and nnsm_generator_updates gave; a byte that is no state becomes one. Local. */
void nnsm_generator_resume(nnsm_generator *generator, const int8_t *configurations, uint32_t updates);

#endif
