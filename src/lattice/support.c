#include <string.h>

#include "base/memory.h"
#include "lattice/support_state.h"

enum { LEAST = 32, ROOM = 1 << 20 }; /* hypotheses on very large lattices; bytes for those of a strip */

/* ---- creation */

static void fill_tables(nnsm_support *s)
{
    size_t fresh = (size_t)1 << s->stride1;
    for (size_t from = 0; from < s->patterns; from++) {
        for (size_t n = 0; n < fresh; n++)
            s->to[nnsm_window_ones(from) + nnsm_window_ones(n)][from] |=
                UINT64_C(1) << ((from << s->stride1 | n) & (s->patterns - 1));
        for (size_t b = 0; b < s->shared; b++)
            s->upper[b] |= (uint64_t)(from >> b & 1) << from;
    }
    for (size_t around = 0; s->window.periodic && around <= s->shared; around++)
        for (size_t start = 0; start < s->patterns; start++)
            for (size_t p = 0; p < s->patterns; p++)
                if ((p & (((size_t)1 << around) - 1)) == start >> (s->shared - around))
                    s->agree[around][start] |= UINT64_C(1) << p;
}

static void measure(nnsm_support *s)
{
    const nnsm_window *w = &s->window;
    s->rows = (size_t)w->extent[0];
    s->row_sites = (size_t)w->below[0];
    s->size1 = (size_t)w->size[0];
    s->stride1 = s->rows == 1 && !w->periodic ? s->size1 : (size_t)w->stride[0];
    s->across = (size_t)w->extent[1];
    s->columns = (size_t)w->below[1];
    s->size2 = (size_t)w->size[1];
    s->stride2 = (size_t)w->stride[1];
    s->shared = s->size1 - s->stride1;
    s->patterns = (size_t)1 << s->shared;
    s->tracked = w->periodic || s->shared <= 3;
    s->starts = s->tracked ? s->patterns : 1;
    s->words = (s->starts * s->patterns + 63) / 64;
    bool decouple = s->stride2 == s->size2;
    s->strips = decouple ? s->across : 1;
    s->strip_columns = decouple ? s->size2 : s->columns;
    size_t bytes = s->strip_columns * (8 * s->words + 1) + 8;
    s->most = ROOM / bytes < LEAST ? LEAST : ROOM / bytes < NNSM_SUPPORT_MOST ? ROOM / bytes : NNSM_SUPPORT_MOST;
    s->beliefs = NNSM_SUPPORT_HEADS * (s->columns * s->shared * (s->tracked ? 3 : 2) + (size_t)w->volume + 1);
}

nnsm_status nnsm_support_create(nnsm_support **out, const nnsm_window *window, nnsm_error *error)
{
    nnsm_support *s = NULL;
    *out = NULL;
    if (!nnsm_window_overlaps(window))
        return nnsm_fail(error, NNSM_USAGE,
                         "windows that do not overlap allow every sum; take window.route = \"plain\"");
    nnsm_status status = nnsm_preimage_check(window, error);
    if (!status)
        status = NNSM_NEW(&s, 1, "support of sums", error);
    if (status)
        return status;
    s->window = *window;
    measure(s);
    fill_tables(s);
    if (s->beliefs > NNSM_SUPPORT_FEATURES) {
        nnsm_release(s);
        return nnsm_fail(error, NNSM_USAGE,
                         "too many sites are shared by rows of windows; take window.route = \"plain\"");
    }
    *out = s;
    return NNSM_OK;
}

void nnsm_support_destroy(nnsm_support *support)
{
    nnsm_release(support);
}

const nnsm_window *nnsm_support_window(const nnsm_support *support)
{
    return &support->window;
}

size_t nnsm_support_beliefs(const nnsm_support *support)
{
    return support->beliefs;
}

static nnsm_status create_pool(const nnsm_support *s, nnsm_support_pool *pool, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&pool->set, s->most * nnsm_support_set_words(s), "support of sums", error);
    if (!status)
        status = NNSM_NEW(&pool->hash, s->most, "support of sums", error);
    if (!status)
        status = NNSM_NEW(&pool->u, s->most * s->strip_columns, "support of sums", error);
    return status;
}

static void destroy_pool(nnsm_support_pool *pool)
{
    nnsm_release(pool->set);
    nnsm_release(pool->hash);
    nnsm_release(pool->u);
}

