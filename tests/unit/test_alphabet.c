/* Values to states and back, and what is no alphabet. */
#include "check.h"
#include <string.h>

#include "lattice/symmetry.h"
#include "nnsm/alphabet.h"

static nnsm_alphabet of(size_t count, const int64_t *values, bool labels)
{
    nnsm_alphabet alphabet;
    nnsm_error error;
    assert_int_equal(nnsm_alphabet_create(&alphabet, count, values, labels, &error), NNSM_OK);
    return alphabet;
}

static void two_values_are_spins(void **unused)
{
    (void)unused;
    nnsm_alphabet bits = of(2, (const int64_t[]){1, 0}, false);
    int8_t state = 0;
    assert_true(nnsm_alphabet_state(&bits, 0, &state) && state == -1);
    assert_true(nnsm_alphabet_state(&bits, 1, &state) && state == 1);
    assert_int_equal(nnsm_alphabet_value(&bits, -1), 0);
    assert_int_equal(nnsm_alphabet_value(&bits, 1), 1);
    assert_false(nnsm_alphabet_holds(&bits, 0));
    assert_false(nnsm_alphabet_symmetric(&bits));
    nnsm_alphabet spins = nnsm_alphabet_spins(), again = of(2, (const int64_t[]){-1, 1}, false);
    assert_true(nnsm_alphabet_equal(&spins, &again) && nnsm_alphabet_symmetric(&spins));
}

static void more_values_are_levels_in_rising_order(void **unused)
{
    (void)unused;
    nnsm_alphabet a = of(5, (const int64_t[]){4, -4, 0, 2, -2}, false);
    for (int8_t k = 0; k < 5; k++) {
        int8_t state = -1;
        assert_int_equal(nnsm_alphabet_value(&a, k), 2 * k - 4);
        assert_true(nnsm_alphabet_state(&a, 2 * k - 4, &state) && state == k);
        assert_true(nnsm_alphabet_holds(&a, k));
    }
    int8_t state;
    assert_false(nnsm_alphabet_state(&a, 1, &state) || nnsm_alphabet_holds(&a, 5) || nnsm_alphabet_holds(&a, -1));
    assert_true(nnsm_alphabet_symmetric(&a));
    assert_false(nnsm_alphabet_symmetric(&(nnsm_alphabet){3, 1, {-1, 0, 1}}));
    char text[32];
    nnsm_alphabet_text(&a, text, sizeof text);
    assert_string_equal(text, "-4 -2 0 2 4");
}

static void what_is_no_alphabet_is_refused(void **unused)
{
    (void)unused;
    nnsm_alphabet a;
    nnsm_error error;
    int64_t many[NNSM_MAX_VALUES + 1];
    for (int i = 0; i <= NNSM_MAX_VALUES; i++)
        many[i] = i;
    assert_int_equal(nnsm_alphabet_create(&a, NNSM_MAX_VALUES, many, true, &error), NNSM_OK);
    assert_int_equal(nnsm_alphabet_create(&a, NNSM_MAX_VALUES + 1, many, true, &error), NNSM_USAGE);
    assert_int_equal(nnsm_alphabet_create(&a, 1, many, true, &error), NNSM_USAGE);
    assert_int_equal(nnsm_alphabet_create(&a, 3, (const int64_t[]){3, 1, 3}, true, &error), NNSM_USAGE);
    assert_int_equal(nnsm_alphabet_create(&a, 2, (const int64_t[]){0, INT64_C(1) << 40}, true, &error), NNSM_USAGE);
}

