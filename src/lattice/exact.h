/* exact.h: exact thermodynamics of the known models on finite lattices.
 *
 * Two dimensions, periodic, no field: B. Kaufman, Phys. Rev. 76, 1232 (1949). One dimension, periodic or open, with
 * field: transfer matrix, of several states too (exact_states.h). Potts of 2 and clock of 2 and 4 states on periodic
 * square lattices: they are Ising models (exact.c). Any model of at most 20 sites and 2^20 configurations: enumeration.
 * Derivatives are exact (second-order forward differentiation of ln Z in beta), not finite differences. */
#ifndef NNSM_LATTICE_EXACT_H
#define NNSM_LATTICE_EXACT_H

#include "nnsm/model.h"

/* All per site, k_B = 1. */
typedef struct {
    double log_partition; /* ln Z / N */
    double energy;        /* u = -d(ln Z)/d(beta) / N */
    double heat_capacity; /* c = beta^2 d^2(ln Z)/d(beta)^2 / N */
    double entropy;       /* s = ln Z / N + beta u */
} nnsm_thermodynamics;

/* Whether an exact solution is known here for this model. Local. */
bool nnsm_exact_available(const nnsm_ising *model);

/* The exact values at temperature > 0; requires nnsm_exact_available. Enumeration costs 2^N. Local. */
nnsm_thermodynamics nnsm_exact_thermodynamics(const nnsm_ising *model, double temperature);

/* The same for any model. */
bool nnsm_exact_model_available(const nnsm_model *model);
nnsm_thermodynamics nnsm_exact_model(const nnsm_model *model, double temperature);

#endif
