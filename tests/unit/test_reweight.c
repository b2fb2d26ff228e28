/* Reweighting between two Hamiltonians against the sum over all states, and the bootstrap of an ensemble. */
#include "check.h"
#include "ensemble/bootstrap.h"
#include "statistics/reweight.h"

#include <stdlib.h>
#include <string.h>

/* ---- a 3 x 4 Ising lattice, and the same with a field and a changed coupling */

enum { ROWS = 3, COLUMNS = 4, SITES = ROWS * COLUMNS, STATES = 1 << SITES, SAMPLES = 16384, QUANTITIES = 3 };
static const double temperature = 2.5;

typedef struct {
    double h[2], x[QUANTITIES];
} state;

static state state_of(int number)
{
    double bonds = 0, m = 0;
    for (int i = 0; i < SITES; i++) {
        int right = i / COLUMNS * COLUMNS + (i + 1) % COLUMNS, below = (i + COLUMNS) % SITES;
        double s = number >> i & 1 ? 1 : -1;
        m += s / SITES;
        bonds += s * ((number >> right & 1 ? 1 : -1) + (number >> below & 1 ? 1 : -1));
    }
    return (state){{-bonds, 3 - 0.95 * bonds - 0.4 * m}, {fabs(m), m, bonds}};
}

/* ln Z and means by summing over all states. */
static double enumerate(int hamiltonian, double *mean, double *cumulative)
{
    double z = 0;
    memset(mean, 0, QUANTITIES * sizeof *mean);
    for (int n = 0; n < STATES; n++) {
        state s = state_of(n);
        double w = exp(-s.h[hamiltonian] / temperature);
        z += w;
        for (int q = 0; q < QUANTITIES; q++)
            mean[q] += w * s.x[q];
        if (cumulative)
            cumulative[n] = z;
    }
    for (int q = 0; q < QUANTITIES; q++)
        mean[q] /= z;
    return log(z);
}

static void draw_samples(const double *cumulative, uint32_t stream, double *d, double (*x)[QUANTITIES])
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(71), NNSM_RNG_TEST, stream, 0);
    for (int i = 0; i < SAMPLES; i++) {
        double u = nnsm_rng_uniform(&draw) * cumulative[STATES - 1];
        int low = 0, high = STATES - 1;
        while (low < high) {
            int middle = (low + high) / 2;
            if (cumulative[middle] > u)
                high = middle;
            else
                low = middle + 1;
        }
        state s = state_of(low);
        d[i] = (s.h[1] - s.h[0]) / temperature;
        memcpy(x[i], s.x, sizeof s.x);
    }
}

/* Means under H_1, and what matters, their change from H_0 on the same samples: pulls of unit width over repetitions.
 */
static void means_and_free_energies_are_those_of_enumeration(void **unused)
{
    (void)unused;
    enum { REPETITIONS = 24, B = NNSM_REWEIGHT_BLOCKS };
    double *cumulative = malloc(STATES * sizeof *cumulative), *d = malloc(SAMPLES * sizeof *d);
    double(*x)[QUANTITIES] = malloc(SAMPLES * sizeof *x), exact[2][QUANTITIES], *zero = calloc(SAMPLES, sizeof *zero);
    double square[QUANTITIES + 1] = {0}, log_z = -enumerate(0, exact[0], cumulative);
    log_z += enumerate(1, exact[1], NULL);
    for (uint32_t repetition = 0; repetition < REPETITIONS; repetition++) {
        nnsm_reweight own, other;
        double left_out[QUANTITIES + 1][B], mean[2][NNSM_REWEIGHT_MOST], change[QUANTITIES + 1];
        draw_samples(cumulative, repetition, d, x);
        nnsm_reweight_sums(&own, SAMPLES, zero, QUANTITIES, x[0]);
        nnsm_reweight_sums(&other, SAMPLES, d, QUANTITIES, x[0]);
        check_close(own.effective, SAMPLES, 1e-6);
        assert_true(other.effective < SAMPLES && other.effective > 0.5 * SAMPLES);
        for (size_t b = 0; b <= B; b++) {
            check_close(nnsm_reweight_means(&own, b, mean[0]), 0, 1e-12);
            change[QUANTITIES] = nnsm_reweight_means(&other, b, mean[1]);
            for (int q = 0; q <= QUANTITIES; q++) {
                change[q] = q < QUANTITIES ? mean[1][q] - mean[0][q] : change[q];
                if (b < B)
                    left_out[q][b] = change[q];
            }
        }
        for (int q = 0; q <= QUANTITIES; q++) {
            double wanted = q < QUANTITIES ? exact[1][q] - exact[0][q] : log_z;
            double pull = (change[q] - wanted) / nnsm_reweight_jackknife(left_out[q]);
            assert_true(fabs(pull) < 5);
            square[q] += pull * pull / REPETITIONS;
        }
    }
    /* 24 squares of t-distributed pulls with 15 degrees of freedom: mean 1.15, deviation 0.38. */
    for (int q = 0; q <= QUANTITIES; q++)
        check_close(square[q], 1.15, 4 * 0.38);
    free(cumulative);
    free(d);
    free(x);
    free(zero);
}

