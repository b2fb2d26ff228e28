/* The bit-parallel tools of self-learning proposals against plain loops. */
#include "check.h"
#include "nnsm/model.h"
#include "sampler/cluster.h"
#include "sampler/surrogate.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 5, SITES = SIDE * SIDE };

static void random_configurations(uint32_t seed, size_t sites, int8_t *s)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(seed), NNSM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < NNSM_TILE * sites; i++)
        s[i] = nnsm_rng_next(&draw) >> 31 ? 1 : -1;
}

static void words_hold_the_configurations(void **state)
{
    (void)state;
    int8_t s[NNSM_TILE * SITES], back[NNSM_TILE * SITES];
    uint32_t spins[SITES];
    random_configurations(1, SITES, s);
    nnsm_lanes_pack(s, SITES, spins);
    for (size_t c = 0; c < NNSM_TILE; c++)
        for (size_t i = 0; i < SITES; i++)
            assert_int_equal(spins[i] >> c & 1, s[c * SITES + i] > 0);
    nnsm_lanes_unpack(spins, SITES, back);
    assert_memory_equal(s, back, sizeof s);
}

static void digits_are_those_of_the_numbers(void **state)
{
    (void)state;
    uint32_t number[NNSM_TILE], plane[32];
    nnsm_rng_blocks(nnsm_rng_key_from_seed(2), NNSM_RNG_TEST, 0, 8, 0, 0, number);
    nnsm_lanes_digits(number, plane);
    for (size_t k = 0; k < 32; k++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            assert_int_equal(plane[k] >> c & 1, number[c] >> (31 - k) & 1);
}

/* All orders, classes of every size modulo 8, and m^2. */
static void counted_products_equal_the_plain_ones(void **state)
{
    (void)state;
    int8_t s[NNSM_TILE * SITES];
    uint32_t spins[SITES];
    nnsm_lattice lattice;
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){SIDE, SIDE}, true, NULL), NNSM_OK);
    random_configurations(3, SITES, s);
    nnsm_lanes_pack(s, SITES, spins);
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        nnsm_basis basis = {true, 2.3, true, true, true, symmetric, symmetric};
        nnsm_operators o;
        assert_int_equal(nnsm_operators_create(&o, &lattice, &basis, NULL), NNSM_OK);
        double *values = malloc(o.classes * NNSM_TILE * sizeof *values), *plain = malloc(o.classes * sizeof *plain);
        nnsm_lanes_values(&o, spins, values);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            nnsm_operators_values(&o, s + c * SITES, plain);
            for (size_t k = 0; k < o.classes; k++)
                assert_true(values[k * NNSM_TILE + c] == plain[k]);
        }
        print_message("%zu classes, %zu terms\n", o.classes, o.terms);
        free(values);
        free(plain);
        nnsm_operators_destroy(&o);
    }
    nnsm_lattice_destroy(&lattice);
}

/* At T = 0 every satisfied bond is closed: an ordered start stays one cluster and flips as a whole, with a field not at
 * all; at infinite T every site flips for itself, half of them each time. */
static void clusters_are_whole_at_zero_and_single_at_infinite_temperature(void **state)
{
    (void)state;
    enum { STEPS = 400 };
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_clusters clusters;
    nnsm_words words;
    uint32_t spins[SITES], all[NNSM_TILE], none[NNSM_TILE] = {0};
    memset(all, 0xFF, sizeof all);
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){SIDE, SIDE}, false, NULL), NNSM_OK);
    nnsm_model_parameters ising = {.coupling = 1, .anisotropy = {1, 1, 1}, .field = 1};
    assert_int_equal(nnsm_model_create(&model, &lattice, &ising, NULL), NNSM_OK);
    size_t bonds = model.operators.class[0].order == 2 ? 0 : 1, field = 1 - bonds;
    assert_int_equal(model.operators.classes, 2);
    assert_int_equal(nnsm_clusters_create(&clusters, &model.local, NULL), NNSM_OK);
    nnsm_words_start(&words, nnsm_rng_key_from_seed(5), NNSM_RNG_TEST, 0, 0);
    memset(spins, 0xFF, sizeof spins);
    nnsm_clusters_set(&clusters, bonds, all);
    nnsm_clusters_set(&clusters, field, none);
    int flips = 0, pairs = 0;
    for (int step = 0; step < STEPS; step++) {
        uint32_t before = spins[0];
        nnsm_clusters_update(&clusters, &words, spins);
        flips += __builtin_popcount(before ^ spins[0]);
        for (size_t i = 0; i < SITES; i++)
            assert_int_equal(spins[i], spins[0]);
    }
    check_close(flips, STEPS * 16, 4 * sqrt(STEPS * 8.)); /* 4 sigma */
    nnsm_clusters_set(&clusters, field, all);
    memset(spins, 0xFF, sizeof spins);
    nnsm_clusters_update(&clusters, &words, spins);
    for (size_t i = 0; i < SITES; i++)
        assert_int_equal(spins[i], UINT32_MAX);
    nnsm_clusters_set(&clusters, bonds, none);
    nnsm_clusters_set(&clusters, field, none);
    for (int step = flips = 0; step < STEPS; step++) {
        uint32_t before[SITES];
        memcpy(before, spins, sizeof before);
        nnsm_clusters_update(&clusters, &words, spins);
        for (size_t i = 0; i < SITES; i++)
            flips += __builtin_popcount(before[i] ^ spins[i]);
        pairs += __builtin_popcount(before[3] ^ spins[3] ^ before[4] ^ spins[4]);
    }
    check_close(flips, STEPS * 16 * SITES, 4 * sqrt(STEPS * 8. * SITES) * 2); /* flips are hashed, not independent */
    check_close(pairs, STEPS * 16, 4 * sqrt(STEPS * 8.) * 2);
    nnsm_clusters_destroy(&clusters);
    nnsm_model_destroy(&model);
    nnsm_lattice_destroy(&lattice);
}

static double frustration(int side, bool periodic, double coupling, double field)
{
    double share = NAN;
    nnsm_lattice lattice;
    nnsm_model model;
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){side, side}, periodic, NULL), NNSM_OK);
    nnsm_model_parameters ising = {.coupling = coupling, .anisotropy = {1, 1, 1}, .field = field};
    assert_int_equal(nnsm_model_create(&model, &lattice, &ising, NULL), NNSM_OK);
    assert_int_equal(nnsm_surrogate_frustration(&model.local, &share, NULL), NNSM_OK);
    nnsm_model_destroy(&model);
    nnsm_lattice_destroy(&lattice);
    return share;
}

static void frustration_is_what_cannot_be_satisfied(void **state)
{
    (void)state;
    assert_true(frustration(6, true, 1, 0.3) == 0);
    assert_true(frustration(6, true, -1, 0) == 0);
    assert_true(frustration(5, false, -1, 0) == 0);
    assert_true(frustration(5, true, -1, 0) > 0.09);
    check_close(frustration(4, true, -1, 0.5), 16 * 0.5 / 2 / (32 + 16 * 0.5), 1e-12); /* half of the field */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_hold_the_configurations),
        cmocka_unit_test(digits_are_those_of_the_numbers),
        cmocka_unit_test(counted_products_equal_the_plain_ones),
        cmocka_unit_test(clusters_are_whole_at_zero_and_single_at_infinite_temperature),
        cmocka_unit_test(frustration_is_what_cannot_be_satisfied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
