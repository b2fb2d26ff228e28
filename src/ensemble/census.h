/* census.h: sums over configurations that tell which symmetries an ensemble has (ensemble/symmetry_test.h).
 *
 * Every site has a value v: the spin, or 2 k - (count - 1) for state k of more values. In each of NNSM_CENSUS_BLOCKS
 * blocks: sites     sum of v_i, and of v_i v_{i+a} for every axis a, for every site i scalars   sums over the lattice
 * of v_i v_{i+a} v_{i+3a} and v_i v_{i+2a} v_{i+3a} (mirror images of each other), and of v_i v_{i+a+b} and v_i
 * v_{i+a-b} for pairs of axes (exchanged by a reflection); states: of more than two values how often each occurs.
 * Products that an open edge cuts are left out. All are whole numbers, so the sums of ranks add up to the same bits
 * whoever counted what. All functions are local. */
#ifndef NNSM_ENSEMBLE_CENSUS_H
#define NNSM_ENSEMBLE_CENSUS_H

#include "nnsm/alphabet.h"
#include "nnsm/lattice.h"

enum {
    NNSM_CENSUS_BLOCKS = 64,
    NNSM_CENSUS_SITES = 1 << 16, /* larger lattices are not counted: 64 blocks of them would not fit into memory */
    NNSM_CENSUS_SCALARS = 4 * NNSM_MAX_DIMENSIONS
};

/* Values [from, from + count) are those of partners [to, to + count). */
typedef struct {
    int32_t to, from, count;
} nnsm_census_run;

typedef struct {
    const nnsm_lattice *lattice; /* borrowed */
    int32_t count;               /* of the alphabet */
    size_t features;             /* of a site: 1 + dimensions */
    int64_t rows[NNSM_CENSUS_BLOCKS];
    int64_t scalar[NNSM_CENSUS_BLOCKS]
                  [NNSM_CENSUS_SCALARS];                 /* [2 a], [2 a + 1]: three sites along axis a and their mirror
                                                     image; [6 + 2 p], [6 + 2 p + 1]: diagonals of pair p of axes */
    int64_t states[NNSM_CENSUS_BLOCKS][NNSM_MAX_VALUES]; /* of more than two values, else 0 */
    int32_t *site;                                       /* [NNSM_CENSUS_BLOCKS][features][sites] */
    size_t runs, runs_of_bonds;                          /* all; the first ones, of +a of every axis */
    nnsm_census_run *run;                                /* [runs] */
    /* of the configuration that was looked at last: */
    const int8_t *states_seen;
    int8_t *value; /* [sites + 1]; the last is 0 */
    int8_t *moved; /* [partners][sites] values of the partners */
} nnsm_census;

/* Pair p of axes: (0, 1), (0, 2), (1, 2). */
enum { NNSM_CENSUS_PAIRS = 3 };
extern const int nnsm_census_pair[NNSM_CENSUS_PAIRS][2];

nnsm_status nnsm_census_create(nnsm_census *census, const nnsm_lattice *lattice, const nnsm_alphabet *alphabet,
                               nnsm_error *error);
void nnsm_census_destroy(nnsm_census *census);

/* Number of int32_t behind census->site. */
size_t nnsm_census_size(const nnsm_census *census);

/* Take a configuration, [sites] states, borrowed until the next one. */
void nnsm_census_look(nnsm_census *census, const int8_t *states);

/* Count it in a block. */
void nnsm_census_add(nnsm_census *census, size_t block);

/* Its mean of v_i v_{i+a} over all bonds. */
double nnsm_census_bonds(const nnsm_census *census);

/* Merge neighbouring blocks until `blocks` are left, a power of two; the others are zero afterwards. */
void nnsm_census_merge(nnsm_census *census, size_t blocks);

#endif
