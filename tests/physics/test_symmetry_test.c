/* Tests of symmetries on data: their p-values are honest where the symmetry holds, correlated data included, and small
 * where it is broken, each way of breaking it by a system of its own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "ensemble/symmetry_test.h"
#include "statistics/student.h"

enum { SIDE = 6, SITES = SIDE * SIDE, PER_BLOCK = 100 };

static uint64_t state; /* of the test's own generator: splitmix64 */

static double uniform(void)
{
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static nnsm_lattice lattice;

static int at(int x, int y)
{
    return (x + SIDE) % SIDE * SIDE + (y + SIDE) % SIDE;
}

/* One heat-bath sweep of an Ising model with K, its own coupling along axis 2, and for one diagonal. */
typedef struct {
    double along[2], diagonal, field;
} couplings;

static void sweep(int8_t *s, const couplings *k)
{
    for (int x = 0; x < SIDE; x++)
        for (int y = 0; y < SIDE; y++) {
            double h = k->field + k->along[0] * (s[at(x - 1, y)] + s[at(x + 1, y)]) +
                       k->along[1] * (s[at(x, y - 1)] + s[at(x, y + 1)]) +
                       k->diagonal * (s[at(x - 1, y - 1)] + s[at(x + 1, y + 1)]);
            s[at(x, y)] = uniform() * (1 + exp(-2 * h)) < 1 ? 1 : -1;
        }
}

typedef void spoiler(int8_t *s);

/* p of every symmetry from one chain; `between` sweeps from one configuration to the next. */
static size_t test_chain(uint64_t seed, const couplings *k, int between, size_t blocks, spoiler *spoil,
                         nnsm_symmetry_test *tests)
{
    nnsm_census census;
    nnsm_alphabet spins = nnsm_alphabet_spins();
    nnsm_error error;
    nnsm_status status;
    int8_t s[SITES], shown[SITES];
    state = seed;
    for (int i = 0; i < SITES; i++)
        s[i] = uniform() < 0.5 ? -1 : 1;
    assert_int_equal(nnsm_census_create(&census, &lattice, &spins, &error), NNSM_OK);
    for (int t = 0; t < 100; t++)
        sweep(s, k);
    for (size_t b = 0; b < NNSM_CENSUS_BLOCKS; b++)
        for (int r = 0; r < PER_BLOCK; r++) {
            for (int t = 0; t < between; t++)
                sweep(s, k);
            memcpy(shown, s, SITES);
            if (spoil)
                spoil(shown);
            nnsm_census_look(&census, shown);
            nnsm_census_add(&census, b);
        }
    size_t count = nnsm_symmetry_tests(&census, &spins, blocks, tests, &status, &error);
    assert_int_equal(status, NNSM_OK);
    nnsm_census_destroy(&census);
    return count;
}

static double p_of(const nnsm_symmetry_test *tests, size_t count, nnsm_test_kind kind, int axis)
{
    for (size_t k = 0; k < count; k++)
        if (tests[k].kind == (int)kind && tests[k].axis[0] == axis)
            return tests[k].p;
    fail_msg("no such test");
    return NAN;
}

static const couplings symmetric = {.along = {0.3, 0.3}};

/* Under all symmetries p is at least uniform: below x in at most a share x. 60 chains of 6 tests; binomial at 4 sigma.
 */
static void symmetric_data_are_not_contradicted(void **unused)
{
    enum { CHAINS = 60 };
    int below[2] = {0}, total = 0;
    (void)unused;
    for (uint64_t c = 0; c < CHAINS; c++) {
        nnsm_symmetry_test tests[NNSM_TESTS];
        size_t count = test_chain(1000 + c, &symmetric, 1, NNSM_CENSUS_BLOCKS, NULL, tests);
        assert_int_equal(count, 6);
        for (size_t k = 0; k < count; k++, total++) {
            below[0] += tests[k].p < 0.1;
            below[1] += tests[k].p < 0.01;
        }
    }
    print_message("p below 0.1: %d, below 0.01: %d of %d\n", below[0], below[1], total);
    assert_true(below[0] <= 0.1 * total + 4 * sqrt(0.09 * total));
    assert_true(below[1] <= 0.01 * total + 4 * sqrt(0.0099 * total));
}

/* Near order, with few flips: rare events must not look certain. */
static void few_events_are_not_evidence(void **unused)
{
    const couplings cold = {.along = {0.9, 0.9}, .field = 0.2};
    (void)unused;
    for (uint64_t c = 0; c < 40; c++) {
        nnsm_symmetry_test tests[NNSM_TESTS];
        size_t count = test_chain(3000 + c, &cold, 1, NNSM_CENSUS_BLOCKS, NULL, tests);
        for (size_t k = 0; k < count; k++)
            if (tests[k].kind != NNSM_TEST_INVERSION)
                assert_true(tests[k].p > 1e-4);
    }
}

static void each_symmetry_is_contradicted_where_it_is_broken(void **unused)
{
    nnsm_symmetry_test t[NNSM_TESTS];
    (void)unused;
    size_t n = test_chain(1, &(couplings){.along = {0.3, 0.3}, .field = 0.05}, 2, 64, NULL, t);
    assert_true(p_of(t, n, NNSM_TEST_INVERSION, 0) < 1e-6);
    assert_true(p_of(t, n, NNSM_TEST_TRANSLATION, 0) > 1e-4 && p_of(t, n, NNSM_TEST_REFLECTION, 1) > 1e-4);
    n = test_chain(2, &(couplings){.along = {0.35, 0.25}}, 2, 64, NULL, t);
    assert_true(p_of(t, n, NNSM_TEST_EXCHANGE, 0) < 1e-6);
    assert_true(p_of(t, n, NNSM_TEST_REFLECTION, 0) > 1e-4 && p_of(t, n, NNSM_TEST_TRANSLATION, 1) > 1e-4);
    n = test_chain(3, &(couplings){.along = {0.25, 0.25}, .diagonal = 0.1}, 2, 64, NULL, t);
    assert_true(p_of(t, n, NNSM_TEST_REFLECTION, 0) < 1e-6 && p_of(t, n, NNSM_TEST_REFLECTION, 1) < 1e-6);
    assert_true(p_of(t, n, NNSM_TEST_EXCHANGE, 0) > 1e-4 && p_of(t, n, NNSM_TEST_TRANSLATION, 0) > 1e-4);
}

/* A column replaced by fair coins: an edge along axis 2. */
static void noisy_column(int8_t *s)
{
    for (int x = 0; x < SIDE; x++)
        s[at(x, 2)] = uniform() < 0.5 ? -1 : 1;
}

static void stuck_site(int8_t *s)
{
    s[at(2, 3)] = 1;
}

static void an_edge_breaks_translations_across_it(void **unused)
{
    nnsm_symmetry_test t[NNSM_TESTS];
    (void)unused;
    size_t n = test_chain(4, &symmetric, 2, 64, noisy_column, t);
    assert_true(p_of(t, n, NNSM_TEST_TRANSLATION, 1) < 1e-6);
    assert_true(p_of(t, n, NNSM_TEST_TRANSLATION, 0) > 1e-4);
    n = test_chain(5, &symmetric, 2, 64, stuck_site, t);
    assert_true(p_of(t, n, NNSM_TEST_TRANSLATION, 0) < 1e-6 && p_of(t, n, NNSM_TEST_TRANSLATION, 1) < 1e-6);
}

static void few_blocks_tell_nothing(void **unused)
{
    nnsm_symmetry_test t[NNSM_TESTS];
    (void)unused;
    size_t n = test_chain(6, &symmetric, 1, NNSM_TEST_LEAST / 2, stuck_site, t);
    for (size_t k = 0; k < n; k++)
        assert_true(isnan(t[k].p));
}

/* Against tables: t = 2.042 with 30 degrees of freedom, 3.182 with 3, 636.619 with 1. */
static void p_is_students(void **unused)
{
    (void)unused;
    assert_true(fabs(nnsm_student_p(2.0422724563, 30) - 0.05) < 1e-9);
    assert_true(fabs(nnsm_student_p(-3.1824463053, 3) - 0.05) < 1e-9);
    assert_true(fabs(nnsm_student_p(636.6192487687, 1) - 0.001) < 1e-9);
    assert_true(fabs(nnsm_student_p(1, 1) - 0.5) < 1e-12);
    assert_true(nnsm_student_p(0, 9) == 1 && nnsm_student_p(INFINITY, 9) == 0);
}

static int make_lattice(void **unused)
{
    nnsm_error error;
    (void)unused;
    return (int)nnsm_lattice_create(&lattice, 2, (const int[]){SIDE, SIDE}, true, &error);
}

static int destroy_lattice(void **unused)
{
    (void)unused;
    nnsm_lattice_destroy(&lattice);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p_is_students),
        cmocka_unit_test(symmetric_data_are_not_contradicted),
        cmocka_unit_test(few_events_are_not_evidence),
        cmocka_unit_test(each_symmetry_is_contradicted_where_it_is_broken),
        cmocka_unit_test(an_edge_breaks_translations_across_it),
        cmocka_unit_test(few_blocks_tell_nothing),
    };
    return cmocka_run_group_tests(tests, make_lattice, destroy_lattice);
}
