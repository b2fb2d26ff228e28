/* A network on sums in overlapping windows whose softmax is masked, against enumeration of all arrays of sums: p is
 * normalised on those that have a preimage, moves sample p^(T0 / T) of them and never leave them. */
#include "check.h"
#include "lattice/support.h"
#include "nnsm/metropolis.h"
#include "nnsm/moves.h"
#include "nnsm/regenerate.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STATES = 729, TEMPERATURES = 4, TILES = 250, SWEEPS = 30, WALKERS = NNSM_TILE / TEMPERATURES };
static const double temperature[TEMPERATURES] = {1.4, 2.0, 2.5, 4.0}; /* T0 = 2.5 */

static const struct {
    int dimensions, extent[3], size[3], stride[3];
    bool periodic;
    int sites_below;
} geometry[] = {{2, {2, 2, 1}, {2, 2}, {1, 1}, false, 9},
                {1, {6, 1, 1}, {2}, {1}, true, 6},
                {1, {5, 1, 1}, {2}, {1}, false, 6},
                {2, {2, 2, 1}, {2, 2}, {1, 2}, false, 12}};
enum { GEOMETRIES = sizeof geometry / sizeof *geometry };

typedef struct {
    nnsm_lattice lattice;
    nnsm_made *made;
    nnsm_learned *learned;
    size_t values, states;
    bool image[MOST_STATES];
} system_of;

static size_t number_of(const system_of *s, const int8_t *c)
{
    size_t number = 0;
    for (size_t i = s->lattice.sites; i-- > 0;)
        number = number * s->values + (size_t)c[i];
    return number;
}

static void state_of(const system_of *s, size_t number, int8_t *c)
{
    for (size_t i = 0; i < s->lattice.sites; i++, number /= s->values)
        c[i] = (int8_t)(number % s->values);
}

static void list_images(system_of *s, size_t g)
{
    int below[3];
    const nnsm_alphabet spins = nnsm_alphabet_spins();
    nnsm_alphabet sums;
    nnsm_window w;
    nnsm_window_extents_below(geometry[g].dimensions, geometry[g].extent, geometry[g].size, geometry[g].stride,
                              geometry[g].periodic, below);
    assert_int_equal(nnsm_window_create(&w, geometry[g].dimensions, below, geometry[g].size, geometry[g].stride,
                                        geometry[g].periodic, NULL),
                     NNSM_OK);
    assert_int_equal((int)w.sites_below, geometry[g].sites_below);
    assert_int_equal(nnsm_window_alphabet(&w, &spins, &sums, NULL), NNSM_OK);
    for (uint32_t n = 0; n < 1u << w.sites_below; n++) {
        int8_t below_states[16], c[16];
        for (size_t i = 0; i < w.sites_below; i++)
            below_states[i] = n >> i & 1 ? 1 : -1;
        nnsm_window_apply(&w, &spins, &sums, below_states, c);
        s->image[number_of(s, c)] = true;
    }
}

static void setup(system_of *s, size_t g)
{
    nnsm_architecture a = {.dimensions = geometry[g].dimensions,
                           .periodic = geometry[g].periodic,
                           .layers = 1,
                           .hidden = {12},
                           .direct = true,
                           .temperature = 2.5,
                           .windows = {.given = true, .periodic = geometry[g].periodic}};
    size_t count;
    nnsm_error error;
    memcpy(a.extent, geometry[g].extent, sizeof a.extent);
    memcpy(a.windows.size, geometry[g].size, sizeof a.windows.size);
    memcpy(a.windows.stride, geometry[g].stride, sizeof a.windows.stride);
    int volume = geometry[g].size[0] * (a.dimensions > 1 ? geometry[g].size[1] : 1);
    a.alphabet.count = volume + 1;
    for (int k = 0; k <= volume; k++)
        a.alphabet.value[k] = 2 * k - volume;
    *s = (system_of){.values = (size_t)volume + 1, .states = 1};
    assert_int_equal(nnsm_lattice_create(&s->lattice, a.dimensions, a.extent, a.periodic, NULL), NNSM_OK);
    for (size_t i = 0; i < s->lattice.sites; i++)
        s->states *= s->values;
    assert_true(s->states <= MOST_STATES);
    if (nnsm_made_create(&s->made, &a, &error))
        fail_msg("%s", error.message);
    float *w = nnsm_made_parameters(s->made, &count);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(4), NNSM_RNG_TEST, 0, 0);
    nnsm_support *support;
    nnsm_window window;
    int below[3];
    nnsm_window_extents_below(a.dimensions, a.extent, a.windows.size, a.windows.stride, a.periodic, below);
    assert_int_equal(
        nnsm_window_create(&window, a.dimensions, below, a.windows.size, a.windows.stride, a.periodic, NULL), NNSM_OK);
    assert_int_equal(nnsm_support_create(&support, &window, NULL), NNSM_OK);
    size_t last = s->lattice.sites * s->values * (1 + nnsm_support_beliefs(support)); /* biases, weights of beliefs */
    nnsm_support_destroy(support);
    nnsm_made_initialize(s->made, nnsm_rng_key_from_seed(21));
    for (size_t i = 0; i < count; i++)
        w[i] = i < count - last ? 1.8f * w[i] : (float)(0.8 * nnsm_rng_uniform(&draw) - 0.4);
    assert_int_equal(nnsm_learned_create(&s->learned, s->made, NULL), NNSM_OK);
    list_images(s, g);
}

