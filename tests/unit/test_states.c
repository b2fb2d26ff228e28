/* Networks of sites with more than two values: normalisation, gradients, files, and their tiles. */
#include "check.h"
#include "made/kernels.h"
#include "made/network.h"
#include "nnsm/network.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/vector_math.h"

enum { MOST_SITES = 12 };

static nnsm_alphabet alphabet_of(int values)
{
    int64_t value[NNSM_MAX_VALUES];
    nnsm_alphabet alphabet;
    for (int k = 0; k < values; k++)
        value[k] = 2 * k - values + 1;
    assert_int_equal(nnsm_alphabet_create(&alphabet, (size_t)values, value, false, NULL), NNSM_OK);
    return alphabet;
}

static nnsm_architecture small(int rows, int columns, int values, int variant)
{
    return (nnsm_architecture){.dimensions = 2,
                               .extent = {rows, columns, 1},
                               .periodic = true,
                               .layers = (size_t)(variant % 3),
                               .hidden = {13, 9},
                               .direct = variant != 1,
                               .order = (nnsm_order)(variant % 4),
                               .order_seed = 5,
                               .activation = variant % 2 ? NNSM_TANH : NNSM_RELU,
                               .temperature = 1.7,
                               .alphabet = alphabet_of(values)};
}

/* All parameters random, also those that start as zero. */
static nnsm_made *random_network(const nnsm_architecture *a, double size)
{
    nnsm_made *made;
    size_t count;
    assert_int_equal(nnsm_made_create(&made, a, NULL), NNSM_OK);
    nnsm_made_initialize(made, nnsm_rng_key_from_seed(3));
    float *w = nnsm_made_parameters(made, &count);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(4), NNSM_RNG_TEST, 0, 0);
    for (size_t r = 0; r < made->direct.rows; r++)
        for (size_t i = 0; i < made->direct.extent[r]; i++)
            w[made->direct_weights + nnsm_staircase_entry(&made->direct, r, i)] =
                (float)(size * (nnsm_rng_uniform(&draw) - 0.5));
    for (size_t i = a->layers ? made->hidden_bias[0] : made->output_bias; i < count; i++)
        w[i] = (float)(size * (nnsm_rng_uniform(&draw) - 0.5));
    return made;
}

static void fill_state(uint64_t number, int values, size_t sites, int8_t *s)
{
    for (size_t i = 0; i < sites; i++, number /= (uint64_t)values)
        s[i] = (int8_t)(number % (uint64_t)values);
}

static void probabilities_sum_to_one(void **state)
{
    (void)state;
    enum { ROWS = 64 };
    double worst = 0;
    for (int values = 3; values <= 5; values++)
        for (int variant = 0; variant < 6; variant++) {
            nnsm_architecture a = small(2, values == 5 ? 2 : 3, values, variant);
            nnsm_made *made = random_network(&a, 2);
            nnsm_made_workspace *w;
            size_t sites = nnsm_made_sites(made), states = (size_t)llround(pow(values, (double)sites));
            int8_t s[ROWS * MOST_SITES];
            double log_p[ROWS], sum = 0;
            assert_int_equal(nnsm_made_workspace_create(&w, made, ROWS, NULL), NNSM_OK);
            for (size_t first = 0; first < states; first += ROWS) {
                size_t count = states - first < ROWS ? states - first : ROWS;
                for (size_t r = 0; r < count; r++)
                    fill_state(first + r, values, sites, s + r * sites);
                nnsm_made_log_probability(made, w, s, count, log_p);
                for (size_t r = 0; r < count; r++)
                    sum += exp(log_p[r]);
            }
            worst = fmax(worst, fabs(sum - 1));
            check_close(sum, 1, 1e-5);
            nnsm_made_workspace_destroy(w);
            nnsm_made_destroy(made);
        }
    print_message("largest deviation of the sum of p from 1: %.2g\n", worst);
}

/* Changing a later site leaves the conditionals of the earlier ones: log p of two configurations that agree up to
 * position k, summed over all values from k on, is the same. */
static void conditionals_see_only_earlier_sites(void **state)
{
    (void)state;
    enum { VALUES = 3, SITES = 6, LAST = 27 }; /* the three last sites run through all values */
    for (int variant = 0; variant < 6; variant++) {
        nnsm_architecture a = small(2, 3, VALUES, variant);
        nnsm_made *made = random_network(&a, 2);
        nnsm_made_workspace *w;
        const int32_t *order = nnsm_made_order(made);
        int8_t s[LAST * SITES];
        double log_p[LAST], prefix = 0;
        assert_int_equal(nnsm_made_workspace_create(&w, made, LAST, NULL), NNSM_OK);
        for (size_t r = 0; r < LAST; r++)
            for (size_t p = 0; p < SITES; p++)
                s[r * SITES + (size_t)order[p]] = (int8_t)(p < 3 ? (p + (size_t)variant) % VALUES
                                                                 : r /
                                                                       (p == 3   ? 1
                                                                        : p == 4 ? 3
                                                                                 : 9) %
                                                                       VALUES);
        nnsm_made_log_probability(made, w, s, LAST, log_p);
        for (size_t r = 0; r < LAST; r++)
            prefix += exp(log_p[r]);
        /* The same prefix from a network whose weights into later outputs are anything else. */
        size_t count;
        float *parameters = nnsm_made_parameters(made, &count);
        for (size_t i = made->output_bias + 3 * VALUES; i < count; i++)
            parameters[i] += 1.5f * (float)(i % 3);
        double again = 0, before = log_p[5];
        nnsm_made_log_probability(made, w, s, LAST, log_p);
        for (size_t r = 0; r < LAST; r++)
            again += exp(log_p[r]);
        check_close(again, prefix, 1e-5 * prefix);
        assert_true(fabs(log_p[5] - before) > 1e-3); /* they did change */
        nnsm_made_workspace_destroy(w);
        nnsm_made_destroy(made);
    }
}