nnsm_status nnsm_support_stream_create(nnsm_support_stream **out, const nnsm_support *support, nnsm_error *error)
{
    nnsm_support_stream *t = NULL;
    *out = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "support of sums", error);
    if (status)
        return status;
    t->support = support;
    status = NNSM_NEW(&t->now, support->strips, "support of sums", error);
    for (size_t i = 0; i < support->strips && !status; i++)
        status = create_pool(support, &t->now[i], error);
    if (!status)
        status = create_pool(support, &t->next, error);
    if (!status)
        status = NNSM_NEW(&t->above, support->columns * support->shared + 1, "support of sums", error);
    if (status)
        nnsm_support_stream_destroy(t);
    else
        *out = t;
    return status;
}

void nnsm_support_stream_destroy(nnsm_support_stream *stream)
{
    if (!stream)
        return;
    for (size_t i = 0; stream->now && i < stream->support->strips; i++)
        destroy_pool(&stream->now[i]);
    destroy_pool(&stream->next);
    nnsm_release(stream->now);
    nnsm_release(stream->above);
    nnsm_release(stream);
}

/* ---- hypotheses */

void nnsm_support_begin(nnsm_support_stream *stream)
{
    const nnsm_support *s = stream->support;
    stream->row = stream->window = stream->done = 0;
    for (size_t i = 0; i < s->strips; i++) {
        nnsm_support_pool *pool = &stream->now[i];
        pool->count = 1;
        memset(pool->set, 0, nnsm_support_set_words(s) * sizeof *pool->set);
        for (size_t j = 0; j < s->strip_columns; j++)
            for (size_t b = 0; b < s->patterns; b++) { /* every pattern is its own start */
                size_t bit = (s->tracked ? b * s->patterns : 0) + b;
                pool->set[j * s->words + bit / 64] |= UINT64_C(1) << bit % 64;
            }
    }
}

/* A column's set after u upper sites in the present row; false where nothing is left. */
static bool advance(const nnsm_support *s, const uint64_t *set, size_t u, size_t around, uint64_t *out)
{
    uint64_t any = 0;
    for (size_t i = 0; i < s->words; i++)
        out[i] = 0;
    for (size_t start = 0; start < s->starts; start++) {
        uint64_t block = 0;
        for (uint64_t rest = nnsm_support_block(s, set, start); rest; rest &= rest - 1)
            block |= s->to[u][__builtin_ctzll(rest)];
        if (around)
            block &= s->agree[around][start];
        any |= block;
        out[start * s->patterns / 64] |= block << start * s->patterns % 64;
    }
    return any != 0;
}

/* Sites of the present row of windows that came around to the first ones. */
static size_t came_around(const nnsm_support *s, size_t row)
{
    size_t end = row * s->stride1 + s->size1;
    return s->window.periodic && end > s->row_sites ? end - s->row_sites : 0;
}

static void copy(const nnsm_support *s, const nnsm_support_pool *from, size_t h, nnsm_support_pool *to, size_t g)
{
    size_t words = nnsm_support_set_words(s);
    memmove(to->set + g * words, from->set + h * words, words * sizeof *to->set);
    memmove(to->u + g * s->strip_columns, from->u + h * s->strip_columns, s->strip_columns);
}

/* All u of one more column of the present row. */
static void extend(nnsm_support_stream *t, nnsm_support_pool *now, size_t column)
{
    const nnsm_support *s = t->support;
    nnsm_support_pool *next = &t->next;
    size_t words = nnsm_support_set_words(s), around = came_around(s, t->row);
    uint64_t set[4];
    next->count = 0;
    for (size_t h = 0; h < now->count; h++)
        for (size_t u = 0; u <= s->size1 && next->count < s->most; u++)
            if (advance(s, now->set + h * words + column * s->words, u, around, set)) {
                size_t g = next->count++;
                copy(s, now, h, next, g);
                memcpy(next->set + g * words + column * s->words, set, s->words * sizeof *set);
                next->u[g * s->strip_columns + column] = (int8_t)u;
            }
    nnsm_support_pool swap = *now;
    *now = *next;
    *next = swap;
}

