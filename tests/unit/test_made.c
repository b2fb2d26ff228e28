/* The network: normalisation, autoregression, gradients, files. */
#include "check.h"
#include "made/network.h"
#include "nnsm/network.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static nnsm_architecture small(int rows, int columns, nnsm_order order, bool direct, size_t layers)
{
    return (nnsm_architecture){.dimensions = 2,
                               .extent = {rows, columns, 1},
                               .periodic = true,
                               .layers = layers,
                               .hidden = {13, 9},
                               .direct = direct,
                               .order = order,
                               .order_seed = 5,
                               .temperature = 2.5};
}

/* All parameters random, masked entries included in the check that they stay out of play. */
static nnsm_made *random_network(const nnsm_architecture *a, double size)
{
    nnsm_made *made;
    size_t count;
    assert_int_equal(nnsm_made_create(&made, a, NULL), NNSM_OK);
    nnsm_made_initialize(made, nnsm_rng_key_from_seed(3));
    float *w = nnsm_made_parameters(made, &count);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(4), NNSM_RNG_TEST, 0, 0);
    if (a->direct)
        for (size_t r = 0; r < made->sites; r++)
            for (size_t i = 0; i < r; i++)
                w[made->direct_weights + nnsm_staircase_entry(&made->direct, r, i)] =
                    (float)(size * (nnsm_rng_uniform(&draw) - 0.5));
    for (size_t i = made->output_bias - (a->layers ? a->hidden[0] : 0); i < count; i++)
        w[i] = (float)(size * (nnsm_rng_uniform(&draw) - 0.5));
    return made;
}

static void fill_state(uint32_t state, size_t sites, int8_t *s)
{
    for (size_t i = 0; i < sites; i++)
        s[i] = state >> i & 1 ? 1 : -1;
}

static double total_probability(const nnsm_made *made)
{
    enum { ROWS = 64 };
    size_t sites = nnsm_made_sites(made), states = (size_t)1 << sites;
    nnsm_made_workspace *w;
    int8_t s[ROWS * 16];
    double log_p[ROWS], sum = 0;
    assert_int_equal(nnsm_made_workspace_create(&w, made, ROWS, NULL), NNSM_OK);
    for (size_t first = 0; first < states; first += ROWS) {
        size_t count = states - first < ROWS ? states - first : ROWS;
        for (size_t r = 0; r < count; r++)
            fill_state((uint32_t)(first + r), sites, s + r * sites);
        nnsm_made_log_probability(made, w, s, count, log_p);
        for (size_t r = 0; r < count; r++)
            sum += exp(log_p[r]);
    }
    nnsm_made_workspace_destroy(w);
    return sum;
}

static void probabilities_sum_to_one(void **state)
{
    (void)state;
    double worst = 0;
    for (int extent = 2; extent <= 4; extent++)
        for (int order = 0; order < 4; order++)
            for (int direct = 0; direct < 2; direct++)
                for (size_t layers = 0; layers < 3; layers++) {
                    nnsm_architecture a = small(extent, extent, (nnsm_order)order, direct, layers);
                    a.activation = order % 2 ? NNSM_TANH : NNSM_RELU;
                    nnsm_made *made = random_network(&a, 1);
                    double sum = total_probability(made);
                    worst = fmax(worst, fabs(sum - 1));
                    check_close(sum, 1, 1e-5);
                    nnsm_made_destroy(made);
                }
    print_message("largest deviation of the sum of p from 1: %.2g\n", worst);
}

/* The network as on paper: dense matrices, double precision, no blocks. x: spins in order; o: out, logits. */
static void reference_logits(const nnsm_made *made, const int8_t *x, double *o)
{
    const nnsm_architecture *a = &made->architecture;
    const float *w = made->parameters;
    double below[64], here[64];
    size_t width = made->sites;
    for (size_t p = 0; p < width; p++)
        below[p] = x[p];
    for (size_t l = 0; l <= a->layers; l++) {
        bool last = l == a->layers;
        const nnsm_staircase *m = last ? &made->output : &made->hidden[l];
        size_t rows = last ? made->sites : a->hidden[l];
        float dense[64 * 64];
        if (m->rows)
            nnsm_staircase_expand(m, w + (last ? made->output_weights : made->hidden_weights[l]), dense);
        for (size_t r = 0; r < rows; r++) {
            here[r] = (double)w[(last ? made->output_bias : made->hidden_bias[l]) + r];
            for (size_t i = 0; m->rows && i < width; i++)
                here[r] += (double)dense[r * width + i] * below[i];
            if (!last)
                here[r] = a->activation == NNSM_RELU ? fmax(here[r], 0) : tanh(here[r]);
        }
        memcpy(below, here, sizeof below);
        width = rows;
    }
    float direct[64 * 64];
    if (a->direct)
        nnsm_staircase_expand(&made->direct, w + made->direct_weights, direct);
    for (size_t p = 0; p < made->sites; p++) {
        o[p] = below[p];
        for (size_t i = 0; a->direct && i < made->sites; i++)
            o[p] += (double)direct[p * made->sites + i] * x[i];
    }
}

