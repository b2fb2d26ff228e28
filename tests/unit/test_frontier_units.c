/* The units of a frontier network: products of neighbouring spins, and signs that make every Mattis model a
 * ferromagnet. */
#include "check.h"
#include "made/frontier_fit.h"
#include "nnsm/ising.h"

#include <stdlib.h>
#include <string.h>

static int sign_of(size_t k, size_t i)
{
    return k >> i & 1 ? 1 : -1;
}

/* The unit with weights on exactly these sites of an output in the middle of a lattice, all equal; -1: none. */
static long find_product(const nnsm_fit *fit, const int32_t *seen, size_t count, const int32_t *wanted)
{
    for (size_t u = 0; u < fit->units; u++) {
        size_t right = 0, wrong = 0;
        for (size_t i = 0; i < fit->frontier; i++) {
            bool in = false;
            for (size_t k = 0; k < count; k++)
                in = in || seen[i] == wanted[k];
            right += in && fit->w[u * fit->frontier + i] == 1;
            wrong += !in && fit->w[u * fit->frontier + i] != 0;
        }
        if (right == count && !wrong)
            return (long)u;
    }
    return -1;
}

/* s_1 ... s_n = c + a (s_1 + ... + s_n) + b tanh(e + s_1 + ... + s_n) for all states: from three of them, at all. */
static void check_product(size_t count, double offset)
{
    double sum[3], x[3], y[3];
    for (size_t k = 0; k < 3; k++) { /* none, one and two spins down */
        sum[k] = (double)count - 2 * (double)k;
        x[k] = tanh(offset + sum[k]);
        y[k] = k % 2 ? -1 : 1;
    }
    double slope = (y[1] - y[0]) / 2, other = (y[2] - y[1]) / 2; /* per step of -2: y + 2 a - b dx = 0 */
    double b = 2 * (slope - other) / ((x[1] - x[0]) - (x[2] - x[1]));
    double a = -(y[1] - y[0] - b * (x[1] - x[0])) / 2, c = y[0] - a * sum[0] - b * x[0];
    for (size_t k = 0; k < (size_t)1 << count; k++) {
        double product = 1, h = 0;
        for (size_t i = 0; i < count; i++) {
            product *= sign_of(k, i);
            h += sign_of(k, i);
        }
        check_close(c + a * h + b * tanh(offset + h), product, 1e-9);
    }
}

/* An output of an 8 x 8 lattice at (4, 4) sees (4, 3), (3, 4), (3, 3): the triangle and square that it closes. */
static void products_within_the_reach_have_units(void **state)
{
    (void)state;
    const int32_t left = 35, up = 28, corner = 27, right = 29, triple[] = {left, up, corner},
                  pairs[][2] = {{left, up}, {up, right}};
    for (int odd = 0; odd < 2; odd++) {
        nnsm_frontier_architecture a = {.dimensions = 2,
                                        .extent = {8, 8, 1},
                                        .periodic = true,
                                        .reach = 1.5,
                                        .units = 64,
                                        .odd = odd,
                                        .temperature = 1};
        nnsm_frontier *f;
        const int32_t *seen;
        assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
        const nnsm_fit *fit = nnsm_frontier_look(f, nnsm_frontier_output(f, 36, &seen));
        long u = find_product(fit, seen, 3, triple);
        assert_true(u >= 0);
        check_product(3, fit->offset[u]);
        for (int k = 0; k < 2; k++) {
            u = find_product(fit, seen, 2, pairs[k]);
            assert_true(odd ? u < 0 : u >= 0);
            if (!odd)
                check_product(2, fit->offset[u]);
        }
        nnsm_frontier_destroy(f);
    }
}

/* Nothing at reach 1 is coupled in more than pairs: all units are shapes, with weights on all sites. */
static void at_reach_one_there_are_no_products(void **state)
{
    (void)state;
    nnsm_frontier_architecture a = {
        .dimensions = 2, .extent = {8, 8, 1}, .periodic = true, .reach = 1, .units = 64, .temperature = 1};
    nnsm_frontier *f;
    assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++) {
        const nnsm_fit *fit = nnsm_frontier_look(f, i);
        for (size_t k = 0; k < fit->units * fit->frontier; k++)
            assert_true(fit->w[k] != 0);
    }
    nnsm_frontier_destroy(f);
}

/* ---- signs */

enum { L = 4, N = L * L, ROWS = 20000 };

typedef struct {
    nnsm_frontier *f;
    double *log_p; /* [ROWS] of what it was trained on */
} trained;

