/* ensemble_values.c: the numbers of a data set, of whatever type and storage, piece by piece. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/ensemble_file.h"
#include "io/ensemble_values.h"

#define DATA_SET NNSM_ENSEMBLE_SET
/* Values converted at a time: few stay in the cache, and their buffers are few new pages for the kernel to find. Chunks
 * that HDF5 cannot keep it unpacks anew for every piece: as many as are worth their memory. */
enum { PIECE_SITES = 1 << 14, LARGE_PIECE_SITES = 1 << 22 };

/* ---- the numbers of the file */

/* How they arrive in memory: in their own size and sign. */
typedef struct {
    hid_t memory; /* to be closed */
    size_t bytes; /* 1, 2, 4 or 8 */
    bool is_signed, real;
} number;

/* The native type of the same size or the next larger one. */
static hid_t native(size_t bytes, bool is_signed, bool real)
{
    if (real)
        return bytes <= 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
    if (bytes <= 1)
        return is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    if (bytes <= 2)
        return is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    if (bytes <= 4)
        return is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    return is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
}

/* Enumerations are read as themselves (HDF5 knows no other way) and are whole numbers underneath. */
static bool describe(hid_t type, number *n)
{
    H5T_class_t class = H5Tget_class(type);
    *n = (number){.memory = H5I_INVALID_HID, .real = class == H5T_FLOAT};
    size_t size = H5Tget_size(type);
    H5T_sign_t sign = class == H5T_INTEGER ? H5Tget_sign(type) : H5T_SGN_NONE;
    if (size == 0 || sign == H5T_SGN_ERROR)
        return false;
    if (class == H5T_INTEGER || class == H5T_FLOAT) {
        n->is_signed = n->real || sign == H5T_SGN_2;
        n->memory = H5Tcopy(native(size, n->is_signed, n->real));
    } else if (class == H5T_ENUM || class == H5T_BITFIELD)
        n->memory = H5Tget_native_type(type, H5T_DIR_ASCEND);
    if (n->memory < 0)
        return false;
    if (class == H5T_ENUM) {
        hid_t base = H5Tget_super(n->memory);
        sign = base >= 0 ? H5Tget_sign(base) : H5T_SGN_ERROR;
        n->is_signed = sign == H5T_SGN_2;
        if (base >= 0)
            (void)H5Tclose(base);
    }
    n->bytes = H5Tget_size(n->memory);
    bool narrow = sign != H5T_SGN_ERROR && (n->real || size <= 8); /* of wider floats, digits that no threshold needs */
    return narrow && (n->bytes == 1 || n->bytes == 2 || n->bytes == 4 || n->bytes == 8);
}

static bool open_number(nnsm_h5 *h5, hid_t set, number *n)
{
    static const char *const kinds[H5T_NCLASSES] = {
        "integer",          "float", "time", "text", "bits", "opaque", "compounds", "references", "an enumeration",
        "variable lengths", "arrays"};
    hid_t type = set >= 0 ? H5Dget_type(set) : H5I_INVALID_HID;
    if (type >= 0 && describe(type, n)) {
        (void)H5Tclose(type);
        return true;
    }
    if (type < 0)
        (void)nnsm_h5_fail(h5, DATA_SET " is missing or damaged");
    else {
        H5T_class_t class = H5Tget_class(type);
        (void)nnsm_h5_fail(h5,
                           DATA_SET
                           " holds %s of %zu bytes; it must hold whole numbers of at most 64 bits, or "
                           "floating-point numbers that ensemble.thresholds or ensemble.levels turn into levels",
                           class >= 0 && class < H5T_NCLASSES ? kinds[class] : "something", H5Tget_size(type));
        if (n->memory >= 0)
            (void)H5Tclose(n->memory);
        (void)H5Tclose(type);
    }
    return false;
}

/* ---- the data set, kept open with a cache that holds all chunks of the same configurations */

