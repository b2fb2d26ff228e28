/* ensemble_rows.h: the configurations of an ensemble file, written by every rank that has some.
 *
 * One rank makes the file (nnsm_ensemble_define) and knows where its data set lies, contiguous and in the room that was
 * reserved for it. Ranks of the same node write their rows there with pwrite, below HDF5 and without waiting for each
 * other, until that rank finishes the file, which seals all of it. Not ranks of other nodes: a network file system may
 * write whole pages, and with them what a neighbour wrote. Containers of a node may have file systems of their own: a
 * mark in front of the part file tells whether a rank sees the same one, and its device whether through the same mount,
 * that is through the same pages; two mounts of one network file system are two clients. All functions are local. */
#ifndef NNSM_IO_ENSEMBLE_ROWS_H
#define NNSM_IO_ENSEMBLE_ROWS_H

#include "io/ensemble_file.h"

/* Plain data, to be sent to those who write. */
typedef struct {
    int64_t offset;  /* of the first configuration in the part file, in bytes */
    int64_t mark[3]; /* in front of the part file until it is sealed */
    int64_t device;  /* of the part file */
} nnsm_ensemble_place;

/* Let rows of a data set that was just made be written by others until h5 is finished. place: out. */
void nnsm_ensemble_offer(nnsm_h5 *h5, nnsm_ensemble_place *place);

typedef struct {
    const nnsm_ensemble_header *header; /* borrowed */
    int descriptor;                     /* -1: not open */
    int64_t offset;
    nnsm_status status; /* the first failure */
    nnsm_error error;
    char part[NNSM_H5_PATH + 8];
} nnsm_ensemble_rows;

/* Open the part file of PATH. Returns errno's value where that fails, ESTALE where it is another file or another mount;
 * rows may be closed then too. */
int nnsm_ensemble_rows_open(nnsm_ensemble_rows *rows, const char *path, const nnsm_ensemble_header *header,
                            const nnsm_ensemble_place *place);

/* Write configurations from row `first` on; those beyond the ensemble's end are dropped. states: in, [count][sites].
 * After a failure nothing is written. */
void nnsm_ensemble_rows_write(nnsm_ensemble_rows *rows, size_t first, size_t count, const int8_t *states);

/* Let the disk begin with what was written, so that closing has less to wait for. Waits only where the disk has much to
 * do. */
void nnsm_ensemble_rows_push(nnsm_ensemble_rows *rows);

/* Flush to the disk, unless all is to be thrown away, and close. Returns the status of everything since it was opened:
 * NNSM_FAILURE with this host and errno's text. */
nnsm_status nnsm_ensemble_rows_close(nnsm_ensemble_rows *rows, bool keep, nnsm_error *error);

#endif
