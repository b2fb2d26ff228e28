#include "io/h5_disk.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#if __has_include(<H5FDdevelop.h>)
#include <H5FDdevelop.h> /* from HDF5 1.13 on */
#endif

#include "base/memory.h"

typedef struct {
    H5FD_t file; /* HDF5's part, which comes first */
    nnsm_h5_disk *disk;
    haddr_t allocated, written; /* where either ends */
} disk_file;

static disk_file *of(H5FD_t *file)
{
    return (disk_file *)file;
}

static H5FD_t *open_disk(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    disk_file *o = NULL;
    nnsm_error error;
    nnsm_h5_disk *const *disk = H5Pget_driver_info(access);
    (void)name, (void)flags, (void)most;
    if (!disk || NNSM_NEW(&o, 1, "HDF5 file", &error))
        return NULL;
    o->disk = *disk;
    o->disk->opened = true;
    return &o->file;
}

static herr_t close_disk(H5FD_t *file)
{
    of(file)->disk->opened = false;
    nnsm_release(file);
    return 0;
}

static herr_t query(const H5FD_t *file, unsigned long *features)
{
    (void)file;
    *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t allocated(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const disk_file *)file)->allocated;
}

static herr_t allocate(H5FD_t *file, H5FD_mem_t type, haddr_t end)
{
    (void)type;
    of(file)->allocated = end;
    return 0;
}

static haddr_t written(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const disk_file *)file)->written;
}

/* What nobody has written is zero. */
static herr_t read_disk(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, void *bytes)
{
    nnsm_h5_disk *disk = of(file)->disk;
    size_t done = 0;
    ssize_t got = 1;
    (void)type, (void)transfer;
    for (; done < size && got != 0 && !disk->code; done += got > 0 ? (size_t)got : 0) {
        got = pread(disk->descriptor, (char *)bytes + done, size - done, (off_t)(at + done));
        if (got < 0 && errno != EINTR)
            disk->code = errno;
    }
    memset((char *)bytes + done, 0, size - done);
    return 0;
}

int nnsm_h5_disk_write(int descriptor, const void *bytes, size_t count, off_t at)
{
    ssize_t wrote = 0;
    for (size_t done = 0; done < count; done += (size_t)wrote) {
        errno = EIO; /* where nothing is written without a word */
        wrote = pwrite(descriptor, (const char *)bytes + done, count - done, at + (off_t)done);
        if (wrote <= 0 && errno != EINTR)
            return errno;
        wrote = wrote > 0 ? wrote : 0;
    }
    return 0;
}

static herr_t write_disk(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, const void *bytes)
{
    disk_file *o = of(file);
    (void)type, (void)transfer;
    if (!o->disk->code)
        o->disk->code = nnsm_h5_disk_write(o->disk->descriptor, bytes, size, (off_t)at);
    o->written = at + size > o->written ? at + size : o->written;
    return 0;
}

static herr_t cut(H5FD_t *file, hid_t transfer, hbool_t closing)
{
    disk_file *o = of(file);
    (void)transfer;
    if (closing && !o->disk->code && ftruncate(o->disk->descriptor, (off_t)o->allocated) != 0)
        o->disk->code = errno;
    o->written = closing ? o->allocated : o->written;
    return 0;
}

static hid_t driver = H5I_INVALID_HID; /* registered once, until HDF5 ends */

static herr_t forget(void)
{
    driver = H5I_INVALID_HID;
    return 0;
}

static const H5FD_class_t driver_class = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = H5_VFD_RESERVED, /* the first of those that are nobody's */
#endif
    .name = "nnsm",
    .maxaddr = INT64_MAX,
    .terminate = forget,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(nnsm_h5_disk *),
    .open = open_disk,
    .close = close_disk,
    .query = query,
    .get_eoa = allocated,
    .set_eoa = allocate,
    .get_eof = written,
    .read = read_disk,
    .write = write_disk,
    .truncate = cut,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t nnsm_h5_disk_create(nnsm_h5_disk *disk, hid_t create)
{
    hid_t file = H5I_INVALID_HID, access = H5Pcreate(H5P_FILE_ACCESS);
    if (driver < 0)
        driver = H5FDregister(&driver_class);
    if (access >= 0 && driver >= 0 && H5Pset_driver(access, driver, &disk) >= 0)
        file = H5Fcreate("nnsm", H5F_ACC_TRUNC, create, access);
    if (access >= 0)
        (void)H5Pclose(access);
    return file;
}
