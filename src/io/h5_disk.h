/* h5_disk.h: how HDF5 writes a file of ours: to an open descriptor, and without being told that it failed.
 *
 * HDF5 (1.10) cannot forget what failed to be written: closing the file fails too, and the library crashes on what is
 * left when MPI ends. So this driver of its virtual file layer keeps the first failure to itself, writes nothing after
 * it, and reads zeros: the file is thrown away. Unlike HDF5's own drivers it cuts the file to size only when it is
 * closed: room that was reserved stays, and others may write what is theirs. Local. */
#ifndef NNSM_IO_H5_DISK_H
#define NNSM_IO_H5_DISK_H

#include <hdf5.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    int descriptor; /* to be closed by the caller, after the file */
    int code;       /* errno's value of the first failure; 0: none */
    bool opened;    /* HDF5 has it open, and may write */
} nnsm_h5_disk;

/* A new file there. disk: borrowed until the file is closed. create: its property list. Negative: no memory (of which a
 * lack within HDF5 may still crash it at the end). */
hid_t nnsm_h5_disk_create(nnsm_h5_disk *disk, hid_t create);

/* All `count` bytes to `at`. Returns 0 or errno's value. */
int nnsm_h5_disk_write(int descriptor, const void *bytes, size_t count, off_t at);

#endif
