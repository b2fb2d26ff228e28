/* support_state.h: what support_tables.c (the windows), support.c (one stream), support_belief.c (what it knows),
 * support_path.c (what a chain remembers of its own) and support_find.c (the way back to a lattice) share. */
#ifndef NNSM_LATTICE_SUPPORT_STATE_H
#define NNSM_LATTICE_SUPPORT_STATE_H

#include "lattice/preimage_state.h"
#include "lattice/support.h"
#include "lattice/support_trellis.h"

struct nnsm_support {
    nnsm_window window;
    size_t rows, row_sites, size1, stride1; /* windows, sites, size and stride down the columns */
    size_t across, columns, size2, stride2; /* the same along a row */
    size_t shared, patterns, starts, words; /* of a column's set: [starts][patterns] bits */
    bool tracked;                           /* starts are followed; else starts = 1 */
    size_t strips, strip_columns;           /* streams of their own; columns of each */
    size_t wrapped;                         /* first window of a row that ends in its first columns */
    size_t beliefs;
    uint64_t *touched; /* [strip_columns][NNSM_TRELLIS_KEY] bytes of the open sums that a column adds to are 1 */
    uint64_t to[NNSM_PREIMAGE_LONGEST + 1][1 << NNSM_PREIMAGE_MOST_SHARED]; /* by u and pattern: patterns after it */
    uint64_t agree[NNSM_PREIMAGE_MOST_SHARED_PERIODIC + 1][1 << NNSM_PREIMAGE_MOST_SHARED_PERIODIC]; /* by sites that
                                                                         came around and start: patterns that agree */
    uint16_t can[NNSM_PREIMAGE_MOST_SHARED_PERIODIC + 1][1 << NNSM_PREIMAGE_MOST_SHARED_PERIODIC]
                [1 << NNSM_PREIMAGE_MOST_SHARED]; /* by sites that came around, start and pattern: u, bit u */
    uint64_t upper[NNSM_PREIMAGE_MOST_SHARED];    /* patterns with that site upper */
};

/* Sums of the columns that are done in windows that still need them, as bytes: of the last LONGEST windows, and behind
 * them of those that wrap. */
enum { NNSM_SUPPORT_OPEN = 2 * NNSM_PREIMAGE_LONGEST };

struct nnsm_support_stream {
    const nnsm_support *support;
    size_t row, window, done; /* the next window; columns of its strip that the present row has done */
    nnsm_trellis *now;        /* [strips] of patterns, when the present row began */
    nnsm_trellis draft; /* of the columns that are done: patterns after the present row. A node has the node of now
                           that it came from (from), and its open sums (key); an edge has the edge of now (origin)
                           and the upper sites (upper) */
    nnsm_trellis_reducer *reducer;
    uint64_t *sums;  /* by node of now: sums of new columns up to the end of the window, bit U */
    uint64_t *after; /* by edge of now and u: the set after it */
    uint16_t *can;   /* by edge of now: the u, bit u */
    uint16_t *made;  /* those whose set after is there */
    size_t node_room, edge_room, after_room;
    const uint64_t *target; /* [strip_columns][words] sets that the row is to end in, or NULL: any */
    bool narrowed;          /* something had no room since the stream began, and was left out */
    bool unreduced;         /* or could not be reduced */
    float *above;           /* [columns][shared] what was known of the shared sites when the row began */
    float *known;           /* [columns][shared][1, or 2 where starts are followed] what is known of the shared sites */
    size_t known_from, known_to; /* columns of which it is to be found anew */
    uint8_t *reached;            /* by node of now, scratch of beliefs */
};

/* Before the present row: the trellis of the strip that the next window is in. */
static inline nnsm_trellis *nnsm_support_now(const nnsm_support_stream *t)
{
    return &t->now[t->support->strips > 1 ? t->window : 0];
}

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

/* Where the open sum of a window stands in a key. */
static inline size_t nnsm_support_place_of(const nnsm_support *s, size_t window)
{
    return window < s->wrapped ? window % NNSM_PREIMAGE_LONGEST : NNSM_PREIMAGE_LONGEST + window - s->wrapped;
}

/* A node's open sum of the present window. */
static inline size_t nnsm_support_open_sum(const nnsm_support_stream *t, size_t node)
{
    size_t window = t->support->strips > 1 ? 0 : t->window;
    return ((const uint8_t *)(t->draft.key + node * NNSM_TRELLIS_KEY))[nnsm_support_place_of(t->support, window)];
}

/* Nodes of the draft where the columns that are done end. */
static inline size_t nnsm_support_cut(const nnsm_support_stream *t)
{
    return (size_t)t->draft.level[t->done];
}

/* nnsm_support_take without its end: the draft of the row's columns so far. False where the sum is not allowed. Local.
 */
bool nnsm_support_draft(nnsm_support_stream *stream, size_t upper);

/* support_belief.c. Before a row's first window: what is known then of the shared sites, into t->above. Local. */
void nnsm_support_remember(nnsm_support_stream *t);

/* What all strips say together, and that of the next window on its shared columns; belief: out, one head's. Local. */
void nnsm_support_believe(nnsm_support_stream *t, float *belief);

/* Beliefs into the place of their head: two values or fewer, more of them, several shared sums.
 * belief: in and out, [beliefs]. Local. */
void nnsm_support_place(const nnsm_support *s, uint32_t allowed, float *belief);

#endif
