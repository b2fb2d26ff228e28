#include "io/ensemble_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"

enum { PIECE = 1 << 14 }; /* values converted at a time */

/* ---- the rank that makes the file */

/* place: mark in, device out. Returns 0 or errno's value. */
static int leave_mark(const char *part, nnsm_ensemble_place *place)
{
    struct stat about = {0};
    int descriptor = open(part, O_WRONLY | O_NOFOLLOW), code = descriptor < 0 ? errno : 0;
    if (!code && fstat(descriptor, &about) != 0)
        code = errno;
    place->device = (int64_t)about.st_dev;
    if (!code && pwrite(descriptor, place->mark, sizeof place->mark, 0) != (ssize_t)sizeof place->mark)
        code = errno ? errno : EIO;
    if (descriptor >= 0 && close(descriptor) != 0 && !code)
        code = errno;
    return code;
}

void nnsm_ensemble_offer(nnsm_h5 *h5, nnsm_ensemble_place *place)
{
    char part[NNSM_H5_PATH + 8];
    struct timespec now;
    hid_t set = h5->status ? H5I_INVALID_HID : H5Dopen2(h5->file, NNSM_ENSEMBLE_SET, H5P_DEFAULT);
    haddr_t offset = set >= 0 ? H5Dget_offset(set) : HADDR_UNDEF;
    if (set >= 0)
        (void)H5Dclose(set);
    *place = (nnsm_ensemble_place){0};
    if (h5->status || offset == HADDR_UNDEF) {
        (void)nnsm_h5_fail(h5, "HDF5 cannot tell where " NNSM_ENSEMBLE_SET " lies: no memory?");
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *place = (nnsm_ensemble_place){.offset = (int64_t)offset,
                                   .mark = {(int64_t)now.tv_sec, (int64_t)now.tv_nsec, (int64_t)getpid()}};
    nnsm_h5_part_name(h5->path, part);
    int code = h5->status ? 0 : leave_mark(part, place);
    if (code)
        (void)nnsm_h5_fail(h5, "cannot write it: %s", strerror(code));
}

/* ---- every rank */

int nnsm_ensemble_rows_open(nnsm_ensemble_rows *rows, const char *path, const nnsm_ensemble_header *header,
                            const nnsm_ensemble_place *place)
{
    int64_t mark[3] = {0};
    struct stat about = {0};
    *rows = (nnsm_ensemble_rows){.header = header, .offset = place->offset};
    nnsm_h5_part_name(path, rows->part);
    rows->descriptor = open(rows->part, O_RDWR | O_NOFOLLOW);
    int code = rows->descriptor < 0 ? errno : 0;
    if (!code && pread(rows->descriptor, mark, sizeof mark, 0) < 0)
        code = errno;
    if (!code && fstat(rows->descriptor, &about) != 0)
        code = errno;
    if (!code && (memcmp(mark, place->mark, sizeof mark) != 0 || (int64_t)about.st_dev != place->device))
        code = ESTALE;
    if (code && rows->descriptor >= 0)
        (void)close(rows->descriptor);
    rows->descriptor = code ? -1 : rows->descriptor;
    return code;
}

static void fail(nnsm_ensemble_rows *rows, int code)
{
    char host[64];
    nnsm_host_name(host, sizeof host);
    if (!rows->status)
        rows->status = nnsm_fail(&rows->error, NNSM_FAILURE,
                                 "%.400s: cannot write the configurations on %s: %s; make room or choose another "
                                 "run.output",
                                 rows->part, host, strerror(code));
}

static void store(nnsm_ensemble_rows *rows, const void *bytes, size_t count, size_t at)
{
    int code = rows->status ? 0 : nnsm_h5_disk_write(rows->descriptor, bytes, count, (off_t)rows->offset + (off_t)at);
    if (code)
        fail(rows, code);
}

/* Are values and states the same bytes? */
static bool is_plain(const nnsm_alphabet *alphabet)
{
    for (int k = 0; k < alphabet->count; k++)
        if (alphabet->value[k] != (alphabet->count == 2 ? 2 * k - 1 : k))
            return false;
    return true;
}

/* States to values as the file has them, the lowest byte first. bytes: out, [count][width]. */
static void convert(const nnsm_alphabet *alphabet, const int8_t *states, size_t count, size_t width, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t value = (uint32_t)nnsm_alphabet_value(alphabet, states[i]);
        for (size_t b = 0; b < width; b++)
            bytes[i * width + b] = (uint8_t)(value >> 8 * b);
    }
}

void nnsm_ensemble_rows_write(nnsm_ensemble_rows *rows, size_t first, size_t count, const int8_t *states)
{
    const nnsm_ensemble_header *h = rows->header;
    uint8_t bytes[PIECE * sizeof(int32_t)];
    if (first >= h->configurations)
        return;
    count = count < h->configurations - first ? count : h->configurations - first;
    size_t width = nnsm_ensemble_width(&h->alphabet), end = count * h->sites, at = first * h->sites;
    if (is_plain(&h->alphabet))
        store(rows, states, end, at);
    else
        for (size_t i = 0; i < end; i += PIECE) {
            size_t piece = end - i < PIECE ? end - i : PIECE;
            convert(&h->alphabet, states + i, piece, width, bytes);
            store(rows, bytes, piece * width, (at + i) * width);
        }
}

void nnsm_ensemble_rows_push(nnsm_ensemble_rows *rows)
{
    if (rows->descriptor >= 0) /* where this fails, so will closing */
        (void)sync_file_range(rows->descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
}

nnsm_status nnsm_ensemble_rows_close(nnsm_ensemble_rows *rows, bool keep, nnsm_error *error)
{
    if (rows->descriptor >= 0 && keep && !rows->status && fsync(rows->descriptor) != 0)
        fail(rows, errno);
    if (rows->descriptor >= 0 && close(rows->descriptor) != 0)
        fail(rows, errno);
    rows->descriptor = -1;
    if (rows->status)
        *error = rows->error;
    return rows->status;
}
