#include "io/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/memory.h"
#include "io/h5_disk.h"

enum { VERSION = 1, BLOCK = 1 << 18 }; /* of 1 MB, which leave the cache, 1.2 to 1.4 times as slow */
#define MAGIC "nnsm file"

/* XXH3-64 of the bytes from `start` to the end, and where the end is. Returns 0 or errno's value. */
static int digest(int descriptor, off_t start, uint64_t *checksum, int64_t *length)
{
    char *block = NULL;
    nnsm_error error;
    XXH3_state_t *state = XXH3_createState();
    int code = !state || NNSM_NEW(&block, BLOCK, "checksum", &error) ? ENOMEM : 0;
    ssize_t got = 0;
    *length = start;
    if (!code)
        (void)XXH3_64bits_reset(state);
    while (!code && (got = pread(descriptor, block, BLOCK, *length)) != 0) {
        if (got < 0)
            code = errno;
        else
            (void)XXH3_64bits_update(state, block, (size_t)got);
        *length += got;
    }
    if (!code)
        *checksum = XXH3_64bits_digest(state);
    nnsm_release(block);
    (void)XXH3_freeState(state);
    return code;
}

int nnsm_seal_write(int descriptor, uint64_t *checksum)
{
    char line[NNSM_SEAL_BYTES] = {0};
    int64_t length;
    int code = digest(descriptor, NNSM_SEAL_BYTES, checksum, &length);
    if (code)
        return code;
    (void)snprintf(line, sizeof line, MAGIC " %d length %" PRId64 " xxh3 %016" PRIx64 "\n", VERSION, length, *checksum);
    code = nnsm_h5_disk_write(descriptor, line, sizeof line, 0);
    return code ? code : fsync(descriptor) != 0 ? errno : 0;
}

/* checksum: out, may be NULL. */
static nnsm_status check_behind(const char *path, int descriptor, const char *line, uint64_t *checksum,
                                nnsm_error *error)
{
    int version = 0;
    int64_t wanted = 0, length = 0;
    uint64_t stored = 0, found = 0;
    struct stat about;
    if (sscanf(line, MAGIC " %d", &version) == 1 && version > VERSION)
        return nnsm_fail(error, NNSM_DATA, "%.400s: written by a newer nnsm (format %d); this one reads format %d",
                         path, version, VERSION);
    if (sscanf(line, MAGIC " %d length %" SCNd64 " xxh3 %" SCNx64, &version, &wanted, &stored) != 3)
        return nnsm_fail(error, NNSM_DATA, "%.400s: its first line is damaged; restore the file or make it again",
                         path);
    if (fstat(descriptor, &about) != 0 || about.st_size != wanted)
        return nnsm_fail(error, NNSM_DATA,
                         "%.400s: torn: %lld bytes where %lld were written; restore the file or make it again", path,
                         (long long)about.st_size, (long long)wanted);
    int code = digest(descriptor, NNSM_SEAL_BYTES, &found, &length);
    if (code)
        return nnsm_fail(error, NNSM_DATA, "%.400s: cannot read it: %s", path, strerror(code));
    if (checksum)
        *checksum = found;
    if (found != stored)
        return nnsm_fail(error, NNSM_DATA,
                         "%.400s: damaged, or changed after nnsm wrote it: the checksum does not match; restore it, "
                         "make it again, or copy what you changed on purpose into a new file",
                         path);
    return NNSM_OK;
}

nnsm_status nnsm_seal_check(const char *path, nnsm_seal *seal, uint64_t *checksum, nnsm_error *error)
{
    char line[NNSM_SEAL_BYTES + 1] = {0};
    int64_t length;
    struct stat about;
    nnsm_status status = NNSM_OK;
    *seal = NNSM_SEAL_NONE;
    int descriptor = open(path, O_RDONLY | O_NONBLOCK), code = descriptor < 0 ? errno : 0;
    if (!code && (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)))
        code = EINVAL; /* a directory, a device, a pipe */
    if (!code && pread(descriptor, line, NNSM_SEAL_BYTES, 0) < 0)
        code = errno;
    if (!code && strncmp(line, MAGIC, strlen(MAGIC)) == 0) {
        *seal = NNSM_SEAL_INTACT;
        status = check_behind(path, descriptor, line, checksum, error);
    } else if (!code && checksum)
        code = digest(descriptor, 0, checksum, &length);
    if (descriptor >= 0)
        (void)close(descriptor);
    return code ? nnsm_fail(error, NNSM_DATA, "%.400s: cannot read it: %s", path,
                            code == EINVAL ? "not a regular file" : strerror(code))
                : status;
}
