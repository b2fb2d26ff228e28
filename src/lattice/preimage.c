#include <math.h>
#include <string.h>

#include "lattice/preimage_state.h"

static const double exact = 9007199254740992.0; /* 2^53: whole numbers up to here are exact */

/* ---- nnsm_hypotheses */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint64_t hash_vector(const nnsm_preimage *p, size_t column, const double *vector)
{
    uint64_t hash = column + 1, bits;
    for (size_t i = 0; i < p->length; i++) {
        memcpy(&bits, &vector[i], sizeof bits);
        hash = mix(hash, bits);
    }
    return hash;
}

/* Take the common factor of a vector of whole numbers out of it, so that equal ratios become equal vectors. What has
 * grown beyond exact numbers is only kept in range. */
static double take_factor(const nnsm_preimage *p, double *vector)
{
    double factor = 0, largest = 0;
    for (size_t i = 0; i < p->length; i++) {
        double a = factor, b = vector[i];
        largest = fmax(largest, b);
        if (a == 1 || largest >= exact)
            continue;
        while (b > 0) { /* Euclid */
            double rest = fmod(a, b);
            a = b;
            b = rest;
        }
        factor = a;
    }
    if (largest >= exact)
        factor = exp2(ceil(log2(largest)) - 1);
    for (size_t i = 0; i < p->length && factor != 1; i++)
        vector[i] /= factor;
    return factor;
}

/* The same as far as it matters after column j? */
static bool alike(const nnsm_preimage *p, size_t j, const int8_t *upper, const double *vector, size_t other)
{
    const int8_t *theirs = p->next.upper + other * p->columns;
    const uint8_t *live = p->live + j * p->columns;
    size_t size = p->columns * p->length;
    for (size_t i = 0; i <= j; i++)
        if (live[i] && upper[i] != theirs[i])
            return false;
    return memcmp(vector, p->next.vector + other * size, size * sizeof *vector) == 0;
}

/* The candidate in place next.count becomes one more hypothesis, or a part of one that is there. */
static bool keep(nnsm_preimage *p, size_t j)
{
    nnsm_hypotheses *next = &p->next;
    size_t h = next->count, size = p->columns * p->length;
    const int8_t *upper = next->upper + h * p->columns;
    const uint8_t *live = p->live + j * p->columns;
    uint64_t key = next->hash[h];
    for (size_t i = 0; i <= j; i++)
        key = live[i] ? mix(key, (uint64_t)upper[i] + 17) : key;
    size_t s = (size_t)key & (p->slots - 1);
    for (; p->stamp[s] == p->present; s = (s + 1) & (p->slots - 1))
        if (alike(p, j, upper, next->vector + h * size, (size_t)p->slot[s])) {
            next->weight[p->slot[s]] += next->weight[h];
            return true;
        }
    p->stamp[s] = p->present;
    p->slot[s] = (int32_t)h;
    return ++next->count < p->most; /* one place stays free for the next candidate */
}

/* A hypothesis with u upper sites in column j. False where there is no room. */
static bool extend(nnsm_preimage *p, size_t h, size_t j, size_t u)
{
    const nnsm_hypotheses *now = &p->now;
    nnsm_hypotheses *next = &p->next;
    size_t size = p->columns * p->length, c = next->count;
    const double *old = now->vector + h * size + j * p->length;
    double vector[1 << 2 * NNSM_PREIMAGE_MOST_SHARED_PERIODIC] = {0}, sum = 0;
    for (size_t start = 0; start < p->length; start += p->patterns)
        for (size_t s = p->first_step[u]; s < p->first_step[u + 1]; s++) {
            double ways = old[start + (size_t)p->step[s].from] * p->step[s].ways;
            vector[start + (size_t)p->step[s].to] += ways;
            sum += ways;
        }
    if (sum == 0)
        return true;
    next->weight[c] = now->weight[h] * take_factor(p, vector);
    next->hash[c] = now->hash[h] ^ hash_vector(p, j, old) ^ hash_vector(p, j, vector);
    next->parent[c] = now->parent[h];
    memcpy(next->upper + c * p->columns, now->upper + h * p->columns, j);
    next->upper[c * p->columns + j] = (int8_t)u;
    memcpy(next->vector + c * size, now->vector + h * size, size * sizeof *vector);
    memcpy(next->vector + c * size + j * p->length, vector, p->length * sizeof *vector);
    return keep(p, j);
}

/* Which u of column j the windows that it lies in allow, after the columns before it. */
static void bounds(const nnsm_preimage *p, const int8_t *upper, size_t j, const int32_t *sums, int64_t *low,
                   int64_t *high)
{
    *low = 0;
    *high = (int64_t)p->size1;
    for (size_t i = 0; i < p->size2 && p->touching[j * p->size2 + i] >= 0; i++) {
        size_t w = (size_t)p->touching[j * p->size2 + i];
        int64_t rest = sums[w], later = 0;
        for (size_t k = 0; k < p->size2; k++) {
            size_t column = nnsm_window_column(p, w, k);
            rest -= column < j ? upper[column] : 0;
            later += column > j;
        }
        int64_t least = rest - later * (int64_t)p->size1;
        *low = *low > least ? *low : least;
        *high = *high < rest ? *high : rest;
    }
}

