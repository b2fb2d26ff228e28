/* support_reduce.c: the minimal deterministic form of a trellis (support_trellis.h). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lattice/support_trellis.h"

enum { WORDS = NNSM_TRELLIS_WORDS, SYMBOLS = 64 * WORDS };

/* Symbols with which a subset of nodes leads to the same nodes: a list of them, as are all others, in cells. */
typedef struct {
    uint64_t set[WORDS], hash;
    int32_t cell;
    size_t count;
} part;

struct nnsm_trellis_reducer {
    size_t columns, words;
    nnsm_trellis subsets; /* key: its first member and their number */
    int32_t *member, *cell, *next;
    size_t members, cells, member_room, cell_room;
    uint64_t *joined; /* by node of the input: symbols that lead to it */
    uint32_t *stamp;  /* joined is valid */
    int32_t *reached; /* nodes with such symbols */
    int32_t *number;  /* by node: its class, or its number in the reduced form */
    size_t node_room, number_room;
    uint32_t present;
    part part[SYMBOLS];
    size_t parts;
};

nnsm_status nnsm_trellis_reducer_create(nnsm_trellis_reducer **out, size_t columns, size_t words, nnsm_error *error)
{
    nnsm_trellis_reducer *r = NULL;
    *out = NULL;
    nnsm_status status = NNSM_NEW(&r, 1, "support of sums", error);
    if (status)
        return status;
    r->columns = columns;
    r->words = words;
    status = nnsm_trellis_create(&r->subsets, columns, words, error);
    if (status)
        nnsm_trellis_reducer_destroy(r);
    else
        *out = r;
    return status;
}

void nnsm_trellis_reducer_destroy(nnsm_trellis_reducer *reducer)
{
    nnsm_trellis_reducer *r = reducer;
    if (!r)
        return;
    nnsm_trellis_destroy(&r->subsets);
    nnsm_release(r->member);
    nnsm_release(r->cell);
    nnsm_release(r->next);
    nnsm_release(r->joined);
    nnsm_release(r->stamp);
    nnsm_release(r->reached);
    nnsm_release(r->number);
    nnsm_release(r);
}

/* ---- room; false where there is no memory */

static bool enlarge_list(int32_t **list, size_t used, size_t room)
{
    return nnsm_trellis_enlarge((void **)list, used, room, sizeof **list);
}

static bool room_for_nodes(nnsm_trellis_reducer *r, size_t nodes)
{
    if (nodes <= r->node_room)
        return true;
    nnsm_release(r->joined);
    nnsm_release(r->stamp);
    nnsm_release(r->reached);
    r->joined = NULL;
    r->stamp = NULL;
    r->reached = NULL;
    r->node_room = r->present = 0;
    if (!NNSM_TAKE(&r->joined, 2 * nodes * r->words, "support of sums") ||
        !NNSM_TAKE(&r->stamp, 2 * nodes, "support of sums") || !NNSM_TAKE(&r->reached, 2 * nodes, "support of sums"))
        return false;
    r->node_room = 2 * nodes;
    return true;
}

static bool room_for_numbers(nnsm_trellis_reducer *r, size_t nodes)
{
    if (nodes <= r->number_room)
        return true;
    r->number_room = enlarge_list(&r->number, 0, 2 * nodes) ? 2 * nodes : 0;
    return r->number_room > 0;
}

static bool room_for_lists(nnsm_trellis_reducer *r, size_t members, size_t cells)
{
    while (members > r->member_room || cells > r->cell_room) {
        bool member = members > r->member_room;
        size_t room = 2 * (member ? members : cells);
        if (room > 8 * (size_t)NNSM_TRELLIS_EDGES)
            return false;
        if (member && !enlarge_list(&r->member, r->members, room))
            return false;
        if (!member && (!enlarge_list(&r->cell, r->cells, room) || !enlarge_list(&r->next, r->cells, room)))
            return false;
        *(member ? &r->member_room : &r->cell_room) = room;
    }
    return true;
}

/* ---- subsets */

