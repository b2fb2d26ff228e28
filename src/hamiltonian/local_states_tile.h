/* local_states_tile.h: tiles of local Hamiltonians of more than two values. Private to this folder. */
#ifndef NNSM_HAMILTONIAN_LOCAL_STATES_TILE_H
#define NNSM_HAMILTONIAN_LOCAL_STATES_TILE_H

#include "nnsm/local.h"

nnsm_status nnsm_local_states_tile_create(nnsm_tile *out, const nnsm_local *local, nnsm_error *error);

#endif
