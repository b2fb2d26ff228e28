/* exact_states.h: chains of sites with several states, by transfer matrices. For exact.c only. Local. */
#ifndef NNSM_LATTICE_EXACT_STATES_H
#define NNSM_LATTICE_EXACT_STATES_H

#include "lattice/jet.h"
#include "nnsm/multistate.h"

/* ln Z in beta of a lattice of one dimension, with T(a, b) = exp(-beta (bond(a, b) + (site(a) + site(b)) / 2)):
 * periodic Z = trace T^N; open Z = v^T T^(N-1) v, v(a) = exp(-beta site(a) / 2). */
jet nnsm_exact_chain(const nnsm_multistate *model, double beta);

#endif
