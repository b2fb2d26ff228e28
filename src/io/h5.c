/* h5.c: files: create, open, finish. */
#include "io/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/seal.h"

/* HDF5 must not find a disk full: it cannot forget what failed to be written, closing fails too, and the library
 * crashes on what is left when MPI ends. So files are made in memory, and written by us; large ones on the disk, in
 * room that was reserved. */
enum { MOST_IN_MEMORY = 256 << 20 };

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

/* Open `part`, or make it with O_CREAT, with room for `bytes`. Returns 0 or errno's value. */
static int reserve(const char *part, int flags, size_t bytes)
{
    int descriptor = open(part, O_RDWR | O_NOFOLLOW | flags, 0666);
    int code = descriptor < 0 ? errno : bytes ? posix_fallocate(descriptor, 0, (off_t)bytes) : 0;
    if (descriptor >= 0 && close(descriptor) != 0 && !code)
        code = errno;
    return code == EOPNOTSUPP || code == EINVAL ? 0 : code; /* a file system that cannot reserve */
}

/* A new file, in memory or on the disk, with room for its seal. What is in memory gets a name that no file has: HDF5
 * would read the file first. */
static hid_t make_file(const char *part, bool in_memory)
{
    char name[NNSM_H5_PATH + 16];
    (void)snprintf(name, sizeof name, in_memory ? "%s.image" : "%s", part);
    hid_t file = H5I_INVALID_HID, access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    if (access >= 0 && create >= 0 && H5Pset_userblock(create, NNSM_SEAL_BYTES) >= 0 &&
        (!in_memory || H5Pset_fapl_core(access, 1 << 20, false) >= 0))
        file = H5Fcreate(name, H5F_ACC_TRUNC, create, access);
    if (access >= 0)
        (void)H5Pclose(access);
    if (create >= 0)
        (void)H5Pclose(create);
    return file;
}

nnsm_status nnsm_h5_create(nnsm_h5 *h5, const char *path, size_t bytes, nnsm_error *error)
{
    char part[NNSM_H5_PATH + 8];
    nnsm_status status = start(h5, path, true, error);
    if (status)
        return status;
    nnsm_h5_part_name(h5->path, part);
    h5->in_memory = bytes <= MOST_IN_MEMORY;
    (void)unlink(part); /* of a run that was killed; a link would lead elsewhere */
    int code = reserve(part, O_CREAT | O_EXCL, bytes);
    if (!code) {
        h5->file = make_file(part, h5->in_memory);
        code = h5->file < 0 ? EIO : h5->in_memory ? 0 : reserve(part, 0, bytes); /* creating it gave the room back */
    }
    if (!code)
        return NNSM_OK;
    (void)unlink(part);
    return nnsm_h5_fail(h5, "cannot write %.1f MB there: %s; make room or choose another run.output",
                        (double)bytes * 1e-6, strerror(code));
}

void nnsm_h5_leave(nnsm_h5 *h5, int64_t offset, size_t bytes)
{
    h5->left = (size_t)offset;
    h5->left_bytes = bytes;
}

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

/* The rename is the moment at which the file exists; before it everything is on the disk. */
static void publish(nnsm_h5 *h5, const char *part)
{
    char directory[NNSM_H5_PATH];
    nnsm_status status = nnsm_seal_write(part, &h5->checksum, h5->error);
    if (status)
        h5->status = status;
    else if (rename(part, h5->path) != 0)
        (void)nnsm_h5_fail(h5, "cannot be renamed from %.200s: %s", part, strerror(errno));
    strcpy(directory, h5->path);
    int descriptor = status ? -1 : open(dirname(directory), O_RDONLY | O_DIRECTORY);
    if (descriptor >= 0) { /* the name itself to the disk too; not every file system can */
        (void)fsync(descriptor);
        (void)close(descriptor);
    }
}

/* Returns 0 or errno's value. */
static int write_range(int descriptor, const char *bytes, size_t first, size_t end)
{
    ssize_t wrote = 0;
    for (; first < end; first += (size_t)wrote) {
        wrote = pwrite(descriptor, bytes + first, end - first, (off_t)first);
        if (wrote <= 0)
            return wrote ? errno : EIO;
    }
    return 0;
}

/* What is in memory to the disk, around what others wrote there. */
static void store(nnsm_h5 *h5, const char *part)
{
    void *handle = NULL;
    ssize_t behind = H5Fflush(h5->file, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(h5->file, NULL, 0);
    if (behind < 0 || H5Fget_vfd_handle(h5->file, H5P_DEFAULT, &handle) < 0) {
        (void)nnsm_h5_fail(h5, "HDF5 cannot complete it: no memory?");
        return;
    }
    const char *bytes = *(char **)handle;
    size_t size = (size_t)behind + NNSM_SEAL_BYTES, left = h5->left_bytes ? h5->left : size;
    int descriptor = open(part, O_WRONLY | O_NOFOLLOW), code = descriptor < 0 ? errno : 0;
    if (!code)
        code = write_range(descriptor, bytes, 0, left);
    if (!code)
        code = write_range(descriptor, bytes, left + h5->left_bytes, size);
    if (!code && ftruncate(descriptor, (off_t)size) != 0) /* more was reserved */
        code = errno;
    if (descriptor >= 0 && close(descriptor) != 0 && !code)
        code = errno;
    if (code == ENOENT)
        (void)nnsm_h5_fail(h5, "its part file was removed while it was written; run it again");
    else if (code)
        (void)nnsm_h5_fail(h5, "cannot write it: %s; make room or choose another run.output", strerror(code));
}

void nnsm_h5_settle(nnsm_h5 *h5)
{
    char part[NNSM_H5_PATH + 8];
    if (h5->file < 0)
        return;
    nnsm_h5_part_name(h5->path, part);
    if (h5->held > 0)
        (void)H5Dclose(h5->held);
    h5->held = 0;
    if (h5->writing && h5->in_memory && !h5->status)
        store(h5, part);
    if (H5Fclose(h5->file) < 0)
        (void)nnsm_h5_fail(h5, "HDF5 cannot close it: the disk is full or gone");
    h5->file = H5I_INVALID_HID;
    h5->settled = true;
}

nnsm_status nnsm_h5_finish(nnsm_h5 *h5)
{
    char part[NNSM_H5_PATH + 8];
    nnsm_h5_settle(h5);
    nnsm_h5_part_name(h5->path, part);
    if (h5->settled && h5->writing && !h5->status)
        publish(h5, part);
    if (h5->settled && h5->writing && h5->status)
        (void)unlink(part);
    h5->settled = false;
    return h5->status;
}
