/* h5_data.c: data sets and attributes of an open file. */
#include <stdio.h>
#include <string.h>

#include "io/h5.h"

static bool ready(const nnsm_h5 *h5)
{
    return h5->status == NNSM_OK && h5->file >= 0;
}

/* ---- writing */

static void set_attribute(nnsm_h5 *h5, hid_t object, const char *name, hid_t type, size_t count, const void *value)
{
    hsize_t size = count;
    hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, type, value) < 0)
        (void)nnsm_h5_fail(h5, "cannot write attribute %s", name);
    if (attribute >= 0)
        (void)H5Aclose(attribute);
    if (space >= 0)
        (void)H5Sclose(space);
}

static void set_text(nnsm_h5 *h5, hid_t object, const char *name, const char *value)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0 || H5Tset_size(type, strlen(value) + 1) < 0)
        (void)nnsm_h5_fail(h5, "cannot write attribute %s", name);
    else
        set_attribute(h5, object, name, type, 1, value);
    if (type >= 0)
        (void)H5Tclose(type);
}

/* What a data set still holds in memory goes to the disk when it is closed. */
static void close_written(nnsm_h5 *h5, hid_t set, const char *name)
{
    if (H5Dclose(set) < 0)
        (void)nnsm_h5_fail(h5, "cannot write %s: no memory?", name);
}

static void write_values(nnsm_h5 *h5, const char *name, int rank, const size_t *sizes, hid_t memory, hid_t stored,
                         const void *values, const char *units, const char *description)
{
    if (!ready(h5))
        return;
    hsize_t dimensions[NNSM_H5_RANK];
    for (int i = 0; i < rank; i++)
        dimensions[i] = sizes[i];
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    hid_t space = H5Screate_simple(rank, dimensions, NULL);
    hid_t set = H5Dcreate2(h5->file, name, stored, space, links, H5P_DEFAULT, H5P_DEFAULT);
    if (set < 0 || H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        (void)nnsm_h5_fail(h5, "cannot write %s: no memory?", name);
    if (set >= 0) {
        set_text(h5, set, "units", units);
        set_text(h5, set, "description", description);
        close_written(h5, set, name);
    }
    if (space >= 0)
        (void)H5Sclose(space);
    (void)H5Pclose(links);
}

void nnsm_h5_write_doubles(nnsm_h5 *h5, const char *name, int rank, const size_t *sizes, const double *values,
                           const char *units, const char *description)
{
    write_values(h5, name, rank, sizes, H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, values, units, description);
}

void nnsm_h5_write_floats(nnsm_h5 *h5, const char *name, int rank, const size_t *sizes, const float *values,
                          const char *units, const char *description)
{
    write_values(h5, name, rank, sizes, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE, values, units, description);
}

/* The type of texts of a width, to be closed; a failure is recorded. */
static hid_t text_type(nnsm_h5 *h5, size_t width)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && H5Tset_size(type, width) >= 0)
        return type;
    if (type >= 0)
        (void)H5Tclose(type);
    (void)nnsm_h5_fail(h5, "no memory for a type of texts");
    return H5I_INVALID_HID;
}

void nnsm_h5_write_texts(nnsm_h5 *h5, const char *name, size_t count, size_t width, const char *texts,
                         const char *description)
{
    hid_t type = ready(h5) ? text_type(h5, width) : H5I_INVALID_HID;
    if (type < 0)
        return;
    write_values(h5, name, 1, &count, type, type, texts, "", description);
    (void)H5Tclose(type);
}

/* Open an object, making it a group (with its parents) where it does not exist and we write. */
static hid_t open_object(nnsm_h5 *h5, const char *object)
{
    if (h5->writing && !nnsm_h5_has(h5, object)) {
        hid_t links = H5Pcreate(H5P_LINK_CREATE);
        (void)H5Pset_create_intermediate_group(links, 1);
        hid_t group = H5Gcreate2(h5->file, object, links, H5P_DEFAULT, H5P_DEFAULT);
        (void)H5Pclose(links);
        if (group < 0)
            (void)nnsm_h5_fail(h5, "cannot write group %s: no memory?", object);
        return group;
    }
    hid_t opened = H5Oopen(h5->file, object, H5P_DEFAULT);
    if (opened < 0)
        (void)nnsm_h5_fail(h5, "%s is missing or damaged", object);
    return opened;
}

void nnsm_h5_set_text(nnsm_h5 *h5, const char *object, const char *name, const char *value)
{
    hid_t opened = ready(h5) ? open_object(h5, object) : H5I_INVALID_HID;
    if (opened < 0)
        return;
    set_text(h5, opened, name, value);
    (void)H5Oclose(opened);
}

