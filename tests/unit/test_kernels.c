/* Every tuned kernel against its readable reference. */
#include "base/vector_math.h"
#include "check.h"
#include "made/chain_kernels.h"
#include "made/frontier_kernels.h"
#include "made/kernels.h"
#include "made/panel.h"
#include "made/tile_kernels.h"

#include "base/memory.h"

enum { ROWS = 7, COLUMNS = 53 };

static void fill(float *x, size_t count, uint32_t stream, double size)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(9), NNSM_RNG_TEST, stream, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(size * (2 * nnsm_rng_uniform(&draw) - 1));
}

static void vector_functions_have_the_stated_error(void **state)
{
    (void)state;
    double worst[3] = {0};
    for (double y = -85; y <= 85; y += 1.3e-3) {
        float x = (float)y;
        double soft = fmax((double)x, 0) + log1p(exp(-fabs((double)x)));
        if (x <= 0.f)
            worst[0] = fmax(worst[0], fabs((double)nnsm_exp_negative(x) / exp((double)x) - 1) / (2 - (double)x * 0.6));
        worst[1] = fmax(worst[1], fabs((double)nnsm_softplus(x) - soft) / (soft + 0.5));
        worst[2] = fmax(worst[2], fabs((double)nnsm_tanh(x) / tanh((double)x) - 1));
    }
    print_message("exp %.1e relative to 2 + 0.6 |x|, softplus %.1e, tanh %.1e relative\n", worst[0], worst[1],
                  worst[2]);
    check_close(worst[0], 0, 1.2e-7);
    check_close(worst[1], 0, 3e-7);
    check_close(worst[2], 0, 3.1e-7);
}

static void training_kernels_equal_their_references(void **state)
{
    (void)state;
    float z[2][ROWS * COLUMNS], bias[COLUMNS], x[ROWS * COLUMNS];
    double nll[2][ROWS];
    fill(bias, COLUMNS, 1, 1);
    fill(x, ROWS * COLUMNS, 2, 1);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        x[i] = x[i] > 0.f ? 1.f : -1.f;
    for (int activation = 0; activation < 2; activation++) {
        for (int k = 0; k < 2; k++)
            fill(z[k], ROWS * COLUMNS, 3, 4);
        nnsm_kernel_activate((nnsm_activation)activation, z[0], bias, ROWS, COLUMNS);
        nnsm_reference_activate((nnsm_activation)activation, z[1], bias, ROWS, COLUMNS);
        for (size_t i = 0; i < ROWS * COLUMNS; i++)
            check_close((double)z[0][i], (double)z[1][i], 1e-6);
        float da[2][ROWS * COLUMNS], sums[COLUMNS];
        for (int k = 0; k < 2; k++)
            fill(da[k], ROWS * COLUMNS, 6, 1);
        nnsm_kernel_activate_back((nnsm_activation)activation, da[0], z[1], ROWS * COLUMNS);
        nnsm_reference_activate_back((nnsm_activation)activation, da[1], z[1], ROWS * COLUMNS);
        for (size_t i = 0; i < ROWS * COLUMNS; i++)
            check_close((double)da[0][i], (double)da[1][i], 1e-6);
        nnsm_kernel_column_sums(da[1], ROWS, COLUMNS, sums);
        for (size_t c = 0; c < COLUMNS; c++) {
            double sum = 0;
            for (size_t r = 0; r < ROWS; r++)
                sum += (double)da[1][r * COLUMNS + c];
            check_close((double)sums[c], sum, 1e-6);
        }
    }
    for (int k = 0; k < 2; k++)
        fill(z[k], ROWS * COLUMNS, 4, 12);
    nnsm_kernel_nll(x, z[0], bias, ROWS, COLUMNS, nll[0]);
    nnsm_reference_nll(x, z[1], bias, ROWS, COLUMNS, nll[1]);
    for (size_t r = 0; r < ROWS; r++)
        check_close(nll[0][r], nll[1][r], 2e-7 * COLUMNS * 6);
}

