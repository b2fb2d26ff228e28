/* window.h: the stage between data and training where the network is to see sums over windows.
 *
 *   sites  -> OUTPUT/NAME.blocks.h5   the sums (data = "sites")
 *   sums   -> OUTPUT/NAME.latent.h5   the sites again, where windows overlap and route = "deconvolve": every
 *                                     configuration of sums is undone by the exact filter of lattice/preimage.h
 *
 * The statement "these are sums over such windows of two-valued sites" is thereby tested on every configuration; one
 * without a preimage falsifies it. Of several preimages always the same one is taken; how many had several is in the
 * log and in /window of all files. H(S) = -T0 log p(s(S)) of the network on the sites. */
#ifndef NNSM_STAGE_WINDOW_H
#define NNSM_STAGE_WINDOW_H

#include "stage/run.h"

/* Make what is not there yet, and adopt the windows (run->windowing): from then on the run's lattice is the network's.
 * Without a window group it does nothing. All ranks share the work, 25 thousand configurations of 16 x 16 a second
 * each, and vote between two blocks: NNSM_UNFINISHED when stopped, with no file left; it is then begun anew. NNSM_DATA
 * for data that are no such sums. Collective on run->world. */
nnsm_status nnsm_stage_window(nnsm_run *run, nnsm_error *error);

/* Is an open ensemble the one that the windows of this run made? Sets the status of h5. Local. */
nnsm_status nnsm_window_check(const nnsm_run *run, nnsm_h5 *h5);

#endif
