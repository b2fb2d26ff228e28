/* surrogate.h: what of a local Hamiltonian proposes, and how. Local. */
#ifndef NNSM_SAMPLER_SURROGATE_H
#define NNSM_SAMPLER_SURROGATE_H

#include "nnsm/self_learning.h"

typedef struct {
    nnsm_operators operators; /* the classes that are kept */
    double *coupling;         /* [classes] */
    nnsm_local local;         /* of the two */
    nnsm_proposals kind;
} nnsm_surrogate;

/* As nnsm_self_learning_create. *surrogate must stay where it is; on failure it is zeroed. */
nnsm_status nnsm_surrogate_create(nnsm_surrogate *surrogate, const nnsm_local *local, const double *uncertainty,
                                  nnsm_error *error);
void nnsm_surrogate_destroy(nnsm_surrogate *surrogate);

/* The classes, as text: "pair (1,0), field". */
void nnsm_surrogate_describe(const nnsm_surrogate *surrogate, char *text, size_t size);

/* Share, by |J|, of pair terms and fields that cannot be satisfied together with stronger ones: 0 where all can. */
nnsm_status nnsm_surrogate_frustration(const nnsm_local *local, double *share, nnsm_error *error);

#endif