/* Rows shorter and longer than what shares logarithms; the last one is padding. */
static void likelihood_and_derivatives_equal_their_reference(void **state)
{
    (void)state;
    enum { MOST = 300 };
    static const size_t columns[] = {1, 16, 53, 128, 129, MOST};
    static float x[ROWS * MOST], z[2][ROWS * MOST], bias[MOST];
    double nll[2][ROWS];
    fill(bias, MOST, 1, 1);
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        size_t count = columns[k], last = (ROWS - 1) * count;
        fill(x, ROWS * count, 2, 1);
        for (size_t i = 0; i < ROWS * count; i++)
            x[i] = i >= last ? 0.f : x[i] > 0.f ? 1.f : -1.f;
        for (int j = 0; j < 2; j++)
            fill(z[j], ROWS * count, 4, 30);
        z[0][0] = z[1][0] = 1e4f;
        nnsm_kernel_nll_gradient(x, z[0], bias, ROWS, count, nll[0]);
        nnsm_reference_nll_gradient(x, z[1], bias, ROWS, count, nll[1]);
        for (size_t r = 0; r < ROWS; r++)
            check_close(nll[0][r], nll[1][r], 1.2e-7 * (nll[1][r] + (double)count)); /* measured: 7.2e-8 */
        for (size_t i = 0; i < ROWS * count; i++)
            check_close((double)z[0][i], (double)z[1][i], 1e-6);
        for (size_t i = last; i < ROWS * count; i++)
            assert_true(z[0][i] == 0.f);
        z[0][count / 2] = NAN; /* a training that diverges must show */
        nnsm_kernel_nll_gradient(x, z[0], bias, ROWS, count, nll[0]);
        assert_true(isnan(nll[0][0]) && isnan(z[0][count / 2]) && isfinite(nll[0][1]));
    }
}

static void moments_of_frontier_units_equal_their_sums(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 15, 16, 33, 512};
    float h[512];
    fill(h, 512, 8, 5);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        double moment[3], sum[3] = {0};
        nnsm_frontier_moments(h, -0.4f, counts[k], moment);
        for (size_t c = 0; c < counts[k]; c++) {
            double x = (double)(h[c] - 0.4f), t = tanh(x);
            sum[0] += x * x;
            sum[1] += t * t;
            sum[2] += x * t;
        }
        for (int m = 0; m < 3; m++)
            check_close(moment[m], sum[m], 6.2e-7 * sum[m]); /* tanh squared: twice its error, 3.1e-7 */
    }
}

static void adam_equals_its_reference(void **state)
{
    (void)state;
    enum { N = 131 };
    float w[2][N], m[2][N] = {{0}}, v[2][N] = {{0}}, g[N];
    fill(w[0], N, 5, 1);
    fill(w[1], N, 5, 1);
    for (uint32_t t = 1; t < 20; t++) {
        fill(g, N, 100 + t, 3);
        nnsm_kernel_adam(w[0], m[0], v[0], g, N, 0.1f, 1e-2f, 1.5f);
        nnsm_reference_adam(w[1], m[1], v[1], g, N, 0.1f, 1e-2f, 1.5f);
    }
    for (size_t i = 0; i < N; i++)
        check_close((double)w[0][i], (double)w[1][i], 1e-5);
}