/* Empties the hash table of the next hypotheses. */
static void next_table(nnsm_preimage *p)
{
    if (++p->present)
        return;
    memset(p->stamp, 0, p->slots * sizeof *p->stamp); /* after 2^32 columns */
    p->present = 1;
}

/* One row of windows. False where there is no room. */
static bool filter_row(nnsm_preimage *p, const int32_t *sums)
{
    for (size_t j = 0; j < p->columns; j++) {
        p->next.count = 0;
        next_table(p);
        for (size_t h = 0; h < p->now.count; h++) {
            int64_t low, high;
            bounds(p, p->now.upper + h * p->columns, j, sums, &low, &high);
            for (int64_t u = low; u <= high; u++)
                if (!extend(p, h, j, (size_t)u))
                    return false;
        }
        nnsm_hypotheses swap = p->now;
        p->now = p->next;
        p->next = swap;
    }
    return true;
}

/* Remember the row's tables, for the way back. */
static bool lay_trail(nnsm_preimage *p)
{
    nnsm_hypotheses *now = &p->now;
    if (p->trail + now->count > p->trail_most)
        return false;
    for (size_t h = 0; h < now->count; h++, p->trail++) {
        p->trail_parent[p->trail] = now->parent[h];
        memcpy(p->trail_upper + p->trail * p->columns, now->upper + h * p->columns, p->columns);
        now->parent[h] = (int32_t)p->trail;
    }
    return true;
}

/* Before the first row every pattern is possible. */
static void begin(nnsm_preimage *p)
{
    nnsm_hypotheses *now = &p->now;
    now->count = 1;
    now->weight[0] = 1;
    now->parent[0] = -1;
    now->hash[0] = 0;
    for (size_t j = 0; j < p->columns; j++) {
        double *vector = now->vector + j * p->length;
        for (size_t i = 0; i < p->length; i++)
            vector[i] = !p->periodic || i / p->patterns == i % p->patterns;
        now->hash[0] ^= hash_vector(p, j, vector);
    }
    p->trail = 0;
}

/* Too many to count: is there one, and are there more? */
static nnsm_preimages search(nnsm_preimage *p, const int32_t *upper, int8_t *states)
{
    bool sure;
    if (!p->finder)
        return NNSM_PREIMAGES_UNDECIDED;
    for (size_t w = 0; w < p->window.sites; w++) {
        if (upper[w] < 0 || upper[w] > (int32_t)p->window.volume)
            return NNSM_PREIMAGES_NONE;
        p->sums[w] = (int8_t)upper[w];
    }
    nnsm_support_found found = nnsm_support_find(p->finder, p->sums, p->first, p->last, &sure);
    if (found == NNSM_SUPPORT_NONE)
        return NNSM_PREIMAGES_NONE;
    if (found == NNSM_SUPPORT_NO_ROOM)
        return NNSM_PREIMAGES_UNDECIDED;
    if (states)
        memcpy(states, p->first, p->window.sites_below);
    p->counted = sure && memcmp(p->first, p->last, p->window.sites_below) == 0;
    p->count = nnsm_preimage_alike(p, p->first);
    if (!nnsm_preimage_are_alike(p, p->first, p->last))
        p->count += nnsm_preimage_alike(p, p->last);
    return p->counted ? NNSM_PREIMAGES_ONE : NNSM_PREIMAGES_SEVERAL;
}

nnsm_preimages nnsm_preimage_find(nnsm_preimage *preimage, const int32_t *upper, int8_t *states)
{
    nnsm_preimage *p = preimage;
    size_t width = (size_t)p->window.extent[1];
    int32_t *sums = p->touching + p->columns * p->size2; /* [across] */
    p->count = 0;
    p->counted = true;
    memset(p->left, 0, p->rows * sizeof *p->left);
    begin(p);
    for (size_t r = 0; r < p->rows; r++) {
        for (size_t w = 0; w < p->across; w++)
            sums[w] = upper[p->transposed ? w * width + r : r * width + w];
        if (!filter_row(p, sums) || !lay_trail(p))
            return search(p, upper, states);
        p->left[r] = p->now.count;
        if (!p->now.count)
            return NNSM_PREIMAGES_NONE;
    }
    return nnsm_preimage_conclude(p, states);
}

double nnsm_preimage_count(const nnsm_preimage *preimage)
{
    return preimage->count;
}

bool nnsm_preimage_counted(const nnsm_preimage *preimage)
{
    return preimage->counted;
}

size_t nnsm_preimage_rows(const nnsm_preimage *preimage)
{
    return preimage->rows;
}

size_t nnsm_preimage_hypotheses(const nnsm_preimage *preimage, size_t row)
{
    return preimage->left[row];
}
