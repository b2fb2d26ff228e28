#include "lattice/support_find.h"

#include <string.h>

#include "base/memory.h"
#include "lattice/support_state.h"

struct nnsm_support_finder {
    const nnsm_support *support;
    nnsm_support_stream *stream;
    nnsm_trellis *began; /* [rows + 1][strips] where a row begins, and at the end */
    uint64_t *target;    /* [columns][words] one symbol each: how the row being undone ends */
};

nnsm_status nnsm_support_finder_create(nnsm_support_finder **out, const nnsm_support *support, nnsm_error *error)
{
    const nnsm_support *s = support;
    nnsm_support_finder *f = NULL;
    *out = NULL;
    nnsm_status status = NNSM_NEW(&f, 1, "search for sites", error);
    if (status)
        return status;
    f->support = s;
    status = nnsm_support_stream_create(&f->stream, s, error);
    if (!status)
        status = NNSM_NEW(&f->began, (s->rows + 1) * s->strips, "search for sites", error);
    for (size_t i = 0; i < (s->rows + 1) * s->strips && !status; i++)
        status = nnsm_trellis_create(&f->began[i], s->strip_columns, s->words, error);
    if (!status)
        status = NNSM_NEW(&f->target, s->columns * s->words, "search for sites", error);
    if (status)
        nnsm_support_finder_destroy(f);
    else
        *out = f;
    return status;
}

void nnsm_support_finder_destroy(nnsm_support_finder *finder)
{
    nnsm_support_finder *f = finder;
    if (!f)
        return;
    for (size_t i = 0; f->began && i < (f->support->rows + 1) * f->support->strips; i++)
        nnsm_trellis_destroy(&f->began[i]);
    nnsm_support_stream_destroy(f->stream);
    nnsm_release(f->began);
    nnsm_release(f->target);
    nnsm_release(f);
}

/* ---- forward */

/* False where there is no memory. */
static bool keep(nnsm_support_finder *f, size_t row)
{
    bool kept = true;
    for (size_t i = 0; i < f->support->strips; i++)
        kept = kept && nnsm_trellis_copy(&f->began[row * f->support->strips + i], &f->stream->now[i]);
    return kept;
}

static nnsm_support_found forward(nnsm_support_finder *f, const int8_t *upper)
{
    nnsm_support_stream *t = f->stream;
    const nnsm_support *s = f->support;
    nnsm_support_begin(t);
    bool room = keep(f, 0);
    for (size_t w = 0; w < s->window.sites; w++) {
        (void)nnsm_support_next(t, NULL);
        if (!nnsm_support_take(t, (size_t)upper[w]))
            return t->narrowed || t->unreduced ? NNSM_SUPPORT_NO_ROOM : NNSM_SUPPORT_NONE;
        if (t->window == 0)
            room = room && keep(f, t->row);
    }
    return room ? NNSM_SUPPORT_FOUND : NNSM_SUPPORT_NO_ROOM;
}

/* ---- back */

static void aim(nnsm_support_finder *f, size_t column, size_t start, size_t pattern)
{
    size_t bit = start * f->support->patterns + pattern, words = f->support->words;
    memset(f->target + column * words, 0, words * sizeof *f->target);
    f->target[column * words + bit / 64] = UINT64_C(1) << bit % 64;
}

static size_t bit_of(uint64_t bits, bool last)
{
    return last ? 63 - (size_t)__builtin_clzll(bits) : (size_t)__builtin_ctzll(bits);
}

/* The first symbol of a set, or its last one. */
static size_t symbol_of(const uint64_t *set, size_t words, bool last)
{
    size_t i = last ? words - 1 : 0;
    while (!set[i])
        i = last ? i - 1 : i + 1;
    return 64 * i + bit_of(set[i], last);
}

/* How everything ends. */
static void aim_at_end(nnsm_support_finder *f, bool last)
{
    const nnsm_support *s = f->support;
    for (size_t i = 0; i < s->strips; i++) {
        const nnsm_trellis *end = &f->began[s->rows * s->strips + i];
        for (size_t j = 0, node = 0; j < s->strip_columns; j++) {
            int32_t edge = last ? end->edge[node + 1] - 1 : end->edge[node];
            size_t symbol = symbol_of(end->set + (size_t)edge * s->words, s->words, last);
            aim(f, i * s->strip_columns + j, symbol / s->patterns, symbol % s->patterns);
            node = (size_t)end->target[edge];
        }
    }
}

