/* memory.h: aligned, zeroed, overflow-checked allocation. Local. */
#ifndef NNSM_BASE_MEMORY_H
#define NNSM_BASE_MEMORY_H

#include <stdbool.h>
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

/* As nnsm_allocate, deep within a kernel that goes on with what it has and has no status to return. A failure is kept
 * by the process: the next nnsm_agree tells all ranks, so that nothing of what came out is published. Local. */
bool nnsm_memory_take(void **out, size_t count, size_t size, const char *what);

#define NNSM_TAKE(pointer, count, what) nnsm_memory_take((void **)(pointer), (size_t)(count), sizeof **(pointer), what)

/* The first failure of nnsm_memory_take, or NNSM_OK. Local. */
nnsm_status nnsm_memory_status(nnsm_error *error);

#endif
