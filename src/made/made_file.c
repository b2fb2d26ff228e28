/* made_file.c: network files: architecture as attributes of the root, one dense data set a matrix, rows the units. */
#include "made/made_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "made/network.h"

static const char *const order_names[] = {"raster", "snake", "checkerboard", "random"};
static const char *const activation_names[] = {"relu", "tanh"};

static void write_matrix(nnsm_h5 *h5, const char *name, const nnsm_staircase *matrix, const float *w,
                         const char *description)
{
    float *dense = NULL;
    size_t sizes[] = {matrix->rows, matrix->columns};
    nnsm_error error;
    if (NNSM_NEW(&dense, matrix->rows * matrix->columns, "network file", &error)) {
        (void)nnsm_h5_fail(h5, "%s", error.message);
        return;
    }
    nnsm_staircase_expand(matrix, w, dense);
    nnsm_h5_write_floats(h5, name, 2, sizes, dense, "1", description);
    nnsm_release(dense);
}

static void check_finite(const nnsm_made *made, nnsm_h5 *h5, const char *advice)
{
    size_t bad = 0;
    for (size_t i = 0; i < made->count; i++)
        bad += isfinite(made->parameters[i]) ? 0 : 1;
    if (bad && !h5->status)
        (void)nnsm_h5_fail(h5, "%zu of %zu parameters of the network are not finite numbers; %s", bad, made->count,
                           advice);
}

void nnsm_made_write_lattice(nnsm_h5 *h5, const char *network, double temperature, int dimensions, const int *extent,
                             bool periodic, const nnsm_alphabet *alphabet, int version)
{
    int64_t extents[NNSM_MAX_DIMENSIONS], values[NNSM_MAX_VALUES];
    for (int i = 0; i < dimensions; i++)
        extents[i] = extent[i];
    for (int k = 0; k < alphabet->count; k++)
        values[k] = alphabet->value[k];
    nnsm_h5_set_text(h5, "/", "kind", NNSM_NETWORK_KIND);
    nnsm_h5_set_integer(h5, "/", "version", version);
    nnsm_h5_set_text(h5, "/", "network", network);
    nnsm_h5_set_double(h5, "/", "temperature", temperature);
    nnsm_h5_set_integers(h5, "/", "lattice", (size_t)dimensions, extents);
    nnsm_h5_set_text(h5, "/", "boundary", periodic ? "periodic" : "open");
    nnsm_h5_set_integers(h5, "/", "values", (size_t)alphabet->count, values);
    if (alphabet->labels)
        nnsm_h5_set_integer(h5, "/", "labels", 1);
}

void nnsm_made_write_order(nnsm_h5 *h5, nnsm_order order, uint64_t seed)
{
    nnsm_h5_set_text(h5, "/", "order", order_names[order]);
    nnsm_h5_set_integer(h5, "/", "order_seed", (int64_t)seed);
}

static void write_support(const nnsm_made *made, nnsm_h5 *h5)
{
    const nnsm_architecture *a = &made->architecture;
    int64_t size[NNSM_MAX_DIMENSIONS], stride[NNSM_MAX_DIMENSIONS];
    size_t sizes[] = {made->outputs, made->beliefs};
    for (int i = 0; i < a->dimensions; i++) {
        size[i] = a->windows.size[i];
        stride[i] = a->windows.stride[i];
    }
    nnsm_h5_set_integers(h5, "/", "masked_block", (size_t)a->dimensions, size);
    nnsm_h5_set_integers(h5, "/", "masked_stride", (size_t)a->dimensions, stride);
    nnsm_h5_set_integer(h5, "/", "masked_periodic", a->windows.periodic);
    nnsm_h5_write_floats(h5, "/belief/weight", 2, sizes, made->parameters + made->belief_weights, "1",
                         "[positions * values][beliefs] what is known of the sites below (lattice/support.h)");
}

