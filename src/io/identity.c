#include "io/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static nnsm_status fail(const char *path, const char *reason, nnsm_error *error)
{
    char host[64] = "unknown";
    (void)gethostname(host, sizeof host - 1);
    return nnsm_fail(error, NNSM_DATA, "%.400s: %s %s; all nodes must see the same file", path, host, reason);
}

nnsm_status nnsm_identity_of(const char *path, nnsm_identity *identity, nnsm_error *error)
{
    nnsm_identity *i = identity;
    struct stat about = {0};
    *i = (nnsm_identity){0};
    int descriptor = open(path, O_RDONLY), code = descriptor < 0 ? errno : 0;
    if (!code && fstat(descriptor, &about) != 0)
        code = errno;
    i->length = (int64_t)about.st_size;
    off_t tail = about.st_size > NNSM_SEAL_BYTES ? about.st_size - NNSM_SEAL_BYTES : 0;
    if (!code &&
        (pread(descriptor, i->head, sizeof i->head, 0) < 0 || pread(descriptor, i->tail, sizeof i->tail, tail) < 0))
        code = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    char reason[256] = "cannot read it: ";
    return code ? fail(path, strncat(reason, strerror(code), sizeof reason - strlen(reason) - 1), error) : NNSM_OK;
}

nnsm_status nnsm_identity_check(const char *path, const nnsm_identity *theirs, nnsm_error *error)
{
    nnsm_identity ours;
    nnsm_status status = nnsm_identity_of(path, &ours, error);
    if (!status && memcmp(&ours, theirs, sizeof ours) != 0)
        status = fail(path, "sees another file of that name than the first rank's node", error);
    return status;
}
