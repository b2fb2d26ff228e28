#include "lattice/orbit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = NNSM_MAX_DIMENSIONS };

/* ---- geometry */

void nnsm_site_coordinates(const nnsm_lattice *l, int32_t site, int *x)
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

int32_t nnsm_site_carry(const nnsm_lattice *l, const int *from, const int *offset)
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

double nnsm_orbit_spread(const nnsm_lattice *l, int order, const int32_t *site)
{
    int x[NNSM_TERM_SITES][AXES], square = 0;
    for (int k = 0; k < order; k++)
        nnsm_site_coordinates(l, site[k], x[k]);
    for (int k = 1; k < order; k++)
        for (int j = 0; j < k; j++)
            for (int a = 0; a < AXES; a++)
                square += nearest(l, a, x[k][a] - x[j][a]) * nearest(l, a, x[k][a] - x[j][a]);
    return square;
}

/* ---- orbits */

nnsm_orbits nnsm_orbits_make(const nnsm_lattice *l, bool translation, bool point_group)
{
    static const int permutation[6][AXES] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    nnsm_orbits o = {.lattice = l, .translation = translation, .point_group = point_group};
    for (int p = 0; p < (point_group ? 6 : 1); p++)
        for (int mirror = 0; mirror < (point_group ? 8 : 1); mirror++) {
            nnsm_orbit_image *i = &o.image[o.images];
            bool valid = true;
            for (int a = 0; a < AXES; a++) {
                i->from[a] = permutation[p][a];
                i->mirror[a] = mirror >> a & 1;
                valid = valid && l->extent[a] == l->extent[i->from[a]] &&
                        (a < l->dimensions ? i->from[a] < l->dimensions : i->from[a] == a && !i->mirror[a]);
            }
            o.images += valid;
        }
    return o;
}

void nnsm_orbit_sort(int32_t *sites, int order)
{
    for (int k = 1; k < order; k++)
        for (int l = k; l > 0 && sites[l] < sites[l - 1]; l--) {
            int32_t swap = sites[l];
            sites[l] = sites[l - 1];
            sites[l - 1] = swap;
        }
}

int nnsm_orbit_compare(const int32_t *a, const int32_t *b)
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
        candidate[k] = nnsm_site_carry(l, zero, (int[AXES]){0});
    }
    nnsm_orbit_sort(candidate, order);
    if (key[0] < 0 || nnsm_orbit_compare(candidate, key) < 0)
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

void nnsm_orbit_key(const nnsm_orbits *o, int order, const int32_t *site, int32_t *key)
{
    const nnsm_lattice *l = o->lattice;
    int x[NNSM_TERM_SITES][AXES], y[NNSM_TERM_SITES][AXES];
    for (int k = 0; k < NNSM_TERM_SITES; k++)
        key[k] = -1;
    for (int k = 0; k < order; k++)
        nnsm_site_coordinates(l, site[k], x[k]);
    for (size_t i = 0; i < o->images; i++) {
        const nnsm_orbit_image *m = &o->image[i];
        for (int k = 0; k < order; k++)
            for (int a = 0; a < AXES; a++) {
                int c = x[k][m->from[a]];
                y[k][a] = m->mirror[a] ? l->extent[a] - 1 - c : c;
            }
        if (o->translation)
            offer_translations(l, y, order, key);
        else
            offer(l, y, order, (int[AXES]){0}, key);
    }
}

/* ---- names */

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
static void sort_displacement(const nnsm_orbits *o, int *d)
{
    int dimensions = o->lattice->dimensions, sign = 1;
    for (int a = dimensions - 1; a >= 0; a--)
        sign = d[a] > 0 ? 1 : d[a] < 0 ? -1 : sign;
    for (int a = 0; a < dimensions; a++)
        d[a] = o->point_group ? abs(d[a]) : nearest(o->lattice, a, sign * d[a]);
    for (int a = 1; a < dimensions && o->point_group && cubic(o->lattice); a++)
        for (int k = a; k > 0 && d[k] > d[k - 1]; k--) {
            int swap = d[k];
            d[k] = d[k - 1];
            d[k - 1] = swap;
        }
}

void nnsm_orbit_name(const nnsm_orbits *o, int order, const int32_t *key, char *name)
{
    static const char *const kind[] = {"m^2", "field", "pair", "triple", "quad"};
    const nnsm_lattice *l = o->lattice;
    int x[NNSM_TERM_SITES][AXES] = {{0}}, origin[AXES];
    (void)snprintf(name, NNSM_OPERATOR_NAME, "%s", kind[order]);
    if (order == 0 || (order == 1 && o->translation))
        return;
    if (!o->translation) {
        append_text(name, " ");
        append(name, "-", key, order);
        return;
    }
    nnsm_site_coordinates(l, key[0], origin);
    for (int k = 0; k < order; k++) {
        nnsm_site_coordinates(l, key[k], x[k]);
        for (int a = 0; a < AXES; a++)
            x[k][a] = nearest(l, a, x[k][a] - origin[a]);
    }
    if (is_plaquette(x, order) && (l->dimensions == 2 || (o->point_group && cubic(l)))) {
        (void)snprintf(name, NNSM_OPERATOR_NAME, "plaquette");
        return;
    }
    if (order == 2)
        sort_displacement(o, x[1]);
    append_text(name, " ");
    for (int k = order == 2 ? 1 : 0; k < order; k++) {
        append_text(name, "(");
        append(name, ",", x[k], l->dimensions);
        append_text(name, ")");
    }
}
