/* heat_bath.h: single-site updates of sites with more than two values under a local Hamiltonian G = a H_s, 32 chains
 * side by side: a site is redrawn from its conditional given all others, P(v) ~ exp(-(a / T) sum of the terms with v
 * there). An update K_i is reversible for exp(-G / T), and so is the palindrome K_1 K_2 .. K_N K_N .. K_2 K_1. Local,
 * cannot fail but in create. */
#ifndef NNSM_SAMPLER_HEAT_BATH_H
#define NNSM_SAMPLER_HEAT_BATH_H

#include "nnsm/local.h"
#include "nnsm/rng.h"

typedef struct {
    const nnsm_operators *operators; /* borrowed */
    size_t values;
    double *weight; /* [classes][values][values] - J f */
} nnsm_heat_bath;

nnsm_status nnsm_heat_bath_create(nnsm_heat_bath *bath, const nnsm_local *local, nnsm_error *error);
void nnsm_heat_bath_destroy(nnsm_heat_bath *bath);

/* H_s. states: in, [sites][NNSM_TILE]; energy: out, [NNSM_TILE]. */
void nnsm_heat_bath_energy(const nnsm_heat_bath *bath, const int8_t *states, double *energy);

/* Palindromes over all sites, as many in every chain as palindromes says. strength: in, [NNSM_TILE] a / T; changes: in
 * and out, [NNSM_TILE], sites that took another state are counted. Random numbers of the streams from `stream` on, one
 * a chain, at `step`. */
void nnsm_heat_bath_walk(const nnsm_heat_bath *bath, nnsm_rng_key key, uint32_t stream, uint32_t step,
                         const double *strength, const int *palindromes, int8_t *states, int32_t *changes);

#endif
