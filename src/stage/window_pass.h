/* window_pass.h: all configurations of a file through the windows, in rounds that all ranks share (rounds.h): every
 * rank reads a block, lays the windows on it or undoes them; rank 0 writes the blocks in their order. */
#ifndef NNSM_STAGE_WINDOW_PASS_H
#define NNSM_STAGE_WINDOW_PASS_H

#include "stage/window_plan.h"

/* What the filter could not do: the same on all ranks. */
typedef struct {
    uint64_t first;     /* configuration without a preimage, or where there is none, an undecided one */
    uint64_t undecided; /* how many */
} nnsm_window_failures;

/* plan->windowing.configurations, none and several are counted where there is a filter. blocks, latent: open on rank 0
 * where the plan writes them, with headers for all ranks; from the first configuration that cannot be undone on, latent
 * gets no more. NNSM_UNFINISHED when stopped. Collective on run->world. */
nnsm_status nnsm_window_pass(nnsm_run *run, nnsm_h5 *source, const nnsm_ensemble_header *header, nnsm_window_plan *plan,
                             nnsm_h5 *blocks, const nnsm_ensemble_header *block_header, nnsm_h5 *latent,
                             const nnsm_ensemble_header *latent_header, nnsm_window_failures *failures,
                             nnsm_error *error);

#endif
