/* 2 x 2 windows with stride 1 on the 16 x 16 Ising model at T = 2.5: what the filter is worth there. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lattice/generator.h"
#include "lattice/preimage.h"

enum { L = 16, SITES = L * L, WINDOWS = (L - 1) * (L - 1), TILES = 4, CONFIGURATIONS = TILES * NNSM_GENERATOR_CHAINS };

static int8_t spins[CONFIGURATIONS][SITES];
static int32_t upper[CONFIGURATIONS][WINDOWS];
static nnsm_preimage *filter;

static void prepare(void)
{
    nnsm_lattice lattice;
    nnsm_ising model = {.lattice = &lattice, .coupling = 1};
    nnsm_generator *generator;
    nnsm_window window;
    nnsm_error error;
    const int extent[] = {L, L}, size[] = {2, 2}, stride[] = {1, 1};
    assert_int_equal(nnsm_lattice_create(&lattice, 2, extent, true, &error), NNSM_OK);
    for (uint32_t t = 0; t < TILES; t++) {
        assert_int_equal(nnsm_generator_create(&generator, &model, 2.5, NNSM_METROPOLIS, nnsm_rng_key_from_seed(11),
                                               t * NNSM_GENERATOR_CHAINS, &error),
                         NNSM_OK);
        nnsm_generator_advance(generator, 400);
        nnsm_generator_read(generator, spins[t * NNSM_GENERATOR_CHAINS]);
        nnsm_generator_destroy(generator);
    }
    assert_int_equal(nnsm_window_create(&window, 2, extent, size, stride, false, &error), NNSM_OK);
    assert_int_equal(nnsm_preimage_create(&filter, &window, &error), NNSM_OK);
    for (size_t n = 0; n < CONFIGURATIONS; n++)
        for (size_t i = 0; i < L - 1; i++)
            for (size_t j = 0; j < L - 1; j++) {
                const int8_t *s = spins[n] + i * L + j;
                upper[n][i * (L - 1) + j] = (s[0] + s[1] + s[L] + s[L + 1] + 4) / 2;
            }
    nnsm_lattice_destroy(&lattice);
}

/* Every image has its spins as the only preimage, found with one hypothesis at nearly every row's end. */
static void images_of_ising_configurations_have_one_preimage(void **unused)
{
    (void)unused;
    int8_t found[SITES];
    double hypotheses = 0;
    size_t most = 0;
    for (size_t n = 0; n < CONFIGURATIONS; n++) {
        assert_int_equal(nnsm_preimage_find(filter, upper[n], found), NNSM_PREIMAGES_ONE);
        assert_memory_equal(found, spins[n], SITES);
        assert_int_equal(nnsm_preimage_rows(filter), L - 1);
        for (size_t r = 0; r < L - 1; r++) {
            size_t left = nnsm_preimage_hypotheses(filter, r);
            hypotheses += (double)left / (CONFIGURATIONS * (L - 1));
            most = left > most ? left : most;
        }
    }
    printf("hypotheses at the end of a row: %.4f in the mean, at most %zu\n", hypotheses, most);
    assert_true(hypotheses < 1.005 && most <= 2);
}

/* A prototype found 0.75 % of the changes consistent: 15 of 2000, with a standard error of 4; within four of them. */
static void single_wrong_values_are_refused(void **unused)
{
    (void)unused;
    enum { TRIALS = 2000 };
    nnsm_rng_key key = nnsm_rng_key_from_seed(12);
    size_t refused = 0;
    for (uint32_t n = 0; n < TRIALS; n++) {
        nnsm_rng_sequence random = nnsm_rng_sequence_start(key, NNSM_RNG_TEST, 0, n);
        int32_t *value = &upper[n % CONFIGURATIONS][nnsm_rng_below(&random, WINDOWS)], right = *value;
        *value = (right + 1 + (int32_t)nnsm_rng_below(&random, 4)) % 5;
        refused += nnsm_preimage_find(filter, upper[n % CONFIGURATIONS], NULL) == NNSM_PREIMAGES_NONE;
        *value = right;
    }
    printf("%zu of %d single wrong values refused\n", refused, TRIALS);
    check_close((double)refused, TRIALS - 15, 16);
}