static void teardown(system_of *s)
{
    nnsm_learned_destroy(s->learned);
    nnsm_made_destroy(s->made);
    nnsm_lattice_destroy(&s->lattice);
}

static double log_p(const system_of *s, nnsm_made_workspace *w, const int8_t *c)
{
    double value;
    nnsm_made_log_probability(s->made, w, c, 1, &value);
    return value;
}

static void p_is_normalised_on_the_support_and_nothing_elsewhere(void **state)
{
    (void)state;
    for (size_t g = 0; g < GEOMETRIES; g++) {
        system_of s;
        nnsm_made_workspace *w;
        double sum = 0;
        size_t images = 0;
        setup(&s, g);
        assert_int_equal(nnsm_made_workspace_create(&w, s.made, 3, NULL), NNSM_OK);
        for (size_t k = 0; k < s.states; k++) {
            int8_t c[16];
            state_of(&s, k, c);
            double value = log_p(&s, w, c);
            assert_int_equal(isinf(value) != 0, !s.image[k]);
            sum += exp(value);
            images += s.image[k];
        }
        print_message("%zu of %zu arrays have a preimage, p sums to 1 %+.1e\n", images, s.states, sum - 1);
        assert_true(fabs(sum - 1) < 2e-6);
        nnsm_made_workspace_destroy(w);
        teardown(&s);
    }
}

static void the_gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    system_of s;
    nnsm_made_workspace *w;
    enum { ROWS = 8 };
    int8_t rows[ROWS * 16];
    size_t count, found = 0, n;
    setup(&s, 0);
    n = s.lattice.sites;
    for (size_t k = 0; found < ROWS; k += 7)
        if (s.image[k % s.states])
            state_of(&s, k % s.states, rows + found++ * n);
    float *p = nnsm_made_parameters(s.made, &count), *gradient = malloc(count * sizeof *gradient);
    assert_int_equal(nnsm_made_workspace_create(&w, s.made, ROWS + 3, NULL), NNSM_OK);
    (void)nnsm_made_gradient(s.made, w, rows, ROWS, gradient);
    double largest = 0;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        double side[2], value[ROWS];
        float before = p[i];
        for (int j = 0; j < 2; j++) {
            p[i] = before + (j ? 0.01f : -0.01f);
            nnsm_made_log_probability(s.made, w, rows, ROWS, value);
            side[j] = 0;
            for (size_t r = 0; r < ROWS; r++)
                side[j] -= value[r];
        }
        p[i] = before;
        double difference = (side[1] - side[0]) / 0.02 - (double)gradient[i];
        largest = fmax(largest, fabs((double)gradient[i]));
        used += gradient[i] != 0.f;
        if (gradient[i] != 0.f) /* others are masked weights in the blocks of the matrices */
            assert_true(fabs(difference) < 2e-3);
    }
    assert_true(largest > 0.5 && used > count / 4);
    free(gradient);
    nnsm_made_workspace_destroy(w);
    teardown(&s);
}

