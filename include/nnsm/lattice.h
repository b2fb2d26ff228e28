/* nnsm/lattice.h: a hypercubic lattice of 1 to 3 dimensions.
 *
 * Sites are numbered row-major, the last coordinate fastest: in two dimensions site = row * L2 + column. A periodic
 * lattice has 2 * dimensions neighbours a site; where an extent is 2 the same site is a neighbour twice (two bonds, the
 * convention of the periodic partition functions). An open lattice marks a missing neighbour with -1. */
#ifndef NNSM_LATTICE_H
#define NNSM_LATTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnsm/error.h"

enum { NNSM_MAX_DIMENSIONS = 3 };

typedef struct {
    int dimensions;
    int extent[NNSM_MAX_DIMENSIONS]; /* unused entries are 1 */
    bool periodic;
    size_t sites;
    /* [sites][2 * dimensions]: for axis a, entry 2a is the forward, 2a + 1 the backward neighbour; owned. */
    int32_t *neighbours;
} nnsm_lattice;

/* Build a lattice; extents at least 1 (periodic: at least 2), at most 2^24 sites. extent: `dimensions` values.
 * On failure (NNSM_USAGE for bad extents, NNSM_FAILURE for memory) *lattice is zeroed. Local. */
nnsm_status nnsm_lattice_create(nnsm_lattice *lattice, int dimensions, const int *extent, bool periodic,
                                nnsm_error *error);

/* The farthest that two sites can be apart, in lattice spacings: along straight lines, on a periodic lattice the
 * shortest way round. Local. */
double nnsm_lattice_diameter(const nnsm_lattice *lattice);

/* Frees the tables; accepts NULL and a zeroed lattice. Local. */
void nnsm_lattice_destroy(nnsm_lattice *lattice);

#endif