static void put(const nnsm_support *s, size_t row, size_t column, size_t bit, int8_t *states)
{
    states[row % s->row_sites * s->columns + column] = bit & 1 ? 1 : -1;
}

/* One column of a row, with u upper sites: what it began with, from `set`, and its new sites. */
static void undo_column(nnsm_support_finder *f, size_t row, size_t column, const uint64_t *set, size_t u, bool last,
                        int8_t *states)
{
    const nnsm_support *s = f->support;
    size_t symbol = symbol_of(f->target + column * s->words, s->words, false);
    size_t start = symbol / s->patterns, to = symbol % s->patterns, all = (size_t)1 << s->stride1;
    uint64_t froms = 0, news = 0;
    for (uint64_t rest = nnsm_support_block(s, set, start); rest; rest &= rest - 1)
        froms |= rest & -rest & (s->to[u][__builtin_ctzll(rest)] >> to & 1 ? UINT64_MAX : 0);
    size_t from = bit_of(froms, last), fresh = 0;
    for (size_t n = 0; n < all && !(news && !last); n++)
        if ((((from << s->stride1) | n) & (s->patterns - 1)) == to &&
            nnsm_window_ones(from) + nnsm_window_ones(n) == u) {
            news = 1;
            fresh = n;
        }
    for (size_t k = 0; k < s->stride1; k++)
        put(s, row * s->stride1 + s->shared + k, column, fresh >> (s->stride1 - 1 - k), states);
    for (size_t k = 0; k < s->shared && row == 0; k++)
        put(s, k, column, from >> (s->shared - 1 - k), states);
    aim(f, column, start, from);
}

/* A way through the draft of a strip, which has one. */
static void undo_strip(nnsm_support_finder *f, size_t row, size_t strip, bool last, int8_t *states)
{
    const nnsm_support *s = f->support;
    const nnsm_trellis *draft = &f->stream->draft, *now = &f->stream->now[strip];
    for (size_t j = 0, node = 0; j < s->strip_columns; j++) {
        int32_t edge = last ? draft->edge[node + 1] - 1 : draft->edge[node];
        while (draft->dead[draft->target[edge]])
            edge += last ? -1 : 1;
        undo_column(f, row, strip * s->strip_columns + j, now->set + (size_t)draft->origin[edge] * s->words,
                    (size_t)draft->upper[edge], last, states);
        node = (size_t)draft->target[edge];
    }
}

/* False where there was no room. */
static bool undo_row(nnsm_support_finder *f, const int8_t *upper, size_t row, bool last, int8_t *states)
{
    const nnsm_support *s = f->support;
    nnsm_support_stream *t = f->stream;
    t->row = row;
    for (size_t i = 0; i < s->strips; i++)
        if (!nnsm_trellis_copy(&t->now[i], &f->began[row * s->strips + i]))
            return false;
    for (t->window = 0; t->window < s->across; t->window++) {
        t->target = f->target + (s->strips > 1 ? t->window * s->strip_columns * s->words : 0);
        (void)nnsm_support_next(t, NULL);
        bool any = nnsm_support_draft(t, (size_t)upper[row * s->across + t->window]);
        t->target = NULL;
        if (!any)
            return false;
        if (s->strips > 1 || t->window + 1 == s->across)
            undo_strip(f, row, s->strips > 1 ? t->window : 0, last, states);
    }
    return true;
}

static bool back(nnsm_support_finder *f, const int8_t *upper, bool last, int8_t *states)
{
    aim_at_end(f, last);
    for (size_t r = f->support->rows; r-- > 0;)
        if (!undo_row(f, upper, r, last, states))
            return false;
    return true;
}

nnsm_support_found nnsm_support_find(nnsm_support_finder *finder, const int8_t *upper, int8_t *first, int8_t *last,
                                     bool *sure)
{
    nnsm_support_found found = forward(finder, upper);
    *sure = !finder->stream->narrowed && !finder->stream->unreduced;
    if (found == NNSM_SUPPORT_FOUND && (!back(finder, upper, false, first) || !back(finder, upper, true, last)))
        return NNSM_SUPPORT_NO_ROOM;
    return found;
}
