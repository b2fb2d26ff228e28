/* local_states.h: values of operators that are looked up. Local, cannot fail. */
#ifndef NNSM_LATTICE_LOCAL_STATES_H
#define NNSM_LATTICE_LOCAL_STATES_H

#include "nnsm/local.h"

/* O of one class, whose terms begin at `first`. states: in, [sites]. */
double nnsm_operators_value_states(const nnsm_operators *operators, size_t class, size_t first, const int8_t *states);

#endif
