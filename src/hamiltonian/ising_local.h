/* ising_local.h: the Ising model as a local Hamiltonian: class 0 its bonds, class 1 its field. Local. */
#ifndef NNSM_HAMILTONIAN_ISING_LOCAL_H
#define NNSM_HAMILTONIAN_ISING_LOCAL_H

#include "nnsm/local.h"

typedef struct {
    nnsm_operators operators;
    double coupling[2];
    nnsm_local local; /* points into this struct, which must stay where it is */
} nnsm_ising_local;

/* Two bonds join the same sites where a periodic extent is 2. On failure *out is zeroed. */
nnsm_status nnsm_ising_local_create(nnsm_ising_local *out, const nnsm_ising *model, nnsm_error *error);
void nnsm_ising_local_destroy(nnsm_ising_local *local);

#endif
