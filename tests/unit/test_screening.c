/* What a screen of single flips is told by: the sweeps without it, and the warning where it rejects in vain. */
#include "check.h"
#include "stage/convergence.h"
#include "stage/screening.h"

static void whole_sweeps_are_counted(void **state)
{
    (void)state;
    nnsm_tile tile = {0};
    nnsm_screening screening = {.tile = &tile};
    for (uint32_t first = 0; first < 200; first += 7) {
        uint32_t whole = 0;
        for (uint32_t last = first; last < 400; last++) {
            assert_int_equal(nnsm_screening_whole(first, last), whole);
            whole += !nnsm_screening_at(&screening, last);
        }
        assert_true(whole >= 3);
    }
    assert_false(nnsm_screening_at(&(nnsm_screening){.tile = NULL}, 1));
}

/* 64 whole sweeps of 8 walkers on 100 sites: 51200 flips, of which `unscreened` were accepted. */
static int warnings(double acceptance, double unscreened)
{
    static nnsm_config config = {
        .scan = {.sweeps = 4096, .walkers = 8, .temperatures = {1.5}, .temperatures_count = 1}};
    nnsm_run run = {.config = &config, .lattice = {.sites = 100}, .log = {.active = true}};
    nnsm_curve curve = {.temperatures = 1, .acceptance = &acceptance, .unscreened = &unscreened};
    nnsm_warn_of_screen(&run, &curve, "scan");
    return run.log.warnings;
}

static void only_a_bad_screen_is_warned_of(void **state)
{
    (void)state;
    assert_int_equal(warnings(0.30, 0.50), 1);
    assert_int_equal(warnings(0.49, 0.50), 0);
    assert_int_equal(warnings(0.392, 0.50), 0);    /* 0.8 is 0.40, less 4 sigma of 25600 flips, 0.01 */
    assert_int_equal(warnings(0.0012, 0.0016), 0); /* 82 flips: chance */
    assert_int_equal(warnings(0.30, NAN), 0);      /* there is no screen */
    assert_int_equal(warnings(0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_sweeps_are_counted),
        cmocka_unit_test(only_a_bad_screen_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
