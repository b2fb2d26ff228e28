#include "io/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/host.h"
#include "base/late.h"

enum { BLOCK = 512, BLOCKS = 64 };

/* Returns 0 or errno's value. */
static int look(const char *path, nnsm_identity *identity)
{
    char blocks[BLOCKS][BLOCK] = {{0}};
    struct stat about = {0};
    int descriptor = open(path, O_RDONLY | O_NONBLOCK), code = descriptor < 0 ? errno : 0;
    if (!code && (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)))
        code = EINVAL; /* a directory, a device, a pipe */
    off_t last = about.st_size > BLOCK ? about.st_size - BLOCK : 0;
    for (int k = 0; k < BLOCKS && !code; k++)
        if (pread(descriptor, blocks[k], BLOCK, last / (BLOCKS - 1) * k + last % (BLOCKS - 1) * k / (BLOCKS - 1)) < 0)
            code = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    *identity = (nnsm_identity){(int64_t)about.st_size, XXH3_64bits(blocks, sizeof blocks)};
    return code;
}

static nnsm_status fail(const char *path, int code, nnsm_error *error)
{
    char host[64];
    nnsm_host_name(host, sizeof host);
    return nnsm_fail(error, NNSM_DATA, "%.400s: %s cannot read it: %s", path, host,
                     code == EINVAL ? "not a regular file" : strerror(code));
}

nnsm_status nnsm_identity_of(const char *path, nnsm_identity *identity, nnsm_error *error)
{
    int code = look(path, identity);
    return code ? fail(path, code, error) : NNSM_OK;
}

nnsm_status nnsm_identity_check(const char *path, const nnsm_identity *theirs, nnsm_error *error)
{
    nnsm_identity ours;
    nnsm_late late = {0};
    char host[64];
    int code = look(path, &ours);
    while ((code == ENOENT || code == ESTALE) && nnsm_late_again(&late, path))
        code = look(path, &ours);
    if (code)
        return fail(path, code, error);
    nnsm_host_name(host, sizeof host);
    return ours.length == theirs->length && ours.digest == theirs->digest
               ? NNSM_OK
               : nnsm_fail(error, NNSM_DATA,
                           "%.400s: %s sees another file of that name than rank 0; all nodes must see the same one",
                           path, host);
}
