/* seal.h: the checksum that our files carry in front of their HDF5 content.
 *
 * Every file of ours begins with an HDF5 user block of NNSM_SEAL_BYTES bytes, which HDF5 itself and all readers skip.
 * It holds one line of text: format version, length of the file, and XXH3-64 (xxhash.com) of everything behind the
 * block. It is written last, so a file without it, or with another length or checksum, is torn, damaged or not ours;
 * libhdf5 never sees a damaged file of ours (damaged files can crash or hang it). All functions are local. */
#ifndef NNSM_IO_SEAL_H
#define NNSM_IO_SEAL_H

#include <stdint.h>

#include "nnsm/error.h"

enum { NNSM_SEAL_BYTES = 512 };

typedef enum { NNSM_SEAL_NONE, NNSM_SEAL_INTACT } nnsm_seal;

/* Write the seal of a complete file, open for reading and writing, and flush the file to the disk. checksum: out.
 * Returns 0 or errno's value. */
int nnsm_seal_write(int descriptor, uint64_t *checksum);

/* Look at a file's seal and check what is behind it. *seal: NNSM_SEAL_NONE for a file without one (not ours), whose
 * *checksum is that of the whole file; NULL: nobody asks, and such a file is not read. NNSM_DATA: cannot be read, torn,
 * damaged, or of a newer format. */
nnsm_status nnsm_seal_check(const char *path, nnsm_seal *seal, uint64_t *checksum, nnsm_error *error);

#endif
