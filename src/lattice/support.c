#include <string.h>

#include "base/memory.h"
#include "lattice/support_state.h"

/* ---- creation */

nnsm_status nnsm_support_stream_create(nnsm_support_stream **out, const nnsm_support *support, nnsm_error *error)
{
    const nnsm_support *s = support;
    nnsm_support_stream *t = NULL;
    *out = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "support of sums", error);
    if (status)
        return status;
    t->support = s;
    status = NNSM_NEW(&t->now, s->strips, "support of sums", error);
    for (size_t i = 0; i < s->strips && !status; i++)
        status = nnsm_trellis_create(&t->now[i], s->strip_columns, s->words, error);
    if (!status)
        status = nnsm_trellis_create(&t->draft, s->strip_columns, s->words, error);
    if (!status)
        status = nnsm_trellis_reducer_create(&t->reducer, s->strip_columns, s->words, error);
    if (!status)
        status = NNSM_NEW(&t->above, s->columns * s->shared + 1, "support of sums", error);
    if (!status)
        status = NNSM_NEW(&t->known, 2 * s->columns * s->shared + 1, "support of sums", error);
    if (status)
        nnsm_support_stream_destroy(t);
    else
        *out = t;
    return status;
}

void nnsm_support_stream_destroy(nnsm_support_stream *stream)
{
    nnsm_support_stream *t = stream;
    if (!t)
        return;
    for (size_t i = 0; t->now && i < t->support->strips; i++)
        nnsm_trellis_destroy(&t->now[i]);
    nnsm_trellis_destroy(&t->draft);
    nnsm_trellis_reducer_destroy(t->reducer);
    nnsm_release(t->now);
    nnsm_release(t->sums);
    nnsm_release(t->after);
    nnsm_release(t->can);
    nnsm_release(t->made);
    nnsm_release(t->above);
    nnsm_release(t->known);
    nnsm_release(t->reached);
    nnsm_release(t);
}

/* ---- columns */

void nnsm_support_begin(nnsm_support_stream *stream)
{
    const nnsm_support *s = stream->support;
    uint64_t any[NNSM_TRELLIS_WORDS] = {0};
    stream->row = stream->window = stream->done = 0;
    stream->known_from = 0;
    stream->known_to = s->columns;
    stream->narrowed = stream->unreduced = false;
    for (size_t b = 0; b < s->patterns; b++) { /* every pattern is its own start */
        size_t bit = (s->tracked ? b * s->patterns : 0) + b;
        any[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    for (size_t i = 0; i < s->strips; i++) {
        nnsm_trellis *now = &stream->now[i];
        nnsm_trellis_clear(now);
        for (size_t j = 0; j <= s->strip_columns; j++) { /* there is room for these */
            (void)nnsm_trellis_add_node(now, 0);
            nnsm_trellis_close_level(now, j);
            nnsm_trellis_begin_edges(now, j);
            if (j < s->strip_columns)
                (void)nnsm_trellis_add_edge(now, (int32_t)j + 1, any);
        }
    }
}

/* Sites of the present row of windows that came around to the first ones. */
static size_t came_around(const nnsm_support *s, size_t row)
{
    size_t end = row * s->stride1 + s->size1;
    return s->window.periodic && end > s->row_sites ? end - s->row_sites : 0;
}

/* A column's set after u upper sites in the present row; false where nothing is left. */
static bool advance(const nnsm_support *s, const uint64_t *set, size_t u, size_t around, const uint64_t *target,
                    uint64_t *out)
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
        out[start * s->patterns / 64] |= block << start * s->patterns % 64;
    }
    for (size_t i = 0; i < s->words; i++)
        any |= out[i] &= target ? target[i] : UINT64_MAX;
    return any != 0;
}

/* Columns of its strip that the windows of a row have up to this one. */
static size_t columns_up_to(const nnsm_support *s, size_t window)
{
    size_t end = s->strips > 1 ? s->size2 : window * s->stride2 + s->size2;
    return end < s->strip_columns ? end : s->strip_columns;
}

/* ---- which sums are allowed */

static bool room_for(nnsm_support_stream *t, const nnsm_trellis *now)
{
    if (now->node_room > t->node_room) {
        nnsm_release(t->sums);
        nnsm_release(t->reached);
        t->sums = NULL;
        t->reached = NULL;
        t->node_room = 0;
        if (!NNSM_TAKE(&t->sums, now->node_room, "support of sums") ||
            !NNSM_TAKE(&t->reached, now->node_room, "support of sums"))
            return false;
        t->node_room = now->node_room;
    }
    if (now->edge_room <= t->edge_room)
        return true;
    nnsm_release(t->can);
    nnsm_release(t->made);
    t->can = t->made = NULL;
    t->edge_room = 0;
    if (!NNSM_TAKE(&t->can, now->edge_room, "support of sums") ||
        !NNSM_TAKE(&t->made, now->edge_room, "support of sums"))
        return false;
    t->edge_room = now->edge_room;
    return true;
}

