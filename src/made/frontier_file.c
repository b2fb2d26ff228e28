/* frontier_file.c: architecture as attributes of the root; of all fits, one after the other, the units and what was
 * fitted. Frontiers follow from the architecture. The units are written too: they are drawn with exp and log, whose
 * last bits differ between C libraries. */
#include "made/frontier_file.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "made/frontier_geometry.h"
#include "made/made_file.h"

/* All units' weights and offsets in a row. */
static size_t count_units(const nnsm_frontier *f, size_t *offsets)
{
    size_t weights = 0;
    *offsets = 0;
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++) {
        const nnsm_fit *fit = nnsm_frontier_look(f, i);
        weights += fit->units * fit->inputs;
        *offsets += fit->units;
    }
    return weights;
}

/* Units and fitted weights in a row, in terms of spins or values themselves: with the signs in them. */
static void copy_out(const nnsm_frontier *f, float *w, float *offset, float *fitted)
{
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++) {
        const nnsm_fit *fit = nnsm_frontier_look(f, i);
        size_t inputs = fit->inputs, features = nnsm_fit_features(fit), all = nnsm_fit_dimension(fit);
        for (size_t k = 0; k < fit->units * inputs; k++)
            w[k] = fit->w[k] * fit->sign[k % inputs / fit->outputs];
        memcpy(offset, fit->offset, fit->units * sizeof *offset);
        for (size_t k = 0; k < all; k++)
            fitted[k] = fit->weights[k] * (k % features < inputs ? fit->sign[k % features / fit->outputs] : 1.f);
        w += fit->units * inputs;
        offset += fit->units;
        fitted += all;
    }
}

/* And back; the network is new, its signs are 1. */
static void copy_units_in(nnsm_frontier *f, const float *w, const float *offset)
{
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++) {
        nnsm_fit *fit = nnsm_frontier_fit(f, i);
        size_t weights = fit->units * fit->inputs;
        memcpy(fit->w, w, weights * sizeof *w);
        memcpy(fit->offset, offset, fit->units * sizeof *offset);
        w += weights;
        offset += fit->units;
    }
}

static void check_finite(nnsm_h5 *h5, const float *values, size_t count, const char *advice)
{
    size_t bad = 0;
    for (size_t i = 0; i < count; i++)
        bad += isfinite(values[i]) ? 0 : 1;
    if (bad && !h5->status)
        (void)nnsm_h5_fail(h5, "%zu of %zu weights of the network are not finite numbers; %s", bad, count, advice);
}

static void write_order(const nnsm_frontier *frontier, nnsm_h5 *h5)
{
    size_t sites = nnsm_frontier_sites(frontier);
    double *order = NULL;
    nnsm_error error;
    if (NNSM_NEW(&order, sites, "network file", &error)) {
        (void)nnsm_h5_fail(h5, "%s", error.message);
        return;
    }
    for (size_t p = 0; p < sites; p++)
        order[p] = nnsm_frontier_order(frontier)[p];
    nnsm_h5_write_doubles(h5, "/order", 1, &sites, order, "1", "site at a position");
    nnsm_release(order);
}

void nnsm_frontier_write(nnsm_frontier *frontier, nnsm_h5 *h5)
{
    const nnsm_frontier_architecture *a = nnsm_frontier_architecture_of(frontier);
    size_t fits = frontier->fitted, offsets, weights = count_units(frontier, &offsets);
    float *fitted = NULL, *w = NULL, *offset = NULL;
    bool states = a->alphabet.count > 2;
    nnsm_error error;
    check_finite(h5, frontier->weights, fits, "raise network.ridge");
    nnsm_made_write_lattice(h5, "frontier", a->temperature, a->dimensions, a->extent, a->periodic, &a->alphabet,
                            NNSM_NETWORK_FRONTIER);
    nnsm_made_write_order(h5, a->order, a->order_seed);
    nnsm_h5_set_double(h5, "/", "reach", a->reach);
    nnsm_h5_set_double(h5, "/", "horizon", a->horizon);
    nnsm_h5_set_integer(h5, "/", "units", (int64_t)a->units);
    nnsm_h5_set_integer(h5, "/", "units_seed", (int64_t)a->seed);
    nnsm_h5_set_integer(h5, "/", "odd", a->odd);
    nnsm_h5_set_integer(h5, "/", "share", a->share);
    write_order(frontier, h5);
    if (NNSM_NEW(&w, weights, "network file", &error) || NNSM_NEW(&offset, offsets, "network file", &error) ||
        NNSM_NEW(&fitted, fits, "network file", &error)) {
        (void)nnsm_h5_fail(h5, "%s", error.message);
    } else {
        copy_out(frontier, w, offset, fitted);
        if (weights) {
            nnsm_h5_write_floats(h5, "/units/weight", 1, &weights, w, "1",
                                 states ? "[fit][unit][frontier site][value but the first], fixed"
                                        : "[fit][unit][frontier site], fixed");
            nnsm_h5_write_floats(h5, "/units/offset", 1, &offsets, offset, "1", "[fit][unit], fixed");
        }
        nnsm_h5_write_floats(h5, "/fits/weight", 1, &fits, fitted, "1",
                             states ? "[fit][value but the first][inputs, units, constant], fitted"
                                    : "[fit][frontier sites, units, constant], fitted");
    }
    nnsm_release(w);
    nnsm_release(offset);
    nnsm_release(fitted);
}