/* Chains follow random updates; what a tile says of each, against evaluation of the whole. One chain begins outside. */
static void changes_are_differences_and_infinite_outside(void **state)
{
    (void)state;
    for (size_t g = 0; g < GEOMETRIES; g++) {
        system_of s;
        nnsm_tile tile;
        nnsm_made_workspace *w;
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(9), NNSM_RNG_TEST, (uint32_t)g, 0);
        int8_t c[NNSM_TILE * 16], next[16];
        double change[NNSM_TILE], energy[NNSM_TILE];
        uint32_t accept[NNSM_TILE];
        size_t inside = 0, outside = 0, n, start = 0;
        setup(&s, g);
        n = s.lattice.sites;
        assert_int_equal(nnsm_learned_tile_create(&tile, s.learned, NULL), NNSM_OK);
        assert_int_equal(nnsm_made_workspace_create(&w, s.made, 1, NULL), NNSM_OK);
        nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(5), 0, c);
        while (s.image[start])
            start++;
        state_of(&s, start, c);
        tile.methods->load(tile.state, c);
        tile.methods->energy(tile.state, energy);
        assert_true(isinf(energy[0]) && isfinite(energy[1]));
        for (int step = 0; step < 600; step++) {
            nnsm_update update = {.count = 1 + nnsm_rng_below(&draw, 2)};
            update.site[0] = nnsm_rng_below(&draw, (uint32_t)n);
            update.site[1] = (update.site[0] + 1 + nnsm_rng_below(&draw, (uint32_t)n - 1)) % n;
            for (size_t i = 0; i < update.count; i++)
                for (size_t l = 0; l < NNSM_TILE; l++)
                    update.state[i][l] = (int8_t)nnsm_rng_below(&draw, (uint32_t)s.values);
            tile.methods->propose(tile.state, &update, change);
            for (size_t l = 0; l < NNSM_TILE; l++) {
                memcpy(next, c + l * n, n);
                for (size_t i = 0; i < update.count; i++)
                    next[update.site[i]] = update.state[i][l];
                bool here = s.image[number_of(&s, c + l * n)], there = s.image[number_of(&s, next)];
                double wanted = here && there ? -2.5 * (log_p(&s, w, next) - log_p(&s, w, c + l * n)) : 0;
                if (memcmp(next, c + l * n, n) == 0)
                    assert_true(change[l] == 0);
                else if (!there)
                    assert_true(change[l] > 0 && isinf(change[l]));
                else if (!here)
                    assert_true(change[l] < 0 && isinf(change[l]));
                else
                    assert_true(fabs(change[l] - wanted) < 1e-4);
                accept[l] = there && (!here || nnsm_rng_below(&draw, 3)) ? UINT32_MAX : 0;
                if (accept[l])
                    memcpy(c + l * n, next, n);
                inside += there;
                outside += !there;
            }
            tile.methods->settle(tile.state, &update, accept);
            tile.methods->energy(tile.state, energy);
            for (size_t l = 0; l < NNSM_TILE; l++)
                assert_true(isinf(energy[l]) || fabs(energy[l] + 2.5 * log_p(&s, w, c + l * n)) < 1e-3);
        }
        assert_true(isfinite(energy[0]) && inside > 1000 && outside > 1000);
        nnsm_made_workspace_destroy(w);
        nnsm_tile_destroy(&tile);
        teardown(&s);
    }
}

