/* nnsm/ising.h: the Ising model, E(s) = -J sum_<ij> s_i s_j - h sum_i s_i, s_i = -1 or +1, in units of k_B = 1. */
#ifndef NNSM_ISING_H
#define NNSM_ISING_H

#include "nnsm/lattice.h"

typedef struct {
    const nnsm_lattice *lattice; /* borrowed */
    double coupling;             /* J, energy */
    double field;                /* h, energy */
} nnsm_ising;

/* Total energy of one configuration. spins: [sites], -1 or +1. Local. */
double nnsm_ising_energy(const nnsm_ising *model, const int8_t *spins);

/* E(s with site flipped) - E(s). Local. */
double nnsm_ising_flip_change(const nnsm_ising *model, const int8_t *spins, size_t site);

/* sum_i s_i / sites. Local. */
double nnsm_magnetization(const nnsm_lattice *lattice, const int8_t *spins);

#endif
