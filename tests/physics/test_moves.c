/* Exactness of the moves of sites with more than two values, and of ancestral samples, by enumeration. */
#include "check.h"
#include "nnsm/metropolis.h"
#include "nnsm/moves.h"
#include "nnsm/regenerate.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STATES = 729, TEMPERATURES = 4, TILES = 700, SWEEPS = 60, WALKERS = NNSM_TILE / TEMPERATURES };
static const double temperature[TEMPERATURES] = {1.2, 1.8, 2.5, 4.0}; /* T0 = 2.5: below, at, above */

typedef struct {
    int values;
    nnsm_lattice lattice;
    size_t states;
    nnsm_made *made;
    nnsm_learned *learned;
} system_of;

static size_t state_number(const system_of *s, const int8_t *configuration)
{
    size_t number = 0;
    for (size_t i = s->lattice.sites; i-- > 0;)
        number = number * (size_t)s->values + (size_t)configuration[i];
    return number;
}

static void setup(system_of *s, int values, int rows, int columns, bool periodic)
{
    nnsm_architecture a = {.dimensions = 2,
                           .extent = {rows, columns, 1},
                           .periodic = periodic,
                           .layers = 1,
                           .hidden = {20},
                           .direct = true,
                           .order = NNSM_SNAKE,
                           .temperature = 2.5,
                           .alphabet = {.count = values}};
    size_t count;
    for (int k = 0; k < values; k++)
        a.alphabet.value[k] = k;
    *s = (system_of){.values = values, .states = 1};
    assert_int_equal(nnsm_lattice_create(&s->lattice, 2, a.extent, periodic, NULL), NNSM_OK);
    for (size_t i = 0; i < s->lattice.sites; i++)
        s->states *= (size_t)values;
    assert_true(s->states <= MOST_STATES);
    assert_int_equal(nnsm_made_create(&s->made, &a, NULL), NNSM_OK);
    nnsm_made_initialize(s->made, nnsm_rng_key_from_seed(21));
    float *w = nnsm_made_parameters(s->made, &count);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(4), NNSM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++)
        w[i] *= 1.8f;
    for (size_t i = count - s->lattice.sites * (size_t)values; i < count; i++)
        w[i] = (float)(0.8 * nnsm_rng_uniform(&draw));
    assert_int_equal(nnsm_learned_create(&s->learned, s->made, NULL), NNSM_OK);
}

static void teardown(system_of *s)
{
    nnsm_learned_destroy(s->learned);
    nnsm_made_destroy(s->made);
    nnsm_lattice_destroy(&s->lattice);
}

static void exact_weights(const system_of *s, double t, double *weight)
{
    nnsm_made_workspace *w;
    double sum = 0;
    assert_int_equal(nnsm_made_workspace_create(&w, s->made, 1, NULL), NNSM_OK);
    for (size_t k = 0; k < s->states; k++) {
        int8_t c[16];
        size_t number = k;
        for (size_t i = 0; i < s->lattice.sites; i++, number /= (size_t)s->values)
            c[i] = (int8_t)(number % (size_t)s->values);
        nnsm_made_log_probability(s->made, w, c, 1, &weight[k]);
        sum += weight[k] = exp(weight[k] * 2.5 / t);
    }
    for (size_t k = 0; k < s->states; k++)
        weight[k] /= sum;
    nnsm_made_workspace_destroy(w);
}

/* p of a chi-square of `count` against p^(T0/T). */
static double p_of(const system_of *s, double t, const double *count, const char *title)
{
    double weight[MOST_STATES];
    exact_weights(s, t, weight);
    double p = check_visits_p(weight, count, s->states);
    print_message("%d values, %s, T = %.1f: p = %.3g\n", s->values, title, t, p);
    return p;
}

/* End states of TILES * 32 chains after SWEEPS sweeps of the listed moves in turn, from ancestral samples, where wanted
 * with a redrawn suffix before each; smallest p over the temperatures. `scale` of 1 / T in the acceptance: anything but
 * 1 is wrong, and must be noticed. */
