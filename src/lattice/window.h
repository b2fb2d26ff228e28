/* window.h: Kadanoff's block spins: windows laid over a lattice, each with the sum of the values in it.
 *
 *   S_J = sum_{i in window J} v_i,   window J along an axis = sites J stride ... J stride + size - 1
 *
 * (Kadanoff, Physics 2, 263 (1966); arXiv:2007.01037, section on coarse graining: 2 x 2 on 16 x 16, stride 1 gives
 * 15 x 15, stride 2 gives 8 x 8). Open windows lie within the lattice, (L - size) / stride + 1 an axis; periodic ones
 * go around it, L / stride. Where stride < size they overlap: then not every array of sums is the image of an array of
 * sites (preimage.h). All functions are local. */
#ifndef NNSM_LATTICE_WINDOW_H
#define NNSM_LATTICE_WINDOW_H

#include "nnsm/alphabet.h"
#include "nnsm/lattice.h"

/* Plain data: copied between ranks byte by byte. sites = 0: no windows. */
typedef struct {
    int32_t dimensions;
    int32_t size[NNSM_MAX_DIMENSIONS], stride[NNSM_MAX_DIMENSIONS]; /* 1 beyond the dimensions, as all extents */
    int32_t periodic;
    int32_t below[NNSM_MAX_DIMENSIONS];  /* extents of the lattice of sites */
    int32_t extent[NNSM_MAX_DIMENSIONS]; /* windows along each axis */
    uint64_t sites_below, sites, volume; /* sites, windows, sites of a window */
} nnsm_window;

/* below, size, stride: in, [dimensions]. NNSM_USAGE, with advice, where a size or stride is not possible, or the
 * windows leave a rest of the lattice over. On failure *window is zeroed. */
nnsm_status nnsm_window_create(nnsm_window *window, int dimensions, const int *below, const int *size,
                               const int *stride, bool periodic, nnsm_error *error);

/* Extents of the lattice below that many windows. extent: in, below: out, [dimensions]. */
void nnsm_window_extents_below(int dimensions, const int *extent, const int *size, const int *stride, bool periodic,
                               int *below);

bool nnsm_window_equal(const nnsm_window *a, const nnsm_window *b);

/* Does a site lie in more than one window? Is there one in none? */
bool nnsm_window_overlaps(const nnsm_window *window);
bool nnsm_window_covers(const nnsm_window *window);

/* The sums that `volume` values of a site can have. NNSM_USAGE for labels, and for more sums than an alphabet holds. */
nnsm_status nnsm_window_alphabet(const nnsm_window *window, const nnsm_alphabet *values, nnsm_alphabet *sums,
                                 nnsm_error *error);

/* States of the windows of one configuration. states: in, [sites_below], of `values`; blocks: out, [sites], of `sums`
 * as nnsm_window_alphabet made it. */
void nnsm_window_apply(const nnsm_window *window, const nnsm_alphabet *values, const nnsm_alphabet *sums,
                       const int8_t *states, int8_t *blocks);

/* In how many windows a site lies. count: out, [sites_below]. sum_i count_i v_i = sum_J S_J. */
void nnsm_window_counts(const nnsm_window *window, int32_t *count);

#endif
