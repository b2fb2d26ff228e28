/* What a benchmark concludes: lines through times, and operations counted entry by entry. */
#include "check.h"

#include <math.h>

#include "made/network.h"
#include "made/operations.h"
#include "stage/bench_clock.h"

static void a_line_is_found_in_exact_times(void **state)
{
    (void)state;
    enum { SIZES = 10 };
    double size[SIZES], seconds[SIZES];
    for (int s = 0; s < SIZES; s++) {
        size[s] = 8 * pow(4, s);
        seconds[s] = 2e-6 + size[s] * 1e-10;
    }
    nnsm_bench_line line = nnsm_bench_fit(SIZES, size, seconds);
    assert_true(fabs(line.latency / 2e-6 - 1) < 1e-9);
    assert_true(fabs(line.slope / 1e-10 - 1) < 1e-9);
    assert_true(line.residual < 1e-9);
}

/* Of times that no line describes: the residual says so, and neither number is negative. */
static void a_line_has_no_negative_part(void **state)
{
    (void)state;
    const double size[] = {1, 2, 3}, falling[] = {3, 2, 1}, steep[] = {0.1, 1, 10};
    nnsm_bench_line line = nnsm_bench_fit(3, size, falling);
    assert_true(line.slope == 0 && line.latency > 0 && line.residual > 0.1);
    line = nnsm_bench_fit(3, size, steep);
    assert_true(line.latency == 0 && line.slope > 0 && line.residual > 0.1);
}

static void quantiles_are_interpolated(void **state)
{
    (void)state;
    double values[] = {4, 1, 3, 2};
    assert_true(nnsm_bench_quantile(values, 4, 0.5) == 2.5);
    assert_true(nnsm_bench_quantile(values, 4, 0) == 1);
    assert_true(nnsm_bench_quantile(values, 4, 1) == 4);
}

static nnsm_made *network(size_t layers, bool direct, int values)
{
    nnsm_architecture a = {
        .dimensions = 2, .extent = {3, 4, 1}, .layers = layers, .hidden = {7, 5}, .direct = direct, .temperature = 1};
    nnsm_made *made = NULL;
    nnsm_error error;
    for (int k = 0; values > 2 && k < values; k++)
        a.alphabet.value[k] = k;
    a.alphabet.count = values > 2 ? values : 0;
    assert_int_equal(nnsm_made_create(&made, &a, &error), NNSM_OK);
    return made;
}

/* Entries of a matrix that multiply a changed input. */
static double changed(const nnsm_staircase *m, const char *input)
{
    double sum = 0;
    for (size_t r = 0; r < m->rows; r++)
        for (size_t i = 0; i < m->extent[r]; i++)
            sum += input[i];
    return sum;
}

/* A hidden unit may change with the sites before its degree. */
static double flip_by_hand(const nnsm_made *made)
{
    double sum = 0;
    const nnsm_architecture *a = &made->architecture;
    for (size_t p = 0; p < made->sites; p++) {
        char input[64] = {0}, units[2][64] = {{0}};
        for (size_t k = 0; k < made->width; k++)
            input[p * made->width + k] = 1;
        for (size_t l = 0; l < a->layers; l++) {
            sum += changed(&made->hidden[l], l ? units[l - 1] : input);
            for (size_t u = 0; u < a->hidden[l]; u++)
                units[l][u] = made->degree[l][u] > p;
        }
        if (a->layers)
            sum += changed(&made->output, units[a->layers - 1]);
        if (a->direct)
            sum += changed(&made->direct, input);
    }
    return 2 * sum / (double)made->sites;
}

/* Layers, direct connections, values of a site. */
static void operations_are_those_of_the_entries(void **state)
{
    (void)state;
    static const int cases[][3] = {{2, 1, 2}, {1, 0, 2}, {0, 1, 2}, {2, 1, 3}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        nnsm_made *made = network((size_t)cases[c][0], cases[c][1], cases[c][2]);
        nnsm_operations flip = nnsm_made_flip_operations(made), forward = nnsm_made_forward_operations(made);
        nnsm_operations gradient = nnsm_made_gradient_operations(made);
        assert_true(fabs(flip.needed - flip_by_hand(made)) < 1e-9);
        assert_true(flip.dense == forward.dense);
        assert_true(flip.needed < forward.needed && forward.needed < forward.dense);
        assert_true(gradient.needed >= 2 * forward.needed && gradient.needed <= 3 * forward.needed);
        nnsm_made_destroy(made);
    }
    /* 12 sites, (7, 5), direct: 7 x 12 and 12 x 12 multiply inputs, 5 x 7 and 12 x 5 do not. */
    nnsm_made *made = network(2, true, 2);
    assert_true(nnsm_made_forward_operations(made).dense == 2. * (7 * 12 + 5 * 7 + 12 * 5 + 12 * 12));
    assert_true(nnsm_made_gradient_operations(made).dense == 4. * (7 * 12 + 12 * 12) + 6. * (5 * 7 + 12 * 5));
    nnsm_made_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_found_in_exact_times),
        cmocka_unit_test(a_line_has_no_negative_part),
        cmocka_unit_test(quantiles_are_interpolated),
        cmocka_unit_test(operations_are_those_of_the_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