static void gradient_equals_finite_differences(void **state)
{
    (void)state;
    enum { ROWS = 5, VALUES = 4, SITES = 12 };
    nnsm_architecture a = small(3, 4, VALUES, 5);
    nnsm_made *made = random_network(&a, 0.5);
    nnsm_made_workspace *w;
    size_t count;
    float *parameters = nnsm_made_parameters(made, &count), *gradient;
    int8_t s[ROWS * SITES];
    double log_p[ROWS];
    assert_int_equal(nnsm_made_workspace_create(&w, made, ROWS + 2, NULL), NNSM_OK); /* two padded rows */
    assert_int_equal(NNSM_NEW(&gradient, count, "", NULL), NNSM_OK);
    for (size_t r = 0; r < ROWS; r++)
        fill_state((r * 1103515245u + 12345u) >> 3, VALUES, SITES, s + r * SITES);
    double sum = nnsm_made_gradient(made, w, s, ROWS, gradient);
    nnsm_made_log_probability(made, w, s, ROWS, log_p);
    for (size_t r = 0; r < ROWS; r++)
        sum += log_p[r];
    check_close(sum, 0, 1e-5);
    for (size_t i = 0; i < count; i += 3) {
        const float step = 2e-3f;
        float kept = parameters[i];
        double side[2] = {0};
        for (int k = 0; k < 2; k++) {
            parameters[i] = kept + (k ? -step : step);
            nnsm_made_log_probability(made, w, s, ROWS, log_p);
            for (size_t r = 0; r < ROWS; r++)
                side[k] -= log_p[r];
        }
        double numeric = (side[0] - side[1]) / (2 * (double)step);
        bool masked = kept == 0.f; /* random otherwise */
        parameters[i] = kept;
        check_close((double)gradient[i], masked ? 0 : numeric, masked ? 0 : 4e-3 * (1 + fabs(numeric)));
    }
    nnsm_release(gradient);
    nnsm_made_workspace_destroy(w);
    nnsm_made_destroy(made);
}

static void softmax_kernels_equal_their_references(void **state)
{
    (void)state;
    enum { ROWS = 7, SITES = 37 };
    double worst = 0;
    for (float x = 1; x < 20; x *= 1.0003f)
        worst = fmax(worst, fabs((double)nnsm_log_above_one(x) - log((double)x)));
    print_message("log from 1 to 20: %.1e absolute\n", worst);
    check_close(worst, 0, 4e-7);
    for (size_t values = 3; values <= NNSM_MAX_VALUES; values += 4) {
        static float x[ROWS * SITES * NNSM_MAX_VALUES], o[2][ROWS * SITES * NNSM_MAX_VALUES];
        float bias[SITES * NNSM_MAX_VALUES];
        double nll[2][ROWS];
        size_t n = SITES * values;
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(9), NNSM_RNG_TEST, 1, 0);
        memset(x, 0, sizeof x);
        for (size_t i = 0; i < n; i++)
            bias[i] = (float)nnsm_rng_uniform(&draw);
        for (size_t i = 0; i < ROWS * n; i++)
            o[0][i] = o[1][i] = (float)(16 * nnsm_rng_uniform(&draw) - 8);
        for (size_t i = 0; i < (ROWS - 1) * SITES; i++) /* the last row is padding */
            x[i * values + nnsm_rng_below(&draw, (uint32_t)values)] = 1.f;
        nnsm_kernel_softmax_nll(x, o[0], bias, ROWS, SITES, values, nll[0]);
        nnsm_reference_softmax_nll(x, o[1], bias, ROWS, SITES, values, nll[1]);
        for (size_t r = 0; r < ROWS; r++)
            check_close(nll[0][r], nll[1][r], 1e-6 * SITES * 3);
        nnsm_kernel_softmax_nll_gradient(x, o[0], bias, ROWS, SITES, values, nll[0]);
        nnsm_reference_softmax_nll_gradient(x, o[1], bias, ROWS, SITES, values, nll[1]);
        for (size_t i = 0; i < ROWS * n; i++)
            check_close((double)o[0][i], i < (ROWS - 1) * n ? (double)o[1][i] : 0, 2e-6);
        for (size_t r = 0; r < ROWS; r++)
            check_close(nll[0][r], nll[1][r], 1e-6 * SITES * 3);
    }
}