void nnsm_made_write(const nnsm_made *made, nnsm_h5 *h5)
{
    const nnsm_architecture *a = &made->architecture;
    int64_t hidden[NNSM_MAX_LAYERS];
    char name[64];
    int version = a->windows.given         ? NNSM_NETWORK_MASKED
                  : a->alphabet.count == 2 ? NNSM_NETWORK_SPINS
                                           : NNSM_NETWORK_STATES;
    check_finite(made, h5, "lower train.learning_rate");
    nnsm_made_write_lattice(h5, "dense", a->temperature, a->dimensions, a->extent, a->periodic, &a->alphabet, version);
    if (a->windows.given)
        write_support(made, h5);
    nnsm_h5_set_integer(h5, "/", "layers", (int64_t)a->layers);
    for (size_t l = 0; l < a->layers; l++)
        hidden[l] = (int64_t)a->hidden[l];
    if (a->layers)
        nnsm_h5_set_integers(h5, "/", "hidden", a->layers, hidden);
    nnsm_h5_set_integer(h5, "/", "direct", a->direct);
    nnsm_h5_set_text(h5, "/", "activation", activation_names[a->activation]);
    nnsm_made_write_order(h5, a->order, a->order_seed);
    for (size_t l = 0; l < a->layers; l++) {
        (void)snprintf(name, sizeof name, "/hidden_%zu/weight", l + 1);
        write_matrix(h5, name, &made->hidden[l], made->parameters + made->hidden_weights[l],
                     "[units][inputs], units sorted by degree, zero where masked");
        (void)snprintf(name, sizeof name, "/hidden_%zu/bias", l + 1);
        nnsm_h5_write_floats(h5, name, 1, &a->hidden[l], made->parameters + made->hidden_bias[l], "1", "[units]");
    }
    if (a->layers)
        write_matrix(h5, "/output/weight", &made->output, made->parameters + made->output_weights,
                     made->width == 1 ? "[positions][units of the last hidden layer]"
                                      : "[positions * values][units of the last hidden layer]");
    nnsm_h5_write_floats(h5, "/output/bias", 1, &made->outputs, made->parameters + made->output_bias, "1",
                         made->width == 1 ? "[positions], logit of s = +1" : "[positions * values], logit of a value");
    if (a->direct)
        write_matrix(h5, "/direct/weight", &made->direct, made->parameters + made->direct_weights,
                     made->width == 1 ? "[positions][positions], strictly lower triangular"
                                      : "[positions * values][positions * values], lower triangular in the positions");
}

static int choice(nnsm_h5 *h5, const char *name, const char *const *names, int count)
{
    char value[64];
    nnsm_h5_get_text(h5, "/", name, value, sizeof value);
    for (int i = 0; i < count; i++)
        if (strcmp(value, names[i]) == 0)
            return i;
    (void)nnsm_h5_fail(h5, "attribute %s is '%s', which this version does not know", name, value);
    return 0;
}

/* Files of version 0.1 may not say. */
static void read_alphabet(nnsm_h5 *h5, nnsm_alphabet *alphabet)
{
    int64_t values[NNSM_MAX_VALUES] = {0};
    nnsm_error error;
    *alphabet = nnsm_alphabet_spins();
    if (!nnsm_h5_has_attribute(h5, "/", "values"))
        return;
    size_t count = nnsm_h5_get_integers(h5, "/", "values", NNSM_MAX_VALUES, values);
    bool labels = nnsm_h5_has_attribute(h5, "/", "labels") && nnsm_h5_get_integer(h5, "/", "labels") != 0;
    if (!h5->status && nnsm_alphabet_create(alphabet, count, values, labels, &error))
        (void)nnsm_h5_fail(h5, "attribute values: %s", error.message);
}

