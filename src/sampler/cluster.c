#include "sampler/cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

/* ---- creation */

typedef struct {
    int32_t level, site[2], term;
} place;

static int by_level_and_sites(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->level != y->level)
        return x->level < y->level ? -1 : 1;
    if (x->site[0] != y->site[0])
        return x->site[0] < y->site[0] ? -1 : 1;
    if (x->site[1] != y->site[1])
        return x->site[1] < y->site[1] ? -1 : 1;
    return x->term < y->term ? -1 : 1;
}

/* In lattice order a sweep carries a label as far as a path leads on; but then every bond waits for the one before it,
 * with which it shares a site. A bond's level is one above those of the earlier bonds at its sites: bonds of one level
 * wait for nothing, and level after level gives the same labels as lattice order. */
static void find_levels(place *places, size_t bonds, int32_t *level)
{
    for (size_t b = 0; b < bonds; b++) {
        int32_t *x = &level[places[b].site[0]], *y = &level[places[b].site[1]];
        places[b].level = *x > *y ? *x : *y;
        *x = *y = places[b].level + 1;
    }
}

static nnsm_status sort_bonds(nnsm_clusters *c, nnsm_error *error)
{
    const nnsm_operators *o = c->operators;
    place *places = NULL;
    int32_t *level = NULL;
    nnsm_status status = NNSM_NEW(&places, o->terms, "clusters", error);
    if (!status)
        status = NNSM_NEW(&level, o->sites, "clusters", error);
    for (size_t t = 0; t < o->terms && !status; t++)
        if (o->class[o->class_of[t]].order == 2)
            places[c->bonds++] = (place){0, {o->site[t][0], o->site[t][1]}, (int32_t)t};
    if (!status) {
        qsort(places, c->bonds, sizeof *places, by_level_and_sites);
        find_levels(places, c->bonds, level);
        qsort(places, c->bonds, sizeof *places, by_level_and_sites);
    }
    for (size_t b = 0; b < c->bonds && !status; b++)
        memcpy(c->ends[b], o->site[c->bond[b] = places[b].term], sizeof *c->ends);
    nnsm_release(places);
    nnsm_release(level);
    return status;
}

nnsm_status nnsm_clusters_create(nnsm_clusters *clusters, const nnsm_local *local, nnsm_error *error)
{
    nnsm_clusters *c = clusters;
    const nnsm_operators *o = local->operators;
    *c = (nnsm_clusters){.operators = o};
    nnsm_status status = NNSM_NEW(&c->negative, o->classes, "clusters", error);
    if (!status)
        status = nnsm_allocate((void **)&c->plane, o->classes, sizeof *c->plane, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->bond, o->terms, "clusters", error);
    if (!status)
        status = nnsm_allocate((void **)&c->ends, o->terms, sizeof *c->ends, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->closed, o->terms, "clusters", error);
    if (!status)
        status = nnsm_allocate((void **)&c->joined, o->terms, sizeof *c->joined, "clusters", error);
    if (!status)
        status = nnsm_allocate((void **)&c->label, o->sites, sizeof *c->label, "clusters", error);
    if (!status)
        status = sort_bonds(c, error);
    if (status) {
        nnsm_clusters_destroy(c);
        return status;
    }
    for (size_t k = 0; k < o->classes; k++)
        c->negative[k] = local->coupling[k] < 0;
    return NNSM_OK;
}

void nnsm_clusters_destroy(nnsm_clusters *clusters)
{
    if (!clusters)
        return;
    nnsm_release(clusters->negative);
    nnsm_release(clusters->plane);
    nnsm_release(clusters->bond);
    nnsm_release(clusters->ends);
    nnsm_release(clusters->closed);
    nnsm_release(clusters->joined);
    nnsm_release(clusters->label);
    *clusters = (nnsm_clusters){0};
}

/* ---- a step */

uint32_t nnsm_clusters_threshold(double strength)
{
    double scaled = -expm1(-2 * fabs(strength)) * 0x1p32 + 0.5;
    return scaled >= 0x1p32 ? UINT32_MAX : (uint32_t)scaled;
}

void nnsm_clusters_set(nnsm_clusters *clusters, size_t class, const uint32_t *threshold)
{
    nnsm_lanes_digits(threshold, clusters->plane[class]);
}

