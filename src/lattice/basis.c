/* basis.c: nnsm_operators_create: which products there are, and which of them share a class.
 * Products are made by carrying shapes (sets of offsets) to every site. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lattice/orbit.h"

enum { MOST_TERMS = 1 << 24, AXES = NNSM_MAX_DIMENSIONS };

/* 1.414 stands for the square root of 2. */
static const double ROUNDED = 1e-3;

/* A product on its way into a class. */
typedef struct {
    double spread;
    int32_t order;
    int32_t key[NNSM_TERM_SITES];  /* smallest member of the orbit, as sites; -1 beyond the order */
    int32_t site[NNSM_TERM_SITES]; /* rising */
} term;

typedef struct {
    const nnsm_lattice *lattice;
    const nnsm_basis *basis;
    nnsm_orbits orbits;
    size_t terms, room;
    term *term;
} builder;

/* ---- products */

static nnsm_status make_room(builder *b, nnsm_error *error)
{
    if (b->terms < b->room)
        return NNSM_OK;
    if (b->terms >= MOST_TERMS)
        return nnsm_fail(error, NNSM_USAGE, "a basis of more than %d products; take fewer kinds", MOST_TERMS);
    size_t room = b->room ? 2 * b->room : 1024;
    term *larger = NULL;
    nnsm_status status = NNSM_NEW(&larger, room, "local operators", error);
    if (status)
        return status;
    if (b->terms)
        memcpy(larger, b->term, b->terms * sizeof *larger);
    nnsm_release(b->term);
    b->term = larger;
    b->room = room;
    return NNSM_OK;
}

/* The shape at every site; where it leaves the lattice or falls on itself there is no product. */
static nnsm_status add_shape(builder *b, int order, int (*offset)[AXES], nnsm_error *error)
{
    const nnsm_lattice *l = b->lattice;
    const term *known = NULL; /* under translations all terms of a shape are of one class */
    term first;
    for (size_t i = 0; i < l->sites; i++) {
        term t = {.order = order, .site = {-1, -1, -1, -1}};
        int x[AXES];
        bool valid = true;
        nnsm_site_coordinates(l, (int32_t)i, x);
        for (int k = 0; k < order; k++)
            t.site[k] = nnsm_site_carry(l, x, offset[k]);
        nnsm_orbit_sort(t.site, order);
        for (int k = 0; k < order; k++)
            valid = valid && t.site[k] >= 0 && (!k || t.site[k] != t.site[k - 1]);
        if (!valid)
            continue;
        nnsm_status status = make_room(b, error);
        if (status)
            return status;
        t.spread = nnsm_orbit_spread(l, order, t.site);
        if (known)
            memcpy(t.key, known->key, sizeof t.key);
        else
            nnsm_orbit_key(&b->orbits, order, t.site, t.key);
        if (b->basis->translation) {
            first = t;
            known = &first;
        }
        b->term[b->terms++] = t;
    }
    return NNSM_OK;
}

/* Steps of one axis that reach every image once. */
static void reach(const nnsm_lattice *l, int axis, double range, int *low, int *high)
{
    int most = (int)fmin(range, l->extent[axis] - 1);
    *high = l->periodic && most > l->extent[axis] / 2 ? l->extent[axis] / 2 : most;
    *low = l->periodic && -most < (1 - l->extent[axis]) / 2 ? (1 - l->extent[axis]) / 2 : -most;
}

/* One of each two opposite offsets; half of an even extent is its own opposite, there both signs of the other axes are
 * needed. */
static bool is_forward(const nnsm_lattice *l, const int *d)
{
    bool forward = d[0] > 0 || (d[0] == 0 && (d[1] > 0 || (d[1] == 0 && d[2] > 0)));
    for (int a = 0; a < AXES; a++)
        forward = forward || (l->periodic && d[a] && 2 * d[a] == l->extent[a]);
    return forward;
}

/* All offsets up to the range: counted, then, with `add`, carried to all sites. */
static nnsm_status visit_offsets(builder *b, bool add, size_t *count, nnsm_error *error)
{
    const nnsm_lattice *l = b->lattice;
    int low[AXES], high[AXES], shape[2][AXES] = {{0}}, *d = shape[1];
    double range = b->basis->range + ROUNDED;
    nnsm_status status = NNSM_OK;
    *count = 0;
    for (int a = 0; a < AXES; a++)
        reach(l, a, range, &low[a], &high[a]);
    for (d[0] = low[0]; d[0] <= high[0]; d[0]++)
        for (d[1] = low[1]; d[1] <= high[1]; d[1]++)
            for (d[2] = low[2]; d[2] <= high[2]; d[2]++) {
                double square = (double)d[0] * d[0] + (double)d[1] * d[1] + (double)d[2] * d[2];
                if (!is_forward(l, d) || square > range * range || status)
                    continue;
                ++*count;
                status = add ? add_shape(b, 2, shape, error) : NNSM_OK;
            }
    return status;
}

static nnsm_status add_pairs(builder *b, nnsm_error *error)
{
    const nnsm_lattice *l = b->lattice;
    double square = 0, range = b->basis->range;
    size_t count;
    for (int a = 0; a < AXES; a++) {
        int far = l->periodic ? l->extent[a] / 2 : l->extent[a] - 1;
        square += (double)far * far;
    }
    if (range > sqrt(square) + ROUNDED)
        return nnsm_fail(error, NNSM_USAGE, "pairs up to distance %g: the farthest sites are %.3f apart; lower it",
                         range, sqrt(square));
    (void)visit_offsets(b, false, &count, error);
    if (count * l->sites > MOST_TERMS)
        return nnsm_fail(error, NNSM_USAGE, "%zu pairs a site on %zu sites are more than %d; lower the range", count,
                         l->sites, MOST_TERMS);
    return visit_offsets(b, true, &count, error);
}

