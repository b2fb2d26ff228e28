/* support_belief.c: what a stream knows, for a network (support.h). */
#include <string.h>

#include "lattice/support_state.h"

static float known(uint64_t possible, uint64_t upper)
{
    return possible & upper ? possible & ~upper ? 0.f : 1.f : -1.f;
}

/* Symbols of column j on any path; set: in and out, [words]. */
static void unite(const nnsm_trellis *t, size_t column, const uint8_t *dead, const uint8_t *reached, uint64_t *set)
{
    for (int32_t n = t->level[column]; n < t->level[column + 1]; n++)
        for (int32_t e = t->edge[n]; e < t->edge[n + 1] && (!reached || reached[n]); e++)
            for (size_t i = 0; i < t->words && !(dead && dead[t->target[e]]); i++)
                set[i] |= t->set[(size_t)e * t->words + i];
}

/* Nodes of now behind the columns that are done which agree with these. */
static void reach(const nnsm_support_stream *t, const nnsm_trellis *now)
{
    const nnsm_trellis *draft = &t->draft;
    size_t rest = (size_t)now->level[t->done];
    memset(t->reached + rest, 0, now->nodes - rest);
    for (size_t n = nnsm_support_cut(t); n < draft->nodes; n++)
        t->reached[draft->from[n]] |= !draft->dead[n];
    for (size_t n = rest; n < (size_t)now->level[t->support->strip_columns]; n++)
        for (int32_t e = now->edge[n]; e < now->edge[n + 1] && t->reached[n]; e++)
            t->reached[now->target[e]] = 1;
}

/* What is known of one column: the shared sites now, and those that it began with. */
static void believe_column(const nnsm_support *s, const uint64_t *set, float *belief)
{
    uint64_t now = 0, start = 0;
    for (size_t b = 0; b < s->starts; b++) {
        uint64_t block = nnsm_support_block(s, set, b);
        now |= block;
        start |= (uint64_t)(block != 0) << b;
    }
    for (size_t b = 0; b < s->shared; b++) {
        *belief++ = known(now, s->upper[b]);
        if (s->tracked)
            *belief++ = known(start, s->upper[b]);
    }
}

/* t->known, where it has changed. */
static void refresh(nnsm_support_stream *t)
{
    const nnsm_support *s = t->support;
    bool present = s->strips == 1 && t->done;
    size_t each = s->shared * (s->tracked ? 2 : 1);
    if (present && t->known_to > t->done)
        reach(t, &t->now[0]);
    for (size_t k = t->known_from; k < t->known_to; k++) {
        uint64_t set[NNSM_TRELLIS_WORDS] = {0};
        size_t j = k % s->strip_columns;
        if (present && j < t->done)
            unite(&t->draft, j, t->draft.dead, NULL, set);
        else
            unite(&t->now[k / s->strip_columns], j, NULL, present ? t->reached : NULL, set);
        believe_column(s, set, t->known + k * each);
    }
    t->known_from = t->known_to = 0;
}

void nnsm_support_remember(nnsm_support_stream *t)
{
    const nnsm_support *s = t->support;
    refresh(t);
    for (size_t k = 0; k < s->columns * s->shared; k++)
        t->above[k] = t->known[s->tracked ? 2 * k : k];
}

void nnsm_support_believe(nnsm_support_stream *t, float *belief)
{
    const nnsm_support *s = t->support;
    size_t sites = s->columns * s->shared, size = sites * (s->tracked ? 2 : 1);
    refresh(t);
    memcpy(belief, t->known, size * sizeof *belief);
    memcpy(belief + size, t->above, sites * sizeof *belief);
    memset(belief + size + sites, 0, (s->window.volume + 1) * sizeof *belief);
    for (size_t n = nnsm_support_cut(t); n < t->draft.nodes; n++)
        if (!t->draft.dead[n])
            belief[size + sites + nnsm_support_open_sum(t, n)] = 1;
}

void nnsm_support_place(const nnsm_support *s, uint32_t allowed, float *belief)
{
    size_t size = s->beliefs / NNSM_SUPPORT_HEADS, possible = 0, volume = (size_t)s->window.volume;
    for (size_t k = size - volume - 1; k < size; k++)
        possible += belief[k] > 0;
    size_t head = possible > 1 ? 2 : nnsm_window_ones(allowed) > 2;
    memset(belief + size, 0, (NNSM_SUPPORT_HEADS - 1) * size * sizeof *belief);
    if (!head)
        return;
    memcpy(belief + head * size, belief, size * sizeof *belief);
    memset(belief, 0, size * sizeof *belief);
}
