#include "stage/windowing.h"

#include <stdio.h>
#include <string.h>

#define GROUP "/window"

int nnsm_config_window_size(const nnsm_config *config, int axis)
{
    return config->window.size[config->window.sizes > 1 ? axis : 0];
}

int nnsm_config_window_stride(const nnsm_config *config, int axis)
{
    if (!config->window.strides)
        return nnsm_config_window_size(config, axis);
    return config->window.stride[config->window.strides > 1 ? axis : 0];
}

nnsm_status nnsm_config_window(const nnsm_config *config, int dimensions, const int *below, nnsm_window *window,
                               nnsm_error *error)
{
    int size[NNSM_MAX_DIMENSIONS], stride[NNSM_MAX_DIMENSIONS];
    for (int a = 0; a < dimensions; a++) {
        size[a] = nnsm_config_window_size(config, a);
        stride[a] = nnsm_config_window_stride(config, a);
    }
    return nnsm_window_create(window, dimensions, below, size, stride, config->window.periodic, error);
}

static size_t put_extents(char *text, size_t size, int dimensions, const int32_t *extent)
{
    size_t used = 0;
    for (int a = 0; a < dimensions && used < size; a++)
        used += (size_t)snprintf(text + used, size - used, a ? " x %d" : "%d", (int)extent[a]);
    return used;
}

void nnsm_windowing_text(const nnsm_windowing *windowing, char *text, size_t size)
{
    enum { LENGTH = 64 };
    const nnsm_window *w = &windowing->window;
    char part[4][LENGTH];
    const int32_t *extent[] = {w->size, w->stride, w->below, w->extent};
    for (int i = 0; i < 4; i++)
        (void)put_extents(part[i], LENGTH, w->dimensions, extent[i]);
    (void)snprintf(text, size, "%s, stride %s, %s, on %s: %s windows", part[0], part[1],
                   w->periodic ? "periodic" : "open", part[2], part[3]);
}

void nnsm_windowing_several_text(const nnsm_windowing *windowing, char *text, size_t size)
{
    const nnsm_windowing *w = windowing;
    if (!w->several)
        (void)snprintf(text, size, "none with several");
    else
        (void)snprintf(text, size, "%lld (%.1f %%) with several; half of all have at least 2^%lld%s",
                       (long long)w->several, 100 * (double)w->several / (double)w->configurations,
                       (long long)w->doublings, w->uncounted ? ", a lower bound: they are too many to count" : "");
}

void nnsm_windowing_uppers(const nnsm_windowing *windowing, const nnsm_alphabet *sums, int32_t *upper)
{
    const nnsm_alphabet *v = &windowing->values;
    for (int k = 0; k < sums->count; k++)
        upper[k] = (int32_t)((sums->value[k] - (int64_t)windowing->window.volume * v->value[0]) /
                             ((int64_t)v->value[1] - v->value[0]));
}

/* ---- files */

static void set_extents(nnsm_h5 *h5, const char *name, int dimensions, const int32_t *extent)
{
    int64_t values[NNSM_MAX_DIMENSIONS];
    for (int a = 0; a < dimensions; a++)
        values[a] = extent[a];
    nnsm_h5_set_integers(h5, GROUP, name, (size_t)dimensions, values);
}

void nnsm_windowing_write(nnsm_h5 *h5, const nnsm_windowing *windowing)
{
    const nnsm_windowing *w = windowing;
    int64_t values[NNSM_MAX_VALUES];
    if (!w->window.sites)
        return;
    for (int k = 0; k < w->values.count; k++)
        values[k] = w->values.value[k];
    nnsm_h5_set_text(h5, GROUP, "meaning",
                     "a block value is the sum over block[axis] sites, windows stride[axis] apart; stated by the user");
    set_extents(h5, "block", w->window.dimensions, w->window.size);
    set_extents(h5, "stride", w->window.dimensions, w->window.stride);
    set_extents(h5, "micro_lattice", w->window.dimensions, w->window.below);
    nnsm_h5_set_integers(h5, GROUP, "micro_values", (size_t)w->values.count, values);
    nnsm_h5_set_text(h5, GROUP, "windowing", w->window.periodic ? "periodic" : "open");
    nnsm_h5_set_text(h5, GROUP, "route", w->latent ? "deconvolve" : w->masked ? "masked" : "plain");
    nnsm_h5_set_integer(h5, GROUP, "source_checksum", w->source);
    if (!w->configurations)
        return;
    nnsm_h5_set_integer(h5, GROUP, "configurations_examined", w->configurations);
    nnsm_h5_set_integer(h5, GROUP, "configurations_without_preimage", w->none);
    nnsm_h5_set_integer(h5, GROUP, "configurations_with_several_preimages", w->several);
    nnsm_h5_set_integer(h5, GROUP, "configurations_with_uncounted_preimages", w->uncounted);
    nnsm_h5_set_integer(h5, GROUP, "median_log2_preimages", w->doublings);
}

