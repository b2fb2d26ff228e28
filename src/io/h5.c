/* h5.c: files: create, open, finish. */
#include "io/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/seal.h"

static nnsm_status fault_of(const nnsm_h5 *h5)
{
    return h5->writing ? NNSM_FAILURE : NNSM_DATA;
}

nnsm_status nnsm_h5_fail(nnsm_h5 *h5, const char *format, ...)
{
    if (h5->status)
        return h5->status;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (h5->disk && h5->disk->code) /* whatever it led to */
        (void)snprintf(text, sizeof text, "cannot write it: %s; make room or choose another run.output",
                       strerror(h5->disk->code));
    h5->status = nnsm_fail(h5->error, fault_of(h5), "%.400s: %s", h5->path, text);
    return h5->status;
}

void nnsm_h5_part_name(const char *path, char *part)
{
    (void)snprintf(part, NNSM_H5_PATH + 8, "%s.part", path);
}

static nnsm_status start(nnsm_h5 *h5, const char *path, bool writing, nnsm_error *error)
{
    *h5 = (nnsm_h5){.file = H5I_INVALID_HID, .writing = writing, .error = error};
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* our own messages name the file and what to do */
    if (strlen(path) + 8 > sizeof h5->path) {
        h5->path[0] = '\0';
        return nnsm_h5_fail(h5, "the path is too long");
    }
    strcpy(h5->path, path);
    return NNSM_OK;
}

/* ---- files that are written */

/* A new file with room for `bytes`. Returns 0 or errno's value. */
static int make_part(const char *part, size_t bytes, int *descriptor)
{
    (void)unlink(part); /* of a run that was killed; a link would lead elsewhere */
    *descriptor = open(part, O_RDWR | O_NOFOLLOW | O_CREAT | O_EXCL, 0666);
    if (*descriptor < 0)
        return errno;
    int code = EINTR;
    while (code == EINTR)
        code = bytes ? posix_fallocate(*descriptor, 0, (off_t)bytes) : 0;
    return code == EOPNOTSUPP || code == EINVAL ? 0 : code; /* a file system that cannot reserve */
}

/* With room for its seal. */
static hid_t make_file(nnsm_h5_disk *disk)
{
    hid_t file = H5I_INVALID_HID, create = H5Pcreate(H5P_FILE_CREATE);
    if (create >= 0 && H5Pset_userblock(create, NNSM_SEAL_BYTES) >= 0)
        file = nnsm_h5_disk_create(disk, create);
    if (create >= 0)
        (void)H5Pclose(create);
    return file;
}

/* Has the part file become something else? Then it is left alone. */
static bool is_ours(const char *part, int descriptor)
{
    struct stat written, there;
    return fstat(descriptor, &written) == 0 && lstat(part, &there) == 0 && there.st_dev == written.st_dev &&
           there.st_ino == written.st_ino;
}

static const char full[] = "the disk is full or gone"; /* and why, which nnsm_h5_fail knows */

static void close_part(nnsm_h5 *h5)
{
    nnsm_h5_disk *disk = h5->disk;
    if (disk->descriptor >= 0 && close(disk->descriptor) != 0 && !disk->code)
        disk->code = errno;
    if (disk->code)
        (void)nnsm_h5_fail(h5, full);
    disk->descriptor = -1;
    disk->code = EBADF; /* where HDF5 did not close it, and will write at the end */
    if (!disk->opened)
        nnsm_release(disk);
    h5->disk = NULL;
}

nnsm_status nnsm_h5_create(nnsm_h5 *h5, const char *path, size_t bytes, nnsm_error *error)
{
    char part[NNSM_H5_PATH + 8];
    nnsm_status status = start(h5, path, true, error);
    if (!status)
        status = h5->status = NNSM_NEW(&h5->disk, 1, "HDF5 file", error);
    if (status)
        return status;
    nnsm_h5_part_name(h5->path, part);
    int code = make_part(part, bytes, &h5->disk->descriptor);
    h5->file = code ? H5I_INVALID_HID : make_file(h5->disk);
    if (h5->file >= 0)
        return NNSM_OK;
    if (code)
        (void)nnsm_h5_fail(h5, "cannot write %.1f MB there: %s; make room or choose another run.output",
                           (double)bytes * 1e-6, strerror(code));
    else
        (void)nnsm_h5_fail(h5, "HDF5 cannot make it: no memory?");
    if (h5->disk->descriptor >= 0)
        (void)unlink(part);
    close_part(h5);
    return h5->status;
}