/* Of the chains in `possible`, those whose random number is below their probability, from digit k on. */
static inline uint32_t draw(const uint32_t plane[32], size_t k, uint32_t possible, nnsm_words *random)
{
    uint32_t below = 0;
    nnsm_words_need(random, 32);
    for (; possible && k < 32; k++) {
        uint32_t digit = random->word[random->used++];
        below |= possible & plane[k] & ~digit;
        possible &= ~(digit ^ plane[k]);
    }
    return below;
}

/* Many bonds of a class at once: the first digits for all, which vectorises; an eighth of the bonds is then undecided
 * in some chain. */
enum { TOGETHER = 16, DIGITS = 8 };

NNSM_MULTIVERSION
static void draw_first(const uint32_t *restrict plane, const uint32_t *restrict digits, uint32_t *restrict possible,
                       uint32_t *restrict below)
{
    for (size_t k = 0; k < DIGITS; k++)
        for (size_t b = 0; b < TOGETHER; b++) {
            uint32_t digit = digits[k * TOGETHER + b];
            below[b] |= possible[b] & plane[k] & ~digit;
            possible[b] &= ~(digit ^ plane[k]);
        }
}

/* Terms [t, t + count) of one class, whose terms are positive in the chains of `possible`. */
static void draw_together(nnsm_clusters *c, size_t class, size_t t, size_t count, uint32_t *possible,
                          nnsm_words *random)
{
    uint32_t below[TOGETHER] = {0};
    nnsm_words_need(random, TOGETHER * DIGITS);
    draw_first(c->plane[class], random->word + random->used, possible, below);
    random->used += TOGETHER * DIGITS;
    for (size_t b = 0; b < count; b++)
        c->closed[t + b] = below[b] | (possible[b] ? draw(c->plane[class], DIGITS, possible[b], random) : 0);
}

static void draw_bonds(nnsm_clusters *c, nnsm_words *random, const uint32_t *spins)
{
    const nnsm_operators *o = c->operators;
    size_t t = 0;
    for (size_t k = 0; k < o->classes; k++) {
        uint32_t sign = c->negative[k] ? UINT32_MAX : 0;
        size_t end = t + o->class[k].terms;
        while (t < end) {
            uint32_t possible[TOGETHER] = {0};
            size_t count = end - t < TOGETHER ? end - t : TOGETHER;
            for (size_t b = 0; b < count; b++) {
                const int32_t *site = o->site[t + b];
                possible[b] = o->class[k].order == 2 ? ~(spins[site[0]] ^ spins[site[1]]) : spins[site[0]];
                possible[b] ^= sign;
            }
            if (count > TOGETHER / 2)
                draw_together(c, k, t, count, possible, random);
            for (size_t b = 0; b < count && count <= TOGETHER / 2; b++)
                c->closed[t + b] = draw(c->plane[k], 0, possible[b], random);
            t += count;
        }
    }
}

/* Labels to begin with, the same for all chains: 4 times the leading zeros of a random word, plus 2 random bits. The
 * largest of any number n of them lies near 4 log2 n and is spread over some six values, so that two clusters, large or
 * small, seldom end with the same one; where they do, they flip together, in this step only. The ghost's is above all.
 */
enum { GHOST = INT8_MAX };

static int8_t first_label(uint32_t random)
{
    int label = 4 * __builtin_clz(random | 1) + (int)(random & 3);
    return (int8_t)(label < GHOST ? label : GHOST - 1);
}

NNSM_MULTIVERSION
static void spread_bits(const uint32_t *restrict closed, const int32_t *restrict bond, size_t bonds,
                        int8_t (*restrict joined)[NNSM_TILE])
{
    for (size_t b = 0; b < bonds; b++) {
        uint32_t word = closed[bond[b]];
        for (size_t k = 0; k < NNSM_TILE; k++)
            joined[b][k] = (int8_t)(0 - (int)(word >> k & 1));
    }
}

static void start_labels(nnsm_clusters *c, nnsm_words *random)
{
    const nnsm_operators *o = c->operators;
    for (size_t i = 0; i < o->sites; i++) {
        nnsm_words_need(random, 1);
        memset(c->label[i], first_label(random->word[random->used++]), NNSM_TILE);
    }
    spread_bits(c->closed, c->bond, c->bonds, c->joined);
    for (size_t t = 0; t < o->terms; t++)
        if (o->class[o->class_of[t]].order == 1)
            for (size_t k = 0; k < NNSM_TILE; k++)
                if (c->closed[t] >> k & 1)
                    c->label[o->site[t][0]][k] = GHOST;
}