/* A network with few units, fitted to the rows by Newton steps. */
static trained train(const int8_t *rows)
{
    nnsm_frontier_architecture a = {.dimensions = 2,
                                    .extent = {L, L, 1},
                                    .periodic = true,
                                    .reach = 1,
                                    .units = 6,
                                    .odd = true,
                                    .seed = 3,
                                    .temperature = 2.6};
    trained t = {.log_p = calloc(ROWS, sizeof(double))};
    nnsm_frontier_layout layout;
    nnsm_frontier_workspace *w;
    nnsm_fit_options options = {.odd = true, .ridge = 1e-4};
    assert_int_equal(nnsm_frontier_create(&t.f, &a, NULL), NNSM_OK);
    assert_int_equal(nnsm_frontier_layout_create(&layout, t.f, NULL), NNSM_OK);
    assert_int_equal(nnsm_frontier_workspace_create(&w, t.f, 512, NULL), NNSM_OK);
    float *parameters = calloc(layout.parameters[layout.fits], sizeof(float));
    float *sums = calloc(layout.hessian[layout.fits], sizeof(float)),
          *factor = calloc(layout.factor[layout.fits], sizeof(float));
    for (int step = 0; step < 8; step++) {
        nnsm_fit_sums kind = step == 0 ? NNSM_FIT_SIGNS : step == 1 ? NNSM_FIT_MOMENTS : NNSM_FIT_HESSIAN;
        (void)nnsm_frontier_sums(t.f, &layout, w, kind, parameters, rows, ROWS, sums);
        for (size_t i = 0; i < layout.fits; i++) {
            const nnsm_fit *fit = nnsm_frontier_look(t.f, i);
            float *own = parameters + layout.parameters[i], *from = sums + layout.hessian[i];
            double noise;
            if (kind == NNSM_FIT_SIGNS)
                nnsm_fit_orient(fit, from, ROWS, own);
            else if (kind == NNSM_FIT_MOMENTS)
                nnsm_fit_standardize(fit, from, ROWS, own);
            else
                assert_int_equal(
                    nnsm_fit_newton(fit, &options, from, ROWS, own, factor + layout.factor[i], &noise, NULL), NNSM_OK);
        }
    }
    nnsm_frontier_apply(t.f, &layout, parameters);
    nnsm_frontier_log_probability(t.f, w, rows, ROWS, t.log_p);
    nnsm_frontier_workspace_destroy(w);
    nnsm_frontier_layout_destroy(&layout);
    free(parameters);
    free(sums);
    free(factor);
    return t;
}

/* s_i -> epsilon_i s_i turns a ferromagnet into a glass without frustration (Mattis): p must be the same function of
 * the transformed spins, although the units have far too few weights of either sign to learn that. */
static void a_mattis_glass_is_learned_as_a_ferromagnet(void **state)
{
    (void)state;
    int8_t *rows = malloc((size_t)ROWS * N), *glass = malloc((size_t)ROWS * N), s[N];
    nnsm_lattice lattice;
    const int extent[] = {L, L};
    assert_int_equal(nnsm_lattice_create(&lattice, 2, extent, true, NULL), NNSM_OK);
    nnsm_ising model = {&lattice, 1.0, 0.0};
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(8), NNSM_RNG_TEST, 0, 0);
    memset(s, 1, N);
    for (size_t k = 0; k < (size_t)ROWS * 20; k++) { /* random-site Metropolis, twenty flips' trials a row and more */
        size_t i = (size_t)(nnsm_rng_uniform(&draw) * N);
        if (nnsm_rng_uniform(&draw) < exp(-nnsm_ising_flip_change(&model, s, i) / 2.6))
            s[i] = (int8_t)-s[i];
        for (size_t j = 0; k % 20 == 0 && j < N; j++) {
            rows[k / 20 * N + j] = s[j];
            glass[k / 20 * N + j] = (int8_t)(s[j] * sign_of(0x5c93, j));
        }
    }
    trained ferromagnet = train(rows), mattis = train(glass);
    for (size_t r = 0; r < ROWS; r++)
        check_close(mattis.log_p[r], ferromagnet.log_p[r], 2e-3);
    nnsm_frontier_destroy(ferromagnet.f);
    nnsm_frontier_destroy(mattis.f);
    free(ferromagnet.log_p);
    free(mattis.log_p);
    free(rows);
    free(glass);
    nnsm_lattice_destroy(&lattice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_within_the_reach_have_units),
        cmocka_unit_test(at_reach_one_there_are_no_products),
        cmocka_unit_test(a_mattis_glass_is_learned_as_a_ferromagnet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