static bool get_extents(nnsm_h5 *h5, const char *name, size_t *dimensions, int *extent)
{
    int64_t values[NNSM_MAX_DIMENSIONS] = {0};
    size_t count = nnsm_h5_get_integers(h5, GROUP, name, NNSM_MAX_DIMENSIONS, values);
    bool possible = count > 0 && (*dimensions == 0 || *dimensions == count);
    for (size_t a = 0; a < count; a++) {
        possible = possible && values[a] >= 1 && values[a] <= 1 << 24;
        extent[a] = possible ? (int)values[a] : 1;
    }
    *dimensions = count;
    return possible;
}

static bool read_window(nnsm_h5 *h5, nnsm_windowing *w, nnsm_error *error)
{
    int below[NNSM_MAX_DIMENSIONS], size[NNSM_MAX_DIMENSIONS], stride[NNSM_MAX_DIMENSIONS];
    int64_t values[NNSM_MAX_VALUES];
    char kind[16] = "";
    size_t dimensions = 0;
    double sites = 1;
    bool possible = get_extents(h5, "block", &dimensions, size) && get_extents(h5, "stride", &dimensions, stride) &&
                    get_extents(h5, "micro_lattice", &dimensions, below);
    nnsm_h5_get_text(h5, GROUP, "windowing", kind, sizeof kind);
    size_t count = nnsm_h5_get_integers(h5, GROUP, "micro_values", NNSM_MAX_VALUES, values);
    for (size_t a = 0; a < dimensions && possible; a++)
        sites *= below[a];
    return possible && !h5->status && sites <= 1 << 24 &&
           nnsm_window_create(&w->window, (int)dimensions, below, size, stride, strcmp(kind, "periodic") == 0, error) ==
               NNSM_OK &&
           nnsm_alphabet_create(&w->values, count, values, false, error) == NNSM_OK;
}

void nnsm_windowing_read(nnsm_h5 *h5, nnsm_windowing *windowing)
{
    nnsm_windowing *w = windowing;
    nnsm_error error;
    char route[16] = "";
    memset(w, 0, sizeof *w);
    if (h5->status || !nnsm_h5_has(h5, GROUP))
        return;
    bool possible = read_window(h5, w, &error);
    nnsm_h5_get_text(h5, GROUP, "route", route, sizeof route);
    w->latent = strcmp(route, "deconvolve") == 0;
    w->masked = strcmp(route, "masked") == 0;
    w->source = nnsm_h5_get_integer(h5, GROUP, "source_checksum");
    if (nnsm_h5_has_attribute(h5, GROUP, "configurations_examined")) {
        w->configurations = nnsm_h5_get_integer(h5, GROUP, "configurations_examined");
        w->none = nnsm_h5_get_integer(h5, GROUP, "configurations_without_preimage");
        w->several = nnsm_h5_get_integer(h5, GROUP, "configurations_with_several_preimages");
    }
    if (nnsm_h5_has_attribute(h5, GROUP, "median_log2_preimages")) {
        w->uncounted = nnsm_h5_get_integer(h5, GROUP, "configurations_with_uncounted_preimages");
        w->doublings = nnsm_h5_get_integer(h5, GROUP, "median_log2_preimages");
    }
    if (!h5->status &&
        (!possible || w->none < 0 || w->several < 0 || w->configurations < 0 || w->none > w->configurations ||
         w->several > w->configurations - w->none || w->uncounted < 0 || w->uncounted > w->several || w->doublings < 0))
        (void)nnsm_h5_fail(h5, "its " GROUP " cannot be; make the file again");
}
