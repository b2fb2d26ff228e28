/* support.h: which sums a window can have after those before it, in raster order: the support of a network on sums.
 *
 * Of two-valued sites a sum is the number U of upper sites in its window. After windows 0 ... J - 1 a value is allowed
 * for window J where some lattice of sites has these sums and that one. Sites that no window has seen yet are free, so
 * that whatever is allowed can be completed: a configuration drawn window by window from the allowed values always has
 * a preimage, and p renormalised over them is normalised on the support.
 *
 * The stream is the filter of preimage.h without its numbers of ways, window by window. For every column of sites it
 * holds which patterns of the rows that the next windows share are possible (with windows around the lattice, or few
 * shared rows, together with the pattern that the column began with): symbols of a column, whose possible words are a
 * trellis (support_trellis.h). In a row of windows the columns see each other only by the sums of the windows that are
 * not complete: a new column tries every number u of upper sites, and what ends in the same node of the trellis with
 * the same incomplete sums goes on as one. At the end of the row the trellis is reduced. On images of Ising
 * configurations of 16 x 16 at T = 2.5 it has then one node a level with 2 x 2 windows and stride 1, at most 126 with
 * 3 x 3, stride 2 and periodic, where lists of hypotheses, none contained in another, had up to 4e4 members and those
 * of equal ones no end. Where windows overlap along one axis only the columns of windows decouple, and each has a
 * stream of its own. What has no room (NNSM_TRELLIS_NODES; met with 5 x 5 windows of stride 1, 4 configurations of
 * 1000) is dropped, always the same for the same sums before: the support is then narrower, p still normalised on it,
 * and every configuration of it has a preimage.
 *
 * What is known so far, the belief, is of use to a network: numbers that say of every site of the shared
 * rows, now and when the present row of windows began, whether it is known to be upper (1), lower (-1), or is not known
 * (0), the same of the sites that columns began with where those are followed, and which numbers of upper sites are
 * possible (1 or 0) in the columns that the window shares with those before it in its row. For 2 x 2 windows with
 * stride 1 the first are the last row of sites: all that the next site depends on, in a model of nearest neighbours but
 * for the first row of a periodic lattice. They stand in one of three places, zeros in the others, so that the network
 * has weights of its own (heads) for three tasks: up to two values are allowed; more are, but the columns that are
 * shared have a known number; that number is not known, and possibilities have to be weighed.
 * Local; only create can fail. */
#ifndef NNSM_LATTICE_SUPPORT_H
#define NNSM_LATTICE_SUPPORT_H

#include "lattice/window.h"

enum { NNSM_SUPPORT_HEADS = 3, NNSM_SUPPORT_FEATURES = 1 << 12 };

typedef struct nnsm_support nnsm_support;
typedef struct nnsm_support_stream nnsm_support_stream;

/* window is copied; shared by all streams. NNSM_USAGE where nnsm_preimage_create would refuse, for windows that do not
 * overlap or have more than 31 sites, and for more than NNSM_SUPPORT_FEATURES beliefs. The caller owns *out. */
nnsm_status nnsm_support_create(nnsm_support **out, const nnsm_window *window, nnsm_error *error);
void nnsm_support_destroy(nnsm_support *support);

/* Beliefs a window. */
size_t nnsm_support_beliefs(const nnsm_support *support);

/* support is borrowed. A stream is of no use before it begins. */
nnsm_status nnsm_support_stream_create(nnsm_support_stream **out, const nnsm_support *support, nnsm_error *error);
void nnsm_support_stream_destroy(nnsm_support_stream *stream);

/* Before the first window. */
void nnsm_support_begin(nnsm_support_stream *stream);

/* The next window: the set of its allowed values, bit U; belief: out, [beliefs], or NULL. Once a window. */
uint32_t nnsm_support_next(nnsm_support_stream *stream, float *belief);

/* Its value. False where it is not allowed; all is lost then until the next begin. */
bool nnsm_support_take(nnsm_support_stream *stream, size_t upper);

/* All of it for one configuration. upper: in, [windows] U; allowed: out, [windows]; belief: out, [windows][beliefs], or
 * NULL. False where the configuration is outside of the support; allowed is 0 from the first impossible window on, and
 * so is belief behind it. */
bool nnsm_support_follow(nnsm_support_stream *stream, const int8_t *upper, uint32_t *allowed, float *belief);

#endif
