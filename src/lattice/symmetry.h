/* symmetry.h: the symmetry operations of a lattice as maps of configurations.
 *
 * translation: all shifts of a periodic lattice. point_group: reflections of every axis and permutations of axes of
 * equal extent (8 operations on a square, 48 on a cube, 2 on a chain), valid for periodic and open boundaries alike.
 * spin_flip: s -> -s. permutation: exchanges of labels. An operation is point group element first, then translation,
 * then what it does to the values. */
#ifndef NNSM_LATTICE_SYMMETRY_H
#define NNSM_LATTICE_SYMMETRY_H

#include "nnsm/alphabet.h"
#include "nnsm/lattice.h"
#include "nnsm/rng.h"

typedef struct nnsm_symmetry nnsm_symmetry;

/* lattice is borrowed and outlives the object. translation on an open lattice: NNSM_USAGE. Local. */
nnsm_status nnsm_symmetry_create(nnsm_symmetry **out, const nnsm_lattice *lattice, bool translation, bool point_group,
                                 bool spin_flip, nnsm_error *error);
void nnsm_symmetry_destroy(nnsm_symmetry *symmetry);

/* For sites of this alphabet: of more than two values the spin flip is value -> -value. permutation: all exchanges of
 * up to NNSM_ALL_PERMUTATIONS labels, of more labels their cyclic shifts. NNSM_USAGE where the values do not allow what
 * is asked for: a spin flip of values that are not symmetric about 0, a permutation of values that are no labels.
 * Local. */
enum { NNSM_ALL_PERMUTATIONS = 5 };
nnsm_status nnsm_symmetry_set_alphabet(nnsm_symmetry *symmetry, const nnsm_alphabet *alphabet, bool permutation,
                                       nnsm_error *error);

/* Number of operations in the group (1 when all are off). Local. */
size_t nnsm_symmetry_count(const nnsm_symmetry *symmetry);

/* out = operation `element` (0 <= element < count, 0 is the identity) applied to in. in, out: [sites], distinct. Must
 * be fast: it is called once for every training sample. Local. */
void nnsm_symmetry_apply(const nnsm_symmetry *symmetry, size_t element, const int8_t *restrict in,
                         int8_t *restrict out);

#endif
