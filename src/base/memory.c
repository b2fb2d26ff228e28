#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

nnsm_status nnsm_allocate(void **out, size_t count, size_t size, const char *what, nnsm_error *error)
{
    *out = NULL;
    if (size && count > (SIZE_MAX - NNSM_ALIGNMENT) / size)
        return nnsm_fail(error, NNSM_FAILURE, "%s: %zu x %zu bytes do not fit in memory", what, count, size);
    size_t bytes = (count * size + NNSM_ALIGNMENT - 1) / NNSM_ALIGNMENT * NNSM_ALIGNMENT;
    if (!bytes)
        bytes = NNSM_ALIGNMENT;
    void *block = aligned_alloc(NNSM_ALIGNMENT, bytes);
    if (!block)
        return nnsm_fail(error, NNSM_FAILURE, "%s: no memory for %.1f MB; use more nodes or a smaller problem", what,
                         (double)bytes * 1e-6);
    memset(block, 0, bytes);
    *out = block;
    return NNSM_OK;
}

static nnsm_status lost;
static nnsm_error why_lost;

bool nnsm_memory_take(void **out, size_t count, size_t size, const char *what)
{
    nnsm_error error;
    nnsm_status status = nnsm_allocate(out, count, size, what, &error);
    if (status && !lost) {
        lost = status;
        why_lost = error;
    }
    return !status;
}

nnsm_status nnsm_memory_status(nnsm_error *error)
{
    if (lost)
        *error = why_lost;
    return lost;
}

void nnsm_release(void *block)
{
    free(block);
}
