/* support_state.h: what support.c (one stream) and support_path.c (what a chain remembers of its own) share. */
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

#endif
