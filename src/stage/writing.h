/* writing.h: the rows of an ensemble to its file, from all ranks at the same time.
 *
 * The ranks on the node of the first one, which made the file, write what they have (io/ensemble_rows.h). Those of
 * other nodes send their rows to one of them, each to another as far as there are. */
#ifndef NNSM_STAGE_WRITING_H
#define NNSM_STAGE_WRITING_H

#include <mpi.h>

#include "io/ensemble_rows.h"

typedef struct {
    MPI_Comm group;
    int rank;
    nnsm_ensemble_rows rows;
    int *writer;     /* [ranks of the group] who writes a rank's rows */
    int8_t *passing; /* rows of another rank, where this one writes such */
} nnsm_writing;

/* h5: the file that the group's first rank has created and given its data set, or failed to; ignored elsewhere. path:
 * its name, header: borrowed, both the same on all ranks. most: rows in a call of nnsm_writing_put. To be closed before
 * h5 is finished, also after a failure. Collective on group. */
nnsm_status nnsm_writing_open(nnsm_writing *writing, MPI_Comm group, nnsm_h5 *h5, const char *path,
                              const nnsm_ensemble_header *header, size_t most, nnsm_error *error);

/* Rows of rank `owner` of the group: [count][sites] states there, ignored elsewhere. To be called on all ranks in the
 * same order. Failures are told by nnsm_writing_close, and by rows.status on the rank that writes; nobody waits for
 * them. */
void nnsm_writing_put(nnsm_writing *writing, int owner, size_t first, size_t count, const int8_t *states);

/* Let the disk begin with what was written. Local. */
void nnsm_writing_push(nnsm_writing *writing);

/* status: of what was written, the same on all ranks; where it is a failure or a stop, nothing is flushed to the disk,
 * and it is returned. Else the status of all writing. Collective on group. */
nnsm_status nnsm_writing_close(nnsm_writing *writing, nnsm_status status, nnsm_error *error);

#endif
