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

typedef nnsm_status maker(nnsm_tile *tile, const nnsm_learned *learned, nnsm_error *error);

/* One flip after the other is proposed to a part of the chains, and accepted in a part of these. */
static void changes_of(const nnsm_made *made, const nnsm_learned *learned, maker *make)
{
    nnsm_tile tile, sampler;
    nnsm_made_workspace *w;
    enum { SITES = 20 };
    int8_t s[NNSM_TILE * SITES], found[NNSM_TILE * SITES];
    double change[NNSM_TILE], energy[NNSM_TILE];
    assert_int_equal(make(&tile, learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_learned_tile_create(&sampler, learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_made_workspace_create(&w, made, 1, NULL), NNSM_OK);
    nnsm_learned_sample(&sampler, nnsm_rng_key_from_seed(2), 0, s);
    tile.methods->load(tile.state, s);
    for (uint32_t step = 0; step < 3 * SITES; step++) {
        size_t site = step % SITES;
        uint32_t accept[NNSM_TILE] = {0}, asked = step < SITES ? NNSM_ALL_CHAINS : 0x9e3779b9u * (step + 1);
        tile.methods->energy(tile.state, energy);
        tile.methods->change(tile.state, site, asked, change);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            double before = full_energy(made, w, s + c * SITES);
            check_close(energy[c], before, 2e-5);
            if (!(asked >> c & 1))
                continue;
            s[c * SITES + site] = (int8_t)-s[c * SITES + site];
            check_close(change[c], full_energy(made, w, s + c * SITES) - before, 4e-5);
            if ((c + step) % 3)
                accept[c] = UINT32_MAX;
            else
                s[c * SITES + site] = (int8_t)-s[c * SITES + site];
        }
        tile.methods->commit(tile.state, site, accept);
        tile.methods->read(tile.state, found);
        assert_memory_equal(found, s, sizeof s);
    }
    nnsm_made_workspace_destroy(w);
    nnsm_tile_destroy(&tile);
    nnsm_tile_destroy(&sampler);
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
        assert_int_equal(nnsm_learned_create(&learned, made, NULL), NNSM_OK);
        changes_of(made, learned, nnsm_learned_tile_create);
        changes_of(made, learned, nnsm_learned_screened_tile_create);
        nnsm_learned_destroy(learned);
        nnsm_made_destroy(made);
    }
}

/* What a chain does, to the bit, does not depend on the chains beside it that ask too. */
static void chains_do_not_depend_on_each_other(void **state)
{
    (void)state;
    enum { SITES = 40 };
    nnsm_architecture a = {.dimensions = 2,
                           .extent = {5, 8, 1},
                           .periodic = true,
                           .layers = 2,
                           .hidden = {70, 50},
                           .direct = true,
                           .temperature = 2.5};
    nnsm_made *made = network(&a);
    nnsm_learned *learned;
    nnsm_tile tile, sampler;
    int8_t s[NNSM_TILE * SITES];
    double all[NNSM_TILE], some[NNSM_TILE];
    assert_int_equal(nnsm_learned_create(&learned, made, NULL), NNSM_OK);
    assert_int_equal(nnsm_learned_screened_tile_create(&tile, learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_learned_tile_create(&sampler, learned, NULL), NNSM_OK);
    nnsm_learned_sample(&sampler, nnsm_rng_key_from_seed(2), 0, s);
    tile.methods->load(tile.state, s);
    for (size_t site = 0; site < SITES; site++) {
        tile.methods->change(tile.state, site, NNSM_ALL_CHAINS, all);
        for (uint32_t asked = 1, count = 0; count < 32; count++, asked = asked * 5 + 3) {
            tile.methods->change(tile.state, site, asked, some);
            for (size_t c = 0; c < NNSM_TILE; c++)
                assert_true(some[c] == (asked >> c & 1 ? all[c] : 0));
        }
    }
    nnsm_tile_destroy(&tile);
    nnsm_tile_destroy(&sampler);
    nnsm_learned_destroy(learned);
    nnsm_made_destroy(made);
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
    for (int variant = 0; variant < 4; variant++) {
        bool refreshed = variant % 2, screened = variant / 2;
        nnsm_tile tile, sampler;
        double beta[NNSM_TILE], energy[NNSM_TILE], worst = 0;
        int64_t accepted[NNSM_TILE] = {0};
        assert_int_equal(
            (screened ? nnsm_learned_screened_tile_create : nnsm_learned_tile_create)(&tile, learned, NULL), NNSM_OK);
        assert_int_equal(nnsm_learned_tile_create(&sampler, learned, NULL), NNSM_OK);
        nnsm_learned_sample(&sampler, nnsm_rng_key_from_seed(2), 0, s);
        tile.methods->load(tile.state, s);
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
        nnsm_tile_destroy(&sampler);
    }
    nnsm_made_workspace_destroy(w);
    nnsm_learned_destroy(learned);
    nnsm_made_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_equal_full_evaluations),
        cmocka_unit_test(chains_do_not_depend_on_each_other),
        cmocka_unit_test(drift_is_bounded_by_refreshes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
