/* probe.h: is a file that somebody else made safe to read?
 *
 * Damaged HDF5 files can crash or hang libhdf5 itself (1.10.8: about 1 in 200 randomly changed compressed ones). A file
 * of ours is protected by its seal; any other is first read by a child process with a time limit, `nnsm probe FILE`, so
 * that a fault of the library becomes an error that names the file. Local; rank 0 does it for all. */
#ifndef NNSM_IO_PROBE_H
#define NNSM_IO_PROBE_H

#include "nnsm/error.h"

/* NNSM_DATA when the file is missing, torn, or cannot be read without a crash or a hang. */
nnsm_status nnsm_probe(const char *path, nnsm_error *error);

#endif
