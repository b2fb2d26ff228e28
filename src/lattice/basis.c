/* basis.c: nnsm_operators_create: which products there are, and which of them share a class.
 *
 * Products are made by carrying shapes (sets of offsets) to every site. The class of a term is the orbit of its set of
 * sites under the symmetries; an orbit is known by its smallest member, found by trying all images: at most 48 elements
 * of the point group, and with translations each site of the term carried to the origin. That is linear in the number
 * of terms, where listing whole orbits would be quadratic in the number of sites. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nnsm/local.h"

enum { MOST_TERMS = 1 << 24, AXES = NNSM_MAX_DIMENSIONS, MOST_IMAGES = 48 };

/* 1.414 stands for the square root of 2. */
static const double ROUNDED = 1e-3;

/* A product on its way into a class. */
typedef struct {
    double spread;
    int32_t order;
    int32_t key[NNSM_TERM_SITES];  /* smallest member of the orbit, as sites; -1 beyond the order */
    int32_t site[NNSM_TERM_SITES]; /* rising */
} term;

/* One element of the point group on coordinates: axis a of the image is axis from[a], reversed where mirrored. */
typedef struct {
    int from[AXES];
    bool mirror[AXES];
} image;

typedef struct {
    const nnsm_lattice *lattice;
    const nnsm_basis *basis;
    size_t images;
    image image[MOST_IMAGES];
    size_t terms, room;
    term *term;
} builder;

/* ---- geometry */

static void coordinates(const nnsm_lattice *l, int32_t site, int *x)
{
    for (int a = AXES - 1; a >= 0; a--) {
        x[a] = site % l->extent[a];
        site /= l->extent[a];
    }
}

static int32_t site_at(const nnsm_lattice *l, const int *x)
{
    return (int32_t)((x[0] * l->extent[1] + x[1]) * l->extent[2] + x[2]);
}

/* The site at `from` + `offset`, -1 beyond an open edge. */
static int32_t carry(const nnsm_lattice *l, const int *from, const int *offset)
{
    int x[AXES];
    for (int a = 0; a < AXES; a++) {
        x[a] = from[a] + offset[a];
        if (!l->periodic && (x[a] < 0 || x[a] >= l->extent[a]))
            return -1;
        x[a] = ((x[a] % l->extent[a]) + l->extent[a]) % l->extent[a];
    }
    return site_at(l, x);
}

/* Of two images of a displacement along an axis, the nearer one; the positive where both are as near. */
static int nearest(const nnsm_lattice *l, int axis, int d)
{
    int extent = l->extent[axis];
    if (!l->periodic)
        return d;
    d = ((d % extent) + extent) % extent;
    return 2 * d > extent ? d - extent : d;
}

/* Sum of the squared distances between the sites of a product: how compact it is, the same for a whole class. */
static double spread(const nnsm_lattice *l, const int32_t *site, int order)
{
    int x[NNSM_TERM_SITES][AXES], square = 0;
    for (int k = 0; k < order; k++)
        coordinates(l, site[k], x[k]);
    for (int k = 1; k < order; k++)
        for (int j = 0; j < k; j++)
            for (int a = 0; a < AXES; a++)
                square += nearest(l, a, x[k][a] - x[j][a]) * nearest(l, a, x[k][a] - x[j][a]);
    return square;
}

/* ---- orbits */

static void list_images(builder *b)
{
    static const int permutation[6][AXES] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    const nnsm_lattice *l = b->lattice;
    for (int p = 0; p < (b->basis->point_group ? 6 : 1); p++)
        for (int mirror = 0; mirror < (b->basis->point_group ? 8 : 1); mirror++) {
            image *i = &b->image[b->images];
            bool valid = true;
            for (int a = 0; a < AXES; a++) {
                i->from[a] = permutation[p][a];
                i->mirror[a] = mirror >> a & 1;
                valid = valid && l->extent[a] == l->extent[i->from[a]] &&
                        (a < l->dimensions ? i->from[a] < l->dimensions : i->from[a] == a && !i->mirror[a]);
            }
            b->images += valid;
        }
}