/* All sets of `order` sites in a cell of `extent` sites. */
static nnsm_status add_cell(builder *b, int order, const int *extent, nnsm_error *error)
{
    int volume = extent[0] * extent[1] * extent[2];
    nnsm_status status = NNSM_OK;
    for (int set = 0; set < 1 << volume && !status; set++) {
        int offset[NNSM_TERM_SITES][AXES], count = 0;
        if (__builtin_popcount((unsigned)set) != order)
            continue;
        for (int v = 0; v < volume; v++)
            if (set >> v & 1) {
                offset[count][0] = v / (extent[1] * extent[2]);
                offset[count][1] = v / extent[2] % extent[1];
                offset[count++][2] = v % extent[2];
            }
        status = add_shape(b, order, offset, error);
    }
    return status;
}

/* Three spins: the cell of 2^d sites, on a chain three neighbours. Four spins: on a chain four neighbours, in two
 * dimensions 2 x 3 sites both ways, in three the cube. */
static nnsm_status add_products(builder *b, nnsm_error *error)
{
    const nnsm_lattice *l = b->lattice;
    const nnsm_basis *basis = b->basis;
    nnsm_status status = NNSM_OK;
    if (basis->field)
        status = add_shape(b, 1, (int[1][AXES]){{0}}, error);
    if (!status && basis->range > 0)
        status = add_pairs(b, error);
    if (!status && basis->triples)
        status = add_cell(b, 3,
                          l->dimensions == 1   ? (int[]){3, 1, 1}
                          : l->dimensions == 2 ? (int[]){2, 2, 1}
                                               : (int[]){2, 2, 2},
                          error);
    if (!status && basis->quadruples)
        status = add_cell(b, 4,
                          l->dimensions == 1   ? (int[]){4, 1, 1}
                          : l->dimensions == 2 ? (int[]){2, 3, 1}
                                               : (int[]){2, 2, 2},
                          error);
    if (!status && basis->quadruples && l->dimensions == 2)
        status = add_cell(b, 4, (int[]){3, 2, 1}, error);
    return status;
}

/* ---- classes */

static int compare_terms(const void *left, const void *right)
{
    const term *a = left, *b = right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->spread != b->spread)
        return a->spread < b->spread ? -1 : 1;
    int keys = nnsm_orbit_compare(a->key, b->key);
    return keys ? keys : nnsm_orbit_compare(a->site, b->site);
}

/* Several shapes may give the same product: keep one. */
static void sort_and_thin(builder *b)
{
    size_t kept = 0;
    if (b->terms)
        qsort(b->term, b->terms, sizeof *b->term, compare_terms);
    for (size_t t = 0; t < b->terms; t++)
        if (!kept || compare_terms(&b->term[t], &b->term[kept - 1]) != 0)
            b->term[kept++] = b->term[t];
    b->terms = kept;
}

static bool same_class(const term *a, const term *b)
{
    return a->order == b->order && nnsm_orbit_compare(a->key, b->key) == 0;
}

static nnsm_status assemble(nnsm_operators *operators, const builder *b, nnsm_error *error)
{
    nnsm_operator *class = NULL;
    int32_t(*site)[NNSM_TERM_SITES] = NULL, *class_of = NULL;
    size_t classes = 0;
    nnsm_status status = NNSM_NEW(&class, b->terms + 1, "local operators", error);
    if (!status)
        status = nnsm_allocate((void **)&site, b->terms, sizeof *site, "local operators", error);
    if (!status)
        status = NNSM_NEW(&class_of, b->terms, "local operators", error);
    for (size_t t = 0; t < b->terms && !status; t++) {
        if (!t || !same_class(&b->term[t], &b->term[t - 1])) {
            class[classes] = (nnsm_operator){.order = b->term[t].order,
                                             .distance = b->term[t].order == 2 ? sqrt(b->term[t].spread) : 0};
            nnsm_orbit_name(&b->orbits, b->term[t].order, b->term[t].key, class[classes++].name);
        }
        memcpy(site[t], b->term[t].site, sizeof site[t]);
        class_of[t] = (int32_t)classes - 1;
    }
    if (!status && b->basis->m2)
        nnsm_orbit_name(&b->orbits, 0, NULL, class[classes++].name);
    if (!status)
        status = nnsm_operators_assemble(operators, b->lattice->sites, classes, class, b->terms,
                                         (const int32_t(*)[NNSM_TERM_SITES])site, class_of, error);
    nnsm_release(class);
    nnsm_release(site);
    nnsm_release(class_of);
    return status;
}

nnsm_status nnsm_operators_create(nnsm_operators *operators, const nnsm_lattice *lattice, const nnsm_basis *basis,
                                  nnsm_error *error)
{
    builder *b = NULL;
    *operators = (nnsm_operators){0};
    nnsm_status status = NNSM_NEW(&b, 1, "local operators", error);
    if (status)
        return status;
    b->lattice = lattice;
    b->basis = basis;
    b->orbits = nnsm_orbits_make(lattice, basis->translation, basis->point_group);
    status = add_products(b, error);
    if (!status) {
        sort_and_thin(b);
        status = assemble(operators, b, error);
    }
    nnsm_release(b->term);
    nnsm_release(b);
    return status;
}
