/* checkpoint.h: OUTPUT/NAME.checkpoint.h5: how far a run has come, and all that it needs to go on.
 *
 * A checkpoint names the stage, the resolved configuration, and the checksums of the ensemble and network files that
 * are finished; below that come the states of the stages (state.h). It is written at intervals, at the end of each
 * stage and at a clean stop, and appears whole or not at all; the previous one stays until then. It remains when the
 * run is finished, so that a scan can be extended. Private format, versioned. */
#ifndef NNSM_STAGE_CHECKPOINT_H
#define NNSM_STAGE_CHECKPOINT_H

#include "stage/state.h"

/* Look for a checkpoint, and decide from what differs in the configuration what of it is still valid: run->resume.
 * NNSM_USAGE with the differing keys where the data or the network would be others; NNSM_DATA for a damaged file.
 * fresh: ignore and remove it. Collective on run->world. */
nnsm_status nnsm_checkpoint_find(nnsm_run *run, bool fresh, nnsm_error *error);

/* Open a checkpoint that was found, for reading a stage's state. Collective. */
nnsm_status nnsm_checkpoint_open(nnsm_run *run, nnsm_state *state, nnsm_error *error);

/* Write one: begin, describe the state, end. `end` agrees on the outcome: NNSM_UNFINISHED with a message when request
 * is a stop. When writing fails, an interval's checkpoint is only warned of (the previous one is whole, and the run may
 * still succeed); a stop's is NNSM_FAILURE. bytes: about how many the state has. begin returns false when nothing can
 * be written; call end all the same. Collective. */
bool nnsm_checkpoint_begin(nnsm_run *run, nnsm_state *state, nnsm_progress progress, size_t bytes);
nnsm_status nnsm_checkpoint_end(nnsm_run *run, nnsm_state *state, nnsm_request request, nnsm_error *error);

/* The same for a part of the run that keeps its state in a file of its own, PATH. */
bool nnsm_checkpoint_begin_at(nnsm_run *run, const char *path, nnsm_state *state, nnsm_progress progress, size_t bytes);
nnsm_status nnsm_checkpoint_open_at(nnsm_run *run, const char *path, nnsm_state *state, nnsm_error *error);

/* Is PATH there, and a checkpoint of a training with this configuration on the ensemble run->ensemble? A damaged one is
 * a failure. Local. */
nnsm_status nnsm_checkpoint_fits(nnsm_run *run, const char *path, int *fits, nnsm_error *error);

/* Stop where nothing is to be saved: what was done since the last checkpoint is done again. NNSM_UNFINISHED. Local. */
nnsm_status nnsm_checkpoint_stop(nnsm_run *run, nnsm_request request, nnsm_error *error);

/* "generate", "train", ... Local. */
const char *nnsm_progress_name(nnsm_progress progress);

/* Say what is in a checkpoint file. Local. */
nnsm_status nnsm_checkpoint_info(const char *path, nnsm_error *error);

#endif
