#include "io/ensemble_file.h"

#include <math.h>

#define DATA_SET "/configurations"
enum { BLOCK_BYTES = 16 << 20 };

void nnsm_ensemble_define(nnsm_h5 *h5, const nnsm_ensemble_header *header)
{
    if (h5->status)
        return;
    hsize_t size[4] = {header->configurations};
    for (int a = 0; a < header->dimensions; a++)
        size[a + 1] = (hsize_t)header->extent[a];
    hid_t space = H5Screate_simple(header->dimensions + 1, size, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    (void)H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    (void)H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    hid_t set = H5Dcreate2(h5->file, DATA_SET, H5T_STD_I8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (set < 0)
        (void)nnsm_h5_fail(h5, "cannot make " DATA_SET "; the disk may be full");
    else if (H5Dclose(set) < 0)
        (void)nnsm_h5_fail(h5, "cannot make " DATA_SET "; the disk may be full");
    (void)H5Pclose(list);
    (void)H5Sclose(space);
    nnsm_h5_set_text(h5, "/", "kind", NNSM_ENSEMBLE_KIND);
    nnsm_h5_set_double(h5, DATA_SET, "temperature", header->temperature);
    nnsm_h5_set_integers(h5, DATA_SET, "values", 2, (const int64_t[]){-1, 1});
    nnsm_h5_set_integer(h5, DATA_SET, "chains", header->chains);
    nnsm_h5_set_text(h5, DATA_SET, "units", "1");
    nnsm_h5_set_text(h5, DATA_SET, "description",
                     "[configuration][site coordinates]; configuration k * chains + c is number k of chain c");
}

/* Select rows in the file, and as many in memory: of the same rank, or HDF5 copies site by site. */
static hid_t select_rows(const nnsm_ensemble_header *header, hid_t space, size_t first, size_t count)
{
    hsize_t start[4] = {first}, extent[4] = {count};
    for (int a = 0; a < header->dimensions; a++)
        extent[a + 1] = (hsize_t)header->extent[a];
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) < 0)
        return H5I_INVALID_HID;
    return H5Screate_simple(header->dimensions + 1, extent, NULL);
}

void nnsm_ensemble_write_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                              const int8_t *rows)
{
    if (h5->status || first >= header->configurations)
        return;
    if (count > header->configurations - first)
        count = header->configurations - first;
    hid_t set = H5Dopen2(h5->file, DATA_SET, H5P_DEFAULT), space = H5Dget_space(set);
    hid_t memory = select_rows(header, space, first, count);
    if (set < 0 || memory < 0 || H5Dwrite(set, H5T_NATIVE_INT8, memory, space, H5P_DEFAULT, rows) < 0)
        (void)nnsm_h5_fail(h5, "cannot write the configurations; the disk may be full");
    if (memory >= 0)
        (void)H5Sclose(memory);
    if (space >= 0)
        (void)H5Sclose(space);
    if (set >= 0 && H5Dclose(set) < 0)
        (void)nnsm_h5_fail(h5, "cannot write the configurations; the disk may be full");
}

void nnsm_ensemble_read_header(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    size_t sizes[NNSM_H5_RANK];
    *header = (nnsm_ensemble_header){.sites = 1, .extent = {1, 1, 1}, .chains = 1};
    int rank = nnsm_h5_sizes(h5, DATA_SET, sizes);
    if (!rank)
        return;
    if (rank < 2 || rank > 4 || sizes[0] < 2) {
        (void)nnsm_h5_fail(h5, DATA_SET " needs 2 to 4 dimensions (configuration, then 1 to 3 of the lattice) and at "
                                        "least 2 configurations");
        return;
    }
    header->configurations = sizes[0];
    header->dimensions = rank - 1;
    for (int a = 0; a < rank - 1; a++) {
        if (sizes[a + 1] < 1 || sizes[a + 1] > 1u << 24 || header->sites * sizes[a + 1] > 1u << 24) {
            (void)nnsm_h5_fail(h5, "lattice extent %zu of " DATA_SET " is out of range", sizes[a + 1]);
            return;
        }
        header->extent[a] = (int)sizes[a + 1];
        header->sites *= sizes[a + 1];
    }
    const char *where = nnsm_h5_has_attribute(h5, DATA_SET, "temperature") ? DATA_SET : "/";
    header->temperature = nnsm_h5_get_double(h5, where, "temperature");
    if (!h5->status && !(header->temperature > 0 && isfinite(header->temperature)))
        (void)nnsm_h5_fail(h5, "attribute temperature is %g; it must be positive", header->temperature);
    if (nnsm_h5_has_attribute(h5, DATA_SET, "chains"))
        header->chains = nnsm_h5_get_integer(h5, DATA_SET, "chains");
}

size_t nnsm_ensemble_block(const nnsm_ensemble_header *header)
{
    size_t most = header->sites < BLOCK_BYTES ? BLOCK_BYTES / header->sites : 1;
    return header->configurations < most ? header->configurations : most;
}

void nnsm_ensemble_read_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, int8_t *rows)
{
    if (h5->status)
        return;
    hid_t set = H5Dopen2(h5->file, DATA_SET, H5P_DEFAULT), space = H5Dget_space(set);
    hid_t memory = select_rows(header, space, first, count);
    if (set < 0 || memory < 0 || H5Dread(set, H5T_NATIVE_INT8, memory, space, H5P_DEFAULT, rows) < 0)
        (void)nnsm_h5_fail(h5, "cannot read configurations %zu to %zu: the file is damaged", first, first + count - 1);
    for (size_t i = 0; i < count * header->sites && !h5->status; i++)
        if (rows[i] != 1 && rows[i] != -1)
            (void)nnsm_h5_fail(h5, "configuration %zu has the value %d; spins must be -1 or +1",
                               first + i / header->sites, rows[i]);
    if (memory >= 0)
        (void)H5Sclose(memory);
    if (space >= 0)
        (void)H5Sclose(space);
    if (set >= 0)
        (void)H5Dclose(set);
}
