/* memory.h: aligned, zeroed, overflow-checked allocation. Local. */
#ifndef NNSM_BASE_MEMORY_H
#define NNSM_BASE_MEMORY_H

#include <stddef.h>

#include "nnsm/error.h"

enum { NNSM_ALIGNMENT = 64 }; /* one cache line, one AVX-512 vector */

/* count * size bytes, zeroed and aligned to NNSM_ALIGNMENT; `what` names the object in the message.
 * A zero count gives a valid one-line block. On failure *out is NULL and NNSM_FAILURE returns.
 * The caller owns *out and frees it with nnsm_release. Local. */
nnsm_status nnsm_allocate(void **out, size_t count, size_t size, const char *what, nnsm_error *error);

/* Frees what nnsm_allocate gave; NULL is accepted. Local. */
void nnsm_release(void *block);

/* `NNSM_NEW(&pointer, count, "what", error)` allocates count objects of the pointer's type. */
#define NNSM_NEW(pointer, count, what, error)                                                                          \
    nnsm_allocate((void **)(pointer), (size_t)(count), sizeof **(pointer), what, error)

#endif