static void differences_are_less_noisy_than_those_of_two_simulations(void **unused)
{
    (void)unused;
    enum { B = NNSM_REWEIGHT_BLOCKS };
    double *cumulative = malloc(STATES * sizeof *cumulative), *d = malloc(SAMPLES * sizeof *d);
    double(*x)[QUANTITIES] = malloc(SAMPLES * sizeof *x), exact[QUANTITIES], *zero = calloc(SAMPLES, sizeof *zero);
    double own_values[B], change[B], mean[2][NNSM_REWEIGHT_MOST];
    nnsm_reweight own, other;
    (void)enumerate(0, exact, cumulative);
    draw_samples(cumulative, 99, d, x);
    nnsm_reweight_sums(&own, SAMPLES, zero, QUANTITIES, x[0]);
    nnsm_reweight_sums(&other, SAMPLES, d, QUANTITIES, x[0]);
    for (size_t b = 0; b < B; b++) {
        (void)nnsm_reweight_means(&own, b, mean[0]);
        (void)nnsm_reweight_means(&other, b, mean[1]);
        own_values[b] = mean[0][0];
        change[b] = mean[1][0] - mean[0][0];
    }
    assert_true(nnsm_reweight_jackknife(change) < 0.3 * nnsm_reweight_jackknife(own_values));
    free(cumulative);
    free(d);
    free(x);
    free(zero);
}

static void energies_of_any_size_are_reweighted(void **unused)
{
    (void)unused;
    enum { FEW = 64 };
    double d[FEW], x[FEW], mean[NNSM_REWEIGHT_MOST];
    nnsm_reweight sums;
    for (int i = 0; i < FEW; i++) {
        d[i] = 1e5 + (i % 2 ? 0 : log(3));
        x[i] = i % 2;
    }
    nnsm_reweight_sums(&sums, FEW, d, 1, x);
    check_close(nnsm_reweight_means(&sums, NNSM_REWEIGHT_BLOCKS, mean), log(2.0 / 3) - 1e5, 1e-9);
    check_close(mean[0], 0.75, 1e-12);
    check_close(sums.effective, FEW * 0.8, 1e-9); /* (1 + 1/3)^2 / (2 (1 + 1/9)) */
}

/* ---- bootstrap */

static void a_bootstrap_sample_holds_63_percent_of_whole_chains(void **unused)
{
    (void)unused;
    enum { CHAINS = 512, CONFIGURATIONS = 10 * CHAINS, SHARDS = 8 };
    static uint32_t order[CONFIGURATIONS], again[CONFIGURATIONS];
    nnsm_partition p = nnsm_partition_make(CONFIGURATIONS, 0, 256, SHARDS);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        int times[CONFIGURATIONS] = {0}, held = 0;
        size_t total = 0;
        for (size_t s = 0; s < SHARDS; s++) {
            size_t rows = nnsm_partition_rows(&p, s);
            nnsm_bootstrap_rows(&p, CHAINS, nnsm_rng_key_from_seed(seed), s, order);
            nnsm_bootstrap_rows(&p, CHAINS, nnsm_rng_key_from_seed(seed), s, again);
            assert_memory_equal(order, again, rows * sizeof *order); /* the same in every epoch, on any rank */
            for (size_t r = 0; r < rows; r++)
                times[nnsm_partition_index(&p, s, order[r])]++;
            total += rows;
        }
        assert_int_equal(total, CONFIGURATIONS);
        for (int c = 0; c < CHAINS; c++) {
            held += times[c] > 0;
            for (int k = 1; k < CONFIGURATIONS / CHAINS; k++)
                assert_int_equal(times[k * CHAINS + c], times[c]);
        }
        /* 1 - (1 - 1/64)^64 in each of 8 shards of 64 chains: 0.635, deviation 0.014 */
        check_close((double)held / CHAINS, 0.635, 4 * 0.014);
    }
    nnsm_bootstrap_rows(&p, CHAINS, nnsm_rng_key_from_seed(1), 0, order);
    nnsm_bootstrap_rows(&p, CHAINS, nnsm_rng_key_from_seed(2), 0, again);
    assert_memory_not_equal(order, again, nnsm_partition_rows(&p, 0) * sizeof *order);
}

static void one_series_is_drawn_in_stretches(void **unused)
{
    (void)unused;
    enum { CONFIGURATIONS = 6400, LENGTH = CONFIGURATIONS / NNSM_BOOTSTRAP_STRETCHES };
    static uint32_t order[CONFIGURATIONS];
    int times[CONFIGURATIONS] = {0}, held = 0;
    nnsm_partition p = nnsm_partition_make(CONFIGURATIONS, 0, 100, 1);
    nnsm_bootstrap_rows(&p, 1, nnsm_rng_key_from_seed(5), 0, order);
    for (size_t r = 0; r < CONFIGURATIONS; r++)
        times[nnsm_partition_index(&p, 0, order[r])]++;
    for (int i = 0; i < CONFIGURATIONS; i++) {
        held += i % LENGTH == 0 && times[i] > 0;
        assert_int_equal(times[i], times[i / LENGTH * LENGTH]);
    }
    check_close((double)held / NNSM_BOOTSTRAP_STRETCHES, 0.635, 4 * 0.04);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_and_free_energies_are_those_of_enumeration),
        cmocka_unit_test(differences_are_less_noisy_than_those_of_two_simulations),
        cmocka_unit_test(energies_of_any_size_are_reweighted),
        cmocka_unit_test(a_bootstrap_sample_holds_63_percent_of_whole_chains),
        cmocka_unit_test(one_series_is_drawn_in_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
