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

/* The present row's columns that are done, and of the others what agrees with these; set: out, [strip_columns][words].
 */
static void unite_present(const nnsm_support_stream *t, const nnsm_trellis *now, uint64_t *set)
{
    const nnsm_support *s = t->support;
    const nnsm_trellis *draft = &t->draft;
    size_t rest = (size_t)now->level[t->done];
    memset(t->reached + rest, 0, now->nodes - rest);
    for (size_t n = nnsm_support_cut(t); n < draft->nodes; n++)
        t->reached[draft->from[n]] |= !draft->dead[n];
    for (size_t n = rest; n < (size_t)now->level[s->strip_columns]; n++)
        for (int32_t e = now->edge[n]; e < now->edge[n + 1] && t->reached[n]; e++)
            t->reached[now->target[e]] = 1;
    for (size_t j = 0; j < s->strip_columns; j++)
        if (j < t->done)
            unite(draft, j, draft->dead, NULL, set + j * s->words);
        else
            unite(now, j, NULL, t->reached, set + j * s->words);
}

/* Symbols that the columns of a strip can have; set: out, [strip_columns][words]. */
static void unite_strip(const nnsm_support_stream *t, size_t strip, uint64_t *set)
{
    const nnsm_support *s = t->support;
    memset(set, 0, nnsm_support_set_words(s) * sizeof *set);
    if (s->strips == 1 && t->done) {
        unite_present(t, &t->now[0], set);
        return;
    }
    for (size_t j = 0; j < s->strip_columns; j++)
        unite(&t->now[strip], j, NULL, NULL, set + j * s->words);
}

/* What is known of one column: the shared sites now, and those that it began with. */
static float *believe_column(const nnsm_support *s, const uint64_t *set, float *belief)
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
    return belief;
}

void nnsm_support_remember(nnsm_support_stream *t)
{
    const nnsm_support *s = t->support;
    uint64_t *set = t->seen;
    float *known_now = t->above;
    for (size_t i = 0; i < s->strips && s->shared; i++) {
        float column[2 * NNSM_PREIMAGE_MOST_SHARED];
        unite_strip(t, i, set);
        for (size_t j = 0; j < s->strip_columns; j++) {
            (void)believe_column(s, set + j * s->words, column);
            for (size_t b = 0; b < s->shared; b++)
                *known_now++ = column[s->tracked ? 2 * b : b];
        }
    }
}

void nnsm_support_believe(nnsm_support_stream *t, float *belief)
{
    const nnsm_support *s = t->support;
    uint64_t *set = t->seen;
    float sums[NNSM_MAX_VALUES * NNSM_MAX_VALUES] = {0};
    size_t volume = (size_t)s->window.volume;
    for (size_t n = nnsm_support_cut(t); n < t->draft.nodes; n++)
        if (!t->draft.dead[n])
            sums[nnsm_support_open_sum(t, n)] = 1;
    for (size_t i = 0; i < s->strips && s->shared; i++) {
        unite_strip(t, i, set);
        for (size_t j = 0; j < s->strip_columns; j++)
            belief = believe_column(s, set + j * s->words, belief);
    }
    memcpy(belief, t->above, s->columns * s->shared * sizeof *belief);
    memcpy(belief + s->columns * s->shared, sums, (volume + 1) * sizeof *sums);
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
