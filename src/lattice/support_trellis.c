#include "lattice/support_trellis.h"

#include <string.h>

#include "base/memory.h"

enum { FIRST_ROOM = 64 };

/* ---- room */

bool nnsm_trellis_enlarge(void **block, size_t used, size_t room, size_t size)
{
    void *larger;
    if (!nnsm_memory_take(&larger, room, size, "support of sums"))
        return false;
    if (*block)
        memcpy(larger, *block, used * size);
    nnsm_release(*block);
    *block = larger;
    return true;
}

#define ENLARGE(pointer, used, room, count)                                                                            \
    nnsm_trellis_enlarge((void **)(pointer), used, room, (count) * sizeof **(pointer))

static bool enlarge_nodes(nnsm_trellis *t)
{
    size_t room = t->node_room ? 2 * t->node_room : FIRST_ROOM + t->columns, n = t->nodes;
    if (room > NNSM_TRELLIS_NODES || !ENLARGE(&t->edge, n + 1, room + 1, 1) || !ENLARGE(&t->from, n, room, 1) ||
        !ENLARGE(&t->dead, n, room, 1) || !ENLARGE(&t->key, n, room, NNSM_TRELLIS_KEY) ||
        !ENLARGE(&t->hash, n, room, 1))
        return false;
    t->node_room = room;
    return true;
}

static bool enlarge_edges(nnsm_trellis *t)
{
    size_t room = t->edge_room ? 2 * t->edge_room : FIRST_ROOM + t->columns, n = t->edges;
    if (room > NNSM_TRELLIS_EDGES || !ENLARGE(&t->target, n, room, 1) || !ENLARGE(&t->set, n, room, t->words) ||
        !ENLARGE(&t->origin, n, room, 1) || !ENLARGE(&t->upper, n, room, 1))
        return false;
    t->edge_room = room;
    return true;
}

nnsm_status nnsm_trellis_create(nnsm_trellis *trellis, size_t columns, size_t words, nnsm_error *error)
{
    nnsm_trellis *t = trellis;
    *t = (nnsm_trellis){.columns = columns, .words = words, .slots = 2 * FIRST_ROOM};
    nnsm_status status = NNSM_NEW(&t->level, columns + 2, "support of sums", error);
    if (!status)
        status = NNSM_NEW(&t->slot, t->slots, "support of sums", error);
    if (!status)
        status = NNSM_NEW(&t->stamp, t->slots, "support of sums", error);
    if (!status && (!enlarge_nodes(t) || !enlarge_edges(t)))
        status = nnsm_fail(error, NNSM_FAILURE, "no memory for the support of sums");
    if (status)
        nnsm_trellis_destroy(t);
    return status;
}

void nnsm_trellis_destroy(nnsm_trellis *trellis)
{
    nnsm_trellis *t = trellis;
    nnsm_release(t->level);
    nnsm_release(t->edge);
    nnsm_release(t->target);
    nnsm_release(t->set);
    nnsm_release(t->from);
    nnsm_release(t->origin);
    nnsm_release(t->upper);
    nnsm_release(t->dead);
    nnsm_release(t->key);
    nnsm_release(t->hash);
    nnsm_release(t->slot);
    nnsm_release(t->stamp);
    *t = (nnsm_trellis){0};
}

/* ---- making one */

static void forget_slots(nnsm_trellis *t)
{
    if (++t->present)
        return;
    memset(t->stamp, 0, t->slots * sizeof *t->stamp); /* after 2^32 levels */
    t->present = 1;
}

void nnsm_trellis_clear(nnsm_trellis *trellis)
{
    trellis->nodes = trellis->edges = trellis->open = 0;
    trellis->level[0] = 0;
    trellis->edge[0] = 0;
    forget_slots(trellis);
}

void nnsm_trellis_close_level(nnsm_trellis *trellis, size_t level)
{
    trellis->open = trellis->nodes;
    trellis->level[level + 1] = (int32_t)trellis->nodes;
    forget_slots(trellis);
}

int32_t nnsm_trellis_probe(const nnsm_trellis *trellis, uint64_t hash, uint64_t *slot)
{
    const nnsm_trellis *t = trellis;
    uint64_t s = *slot == UINT64_MAX ? hash : *slot + 1;
    for (s &= t->slots - 1; t->stamp[s] == t->present; s = (s + 1) & (t->slots - 1))
        if (t->hash[t->slot[s]] == hash) {
            *slot = s;
            return t->slot[s];
        }
    return -1;
}

