/* opening.h: a file of configurations, opened by all ranks, and its values as the run understands them.
 *
 * Nobody opens what rank 0 could not read, and all ranks know the same header, so that they cut the file into the same
 * blocks (rounds.h). A file that does not declare its alphabet has to be read for it: that work is shared, in rounds
 * that can be stopped. All functions are collective on run->world, and failures are agreed on. */
#ifndef NNSM_STAGE_OPENING_H
#define NNSM_STAGE_OPENING_H

#include "io/ensemble_file.h"
#include "stage/run.h"

/* Does every rank see the file that rank 0 sees under this name? NNSM_DATA where one does not. */
nnsm_status nnsm_agree_on_file(const nnsm_run *run, const char *path, nnsm_error *error);

/* Rank 0 probes the file and looks at its checksum, if it has not done so in this run, then all open it, if they see
 * the same one. h5: out, on every rank, with the checksum; to be finished, also after a failure. header: out, shape and
 * temperature, no alphabet. */
nnsm_status nnsm_open_configurations(nnsm_run *run, const char *path, nnsm_h5 *h5, nnsm_ensemble_header *header,
                                     nnsm_error *error);

/* The alphabet of an open file: declared, or the values that occur. vote: where the ranks vote between two rounds.
 * NNSM_UNFINISHED when stopped. */
nnsm_status nnsm_find_values(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_vote vote,
                             nnsm_error *error);

/* As the network in use sees the file: by its levels where it has some, else nnsm_find_values. */
nnsm_status nnsm_find_states(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_vote vote,
                             nnsm_error *error);

#endif