static int rising(const void *a, const void *b)
{
    return *(const int32_t *)a < *(const int32_t *)b ? -1 : *(const int32_t *)a > *(const int32_t *)b;
}

/* What the members of a subset lead to, rising; the last level counts as its first node. Returns how many. */
static size_t join(nnsm_trellis_reducer *r, const nnsm_trellis *t, size_t subset, size_t level)
{
    const int32_t *member = r->member + r->subsets.key[subset * NNSM_TRELLIS_KEY];
    size_t count = 0, members = r->subsets.key[subset * NNSM_TRELLIS_KEY + 1];
    if (++r->present == 0) {
        memset(r->stamp, 0, r->node_room * sizeof *r->stamp);
        r->present = 1;
    }
    for (size_t m = 0; m < members; m++)
        for (int32_t e = t->edge[member[m]]; e < t->edge[member[m] + 1]; e++) {
            int32_t to = level + 1 == r->columns ? t->level[r->columns] : t->target[e];
            if (t->dead[t->target[e]])
                continue;
            uint64_t *joined = r->joined + (size_t)to * r->words;
            if (r->stamp[to] != r->present) {
                r->stamp[to] = r->present;
                r->reached[count++] = to;
                memset(joined, 0, r->words * sizeof *joined);
            }
            for (size_t i = 0; i < r->words; i++)
                joined[i] |= t->set[(size_t)e * r->words + i];
        }
    if (count > 1)
        qsort(r->reached, count, sizeof *r->reached, rising);
    return count;
}

static void put_in(nnsm_trellis_reducer *r, part *p, int32_t node)
{
    r->cell[r->cells] = node;
    r->next[r->cells] = p->cell;
    p->cell = (int32_t)r->cells++;
    p->count++;
    p->hash = nnsm_trellis_mix(p->hash, (uint64_t)node);
}

/* One more node, which the symbols of joined lead to. False where there is no room. */
static bool part_by(nnsm_trellis_reducer *r, int32_t node)
{
    uint64_t rest[WORDS] = {0};
    size_t parts = r->parts;
    memcpy(rest, r->joined + (size_t)node * r->words, r->words * sizeof *rest);
    if (!room_for_lists(r, 0, r->cells + parts + 1))
        return false;
    for (size_t k = 0; k < parts; k++) {
        part *p = &r->part[k], both = *p;
        uint64_t any = 0, others = 0;
        for (size_t i = 0; i < r->words; i++) {
            both.set[i] &= rest[i];
            any |= both.set[i];
            others |= p->set[i] & ~rest[i];
        }
        if (!any)
            continue;
        for (size_t i = 0; i < r->words; i++) {
            rest[i] &= ~both.set[i];
            p->set[i] &= others ? ~both.set[i] : UINT64_MAX;
        }
        if (others)
            r->part[r->parts] = both;
        put_in(r, others ? &r->part[r->parts++] : p, node);
    }
    if (rest[0] | rest[1] | rest[2] | rest[3]) {
        part *p = &r->part[r->parts++];
        *p = (part){.hash = 1, .cell = -1};
        memcpy(p->set, rest, sizeof rest);
        put_in(r, p, node);
    }
    return true;
}

/* The subset with the nodes of a part, in the open level. -1: no room. */
static int32_t subset_of(nnsm_trellis_reducer *r, const part *p)
{
    nnsm_trellis *s = &r->subsets;
    uint64_t slot = UINT64_MAX;
    for (int32_t n; (n = nnsm_trellis_probe(s, p->hash, &slot)) >= 0;) {
        const uint64_t *key = s->key + (size_t)n * NNSM_TRELLIS_KEY;
        const int32_t *member = r->member + key[0];
        int32_t c = key[1] == p->count ? p->cell : -2;
        for (; c >= 0 && r->cell[c] == *member; member++)
            c = r->next[c];
        if (c == -1)
            return n;
    }
    int32_t n = room_for_lists(r, r->members + p->count, 0) ? nnsm_trellis_add_node(s, p->hash) : -1;
    if (n < 0)
        return -1;
    s->key[(size_t)n * NNSM_TRELLIS_KEY] = r->members;
    s->key[(size_t)n * NNSM_TRELLIS_KEY + 1] = p->count;
    for (int32_t c = p->cell; c >= 0; c = r->next[c])
        r->member[r->members++] = r->cell[c];
    return n;
}