static void place(nnsm_trellis *t, size_t node)
{
    uint64_t s = t->hash[node] & (t->slots - 1);
    while (t->stamp[s] == t->present)
        s = (s + 1) & (t->slots - 1);
    t->stamp[s] = t->present;
    t->slot[s] = (int32_t)node;
}

/* A table twice as large, with the open level in it. */
static bool enlarge_slots(nnsm_trellis *t)
{
    if (!ENLARGE(&t->slot, 0, 2 * t->slots, 1) || !ENLARGE(&t->stamp, 0, 2 * t->slots, 1))
        return false;
    t->slots *= 2;
    memset(t->stamp, 0, t->slots * sizeof *t->stamp);
    t->present = 1;
    for (size_t n = t->open; n < t->nodes; n++)
        place(t, n);
    return true;
}

int32_t nnsm_trellis_add_node(nnsm_trellis *trellis, uint64_t hash)
{
    nnsm_trellis *t = trellis;
    if (t->nodes == t->node_room && !enlarge_nodes(t))
        return -1;
    if (2 * (t->nodes - t->open) >= t->slots && !enlarge_slots(t))
        return -1;
    t->hash[t->nodes] = hash;
    t->dead[t->nodes] = 0;
    place(t, t->nodes);
    return (int32_t)t->nodes++;
}

int32_t nnsm_trellis_add_edge(nnsm_trellis *trellis, int32_t target, const uint64_t *set)
{
    nnsm_trellis *t = trellis;
    if (t->edges == t->edge_room && !enlarge_edges(t))
        return -1;
    t->target[t->edges] = target;
    memcpy(t->set + t->edges * t->words, set, t->words * sizeof *set);
    return (int32_t)t->edges++;
}

size_t nnsm_trellis_bury(nnsm_trellis *trellis, size_t level, size_t sure)
{
    nnsm_trellis *t = trellis;
    size_t first = level;
    for (size_t j = level; j-- > 0;) {
        bool changed = false;
        for (int32_t n = t->level[j]; n < t->level[j + 1]; n++) {
            bool dead = true;
            for (int32_t e = t->edge[n]; e < t->edge[n + 1] && dead; e++)
                dead = t->dead[t->target[e]];
            changed = changed || (dead && !t->dead[n]);
            t->dead[n] = dead;
        }
        first = changed ? j : first;
        if (!changed && j <= sure)
            break;
    }
    return first;
}

bool nnsm_trellis_copy(nnsm_trellis *to, const nnsm_trellis *from)
{
    while (to->node_room < from->nodes)
        if (!enlarge_nodes(to))
            return false;
    while (to->edge_room < from->edges)
        if (!enlarge_edges(to))
            return false;
    to->nodes = from->nodes;
    to->edges = from->edges;
    to->open = to->nodes;
    memcpy(to->level, from->level, (from->columns + 2) * sizeof *to->level);
    memcpy(to->edge, from->edge, (from->nodes + 1) * sizeof *to->edge);
    memcpy(to->target, from->target, from->edges * sizeof *to->target);
    memcpy(to->set, from->set, from->edges * from->words * sizeof *to->set);
    return true;
}

/* ---- one path */

bool nnsm_trellis_is_line(const nnsm_trellis *trellis)
{
    const nnsm_trellis *t = trellis;
    for (size_t j = 0; j <= t->columns; j++) {
        int alive = 0;
        for (int32_t n = t->level[j]; n < t->level[j + 1]; n++)
            alive += !t->dead[n];
        if (alive != 1)
            return false;
    }
    return true;
}

void nnsm_trellis_draw_line(const nnsm_trellis *trellis, nnsm_trellis *out)
{
    const nnsm_trellis *t = trellis;
    size_t node = 0;
    nnsm_trellis_clear(out);
    for (size_t j = 0;; j++) {
        (void)nnsm_trellis_add_node(out, 0); /* there is room for a node and an edge a column */
        nnsm_trellis_close_level(out, j);
        if (j == t->columns)
            break;
        uint64_t all[NNSM_TRELLIS_WORDS] = {0};
        size_t next = node;
        for (int32_t e = t->edge[node]; e < t->edge[node + 1]; e++)
            if (!t->dead[t->target[e]]) {
                next = (size_t)t->target[e];
                for (size_t i = 0; i < t->words; i++)
                    all[i] |= t->set[(size_t)e * t->words + i];
            }
        nnsm_trellis_begin_edges(out, j);
        (void)nnsm_trellis_add_edge(out, (int32_t)j + 1, all);
        nnsm_trellis_end_edges(out);
        node = next;
    }
}
