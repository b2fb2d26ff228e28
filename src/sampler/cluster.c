#include "sampler/cluster.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* ---- creation */

/* Sites of a bond see each other; neighbours in the order of the bonds. */
static void link_sites(nnsm_clusters *c)
{
    const nnsm_operators *o = c->operators;
    size_t *next = c->first + 1; /* while filling, first[i + 1] is where site i's next link goes */
    for (size_t t = 0; t < o->terms; t++)
        for (int k = 0; k < 2 && o->class[o->class_of[t]].order == 2; k++)
            c->first[o->site[t][k] + 2]++;
    for (size_t i = 2; i < o->sites + 2; i++)
        c->first[i] += c->first[i - 1];
    for (size_t t = 0; t < o->terms; t++)
        for (int k = 0; k < 2 && o->class[o->class_of[t]].order == 2; k++) {
            size_t at = next[o->site[t][k]]++;
            c->link[at].site = o->site[t][1 - k];
            c->link[at].bond = (int32_t)t;
        }
}

nnsm_status nnsm_clusters_create(nnsm_clusters *clusters, const nnsm_local *local, nnsm_error *error)
{
    nnsm_clusters *c = clusters;
    const nnsm_operators *o = local->operators;
    *c = (nnsm_clusters){.operators = o};
    nnsm_status status = NNSM_NEW(&c->negative, o->classes, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->first, o->sites + 2, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->link, 2 * o->terms, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->plane, o->classes, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->closed, o->terms, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->visited, o->sites, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->pending, o->sites, "clusters", error);
    if (!status)
        status = NNSM_NEW(&c->queue, o->sites, "clusters", error);
    if (status) {
        nnsm_clusters_destroy(c);
        return status;
    }
    for (size_t k = 0; k < o->classes; k++)
        c->negative[k] = local->coupling[k] < 0;
    link_sites(c);
    return NNSM_OK;
}

void nnsm_clusters_destroy(nnsm_clusters *clusters)
{
    if (!clusters)
        return;
    nnsm_release(clusters->negative);
    nnsm_release(clusters->first);
    nnsm_release(clusters->link);
    nnsm_release(clusters->plane);
    nnsm_release(clusters->closed);
    nnsm_release(clusters->visited);
    nnsm_release(clusters->pending);
    nnsm_release(clusters->queue);
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

/* Of the chains in `possible`, those whose random number is below their probability. */
static inline uint32_t draw(const uint32_t plane[32], uint32_t possible, nnsm_words *random)
{
    uint32_t below = 0;
    nnsm_words_need(random, 32);
    for (size_t k = 0; possible && k < 32; k++) {
        uint32_t digit = random->word[random->used++];
        below |= possible & plane[k] & ~digit;
        possible &= ~(digit ^ plane[k]);
    }
    return below;
}

static void draw_bonds(nnsm_clusters *c, nnsm_words *random, const uint32_t *spins)
{
    const nnsm_operators *o = c->operators;
    size_t t = 0;
    for (size_t k = 0; k < o->classes; k++) {
        uint32_t sign = c->negative[k] ? UINT32_MAX : 0;
        size_t end = t + o->class[k].terms;
        for (; o->class[k].order == 2 && t < end; t++)
            c->closed[t] = draw(c->plane[k], ~(spins[o->site[t][0]] ^ spins[o->site[t][1]]) ^ sign, random);
        for (; t < end; t++)
            c->closed[t] = draw(c->plane[k], spins[o->site[t][0]] ^ sign, random);
    }
}

/* Visit all that is connected with what stands in the queue, [0, count), in the chains that are pending there, and flip
 * it in the chains of `flip`. Chains that reach a site at different moments bring it into the queue again. */
static void follow(nnsm_clusters *c, size_t count, uint32_t flip, uint32_t *spins)
{
    size_t head = 0, sites = c->operators->sites;
    size_t tail = count < sites ? count : 0;
    while (count) {
        size_t i = (size_t)c->queue[head];
        uint32_t chains = c->pending[i];
        head = head + 1 < sites ? head + 1 : 0;
        count--;
        c->pending[i] = 0;
        spins[i] ^= chains & flip;
        for (size_t l = c->first[i]; l < c->first[i + 1]; l++) {
            size_t j = (size_t)c->link[l].site;
            uint32_t add = chains & c->closed[c->link[l].bond] & ~c->visited[j];
            if (!add)
                continue;
            c->visited[j] |= add;
            if (!c->pending[j]) {
                c->queue[tail] = (int32_t)j;
                tail = tail + 1 < sites ? tail + 1 : 0;
                count++;
            }
            c->pending[j] |= add;
        }
    }
}

/* The cluster of the ghost: it keeps its spins. */
static void follow_ties(nnsm_clusters *c, uint32_t *spins)
{
    const nnsm_operators *o = c->operators;
    size_t count = 0;
    for (size_t t = 0; t < o->terms; t++) {
        size_t i = (size_t)o->site[t][0];
        if (o->class[o->class_of[t]].order != 1 || !c->closed[t])
            continue;
        if (!c->pending[i])
            c->queue[count++] = (int32_t)i;
        c->visited[i] |= c->closed[t];
        c->pending[i] |= c->closed[t];
    }
    follow(c, count, 0, spins);
}

void nnsm_clusters_update(nnsm_clusters *clusters, nnsm_words *random, uint32_t *spins)
{
    nnsm_clusters *c = clusters;
    size_t sites = c->operators->sites;
    draw_bonds(c, random, spins);
    memset(c->visited, 0, sites * sizeof *c->visited);
    follow_ties(c, spins);
    for (size_t i = 0; i < sites; i++) {
        nnsm_words_need(random, 1);
        uint32_t flip = random->word[random->used++];
        if (c->visited[i] == UINT32_MAX)
            continue;
        c->queue[0] = (int32_t)i;
        c->pending[i] = ~c->visited[i];
        c->visited[i] = UINT32_MAX;
        follow(c, 1, flip, spins);
    }
}