/* The edges of one subset. */
static bool continue_subset(nnsm_trellis_reducer *r, const nnsm_trellis *t, size_t subset, size_t level)
{
    size_t count = join(r, t, subset, level);
    nnsm_trellis_begin_edges(&r->subsets, subset);
    r->cells = r->parts = 0;
    for (size_t i = 0; i < count; i++)
        if (!part_by(r, r->reached[i]))
            return false;
    for (size_t k = 0; k < r->parts; k++) {
        int32_t to = subset_of(r, &r->part[k]);
        if (to < 0 || nnsm_trellis_add_edge(&r->subsets, to, r->part[k].set) < 0)
            return false;
    }
    return true;
}

static bool determine(nnsm_trellis_reducer *r, const nnsm_trellis *t)
{
    nnsm_trellis *s = &r->subsets;
    part root = {.hash = 1, .cell = -1};
    r->members = r->cells = 0;
    nnsm_trellis_clear(s);
    if (!room_for_nodes(r, t->nodes) || !room_for_lists(r, 1, 1))
        return false;
    put_in(r, &root, 0);
    if (subset_of(r, &root) < 0)
        return false;
    nnsm_trellis_close_level(s, 0);
    for (size_t j = 0; j < r->columns; j++) {
        for (int32_t d = s->level[j]; d < s->level[j + 1]; d++)
            if (!continue_subset(r, t, (size_t)d, j))
                return false;
        nnsm_trellis_end_edges(s);
        nnsm_trellis_close_level(s, j + 1);
    }
    return true;
}

/* ---- classes of subsets with the same continuations */

static size_t lowest(const uint64_t *set)
{
    size_t i = 0;
    while (!set[i])
        i++;
    return 64 * i + (size_t)__builtin_ctzll(set[i]);
}

/* A subset's edges by the classes they lead to, those of a class in one, by their lowest symbols. Returns how many. */
static size_t classify(nnsm_trellis_reducer *r, size_t subset, uint64_t *hash)
{
    const nnsm_trellis *s = &r->subsets;
    part *edges = r->part; /* cell: a class */
    size_t count = 0;
    for (int32_t e = s->edge[subset]; e < s->edge[subset + 1]; e++) {
        part p = {.cell = r->number[s->target[e]]};
        memcpy(p.set, s->set + (size_t)e * r->words, r->words * sizeof *p.set);
        for (size_t k = 0; k < count; k++)
            if (edges[k].cell == p.cell) {
                for (size_t i = 0; i < r->words; i++)
                    p.set[i] |= edges[k].set[i];
                memmove(edges + k, edges + k + 1, (--count - k) * sizeof *edges);
                break;
            }
        size_t at = count++, low = lowest(p.set);
        for (; at > 0 && lowest(edges[at - 1].set) > low; at--)
            edges[at] = edges[at - 1];
        edges[at] = p;
    }
    *hash = 1;
    for (size_t k = 0; k < count; k++) {
        *hash = nnsm_trellis_mix(*hash, (uint64_t)edges[k].cell);
        for (size_t i = 0; i < r->words; i++)
            *hash = nnsm_trellis_mix(*hash, edges[k].set[i]);
    }
    return count;
}

static bool is_class(const nnsm_trellis_reducer *r, const nnsm_trellis *classes, int32_t c, size_t count)
{
    int32_t first = classes->edge[c];
    if ((size_t)(classes->edge[c + 1] - first) != count)
        return false;
    for (size_t k = 0; k < count; k++)
        if (classes->target[(size_t)first + k] != r->part[k].cell ||
            memcmp(classes->set + ((size_t)first + k) * r->words, r->part[k].set, r->words * sizeof(uint64_t)) != 0)
            return false;
    return true;
}

