/* writing.h: the rows of an ensemble to its file, from all ranks at the same time.
 *
 * Every rank writes what it has (io/ensemble_rows.h). A rank that does not see the file, because run.output is a disk
 * of another node, sends its rows to the first rank of the group, which made the file and writes for it. */
#ifndef NNSM_STAGE_WRITING_H
#define NNSM_STAGE_WRITING_H

#include <mpi.h>

#include "io/ensemble_rows.h"

typedef struct {
    MPI_Comm group;
    int rank;
    nnsm_ensemble_rows rows;
    bool *sees;      /* [ranks of the group] */
    int8_t *passing; /* rows of a rank that does not see, on the first rank where there is such a rank */
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

/* Collective on group. */
nnsm_status nnsm_writing_close(nnsm_writing *writing, nnsm_error *error);

#endif
