#include "nnsm/lattice.h"

#include <math.h>

#include "base/memory.h"

/* Site reached from `site` by one step along axis a (direction +1 or -1); -1 beyond an open edge. */
static int32_t neighbour(const nnsm_lattice *lattice, size_t site, int axis, int direction)
{
    size_t stride = 1;
    for (int a = lattice->dimensions - 1; a > axis; a--)
        stride *= (size_t)lattice->extent[a];
    int extent = lattice->extent[axis], coordinate = (int)(site / stride % (size_t)extent), to = coordinate + direction;
    if (!lattice->periodic && (to < 0 || to >= extent))
        return -1;
    to = (to + extent) % extent;
    return (int32_t)(site + (size_t)to * stride - (size_t)coordinate * stride);
}

nnsm_status nnsm_lattice_create(nnsm_lattice *lattice, int dimensions, const int *extent, bool periodic,
                                nnsm_error *error)
{
    *lattice = (nnsm_lattice){0};
    if (dimensions < 1 || dimensions > NNSM_MAX_DIMENSIONS)
        return nnsm_fail(error, NNSM_USAGE, "a lattice of %d dimensions; from 1 to %d are possible", dimensions,
                         NNSM_MAX_DIMENSIONS);
    nnsm_lattice made = {.dimensions = dimensions, .extent = {1, 1, 1}, .periodic = periodic, .sites = 1};
    for (int a = 0; a < dimensions; a++) {
        if (extent[a] < (periodic ? 2 : 1) || extent[a] > 1 << 24 || made.sites * (size_t)extent[a] > 1u << 24)
            return nnsm_fail(error, NNSM_USAGE, "lattice extent %d: at least %d, and at most %d sites in all",
                             extent[a], periodic ? 2 : 1, 1 << 24);
        made.extent[a] = extent[a];
        made.sites *= (size_t)extent[a];
    }
    size_t degree = 2 * (size_t)dimensions;
    nnsm_status status = NNSM_NEW(&made.neighbours, made.sites * degree, "lattice", error);
    if (status)
        return status;
    for (size_t i = 0; i < made.sites; i++)
        for (int a = 0; a < dimensions; a++) {
            made.neighbours[i * degree + 2 * (size_t)a] = neighbour(&made, i, a, 1);
            made.neighbours[i * degree + 2 * (size_t)a + 1] = neighbour(&made, i, a, -1);
        }
    *lattice = made;
    return NNSM_OK;
}

void nnsm_lattice_destroy(nnsm_lattice *lattice)
{
    if (!lattice)
        return;
    nnsm_release(lattice->neighbours);
    *lattice = (nnsm_lattice){0};
}

double nnsm_lattice_diameter(const nnsm_lattice *lattice)
{
    double square = 0;
    for (int a = 0; a < lattice->dimensions; a++) {
        double most = lattice->periodic ? lattice->extent[a] / 2 : lattice->extent[a] - 1; /* whole steps */
        square += most * most;
    }
    return sqrt(square);
}
