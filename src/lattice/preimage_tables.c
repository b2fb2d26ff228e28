#include "base/memory.h"
#include "lattice/preimage_state.h"

enum {
    MOST_HYPOTHESES = 1 << 10, /* at a time */
    LEAST_HYPOTHESES = 1 << 6, /* on very large lattices */
    ROOM = 1 << 26,            /* bytes for them */
    KEPT_A_ROW = 1 << 6,       /* on the way back to a preimage, beside MOST_HYPOTHESES */
};

/* ---- geometry */

/* All ways from pattern to pattern, by the number of upper sites in the window. */
static nnsm_status list_steps(nnsm_preimage *p, nnsm_error *error)
{
    size_t fresh = (size_t)1 << p->stride1, count = 0;
    nnsm_status status = NNSM_NEW(&p->step, p->patterns * fresh, "window patterns", error);
    for (size_t u = 0; u <= p->size1 && !status; u++) {
        p->first_step[u] = count;
        for (size_t from = 0; from < p->patterns; from++)
            for (size_t n = 0; n < fresh; n++) {
                size_t to = nnsm_window_follow(p, from, n), s = p->first_step[u];
                if (nnsm_window_ones(from) + nnsm_window_ones(n) != u)
                    continue;
                while (s < count && (p->step[s].from != (int32_t)from || p->step[s].to != (int32_t)to))
                    s++;
                if (s == count)
                    p->step[count++] = (nnsm_window_step){(int32_t)from, (int32_t)to, 0};
                p->step[s].ways += 1;
            }
    }
    p->first_step[p->size1 + 1] = count;
    return status;
}

static nnsm_status list_windows(nnsm_preimage *p, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&p->touching, p->columns * p->size2 + p->across, "windows of columns", error);
    if (!status)
        status = NNSM_NEW(&p->live, p->columns * p->columns, "windows of columns", error);
    for (size_t i = 0; i < p->columns * p->size2 && !status; i++)
        p->touching[i] = -1;
    for (size_t w = 0; w < p->across && !status; w++) {
        size_t last = 0;
        for (size_t k = 0; k < p->size2; k++) {
            size_t column = nnsm_window_column(p, w, k), i = column * p->size2;
            last = column > last ? column : last;
            while (p->touching[i] >= 0)
                i++;
            p->touching[i] = (int32_t)w;
        }
        for (size_t k = 0; k < p->size2; k++)
            for (size_t j = nnsm_window_column(p, w, k); j < last; j++)
                p->live[j * p->columns + nnsm_window_column(p, w, k)] = 1;
    }
    return status;
}

/* Rows of windows go down the axis that overlaps alone, or else the second one: then nothing branches for long. */
static void choose_axes(nnsm_preimage *p)
{
    const nnsm_window *w = &p->window;
    bool first = w->stride[0] < w->size[0], second = w->stride[1] < w->size[1];
    p->transposed = first && !second && w->below[1] > 1;
    int down = p->transposed, along = !p->transposed;
    p->periodic = w->periodic != 0;
    p->rows = (size_t)w->extent[down];
    p->row_sites = (size_t)w->below[down];
    p->size1 = (size_t)w->size[down];
    p->stride1 = (size_t)w->stride[down];
    p->across = (size_t)w->extent[along];
    p->columns = (size_t)w->below[along];
    p->size2 = (size_t)w->size[along];
    p->stride2 = (size_t)w->stride[along];
    if (p->rows == 1 && !p->periodic) /* a single row of windows shares nothing */
        p->stride1 = p->size1;
    p->shared = p->size1 - p->stride1;
    p->patterns = (size_t)1 << p->shared;
    p->length = p->periodic ? p->patterns * p->patterns : p->patterns;
}

nnsm_status nnsm_preimage_check(const nnsm_window *w, nnsm_error *error)
{
    if (w->dimensions > 2)
        return nnsm_fail(error, NNSM_USAGE,
                         "windows are not undone in three dimensions; take window.route = \"plain\"");
    for (int a = 0; a < w->dimensions; a++) {
        int shared = w->size[a] - w->stride[a],
            most = w->periodic ? NNSM_PREIMAGE_MOST_SHARED_PERIODIC : NNSM_PREIMAGE_MOST_SHARED;
        if (shared < 0 && w->below[a] > w->size[a])
            return nnsm_fail(error, NNSM_USAGE,
                             "windows with a stride above their size say nothing of the sites between them; take "
                             "window.route = \"plain\"");
        if (w->size[a] > NNSM_PREIMAGE_LONGEST || shared > most)
            return nnsm_fail(error, NNSM_USAGE,
                             "windows of %d sites that share %d with the next are too long to be undone (%d, %d%s); "
                             "take window.route = \"plain\"",
                             (int)w->size[a], shared, NNSM_PREIMAGE_LONGEST, most,
                             w->periodic ? " where they are periodic" : "");
    }
    return NNSM_OK;
}

