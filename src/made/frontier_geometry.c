#include "made/frontier_geometry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void coordinates_of(const nnsm_frontier_architecture *a, int32_t site, int *c)
{
    for (int axis = a->dimensions - 1; axis >= 0; axis--) {
        c[axis] = site % a->extent[axis];
        site /= a->extent[axis];
    }
}

/* The shortest way from one site to another. */
void nnsm_frontier_displacement(const nnsm_frontier_architecture *a, int32_t from, int32_t to, int *d)
{
    int x[NNSM_MAX_DIMENSIONS], y[NNSM_MAX_DIMENSIONS];
    coordinates_of(a, from, x);
    coordinates_of(a, to, y);
    for (int axis = 0; axis < a->dimensions; axis++) {
        int l = a->extent[axis];
        d[axis] = y[axis] - x[axis];
        if (a->periodic && 2 * d[axis] >= l) /* -l/2 ... l/2 - 1 */
            d[axis] -= l;
        if (a->periodic && 2 * d[axis] < -l)
            d[axis] += l;
    }
}

void nnsm_frontier_slot(const nnsm_frontier *frontier, size_t fit, size_t slot, int *d)
{
    const int32_t *member = frontier->members[fit];
    while (frontier->output[*member].sites[slot] < 0)
        member++; /* a slot was made for one of them */
    nnsm_frontier_displacement(&frontier->architecture, frontier->order[*member], frontier->output[*member].sites[slot],
                               d);
}

static double square(const nnsm_frontier_architecture *a, const int *d)
{
    double sum = 0;
    for (int axis = 0; axis < a->dimensions; axis++)
        sum += (double)d[axis] * d[axis];
    return sum;
}

/* Offsets within the reach, [count][NNSM_MAX_DIMENSIONS]; NULL out counts only. */
static size_t list_offsets(const nnsm_frontier_architecture *a, int (*out)[NNSM_MAX_DIMENSIONS])
{
    int r = (int)floor(a->reach), d[NNSM_MAX_DIMENSIONS] = {0};
    size_t count = 0;
    int span[NNSM_MAX_DIMENSIONS] = {0};
    for (int axis = 0; axis < a->dimensions; axis++)
        span[axis] = r;
    for (d[0] = -span[0]; d[0] <= span[0]; d[0]++)
        for (d[1] = -span[1]; d[1] <= span[1]; d[1]++)
            for (d[2] = -span[2]; d[2] <= span[2]; d[2]++) {
                double s = (double)d[0] * d[0] + (double)d[1] * d[1] + (double)d[2] * d[2];
                if (s == 0 || s > a->reach * a->reach + 1e-9)
                    continue;
                if (out)
                    memcpy(out[count], d, sizeof d);
                count++;
            }
    return count;
}

/* The site at an offset, -1 beyond an open edge. */
static int32_t site_at(const nnsm_frontier_architecture *a, int32_t site, const int *offset)
{
    int c[NNSM_MAX_DIMENSIONS] = {0};
    int32_t at = 0;
    coordinates_of(a, site, c);
    for (int axis = 0; axis < a->dimensions; axis++) {
        int x = c[axis] + offset[axis], l = a->extent[axis];
        if (!a->periodic && (x < 0 || x >= l))
            return -1;
        at = at * l + ((x % l) + l) % l;
    }
    return at;
}

/* Sites within the reach of each other, -1 beyond an open edge. */
typedef struct {
    size_t count;
    int32_t *of; /* [sites][count] */
} neighbours;

static nnsm_status find_neighbours(const nnsm_frontier *f, neighbours *n, nnsm_error *error)
{
    const nnsm_frontier_architecture *a = &f->architecture;
    int(*offsets)[NNSM_MAX_DIMENSIONS] = NULL;
    n->count = list_offsets(a, NULL);
    nnsm_status status = nnsm_allocate((void **)&offsets, n->count, sizeof *offsets, "frontier", error);
    if (!status)
        status = NNSM_NEW(&n->of, f->sites * n->count, "frontier", error);
    if (!status) {
        (void)list_offsets(a, offsets);
        for (size_t i = 0; i < f->sites; i++)
            for (size_t k = 0; k < n->count; k++)
                n->of[i * n->count + k] = site_at(a, (int32_t)i, offsets[k]);
    }
    nnsm_release(offsets);
    return status;
}

/* The regions of unvisited sites grow backwards: taking the last position first, every site joins the regions next to
 * it. region[site]: a site of the same region, up to one that stands for it; the frontier of a region is that of the
 * output that joined it last. */
typedef struct {
    int32_t *region; /* [sites] */
    int32_t *latest; /* [sites] position that joined the region that a site stands for */
    int32_t *mark;   /* [sites] p + 1: in the list of p */
    int32_t *list;   /* [sites] */
} growth;

static int32_t root_of(int32_t *region, int32_t site)
{
    while (region[site] != site)
        site = region[site] = region[region[site]];
    return site;
}

