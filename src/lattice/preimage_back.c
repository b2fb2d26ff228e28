#include <string.h>

#include "lattice/preimage_state.h"

/* Ways in which all columns of a hypothesis close: any last pattern, or the one that they began with. */
static double closings(const nnsm_preimage *p, size_t h)
{
    double product = p->now.weight[h];
    for (size_t j = 0; j < p->columns && product > 0; j++) {
        const double *vector = p->now.vector + (h * p->columns + j) * p->length;
        double sum = 0;
        for (size_t i = 0; i < p->length; i++)
            sum += !p->periodic || i / p->patterns == i % p->patterns ? vector[i] : 0;
        product *= sum;
    }
    return product;
}

static void put(const nnsm_preimage *p, int8_t *states, size_t row, size_t column, size_t bit)
{
    row %= p->row_sites;
    size_t width = (size_t)p->window.below[1];
    states[p->transposed ? column * width + row : row * width + column] = bit & 1 ? 1 : -1;
}

/* Patterns that a column can have after each row, from those in `first`. */
static void spread(nnsm_preimage *p, size_t column, uint64_t first)
{
    p->reach[0] = first;
    for (size_t r = 0; r < p->rows; r++) {
        size_t u = (size_t)p->table[r * p->columns + column];
        p->reach[r + 1] = 0;
        for (size_t s = p->first_step[u]; s < p->first_step[u + 1]; s++)
            if (p->reach[r] >> p->step[s].from & 1)
                p->reach[r + 1] |= UINT64_C(1) << p->step[s].to;
    }
}

/* From a last pattern back to the first: of several ways the one with the largest numbers. */
static void walk_back(const nnsm_preimage *p, size_t column, size_t last, int8_t *states)
{
    size_t fresh = (size_t)1 << p->stride1;
    for (size_t r = p->rows; r-- > 0;) {
        size_t u = (size_t)p->table[r * p->columns + column], code = p->patterns * fresh - 1;
        for (;; code--) { /* there is one */
            size_t from = code / fresh, n = code % fresh;
            if ((p->reach[r] >> from & 1) && nnsm_window_follow(p, from, n) == last &&
                nnsm_window_ones(from) + nnsm_window_ones(n) == u)
                break;
        }
        for (size_t k = 0; k < p->stride1; k++)
            put(p, states, r * p->stride1 + p->shared + k, column, code % fresh >> (p->stride1 - 1 - k));
        last = code / fresh;
    }
    for (size_t k = 0; k < p->shared; k++)
        put(p, states, k, column, last >> (p->shared - 1 - k));
}

static void solve_column(nnsm_preimage *p, size_t column, int8_t *states)
{
    size_t last = p->patterns - 1;
    if (!p->periodic) {
        spread(p, column, p->patterns == 64 ? UINT64_MAX : (UINT64_C(1) << p->patterns) - 1);
        while (!(p->reach[p->rows] >> last & 1))
            last--;
    } else
        for (spread(p, column, UINT64_C(1) << last); !(p->reach[p->rows] >> last & 1);) {
            last--;
            spread(p, column, UINT64_C(1) << last);
        }
    walk_back(p, column, last, states);
}

static void go_back(nnsm_preimage *p, size_t h, int8_t *states)
{
    int32_t at = p->now.parent[h];
    for (size_t r = p->rows; r-- > 0; at = p->trail_parent[at])
        memcpy(p->table + r * p->columns, p->trail_upper + (size_t)at * p->columns, p->columns);
    for (size_t j = 0; j < p->columns; j++)
        solve_column(p, j, states);
}

static size_t is_upper(const nnsm_preimage *p, const int8_t *states, size_t row, size_t column)
{
    size_t width = (size_t)p->window.below[1];
    row %= p->row_sites;
    return states[p->transposed ? column * width + row : row * width + column] > 0;
}

/* Upper sites of a column in a row of windows. */
static size_t upper_in(const nnsm_preimage *p, const int8_t *states, size_t row, size_t column)
{
    size_t u = 0;
    for (size_t k = 0; k < p->size1; k++)
        u += is_upper(p, states, row * p->stride1 + k, column);
    return u;
}

/* Ways in which a column has as many upper sites in every window, if it began with the pattern `first`, or any. */
static double ways_of_column(const nnsm_preimage *p, size_t column, const int8_t *states, size_t first)
{
    double ways[1 << NNSM_PREIMAGE_MOST_SHARED], next[1 << NNSM_PREIMAGE_MOST_SHARED], sum = 0;
    for (size_t k = 0; k < p->patterns; k++)
        ways[k] = !p->periodic || k == first;
    for (size_t r = 0; r < p->rows; r++) {
        size_t u = upper_in(p, states, r, column);
        memset(next, 0, p->patterns * sizeof *next);
        for (size_t s = p->first_step[u]; s < p->first_step[u + 1]; s++)
            next[p->step[s].to] += ways[p->step[s].from] * p->step[s].ways;
        memcpy(ways, next, p->patterns * sizeof *ways);
    }
    for (size_t k = 0; k < p->patterns; k++)
        sum += !p->periodic || k == first ? ways[k] : 0;
    return sum;
}

bool nnsm_preimage_are_alike(const nnsm_preimage *preimage, const int8_t *a, const int8_t *b)
{
    for (size_t r = 0; r < preimage->rows; r++)
        for (size_t j = 0; j < preimage->columns; j++)
            if (upper_in(preimage, a, r, j) != upper_in(preimage, b, r, j))
                return false;
    return true;
}

double nnsm_preimage_alike(const nnsm_preimage *preimage, const int8_t *states)
{
    const nnsm_preimage *p = preimage;
    double product = 1;
    for (size_t j = 0; j < p->columns; j++) {
        double sum = 0;
        for (size_t first = 0; first < (p->periodic ? p->patterns : 1); first++)
            sum += ways_of_column(p, j, states, first);
        product *= sum;
    }
    return product;
}

nnsm_preimages nnsm_preimage_conclude(nnsm_preimage *preimage, int8_t *states)
{
    nnsm_preimage *p = preimage;
    size_t chosen = p->now.count;
    for (size_t h = 0; h < p->now.count; h++) {
        double ways = closings(p, h);
        p->count += ways;
        if (ways > 0 && chosen == p->now.count)
            chosen = h;
    }
    if (chosen == p->now.count)
        return NNSM_PREIMAGES_NONE;
    if (states)
        go_back(p, chosen, states);
    return p->count > 1 ? NNSM_PREIMAGES_SEVERAL : NNSM_PREIMAGES_ONE;
}
