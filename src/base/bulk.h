/* bulk.h: room for configurations, in memory or, where there is not enough of that, in a file.
 *
 * A file has no name (it is unlinked as soon as it is made), is mapped, and is gone with the process, however that
 * ends. Its space on the disk is reserved at once. The system keeps in memory what fits and writes out the rest. Local.
 */
#ifndef NNSM_BASE_BULK_H
#define NNSM_BASE_BULK_H

#include "base/memory.h"

/* As nnsm_allocate, in a file in the directory `folder` unless that is empty. NNSM_FAILURE: no memory, no such
 * directory, no space there. The caller owns *out and frees it with nnsm_bulk_release. */
nnsm_status nnsm_bulk_allocate(void **out, size_t count, size_t size, const char *folder, const char *what,
                               nnsm_error *error);

/* NULL is accepted. */
void nnsm_bulk_release(void *block);

/* As NNSM_NEW. */
#define NNSM_BULK(pointer, count, folder, what, error)                                                                 \
    nnsm_bulk_allocate((void **)(pointer), (size_t)(count), sizeof **(pointer), folder, what, error)

#endif
