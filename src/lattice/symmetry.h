/* symmetry.h: the symmetry operations of a lattice as maps of configurations.
 *
 * translation: all shifts of a periodic lattice. point_group: reflections of every axis and permutations of axes of
 * equal extent (8 operations on a square, 48 on a cube, 2 on a chain), valid for periodic and open boundaries alike.
 * spin_flip: s -> -s. An operation is point group element first, then translation, then flip. */
#ifndef NNSM_LATTICE_SYMMETRY_H
#define NNSM_LATTICE_SYMMETRY_H

#include "nnsm/lattice.h"
#include "nnsm/rng.h"

typedef struct nnsm_symmetry nnsm_symmetry;

/* lattice is borrowed and outlives the object. translation on an open lattice: NNSM_USAGE. Local. */
nnsm_status nnsm_symmetry_create(nnsm_symmetry **out, const nnsm_lattice *lattice, bool translation, bool point_group,
                                 bool spin_flip, nnsm_error *error);
void nnsm_symmetry_destroy(nnsm_symmetry *symmetry);

/* Number of operations in the group (1 when all are off). Local. */
size_t nnsm_symmetry_count(const nnsm_symmetry *symmetry);

/* out = operation `element` (0 <= element < count, 0 is the identity) applied to in. in, out: [sites], distinct. Must
 * be fast (contiguous copies for translations): it is called once for every training sample. Local. */
void nnsm_symmetry_apply(const nnsm_symmetry *symmetry, size_t element, const int8_t *in, int8_t *out);

#endif
