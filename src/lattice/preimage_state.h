/* preimage_state.h: what the parts of the filter of windows share: preimage_tables.c makes it, preimage.c filters,
 * preimage_back.c finds the way back to a preimage. */
#ifndef NNSM_LATTICE_PREIMAGE_STATE_H
#define NNSM_LATTICE_PREIMAGE_STATE_H

#include "lattice/preimage.h"
#include "lattice/support_find.h"

enum {
    NNSM_PREIMAGE_LONGEST = 12,             /* sites of a window along an axis */
    NNSM_PREIMAGE_MOST_SHARED = 6,          /* sites of a column that two windows share */
    NNSM_PREIMAGE_MOST_SHARED_PERIODIC = 4, /* a vector is then a matrix of patterns */
};

/* A window's stretch of a column with u upper sites leads from pattern `from` to `to` in `ways` ways. */
typedef struct {
    int32_t from, to;
    double ways;
} nnsm_window_step;

typedef struct {
    size_t count;
    double *weight;  /* [most] ways that are common factors of the vectors */
    uint64_t *hash;  /* [most] of the vectors */
    int32_t *parent; /* [most] position in the trail */
    int8_t *upper;   /* [most][columns] u of the present row */
    double *vector;  /* [most][columns][length] ways by pattern (periodic: [first pattern][pattern]) */
} nnsm_hypotheses;

struct nnsm_preimage {
    nnsm_window window;
    bool transposed; /* rows of windows are along axis 1 */
    bool periodic;
    size_t rows, row_sites, size1, stride1; /* windows, sites, size and stride down the columns */
    size_t across, columns, size2, stride2; /* the same along a row */
    size_t shared, patterns, length;
    nnsm_window_step *step; /* by u, from first_step[u] on */
    size_t first_step[NNSM_PREIMAGE_LONGEST + 2];
    int32_t *touching; /* [columns][size2] windows that a column lies in, -1: no more; then [across] scratch */
    uint8_t *live;     /* [columns][columns]: after column j, does u of column i still matter? */
    size_t most;
    nnsm_hypotheses now, next;
    int32_t *slot; /* [slots] hash table of next: position, valid where its stamp is the present one */
    uint32_t *stamp, present;
    size_t slots;
    size_t trail_most, trail; /* hypotheses at the ends of rows */
    int32_t *trail_parent;
    int8_t *trail_upper; /* [trail_most][columns] */
    size_t *left;        /* [rows] hypotheses at the end of a row */
    int8_t *table;       /* [rows][columns] u on the way back */
    uint64_t *reach;     /* [rows + 1] sets of patterns */
    double count;
    bool counted;
    nnsm_support *support; /* for what has no room here; NULL: there is none */
    nnsm_support_finder *finder;
    int8_t *sums, *first, *last; /* [windows], [sites_below] */
};

/* The pattern after `fresh` sites more in a column. */
static inline size_t nnsm_window_follow(const nnsm_preimage *p, size_t pattern, size_t fresh)
{
    return (pattern << p->stride1 | fresh) & (p->patterns - 1);
}

/* Number `k` of the columns of a window. */
static inline size_t nnsm_window_column(const nnsm_preimage *p, size_t window, size_t k)
{
    return (window * p->stride2 + k) % p->columns;
}

static inline size_t nnsm_window_ones(size_t bits)
{
    return (size_t)__builtin_popcountll(bits);
}

/* Lattices of which each column has in every window as many upper sites as in this one, and whether two have.
 * states, a, b: in, [sites_below]. */
double nnsm_preimage_alike(const nnsm_preimage *preimage, const int8_t *states);
bool nnsm_preimage_are_alike(const nnsm_preimage *preimage, const int8_t *a, const int8_t *b);

/* Sum the ways that the hypotheses left have to close, and fill states from the first that has any. */
nnsm_preimages nnsm_preimage_conclude(nnsm_preimage *preimage, int8_t *states);

#endif
