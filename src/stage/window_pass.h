/* window_pass.h: all configurations of a file through the windows, in rounds that all ranks share (rounds.h): every
 * rank reads a block, lays the windows on it or undoes them, and writes what became of it. */
#ifndef NNSM_STAGE_WINDOW_PASS_H
#define NNSM_STAGE_WINDOW_PASS_H

#include "stage/window_plan.h"
#include "stage/writing.h"

/* What the filter could not do: the same on all ranks. */
typedef struct {
    uint64_t first;     /* configuration without a preimage, or where there is none, an undecided one */
    uint64_t undecided; /* how many */
} nnsm_window_failures;

/* Configurations that a rank takes at a time. Local. */
size_t nnsm_window_pass_block(const nnsm_ensemble_header *header, const nnsm_window_plan *plan);

/* plan->windowing.configurations, none and several are counted where there is a filter. blocks, latent: open where the
 * plan writes them, for as many rows at a time; their failures of the last round are told when they are closed. From
 * the first configuration that cannot be undone on, latent gets no more. NNSM_UNFINISHED when stopped. Collective on
 * run->world. */
nnsm_status nnsm_window_pass(nnsm_run *run, nnsm_h5 *source, const nnsm_ensemble_header *header, nnsm_window_plan *plan,
                             nnsm_writing *blocks, nnsm_writing *latent, nnsm_window_failures *failures,
                             nnsm_error *error);

#endif