static void add(growth *g, int32_t site, size_t p, size_t *found)
{
    if (g->mark[site] == (int32_t)p + 1)
        return;
    g->mark[site] = (int32_t)p + 1;
    g->list[(*found)++] = site;
}

/* The frontier of the output at p, unsorted, in g->list; returns its size. sizes: of the later outputs' frontiers. */
static size_t join(const nnsm_frontier *f, const neighbours *n, growth *g, const size_t *sizes, size_t p)
{
    int32_t own = f->order[p];
    size_t found = 0;
    g->region[own] = own;
    g->mark[own] = (int32_t)p + 1; /* it is no longer visited */
    for (size_t k = 0; k < n->count; k++) {
        int32_t j = n->of[(size_t)own * n->count + k];
        if (j < 0 || j == own)
            continue;
        if ((size_t)f->position[j] < p) {
            add(g, j, p, &found);
            continue;
        }
        int32_t root = root_of(g->region, j);
        if (root == own)
            continue;
        size_t q = (size_t)g->latest[root];
        for (size_t i = 0; i < sizes[q]; i++)
            add(g, f->output[q].sites[i], p, &found);
        g->region[root] = own;
    }
    g->latest[own] = (int32_t)p;
    return found;
}

typedef struct {
    double square; /* of the distance */
    int32_t position, site;
} candidate;

static int nearer(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->square != y->square)
        return x->square < y->square ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* Nearest first, ties by position. scratch: [count]. */
static void arrange(const nnsm_frontier *f, size_t p, size_t count, const int32_t *list, candidate *scratch)
{
    for (size_t i = 0; i < count; i++) {
        int d[NNSM_MAX_DIMENSIONS] = {0};
        nnsm_frontier_displacement(&f->architecture, f->order[p], list[i], d);
        scratch[i] = (candidate){square(&f->architecture, d), f->position[list[i]], list[i]};
    }
    qsort(scratch, count, sizeof *scratch, nearer);
    for (size_t i = 0; i < count; i++)
        f->output[p].sites[i] = scratch[i].site;
}

/* How many of the sites, nearest first, lie within the horizon. */
static size_t within_horizon(const nnsm_frontier *f, size_t p, size_t count)
{
    double most = f->architecture.horizon * f->architecture.horizon + 1e-9;
    for (; count; count--) {
        int d[NNSM_MAX_DIMENSIONS] = {0};
        nnsm_frontier_displacement(&f->architecture, f->order[p], f->output[p].sites[count - 1], d);
        if (square(&f->architecture, d) <= most)
            break;
    }
    return count;
}

nnsm_status nnsm_frontier_find(nnsm_frontier *frontier, size_t *sizes, nnsm_error *error)
{
    enum { MOST = 1 << 28 };
    nnsm_frontier *f = frontier;
    neighbours n = {0};
    growth g = {0};
    candidate *scratch = NULL;
    int32_t **arrays[] = {&g.region, &g.latest, &g.mark, &g.list};
    size_t total = 0;
    nnsm_status status = find_neighbours(f, &n, error);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i], f->sites, "frontier", error);
    if (!status)
        status = NNSM_NEW(&scratch, f->sites, "frontier", error);
    for (size_t p = f->sites; p-- > 0 && !status;) {
        total += sizes[p] = join(f, &n, &g, sizes, p);
        if (total > MOST)
            status = nnsm_fail(error, NNSM_USAGE, "frontier network: the lattice is too large; lower network.reach");
        if (!status)
            status = NNSM_NEW(&f->output[p].sites, sizes[p], "frontier", error);
        if (!status)
            arrange(f, p, sizes[p], g.list, scratch);
    }
    for (size_t p = 0; p < f->sites && f->architecture.horizon > 0 && !status; p++)
        sizes[p] = within_horizon(f, p, sizes[p]);
    nnsm_release(n.of);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(*arrays[i]);
    nnsm_release(scratch);
    return status;
}

/* ---- which outputs share a fit */

enum { NEAR = 3 }; /* frontiers that agree up to this distance are alike */

/* The sites that the outputs of one fit see, by displacement: a slot each. */
typedef struct {
    size_t count;
    int (*slot)[NNSM_MAX_DIMENSIONS]; /* [sites] */
    int32_t *held;                    /* [sites] site in a slot, of the output in hand */
} slots;

/* The slot of a displacement, `count` if there is none. Looked for from `guess` on. */
static size_t find_slot(const slots *s, size_t guess, const int *d)
{
    for (size_t step = 0; step < s->count; step++) {
        size_t i = (guess + step) % s->count;
        if (memcmp(s->slot[i], d, sizeof s->slot[i]) == 0)
            return i;
    }
    return s->count;
}

static void seen_at(const nnsm_frontier *f, size_t p, size_t i, int *d)
{
    nnsm_frontier_displacement(&f->architecture, f->order[p], f->output[p].sites[i], d);
}

