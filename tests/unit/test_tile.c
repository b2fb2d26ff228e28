/* Single flips on tiles against full evaluations. */
#include "check.h"
#include "nnsm/metropolis.h"

static nnsm_made *network(const nnsm_architecture *a)
{
    nnsm_made *made;
    size_t count;
    assert_int_equal(nnsm_made_create(&made, a, NULL), NNSM_OK);
    nnsm_made_initialize(made, nnsm_rng_key_from_seed(8));
    float *w = nnsm_made_parameters(made, &count);
    for (size_t i = count - nnsm_made_sites(made); i < count; i++)
        w[i] = 0.3f * (float)((int)(i % 7) - 3) / 3.f;
    return made;
}

static double full_energy(const nnsm_made *made, nnsm_made_workspace *w, const int8_t *s)
{
    double log_p;
    nnsm_made_log_probability(made, w, s, 1, &log_p);
    return -nnsm_made_architecture(made)->temperature * log_p;
}

static void changes_equal_full_evaluations(void **state)
{
    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        nnsm_architecture a = {.dimensions = 2,
                               .extent = {4, 5, 1},
                               .periodic = true,
                               .layers = (size_t)(variant % 4 == 3 ? 3 : variant % 4),
                               .hidden = {17, 11, 6},
                               .direct = variant < 6,
                               .order = (nnsm_order)(variant % 4),
                               .activation = variant % 2 ? NNSM_TANH : NNSM_RELU,
                               .temperature = 1.7};
        nnsm_made *made = network(&a);
        nnsm_learned *learned;
        nnsm_tile tile;
        nnsm_made_workspace *w;
        int8_t s[NNSM_TILE * 20];
        double change[NNSM_TILE], energy[NNSM_TILE];
        assert_int_equal(nnsm_learned_create(&learned, made, NULL), NNSM_OK);
        assert_int_equal(nnsm_learned_tile_create(&tile, learned, NULL), NNSM_OK);
        assert_int_equal(nnsm_made_workspace_create(&w, made, 1, NULL), NNSM_OK);
        nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(2), 0, s);
        for (size_t site = 0; site < 20; site++) {
            tile.methods->energy(tile.state, energy);
            tile.methods->change(tile.state, site, change);
            for (size_t c = 0; c < NNSM_TILE; c += 5) {
                double before = full_energy(made, w, s + c * 20);
                check_close(energy[c], before, 2e-5);
                s[c * 20 + site] = (int8_t)-s[c * 20 + site];
                check_close(change[c], full_energy(made, w, s + c * 20) - before, 4e-5);
                s[c * 20 + site] = (int8_t)-s[c * 20 + site];
            }
        }
        nnsm_made_workspace_destroy(w);
        nnsm_tile_destroy(&tile);
        nnsm_learned_destroy(learned);
        nnsm_made_destroy(made);
    }
}

/* 10^5 and more accepted flips of every chain with the refreshes of a scan (every 16 sweeps): H stays that of the
 * configuration. Without them the difference is printed too. */
static void drift_is_bounded_by_refreshes(void **state)
{
    (void)state;
    nnsm_architecture a = {.dimensions = 2,
                           .extent = {8, 8, 1},
                           .periodic = true,
                           .layers = 2,
                           .hidden = {40, 30},
                           .direct = true,
                           .temperature = 2.5};
    nnsm_made *made = network(&a);
    nnsm_learned *learned;
    nnsm_made_workspace *w;
    int8_t s[NNSM_TILE * 64];
    assert_int_equal(nnsm_learned_create(&learned, made, NULL), NNSM_OK);
    assert_int_equal(nnsm_made_workspace_create(&w, made, 1, NULL), NNSM_OK);
    for (int refreshed = 0; refreshed < 2; refreshed++) {
        nnsm_tile tile;
        double beta[NNSM_TILE], energy[NNSM_TILE], worst = 0;
        int64_t accepted[NNSM_TILE] = {0};
        assert_int_equal(nnsm_learned_tile_create(&tile, learned, NULL), NNSM_OK);
        nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(2), 0, s);
        for (size_t c = 0; c < NNSM_TILE; c++)
            beta[c] = 1 / (2.5 + 0.1 * (double)c);
        for (uint32_t sweep = 0; sweep < 2400; sweep++) {
            nnsm_metropolis_sweep(&tile, nnsm_rng_key_from_seed(2), 0, sweep, beta, accepted);
            if (refreshed && sweep % 16 == 15)
                tile.methods->refresh(tile.state);
        }
        tile.methods->read(tile.state, s);
        tile.methods->energy(tile.state, energy);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            assert_true(accepted[c] > 100000);
            worst = fmax(worst, fabs(energy[c] - full_energy(made, w, s + c * 64)));
        }
        print_message("%s refreshes: H off by at most %.1e after %lld flips\n", refreshed ? "with" : "without", worst,
                      (long long)accepted[0]);
        check_close(worst, 0, refreshed ? 1e-4 : 5e-3);
        nnsm_tile_destroy(&tile);
    }
    nnsm_made_workspace_destroy(w);
    nnsm_learned_destroy(learned);
    nnsm_made_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_equal_full_evaluations),
        cmocka_unit_test(drift_is_bounded_by_refreshes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
