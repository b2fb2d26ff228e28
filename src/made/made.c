/* made.c: a network's structure: degrees, masks, the parameter vector. */
#include "nnsm/made.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "made/network.h"

/* Degrees 1 ... N - 1 spread evenly and sorted; a lattice of one site has no use for hidden units (degree 0). */
static size_t degree_of(size_t unit, size_t width, size_t sites)
{
    return sites > 1 ? 1 + unit * (sites - 1) / width : 0;
}

/* Number of units of a sorted layer (NULL: the inputs, input p having degree p + 1) with degree at most d. */
static size_t units_up_to(const size_t *degree, size_t width, size_t d)
{
    if (!degree)
        return d < width ? d : width;
    size_t low = 0, high = width; /* bisection: called for every proposed flip */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (degree[middle] <= d)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t nnsm_made_first_unit(const nnsm_made *made, size_t layer, size_t position)
{
    return units_up_to(made->degree[layer], made->architecture.hidden[layer], position);
}

static nnsm_status create_masks(nnsm_made *made, size_t *extent, nnsm_error *error)
{
    const nnsm_architecture *a = &made->architecture;
    const size_t *below = NULL;
    size_t below_width = made->sites, offset = 0;
    nnsm_status status = NNSM_OK;
    for (size_t l = 0; l < a->layers && !status; l++) {
        size_t inputs = below ? 1 : made->width; /* columns that share a degree */
        for (size_t h = 0; h < a->hidden[l]; h++)
            extent[h] = inputs * units_up_to(below, below_width, made->degree[l][h]);
        status = nnsm_staircase_create(&made->hidden[l], a->hidden[l], inputs * below_width, extent, error);
        made->hidden_weights[l] = offset;
        offset += made->hidden[l].size;
        below = made->degree[l];
        below_width = a->hidden[l];
    }
    if (!status && a->layers) { /* output p sees the units of degree at most p */
        for (size_t r = 0; r < made->outputs; r++)
            extent[r] = units_up_to(below, below_width, r / made->width);
        status = nnsm_staircase_create(&made->output, made->outputs, below_width, extent, error);
    }
    made->output_weights = offset;
    offset += made->output.size;
    if (!status && a->direct) {
        for (size_t r = 0; r < made->outputs; r++)
            extent[r] = r / made->width * made->width;
        status = nnsm_staircase_create(&made->direct, made->outputs, made->outputs, extent, error);
    }
    made->direct_weights = offset;
    offset += made->direct.size;
    for (size_t l = 0; l < a->layers; l++) {
        made->hidden_bias[l] = offset;
        offset += a->hidden[l];
    }
    made->output_bias = offset;
    made->belief_weights = offset + made->outputs;
    made->count = made->belief_weights + made->outputs * made->beliefs;
    return status;
}

/* The windows, against the lattice and the alphabet of their sums. */
static nnsm_status create_support(nnsm_made *made, nnsm_error *error)
{
    const nnsm_architecture *a = &made->architecture;
    int below[NNSM_MAX_DIMENSIONS];
    nnsm_window window;
    if (!a->windows.given)
        return NNSM_OK;
    nnsm_window_extents_below(a->dimensions, a->extent, a->windows.size, a->windows.stride, a->windows.periodic, below);
    nnsm_status status = nnsm_window_create(&window, a->dimensions, below, a->windows.size, a->windows.stride,
                                            a->windows.periodic, error);
    if (!status)
        status = nnsm_support_create(&made->support, &window, error);
    if (status)
        return status;
    made->beliefs = nnsm_support_beliefs(made->support);
    if (a->order != NNSM_RASTER)
        return nnsm_fail(error, NNSM_USAGE, "network: sums are masked in raster order only; take order = \"raster\"");
    if (a->alphabet.labels || (uint64_t)a->alphabet.count != window.volume + 1 || window.sites != made->sites)
        return nnsm_fail(error, NNSM_USAGE, "network: windows of %llu sites have %llu sums, and the sites %d values",
                         (unsigned long long)window.volume, (unsigned long long)window.volume + 1,
                         (int)a->alphabet.count);
    return NNSM_OK;
}

static nnsm_status check_architecture(const nnsm_architecture *a, size_t *sites, nnsm_error *error)
{
    if (a->dimensions < 1 || a->dimensions > NNSM_MAX_DIMENSIONS || a->layers > NNSM_MAX_LAYERS)
        return nnsm_fail(error, NNSM_USAGE, "network: %d dimensions and %zu hidden layers; at most %d and %d",
                         a->dimensions, a->layers, NNSM_MAX_DIMENSIONS, NNSM_MAX_LAYERS);
    *sites = 1;
    for (int i = 0; i < a->dimensions; i++) {
        if (a->extent[i] < 1 || a->extent[i] > 1 << 20 || *sites * (size_t)a->extent[i] > 1u << 24)
            return nnsm_fail(error, NNSM_USAGE, "network: lattice extent %d is out of range", a->extent[i]);
        *sites *= (size_t)a->extent[i];
    }
    for (size_t l = 0; l < a->layers; l++)
        if (a->hidden[l] < 1 || a->hidden[l] > 1u << 20)
            return nnsm_fail(error, NNSM_USAGE, "network: hidden layer of %zu units; from 1 to %d", a->hidden[l],
                             1 << 20);
    if (a->alphabet.count && (a->alphabet.count < 2 || a->alphabet.count > NNSM_MAX_VALUES))
        return nnsm_fail(error, NNSM_USAGE, "network: %d values a site; from 2 to %d", (int)a->alphabet.count,
                         NNSM_MAX_VALUES);
    if (!(a->temperature > 0) || !isfinite(a->temperature))
        return nnsm_fail(error, NNSM_USAGE, "network: temperature %g; it must be positive", a->temperature);
    return NNSM_OK;
}

nnsm_status nnsm_made_create(nnsm_made **out, const nnsm_architecture *architecture, nnsm_error *error)
{
    *out = NULL;
    size_t sites = 0, widest, *extent = NULL;
    nnsm_made *made = NULL;
    nnsm_status status = check_architecture(architecture, &sites, error);
    if (!status)
        status = NNSM_NEW(&made, 1, "network", error);
    if (status)
        return status;
    made->architecture = *architecture;
    if (!architecture->alphabet.count)
        made->architecture.alphabet = nnsm_alphabet_spins();
    made->sites = sites;
    made->width = made->architecture.alphabet.count > 2 ? (size_t)made->architecture.alphabet.count : 1;
    widest = made->outputs = sites * made->width;
    status = NNSM_NEW(&made->order, sites, "network order", error);
    if (!status)
        status = NNSM_NEW(&made->position, sites, "network order", error);
    for (size_t l = 0; l < architecture->layers && !status; l++) {
        size_t width = architecture->hidden[l];
        widest = width > widest ? width : widest;
        status = NNSM_NEW(&made->degree[l], width, "network degrees", error);
        for (size_t h = 0; h < width && !status; h++)
            made->degree[l][h] = degree_of(h, width, sites);
    }
    if (!status)
        status = NNSM_NEW(&extent, widest, "network masks", error);
    if (!status)
        status = create_support(made, error);
    if (!status)
        status = create_masks(made, extent, error);
    nnsm_release(extent);
    if (!status && made->count > INT_MAX) /* the counts of MPI messages */
        status = nnsm_fail(error, NNSM_USAGE,
                           "network: %zu parameters are more than 2^31; take smaller hidden layers, or "
                           "direct = false",
                           made->count);
    if (!status)
        status = NNSM_NEW(&made->parameters, made->count, "network weights", error);
    if (status) {
        nnsm_made_destroy(made);
        return status;
    }
    nnsm_order_fill(architecture->order, architecture->dimensions, architecture->extent, architecture->order_seed,
                    made->order);
    for (size_t p = 0; p < sites; p++)
        made->position[made->order[p]] = (int32_t)p;
    *out = made;
    return NNSM_OK;
}

void nnsm_made_destroy(nnsm_made *made)
{
    if (!made)
        return;
    for (size_t l = 0; l < NNSM_MAX_LAYERS; l++) {
        nnsm_staircase_destroy(&made->hidden[l]);
        nnsm_release(made->degree[l]);
    }
    nnsm_staircase_destroy(&made->output);
    nnsm_staircase_destroy(&made->direct);
    nnsm_support_destroy(made->support);
    nnsm_release(made->order);
    nnsm_release(made->position);
    nnsm_release(made->parameters);
    nnsm_release(made);
}

/* Of `inputs` columns that belong to one site only one is not zero. */
static void initialize_matrix(const nnsm_staircase *matrix, size_t inputs, float *w, nnsm_rng_key key, uint32_t stream)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(key, NNSM_RNG_WEIGHTS, stream, 0);
    for (size_t r = 0; r < matrix->rows; r++) {
        size_t seen = matrix->extent[r];
        double bound = seen ? 1.0 / sqrt((double)(seen / inputs)) : 0;
        for (size_t i = 0; i < seen; i++)
            w[nnsm_staircase_entry(matrix, r, i)] = (float)(bound * (2 * nnsm_rng_uniform(&draw) - 1));
    }
}

void nnsm_made_initialize(nnsm_made *made, nnsm_rng_key key)
{
    memset(made->parameters, 0, made->count * sizeof *made->parameters);
    for (size_t l = 0; l < made->architecture.layers; l++)
        initialize_matrix(&made->hidden[l], l ? 1 : made->width, made->parameters + made->hidden_weights[l], key,
                          (uint32_t)l);
    initialize_matrix(&made->output, 1, made->parameters + made->output_weights, key, NNSM_MAX_LAYERS);
}

const nnsm_architecture *nnsm_made_architecture(const nnsm_made *made)
{
    return &made->architecture;
}

size_t nnsm_made_sites(const nnsm_made *made)
{
    return made->sites;
}

const int32_t *nnsm_made_order(const nnsm_made *made)
{
    return made->order;
}

size_t nnsm_made_first_bias(const nnsm_made *made)
{
    return made->direct_weights + made->direct.size;
}

float *nnsm_made_parameters(nnsm_made *made, size_t *count)
{
    *count = made->count;
    return made->parameters;
}