static int compare_sites(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static int compare_keys(const int32_t *a, const int32_t *b)
{
    for (int k = 0; k < NNSM_TERM_SITES; k++)
        if (a[k] != b[k])
            return a[k] < b[k] ? -1 : 1;
    return 0;
}

/* Keep the sites at x[0 ... order - 1], shifted by -origin, if they are the smallest so far. */
static void offer(const nnsm_lattice *l, int (*x)[AXES], int order, const int *origin, int32_t *key)
{
    int32_t candidate[NNSM_TERM_SITES] = {-1, -1, -1, -1};
    int zero[AXES] = {0};
    for (int k = 0; k < order; k++) {
        for (int a = 0; a < AXES; a++)
            zero[a] = x[k][a] - origin[a];
        candidate[k] = carry(l, zero, (int[AXES]){0});
    }
    qsort(candidate, (size_t)order, sizeof *candidate, compare_sites);
    if (key[0] < 0 || compare_keys(candidate, key) < 0)
        memcpy(key, candidate, sizeof candidate);
}

/* Periodic: every site of the term may be the origin. Open: the corner of its bounding box. */
static void offer_translations(const nnsm_lattice *l, int (*x)[AXES], int order, int32_t *key)
{
    int corner[AXES];
    for (int k = 0; k < order && l->periodic; k++)
        offer(l, x, order, x[k], key);
    if (l->periodic)
        return;
    memcpy(corner, x[0], sizeof corner);
    for (int k = 1; k < order; k++)
        for (int a = 0; a < AXES; a++)
            corner[a] = x[k][a] < corner[a] ? x[k][a] : corner[a];
    offer(l, x, order, corner, key);
}

static void find_key(const builder *b, term *t)
{
    const nnsm_lattice *l = b->lattice;
    int x[NNSM_TERM_SITES][AXES], y[NNSM_TERM_SITES][AXES];
    for (int k = 0; k < NNSM_TERM_SITES; k++)
        t->key[k] = -1;
    for (int k = 0; k < t->order; k++)
        coordinates(l, t->site[k], x[k]);
    for (size_t i = 0; i < b->images; i++) {
        const image *m = &b->image[i];
        for (int k = 0; k < t->order; k++)
            for (int a = 0; a < AXES; a++) {
                int c = x[k][m->from[a]];
                y[k][a] = m->mirror[a] ? l->extent[a] - 1 - c : c;
            }
        if (b->basis->translation)
            offer_translations(l, y, t->order, t->key);
        else
            offer(l, y, t->order, (int[AXES]){0}, t->key);
    }
}

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
        coordinates(l, (int32_t)i, x);
        for (int k = 0; k < order; k++)
            t.site[k] = carry(l, x, offset[k]);
        qsort(t.site, (size_t)order, sizeof *t.site, compare_sites);
        for (int k = 0; k < order; k++)
            valid = valid && t.site[k] >= 0 && (!k || t.site[k] != t.site[k - 1]);
        if (!valid)
            continue;
        nnsm_status status = make_room(b, error);
        if (status)
            return status;
        t.spread = spread(l, t.site, order);
        if (known)
            memcpy(t.key, known->key, sizeof t.key);
        else
            find_key(b, &t);
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
    int keys = compare_keys(a->key, b->key);
    return keys ? keys : compare_keys(a->site, b->site);
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
    return a->order == b->order && compare_keys(a->key, b->key) == 0;
}

static void append(char *name, const char *separator, const int *x, int count)
{
    size_t used = strlen(name);
    for (int a = 0; a < count && used < NNSM_OPERATOR_NAME; a++)
        used += (size_t)snprintf(name + used, NNSM_OPERATOR_NAME - used, "%s%d", a ? separator : "", x[a]);
}

static void append_text(char *name, const char *text)
{
    size_t used = strlen(name);
    (void)snprintf(name + used, NNSM_OPERATOR_NAME - used, "%s", text);
}

/* Is every axis equal to the others? Then the point group sorts displacements. */
static bool cubic(const nnsm_lattice *l)
{
    for (int a = 1; a < l->dimensions; a++)
        if (l->extent[a] != l->extent[0])
            return false;
    return true;
}

/* Four sites around a unit square: two axes with two values each. */
static bool is_plaquette(int (*x)[AXES], int order)
{
    int axes = 0;
    for (int a = 0; a < AXES && order == 4; a++) {
        int sum = 0;
        for (int k = 0; k < order; k++) {
            if (x[k][a] < 0 || x[k][a] > 1)
                return false;
            sum += x[k][a];
        }
        if (sum != 0 && sum != 2)
            return false;
        axes += sum == 2;
    }
    return axes == 2;
}

/* The displacement of a pair as its class has it. */
static void sort_displacement(const builder *b, int *d)
{
    int dimensions = b->lattice->dimensions, sign = 1;
    for (int a = dimensions - 1; a >= 0; a--)
        sign = d[a] > 0 ? 1 : d[a] < 0 ? -1 : sign;
    for (int a = 0; a < dimensions; a++)
        d[a] = b->basis->point_group ? abs(d[a]) : nearest(b->lattice, a, sign * d[a]);
    for (int a = 1; a < dimensions && b->basis->point_group && cubic(b->lattice); a++)
        for (int k = a; k > 0 && d[k] > d[k - 1]; k--) {
            int swap = d[k];
            d[k] = d[k - 1];
            d[k - 1] = swap;
        }
}

static void name_class(const builder *b, const term *t, char *name)
{
    static const char *const kind[] = {"m^2", "field", "pair", "triple", "quad"};
    const nnsm_lattice *l = b->lattice;
    int x[NNSM_TERM_SITES][AXES] = {{0}}, origin[AXES];
    (void)snprintf(name, NNSM_OPERATOR_NAME, "%s", kind[t->order]);
    if (t->order == 0 || (t->order == 1 && b->basis->translation))
        return;
    if (!b->basis->translation) {
        append_text(name, " ");
        append(name, "-", t->key, t->order);
        return;
    }
    coordinates(l, t->key[0], origin);
    for (int k = 0; k < t->order; k++) {
        coordinates(l, t->key[k], x[k]);
        for (int a = 0; a < AXES; a++)
            x[k][a] = nearest(l, a, x[k][a] - origin[a]);
    }
    if (is_plaquette(x, t->order) && (l->dimensions == 2 || (b->basis->point_group && cubic(l)))) {
        (void)snprintf(name, NNSM_OPERATOR_NAME, "plaquette");
        return;
    }
    if (t->order == 2)
        sort_displacement(b, x[1]);
    append_text(name, " ");
    for (int k = t->order == 2 ? 1 : 0; k < t->order; k++) {
        append_text(name, "(");
        append(name, ",", x[k], l->dimensions);
        append_text(name, ")");
    }
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
            name_class(b, &b->term[t], class[classes++].name);
        }
        memcpy(site[t], b->term[t].site, sizeof site[t]);
        class_of[t] = (int32_t)classes - 1;
    }
    if (!status && b->basis->m2)
        name_class(b, &(term){0}, class[classes++].name);
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
    list_images(b);
    status = add_products(b, error);
    if (!status) {
        sort_and_thin(b);
        status = assemble(operators, b, error);
    }
    nnsm_release(b->term);
    nnsm_release(b);
    return status;
}