void nnsm_h5_set_doubles(nnsm_h5 *h5, const char *object, const char *name, size_t count, const double *values)
{
    hid_t opened = ready(h5) ? open_object(h5, object) : H5I_INVALID_HID;
    if (opened < 0)
        return;
    set_attribute(h5, opened, name, H5T_NATIVE_DOUBLE, count, values);
    (void)H5Oclose(opened);
}

void nnsm_h5_set_double(nnsm_h5 *h5, const char *object, const char *name, double value)
{
    nnsm_h5_set_doubles(h5, object, name, 1, &value);
}

void nnsm_h5_set_integers(nnsm_h5 *h5, const char *object, const char *name, size_t count, const int64_t *values)
{
    hid_t opened = ready(h5) ? open_object(h5, object) : H5I_INVALID_HID;
    if (opened < 0)
        return;
    set_attribute(h5, opened, name, H5T_NATIVE_INT64, count, values);
    (void)H5Oclose(opened);
}

void nnsm_h5_set_integer(nnsm_h5 *h5, const char *object, const char *name, int64_t value)
{
    nnsm_h5_set_integers(h5, object, name, 1, &value);
}

/* ---- reading */

bool nnsm_h5_has(nnsm_h5 *h5, const char *object)
{
    if (!ready(h5))
        return false;
    if (strcmp(object, "/") == 0)
        return true;
    /* H5Lexists wants every parent to exist. */
    char prefix[NNSM_H5_PATH];
    for (size_t i = 1; object[i - 1]; i++)
        if (object[i] == '/' || object[i] == '\0') {
            (void)snprintf(prefix, sizeof prefix, "%.*s", (int)i, object);
            htri_t there = H5Lexists(h5->file, prefix, H5P_DEFAULT);
            if (there < 0)
                (void)nnsm_h5_fail(h5, "%s cannot be looked up: the file is damaged", prefix);
            if (there <= 0)
                return false;
        }
    return true;
}

bool nnsm_h5_has_attribute(nnsm_h5 *h5, const char *object, const char *name)
{
    htri_t there = nnsm_h5_has(h5, object) ? H5Aexists_by_name(h5->file, object, name, H5P_DEFAULT) : 0;
    if (there < 0)
        (void)nnsm_h5_fail(h5, "attribute %s of %s cannot be looked up: the file is damaged", name, object);
    return there > 0;
}

/* No filter of HDF5 shrinks data by more than deflate's factor of about 1030. */
static bool storage_holds(hid_t set, int rank, const hsize_t *dimensions)
{
    hid_t type = H5Dget_type(set);
    double bytes = type >= 0 ? (double)H5Tget_size(type) : 0;
    for (int i = 0; i < rank; i++)
        bytes *= (double)dimensions[i];
    if (type >= 0)
        (void)H5Tclose(type);
    return bytes <= 1100 * (double)H5Dget_storage_size(set);
}

int nnsm_h5_sizes(nnsm_h5 *h5, const char *name, size_t *sizes)
{
    if (!ready(h5))
        return 0;
    hsize_t dimensions[NNSM_H5_RANK] = {0};
    hid_t set = nnsm_h5_has(h5, name) ? H5Dopen2(h5->file, name, H5P_DEFAULT) : H5I_INVALID_HID;
    hid_t space = set >= 0 ? H5Dget_space(set) : H5I_INVALID_HID;
    int rank = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
    if (rank < 1 || rank > NNSM_H5_RANK || H5Sget_simple_extent_dims(space, dimensions, NULL) != rank)
        (void)nnsm_h5_fail(h5, "data set %s is missing, damaged or of more than %d dimensions", name, NNSM_H5_RANK);
    if (!h5->status && !storage_holds(set, rank, dimensions))
        (void)nnsm_h5_fail(h5, "data set %s claims more values than the file holds", name);
    for (int i = 0; i < NNSM_H5_RANK; i++)
        sizes[i] = (size_t)dimensions[i];
    if (space >= 0)
        (void)H5Sclose(space);
    if (set >= 0)
        (void)H5Dclose(set);
    return h5->status ? 0 : rank;
}