static void order_is_the_mean_value_or_the_excess_of_one_label(void **state)
{
    (void)state;
    const int64_t five[] = {-4, -2, 0, 2, 4}, gas[] = {0, 1}, labels[] = {7, 8, 9};
    const int8_t s[] = {0, 4, 4, 3, 2, 4}, spins[] = {-1, 1, 1, -1, 1, 1}, potts[] = {0, 2, 2, 1, 2, 2};
    nnsm_alphabet a = nnsm_alphabet_spins();
    check_close(nnsm_alphabet_order(&a, 6, spins), 2.0 / 6, 1e-15);
    assert_int_equal(nnsm_alphabet_create(&a, 2, gas, false, NULL), NNSM_OK);
    check_close(nnsm_alphabet_order(&a, 6, spins), 4.0 / 6, 1e-15);
    assert_int_equal(nnsm_alphabet_create(&a, 5, five, false, NULL), NNSM_OK);
    check_close(nnsm_alphabet_order(&a, 6, s), (-4 + 4 + 4 + 2 + 0 + 4) / 6.0, 1e-15);
    assert_int_equal(nnsm_alphabet_create(&a, 3, labels, true, NULL), NNSM_OK);
    check_close(nnsm_alphabet_order(&a, 6, potts), (3 * 4.0 / 6 - 1) / 2, 1e-15);
    check_close(nnsm_alphabet_order(&a, 3, potts + 2), (3 * 2.0 / 3 - 1) / 2, 1e-15);
    assert_int_equal(nnsm_alphabet_create(&a, 2, gas, true, NULL), NNSM_OK);
    check_close(nnsm_alphabet_order(&a, 6, spins), 2.0 / 6, 1e-15); /* |m| of spins */
}

/* Groups of the right size, of operations that are all different, one of them the identity, closed under inversion. */
static void symmetries_act_on_values(void **state)
{
    (void)state;
    const int64_t value[] = {-3, -1, 1, 3, 9};
    for (int values = 3; values <= 4; values++)
        for (int labels = 0; labels < 2; labels++) {
            enum { SITES = 5 };
            nnsm_alphabet a;
            nnsm_lattice lattice;
            nnsm_symmetry *symmetry;
            int8_t in[SITES] = {0, 1, 2}, out[64][SITES];
            in[3] = in[4] = (int8_t)(values - 1);
            assert_int_equal(nnsm_alphabet_create(&a, (size_t)values, value, labels, NULL), NNSM_OK);
            assert_int_equal(nnsm_lattice_create(&lattice, 1, (int[]){SITES}, false, NULL), NNSM_OK);
            assert_int_equal(nnsm_symmetry_create(&symmetry, &lattice, false, true, !labels, NULL), NNSM_OK);
            nnsm_status status = nnsm_symmetry_set_alphabet(symmetry, &a, labels, NULL);
            if (!labels && values == 3) { /* -3 -1 1 */
                assert_int_equal(status, NNSM_USAGE);
            } else {
                size_t count = nnsm_symmetry_count(symmetry);
                assert_int_equal(status, NNSM_OK);
                assert_int_equal(count, 2 * (labels ? (values == 3 ? 6 : 24) : 2));
                for (size_t g = 0; g < count; g++) {
                    nnsm_symmetry_apply(symmetry, g, in, out[g]);
                    for (size_t h = 0; h < g; h++)
                        assert_memory_not_equal(out[g], out[h], SITES);
                    for (size_t i = 0; i < SITES; i++)
                        assert_true(nnsm_alphabet_holds(&a, out[g][i]));
                    /* A reflection and a map of the values: the same one for all sites. */
                    for (size_t i = 0; i < SITES; i++)
                        for (size_t j = 0; j < SITES; j++)
                            assert_true((in[i] == in[j]) ==
                                        (out[g][g % 2 ? SITES - 1 - i : i] == out[g][g % 2 ? SITES - 1 - j : j]));
                }
                assert_memory_equal(out[0], in, SITES);
                for (size_t i = 0; i < SITES && !labels; i++)
                    assert_int_equal(out[2][i], values - 1 - in[i]);
            }
            nnsm_symmetry_destroy(symmetry);
            nnsm_lattice_destroy(&lattice);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_values_are_spins),
        cmocka_unit_test(more_values_are_levels_in_rising_order),
        cmocka_unit_test(what_is_no_alphabet_is_refused),
        cmocka_unit_test(order_is_the_mean_value_or_the_excess_of_one_label),
        cmocka_unit_test(symmetries_act_on_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