/* Nodes of classes: level by level from the last one back. -1: no room. */
static int32_t class_of(nnsm_trellis_reducer *r, nnsm_trellis *classes, size_t subset)
{
    uint64_t hash, slot = UINT64_MAX;
    size_t count = classify(r, subset, &hash);
    for (int32_t c; (c = nnsm_trellis_probe(classes, hash, &slot)) >= 0;)
        if (is_class(r, classes, c, count))
            return c;
    int32_t c = nnsm_trellis_add_node(classes, hash);
    if (c < 0)
        return -1;
    nnsm_trellis_begin_edges(classes, (size_t)c);
    for (size_t k = 0; k < count; k++)
        if (nnsm_trellis_add_edge(classes, r->part[k].cell, r->part[k].set) < 0)
            return -1;
    classes->edge[c + 1] = (int32_t)classes->edges;
    return c;
}

/* The class of the first subset, or -1: no room. */
static int32_t merge(nnsm_trellis_reducer *r, nnsm_trellis *classes)
{
    const nnsm_trellis *s = &r->subsets;
    nnsm_trellis_clear(classes);
    if (!room_for_numbers(r, s->nodes) || nnsm_trellis_add_node(classes, 0) < 0)
        return -1;
    classes->edge[1] = 0;
    r->number[s->level[r->columns]] = 0;
    nnsm_trellis_close_level(classes, 0);
    for (size_t j = r->columns; j-- > 0;) {
        for (int32_t d = s->level[j]; d < s->level[j + 1]; d++)
            if ((r->number[d] = class_of(r, classes, (size_t)d)) < 0)
                return -1;
        nnsm_trellis_close_level(classes, r->columns - j);
    }
    return r->number[0];
}

/* ---- the result */

/* What can be reached from root in t, level by level in the order of its edges; without what is dead. */
static void copy(nnsm_trellis_reducer *r, const nnsm_trellis *t, int32_t root, nnsm_trellis *out)
{
    nnsm_trellis_clear(out);
    if (!room_for_numbers(r, t->nodes) || nnsm_trellis_add_node(out, 0) < 0)
        return;
    for (size_t n = 0; n < t->nodes; n++)
        r->number[n] = -1;
    out->from[0] = root;
    nnsm_trellis_close_level(out, 0);
    for (size_t j = 0; j < r->columns; j++) {
        for (int32_t n = out->level[j]; n < out->level[j + 1]; n++) {
            nnsm_trellis_begin_edges(out, (size_t)n);
            for (int32_t e = t->edge[out->from[n]]; e < t->edge[out->from[n] + 1]; e++) {
                int32_t to = t->target[e], *number = &r->number[to];
                if (t->dead[to])
                    continue;
                bool last = j + 1 == r->columns && out->nodes > out->open; /* counts as one */
                if (*number < 0 && last)
                    *number = (int32_t)out->open;
                if (*number < 0 && (*number = nnsm_trellis_add_node(out, 0)) >= 0)
                    out->from[*number] = to;
                if (*number >= 0)
                    (void)nnsm_trellis_add_edge(out, *number, t->set + (size_t)e * r->words);
            }
        }
        nnsm_trellis_end_edges(out);
        nnsm_trellis_close_level(out, j + 1);
    }
    (void)nnsm_trellis_bury(out, r->columns, 0);
}

bool nnsm_trellis_reduce(nnsm_trellis_reducer *reducer, nnsm_trellis *trellis, nnsm_trellis *reduced)
{
    nnsm_trellis_reducer *r = reducer;
    if (nnsm_trellis_is_line(trellis)) {
        nnsm_trellis_draw_line(trellis, reduced);
        return true;
    }
    if (trellis->dead[0] || !determine(r, trellis)) {
        copy(r, trellis, 0, reduced);
        return false;
    }
    int32_t root = merge(r, trellis);
    copy(r, root >= 0 ? trellis : &r->subsets, root >= 0 ? root : 0, reduced);
    return root >= 0;
}