/* The rename is the moment at which the file exists; before it everything is on the disk. */
static void publish(nnsm_h5 *h5)
{
    char part[NNSM_H5_PATH + 8], directory[NNSM_H5_PATH];
    nnsm_h5_part_name(h5->path, part);
    if (!h5->status)
        h5->disk->code = nnsm_seal_write(h5->disk->descriptor, &h5->checksum);
    bool ours = is_ours(part, h5->disk->descriptor);
    close_part(h5);
    if (!ours)
        (void)nnsm_h5_fail(h5, "its part file was removed or replaced while it was written; run it again");
    else if (!h5->status && rename(part, h5->path) != 0)
        (void)nnsm_h5_fail(h5, "cannot be renamed from %.200s: %s", part, strerror(errno));
    if (ours && h5->status)
        (void)unlink(part);
    strcpy(directory, h5->path);
    int descriptor = h5->status ? -1 : open(dirname(directory), O_RDONLY | O_DIRECTORY);
    if (descriptor >= 0) { /* the name itself to the disk too; not every file system can */
        (void)fsync(descriptor);
        (void)close(descriptor);
    }
}

/* ---- files that are read */

nnsm_status nnsm_h5_open(nnsm_h5 *h5, const char *path, nnsm_h5_trust trust, const char *kind, nnsm_error *error)
{
    nnsm_seal seal;
    nnsm_status status = start(h5, path, false, error);
    if (!status && trust != NNSM_H5_CHECKED)
        status = h5->status = nnsm_seal_check(path, &seal, &h5->checksum, error);
    if (status)
        return status;
    if (trust == NNSM_H5_OWN && seal == NNSM_SEAL_NONE)
        return nnsm_h5_fail(h5, "not a file that nnsm wrote, or a damaged one: it has no checksum");
    h5->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (h5->file < 0 && H5Fis_hdf5(path) > 0)
        return nnsm_h5_fail(h5,
                            "HDF5 cannot open it: another program has it open for writing, it is damaged, or the file "
                            "system has no locks (then set HDF5_USE_FILE_LOCKING=FALSE)");
    if (h5->file < 0)
        return nnsm_h5_fail(h5, "not an HDF5 file, or a damaged one");
    if (kind) {
        char found[64] = "none";
        if (nnsm_h5_has_attribute(h5, "/", "kind"))
            nnsm_h5_get_text(h5, "/", "kind", found, sizeof found);
        if (strcmp(found, kind) != 0)
            return nnsm_h5_fail(h5, "not an %s file (kind: %s)", kind, found);
    }
    return h5->status;
}

nnsm_status nnsm_h5_exists(const char *path, bool *there, nnsm_error *error)
{
    *there = access(path, F_OK) == 0;
    return *there || errno == ENOENT || errno == ENOTDIR
               ? NNSM_OK
               : nnsm_fail(error, NNSM_DATA, "%.400s: cannot be looked for: %s", path, strerror(errno));
}

/* ---- the end of either */

void nnsm_h5_settle(nnsm_h5 *h5)
{
    if (h5->file < 0)
        return;
    if (h5->held > 0)
        (void)H5Dclose(h5->held);
    h5->held = 0;
    if (H5Fclose(h5->file) < 0)
        (void)nnsm_h5_fail(h5, "HDF5 cannot close it: no memory?");
    h5->file = H5I_INVALID_HID;
    if (h5->disk && h5->disk->code)
        (void)nnsm_h5_fail(h5, full);
}

nnsm_status nnsm_h5_finish(nnsm_h5 *h5)
{
    nnsm_h5_settle(h5);
    if (h5->disk)
        publish(h5);
    return h5->status;
}
