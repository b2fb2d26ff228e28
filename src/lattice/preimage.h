/* preimage.h: which arrays of window sums are images of a lattice of two-valued sites, of how many, and of which.
 *
 * An exact filter that streams over rows of windows. With u_{I,j} = number of upper sites in column j of the rows that
 * window row I spans, the constraints are
 *
 *   sum_{columns j of window J} u_{I,j} = U_{I,J}   along a row of windows,
 *   u_{I,j} = sum of size sites of column j         down every column, windows sharing size - stride of them,
 *
 * so that for given u the columns do not see each other. A hypothesis is what matters later of all tables u that agree
 * with the rows so far: for every column, in how many ways it ends in each pattern of the sites that the next windows
 * share (with periodic windows: from each pattern that it began with). A row is worked through column by column;
 * hypotheses that agree in all that matters later are merged. For 2 x 2 windows with stride 1 the patterns are one spin
 * a column, "may be + / may be -", and on images of Ising configurations one hypothesis is left after nearly every row.
 * A chain is one column, windows that overlap along one axis only decouple: no branching there.
 *
 * Where the geometry leaves very many possibilities (3 x 3 windows with stride 2) the hypotheses outgrow their room.
 * Then the numbers of ways are given up, and support_find.h searches for a preimage and for another one: the answer is
 * exact, the count a lower bound. Should that have no room either, it is NNSM_PREIMAGES_UNDECIDED, never a wrong one.
 * All functions are local. */
#ifndef NNSM_LATTICE_PREIMAGE_H
#define NNSM_LATTICE_PREIMAGE_H

#include "lattice/window.h"

typedef enum {
    NNSM_PREIMAGES_NONE,
    NNSM_PREIMAGES_ONE,
    NNSM_PREIMAGES_SEVERAL,
    NNSM_PREIMAGES_UNDECIDED
} nnsm_preimages;

typedef struct nnsm_preimage nnsm_preimage;

/* window is copied. NNSM_USAGE for three dimensions, for windows that leave sites out, for more than 12 sites along an
 * axis of a window, or a share between neighbours of more than 6 (periodic: 4). */
nnsm_status nnsm_preimage_create(nnsm_preimage **out, const nnsm_window *window, nnsm_error *error);
/* Whether nnsm_preimage_create would refuse the windows. */
nnsm_status nnsm_preimage_check(const nnsm_window *window, nnsm_error *error);
void nnsm_preimage_destroy(nnsm_preimage *preimage);

/* upper: in, [windows], number of upper sites in every window, any number. states: out, [sites_below] of -1 and +1, or
 * NULL: a preimage where there is one; of several always the same one. Untouched for NONE and UNDECIDED. */
nnsm_preimages nnsm_preimage_find(nnsm_preimage *preimage, const int32_t *upper, int8_t *states);

/* Of the last find: number of preimages (exact to 2^53; infinity beyond the range of double), or a lower bound where
 * they could not be counted; and of hypotheses at the end of a row of windows. A bound of 1 with
 * NNSM_PREIMAGES_SEVERAL: another one was not found and not excluded. */
double nnsm_preimage_count(const nnsm_preimage *preimage);
bool nnsm_preimage_counted(const nnsm_preimage *preimage);
size_t nnsm_preimage_rows(const nnsm_preimage *preimage);
size_t nnsm_preimage_hypotheses(const nnsm_preimage *preimage, size_t row);

#endif