/* The numbers of upper sites that a column with this set can have in the present row, bit u. */
static uint16_t possible(const nnsm_support_stream *t, size_t column, const uint64_t *set, size_t around)
{
    const nnsm_support *s = t->support;
    uint64_t ignored[NNSM_TRELLIS_WORDS];
    uint32_t all = 0;
    for (size_t u = 0; u <= s->size1 && t->target; u++)
        all |= (uint32_t)advance(s, set, u, around, t->target + column * s->words, ignored) << u;
    for (size_t start = 0; start < s->starts && !t->target; start++)
        for (uint64_t rest = nnsm_support_block(s, set, start); rest; rest &= rest - 1)
            all |= s->can[around][around ? start : 0][__builtin_ctzll(rest)];
    return (uint16_t)all;
}

/* Sums of a number of each set. */
static uint64_t sums_of(uint64_t a, uint32_t b)
{
    uint64_t all = 0;
    for (; b; b &= b - 1)
        all |= a << __builtin_ctz(b);
    return all;
}

/* sums and can of the new columns up to end, from there back. */
static void look_ahead(nnsm_support_stream *t, const nnsm_trellis *now, size_t end)
{
    size_t around = came_around(t->support, t->row);
    for (int32_t n = now->level[end]; n < now->level[end + 1]; n++)
        t->sums[n] = 1;
    for (size_t j = end; j-- > t->done;)
        for (int32_t n = now->level[j]; n < now->level[j + 1]; n++) {
            t->sums[n] = 0;
            for (int32_t e = now->edge[n]; e < now->edge[n + 1]; e++) {
                t->can[e] = possible(t, j, now->set + (size_t)e * now->words, around);
                t->sums[n] |= sums_of(t->sums[now->target[e]], t->can[e]);
            }
        }
}

static void begin_row(nnsm_support_stream *t)
{
    t->done = 0;
    nnsm_trellis_clear(&t->draft);
    (void)nnsm_trellis_add_node(&t->draft, 0);
    t->draft.from[0] = 0;
    memset(t->draft.key, 0, NNSM_TRELLIS_KEY * sizeof *t->draft.key);
    nnsm_trellis_close_level(&t->draft, 0);
}

uint32_t nnsm_support_next(nnsm_support_stream *stream, float *belief)
{
    nnsm_support_stream *t = stream;
    const nnsm_support *s = t->support;
    const nnsm_trellis *now = nnsm_support_now(t);
    uint64_t allowed = 0;
    if (s->strips > 1 || t->window == 0)
        begin_row(t);
    if (!room_for(t, now)) {
        t->narrowed = true;
        if (belief)
            memset(belief, 0, s->beliefs * sizeof *belief);
        return 0;
    }
    if (belief && t->window == 0)
        nnsm_support_remember(t);
    if (belief)
        nnsm_support_believe(t, belief);
    look_ahead(t, now, columns_up_to(s, t->window));
    for (size_t n = nnsm_support_cut(t); n < t->draft.nodes; n++)
        if (!t->draft.dead[n])
            allowed |= t->sums[t->draft.from[n]] << nnsm_support_open_sum(t, n);
    if (belief)
        nnsm_support_place(s, (uint32_t)allowed, belief);
    return (uint32_t)allowed;
}

/* ---- taking one */

/* The set of an edge of now after u upper sites, of all of this level. */
static const uint64_t *after(nnsm_support_stream *t, const nnsm_trellis *now, size_t column, size_t edge, size_t u)
{
    const nnsm_support *s = t->support;
    size_t first = (size_t)now->edge[now->level[column]];
    uint64_t *set = t->after + ((edge - first) * (s->size1 + 1) + u) * s->words;
    if (!(t->made[edge] >> u & 1))
        (void)advance(s, now->set + edge * s->words, u, came_around(s, t->row),
                      t->target ? t->target + column * s->words : NULL, set);
    t->made[edge] |= (uint16_t)(1 << u);
    return set;
}

/* Nothing of a level's edges is there yet. False: no room. */
static bool prepare_after(nnsm_support_stream *t, const nnsm_trellis *now, size_t column)
{
    size_t first = (size_t)now->edge[now->level[column]], end = (size_t)now->edge[now->level[column + 1]];
    size_t need = (end - first) * (t->support->size1 + 1) * t->support->words;
    memset(t->made + first, 0, (end - first) * sizeof *t->made);
    if (need <= t->after_room)
        return true;
    nnsm_release(t->after);
    t->after = NULL;
    t->after_room = 0;
    if (!NNSM_TAKE(&t->after, 2 * need, "support of sums"))
        return false;
    t->after_room = 2 * need;
    return true;
}

