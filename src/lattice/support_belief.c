/* support_belief.c: what the hypotheses of a stream say together, for a network (support.h). */
#include <string.h>

#include "lattice/support_state.h"

static float known(uint64_t possible, uint64_t upper)
{
    return possible & upper ? possible & ~upper ? 0.f : 1.f : -1.f;
}

/* The union of a strip's hypotheses; set: out, [strip_columns][words]. */
static void unite(const nnsm_support *s, const nnsm_support_pool *pool, uint64_t *set)
{
    size_t words = nnsm_support_set_words(s);
    memcpy(set, pool->set, words * sizeof *set);
    for (size_t h = 1; h < pool->count; h++)
        for (size_t i = 0; i < words; i++)
            set[i] |= pool->set[h * words + i];
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
    uint64_t *set = t->next.set; /* free until the next column */
    float *known_now = t->above;
    for (size_t i = 0; i < s->strips && s->shared; i++) {
        float column[2 * NNSM_PREIMAGE_MOST_SHARED];
        unite(s, &t->now[i], set);
        for (size_t j = 0; j < s->strip_columns; j++) {
            (void)believe_column(s, set + j * s->words, column);
            for (size_t b = 0; b < s->shared; b++)
                *known_now++ = column[s->tracked ? 2 * b : b];
        }
    }
}

void nnsm_support_believe(const nnsm_support_stream *t, const nnsm_support_pool *pool, float *belief)
{
    const nnsm_support *s = t->support;
    uint64_t *set = t->next.set;
    float sums[NNSM_MAX_VALUES * NNSM_MAX_VALUES] = {0};
    size_t volume = (size_t)s->window.volume;
    for (size_t h = 0; h < pool->count; h++)
        sums[nnsm_support_sum(t, pool->u + h * s->strip_columns)] = 1;
    for (size_t i = 0; i < s->strips && s->shared; i++) {
        unite(s, &t->now[i], set);
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
