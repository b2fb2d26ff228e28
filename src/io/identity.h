/* identity.h: do two ranks see the same file under a name? Nodes may have disks of their own. */
#ifndef NNSM_IO_IDENTITY_H
#define NNSM_IO_IDENTITY_H

#include <stdint.h>

#include "nnsm/error.h"

/* Plain data: the length of a file, and XXH3-64 of its first and last 512 bytes and 62 times 512 evenly between. A file
 * of ours begins with the checksum of all of it. */
typedef struct {
    int64_t length;
    uint64_t digest;
} nnsm_identity;

/* identity: out. NNSM_DATA with errno's text. Local. */
nnsm_status nnsm_identity_of(const char *path, nnsm_identity *identity, nnsm_error *error);

/* Is it the file that another rank sees, which this one may see late (base/late.h)? NNSM_DATA with this host's name
 * where it is another one, or cannot be read. Local. */
nnsm_status nnsm_identity_check(const char *path, const nnsm_identity *theirs, nnsm_error *error);

#endif