/* Configurations in a chunk, and how many chunks, which may overlap the edges, and bytes hold them in full. */
static size_t chunk_of(hid_t set, double *bytes, double *chunks)
{
    hsize_t size[H5S_MAX_RANK] = {0}, extent[H5S_MAX_RANK] = {0};
    hid_t list = H5Dget_create_plist(set), type = H5Dget_type(set), space = H5Dget_space(set);
    int dimensions = space >= 0 ? H5Sget_simple_extent_dims(space, extent, NULL) : -1;
    *bytes = *chunks = 0;
    if (list >= 0 && type >= 0 && dimensions > 0 && H5Pget_layout(list) == H5D_CHUNKED &&
        H5Pget_chunk(list, H5S_MAX_RANK, size) == dimensions) {
        *chunks = 1;
        *bytes = (double)H5Tget_size(type) * (double)size[0];
        for (int a = 1; a < dimensions; a++) {
            *chunks *= ceil((double)extent[a] / (double)size[a]);
            *bytes *= (double)size[a];
        }
        *bytes *= *chunks;
    }
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    if (list >= 0)
        (void)H5Pclose(list);
    return size[0] ? (size_t)size[0] : 1;
}

/* A filter of the data set that this HDF5 library does not have, for compression by another program. */
static bool unpackable(nnsm_h5 *h5, hid_t set)
{
    hid_t list = H5Dget_create_plist(set);
    int filters = list >= 0 ? H5Pget_nfilters(list) : 0;
    bool missing = false;
    for (int k = 0; k < filters && !missing; k++) {
        unsigned flags, settings;
        size_t none = 0;
        char name[64] = "";
        H5Z_filter_t filter = H5Pget_filter2(list, (unsigned)k, &flags, &none, NULL, sizeof name, name, &settings);
        missing = filter >= 0 && H5Zfilter_avail(filter) <= 0;
        if (missing)
            (void)nnsm_h5_fail(h5,
                               DATA_SET " is packed by filter %d (%s), which this HDF5 library does not have; write it "
                                        "anew with gzip or unpacked, as by h5repack -f GZIP=4 where the filter is",
                               (int)filter, name[0] ? name : "no name");
    }
    if (list >= 0)
        (void)H5Pclose(list);
    return missing;
}

static bool hold(nnsm_h5 *h5)
{
    double bytes, chunks;
    if (h5->held > 0)
        return true;
    hid_t set = H5Dopen2(h5->file, DATA_SET, H5P_DEFAULT);
    if (set >= 0)
        (void)chunk_of(set, &bytes, &chunks);
    if (set >= 0 && bytes > 1 << 20) { /* HDF5's own cache */
        hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
        (void)H5Pset_chunk_cache(access, (size_t)fmin(100 * chunks, 1 << 26) + 1,
                                 (size_t)fmin(bytes, NNSM_ENSEMBLE_CACHE), 1);
        (void)H5Dclose(set);
        set = H5Dopen2(h5->file, DATA_SET, access);
        (void)H5Pclose(access);
    }
    if (set >= 0 && unpackable(h5, set)) {
        (void)H5Dclose(set);
        return false;
    }
    if (set < 0)
        (void)nnsm_h5_fail(h5, DATA_SET " is missing or damaged");
    h5->held = set < 0 ? 0 : set;
    return set >= 0;
}

hid_t nnsm_ensemble_select(const nnsm_ensemble_header *header, hid_t space, size_t first, size_t count)
{
    hsize_t start[4] = {first}, extent[4] = {count};
    for (int a = 0; a < header->dimensions; a++)
        extent[a + 1] = (hsize_t)header->extent[a];
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) < 0)
        return H5I_INVALID_HID;
    return H5Screate_simple(header->dimensions + 1, extent, NULL);
}

static bool fetch(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, hid_t type, void *memory)
{
    hid_t space = H5Dget_space(h5->held), rows = nnsm_ensemble_select(header, space, first, count);
    bool done = rows >= 0 && H5Dread(h5->held, type, rows, space, H5P_DEFAULT, memory) >= 0;
    if (rows >= 0)
        (void)H5Sclose(rows);
    if (space >= 0)
        (void)H5Sclose(space);
    return done;
}

/* ---- values, piece by piece */

#define WIDEN(type, from, to, count)                                                                                   \
    for (size_t i = 0; i < (count); i++)                                                                               \
    (to)[i] = ((const type *)(from))[i]

