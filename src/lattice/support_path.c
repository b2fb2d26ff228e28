#include "lattice/support_path.h"

#include <string.h>

#include "base/memory.h"
#include "lattice/support_state.h"

enum { LEAST = 6, MOST = 64, ROOM = 1 << 20 }; /* edges a column that are remembered; bytes for them, or the least */

nnsm_status nnsm_support_path_create(nnsm_support_path *path, const nnsm_support *support, nnsm_error *error)
{
    nnsm_support_path *p = path;
    size_t windows = support->window.sites, places = support->rows * support->strips;
    size_t fit = ROOM / (places * support->strip_columns * (8 * support->words + 8));
    size_t most = (fit < LEAST ? LEAST : fit < MOST ? fit : MOST) * support->strip_columns;
    *p = (nnsm_support_path){
        .support = support, .most_edges = most, .room = support->strip_columns + 2 + most + 2 + most};
    nnsm_status status = NNSM_NEW(&p->upper, windows, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->allowed, windows, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->belief, windows * support->beliefs, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->edges, places, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->graph, places * p->room, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->set, places * most * support->words, "support of chains", error);
    if (status)
        nnsm_support_path_destroy(p);
    return status;
}

void nnsm_support_path_destroy(nnsm_support_path *path)
{
    nnsm_release(path->upper);
    nnsm_release(path->allowed);
    nnsm_release(path->belief);
    nnsm_release(path->edges);
    nnsm_release(path->graph);
    nnsm_release(path->set);
    *path = (nnsm_support_path){0};
}

/* ---- what is known where a row begins */

/* Parts of a trellis's graph, one behind the other. */
typedef struct {
    int32_t *level, *edge, *target;
    size_t levels, edges, targets;
} graph;

/* What place of a path holds a trellis with as many nodes and edges; the parts beyond levels depend on these. */
static graph graph_of(const nnsm_support_path *p, size_t place, size_t nodes, size_t edges)
{
    graph g = {.level = p->graph + place * p->room, .levels = p->support->strip_columns + 2, .targets = edges};
    g.edges = nodes + 1;
    g.edge = g.level + g.levels;
    g.target = g.edge + g.edges;
    return g;
}

static uint64_t *sets_of(const nnsm_support_path *p, size_t place)
{
    return p->set + place * p->most_edges * p->support->words;
}

static bool is_kept(const nnsm_support_path *p, size_t row)
{
    for (size_t i = 0; i < p->support->strips; i++)
        if (!p->edges[row * p->support->strips + i])
            return false;
    return true;
}

static void keep(nnsm_support_path *p, const nnsm_support_stream *t, size_t row)
{
    const nnsm_support *s = p->support;
    for (size_t i = 0; i < s->strips; i++) {
        const nnsm_trellis *now = &t->now[i];
        size_t place = row * s->strips + i;
        bool few = now->edges <= p->most_edges && now->nodes <= now->edges + 1;
        p->edges[place] = few ? (int32_t)now->edges : 0;
        if (!few)
            continue;
        graph g = graph_of(p, place, now->nodes, now->edges);
        memcpy(g.level, now->level, g.levels * sizeof *g.level);
        memcpy(g.edge, now->edge, g.edges * sizeof *g.edge);
        memcpy(g.target, now->target, g.targets * sizeof *g.target);
        memcpy(sets_of(p, place), now->set, now->edges * s->words * sizeof *now->set);
    }
}

static bool is_as_kept(const nnsm_support_path *p, const nnsm_support_stream *t, size_t row)
{
    const nnsm_support *s = p->support;
    for (size_t i = 0; i < s->strips; i++) {
        const nnsm_trellis *now = &t->now[i];
        size_t place = row * s->strips + i;
        graph g = graph_of(p, place, now->nodes, now->edges);
        if (!p->edges[place] || (size_t)p->edges[place] != now->edges ||
            memcmp(g.level, now->level, g.levels * sizeof *g.level) != 0 ||
            memcmp(g.edge, now->edge, g.edges * sizeof *g.edge) != 0 ||
            memcmp(g.target, now->target, g.targets * sizeof *g.target) != 0 ||
            memcmp(sets_of(p, place), now->set, now->edges * s->words * sizeof *now->set) != 0)
            return false;
    }
    return true;
}

static void resume(const nnsm_support_path *p, nnsm_support_stream *t, size_t row)
{
    const nnsm_support *s = p->support;
    nnsm_support_begin(t);
    t->row = row;
    for (size_t i = 0; i < s->strips && row; i++) {
        nnsm_trellis *now = &t->now[i];
        size_t place = row * s->strips + i, edges = (size_t)p->edges[place];
        const int32_t *level = graph_of(p, place, 0, 0).level;
        graph g = graph_of(p, place, (size_t)level[s->strip_columns + 1], edges);
        nnsm_trellis_clear(now);
        for (size_t n = 0; n + 1 < g.edges; n++)
            (void)nnsm_trellis_add_node(now, 0);
        for (size_t e = 0; e < edges; e++)
            (void)nnsm_trellis_add_edge(now, g.target[e], sets_of(p, place) + e * s->words);
        memcpy(now->level, g.level, g.levels * sizeof *g.level);
        memcpy(now->edge, g.edge, g.edges * sizeof *g.edge);
    }
}

/* ---- following */

/* kept: the path itself where it is to remember, else NULL. */
static bool follow(const nnsm_support_path *p, nnsm_support_stream *t, const int8_t *upper, size_t first, size_t last,
                   nnsm_support_path *kept, uint32_t *allowed, float *belief, size_t *from, size_t *to)
{
    const nnsm_support *s = p->support;
    size_t begin = p->inside ? first / s->across : 0;
    while (begin && !is_kept(p, begin))
        begin--;
    resume(p, t, begin);
    *from = begin * s->across;
    for (*to = *from; *to < s->window.sites; ++*to) {
        size_t row = *to / s->across;
        if (*to % s->across == 0 && row > begin) {
            if (p->inside && *to > last && is_as_kept(p, t, row))
                return true;
            if (kept)
                keep(kept, t, row);
        }
        allowed[*to] = nnsm_support_next(t, belief + *to * s->beliefs);
        if (!nnsm_support_take(t, (size_t)upper[*to]))
            return false;
    }
    return true;
}

bool nnsm_support_path_load(nnsm_support_path *path, nnsm_support_stream *stream, const int8_t *upper)
{
    nnsm_support_path *p = path;
    size_t windows = p->support->window.sites, from, to;
    p->inside = false;
    memcpy(p->upper, upper, windows);
    p->inside = follow(p, stream, upper, 0, windows - 1, p, p->allowed, p->belief, &from, &to);
    if (p->inside)
        return true;
    memset(p->allowed, 0, windows * sizeof *p->allowed);
    memset(p->belief, 0, windows * p->support->beliefs * sizeof *p->belief);
    return false;
}

bool nnsm_support_path_try(const nnsm_support_path *path, nnsm_support_stream *stream, const int8_t *upper,
                           size_t first, size_t last, uint32_t *allowed, float *belief, size_t *from, size_t *to)
{
    return follow(path, stream, upper, first, last, NULL, allowed, belief, from, to);
}

void nnsm_support_path_accept(nnsm_support_path *path, nnsm_support_stream *stream, const int8_t *upper, size_t first,
                              size_t last)
{
    size_t from, to;
    path->inside = follow(path, stream, upper, first, last, path, path->allowed, path->belief, &from, &to);
    memcpy(path->upper, upper, path->support->window.sites);
}