/* The node of the draft's open level that came from there, with these sums. -1: no room. */
static int32_t node_of(nnsm_trellis *draft, int32_t from, const uint64_t *key)
{
    uint64_t hash = nnsm_trellis_mix(1, (uint64_t)from), slot = UINT64_MAX;
    for (size_t i = 0; i < NNSM_TRELLIS_KEY; i++)
        hash = nnsm_trellis_mix(hash, key[i]);
    for (int32_t n; (n = nnsm_trellis_probe(draft, hash, &slot)) >= 0;)
        if (draft->from[n] == from &&
            memcmp(draft->key + (size_t)n * NNSM_TRELLIS_KEY, key, NNSM_TRELLIS_KEY * sizeof *key) == 0)
            return n;
    int32_t n = nnsm_trellis_add_node(draft, hash);
    if (n < 0)
        return -1;
    draft->from[n] = from;
    memcpy(draft->key + (size_t)n * NNSM_TRELLIS_KEY, key, NNSM_TRELLIS_KEY * sizeof *key);
    return n;
}

/* All u of one more column with which the window can have its sum. */
static void extend_node(nnsm_support_stream *t, const nnsm_trellis *now, size_t node, size_t column, size_t end,
                        size_t upper)
{
    nnsm_trellis *draft = &t->draft;
    size_t sum = nnsm_support_open_sum(t, node), from = (size_t)draft->from[node];
    size_t place = nnsm_support_place_of(t->support, t->support->strips > 1 ? 0 : t->window);
    const uint64_t *touched = t->support->touched + column * NNSM_TRELLIS_KEY;
    for (int32_t e = now->edge[from]; e < now->edge[from + 1]; e++)
        for (uint32_t rest = t->can[e]; rest; rest &= rest - 1) {
            size_t u = (size_t)__builtin_ctz(rest);
            if (sum + u > upper || !(t->sums[now->target[e]] >> (upper - sum - u) & 1))
                continue;
            uint64_t key[NNSM_TRELLIS_KEY];
            memcpy(key, draft->key + node * NNSM_TRELLIS_KEY, sizeof key);
            for (size_t i = 0; i < NNSM_TRELLIS_KEY; i++)
                key[i] += u * touched[i];
            if (column + 1 == end) /* its sum is upper */
                ((uint8_t *)key)[place] = 0;
            int32_t to = node_of(draft, now->target[e], key);
            int32_t edge = to < 0 ? -1 : nnsm_trellis_add_edge(draft, to, after(t, now, column, (size_t)e, u));
            t->narrowed = t->narrowed || edge < 0;
            if (edge < 0)
                continue;
            draft->origin[edge] = e;
            draft->upper[edge] = (int8_t)u;
        }
}

static void extend(nnsm_support_stream *t, const nnsm_trellis *now, size_t column, size_t end, size_t upper)
{
    nnsm_trellis *draft = &t->draft;
    bool room = prepare_after(t, now, column);
    t->narrowed = t->narrowed || !room;
    for (int32_t n = draft->level[column]; n < draft->level[column + 1]; n++) {
        nnsm_trellis_begin_edges(draft, (size_t)n);
        if (!draft->dead[n] && room)
            extend_node(t, now, (size_t)n, column, end, upper);
    }
    nnsm_trellis_end_edges(draft);
    nnsm_trellis_close_level(draft, column + 1);
}

/* The window's columns are all done: what has another sum is dead. */
static void choose(nnsm_support_stream *t, size_t upper)
{
    for (size_t n = nnsm_support_cut(t); n < t->draft.nodes; n++)
        if (nnsm_support_open_sum(t, n) != upper)
            t->draft.dead[n] = 1;
}

/* What is known changes in these columns of the present strip. */
static void renew(nnsm_support_stream *t, size_t from, size_t to)
{
    size_t strip = t->support->strips > 1 ? t->window * t->support->strip_columns : 0;
    bool none = t->known_from >= t->known_to;
    t->known_from = none || strip + from < t->known_from ? strip + from : t->known_from;
    t->known_to = none || strip + to > t->known_to ? strip + to : t->known_to;
}

bool nnsm_support_draft(nnsm_support_stream *stream, size_t upper)
{
    nnsm_support_stream *t = stream;
    const nnsm_trellis *now = nnsm_support_now(t);
    size_t end = columns_up_to(t->support, t->window), before = t->done;
    if (now->node_room > t->node_room || now->edge_room > t->edge_room)
        return false; /* nnsm_support_next had no room */
    if (end == before)
        choose(t, upper);
    for (; t->done < end; t->done++)
        extend(t, now, t->done, end, upper);
    size_t changed = nnsm_trellis_bury(&t->draft, end, before), last = t->support->strip_columns;
    changed = changed < before ? changed : before;
    bool later = now->nodes - (size_t)now->level[end] > last + 1 - end; /* depends on the columns before */
    renew(t, changed > 0 ? changed - 1 : 0, later ? last : end);
    return !t->draft.dead[0];
}

bool nnsm_support_take(nnsm_support_stream *stream, size_t upper)
{
    nnsm_support_stream *t = stream;
    const nnsm_support *s = t->support;
    bool any = nnsm_support_draft(t, upper);
    if (any && (s->strips > 1 || t->window + 1 == s->across) &&
        !nnsm_trellis_reduce(t->reducer, &t->draft, nnsm_support_now(t))) {
        t->unreduced = true;
        renew(t, 0, s->strip_columns);
    }
    if (++t->window == s->across) {
        t->window = t->done = 0;
        t->row++;
    }
    return any;
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