static void read_values(nnsm_h5 *h5, const char *name, size_t count, hid_t memory, void *values)
{
    size_t sizes[NNSM_H5_RANK], found = 1;
    int rank = nnsm_h5_sizes(h5, name, sizes);
    if (!rank)
        return;
    for (int i = 0; i < rank; i++)
        found *= sizes[i];
    if (found != count) {
        (void)nnsm_h5_fail(h5, "data set %s has %zu elements where %zu are expected", name, found, count);
        return;
    }
    hid_t set = H5Dopen2(h5->file, name, H5P_DEFAULT);
    if (set < 0 || H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        (void)nnsm_h5_fail(h5, "data set %s cannot be read: damaged, or of a strange type", name);
    if (set >= 0)
        (void)H5Dclose(set);
}

void nnsm_h5_read_doubles(nnsm_h5 *h5, const char *name, size_t count, double *values)
{
    read_values(h5, name, count, H5T_NATIVE_DOUBLE, values);
}

void nnsm_h5_read_floats(nnsm_h5 *h5, const char *name, size_t count, float *values)
{
    read_values(h5, name, count, H5T_NATIVE_FLOAT, values);
}

void nnsm_h5_read_texts(nnsm_h5 *h5, const char *name, size_t count, size_t width, char *texts)
{
    hid_t type = ready(h5) ? text_type(h5, width) : H5I_INVALID_HID;
    if (type < 0)
        return;
    read_values(h5, name, count, type, texts);
    for (size_t i = 0; i < count && ready(h5); i++)
        texts[(i + 1) * width - 1] = '\0';
    (void)H5Tclose(type);
}

static hid_t open_attribute(nnsm_h5 *h5, const char *object, const char *name)
{
    if (!ready(h5))
        return H5I_INVALID_HID;
    hid_t attribute = nnsm_h5_has_attribute(h5, object, name)
                          ? H5Aopen_by_name(h5->file, object, name, H5P_DEFAULT, H5P_DEFAULT)
                          : H5I_INVALID_HID;
    if (attribute < 0)
        (void)nnsm_h5_fail(h5, "attribute %s of %s is missing", name, object);
    return attribute;
}

void nnsm_h5_get_text(nnsm_h5 *h5, const char *object, const char *name, char *value, size_t size)
{
    value[0] = '\0';
    hid_t attribute = open_attribute(h5, object, name);
    if (attribute < 0)
        return;
    hid_t type = H5Aget_type(attribute), memory = H5Tcopy(H5T_C_S1), space = H5Aget_space(attribute);
    char *variable = NULL;
    bool read = false, one = H5Sget_simple_extent_npoints(space) == 1;             /* of an array all would be read */
    if (one && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) { /* as h5py writes text */
        read = H5Tset_size(memory, H5T_VARIABLE) >= 0 && H5Tset_cset(memory, H5Tget_cset(type)) >= 0 &&
               H5Aread(attribute, memory, &variable) >= 0 && variable;
        if (read)
            (void)snprintf(value, size, "%s", variable);
        (void)H5free_memory(variable);
    } else if (one && H5Tget_class(type) == H5T_STRING && H5Tget_size(type) < size) {
        read = H5Tset_size(memory, size) >= 0 && H5Tset_cset(memory, H5Tget_cset(type)) >= 0 &&
               H5Aread(attribute, memory, value) >= 0;
        value[size - 1] = '\0';
    }
    if (!read)
        (void)nnsm_h5_fail(h5, "attribute %s of %s is not readable text", name, object);
    (void)H5Sclose(space);
    (void)H5Tclose(memory);
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
}

static size_t get_numbers(nnsm_h5 *h5, const char *object, const char *name, hid_t memory, size_t limit, void *values)
{
    hid_t attribute = open_attribute(h5, object, name);
    if (attribute < 0)
        return 0;
    hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    H5T_class_t class = H5Tget_class(type);
    bool number = class == H5T_INTEGER || class == H5T_FLOAT;
    if (!number || count < 1 || (size_t)count > limit || H5Aread(attribute, memory, values) < 0)
        (void)nnsm_h5_fail(h5, "attribute %s of %s is not a number, or more of them than %zu", name, object, limit);
    (void)H5Tclose(type);
    (void)H5Sclose(space);
    (void)H5Aclose(attribute);
    return h5->status ? 0 : (size_t)count;
}

size_t nnsm_h5_get_doubles(nnsm_h5 *h5, const char *object, const char *name, size_t limit, double *values)
{
    return get_numbers(h5, object, name, H5T_NATIVE_DOUBLE, limit, values);
}

double nnsm_h5_get_double(nnsm_h5 *h5, const char *object, const char *name)
{
    double value = 0;
    (void)get_numbers(h5, object, name, H5T_NATIVE_DOUBLE, 1, &value);
    return value;
}

size_t nnsm_h5_get_integers(nnsm_h5 *h5, const char *object, const char *name, size_t limit, int64_t *values)
{
    return get_numbers(h5, object, name, H5T_NATIVE_INT64, limit, values);
}

int64_t nnsm_h5_get_integer(nnsm_h5 *h5, const char *object, const char *name)
{
    int64_t value = 0;
    (void)get_numbers(h5, object, name, H5T_NATIVE_INT64, 1, &value);
    return value;
}
