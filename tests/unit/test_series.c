/* Errors and autocorrelation times against processes whose values are known. */
#include <string.h>

#include "check.h"
#include "nnsm/rng.h"
#include "statistics/series.h"

static double normal(nnsm_rng_sequence *draw)
{
    double u = 1 - nnsm_rng_uniform(draw), v = nnsm_rng_uniform(draw);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* AR(1) walkers with correlation rho: tau = 0.5 (1 + rho) / (1 - rho), variance 1, mean `shift`. */
static void fill(nnsm_series **walkers, size_t count, size_t length, double rho, uint32_t stream, double apart)
{
    for (size_t w = 0; w < count; w++) {
        nnsm_rng_sequence draw =
            nnsm_rng_sequence_start(nnsm_rng_key_from_seed(17), NNSM_RNG_TEST, stream, (uint32_t)w);
        double x = normal(&draw);
        assert_int_equal(nnsm_series_create(&walkers[w], 2, NULL), NNSM_OK);
        for (size_t i = 0; i < length; i++) {
            double values[2] = {x + apart * (double)w, x * x};
            nnsm_series_add(walkers[w], values);
            x = rho * x + sqrt(1 - rho * rho) * normal(&draw);
        }
    }
}

static void destroy(nnsm_series **walkers, size_t count)
{
    for (size_t w = 0; w < count; w++)
        nnsm_series_destroy(walkers[w]);
}

static double variance(const double *x, const void *context)
{
    (void)context;
    return x[1] - x[0] * x[0];
}

static void errors_cover_the_truth(void **state)
{
    (void)state;
    static const double rho[] = {0, 0.8, 0.97};
    for (int i = 0; i < 3; i++) {
        enum { REPEATS = 200, WALKERS = 4, LENGTH = 5000 };
        double tau = 0.5 * (1 + rho[i]) / (1 - rho[i]), mean_tau = 0;
        int covered = 0, derived = 0;
        for (uint32_t r = 0; r < REPEATS; r++) {
            nnsm_series *w[WALKERS];
            fill(w, WALKERS, LENGTH, rho[i], 1000 * (uint32_t)i + r, 0);
            nnsm_estimate e = nnsm_series_estimate(w, WALKERS, 0);
            nnsm_estimate of_means[2] = {e, nnsm_series_estimate(w, WALKERS, 1)};
            nnsm_estimate v = nnsm_series_derived(w, WALKERS, of_means, variance, NULL);
            covered += fabs(e.mean) < e.error;
            derived += fabs(v.mean - 1) < v.error;
            mean_tau += e.tau / REPEATS;
            destroy(w, WALKERS);
        }
        print_message("rho = %.2f: tau %.2f (exact %.2f), 1 sigma covers %d and %d of %d (68 %% = 137)\n", rho[i],
                      mean_tau, tau, covered, derived, REPEATS);
        check_close(mean_tau, tau, 0.05 * tau); /* window bias about 2 %, noise of 200 repeats 1 % */
        check_close(covered, 0.683 * REPEATS, 4 * sqrt(REPEATS * 0.683 * 0.317)); /* 4 sigma, binomial */
        check_close(derived, 0.683 * REPEATS, 4 * sqrt(REPEATS * 0.683 * 0.317));
    }
}

static void rhat_tells_equal_chains_from_different_ones(void **state)
{
    (void)state;
    nnsm_series *w[8];
    fill(w, 8, 4000, 0.5, 7, 0);
    double equal = nnsm_series_rhat(w, 8, 0);
    destroy(w, 8);
    fill(w, 8, 4000, 0.5, 7, 0.2);
    double apart = nnsm_series_rhat(w, 8, 0);
    destroy(w, 8);
    check_close(equal, 1, 0.02);
    assert_true(apart > 1.1);
}

static void a_constant_has_no_error(void **state)
{
    (void)state;
    nnsm_series *w[1];
    assert_int_equal(nnsm_series_create(&w[0], 1, NULL), NNSM_OK);
    for (int i = 0; i < 1000; i++)
        nnsm_series_add(w[0], (double[]){3.5});
    nnsm_estimate e = nnsm_series_estimate(w, 1, 0);
    check_close(e.mean, 3.5, 0);
    check_close(e.error, 0, 0);
    check_close(e.tau, 0.5, 0);
    nnsm_series_destroy(w[0]);
}

/* What a checkpoint holds goes on as if nothing had been; counts that contradict each other are refused, untouched. */
static void a_restored_series_goes_on_and_an_impossible_one_is_refused(void **state)
{
    (void)state;
    enum { LENGTH = 1000 };
    nnsm_series *w[1], *copy;
    double saved[2048], bad[2048];
    fill(w, 1, LENGTH, 0.5, 9, 0);
    assert_int_equal(nnsm_series_create(&copy, 2, NULL), NNSM_OK);
    assert_true(nnsm_series_doubles(2) <= 2048);
    nnsm_series_save(w[0], saved);
    const double wrong[][4] = {{-1, 1, 0, 0},  {LENGTH, 0, 1, 0},   {LENGTH, 1, 1e300, 0}, {LENGTH, 8, -1, 0},
                               {NAN, 8, 1, 0}, {LENGTH, 8, NAN, 0}, {LENGTH, 4, 100, 600}, {LENGTH + 1, 4, 250, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(bad, saved, sizeof bad);
        memcpy(bad, wrong[i], sizeof wrong[i]);
        assert_false(nnsm_series_restore(copy, bad));
        assert_int_equal(nnsm_series_count(copy), 0);
    }
    assert_true(nnsm_series_restore(copy, saved));
    for (int i = 0; i < 100; i++) {
        double values[2] = {0.01 * i, 1};
        nnsm_series_add(w[0], values);
        nnsm_series_add(copy, values);
    }
    nnsm_estimate a = nnsm_series_estimate(w, 1, 0), b = nnsm_series_estimate(&copy, 1, 0);
    assert_memory_equal(&a, &b, sizeof a);
    nnsm_series_destroy(copy);
    nnsm_series_destroy(w[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_cover_the_truth),
        cmocka_unit_test(rhat_tells_equal_chains_from_different_ones),
        cmocka_unit_test(a_constant_has_no_error),
        cmocka_unit_test(a_restored_series_goes_on_and_an_impossible_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