static double smallest_p(const system_of *s, bool regenerate, size_t moves)
{
    static double count[TEMPERATURES][MOST_STATES];
    const nnsm_move move[] = {NNSM_MOVE_SINGLE, NNSM_MOVE_NEIGHBOUR, NNSM_MOVE_PATCH};
    nnsm_move_space space = nnsm_move_space_make(&s->lattice, (int)s->values);
    nnsm_rng_key key = nnsm_rng_key_from_seed(33);
    nnsm_made_workspace *w;
    nnsm_tile tile;
    nnsm_regenerator *regenerator;
    double smallest = 1;
    memset(count, 0, sizeof count);
    assert_int_equal(nnsm_learned_tile_create(&tile, s->learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_regenerator_create(&regenerator, s->learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_made_workspace_create(&w, s->made, 1, NULL), NNSM_OK);
    for (uint32_t t = 0; t < TILES; t++) {
        nnsm_ladders ladders;
        int8_t c[NNSM_TILE * 16];
        double beta[NNSM_TILE], energy[NNSM_TILE];
        int64_t accepted[NNSM_TILE] = {0};
        assert_int_equal(nnsm_ladders_create(&ladders, TEMPERATURES, temperature, WALKERS, NULL), NNSM_OK);
        nnsm_learned_sample(&tile, key, t * NNSM_TILE, c);
        for (uint32_t sweep = 0; sweep < (regenerate || moves ? SWEEPS : 0); sweep++) {
            for (size_t i = 0; i < NNSM_TILE; i++)
                beta[i] = ladders.beta[ladders.temperature_of[i]];
            if (regenerate)
                nnsm_regenerate(regenerator, &tile, key, t * NNSM_TILE, sweep, beta, accepted);
            if (moves)
                nnsm_move_sweep(&tile, &space, move[sweep % moves], key, t * NNSM_TILE, sweep, beta, accepted);
            tile.methods->energy(tile.state, energy);
            nnsm_ladders_exchange(&ladders, 0, ladders.walkers, key, t * WALKERS, sweep, energy);
        }
        tile.methods->read(tile.state, c);
        for (size_t i = 0; i < NNSM_TILE; i++) {
            assert_true(s->image[number_of(s, c + i * s->lattice.sites)]);
            count[ladders.temperature_of[i]][number_of(s, c + i * s->lattice.sites)]++;
        }
        nnsm_ladders_destroy(&ladders);
    }
    for (size_t t = 0; t < TEMPERATURES; t++) {
        double weight[MOST_STATES];
        double power = regenerate || moves ? 2.5 / temperature[t] : 1; /* ancestral samples: at T0 */
        for (size_t k = 0; k < s->states; k++) {
            int8_t c[16];
            state_of(s, k, c);
            weight[k] = s->image[k] ? exp(power * log_p(s, w, c)) : 0;
        }
        double p = check_visits_p(weight, count[t], s->states);
        print_message("T = %.1f: p = %.3g\n", temperature[t], p);
        smallest = fmin(smallest, p);
    }
    nnsm_made_workspace_destroy(w);
    nnsm_regenerator_destroy(regenerator);
    nnsm_tile_destroy(&tile);
    return smallest;
}

static void samples_and_scans_are_those_of_the_support(void **state)
{
    (void)state;
    for (size_t g = 0; g < GEOMETRIES; g++) {
        system_of s;
        setup(&s, g);
        assert_true(smallest_p(&s, false, 0) > 1e-4);
        assert_true(smallest_p(&s, true, 0) > 1e-4);
        assert_true(smallest_p(&s, true, 3) > 1e-4);
        teardown(&s);
    }
}

static void what_cannot_be_masked_is_refused(void **state)
{
    (void)state;
    nnsm_made *made;
    nnsm_architecture a = {.dimensions = 2,
                           .extent = {3, 3, 1},
                           .direct = true,
                           .temperature = 1,
                           .alphabet = {.count = 5, .value = {0, 1, 2, 3, 4}},
                           .windows = {.given = true, .size = {2, 2}, .stride = {1, 1}}};
    nnsm_architecture snake = a, few = a, apart = a;
    snake.order = NNSM_SNAKE;
    few.alphabet.count = 4;
    apart.windows.stride[0] = apart.windows.stride[1] = 2;
    assert_int_equal(nnsm_made_create(&made, &a, NULL), NNSM_OK);
    nnsm_made_destroy(made);
    assert_int_equal(nnsm_made_create(&made, &snake, NULL), NNSM_USAGE);
    assert_int_equal(nnsm_made_create(&made, &few, NULL), NNSM_USAGE);
    assert_int_equal(nnsm_made_create(&made, &apart, NULL), NNSM_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p_is_normalised_on_the_support_and_nothing_elsewhere),
        cmocka_unit_test(the_gradient_is_that_of_finite_differences),
        cmocka_unit_test(changes_are_differences_and_infinite_outside),
        cmocka_unit_test(samples_and_scans_are_those_of_the_support),
        cmocka_unit_test(what_cannot_be_masked_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
