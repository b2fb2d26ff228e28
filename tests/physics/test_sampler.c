/* Exactness of the samplers by enumeration: the distribution of states under p^(T0/T) on 3 x 3. */
#include "check.h"
#include "nnsm/metropolis.h"
#include "nnsm/model.h"

#include <string.h>

enum { SITES = 9, STATES = 512, TEMPERATURES = 4, TILES = 1600, SWEEPS = 60 };
static const double temperature[TEMPERATURES] = {1.2, 1.8, 2.5, 4.0}; /* T0 = 2.5: below, at, above */

typedef void sweep_function(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep, const double *beta,
                            int64_t *accepted);

static nnsm_made *network(void)
{
    nnsm_architecture a = {.dimensions = 2,
                           .extent = {3, 3, 1},
                           .periodic = true,
                           .layers = 1,
                           .hidden = {20},
                           .direct = true,
                           .order = NNSM_SNAKE,
                           .temperature = 2.5};
    nnsm_made *made;
    size_t count;
    assert_int_equal(nnsm_made_create(&made, &a, NULL), NNSM_OK);
    nnsm_made_initialize(made, nnsm_rng_key_from_seed(21));
    float *w = nnsm_made_parameters(made, &count);
    for (size_t i = 0; i < count; i++)
        w[i] *= 1.6f;
    for (size_t i = count - SITES; i < count; i++)
        w[i] = 0.1f * (float)((int)(i % 5) - 2);
    return made;
}

static void exact_weights(const nnsm_made *made, double t, double *weight)
{
    nnsm_made_workspace *w;
    double sum = 0;
    assert_int_equal(nnsm_made_workspace_create(&w, made, 1, NULL), NNSM_OK);
    for (uint32_t k = 0; k < STATES; k++) {
        int8_t s[SITES];
        for (size_t i = 0; i < SITES; i++)
            s[i] = k >> i & 1 ? 1 : -1;
        nnsm_made_log_probability(made, w, s, 1, &weight[k]);
        sum += weight[k] = exp(weight[k] * 2.5 / t);
    }
    for (uint32_t k = 0; k < STATES; k++)
        weight[k] /= sum;
    nnsm_made_workspace_destroy(w);
}

/* The wrong rule that the test must notice: acceptance min(1, exp(-0.9 dH / T)). */
static void wrong_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep, const double *beta,
                        int64_t *accepted)
{
    double wrong[NNSM_TILE];
    for (size_t c = 0; c < NNSM_TILE; c++)
        wrong[c] = 0.9 * beta[c];
    nnsm_metropolis_sweep(tile, key, stream, sweep, wrong, accepted);
}

/* Screened by an Ising model, of which this network knows nothing: many flips pass that are then rejected, and others
 * that would be accepted do not pass. */
static nnsm_tile screen;
static int64_t passed[NNSM_TILE];

static void screened_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep, const double *beta,
                           int64_t *accepted)
{
    int8_t s[NNSM_TILE * SITES];
    if (sweep == 0) { /* other chains */
        tile->methods->read(tile->state, s);
        screen.methods->load(screen.state, s);
    }
    nnsm_screened_sweep(tile, &screen, key, stream, sweep, beta, passed, accepted);
}

/* What the test must notice: the screen looks at configurations of its own. */
static void astray_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep, const double *beta,
                         int64_t *accepted)
{
    int8_t s[NNSM_TILE * SITES];
    memset(s, 1, sizeof s);
    screen.methods->load(screen.state, s);
    nnsm_screened_sweep(tile, &screen, key, stream, sweep, beta, passed, accepted);
}

/* End states of TILES * 32 chains, independent but for the exchange (8 walkers a temperature and tile), after SWEEPS
 * sweeps from ancestral samples; smallest p of a chi-square over the temperatures. */
