/* identity.h: do two ranks see the same file under a name? Nodes may have disks of their own. */
#ifndef NNSM_IO_IDENTITY_H
#define NNSM_IO_IDENTITY_H

#include <stdint.h>

#include "io/seal.h"
#include "nnsm/error.h"

/* Plain data: the length of a file, and the bytes it begins and ends with; those of a file of ours begin with the
 * checksum of all of it. */
typedef struct {
    int64_t length;
    char head[NNSM_SEAL_BYTES], tail[NNSM_SEAL_BYTES];
} nnsm_identity;

/* identity: out. NNSM_DATA with errno's text. Local. */
nnsm_status nnsm_identity_of(const char *path, nnsm_identity *identity, nnsm_error *error);

/* Is it the file that another rank sees? NNSM_DATA with this host's name where it is not, or cannot be read. Local. */
nnsm_status nnsm_identity_check(const char *path, const nnsm_identity *theirs, nnsm_error *error);

#endif