/* Conditional p depends on earlier positions only; log p is what the dense network on paper gives. */
static void conditionals_see_only_earlier_sites(void **state)
{
    (void)state;
    for (int order = 0; order < 4; order++) {
        nnsm_architecture a = small(3, 4, (nnsm_order)order, order != 1, (size_t)order % 3);
        nnsm_made *made = random_network(&a, 1);
        nnsm_made_workspace *w;
        double o[12], changed[12], log_p, sum = 0;
        int8_t s[12], x[12];
        assert_int_equal(nnsm_made_workspace_create(&w, made, 3, NULL), NNSM_OK);
        fill_state(0xa57u, 12, s);
        for (size_t p = 0; p < 12; p++)
            x[p] = s[made->order[p]];
        reference_logits(made, x, o);
        nnsm_made_log_probability(made, w, s, 1, &log_p);
        for (size_t p = 0; p < 12; p++)
            sum -= log1p(exp(-x[p] * o[p]));
        check_close(log_p, sum, 1e-5);
        for (size_t k = 0; k < 12; k++) {
            int later = 0;
            x[k] = (int8_t)-x[k];
            reference_logits(made, x, changed);
            x[k] = (int8_t)-x[k];
            for (size_t p = 0; p < 12; p++) {
                if (p <= k)
                    assert_true(changed[p] == o[p]);
                later += changed[p] != o[p];
            }
            if (a.direct || a.layers)
                assert_true(k == 11 || later > 0); /* and it does see them */
        }
        nnsm_made_workspace_destroy(w);
        nnsm_made_destroy(made);
    }
}

/* One for every parameter that is in play, zero for the stored entries that a mask hides. */
static void mark_matrix(const nnsm_staircase *m, float *mask)
{
    memset(mask, 0, m->size * sizeof *mask);
    for (size_t r = 0; r < m->rows; r++)
        for (size_t i = 0; i < m->extent[r]; i++)
            mask[nnsm_staircase_entry(m, r, i)] = 1.f;
}

static void mark_parameters(const nnsm_made *made, float *mask)
{
    for (size_t i = 0; i < made->count; i++)
        mask[i] = 1.f;
    for (size_t l = 0; l < made->architecture.layers; l++)
        mark_matrix(&made->hidden[l], mask + made->hidden_weights[l]);
    mark_matrix(&made->output, mask + made->output_weights);
    mark_matrix(&made->direct, mask + made->direct_weights);
}

static void gradient_equals_finite_differences(void **state)
{
    (void)state;
    enum { ROWS = 5 };
    for (int tanh_units = 0; tanh_units < 2; tanh_units++) {
        nnsm_architecture a = small(3, 4, NNSM_SNAKE, true, 2);
        a.activation = tanh_units ? NNSM_TANH : NNSM_RELU;
        nnsm_made *made = random_network(&a, 0.5);
        nnsm_made_workspace *w;
        size_t count;
        float *parameters = nnsm_made_parameters(made, &count), *gradient, *mask;
        int8_t s[ROWS * 12];
        double log_p[ROWS];
        assert_int_equal(nnsm_made_workspace_create(&w, made, ROWS + 2, NULL), NNSM_OK); /* two padded rows */
        assert_int_equal(NNSM_NEW(&gradient, count, "", NULL), NNSM_OK);
        assert_int_equal(NNSM_NEW(&mask, count, "", NULL), NNSM_OK);
        mark_parameters(made, mask);
        for (size_t r = 0; r < ROWS; r++)
            fill_state((uint32_t)(r * 1103515245u + 12345u) >> 3, 12, s + r * 12);
        (void)nnsm_made_gradient(made, w, s, ROWS, gradient);
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
            parameters[i] = kept;
            double numeric = (side[0] - side[1]) / (2 * (double)step);
            if (mask[i] > 0.f)
                check_close((double)gradient[i], numeric, 4e-3 * (1 + fabs(numeric)));
            else
                check_close((double)gradient[i], 0, 0);
        }
        nnsm_release(mask);
        nnsm_release(gradient);
        nnsm_made_workspace_destroy(w);
        nnsm_made_destroy(made);
    }
}

