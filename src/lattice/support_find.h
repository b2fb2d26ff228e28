/* support_find.h: a lattice with given sums in overlapping windows, by the stream of support.h.
 *
 * The stream is followed forward and what it knew where each row of windows began is kept. Then back: of the ways in
 * which the last row can end one is taken, the row is followed again to end so, and one of its ways says how it began.
 * What is found has the sums; there is none where the stream found none and had room for all; and two searches that
 * choose first what they can and last what they can differ where there is more than one. Local. */
#ifndef NNSM_LATTICE_SUPPORT_FIND_H
#define NNSM_LATTICE_SUPPORT_FIND_H

#include "lattice/support.h"

typedef struct nnsm_support_finder nnsm_support_finder;

typedef enum { NNSM_SUPPORT_NONE, NNSM_SUPPORT_FOUND, NNSM_SUPPORT_NO_ROOM } nnsm_support_found;

/* support is borrowed. The caller owns *out. */
nnsm_status nnsm_support_finder_create(nnsm_support_finder **out, const nnsm_support *support, nnsm_error *error);
void nnsm_support_finder_destroy(nnsm_support_finder *finder);

/* upper: in, [windows] U, 0 to the volume of a window. first, last: out, [sites_below] of -1 and +1, untouched unless
 * FOUND; the same lattice where there is only one (sure: out, is that known?). */
nnsm_support_found nnsm_support_find(nnsm_support_finder *finder, const int8_t *upper, int8_t *first, int8_t *last,
                                     bool *sure);

#endif