void nnsm_made_read_lattice(nnsm_h5 *h5, double *temperature, int *dimensions, int *extent, bool *periodic,
                            nnsm_alphabet *alphabet)
{
    int64_t extents[NNSM_MAX_DIMENSIONS] = {0};
    char boundary[16] = "";
    if (nnsm_h5_get_integer(h5, "/", "version") > NNSM_NETWORK_FRONTIER)
        (void)nnsm_h5_fail(h5, "written by a newer nnsm; this one reads version %d", NNSM_NETWORK_FRONTIER);
    *temperature = nnsm_h5_get_double(h5, "/", "temperature");
    *dimensions = (int)nnsm_h5_get_integers(h5, "/", "lattice", NNSM_MAX_DIMENSIONS, extents);
    for (int i = 0; i < *dimensions; i++)
        extent[i] = extents[i] > 0 && extents[i] <= 1 << 20 ? (int)extents[i] : 0;
    nnsm_h5_get_text(h5, "/", "boundary", boundary, sizeof boundary);
    *periodic = strcmp(boundary, "periodic") == 0;
    read_alphabet(h5, alphabet);
}

nnsm_order nnsm_made_read_order(nnsm_h5 *h5, uint64_t *seed)
{
    *seed = (uint64_t)nnsm_h5_get_integer(h5, "/", "order_seed");
    return (nnsm_order)choice(h5, "order", order_names, 4);
}

static void read_support(nnsm_h5 *h5, nnsm_architecture *a)
{
    int64_t size[NNSM_MAX_DIMENSIONS] = {0}, stride[NNSM_MAX_DIMENSIONS] = {0};
    if (nnsm_h5_get_integer(h5, "/", "version") < NNSM_NETWORK_MASKED)
        return;
    a->windows.given = true;
    a->windows.periodic = nnsm_h5_get_integer(h5, "/", "masked_periodic") != 0;
    size_t sizes = nnsm_h5_get_integers(h5, "/", "masked_block", NNSM_MAX_DIMENSIONS, size);
    size_t strides = nnsm_h5_get_integers(h5, "/", "masked_stride", NNSM_MAX_DIMENSIONS, stride);
    bool possible = sizes == (size_t)a->dimensions && strides == sizes;
    for (int i = 0; i < a->dimensions && possible; i++) {
        possible = size[i] >= 1 && size[i] <= 1 << 10 && stride[i] >= 1 && stride[i] <= 1 << 10 && a->extent[i] >= 1;
        a->windows.size[i] = (int)size[i];
        a->windows.stride[i] = (int)stride[i];
    }
    if (!h5->status && !possible)
        (void)nnsm_h5_fail(h5, "its windows masked_block, masked_stride cannot be");
}

static void read_architecture(nnsm_h5 *h5, nnsm_architecture *a)
{
    int64_t hidden[NNSM_MAX_LAYERS] = {0}, layers;
    *a = (nnsm_architecture){.extent = {1, 1, 1}};
    nnsm_made_read_lattice(h5, &a->temperature, &a->dimensions, a->extent, &a->periodic, &a->alphabet);
    layers = nnsm_h5_get_integer(h5, "/", "layers");
    if (layers < 0 || layers > NNSM_MAX_LAYERS)
        (void)nnsm_h5_fail(h5, "%lld hidden layers; at most %d", (long long)layers, NNSM_MAX_LAYERS);
    else
        a->layers = (size_t)layers;
    if (a->layers && nnsm_h5_get_integers(h5, "/", "hidden", NNSM_MAX_LAYERS, hidden) != a->layers)
        (void)nnsm_h5_fail(h5, "attribute hidden does not have %zu widths", a->layers);
    for (size_t l = 0; l < a->layers; l++)
        a->hidden[l] = hidden[l] > 0 ? (size_t)hidden[l] : 0;
    a->direct = nnsm_h5_get_integer(h5, "/", "direct") != 0;
    a->activation = (nnsm_activation)choice(h5, "activation", activation_names, 2);
    a->order = nnsm_made_read_order(h5, &a->order_seed);
    if (!h5->status)
        read_support(h5, a);
}

