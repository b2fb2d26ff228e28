/* multispin.h: Metropolis sweeps of the nearest-neighbour Ising model, 64 chains at once, one bit of a word a chain
 * (multi-spin coding: Jacobs and Rebbi, J. Comput. Phys. 41 (1981) 203).
 *
 * Bit c of the word of a site is the spin of chain c: 1 up, 0 down. The number of unlike neighbours comes from adders
 * made of logical operations. Every chain has random numbers of its own: chain c accepts where r_c < 2^32 a_c, with a_c
 * = 0.95 min(1, exp(-dE/T)) and r_c uniform in [0, 2^32). All r_c are drawn bit by bit, highest first, until every
 * chain knows its answer. */
#ifndef NNSM_LATTICE_MULTISPIN_H
#define NNSM_LATTICE_MULTISPIN_H

#include "nnsm/ising.h"
#include "nnsm/rng.h"

enum { NNSM_MULTISPIN_CHAINS = 64 };

typedef struct nnsm_multispin nnsm_multispin;

/* Random spins. model is borrowed and outlives the object; accepted: the largest acceptance, below 1. Random numbers
 * are those of stream first_chain. NNSM_FAILURE without memory. All functions are local. */
nnsm_status nnsm_multispin_create(nnsm_multispin **out, const nnsm_ising *model, double temperature, double accepted,
                                  nnsm_rng_key key, uint32_t first_chain, nnsm_error *error);
void nnsm_multispin_destroy(nnsm_multispin *multispin);

/* Visit every site once, in checkerboard order. update: number of the sweep, which its random numbers follow from. */
void nnsm_multispin_sweep(nnsm_multispin *multispin, uint32_t update);

/* The same, decided spin by spin: what the test compares with. */
void nnsm_multispin_sweep_reference(nnsm_multispin *multispin, uint32_t update);

/* configurations: [64][sites] spins -1, +1, out; or in, where any positive byte is +1 and any other -1. */
void nnsm_multispin_read(const nnsm_multispin *multispin, int8_t *configurations);
void nnsm_multispin_write(nnsm_multispin *multispin, const int8_t *configurations);

#endif