/* ---- creation */

static nnsm_status allocate_hypotheses(const nnsm_preimage *p, nnsm_hypotheses *h, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&h->weight, p->most, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&h->hash, p->most, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&h->parent, p->most, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&h->upper, p->most * p->columns, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&h->vector, p->most * p->columns * p->length, "hypotheses", error);
    return status;
}

static nnsm_status allocate(nnsm_preimage *p, nnsm_error *error)
{
    size_t bytes = p->columns * (p->length * sizeof(double) + 1);
    p->most = ROOM / bytes < LEAST_HYPOTHESES ? LEAST_HYPOTHESES : ROOM / bytes;
    p->most = p->most < MOST_HYPOTHESES ? p->most : MOST_HYPOTHESES;
    for (p->slots = 1; p->slots < 2 * p->most;)
        p->slots *= 2;
    p->trail_most = p->rows * KEPT_A_ROW + MOST_HYPOTHESES;
    nnsm_status status = allocate_hypotheses(p, &p->now, error);
    if (!status)
        status = allocate_hypotheses(p, &p->next, error);
    if (!status)
        status = NNSM_NEW(&p->slot, p->slots, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&p->stamp, p->slots, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&p->trail_parent, p->trail_most, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&p->trail_upper, p->trail_most * p->columns, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&p->left, p->rows, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&p->table, p->rows * p->columns, "hypotheses", error);
    if (!status)
        status = NNSM_NEW(&p->reach, p->rows + 1, "hypotheses", error);
    return status;
}

/* Windows that do not overlap leave no possibilities, and those of very many sites are not followed. */
static nnsm_status create_finder(nnsm_preimage *p, nnsm_error *error)
{
    nnsm_status status = nnsm_support_create(&p->support, &p->window, error);
    if (status == NNSM_USAGE)
        return NNSM_OK;
    if (!status)
        status = nnsm_support_finder_create(&p->finder, p->support, error);
    if (!status)
        status = NNSM_NEW(&p->sums, p->window.sites, "search for sites", error);
    if (!status)
        status = NNSM_NEW(&p->first, p->window.sites_below, "search for sites", error);
    if (!status)
        status = NNSM_NEW(&p->last, p->window.sites_below, "search for sites", error);
    return status;
}

nnsm_status nnsm_preimage_create(nnsm_preimage **out, const nnsm_window *window, nnsm_error *error)
{
    nnsm_preimage *p = NULL;
    *out = NULL;
    nnsm_status status = nnsm_preimage_check(window, error);
    if (!status)
        status = NNSM_NEW(&p, 1, "filter of windows", error);
    if (status)
        return status;
    p->window = *window;
    choose_axes(p);
    status = list_steps(p, error);
    if (!status)
        status = list_windows(p, error);
    if (!status)
        status = allocate(p, error);
    if (!status)
        status = create_finder(p, error);
    if (status)
        nnsm_preimage_destroy(p);
    else
        *out = p;
    return status;
}

static void release_hypotheses(nnsm_hypotheses *h)
{
    nnsm_release(h->weight);
    nnsm_release(h->hash);
    nnsm_release(h->parent);
    nnsm_release(h->upper);
    nnsm_release(h->vector);
}

void nnsm_preimage_destroy(nnsm_preimage *preimage)
{
    nnsm_preimage *p = preimage;
    if (!p)
        return;
    release_hypotheses(&p->now);
    release_hypotheses(&p->next);
    nnsm_release(p->step);
    nnsm_release(p->touching);
    nnsm_release(p->live);
    nnsm_release(p->slot);
    nnsm_release(p->stamp);
    nnsm_release(p->trail_parent);
    nnsm_release(p->trail_upper);
    nnsm_release(p->left);
    nnsm_release(p->table);
    nnsm_release(p->reach);
    nnsm_support_finder_destroy(p->finder);
    nnsm_support_destroy(p->support);
    nnsm_release(p->sums);
    nnsm_release(p->first);
    nnsm_release(p->last);
    nnsm_release(p);
}