/* Columns of its strip that the windows of a row have up to this one. */
static size_t columns_up_to(const nnsm_support *s, size_t window)
{
    size_t end = s->strips > 1 ? s->size2 : window * s->stride2 + s->size2;
    return end < s->strip_columns ? end : s->strip_columns;
}

static nnsm_support_pool *pool_of(const nnsm_support_stream *t, size_t window)
{
    return &t->now[t->support->strips > 1 ? window : 0];
}

/* ---- the stream */

uint32_t nnsm_support_next(nnsm_support_stream *stream, float *belief)
{
    nnsm_support_stream *t = stream;
    const nnsm_support *s = t->support;
    nnsm_support_pool *now = pool_of(t, t->window);
    uint32_t allowed = 0;
    if (s->strips > 1)
        t->done = 0;
    if (belief && t->window == 0)
        nnsm_support_remember(t);
    if (belief)
        nnsm_support_believe(t, now, belief);
    for (size_t end = columns_up_to(s, t->window); t->done < end; t->done++)
        extend(t, now, t->done);
    for (size_t h = 0; h < now->count; h++)
        allowed |= UINT32_C(1) << nnsm_support_sum(t, now->u + h * s->strip_columns);
    if (belief)
        nnsm_support_place(s, allowed, belief);
    return allowed;
}

/* Columns whose u no later window of the row sees are set to 0, so that hypotheses can be compared. */
static void forget(const nnsm_support_stream *t, int8_t *u)
{
    const nnsm_support *s = t->support;
    size_t next = t->window + 1;
    if (s->strips > 1 || next == s->across) {
        memset(u, 0, s->strip_columns);
        return;
    }
    size_t last = (s->across - 1) * s->stride2 + s->size2; /* beyond the columns: the first ones are seen again */
    size_t again = last > s->strip_columns ? last - s->strip_columns : 0;
    for (size_t j = again; j < next * s->stride2 && j < s->strip_columns; j++)
        u[j] = 0;
}

static uint64_t hash_of(const nnsm_support *s, const nnsm_support_pool *pool, size_t h)
{
    uint64_t hash = 1;
    size_t words = nnsm_support_set_words(s);
    for (size_t i = 0; i < words; i++)
        hash = (hash ^ pool->set[h * words + i]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
    for (size_t j = 0; j < s->strip_columns; j++)
        hash = (hash ^ (uint64_t)pool->u[h * s->strip_columns + j]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash;
}

static bool is_new(const nnsm_support *s, const nnsm_support_pool *pool, size_t h)
{
    size_t words = nnsm_support_set_words(s);
    for (size_t g = 0; g < h; g++)
        if (pool->hash[g] == pool->hash[h] &&
            memcmp(pool->set + g * words, pool->set + h * words, words * sizeof *pool->set) == 0 &&
            memcmp(pool->u + g * s->strip_columns, pool->u + h * s->strip_columns, s->strip_columns) == 0)
            return false;
    return true;
}

bool nnsm_support_take(nnsm_support_stream *stream, size_t upper)
{
    nnsm_support_stream *t = stream;
    const nnsm_support *s = t->support;
    nnsm_support_pool *now = pool_of(t, t->window);
    size_t kept = 0;
    for (size_t h = 0; h < now->count; h++) {
        if (nnsm_support_sum(t, now->u + h * s->strip_columns) != upper)
            continue;
        copy(s, now, h, now, kept);
        forget(t, now->u + kept * s->strip_columns);
        now->hash[kept] = hash_of(s, now, kept);
        kept += is_new(s, now, kept);
    }
    now->count = kept;
    if (++t->window == s->across) {
        t->window = t->done = 0;
        t->row++;
    }
    return kept > 0;
}

bool nnsm_support_follow(nnsm_support_stream *stream, const int8_t *upper, uint32_t *allowed, float *belief)
{
    const nnsm_support *s = stream->support;
    size_t windows = s->window.sites, f = s->beliefs;
    nnsm_support_begin(stream);
    for (size_t w = 0; w < windows; w++) {
        allowed[w] = nnsm_support_next(stream, belief ? belief + w * f : NULL);
        if (nnsm_support_take(stream, (size_t)upper[w]))
            continue;
        memset(allowed + w, 0, (windows - w) * sizeof *allowed);
        if (belief)
            memset(belief + (w + 1) * f, 0, (windows - w - 1) * f * sizeof *belief);
        return false;
    }
    return true;
}
