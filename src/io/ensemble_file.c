#include "io/ensemble_file.h"

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

/* HDF5 would clip values that do not fit without a word. */
size_t nnsm_ensemble_width(const nnsm_alphabet *alphabet)
{
    bool small = alphabet->value[0] >= INT8_MIN && alphabet->value[alphabet->count - 1] <= INT8_MAX;
    return small ? sizeof(int8_t) : sizeof(int32_t);
}

size_t nnsm_ensemble_bytes(const nnsm_ensemble_header *header)
{
    return header->configurations * header->sites * nnsm_ensemble_width(&header->alphabet);
}

void nnsm_ensemble_define(nnsm_h5 *h5, const nnsm_ensemble_header *header)
{
    if (h5->status)
        return;
    hsize_t size[4] = {header->configurations};
    for (int a = 0; a < header->dimensions; a++)
        size[a + 1] = (hsize_t)header->extent[a];
    hid_t space = H5Screate_simple(header->dimensions + 1, size, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    bool placed =
        H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0 && H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0;
    hid_t type = nnsm_ensemble_width(&header->alphabet) == 1 ? H5T_STD_I8LE : H5T_STD_I32LE;
    hid_t set = H5Dcreate2(h5->file, DATA_SET, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (set < 0 || H5Dclose(set) < 0 || !placed)
        (void)nnsm_h5_fail(h5, "cannot make " DATA_SET ": no memory?");
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
