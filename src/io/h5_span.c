/* h5_span.c: one-dimensional data sets written and read piece by piece, for states that are spread over ranks. */
#include "io/h5.h"

static hid_t stored_type(nnsm_h5_type type)
{
    const hid_t types[] = {H5T_STD_I8LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I64LE};
    return types[type];
}

static hid_t memory_type(nnsm_h5_type type)
{
    const hid_t types[] = {H5T_NATIVE_INT8, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64};
    return types[type];
}

size_t nnsm_h5_type_size(nnsm_h5_type type)
{
    static const size_t sizes[] = {1, 4, 8, 8};
    return sizes[type];
}

void nnsm_h5_span_define(nnsm_h5 *h5, const char *name, nnsm_h5_type type, size_t count)
{
    hsize_t size = count;
    if (h5->status || h5->file < 0)
        return;
    hid_t links = H5Pcreate(H5P_LINK_CREATE), space = H5Screate_simple(1, &size, NULL);
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    (void)H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY); /* pieces may never be written */
    (void)H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    hid_t set = H5Dcreate2(h5->file, name, stored_type(type), space, links, list, H5P_DEFAULT);
    if (set < 0)
        (void)nnsm_h5_fail(h5, "cannot write %s: no memory?", name);
    else
        (void)H5Dclose(set);
    if (space >= 0)
        (void)H5Sclose(space);
    (void)H5Pclose(list);
    (void)H5Pclose(links);
}

static void transfer(nnsm_h5 *h5, const char *name, nnsm_h5_type type, size_t first, size_t count, void *values)
{
    hsize_t start = first, size = count;
    if (h5->status || h5->file < 0 || !count)
        return;
    hid_t set = H5Dopen2(h5->file, name, H5P_DEFAULT), space = set >= 0 ? H5Dget_space(set) : H5I_INVALID_HID;
    hid_t memory = H5Screate_simple(1, &size, NULL);
    herr_t code = space < 0 ? -1 : H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &size, NULL);
    if (code >= 0)
        code = h5->writing ? H5Dwrite(set, memory_type(type), memory, space, H5P_DEFAULT, values)
                           : H5Dread(set, memory_type(type), memory, space, H5P_DEFAULT, values);
    if (code < 0)
        (void)nnsm_h5_fail(h5, h5->writing ? "cannot write %s: no memory?" : "cannot read %s", name);
    if (memory >= 0)
        (void)H5Sclose(memory);
    if (space >= 0)
        (void)H5Sclose(space);
    if (set >= 0)
        (void)H5Dclose(set);
}

void nnsm_h5_span_write(nnsm_h5 *h5, const char *name, nnsm_h5_type type, size_t first, size_t count,
                        const void *values)
{
    transfer(h5, name, type, first, count, (void *)values);
}

void nnsm_h5_span_read(nnsm_h5 *h5, const char *name, nnsm_h5_type type, size_t first, size_t count, void *values)
{
    transfer(h5, name, type, first, count, values);
}
