#include "lattice/support_path.h"

#include <string.h>

#include "base/memory.h"
#include "lattice/support_state.h"

nnsm_status nnsm_support_path_create(nnsm_support_path *path, const nnsm_support *support, nnsm_error *error)
{
    nnsm_support_path *p = path;
    size_t windows = support->window.sites, places = support->rows * support->strips;
    *p = (nnsm_support_path){.support = support};
    nnsm_status status = NNSM_NEW(&p->upper, windows, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->allowed, windows, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->belief, windows * support->beliefs, "support of chains", error);
    if (!status)
        status = NNSM_NEW(&p->count, places, "support of chains", error);
    if (!status)
        status =
            NNSM_NEW(&p->set, places * NNSM_SUPPORT_KEPT * nnsm_support_set_words(support), "support of chains", error);
    if (status)
        nnsm_support_path_destroy(p);
    return status;
}

void nnsm_support_path_destroy(nnsm_support_path *path)
{
    nnsm_release(path->upper);
    nnsm_release(path->allowed);
    nnsm_release(path->belief);
    nnsm_release(path->count);
    nnsm_release(path->set);
    *path = (nnsm_support_path){0};
}

/* ---- the hypotheses at the begin of a row, where no u matters */

static uint64_t *sets_of(const nnsm_support_path *p, size_t row, size_t strip)
{
    const nnsm_support *s = p->support;
    return p->set + (row * s->strips + strip) * NNSM_SUPPORT_KEPT * nnsm_support_set_words(s);
}

static bool is_kept(const nnsm_support_path *p, size_t row)
{
    for (size_t i = 0; i < p->support->strips; i++)
        if (!p->count[row * p->support->strips + i])
            return false;
    return true;
}

static void keep(nnsm_support_path *p, const nnsm_support_stream *t, size_t row)
{
    const nnsm_support *s = p->support;
    for (size_t i = 0; i < s->strips; i++) {
        const nnsm_support_pool *pool = &t->now[i];
        bool few = pool->count <= NNSM_SUPPORT_KEPT;
        p->count[row * s->strips + i] = few ? (uint8_t)pool->count : 0;
        if (few)
            memcpy(sets_of(p, row, i), pool->set, pool->count * nnsm_support_set_words(s) * sizeof *pool->set);
    }
}

static bool is_as_kept(const nnsm_support_path *p, const nnsm_support_stream *t, size_t row)
{
    const nnsm_support *s = p->support;
    for (size_t i = 0; i < s->strips; i++)
        if (!p->count[row * s->strips + i] || p->count[row * s->strips + i] != t->now[i].count ||
            memcmp(sets_of(p, row, i), t->now[i].set,
                   t->now[i].count * nnsm_support_set_words(s) * sizeof *t->now[i].set) != 0)
            return false;
    return true;
}

static void resume(const nnsm_support_path *p, nnsm_support_stream *t, size_t row)
{
    const nnsm_support *s = p->support;
    nnsm_support_begin(t);
    t->row = row;
    for (size_t i = 0; i < s->strips && row; i++) {
        nnsm_support_pool *pool = &t->now[i];
        pool->count = p->count[row * s->strips + i];
        memcpy(pool->set, sets_of(p, row, i), pool->count * nnsm_support_set_words(s) * sizeof *pool->set);
        memset(pool->u, 0, pool->count * s->strip_columns);
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