static double full_energy(const nnsm_made *made, nnsm_made_workspace *w, const int8_t *s)
{
    double log_p;
    nnsm_made_log_probability(made, w, s, 1, &log_p);
    return -nnsm_made_architecture(made)->temperature * log_p;
}

/* Updates of one to five sites, some chains keeping some states, half of the chains accepting. */
static void changes_equal_full_evaluations(void **state)
{
    (void)state;
    enum { SITES = 12, STEPS = 60 };
    for (int values = 3; values <= 5; values++)
        for (int variant = 0; variant < 6; variant++) {
            nnsm_architecture a = small(3, 4, values, variant);
            nnsm_made *made = random_network(&a, 1);
            nnsm_learned *learned;
            nnsm_tile tile;
            nnsm_made_workspace *w;
            int8_t s[NNSM_TILE * SITES], seen[NNSM_TILE], after[NNSM_TILE * SITES];
            double change[NNSM_TILE], energy[NNSM_TILE];
            uint32_t accept[NNSM_TILE];
            assert_int_equal(nnsm_learned_create(&learned, made, NULL), NNSM_OK);
            assert_int_equal(nnsm_learned_tile_create(&tile, learned, NULL), NNSM_OK);
            assert_int_equal(nnsm_made_workspace_create(&w, made, 1, NULL), NNSM_OK);
            nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(2), 0, s);
            nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(6), NNSM_RNG_TEST, 0, 0);
            for (size_t step = 0; step < STEPS; step++) {
                nnsm_update update = {.count = 1 + step % 5};
                memcpy(after, s, sizeof s);
                for (size_t i = 0; i < update.count; i++) {
                    update.site[i] = (step * 7 + i * 5) % SITES;
                    tile.methods->look(tile.state, update.site[i], seen);
                    for (size_t c = 0; c < NNSM_TILE; c++) {
                        assert_int_equal(seen[c], s[c * SITES + update.site[i]]);
                        after[c * SITES + update.site[i]] = update.state[i][c] =
                            c == 3 ? seen[c] : (int8_t)nnsm_rng_below(&draw, (uint32_t)values);
                    }
                }
                tile.methods->propose(tile.state, &update, change);
                assert_true(change[3] == 0); /* nothing changes there, to the bit */
                for (size_t c = 0; c < NNSM_TILE; c += 5)
                    check_close(change[c],
                                full_energy(made, w, after + c * SITES) - full_energy(made, w, s + c * SITES), 6e-5);
                if (step % 3 == 2)
                    continue; /* a proposal that is never settled */
                for (size_t c = 0; c < NNSM_TILE; c++) {
                    accept[c] = nnsm_rng_below(&draw, 2) ? UINT32_MAX : 0;
                    if (accept[c])
                        memcpy(s + c * SITES, after + c * SITES, SITES);
                }
                tile.methods->settle(tile.state, &update, accept);
                tile.methods->energy(tile.state, energy);
                tile.methods->read(tile.state, after);
                assert_memory_equal(after, s, sizeof s);
                for (size_t c = 0; c < NNSM_TILE; c += 5)
                    check_close(energy[c], full_energy(made, w, s + c * SITES), 1e-4);
            }
            nnsm_made_workspace_destroy(w);
            nnsm_tile_destroy(&tile);
            nnsm_learned_destroy(learned);
            nnsm_made_destroy(made);
        }
}

static void a_saved_network_reads_back_with_its_values(void **state)
{
    (void)state;
    char path[] = "/tmp/nnsm_test_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    for (int labels = 0; labels < 2; labels++) {
        nnsm_architecture a = small(3, 4, 5, 2);
        a.alphabet.labels = labels;
        nnsm_network network = {.dense = random_network(&a, 1)}, again;
        nnsm_error error;
        assert_int_equal(nnsm_network_save(&network, path, &error), NNSM_OK);
        assert_int_equal(nnsm_network_open(&again, path, &error), NNSM_OK);
        size_t n, m;
        const float *x = nnsm_network_parameters(&network, &n), *y = nnsm_network_parameters(&again, &m);
        assert_int_equal(n, m);
        assert_memory_equal(x, y, n * sizeof *x);
        nnsm_network_shape shape = nnsm_network_shape_of(&again);
        assert_true(nnsm_alphabet_equal(&shape.alphabet, &a.alphabet));
        nnsm_network_destroy(&again);
        nnsm_network_destroy(&network);
    }
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_sum_to_one),
        cmocka_unit_test(conditionals_see_only_earlier_sites),
        cmocka_unit_test(gradient_equals_finite_differences),
        cmocka_unit_test(softmax_kernels_equal_their_references),
        cmocka_unit_test(changes_equal_full_evaluations),
        cmocka_unit_test(a_saved_network_reads_back_with_its_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
