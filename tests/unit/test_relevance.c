/* Which of some fitted couplings the data need: one coupling in closed form; many by the evidence itself; what it is
 * for: less noise where most couplings are not there, and no more where all are. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "hamiltonian/relevance.h"
#include "nnsm/rng.h"

enum { SIZE = 4 };

static nnsm_error error;

/* Sigma = L L^T of neighbouring couplings that are strongly anticorrelated, as ranges of pairs are. */
static const double cholesky[SIZE][SIZE] = {{1, 0, 0, 0}, {-0.6, 0.8, 0, 0}, {0.1, -0.5, 0.9, 0}, {0, 0.2, -0.6, 0.7}};

/* The inverse of a symmetric positive matrix by elimination; returns ln det. */
static double invert(const double *matrix, double *inverse)
{
    double a[SIZE][2 * SIZE] = {{0}}, log_det = 0;
    for (int i = 0; i < SIZE; i++) {
        memcpy(a[i], matrix + i * SIZE, SIZE * sizeof **a);
        a[i][SIZE + i] = 1;
    }
    for (int p = 0; p < SIZE; p++) {
        double pivot = a[p][p];
        log_det += log(pivot);
        for (int j = 0; j < 2 * SIZE; j++)
            a[p][j] /= pivot;
        for (int i = 0; i < SIZE; i++) {
            double factor = a[i][p];
            for (int j = 0; j < 2 * SIZE && i != p; j++)
                a[i][j] -= factor * a[p][j];
        }
    }
    for (int i = 0; i < SIZE; i++)
        memcpy(inverse + i * SIZE, a[i] + SIZE, SIZE * sizeof *inverse);
    return log_det;
}

static void covariance(double *sigma)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            sigma[i * SIZE + j] = 0;
            for (int k = 0; k < SIZE; k++)
                sigma[i * SIZE + j] += cholesky[i][k] * cholesky[j][k];
        }
}

/* ln of the evidence of tau, but for a constant: -1/2 (ln det M + theta M^-1 theta), M = Sigma + diag(tau). */
static double evidence(const double *tau, const double *theta)
{
    double m[SIZE * SIZE], inverse[SIZE * SIZE], sum = 0;
    covariance(m);
    for (int i = 0; i < SIZE; i++)
        m[i * SIZE + i] += tau[i];
    double log_det = invert(m, inverse);
    for (int i = 0; i < SIZE * SIZE; i++)
        sum += theta[i / SIZE] * inverse[i] * theta[i % SIZE];
    return -0.5 * (log_det + sum);
}

static void test_one_coupling_is_shrunk_by_one_over_z_squared_or_left_out(void **state)
{
    (void)state;
    const double z[] = {0.3, 0.99, 1.5, -4, 100};
    for (size_t i = 0; i < sizeof z / sizeof *z; i++) {
        double precision = 1 / (0.02 * 0.02), coupling = 0.02 * z[i];
        assert_int_equal(nnsm_relevance(&precision, 1, &coupling, &error), NNSM_OK);
        double wanted = fabs(z[i]) < 1 ? 0 : 0.02 * z[i] * (1 - 1 / (z[i] * z[i]));
        assert_true(fabs(coupling - wanted) < 1e-12);
    }
}

/* The result tells the priors: result = diag(tau) M^-1 theta and theta - result = Sigma M^-1 theta, so that tau_c =
 * result_c / (Sigma^-1 (theta - result))_c. */
static void test_the_priors_are_those_of_the_largest_evidence(void **state)
{
    (void)state;
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(5), NNSM_RNG_TEST, 0, 0);
    int left_out = 0;
    for (int set = 0; set < 50; set++) {
        double sigma[SIZE * SIZE], precision[SIZE * SIZE], m[SIZE * SIZE], theta[SIZE], result[SIZE], tau[SIZE];
        covariance(sigma);
        (void)invert(sigma, precision);
        for (int i = 0; i < SIZE; i++)
            theta[i] = result[i] = 6 * (nnsm_rng_uniform(&draw) - 0.5);
        memcpy(m, precision, sizeof m);
        assert_int_equal(nnsm_relevance(m, SIZE, result, &error), NNSM_OK);
        for (int i = 0; i < SIZE; i++) {
            double pull = 0;
            for (int j = 0; j < SIZE; j++)
                pull += precision[i * SIZE + j] * (theta[j] - result[j]);
            tau[i] = result[i] == 0 ? 0 : result[i] / pull;
            left_out += result[i] == 0;
            assert_true(tau[i] >= 0);
        }
        double best = evidence(tau, theta);
        for (int i = 0; i < SIZE; i++)
            for (int way = 0; way < 2; way++) {
                double keep = tau[i];
                tau[i] = way ? tau[i] * 1.05 + 1e-3 : tau[i] * 0.95;
                assert_true(evidence(tau, theta) <= best + 1e-6);
                tau[i] = keep;
            }
    }
    assert_true(left_out > 20 && left_out < 180);
}

static double normal(nnsm_rng_sequence *draw)
{
    double u = nnsm_rng_uniform(draw), v = nnsm_rng_uniform(draw);
    return sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);
}

/* Mean squared error of the sum of all couplings in units of that of maximum likelihood. */
static double gain(const double *truth)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(6), NNSM_RNG_TEST, 1, 0);
    double before = 0, after = 0;
    for (int set = 0; set < 4000; set++) {
        double sigma[SIZE * SIZE], precision[SIZE * SIZE], noise[SIZE], coupling[SIZE], sum[2] = {0};
        covariance(sigma);
        (void)invert(sigma, precision);
        for (int i = 0; i < SIZE; i++)
            noise[i] = normal(&draw);
        for (int i = 0; i < SIZE; i++) {
            coupling[i] = truth[i];
            for (int j = 0; j < SIZE; j++)
                coupling[i] += cholesky[i][j] * noise[j];
            sum[0] += coupling[i] - truth[i];
        }
        assert_int_equal(nnsm_relevance(precision, SIZE, coupling, &error), NNSM_OK);
        for (int i = 0; i < SIZE; i++)
            sum[1] += coupling[i] - truth[i];
        before += sum[0] * sum[0];
        after += sum[1] * sum[1];
    }
    return after / before;
}

/* 4000 sets: the ratio's own error is below 0.03. */
static void test_couplings_that_are_not_there_cost_less_and_those_that_are_no_more(void **state)
{
    (void)state;
    const double one[SIZE] = {50, 0, 0, 0}, all[SIZE] = {50, -20, 30, 10};
    double few = gain(one), many = gain(all);
    print_message("one of four is there: %.3f of the squared error; all are: %.3f\n", few, many);
    assert_true(few < 0.8 && fabs(many - 1) < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_coupling_is_shrunk_by_one_over_z_squared_or_left_out),
        cmocka_unit_test(test_the_priors_are_those_of_the_largest_evidence),
        cmocka_unit_test(test_couplings_that_are_not_there_cost_less_and_those_that_are_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
