#include "base/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In front of the block. */
typedef union {
    size_t mapped; /* bytes with this; 0: memory */
    char line[NNSM_ALIGNMENT];
} head;

static nnsm_status fail(nnsm_error *error, const char *what, const char *folder, size_t bytes, int code)
{
    return nnsm_fail(error, NNSM_FAILURE,
                     "%s: no file of %.1f MB in %.400s (run.scratch): %s; give a directory of a disk that has room",
                     what, (double)bytes * 1e-6, folder, strerror(code));
}

/* -1: none, errno says why. */
static int open_nameless(const char *folder)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/nnsm.scratch.XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        (void)unlink(path);
    return file;
}

static nnsm_status map(head **out, size_t bytes, const char *folder, const char *what, nnsm_error *error)
{
    int file = open_nameless(folder), code = file < 0 ? errno : posix_fallocate(file, 0, (off_t)bytes);
    void *block = code ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (!code && block == MAP_FAILED)
        code = errno;
    if (file >= 0)
        (void)close(file);
    if (code)
        return fail(error, what, folder, bytes, code);
    *out = block;
    (*out)->mapped = bytes;
    return NNSM_OK;
}

nnsm_status nnsm_bulk_allocate(void **out, size_t count, size_t size, const char *folder, const char *what,
                               nnsm_error *error)
{
    head *block = NULL;
    *out = NULL;
    if (size && count > (SIZE_MAX / 2 - sizeof *block) / size)
        return nnsm_fail(error, NNSM_FAILURE, "%s: %zu x %zu bytes do not fit in memory", what, count, size);
    size_t bytes = count * size + sizeof *block;
    if (folder[0]) {
        nnsm_status status = map(&block, bytes, folder, what, error);
        if (status)
            return status;
    } else if (nnsm_allocate((void **)&block, bytes, 1, what, NULL))
        return nnsm_fail(error, NNSM_FAILURE, "%s: no memory for %.1f MB; use more nodes, or a disk by run.scratch",
                         what, (double)bytes * 1e-6);
    *out = block + 1;
    return NNSM_OK;
}

void nnsm_bulk_release(void *block)
{
    head *own = block ? (head *)block - 1 : NULL;
    if (own && own->mapped)
        (void)munmap(own, own->mapped);
    else
        nnsm_release(own);
}
