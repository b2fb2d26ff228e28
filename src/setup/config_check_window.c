/* config_check_window.c: contradictions of the group window with itself, the lattice, and the symmetries. */
#include "setup/config_parse.h"

enum { AXES = 3 }; /* of window.size and window.stride */

#define REFUSE(reader, a, b, ...) nnsm_refuse_at(reader, nnsm_place_either(reader, a, b), __VA_ARGS__)

static int along(int count, const int *values, int axis)
{
    return values[count > 1 ? axis : 0];
}

static int stride_along(const nnsm_config *c, int axis)
{
    return c->window.strides ? along(c->window.strides, c->window.stride, axis)
                             : along(c->window.sizes, c->window.size, axis);
}

static bool overlaps(const nnsm_config *c)
{
    for (int a = 0; a < AXES; a++)
        if ((a < c->window.sizes || a < c->window.strides) &&
            stride_along(c, a) < along(c->window.sizes, c->window.size, a))
            return true;
    return false;
}

static bool one_each(int count, int dimensions)
{
    return count <= 1 || count == dimensions;
}

/* Do the windows belong to the lattice? Whether they fit it is seen where they are made (stage/run.c). */
static nnsm_status check_lattice(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    if (!one_each(c->window.sizes, c->system.dimensions) || !one_each(c->window.strides, c->system.dimensions))
        return REFUSE(r, "window.size", "window.stride",
                      "window: the lattice has %d axes; give one size and stride for all, or one an axis",
                      c->system.dimensions);
    if (c->window.periodic && c->system.boundary != 0)
        return REFUSE(r, "window.periodic", "system.boundary",
                      "window.periodic: windows cannot go around an open lattice; set it to false");
    return NNSM_OK;
}

/* Symmetries that the lattice of the network keeps: of the windows, or undone, of the sites below. */
static nnsm_status check_symmetries(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    bool latent = overlaps(c) && c->window.route == NNSM_CONFIG_DECONVOLVE;
    if (c->train.translation && !c->window.periodic && !(latent && c->system.given))
        return REFUSE(r, "train.augment", "window.periodic",
                      "train.augment: open windows have no translations; remove \"translation\"%s",
                      latent ? ", or say by system that the lattice below them is periodic" : "");
    for (int a = 1; a < AXES && c->train.point_group && !latent; a++)
        if ((a < c->window.sizes && c->window.size[a] != c->window.size[0]) ||
            (a < c->window.strides && c->window.stride[a] != c->window.stride[0]) ||
            (a < c->system.dimensions && c->system.lattice[a] != c->system.lattice[0]))
            return REFUSE(r, "train.augment", "window.size",
                          "train.augment: axes along which windows differ cannot be exchanged; remove "
                          "\"point_group\"");
    return NNSM_OK;
}

nnsm_status nnsm_config_check_window(const nnsm_reader *reader)
{
    const nnsm_config *c = reader->config;
    if (!c->window.sizes)
        return REFUSE(reader, "window.size", "window.size", "window.size is empty; give one extent, or one an axis");
    if (c->window.values_count != 2 || c->window.values[0] == c->window.values[1])
        return REFUSE(reader, "window.values", "window.values",
                      "window.values: give the two different values of a site, as [-1, 1]");
    if (c->ensemble.cuts || c->ensemble.levels)
        return REFUSE(reader, c->ensemble.cuts ? "ensemble.thresholds" : "ensemble.levels", "window.size",
                      "window: sums are taken of whole numbers as they are, not of levels; cut the signal into a file "
                      "of whole numbers first, or remove the levels");
    if (c->generate.given && c->window.data == NNSM_CONFIG_WINDOWS)
        return REFUSE(reader, "window.data", "generate.temperature",
                      "window.data = \"windows\" is for measured sums in ensemble.file; generated data are \"sites\"");
    if (c->train.data == NNSM_CONFIG_STREAM)
        return REFUSE(reader, "train.data", "window.size",
                      "train.data = \"stream\": windows are laid on whole ensembles; take \"fixed\"");
    if (c->network.kind == NNSM_CONFIG_FRONTIER && c->window.route == NNSM_CONFIG_MASKED)
        return REFUSE(reader, "network.kind", "window.route",
                      "network.kind: a frontier network is not masked; take \"dense\", or another window.route");
    if (c->window.route == NNSM_CONFIG_MASKED && !overlaps(c))
        return REFUSE(reader, "window.route", "window.size",
                      "window.route = \"masked\" is for windows that overlap; these allow every sum, take \"plain\"");
    if (c->window.route == NNSM_CONFIG_MASKED && c->network.order != 0)
        return REFUSE(reader, "network.order", "window.route",
                      "window.route = \"masked\" follows the windows row by row; take network.order = \"raster\"");
    nnsm_status status = c->system.given ? check_lattice(reader) : NNSM_OK;
    return status ? status : check_symmetries(reader);
}
