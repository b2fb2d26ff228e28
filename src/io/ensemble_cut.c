#include "io/ensemble_cut.h"

#include <string.h>

#include "base/memory.h"
#include "io/ensemble_file.h"

enum { PIECES = 64 };

typedef struct {
    nnsm_h5 in, out;
    nnsm_ensemble_header header; /* of in */
    size_t pieces, piece;        /* configurations of a piece */
} cutter;

/* ---- attributes */

/* A H5A_operator2_t; context: the object that gets a copy. */
static herr_t copy_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    hid_t from = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = from >= 0 ? H5Aget_type(from) : H5I_INVALID_HID;
    hid_t space = from >= 0 ? H5Aget_space(from) : H5I_INVALID_HID;
    hid_t to = H5I_INVALID_HID;
    char *value = NULL;
    bool read = false, done = false;
    (void)info;
    size_t bytes = type >= 0 ? H5Tget_size(type) : 0;
    hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
    if (bytes && count >= 0)
        read = NNSM_NEW(&value, bytes * (size_t)count + 1, "attribute", NULL) == NNSM_OK &&
               H5Aread(from, type, value) >= 0;
    if (read)
        to = H5Acreate2(*(hid_t *)context, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (to >= 0)
        done = H5Awrite(to, type, value) >= 0;
    if (read)
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, value); /* texts of any length are read into memory of HDF5 */
    nnsm_release(value);
    done = (to < 0 || H5Aclose(to) >= 0) && done;
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    if (from >= 0)
        (void)H5Aclose(from);
    return done ? 0 : -1;
}

static bool copy_attributes(hid_t from, hid_t to)
{
    hsize_t first = 0;
    return H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, &first, copy_attribute, &to) >= 0;
}

/* ---- configurations */

static bool copy_pieces(const cutter *c, hid_t from, hid_t to, hid_t type, char *rows)
{
    size_t n = c->header.configurations;
    bool done = true;
    for (size_t p = 0; p < c->pieces && done; p++) {
        hid_t source = H5Dget_space(from), target = H5Dget_space(to);
        size_t first = c->pieces > 1 ? p * (n - c->piece) / (c->pieces - 1) : 0;
        hid_t memory = nnsm_ensemble_select(&c->header, source, first, c->piece);
        hid_t same = nnsm_ensemble_select(&c->header, target, p * c->piece, c->piece);
        done = memory >= 0 && same >= 0 && H5Dread(from, type, memory, source, H5P_DEFAULT, rows) >= 0 &&
               H5Dwrite(to, type, memory, target, H5P_DEFAULT, rows) >= 0;
        const hid_t spaces[] = {source, target, memory, same};
        for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
            if (spaces[i] >= 0)
                (void)H5Sclose(spaces[i]);
    }
    return done;
}

static bool copy_set(const cutter *c, nnsm_error *error)
{
    hsize_t size[4] = {c->pieces * c->piece};
    for (int a = 0; a < c->header.dimensions; a++)
        size[a + 1] = (hsize_t)c->header.extent[a];
    hid_t from = H5Dopen2(c->in.file, NNSM_ENSEMBLE_SET, H5P_DEFAULT), to = H5I_INVALID_HID;
    hid_t type = from >= 0 ? H5Dget_type(from) : H5I_INVALID_HID;
    hid_t space = H5Screate_simple(c->header.dimensions + 1, size, NULL);
    size_t bytes = type >= 0 ? H5Tget_size(type) : 0;
    char *rows = NULL;
    bool done = false;
    if (bytes && space >= 0)
        to = H5Dcreate2(c->out.file, NNSM_ENSEMBLE_SET, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (to >= 0 && NNSM_NEW(&rows, c->piece * c->header.sites * bytes, "configurations", error) == NNSM_OK)
        done = copy_attributes(from, to) && copy_pieces(c, from, to, type, rows);
    nnsm_release(rows);
    done = (to < 0 || H5Dclose(to) >= 0) && done;
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    if (from >= 0)
        (void)H5Dclose(from);
    return done;
}

/* What a file says of the system and of windows beside its data. */
static bool copy_groups(cutter *c)
{
    static const char *const groups[] = {"/system", "/window"};
    bool done = true;
    for (size_t g = 0; g < sizeof groups / sizeof *groups && done; g++)
        if (nnsm_h5_has(&c->in, groups[g]))
            done = H5Ocopy(c->in.file, groups[g], c->out.file, groups[g], H5P_DEFAULT, H5P_DEFAULT) >= 0;
    return done && !c->in.status;
}

nnsm_status nnsm_ensemble_cut(const char *from, const char *to, size_t count, size_t *there, nnsm_error *error)
{
    cutter c = {.in.file = H5I_INVALID_HID, .out.file = H5I_INVALID_HID};
    nnsm_status status = nnsm_h5_open(&c.in, from, NNSM_H5_CHECKED, NULL, error);
    if (!status)
        nnsm_ensemble_read_shape(&c.in, &c.header);
    size_t n = c.header.configurations;
    *there = n;
    c.pieces = count < n && count >= PIECES ? PIECES : 1;
    c.piece = (count < n ? count : n) / c.pieces;
    status = status ? status : c.in.status;
    if (!status)
        status = nnsm_h5_create(&c.out, to, c.pieces * c.piece * c.header.sites * sizeof(double), error);
    if (!status && !(copy_set(&c, error) && copy_attributes(c.in.file, c.out.file) && copy_groups(&c)))
        status = nnsm_h5_fail(&c.out, "cannot copy a part of %.400s into it", from);
    nnsm_status finished = nnsm_h5_finish(&c.out);
    (void)nnsm_h5_finish(&c.in);
    return status ? status : finished;
}