typedef struct {
    nnsm_made *made;
    const float *gradient, *expected;
    size_t tellings;
    uint8_t *told; /* [parameters] how often */
} audience;

/* What is told of is final, and its parameters can be anything from then on. */
static void listen(void *context, size_t first, size_t end)
{
    audience *a = context;
    size_t count;
    float *parameters = nnsm_made_parameters(a->made, &count);
    assert_true(first < end && end <= count);
    for (size_t i = first; i < end; i++) {
        assert_true(a->gradient[i] == a->expected[i]);
        parameters[i] = NAN;
        a->told[i]++;
    }
    a->tellings++;
}

static void check_layers(const nnsm_architecture *architecture, size_t tellings)
{
    enum { ROWS = 3 };
    nnsm_made *made = random_network(architecture, 0.5);
    size_t count, sites = nnsm_made_sites(made);
    (void)nnsm_made_parameters(made, &count);
    nnsm_made_workspace *w;
    float *expected, *gradient;
    uint8_t *told;
    int8_t *s;
    assert_int_equal(nnsm_made_workspace_create(&w, made, ROWS + 2, NULL), NNSM_OK);
    assert_int_equal(NNSM_NEW(&expected, count, "", NULL), NNSM_OK);
    assert_int_equal(NNSM_NEW(&gradient, count, "", NULL), NNSM_OK);
    assert_int_equal(NNSM_NEW(&told, count, "", NULL), NNSM_OK);
    assert_int_equal(NNSM_NEW(&s, ROWS * sites, "", NULL), NNSM_OK);
    for (size_t i = 0; i < ROWS * sites; i++)
        s[i] = (int8_t)(i * i % 7 < 3 ? 1 : -1);
    double sum = nnsm_made_gradient(made, w, s, ROWS, expected);
    for (size_t i = 0; i < count; i++)
        gradient[i] = NAN;
    audience a = {made, gradient, expected, 0, told};
    check_close(nnsm_made_gradient_by_layers(made, w, s, ROWS, gradient, &(nnsm_listener){listen, &a}), sum, 0);
    assert_memory_equal(gradient, expected, count * sizeof *gradient);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(told[i], 1);
    assert_int_equal(a.tellings, tellings);
    nnsm_release(expected);
    nnsm_release(gradient);
    nnsm_release(told);
    nnsm_release(s);
    nnsm_made_workspace_destroy(w);
    nnsm_made_destroy(made);
}

static void layers_are_told_of_once_and_not_needed_any_more(void **state)
{
    (void)state;
    nnsm_architecture a = small(3, 4, NNSM_RASTER, true, 2), plain = small(3, 4, NNSM_RASTER, true, 0);
    nnsm_architecture large = small(20, 24, NNSM_RASTER, true, 1);
    check_layers(&a, 5);     /* direct, output, two hidden matrices, biases */
    check_layers(&plain, 2); /* direct, biases */
    check_layers(&large, 5); /* 116 thousand direct connections in two parts */
}

static void a_saved_network_reads_back_the_same(void **state)
{
    (void)state;
    char path[] = "/tmp/nnsm_test_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    nnsm_architecture a = small(4, 4, NNSM_RANDOM, true, 2);
    nnsm_made *made = random_network(&a, 1);
    nnsm_network network = {.dense = made}, again;
    nnsm_error error;
    assert_int_equal(nnsm_network_save(&network, path, &error), NNSM_OK);
    assert_int_equal(nnsm_network_open(&again, path, &error), NNSM_OK);
    size_t n, m;
    const float *x = nnsm_made_parameters(made, &n), *y = nnsm_network_parameters(&again, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n * sizeof *x);
    assert_memory_equal(nnsm_made_order(made), nnsm_made_order(again.dense), 16 * sizeof(int32_t));
    nnsm_network_destroy(&again);
    assert_int_equal(truncate(path, 700), 0);
    assert_int_equal(nnsm_network_open(&again, path, &error), NNSM_DATA);
    assert_non_null(strstr(error.message, path));
    assert_null(again.dense);
    (void)unlink(path);
    assert_int_equal(nnsm_network_open(&again, path, &error), NNSM_DATA);
    nnsm_made_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_sum_to_one),
        cmocka_unit_test(conditionals_see_only_earlier_sites),
        cmocka_unit_test(gradient_equals_finite_differences),
        cmocka_unit_test(layers_are_told_of_once_and_not_needed_any_more),
        cmocka_unit_test(a_saved_network_reads_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