static void panel_product_equals_its_reference(void **state)
{
    (void)state;
    enum { R = 45, C = 61 };
    size_t extent[R];
    nnsm_staircase matrix;
    nnsm_panels panels;
    float *w;
    enum { INPUTS = 3 };
    static float d[C * NNSM_TILE], base[48 * NNSM_TILE], out[2][48 * NNSM_TILE], column[INPUTS * 48],
        step[INPUTS * NNSM_TILE];
    const nnsm_input_change changes[] = {{column, 48, step, INPUTS}, {column + 48, 48, step + NNSM_TILE, 1}};
    for (size_t r = 0; r < R; r++)
        extent[r] = r * C / R;
    assert_int_equal(nnsm_staircase_create(&matrix, R, C, extent, NULL), NNSM_OK);
    assert_int_equal(NNSM_NEW(&w, matrix.size, "", NULL), NNSM_OK);
    float dense[R * C];
    fill(dense, R * C, 0, 1);
    nnsm_staircase_collect(&matrix, dense, w);
    assert_int_equal(nnsm_panels_create(&panels, &matrix, w, NULL), NNSM_OK);
    fill(d, C * NNSM_TILE, 50, 1);
    fill(base, 48 * NNSM_TILE, 51, 1);
    fill(column, INPUTS * 48, 52, 1);
    fill(step, INPUTS * NNSM_TILE, 53, 2);
    for (size_t first = 0; first < R; first += 5)
        for (size_t count = 0; count <= 2; count++) {
            nnsm_panels_multiply(&panels, first, first, d, changes, count, base, out[0]);
            nnsm_panels_multiply_reference(&panels, first, first, d, changes, count, base, out[1]);
            for (size_t i = first * NNSM_TILE; i < R * NNSM_TILE; i++)
                check_close((double)out[0][i], (double)out[1][i], 1e-5);
            /* Columns from C on are behind every extent: the changes alone, to the bit what adding them row by row
             * gives. */
            nnsm_panels_multiply(&panels, first, C, d, changes, count, base, out[0]);
            nnsm_tile_add_inputs(changes, count, first, R, base, out[1]);
            assert_memory_equal(out[0] + first * NNSM_TILE, out[1] + first * NNSM_TILE,
                                (R - first) * NNSM_TILE * sizeof(float));
        }
    /* One pass does what two do, to the bit. */
    for (int activation = NNSM_RELU; activation <= NNSM_TANH; activation++)
        for (size_t count = 1; count <= 2; count++) {
            nnsm_tile_add_inputs(changes, count, 2, R, base, out[1]);
            nnsm_tile_difference((nnsm_activation)activation, out[1] + 2 * NNSM_TILE, base + 2 * NNSM_TILE, R - 2,
                                 out[1] + 2 * NNSM_TILE);
            nnsm_tile_input_difference((nnsm_activation)activation, changes, count, 2, R, base, out[0]);
            assert_memory_equal(out[0] + 2 * NNSM_TILE, out[1] + 2 * NNSM_TILE, (R - 2) * NNSM_TILE * sizeof(float));
        }
    /* In two parts, however many columns are known when a panel is begun. */
    nnsm_panels_multiply_reference(&panels, 0, 0, d, NULL, 0, base, out[1]);
    for (size_t known = 0; known <= C; known += 9) {
        memcpy(out[0], base, sizeof base);
        for (size_t r = 0; r < R; r++) {
            if (r % NNSM_PANEL_ROWS == 0)
                nnsm_panels_begin(&panels, r / NNSM_PANEL_ROWS, known, d, out[0]);
            nnsm_panels_end(&panels, r, known, d, out[0]);
        }
        for (size_t i = 0; i < R * NNSM_TILE; i++)
            check_close((double)out[0][i], (double)out[1][i], 1e-5);
    }
    nnsm_panels_destroy(&panels);
    nnsm_release(w);
    nnsm_staircase_destroy(&matrix);
}