static double smallest_p(const nnsm_made *made, bool exchange, bool screened, sweep_function *sweep_tile)
{
    static double count[TEMPERATURES][STATES];
    nnsm_learned *learned;
    nnsm_tile tile, sampler;
    memset(count, 0, sizeof count);
    assert_int_equal(nnsm_learned_create(&learned, made, NULL), NNSM_OK);
    assert_int_equal((screened ? nnsm_learned_screened_tile_create : nnsm_learned_tile_create)(&tile, learned, NULL),
                     NNSM_OK);
    assert_int_equal(nnsm_learned_tile_create(&sampler, learned, NULL), NNSM_OK);
    nnsm_rng_key key = nnsm_rng_key_from_seed(33);
    for (uint32_t t = 0; t < TILES; t++) {
        nnsm_ladders ladders;
        int8_t s[NNSM_TILE * SITES];
        double beta[NNSM_TILE], energy[NNSM_TILE];
        int64_t accepted[NNSM_TILE] = {0};
        assert_int_equal(nnsm_ladders_create(&ladders, TEMPERATURES, temperature, 8, NULL), NNSM_OK);
        nnsm_learned_sample(&sampler, key, t * NNSM_TILE, s);
        tile.methods->load(tile.state, s);
        for (uint32_t sweep = 0; sweep < SWEEPS; sweep++) {
            for (size_t c = 0; c < NNSM_TILE; c++)
                beta[c] = ladders.beta[ladders.temperature_of[c]];
            sweep_tile(&tile, key, t * NNSM_TILE, sweep, beta, accepted);
            tile.methods->energy(tile.state, energy);
            if (exchange)
                nnsm_ladders_exchange(&ladders, 0, ladders.walkers, key, t * 8, sweep, energy);
        }
        tile.methods->read(tile.state, s);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            uint32_t k = 0;
            for (size_t i = 0; i < SITES; i++)
                k |= (uint32_t)(s[c * SITES + i] > 0) << i;
            count[ladders.temperature_of[c]][k]++;
        }
        nnsm_ladders_destroy(&ladders);
    }
    double least = 1;
    for (size_t t = 0; t < TEMPERATURES; t++) {
        double weight[STATES];
        exact_weights(made, temperature[t], weight);
        double p = check_visits_p(weight, count[t], STATES);
        print_message("T = %.1f, exchange %d: p = %.3g\n", temperature[t], exchange, p);
        least = fmin(least, p);
    }
    nnsm_tile_destroy(&tile);
    nnsm_tile_destroy(&sampler);
    nnsm_learned_destroy(learned);
    return least;
}

static void chains_reach_the_learned_distribution(void **state)
{
    (void)state;
    nnsm_made *made = network();
    assert_true(smallest_p(made, false, false, nnsm_metropolis_sweep) > 1e-4);
    assert_true(smallest_p(made, true, false, nnsm_metropolis_sweep) > 1e-4);
    nnsm_made_destroy(made);
}

static void a_wrong_acceptance_rule_is_noticed(void **state)
{
    (void)state;
    nnsm_made *made = network();
    assert_true(smallest_p(made, false, false, wrong_sweep) < 1e-4);
    nnsm_made_destroy(made);
}

static void screened_chains_reach_it_too(void **state)
{
    (void)state;
    nnsm_made *made = network();
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_model_parameters ising = {.coupling = 0.4, .field = 0.3, .anisotropy = {1, 1, 1}};
    int64_t flips = (int64_t)TILES * SWEEPS * SITES, asked = 0; /* of a chain of the tile */
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){3, 3, 1}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_model_create(&model, &lattice, &ising, NULL), NNSM_OK);
    assert_int_equal(nnsm_local_tile_create(&screen, &model.local, NULL), NNSM_OK);
    for (int screened = 0; screened < 2; screened++) {
        memset(passed, 0, sizeof passed);
        assert_true(smallest_p(made, false, screened, screened_sweep) > 1e-4);
        assert_true(smallest_p(made, true, screened, screened_sweep) > 1e-4);
    }
    for (size_t c = 0; c < NNSM_TILE; c++)
        asked += passed[c];
    print_message("%.2f of the flips passed\n", (double)asked / (2. * NNSM_TILE * (double)flips));
    assert_true(asked < flips * NNSM_TILE * 2 * 9 / 10);
    assert_true(smallest_p(made, false, true, astray_sweep) < 1e-4);
    nnsm_tile_destroy(&screen);
    nnsm_model_destroy(&model);
    nnsm_lattice_destroy(&lattice);
    nnsm_made_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_reach_the_learned_distribution),
        cmocka_unit_test(screened_chains_reach_it_too),
        cmocka_unit_test(a_wrong_acceptance_rule_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