/* Does the output q see the same nearest sites as the one whose `own` sites the first slots are? */
static bool alike(const nnsm_frontier *f, const slots *s, size_t own, size_t q, size_t count)
{
    size_t theirs = 0, ours = 0;
    for (size_t i = 0; i < own; i++)
        ours += square(&f->architecture, s->slot[i]) <= NEAR * NEAR;
    for (size_t i = 0; i < count; i++) {
        int d[NNSM_MAX_DIMENSIONS] = {0};
        seen_at(f, q, i, d);
        if (square(&f->architecture, d) > NEAR * NEAR)
            continue;
        if (find_slot(s, i, d) >= own)
            return false;
        theirs++;
    }
    return theirs == ours;
}

/* Do two outputs see the same sites? */
static bool equal(const nnsm_frontier *f, size_t p, size_t q, const size_t *sizes)
{
    size_t count = sizes[p];
    for (size_t i = 0; i < count && sizes[q] == count; i++) {
        int mine[NNSM_MAX_DIMENSIONS] = {0}, theirs[NNSM_MAX_DIMENSIONS] = {0};
        size_t step = 0;
        seen_at(f, p, i, mine);
        for (; step < count; step++) {
            seen_at(f, q, (i + step) % count, theirs); /* mostly in the same place */
            if (memcmp(mine, theirs, sizeof mine) == 0)
                break;
        }
        if (step == count)
            return false;
    }
    return sizes[q] == count;
}

/* Slots for all that the output q sees. */
static void take_in(const nnsm_frontier *f, slots *s, size_t q, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int d[NNSM_MAX_DIMENSIONS] = {0};
        seen_at(f, q, i, d);
        if (find_slot(s, i, d) == s->count)
            memcpy(s->slot[s->count++], d, sizeof d);
    }
}

/* The sites of the output q in their slots; -1 in those that it has no site for. */
static nnsm_status arrange_slots(nnsm_frontier *f, slots *s, size_t q, size_t *count, nnsm_error *error)
{
    for (size_t i = 0; i < s->count; i++)
        s->held[i] = -1;
    for (size_t i = 0; i < *count; i++) {
        int d[NNSM_MAX_DIMENSIONS] = {0};
        seen_at(f, q, i, d);
        s->held[find_slot(s, i, d)] = f->output[q].sites[i];
    }
    nnsm_release(f->output[q].sites);
    f->output[q].sites = NULL;
    nnsm_status status = NNSM_NEW(&f->output[q].sites, s->count, "frontier", error);
    if (!status)
        memcpy(f->output[q].sites, s->held, s->count * sizeof *s->held);
    *count = s->count;
    return status;
}

/* Representatives are tried first in the middle of the lattice's last axis, where most others look like them. */
static size_t seed_position(const nnsm_frontier *f, size_t step)
{
    size_t last = (size_t)f->architecture.extent[f->architecture.dimensions - 1];
    size_t row = step / last, column = step % last;
    return row * last + (column + last / 2) % last;
}

/* The fit of the output p; of those that look like it along the last axis; and with a horizon, without which no two
 * rows are the same, of all that see what one of them sees. */
static nnsm_status share_one(nnsm_frontier *f, size_t p, size_t *sizes, slots *s, nnsm_error *error)
{
    size_t last = (size_t)f->architecture.extent[f->architecture.dimensions - 1], from = p / last * last;
    size_t own = sizes[p], end = f->architecture.share ? f->architecture.horizon > 0 ? f->sites : from + last : from;
    nnsm_status status = NNSM_OK;
    s->count = 0;
    take_in(f, s, p, own);
    f->output[p].fit = f->fits;
    for (size_t q = from; q < end; q++) {
        size_t twin = from + q % last;
        if (f->output[q].fit == SIZE_MAX &&
            (q == twin ? alike(f, s, own, q, sizes[q]) : f->output[twin].fit == f->fits && equal(f, twin, q, sizes))) {
            f->output[q].fit = f->fits;
            take_in(f, s, q, sizes[q]);
        }
    }
    for (size_t q = from; q < f->sites && !status; q++)
        if (f->output[q].fit == f->fits)
            status = arrange_slots(f, s, q, &sizes[q], error);
    f->fits++;
    return status;
}

nnsm_status nnsm_frontier_share(nnsm_frontier *frontier, size_t *sizes, nnsm_error *error)
{
    nnsm_frontier *f = frontier;
    slots s = {0};
    nnsm_status status = nnsm_allocate((void **)&s.slot, f->sites, sizeof *s.slot, "frontier", error);
    if (!status)
        status = NNSM_NEW(&s.held, f->sites, "frontier", error);
    for (size_t p = 0; p < f->sites; p++)
        f->output[p].fit = SIZE_MAX;
    for (size_t step = 0; step < f->sites && !status; step++) {
        size_t p = seed_position(f, step);
        if (f->output[p].fit == SIZE_MAX)
            status = share_one(f, p, sizes, &s, error);
    }
    nnsm_release(s.slot);
    nnsm_release(s.held);
    return status;
}