/* A term of a block of rows is off by 3e-7 of its size and 1.2e-6, at most. */
static void terms_of_blocks_equal_their_reference(void **state)
{
    (void)state;
    enum { R = 21, BLOCKS = (R + NNSM_TERM_ROWS - 1) / NNSM_TERM_ROWS, PADDED = BLOCKS * NNSM_TERM_ROWS };
    static float x[PADDED * NNSM_TILE], o[PADDED * NNSM_TILE], term[BLOCKS * NNSM_TILE], out[2][BLOCKS * NNSM_TILE];
    double worst = 0;
    assert_int_equal(nnsm_tile_term_blocks(R), BLOCKS);
    fill(term, BLOCKS * NNSM_TILE, 60, 1);
    for (uint32_t k = 0; k < 400; k++) {
        double sum[2][NNSM_TILE] = {{0}};
        fill(x, R * NNSM_TILE, 61 + 2 * k, 1);
        fill(o, R * NNSM_TILE, 62 + 2 * k, k % 4 == 0 ? 0.1 : k % 4 == 1 ? 2 : k % 4 == 2 ? 12 : 200);
        for (size_t i = 0; i < R * NNSM_TILE; i++)
            x[i] = x[i] > 0.f ? 1.f : -1.f;
        nnsm_tile_blocks(x, o, term, R, out[0], sum[0]);
        nnsm_reference_tile_blocks(x, o, term, R, out[1], sum[1]);
        for (size_t i = 0; i < BLOCKS * NNSM_TILE; i++)
            worst = fmax(worst, fabs((double)out[0][i] - (double)out[1][i]) / (4 + (double)out[1][i]));
        for (size_t c = 0; c < NNSM_TILE; c++)
            check_close(sum[0][c], sum[1][c], 3e-7 * (12 + fabs(sum[1][c])));
    }
    print_message("terms of blocks %.1e\n", worst);
    check_close(worst, 0, 3e-7);
    o[5 * NNSM_TILE + 7] = NAN;
    double sum[NNSM_TILE] = {0};
    nnsm_tile_blocks(x, o, term, R, out[0], sum);
    for (size_t c = 0; c < NNSM_TILE; c++)
        assert_int_equal(isnan(sum[c]), c == 7);
}

/* A term, of four sites, is off by 3e-7 of its size and 1.2e-6, at most. */
static void terms_of_a_chain_equal_their_reference(void **state)
{
    (void)state;
    enum { SITES = 3 * NNSM_CHAIN_SITES, TERMS = 3 * NNSM_CHAIN_LANES, MISSING = NNSM_CHAIN_SITES + 11 };
    float x[SITES], o[SITES], term[TERMS], out[2][TERMS];
    double worst = 0;
    fill(term, TERMS, 60, 1);
    for (uint32_t k = 0; k < 2000; k++) {
        fill(x, SITES, 61 + 2 * k, 1);
        fill(o, SITES, 62 + 2 * k, k % 4 == 0 ? 0.1 : k % 4 == 1 ? 2 : k % 4 == 2 ? 12 : 200);
        for (size_t i = 0; i < SITES; i++)
            x[i] = x[i] > 0.f ? 1.f : -1.f;
        for (size_t i = SITES - MISSING; i < SITES; i++) {
            x[i] = 1.f;
            o[i] = NNSM_CHAIN_CERTAIN;
        }
        double sum = nnsm_chain_terms(x, o, SITES, term, out[0]);
        double expected = nnsm_reference_chain_terms(x, o, SITES, term, out[1]);
        for (size_t i = 0; i < TERMS; i++)
            worst = fmax(worst, fabs((double)out[0][i] - (double)out[1][i]) / (4 + (double)out[1][i]));
        check_close(sum, expected, 3e-7 * (30 + fabs(expected)));
    }
    print_message("terms of four sites %.1e\n", worst);
    check_close(worst, 0, 3e-7);
    for (size_t l = 0; l < NNSM_CHAIN_LANES; l++) /* all of whose sites are missing */
        assert_true(fabs((double)out[0][TERMS - 1 - l]) == 0);
    o[5] = NAN;
    assert_true(isnan(nnsm_chain_terms(x, o, SITES, term, out[0])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_functions_have_the_stated_error),
        cmocka_unit_test(training_kernels_equal_their_references),
        cmocka_unit_test(likelihood_and_derivatives_equal_their_reference),
        cmocka_unit_test(moments_of_frontier_units_equal_their_sums),
        cmocka_unit_test(adam_equals_its_reference),
        cmocka_unit_test(panel_product_equals_its_reference),
        cmocka_unit_test(terms_of_blocks_equal_their_reference),
        cmocka_unit_test(terms_of_a_chain_equal_their_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
