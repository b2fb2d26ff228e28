/* Levels of a signal: where a value belongs, what is lost, and an order of doubles by whole numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "base/levels.h"

static void a_value_at_a_threshold_belongs_above(void **unused)
{
    (void)unused;
    nnsm_levels l;
    nnsm_error error;
    assert_int_equal(nnsm_levels_create(&l, 2, (const double[]){-1, 0.5}, &error), NNSM_OK);
    assert_int_equal(nnsm_levels_find(&l, -1e300), 0);
    assert_int_equal(nnsm_levels_find(&l, nextafter(-1, -2)), 0);
    assert_int_equal(nnsm_levels_find(&l, -1), 1);
    assert_int_equal(nnsm_levels_find(&l, 0.5), 2);
    assert_int_equal(nnsm_levels_find(&l, 1e300), 2);
}

static void levels_make_a_symmetric_alphabet(void **unused)
{
    (void)unused;
    nnsm_levels l;
    nnsm_error error;
    double thresholds[NNSM_MAX_VALUES - 1];
    for (int q = 2; q <= NNSM_MAX_VALUES; q++) {
        thresholds[q - 2] = q;
        assert_int_equal(nnsm_levels_create(&l, (size_t)q - 1, thresholds, &error), NNSM_OK);
        nnsm_alphabet a = nnsm_levels_alphabet(&l);
        assert_int_equal(a.count, q);
        assert_true(nnsm_alphabet_symmetric(&a));
        assert_int_equal(a.value[1] - a.value[0], 2);
    }
    nnsm_alphabet spins = nnsm_alphabet_spins();
    assert_int_equal(nnsm_levels_create(&l, 1, (const double[]){0.1}, &error), NNSM_OK);
    nnsm_alphabet two = nnsm_levels_alphabet(&l);
    assert_true(nnsm_alphabet_equal(&two, &spins));
}

static void thresholds_that_do_not_rise_are_refused(void **unused)
{
    (void)unused;
    nnsm_levels l;
    nnsm_error error;
    assert_int_equal(nnsm_levels_create(&l, 2, (const double[]){1, 1}, &error), NNSM_USAGE);
    assert_int_equal(nnsm_levels_create(&l, 2, (const double[]){1, 0}, &error), NNSM_USAGE);
    assert_int_equal(nnsm_levels_create(&l, 1, (const double[]){NAN}, &error), NNSM_USAGE);
    assert_int_equal(nnsm_levels_create(&l, 1, (const double[]){INFINITY}, &error), NNSM_USAGE);
}

static void whole_numbers_order_doubles(void **unused)
{
    (void)unused;
    static const double rising[] = {-INFINITY, -1e300, -1.5, -1, -1e-310, -0.0, 0.0, 1e-310, 1, 1.5, 1e300, INFINITY};
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        assert_true(nnsm_levels_value(nnsm_levels_key(rising[i])) == rising[i]);
        assert_true(i == 0 || nnsm_levels_key(rising[i]) > nnsm_levels_key(rising[i - 1]));
    }
}

/* x uniform on a grid in [-1, 1): two halves explain 3/4 of the variance, three thirds 8/9, q levels 1 - 1/q^2. */
static void halves_of_a_uniform_signal_keep_three_quarters_of_its_variance(void **unused)
{
    enum { GRID = 60000 };
    (void)unused;
    for (int q = 2; q <= 6; q++) {
        nnsm_levels l;
        nnsm_level_sums sums = {0};
        nnsm_error error;
        double thresholds[NNSM_MAX_VALUES - 1];
        for (int k = 1; k < q; k++)
            thresholds[k - 1] = -1 + 2.0 * k / q;
        assert_int_equal(nnsm_levels_create(&l, (size_t)q - 1, thresholds, &error), NNSM_OK);
        for (int i = 0; i < GRID; i++) {
            double x = -1 + (2.0 * i + 1) / GRID;
            int k = nnsm_levels_find(&l, x);
            sums.count[k]++;
            sums.sum[k] += x - 0.3;
            sums.square[k] += (x - 0.3) * (x - 0.3);
        }
        nnsm_levels_conclude(&l, &sums, 0.3);
        assert_true(fabs(l.explained - (1 - 1.0 / (q * q))) < 1e-6);
        assert_true(fabs(l.variance - 1.0 / 3) < 1e-6);
        assert_true(fabs(nnsm_levels_entropy(&l) - log2(q)) < 1e-9);
        assert_true(fabs(l.mean[0] - (-1 + 1.0 / q)) < 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_at_a_threshold_belongs_above),
        cmocka_unit_test(levels_make_a_symmetric_alphabet),
        cmocka_unit_test(thresholds_that_do_not_rise_are_refused),
        cmocka_unit_test(whole_numbers_order_doubles),
        cmocka_unit_test(halves_of_a_uniform_signal_keep_three_quarters_of_its_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
