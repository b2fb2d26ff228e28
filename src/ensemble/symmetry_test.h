/* symmetry_test.h: which symmetries do data contradict?
 *
 * A symmetry g of the distribution makes <f(s)> = <f(g s)> for every f. For a family of such differences - of site and
 * bond means, their profiles and Fourier modes along an axis, mirror-image products, and shares of labels - the mean
 * over blocks and its standard error from their scatter give Student's t; the smallest p of a family, times its size
 * (Bonferroni), is the p of the symmetry. Blocks must be long against the autocorrelation time, or be of independent
 * chains: then p is honest, however correlated configurations are. The standard error of a site is never taken smaller
 * than the one pooled over all sites, which a symmetry makes equal: a site where by chance nothing happened would look
 * certain.
 *
 * A large p says that these functions show nothing, not that the symmetry holds. A small one may also mean that the
 * data did not reach equilibrium: one series in a magnet below T_c sees one sign only. All functions are local. */
#ifndef NNSM_ENSEMBLE_SYMMETRY_TEST_H
#define NNSM_ENSEMBLE_SYMMETRY_TEST_H

#include "ensemble/census.h"

typedef enum {
    NNSM_TEST_INVERSION,
    NNSM_TEST_TRANSLATION,
    NNSM_TEST_REFLECTION,
    NNSM_TEST_EXCHANGE,
    NNSM_TEST_PERMUTATION
} nnsm_test_kind;

enum { NNSM_TESTS = 2 + 3 * NNSM_MAX_DIMENSIONS, NNSM_TEST_LEAST = 8 /* blocks */ };

typedef struct {
    int32_t kind;    /* nnsm_test_kind */
    int32_t axis[2]; /* along which; exchange: the two */
    int32_t size;    /* differences that were looked at */
    double p;        /* NaN: too few independent blocks to tell */
    double t;        /* the largest */
    char of[48];     /* what differs most */
} nnsm_symmetry_test;

/* All symmetries that the lattice and the alphabet allow: inversion of values (of symmetric alphabets, and of any two),
 * permutation of labels, translations along every axis (periodic), reflections, exchanges of axes of equal length.
 * blocks: how many of the census are independent of each other, a power of two; it is merged to them. tests: out,
 * [NNSM_TESTS]. Returns how many. */
size_t nnsm_symmetry_tests(nnsm_census *census, const nnsm_alphabet *alphabet, size_t blocks, nnsm_symmetry_test *tests,
                           nnsm_status *status, nnsm_error *error);

/* "value inversion", "permutation of labels", "translation along axis 1", ... text: out, [48]. */
const char *nnsm_symmetry_test_name(const nnsm_symmetry_test *test, char *text);

#endif
