#include "io/ensemble_file.h"

#include "base/memory.h"

#define DATA_SET NNSM_ENSEMBLE_SET

static void set_alphabet(nnsm_h5 *h5, const nnsm_alphabet *alphabet)
{
    int64_t values[NNSM_MAX_VALUES];
    for (int k = 0; k < alphabet->count; k++)
        values[k] = alphabet->value[k];
    nnsm_h5_set_integers(h5, DATA_SET, "values", (size_t)alphabet->count, values);
    if (alphabet->labels)
        nnsm_h5_set_integer(h5, DATA_SET, "labels", 1);
}

/* int8 where the values fit: HDF5 would clip others without a word. */
static hid_t stored_type(const nnsm_alphabet *alphabet)
{
    bool small = alphabet->value[0] >= INT8_MIN && alphabet->value[alphabet->count - 1] <= INT8_MAX;
    return small ? H5T_STD_I8LE : H5T_STD_I32LE;
}

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
    hid_t set = H5Dcreate2(h5->file, DATA_SET, stored_type(&header->alphabet), space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (set < 0)
        (void)nnsm_h5_fail(h5, "cannot make " DATA_SET "; the disk may be full");
    else if (H5Dclose(set) < 0)
        (void)nnsm_h5_fail(h5, "cannot make " DATA_SET "; the disk may be full");
    (void)H5Pclose(list);
    (void)H5Sclose(space);
    nnsm_h5_set_text(h5, "/", "kind", NNSM_ENSEMBLE_KIND);
    nnsm_h5_set_double(h5, DATA_SET, "temperature", header->temperature);
    set_alphabet(h5, &header->alphabet);
    nnsm_h5_set_integer(h5, DATA_SET, "chains", header->chains);
    nnsm_h5_set_text(h5, DATA_SET, "units", "1");
    nnsm_h5_set_text(h5, DATA_SET, "description",
                     "[configuration][site coordinates]; configuration k * chains + c is number k of chain c");
}

/* One selection of rows from memory of a type; the file may hold another. */
static bool store(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, hid_t type,
                  const void *memory)
{
    hid_t set = H5Dopen2(h5->file, DATA_SET, H5P_DEFAULT), space = H5Dget_space(set);
    hid_t rows = nnsm_ensemble_select(header, space, first, count);
    bool done = set >= 0 && rows >= 0 && H5Dwrite(set, type, rows, space, H5P_DEFAULT, memory) >= 0;
    if (rows >= 0)
        (void)H5Sclose(rows);
    if (space >= 0)
        (void)H5Sclose(space);
    return set >= 0 && H5Dclose(set) >= 0 && done;
}

/* Are values and states the same bytes? */
static bool is_plain(const nnsm_alphabet *alphabet)
{
    for (int k = 0; k < alphabet->count; k++)
        if (alphabet->value[k] != (alphabet->count == 2 ? 2 * k - 1 : k))
            return false;
    return true;
}

void nnsm_ensemble_write_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                              const int8_t *rows)
{
    if (h5->status || first >= header->configurations)
        return;
    if (count > header->configurations - first)
        count = header->configurations - first;
    int32_t *values = NULL;
    bool plain = is_plain(&header->alphabet), done;
    if (!plain && NNSM_NEW(&values, count * header->sites, "rows of an ensemble", h5->error)) {
        h5->status = NNSM_FAILURE;
        return;
    }
    for (size_t i = 0; i < count * header->sites && !plain; i++)
        values[i] = nnsm_alphabet_value(&header->alphabet, rows[i]);
    if (plain)
        done = store(h5, header, first, count, H5T_NATIVE_INT8, rows);
    else
        done = store(h5, header, first, count, H5T_NATIVE_INT32, values);
    if (!done)
        (void)nnsm_h5_fail(h5, "cannot write the configurations; the disk may be full");
    nnsm_release(values);
}
