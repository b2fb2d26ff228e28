/* couplings_basis.h: which operators a run reads the couplings of: those that couplings.basis names, without what its
 * symmetries forbid, within its lattice; and what is known of their couplings. */
#ifndef NNSM_STAGE_COUPLINGS_BASIS_H
#define NNSM_STAGE_COUPLINGS_BASIS_H

#include "hamiltonian/couplings.h"
#include "stage/run.h"

/* NNSM_USAGE where couplings.basis has an operator that sites of so many values do not have: before the training, which
 * would be lost. Local. */
nnsm_status nnsm_couplings_check(const nnsm_run *run, nnsm_error *error);

/* operators: out, to be destroyed, also after a failure; without classes where the basis is empty. Local. */
nnsm_status nnsm_couplings_operators(nnsm_operators *operators, const nnsm_run *run, nnsm_error *error);

/* J of the run's model on them, where it is known. truth: out, [operators->classes], else NaN; missing: out, the
 * largest coupling of the model that none of the operators has, left alone where sites have several states. Local. */
nnsm_status nnsm_couplings_truth_of_model(const nnsm_run *run, const nnsm_operators *operators, double *truth,
                                          bool *known, double *missing, nnsm_error *error);

#endif