static double smallest_p(const system_of *s, const char *title, size_t moves, const nnsm_move *move, bool regenerate,
                         bool exchange, double scale)
{
    static double count[TEMPERATURES][MOST_STATES];
    nnsm_tile tile;
    nnsm_regenerator *regenerator;
    nnsm_rng_key key = nnsm_rng_key_from_seed(33);
    nnsm_move_space space = nnsm_move_space_make(&s->lattice, s->values);
    int64_t all = 0;
    memset(count, 0, sizeof count);
    assert_int_equal(nnsm_learned_tile_create(&tile, s->learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_regenerator_create(&regenerator, s->learned, NULL), NNSM_OK);
    for (uint32_t t = 0; t < TILES; t++) {
        nnsm_ladders ladders;
        int8_t c[NNSM_TILE * 16];
        double beta[NNSM_TILE], energy[NNSM_TILE];
        int64_t accepted[NNSM_TILE] = {0};
        assert_int_equal(nnsm_ladders_create(&ladders, TEMPERATURES, temperature, WALKERS, NULL), NNSM_OK);
        nnsm_learned_sample(&tile, key, t * NNSM_TILE, c);
        for (uint32_t sweep = 0; sweep < SWEEPS; sweep++) {
            for (size_t i = 0; i < NNSM_TILE; i++)
                beta[i] = scale * ladders.beta[ladders.temperature_of[i]];
            if (regenerate)
                nnsm_regenerate(regenerator, &tile, key, t * NNSM_TILE, sweep, beta, accepted);
            if (moves)
                nnsm_move_sweep(&tile, &space, move[sweep % moves], key, t * NNSM_TILE, sweep, beta, accepted);
            tile.methods->energy(tile.state, energy);
            if (exchange)
                nnsm_ladders_exchange(&ladders, 0, ladders.walkers, key, t * WALKERS, sweep, energy);
        }
        tile.methods->read(tile.state, c);
        for (size_t i = 0; i < NNSM_TILE; i++) {
            count[ladders.temperature_of[i]][state_number(s, c + i * s->lattice.sites)]++;
            all += accepted[i];
        }
        nnsm_ladders_destroy(&ladders);
    }
    double least = 1;
    for (size_t t = 0; t < TEMPERATURES; t++)
        least = fmin(least, p_of(s, temperature[t], count[t], title));
    assert_true(all > 0);
    nnsm_regenerator_destroy(regenerator);
    nnsm_tile_destroy(&tile);
    return least;
}

static void chains_of_all_moves_reach_the_learned_distribution(void **state)
{
    (void)state;
    static const nnsm_move single[] = {NNSM_MOVE_SINGLE}, neighbour[] = {NNSM_MOVE_NEIGHBOUR},
                           mixed[] = {NNSM_MOVE_SINGLE, NNSM_MOVE_PATCH, NNSM_MOVE_NEIGHBOUR};
    for (int values = 3; values <= 5; values++) {
        system_of s;
        setup(&s, values, 2, values == 3 ? 3 : 2, values != 4);
        assert_true(smallest_p(&s, "single", 1, single, false, false, 1) > 1e-4);
        assert_true(smallest_p(&s, "neighbour", 1, neighbour, false, true, 1) > 1e-4);
        assert_true(smallest_p(&s, "mixed", 3, mixed, false, false, 1) > 1e-4);
        assert_true(smallest_p(&s, "mixed, exchange", 3, mixed, false, true, 1) > 1e-4);
        assert_true(smallest_p(&s, "suffixes", 0, NULL, true, false, 1) > 1e-4);
        assert_true(smallest_p(&s, "suffixes, mixed, exchange", 3, mixed, true, true, 1) > 1e-4);
        teardown(&s);
    }
}

static void a_wrong_acceptance_rule_is_noticed(void **state)
{
    (void)state;
    static const nnsm_move mixed[] = {NNSM_MOVE_SINGLE, NNSM_MOVE_PATCH, NNSM_MOVE_NEIGHBOUR};
    system_of s;
    setup(&s, 4, 2, 2, false);
    assert_true(smallest_p(&s, "wrong rule", 3, mixed, false, false, 0.9) < 1e-4);
    teardown(&s);
}

/* A patch on its own: every box holds the right sites, each is proposed both ways, and states beyond the ends are never
 * reached. On 1 x 3 open sites the boxes are {0}, {0, 1}, {1, 2}, {2}. */
static void patches_are_cut_at_open_edges(void **state)
{
    (void)state;
    system_of s;
    setup(&s, 3, 1, 3, false);
    nnsm_move_space space = nnsm_move_space_make(&s.lattice, 3);
    static const nnsm_move patch[] = {NNSM_MOVE_PATCH};
    assert_int_equal(nnsm_move_proposals(&space, NNSM_MOVE_PATCH), 4);
    assert_int_equal(nnsm_move_proposals(&space, NNSM_MOVE_SINGLE), 3);
    assert_true(smallest_p(&s, "patch", 1, patch, false, true, 1) >
                1e-4); /* ergodic: single sites are among the boxes */
    teardown(&s);
}

static void ancestral_samples_follow_the_network(void **state)
{
    (void)state;
    for (int values = 3; values <= 5; values++) {
        static double count[MOST_STATES];
        system_of s;
        nnsm_tile tile;
        int8_t c[NNSM_TILE * 16];
        setup(&s, values, 2, values == 3 ? 3 : 2, true);
        memset(count, 0, sizeof count);
        assert_int_equal(nnsm_learned_tile_create(&tile, s.learned, NULL), NNSM_OK);
        for (uint32_t t = 0; t < 4 * TILES; t++) {
            nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(12), t * NNSM_TILE, c);
            for (size_t i = 0; i < NNSM_TILE; i++)
                count[state_number(&s, c + i * s.lattice.sites)]++;
        }
        assert_true(p_of(&s, 2.5, count, "ancestral") > 1e-4);
        nnsm_tile_destroy(&tile);
        teardown(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_all_moves_reach_the_learned_distribution),
        cmocka_unit_test(a_wrong_acceptance_rule_is_noticed),
        cmocka_unit_test(patches_are_cut_at_open_edges),
        cmocka_unit_test(ancestral_samples_follow_the_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
