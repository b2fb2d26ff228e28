/* orbit.h: when products of spins are the same up to a symmetry of the lattice, and what such a class is called.
 *
 * The class of a product is the orbit of its set of sites. An orbit is known by its smallest member, found by trying
 * all images: at most 48 elements of the point group, and with translations each site of the product carried to the
 * origin. That is linear in the number of products, where listing whole orbits would be quadratic in the number of
 * sites. All functions are local. */
#ifndef NNSM_LATTICE_ORBIT_H
#define NNSM_LATTICE_ORBIT_H

#include "nnsm/local.h"

enum { NNSM_MOST_IMAGES = 48 };

/* One element of the point group on coordinates: axis a of the image is axis from[a], reversed where mirrored. */
typedef struct {
    int from[NNSM_MAX_DIMENSIONS];
    bool mirror[NNSM_MAX_DIMENSIONS];
} nnsm_orbit_image;

typedef struct {
    const nnsm_lattice *lattice; /* borrowed */
    bool translation, point_group;
    size_t images;
    nnsm_orbit_image image[NNSM_MOST_IMAGES];
} nnsm_orbits;

nnsm_orbits nnsm_orbits_make(const nnsm_lattice *lattice, bool translation, bool point_group);

/* The smallest member of the orbit of sites[0 ... order - 1]. key: out, [NNSM_TERM_SITES], -1 beyond the order. */
void nnsm_orbit_key(const nnsm_orbits *orbits, int order, const int32_t *sites, int32_t *key);

/* Its name, [NNSM_OPERATOR_NAME]. Different orbits have different names. */
void nnsm_orbit_name(const nnsm_orbits *orbits, int order, const int32_t *key, char *name);

/* Sum of the squared distances, to the nearest images, between the sites: the same for a whole orbit. */
double nnsm_orbit_spread(const nnsm_lattice *lattice, int order, const int32_t *sites);

/* Lexicographic; a, b: [NNSM_TERM_SITES]. */
int nnsm_orbit_compare(const int32_t *a, const int32_t *b);

/* order sites into rising order. */
void nnsm_orbit_sort(int32_t *sites, int order);

/* coordinates: out, [NNSM_MAX_DIMENSIONS]. */
void nnsm_site_coordinates(const nnsm_lattice *lattice, int32_t site, int *coordinates);
/* The site at from + offset, -1 beyond an open edge. */
int32_t nnsm_site_carry(const nnsm_lattice *lattice, const int *from, const int *offset);

#endif
