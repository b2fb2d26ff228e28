/* pseudo_search.h: the maximum of the pseudo-likelihood of configurations that all ranks hold blocks of. */
#ifndef NNSM_STAGE_PSEUDO_SEARCH_H
#define NNSM_STAGE_PSEUDO_SEARCH_H

#include "hamiltonian/pseudo_likelihood.h"
#include "stage/samples.h"

typedef struct {
    nnsm_run *run;
    nnsm_pseudo *pseudo;
    const nnsm_operators *operators; /* of pseudo */
    const nnsm_samples *data;
    const nnsm_pseudo_request *request; /* of the evaluation under way; NULL before */
} nnsm_pseudo_search;

/* nnsm_pseudo_maximise over search->data; all pointers are borrowed. Collective on run->world; NNSM_UNFINISHED when
 * stopped. */
nnsm_status nnsm_pseudo_search_run(nnsm_pseudo_search *search, double *coupling, double *error_bars, bool *converged,
                                   nnsm_error *error);

#endif
