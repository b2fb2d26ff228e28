/* couplings_states.h: what the couplings of sites with several values are when a known model is the Hamiltonian. */
#ifndef NNSM_HAMILTONIAN_COUPLINGS_STATES_H
#define NNSM_HAMILTONIAN_COUPLINGS_STATES_H

#include "nnsm/local.h"
#include "nnsm/multistate.h"

/* Where the model's energy lies in the basis, its projection on configurations of any kind is exact: truth, [classes],
 * and *known. Where it does not, as a clock model and functions of labels, there is no true coupling and truth stays as
 * it is. key: of the random configurations. Errors: memory. Local. */
nnsm_status nnsm_couplings_truth_of_states(const nnsm_operators *basis, const nnsm_multistate *model, nnsm_rng_key key,
                                           double *truth, bool *known, nnsm_error *error);

#endif