/* The sizes in the file are checked before memory is taken for the network. */
static void check_bias(nnsm_h5 *h5, const char *name, size_t rows)
{
    size_t sizes[NNSM_H5_RANK];
    int rank = nnsm_h5_sizes(h5, name, sizes);
    if (rank && (rank != 1 || sizes[0] != rows))
        (void)nnsm_h5_fail(h5, "data set %s is not [%zu] as the architecture says", name, rows);
}

static void check_matrix(nnsm_h5 *h5, const char *name, size_t rows, size_t columns)
{
    size_t sizes[NNSM_H5_RANK];
    int rank = nnsm_h5_sizes(h5, name, sizes);
    if (rank && (rank != 2 || sizes[0] != rows || sizes[1] != columns))
        (void)nnsm_h5_fail(h5, "data set %s is not [%zu][%zu] as the architecture says", name, rows, columns);
}

static void check_matrices(nnsm_h5 *h5, const nnsm_architecture *a)
{
    char name[64];
    size_t outputs = a->alphabet.count > 2 ? (size_t)a->alphabet.count : 1;
    for (int i = 0; i < a->dimensions; i++)
        outputs *= (size_t)a->extent[i];
    size_t below = outputs;
    for (size_t l = 0; l < a->layers; l++) {
        (void)snprintf(name, sizeof name, "/hidden_%zu/weight", l + 1);
        check_matrix(h5, name, a->hidden[l], below);
        (void)snprintf(name, sizeof name, "/hidden_%zu/bias", l + 1);
        check_bias(h5, name, a->hidden[l]);
        below = a->hidden[l];
    }
    if (a->layers)
        check_matrix(h5, "/output/weight", outputs, below);
    if (a->direct)
        check_matrix(h5, "/direct/weight", outputs, outputs);
    check_bias(h5, "/output/bias", outputs);
}

static void read_matrix(nnsm_h5 *h5, const char *name, const nnsm_staircase *matrix, float *w)
{
    float *dense = NULL;
    nnsm_error error;
    if (NNSM_NEW(&dense, matrix->rows * matrix->columns, "network file", &error)) {
        (void)nnsm_h5_fail(h5, "%s", error.message);
        return;
    }
    nnsm_h5_read_floats(h5, name, matrix->rows * matrix->columns, dense);
    nnsm_staircase_collect(matrix, dense, w);
    nnsm_release(dense);
}

nnsm_status nnsm_made_read(nnsm_made **out, nnsm_h5 *h5)
{
    nnsm_architecture a;
    nnsm_error error;
    char name[64];
    *out = NULL;
    read_architecture(h5, &a);
    check_matrices(h5, &a);
    if (h5->status)
        return h5->status;
    if (nnsm_made_create(out, &a, &error))
        return nnsm_h5_fail(h5, "%s", error.message);
    nnsm_made *made = *out;
    for (size_t l = 0; l < a.layers; l++) {
        (void)snprintf(name, sizeof name, "/hidden_%zu/weight", l + 1);
        read_matrix(h5, name, &made->hidden[l], made->parameters + made->hidden_weights[l]);
        (void)snprintf(name, sizeof name, "/hidden_%zu/bias", l + 1);
        nnsm_h5_read_floats(h5, name, a.hidden[l], made->parameters + made->hidden_bias[l]);
    }
    if (a.layers)
        read_matrix(h5, "/output/weight", &made->output, made->parameters + made->output_weights);
    nnsm_h5_read_floats(h5, "/output/bias", made->outputs, made->parameters + made->output_bias);
    if (a.direct)
        read_matrix(h5, "/direct/weight", &made->direct, made->parameters + made->direct_weights);
    if (made->support) {
        check_matrix(h5, "/belief/weight", made->outputs, made->beliefs);
        nnsm_h5_read_floats(h5, "/belief/weight", made->outputs * made->beliefs,
                            made->parameters + made->belief_weights);
    }
    check_finite(made, h5, "train it again");
    if (h5->status) {
        nnsm_made_destroy(made);
        *out = NULL;
    }
    return h5->status;
}