/* Returns false for a number beyond int64_t, whose place is *at. */
static bool widen(const number *n, const void *raw, size_t count, int64_t *to, size_t *at)
{
    if (n->bytes == 1 && n->is_signed)
        WIDEN(int8_t, raw, to, count);
    else if (n->bytes == 1)
        WIDEN(uint8_t, raw, to, count);
    else if (n->bytes == 2 && n->is_signed)
        WIDEN(int16_t, raw, to, count);
    else if (n->bytes == 2)
        WIDEN(uint16_t, raw, to, count);
    else if (n->bytes == 4 && n->is_signed)
        WIDEN(int32_t, raw, to, count);
    else if (n->bytes == 4)
        WIDEN(uint32_t, raw, to, count);
    else
        memcpy(to, raw, count * sizeof *to);
    for (size_t i = 0; i < count && n->bytes == 8 && !n->is_signed; i++)
        if (to[i] < 0) {
            *at = i;
            return false;
        }
    return true;
}

/* Returns false for what is no number, or infinite. */
static bool reals(const number *n, const void *raw, size_t count, double *to, size_t *at)
{
    if (n->bytes == 4)
        WIDEN(float, raw, to, count);
    else
        memcpy(to, raw, count * sizeof *to);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(to[i])) {
            *at = i;
            return false;
        }
    return true;
}

static void impossible(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t row, size_t site, const number *n,
                       const void *values)
{
    if (n->real)
        (void)nnsm_h5_fail(h5,
                           "configuration %zu has the value %g at site %zu; mend that configuration or leave it out",
                           row, ((const double *)values)[site], site % header->sites);
    else
        (void)nnsm_h5_fail(h5, "configuration %zu has the value %" PRIu64 " at site %zu: beyond signed 64 bits", row,
                           (uint64_t)((const int64_t *)values)[site], site % header->sites);
}

/* buffers: [2] of `piece` values of 8 bytes; the numbers as they are, and widened. */
static void pass_pieces(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t end, size_t piece,
                        const number *n, void *const buffer[2], nnsm_value_user *use, void *context)
{
    for (; first < end && !h5->status; first += piece) {
        size_t count = end - first < piece ? end - first : piece, bad = 0;
        if (!fetch(h5, header, first, count, n->memory, buffer[0])) {
            (void)nnsm_h5_fail(h5, "cannot read configurations %zu to %zu: the file is damaged, or its disk fails",
                               first, first + count - 1);
            return;
        }
        bool good = n->real ? reals(n, buffer[0], count * header->sites, buffer[1], &bad)
                            : widen(n, buffer[0], count * header->sites, buffer[1], &bad);
        if (!good)
            impossible(h5, header, first + bad / header->sites, bad, n, buffer[1]);
        else
            use(h5, header, first, count, n->real ? NULL : buffer[1], n->real ? buffer[1] : NULL, context);
    }
}

void nnsm_ensemble_pass(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                        nnsm_value_user *use, void *context)
{
    double bytes, chunks;
    int64_t *buffer[2] = {NULL, NULL};
    number n = {.memory = H5I_INVALID_HID};
    if (h5->status || !count || !hold(h5) || !open_number(h5, h5->held, &n))
        return;
    (void)chunk_of(h5->held, &bytes, &chunks);
    size_t values = bytes > NNSM_ENSEMBLE_CACHE ? LARGE_PIECE_SITES : PIECE_SITES;
    size_t piece = header->sites < values ? values / header->sites : 1;
    piece = piece < count ? piece : count;
    if (NNSM_NEW(&buffer[0], piece * header->sites, "values of an ensemble", h5->error) ||
        NNSM_NEW(&buffer[1], piece * header->sites, "values of an ensemble", h5->error))
        h5->status = NNSM_FAILURE;
    else
        pass_pieces(h5, header, first, first + count, piece, &n, (void *[]){buffer[0], buffer[1]}, use, context);
    nnsm_release(buffer[0]);
    nnsm_release(buffer[1]);
    (void)H5Tclose(n.memory);
}

bool nnsm_ensemble_numbers(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    double bytes, chunks;
    number n = {.memory = H5I_INVALID_HID};
    if (h5->status || !hold(h5) || !open_number(h5, h5->held, &n))
        return false;
    header->real = n.real;
    header->chunk = chunk_of(h5->held, &bytes, &chunks);
    (void)H5Tclose(n.memory);
    return true;
}
