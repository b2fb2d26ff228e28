/* Values to states and back, and what is no alphabet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those before it */
#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_values_are_spins),
        cmocka_unit_test(more_values_are_levels_in_rising_order),
        cmocka_unit_test(what_is_no_alphabet_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