static void check_size(nnsm_h5 *h5, const char *name, size_t count)
{
    size_t sizes[NNSM_H5_RANK] = {0};
    if (nnsm_h5_sizes(h5, name, sizes) != 1 || sizes[0] != count)
        (void)nnsm_h5_fail(h5, "data set %s does not have the %zu values that the architecture says", name, count);
}

static void read_weights(nnsm_frontier *f, nnsm_h5 *h5)
{
    size_t fits = f->fitted, offsets, weights = count_units(f, &offsets);
    float *fitted = f->weights, *w = NULL, *offset = NULL;
    nnsm_error error;
    check_size(h5, "/fits/weight", fits);
    if (weights) {
        check_size(h5, "/units/weight", weights);
        check_size(h5, "/units/offset", offsets);
    }
    if (h5->status)
        return;
    if (NNSM_NEW(&w, weights, "network file", &error) || NNSM_NEW(&offset, offsets, "network file", &error)) {
        (void)nnsm_h5_fail(h5, "%s", error.message);
    } else {
        nnsm_h5_read_floats(h5, "/fits/weight", fits, fitted);
        if (weights) {
            nnsm_h5_read_floats(h5, "/units/weight", weights, w);
            nnsm_h5_read_floats(h5, "/units/offset", offsets, offset);
            copy_units_in(f, w, offset);
        }
        check_finite(h5, fitted, fits, "train it again");
        check_finite(h5, w, weights, "train it again");
        check_finite(h5, offset, offsets, "train it again");
    }
    nnsm_release(w);
    nnsm_release(offset);
}

nnsm_status nnsm_frontier_read(nnsm_frontier **out, nnsm_h5 *h5)
{
    nnsm_frontier_architecture a = {.extent = {1, 1, 1}};
    nnsm_error error;
    *out = NULL;
    nnsm_made_read_lattice(h5, &a.temperature, &a.dimensions, a.extent, &a.periodic, &a.alphabet);
    if (!h5->status && nnsm_h5_get_integer(h5, "/", "version") < NNSM_NETWORK_FRONTIER)
        return nnsm_h5_fail(
            h5, "a frontier network of an earlier nnsm, whose outputs shared fits otherwise; train it again");
    a.order = nnsm_made_read_order(h5, &a.order_seed);
    a.reach = nnsm_h5_get_double(h5, "/", "reach");
    a.horizon = nnsm_h5_get_double(h5, "/", "horizon");
    int64_t units = nnsm_h5_get_integer(h5, "/", "units");
    a.units = units >= 0 ? (size_t)units : SIZE_MAX;
    a.seed = (uint64_t)nnsm_h5_get_integer(h5, "/", "units_seed");
    a.odd = nnsm_h5_get_integer(h5, "/", "odd") != 0;
    a.share = nnsm_h5_get_integer(h5, "/", "share") != 0;
    size_t sites = 1;
    for (int i = 0; i < a.dimensions; i++)
        sites *= (size_t)a.extent[i];
    check_size(h5, "/order", sites); /* a small file cannot make us take memory for a large lattice or many units */
    size_t weights[NNSM_H5_RANK] = {0};
    if (!h5->status && nnsm_h5_has(h5, "/units/weight"))
        (void)nnsm_h5_sizes(h5, "/units/weight", weights);
    if (h5->status)
        return h5->status;
    if (nnsm_frontier_create_within(out, &a, weights[0], &error))
        return nnsm_h5_fail(h5, "%s", error.message);
    read_weights(*out, h5);
    if (h5->status) {
        nnsm_frontier_destroy(*out);
        *out = NULL;
    }
    return h5->status;
}
