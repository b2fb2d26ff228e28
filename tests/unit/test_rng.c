/* Philox4x32-10 against Random123: known answers and the library itself. */
#include "check.h"
#include "nnsm/rng.h"

#include <Random123/philox.h>

static void known_answers_of_random123(void **state)
{
    (void)state;
    static const uint32_t cases[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    for (size_t i = 0; i < 3; i++) {
        const uint32_t *c = cases[i];
        uint32_t out[4];
        nnsm_rng_key key = {{c[4], c[5]}};
        nnsm_rng_block(key, (nnsm_rng_purpose)c[3], c[2], c[1], c[0], out);
        for (size_t w = 0; w < 4; w++)
            assert_int_equal(out[w], c[6 + w]);
    }
}

static void vector_of_streams_equals_the_library(void **state)
{
    (void)state;
    nnsm_rng_key key = nnsm_rng_key_from_seed(0x123456789abcdefULL);
    for (size_t streams = 1; streams < 80; streams += 13) {
        uint32_t out[4 * 80];
        nnsm_rng_blocks(key, NNSM_RNG_TEST, 7, streams, 11, 13, out);
        for (size_t i = 0; i < streams; i++) {
            philox4x32_ctr_t counter = {{13, 11, 7 + (uint32_t)i, NNSM_RNG_TEST}};
            philox4x32_key_t k = {{key.word[0], key.word[1]}};
            philox4x32_ctr_t expected = philox4x32(counter, k);
            for (size_t w = 0; w < 4; w++)
                assert_int_equal(out[w * streams + i], expected.v[w]);
        }
    }
}

static void run_of_indices_equals_single_blocks(void **state)
{
    (void)state;
    nnsm_rng_key key = nnsm_rng_key_from_seed(77);
    for (size_t blocks = 1; blocks < 80; blocks += 13) {
        uint32_t out[4 * 80], one[4];
        nnsm_rng_run(key, NNSM_RNG_TEST, 7, 11, 13, blocks, out);
        for (size_t i = 0; i < blocks; i++) {
            nnsm_rng_block(key, NNSM_RNG_TEST, 7, 11, 13 + (uint32_t)i, one);
            for (size_t w = 0; w < 4; w++)
                assert_int_equal(out[w * blocks + i], one[w]);
        }
    }
}

static void bounded_numbers_are_uniform(void **state)
{
    (void)state;
    enum { BOUND = 37, DRAWS = 370000 };
    int count[BOUND] = {0};
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(1), NNSM_RNG_TEST, 0, 0);
    for (int i = 0; i < DRAWS; i++)
        count[nnsm_rng_below(&draw, BOUND)]++;
    double chi = 0, expected = DRAWS / (double)BOUND;
    for (int i = 0; i < BOUND; i++)
        chi += (count[i] - expected) * (count[i] - expected) / expected;
    double p = check_chi_square_p(chi, BOUND - 1);
    print_message("p = %.3g\n", p);
    assert_true(p > 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_of_random123),
        cmocka_unit_test(vector_of_streams_equals_the_library),
        cmocka_unit_test(run_of_indices_equals_single_blocks),
        cmocka_unit_test(bounded_numbers_are_uniform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
