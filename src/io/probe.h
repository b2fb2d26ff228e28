/* probe.h: is a file that somebody else made safe to read?
 *
 * Damaged HDF5 files can crash or hang libhdf5 itself (1.10.8: about 1 in 200 randomly changed compressed ones). A file
 * of ours is protected by its seal; any other is first read by a child process with a time limit, `nnsm probe FILE`, so
 * that a fault of the library becomes an error that names the file. Local; rank 0 does it for all. */
#ifndef NNSM_IO_PROBE_H
#define NNSM_IO_PROBE_H

#include <stdint.h>
#include <sys/stat.h>

#include "nnsm/error.h"

/* NNSM_DATA when the file is missing, torn, or cannot be read without a crash or a hang. checksum: out, as by
 * nnsm_seal_check; NULL: nobody asks. It may be opened as NNSM_H5_CHECKED then. */
nnsm_status nnsm_probe(const char *path, uint64_t *checksum, nnsm_error *error);

/* A file that was probed; all zero: none. */
typedef struct {
    struct stat about;
    uint64_t checksum;
} nnsm_probed;

/* nnsm_probe, but for the file that was probed last time, if it has not been changed since, as far as its size and
 * times tell: a run opens an ensemble several times, and to read all of it takes minutes where it is large. NNSM_DATA
 * also for a file that changes meanwhile. probed: in, out. */
nnsm_status nnsm_probe_once(const char *path, nnsm_probed *probed, uint64_t *checksum, nnsm_error *error);

#endif
