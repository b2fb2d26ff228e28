/* window_plan.h: what the window stage makes of a file: which windows, on what lattice, and which files are to be
 * written. */
#ifndef NNSM_STAGE_WINDOW_PLAN_H
#define NNSM_STAGE_WINDOW_PLAN_H

#include "io/ensemble_file.h"
#include "stage/run.h"

/* Plain data: copied between ranks byte by byte. */
typedef struct {
    nnsm_windowing windowing;       /* what the data become; what the filter found, where a file says it already */
    nnsm_alphabet sums;             /* of the windows */
    int32_t upper[NNSM_MAX_VALUES]; /* upper sites in a window by its state, where a site has two values */
    int32_t write_blocks, write_latent;
    int32_t filter;   /* 1: every configuration is undone; 2: if the geometry allows it, only to validate the sums */
    int32_t finished; /* nothing is to be done */
} nnsm_window_plan;

/* Does the configuration's window group agree with the file, and what is there already? source: in, open; its values
 * are known. Failures stand in source or error. Local, reads files: for rank 0. */
nnsm_status nnsm_window_plan_make(nnsm_window_plan *plan, nnsm_run *run, nnsm_h5 *source,
                                  const nnsm_ensemble_header *header, nnsm_error *error);

#endif
