/* support_state.h: what support.c (one stream), support_belief.c (what it knows) and support_path.c (what a chain
 * remembers of its own) share. */
#ifndef NNSM_LATTICE_SUPPORT_STATE_H
#define NNSM_LATTICE_SUPPORT_STATE_H

#include "lattice/preimage_state.h"
#include "lattice/support.h"

struct nnsm_support {
    nnsm_window window;
    size_t rows, row_sites, size1, stride1; /* windows, sites, size and stride down the columns */
    size_t across, columns, size2, stride2; /* the same along a row */
    size_t shared, patterns, starts, words; /* of a column's set: [starts][patterns] bits */
    bool tracked;                           /* starts are followed; else starts = 1 */
    size_t strips, strip_columns, most;     /* streams of their own; hypotheses of each */
    size_t beliefs;
    uint64_t to[NNSM_PREIMAGE_LONGEST + 1][1 << NNSM_PREIMAGE_MOST_SHARED]; /* by u and pattern: patterns after it */
    uint64_t agree[NNSM_PREIMAGE_MOST_SHARED_PERIODIC + 1][1 << NNSM_PREIMAGE_MOST_SHARED_PERIODIC]; /* by sites that
                                                                         came around and start: patterns that agree */
    uint64_t upper[NNSM_PREIMAGE_MOST_SHARED]; /* patterns with that site upper */
};

typedef struct {
    size_t count;
    uint64_t *set, *hash; /* [most][strip_columns][words], [most] */
    int8_t *u;            /* [most][strip_columns] of the present row */
} nnsm_support_pool;

struct nnsm_support_stream {
    const nnsm_support *support;
    size_t row, window, done; /* the next window; columns of its strip that the present row has done */
    nnsm_support_pool *now;   /* [strips] */
    nnsm_support_pool next;
    float *above; /* [columns][shared] what was known of the shared sites when the row began */
};

static inline size_t nnsm_support_set_words(const nnsm_support *s)
{
    return s->strip_columns * s->words;
}

/* Patterns of a column that began with `start`. */
static inline uint64_t nnsm_support_block(const nnsm_support *s, const uint64_t *set, size_t start)
{
    size_t bit = start * s->patterns;
    return s->patterns == 64 ? set[0] : set[bit / 64] >> bit % 64 & ((UINT64_C(1) << s->patterns) - 1);
}

/* Upper sites in the columns of the present window that are done. */
static inline size_t nnsm_support_sum(const nnsm_support_stream *t, const int8_t *u)
{
    const nnsm_support *s = t->support;
    size_t sum = 0, begin = s->strips > 1 ? 0 : t->window * s->stride2;
    for (size_t k = 0; k < s->size2; k++) {
        size_t column = (begin + k) % s->strip_columns;
        sum += column < t->done ? (size_t)u[column] : 0;
    }
    return sum;
}

/* support_belief.c. Before a row's first window: what is known then of the shared sites, into t->above. Local. */
void nnsm_support_remember(nnsm_support_stream *t);

/* What the hypotheses of all strips say together, and those of pool on the windows' shared columns; belief: out, one
 * head's. Local. */
void nnsm_support_believe(const nnsm_support_stream *t, const nnsm_support_pool *pool, float *belief);

/* Beliefs into the place of their head: one value left to weigh against another, more of them, several hypotheses.
 * belief: in and out, [beliefs]. Local. */
void nnsm_support_place(const nnsm_support *s, uint32_t allowed, float *belief);

#endif