/* No spin is seen by these windows but through sums: lattices of opposite stripes look alike, and the filter says so.
 */
static void stripes_have_more_than_one_preimage(void **unused)
{
    (void)unused;
    int32_t zero[WINDOWS];
    for (size_t b = 0; b < WINDOWS; b++)
        zero[b] = 2;
    /* all sums 0: every row alternates, with either sign, or every column: 2^16 + 2^16, two checkerboards are both */
    assert_int_equal(nnsm_preimage_find(filter, zero, NULL), NNSM_PREIMAGES_SEVERAL);
    check_close(nnsm_preimage_count(filter), 2 * 65536 - 2, 0);
}

/* ---- 3 x 3 windows with stride 2: so many preimages that they are not counted */

enum { THREE = (L / 2) * (L / 2) };

static void three_by_three(const int8_t *s, int32_t *sums)
{
    for (int b = 0; b < THREE; b++) {
        sums[b] = 0;
        for (int i = 0; i < 9; i++)
            sums[b] += s[(2 * (b / (L / 2)) + i / 3) % L * L + (2 * (b % (L / 2)) + i % 3) % L] > 0;
    }
}

/* Every image is found to be one, by a lattice with its sums. What is not is not: a window all of whose sites are upper
 * beside one without any, and wrong values where the filter says they have a preimage, by that. */
static void images_of_large_windows_are_found_and_nothing_else(void **unused)
{
    (void)unused;
    nnsm_preimage *large;
    nnsm_window window;
    nnsm_error error;
    int8_t found[SITES];
    int32_t sums[THREE], again[THREE];
    size_t bounds = 0, wrong = 0, refused = 0;
    nnsm_rng_key key = nnsm_rng_key_from_seed(13);
    assert_int_equal(
        nnsm_window_create(&window, 2, (const int[]){L, L}, (const int[]){3, 3}, (const int[]){2, 2}, true, &error),
        NNSM_OK);
    assert_int_equal(nnsm_preimage_create(&large, &window, &error), NNSM_OK);
    for (uint32_t n = 0; n < CONFIGURATIONS; n++) {
        nnsm_rng_sequence random = nnsm_rng_sequence_start(key, NNSM_RNG_TEST, 0, n);
        three_by_three(spins[n], sums);
        assert_int_equal(nnsm_preimage_find(large, sums, found), NNSM_PREIMAGES_SEVERAL);
        three_by_three(found, again);
        assert_memory_equal(again, sums, sizeof sums);
        assert_true(nnsm_preimage_count(large) >= 2);
        bounds += !nnsm_preimage_counted(large);
        uint32_t place = nnsm_rng_below(&random, THREE);
        for (int k = 0; k < 4; k++) {
            int32_t right = sums[place];
            sums[place] = (right + 1 + (int32_t)nnsm_rng_below(&random, 9)) % 10;
            nnsm_preimages answer = nnsm_preimage_find(large, sums, found);
            three_by_three(found, again);
            assert_int_not_equal(answer, NNSM_PREIMAGES_UNDECIDED);
            assert_true(answer == NNSM_PREIMAGES_NONE || memcmp(again, sums, sizeof sums) == 0);
            wrong += answer == NNSM_PREIMAGES_NONE;
            sums[place] = right;
        }
        sums[place] = 9;
        sums[place / (L / 2) * (L / 2) + (place + 1) % (L / 2)] = 0;
        refused += nnsm_preimage_find(large, sums, NULL) == NNSM_PREIMAGES_NONE;
    }
    printf("%zu of %d images were not counted, %zu of %d wrong values refused\n", bounds, CONFIGURATIONS, wrong,
           4 * CONFIGURATIONS);
    assert_true(bounds > CONFIGURATIONS / 2 && wrong > CONFIGURATIONS);
    assert_int_equal(refused, CONFIGURATIONS);
    nnsm_preimage_destroy(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_of_ising_configurations_have_one_preimage),
        cmocka_unit_test(single_wrong_values_are_refused),
        cmocka_unit_test(stripes_have_more_than_one_preimage),
        cmocka_unit_test(images_of_large_windows_are_found_and_nothing_else),
    };
    prepare();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nnsm_preimage_destroy(filter);
    return failed;
}
