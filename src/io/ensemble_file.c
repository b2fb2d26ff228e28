#include "io/ensemble_file.h"

#include <inttypes.h>
#include <math.h>

#include "base/memory.h"

#define DATA_SET "/configurations"
enum { BLOCK_BYTES = 16 << 20, PIECE_SITES = 1 << 18 };

static void set_alphabet(nnsm_h5 *h5, const nnsm_alphabet *alphabet)
{
    int64_t values[NNSM_MAX_VALUES];
    for (int k = 0; k < alphabet->count; k++)
        values[k] = alphabet->value[k];
    nnsm_h5_set_integers(h5, DATA_SET, "values", (size_t)alphabet->count, values);
    if (alphabet->labels)
        nnsm_h5_set_integer(h5, DATA_SET, "labels", 1);
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
    hid_t set = H5Dcreate2(h5->file, DATA_SET, H5T_STD_I8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
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

/* One selection of rows, to or from memory of a type; the file may hold another. */
static bool transfer(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, hid_t type,
                     bool writing, void *memory)
{
    hid_t set = H5Dopen2(h5->file, DATA_SET, H5P_DEFAULT), space = H5Dget_space(set);
    hid_t rows = select_rows(header, space, first, count);
    bool done = set >= 0 && rows >= 0 &&
                (writing ? H5Dwrite(set, type, rows, space, H5P_DEFAULT, memory)
                         : H5Dread(set, type, rows, space, H5P_DEFAULT, memory)) >= 0;
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
        done = transfer(h5, header, first, count, H5T_NATIVE_INT8, true, (void *)(uintptr_t)rows);
    else
        done = transfer(h5, header, first, count, H5T_NATIVE_INT32, true, values);
    if (!done)
        (void)nnsm_h5_fail(h5, "cannot write the configurations; the disk may be full");
    nnsm_release(values);
}

size_t nnsm_ensemble_block(const nnsm_ensemble_header *header)
{
    size_t most = header->sites < BLOCK_BYTES ? BLOCK_BYTES / header->sites : 1;
    return header->configurations < most ? header->configurations : most;
}

/* Values of rows first ... end - 1, piece by piece to `use`. */
typedef void value_user(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                        const int64_t *values, void *context);

static void pass_values(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t end, value_user *use,
                        void *context)
{
    size_t piece = header->sites < PIECE_SITES ? PIECE_SITES / header->sites : 1;
    int64_t *values = NULL;
    if (!h5->status && NNSM_NEW(&values, piece * header->sites, "values of an ensemble", h5->error))
        h5->status = NNSM_FAILURE;
    for (; first < end && !h5->status; first += piece) {
        size_t count = end - first < piece ? end - first : piece;
        if (transfer(h5, header, first, count, H5T_NATIVE_INT64, false, values))
            use(h5, header, first, count, values, context);
        else
            (void)nnsm_h5_fail(h5, "cannot read configurations %zu to %zu: the file is damaged", first,
                               first + count - 1);
    }
    nnsm_release(values);
}

typedef struct {
    size_t count;
    int64_t value[NNSM_MAX_VALUES];
} occurring;

/* A value_user: the values that occur; more than an alphabet can have is an error. */
static void find_values(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                        const int64_t *values, void *context)
{
    occurring *found = context;
    (void)first;
    for (size_t i = 0; i < count * header->sites && !h5->status; i++) {
        size_t k = 0;
        while (k < found->count && found->value[k] != values[i])
            k++;
        if (k == NNSM_MAX_VALUES)
            (void)nnsm_h5_fail(h5, DATA_SET " has more than %d different values; quantise them first", NNSM_MAX_VALUES);
        else if (k == found->count)
            found->value[found->count++] = values[i];
    }
}

static void read_alphabet(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    occurring found = {0};
    nnsm_error error;
    bool labels = nnsm_h5_has_attribute(h5, DATA_SET, "labels") && nnsm_h5_get_integer(h5, DATA_SET, "labels") != 0;
    if (h5->status)
        return;
    if (nnsm_h5_has_attribute(h5, DATA_SET, "values"))
        found.count = nnsm_h5_get_integers(h5, DATA_SET, "values", NNSM_MAX_VALUES, found.value);
    else
        pass_values(h5, header, 0, header->configurations, find_values, &found);
    if (!h5->status && nnsm_alphabet_create(&header->alphabet, found.count, found.value, labels, &error))
        (void)nnsm_h5_fail(h5, "%s", error.message);
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
    read_alphabet(h5, header);
}

static void bad_value(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t row, int64_t value)
{
    char text[16 * NNSM_MAX_VALUES];
    nnsm_alphabet_text(&header->alphabet, text, sizeof text);
    (void)nnsm_h5_fail(h5, "configuration %zu has the value %" PRId64 "; the values of a site are %s", row, value,
                       text);
}

/* A value_user: values to states behind *context, which moves on. */
static void to_states(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                      const int64_t *values, void *context)
{
    int8_t **rows = context;
    for (size_t i = 0; i < count * header->sites && !h5->status; i++)
        if (!nnsm_alphabet_state(&header->alphabet, values[i], (*rows)++))
            bad_value(h5, header, first + i / header->sites, values[i]);
}

void nnsm_ensemble_read_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, int8_t *rows)
{
    pass_values(h5, header, first, first + count, to_states, &rows);
}