/* The labels of a site in all chains as one value, which stays in a register. */
typedef int8_t lanes __attribute__((vector_size(NNSM_TILE), may_alias));

static inline __attribute__((always_inline)) void join(lanes *first, lanes *second, const lanes *joined, lanes *change)
{
    lanes x = *first, y = *second, difference = (x ^ y) & *joined;
    *change |= difference;
    *first = x ^ (difference & (x < y));
    *second = y ^ (difference & (x > y));
}

/* All bonds, from the last to the first or the other way. Ends are read two bonds ahead: some processors take a load
 * for one of what a store before it wrote, where addresses agree in their low bits and, by the chance of where pages
 * lie, in what else is compared; to wait for that with the ends, which say what labels come next, made a bond twice as
 * slow. */
static inline __attribute__((always_inline)) void join_all(size_t bonds, const int32_t (*restrict ends)[2],
                                                           const lanes *restrict joined, lanes *label, lanes *change,
                                                           bool backward)
{
    size_t pairs = bonds / 2;
    int32_t ahead[2][2] = {{0}};
    for (size_t u = 0; u < 2 && pairs; u++)
        memcpy(ahead[u], ends[backward ? bonds - 1 - u : u], sizeof *ahead);
    for (size_t p = 0; p < pairs; p++) {
        size_t next = 2 * (p + 1 < pairs ? p + 1 : p);
        int32_t now[2][2];
        memcpy(now, ahead, sizeof now);
        for (size_t u = 0; u < 2; u++)
            memcpy(ahead[u], ends[backward ? bonds - 1 - (next + u) : next + u], sizeof *ahead);
        for (size_t u = 0; u < 2; u++)
            join(&label[now[u][0]], &label[now[u][1]], &joined[backward ? bonds - 1 - (2 * p + u) : 2 * p + u], change);
    }
    size_t last = backward ? 0 : bonds - 1;
    if (bonds % 2)
        join(&label[ends[last][0]], &label[ends[last][1]], &joined[last], change);
}

/* Both ends of every closed bond take the larger label; false: nothing changed. */
NNSM_MULTIVERSION
static bool spread(size_t bonds, const int32_t (*restrict ends)[2], const lanes *restrict joined, lanes *label,
                   bool backward)
{
    lanes change = {0};
    int8_t changed[NNSM_TILE], any = 0;
    if (backward)
        join_all(bonds, ends, joined, label, &change, true);
    else
        join_all(bonds, ends, joined, label, &change, false);
    memcpy(changed, &change, sizeof changed);
    for (size_t k = 0; k < NNSM_TILE; k++)
        any |= changed[k];
    return any != 0;
}

static bool spread_labels(nnsm_clusters *c, bool backward)
{
    return spread(c->bonds, (const int32_t(*)[2])c->ends, (const lanes *)c->joined, (lanes *)c->label, backward);
}

NNSM_MULTIVERSION
static void flip_clusters(const nnsm_clusters *c, const uint32_t *restrict random, uint32_t *restrict spins)
{
    for (size_t i = 0; i < c->operators->sites; i++) {
        uint32_t flip = 0;
        for (uint32_t k = 0; k < NNSM_TILE; k++) {
            uint32_t label = (uint32_t)c->label[i][k], hash = (label * (random[k] >> 16 | 1) + random[k]) & 0xFFFF;
            hash = (hash ^ hash >> 7) * 0x9E3B & 0xFFFF;
            flip |= (label == GHOST ? 0 : hash >> 15) << k;
        }
        spins[i] ^= flip;
    }
}

void nnsm_clusters_update(nnsm_clusters *clusters, nnsm_words *random, uint32_t *spins)
{
    nnsm_clusters *c = clusters;
    draw_bonds(c, random, spins);
    start_labels(c, random);
    for (bool backward = true; spread_labels(c, backward);)
        backward = !backward;
    nnsm_words_need(random, NNSM_TILE);
    flip_clusters(c, random->word + random->used, spins);
    random->used += NNSM_TILE;
}
