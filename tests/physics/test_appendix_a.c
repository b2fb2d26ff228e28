/* Appendix A of arXiv:2007.01037: three sites on a ring, p ~ exp(-(s1 s2 + s2 s3 + s3 s1) / T), learned for every order
 * of the sites from the exact distribution; the conditionals against Eq. 5 and against enumeration. */
#include "check.h"
#include "made/network.h"

#include <string.h>

#include "base/memory.h"
#include "made/kernels.h"

enum { STATES = 8 };

static void spins_of(int state, int8_t *s)
{
    for (int i = 0; i < 3; i++)
        s[i] = state >> i & 1 ? 1 : -1;
}

static void exact_distribution(double *p)
{
    double z = 0;
    for (int k = 0; k < STATES; k++) {
        int8_t s[3];
        spins_of(k, s);
        z += p[k] = exp(-(s[0] * s[1] + s[1] * s[2] + s[2] * s[0])); /* T = 1 */
    }
    for (int k = 0; k < STATES; k++)
        p[k] /= z;
}

/* A network whose order is the given permutation. */
static nnsm_made *network_with_order(const int *order)
{
    nnsm_architecture a = {.dimensions = 1,
                           .extent = {3, 1, 1},
                           .periodic = true,
                           .layers = 1,
                           .hidden = {16},
                           .direct = true,
                           .activation = NNSM_TANH,
                           .temperature = 1};
    nnsm_made *made;
    assert_int_equal(nnsm_made_create(&made, &a, NULL), NNSM_OK);
    nnsm_made_initialize(made, nnsm_rng_key_from_seed(1));
    for (int p = 0; p < 3; p++) {
        made->order[p] = order[p];
        made->position[order[p]] = p;
    }
    return made;
}

/* Full-batch maximum likelihood on the exact distribution; returns KL. */
static double learn(nnsm_made *made, const double *exact)
{
    nnsm_made_workspace *w;
    size_t count;
    float *parameters = nnsm_made_parameters(made, &count), *gradient, *sum, *first, *second;
    double log_p[1], kl = 0;
    int8_t s[3];
    assert_int_equal(nnsm_made_workspace_create(&w, made, 1, NULL), NNSM_OK);
    float **arrays[] = {&gradient, &sum, &first, &second};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(NNSM_NEW(arrays[i], count, "", NULL), NNSM_OK);
    for (int step = 1; step <= 3000; step++) {
        memset(sum, 0, count * sizeof *sum);
        for (int k = 0; k < STATES; k++) {
            spins_of(k, s);
            (void)nnsm_made_gradient(made, w, s, 1, gradient);
            for (size_t i = 0; i < count; i++)
                sum[i] += (float)exact[k] * gradient[i];
        }
        nnsm_kernel_adam(parameters, first, second, sum, count, 1.f, (float)(0.02 / (1 - pow(0.9, step))),
                         (float)(1 / sqrt(1 - pow(0.999, step))));
    }
    for (int k = 0; k < STATES; k++) {
        spins_of(k, s);
        nnsm_made_log_probability(made, w, s, 1, log_p);
        kl += exact[k] * (log(exact[k]) - log_p[0]);
    }
    for (size_t i = 0; i < 4; i++)
        nnsm_release(*arrays[i]);
    nnsm_made_workspace_destroy(w);
    return kl;
}

/* q(a), q(b | a), q(c | a, b) of Eq. 5 after normalisation. Its first line prints exp(-2 s1 - 1) + 2e + exp(2 s1 - 1)
 * for sum over s2, s3; enumeration gives the same weights (they do not depend on the sign of s1: p(s1) = 1/2). */
static double equation_5(const int8_t *s)
{
    double norm1 = exp(-2.0 * s[0] - 1) + 2 * exp(1) + exp(2.0 * s[0] - 1);
    double first = norm1 / (2 * norm1);
    double second = exp(-s[0] * s[1]) * (exp(s[0] + s[1]) + exp(-s[0] - s[1])) / norm1;
    double third = exp(-s[2] * (s[0] + s[1])) / (exp(s[0] + s[1]) + exp(-s[0] - s[1]));
    return first * second * third;
}

static void equation_5_is_the_enumerated_distribution(void **state)
{
    (void)state;
    double exact[STATES];
    exact_distribution(exact);
    for (int k = 0; k < STATES; k++) {
        int8_t s[3];
        spins_of(k, s);
        check_close(equation_5(s), exact[k], 1e-12);
    }
}

static void all_orders_learn_the_ring(void **state)
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    double exact[STATES];
    exact_distribution(exact);
    for (int o = 0; o < 6; o++) {
        nnsm_made *made = network_with_order(orders[o]);
        double kl = learn(made, exact);
        print_message("order %d%d%d: KL = %.2e\n", orders[o][0] + 1, orders[o][1] + 1, orders[o][2] + 1, kl);
        assert_true(kl < 1e-4 && kl > -1e-5);
        /* The last conditional, from p(s) with the last site up and down, against Eq. 5. */
        nnsm_made_workspace *w;
        assert_int_equal(nnsm_made_workspace_create(&w, made, 2, NULL), NNSM_OK);
        for (int k = 0; k < 4; k++) {
            int8_t s[6], a = k & 1 ? 1 : -1, b = k & 2 ? 1 : -1;
            double log_p[2];
            for (int r = 0; r < 2; r++) {
                s[3 * r + orders[o][0]] = a;
                s[3 * r + orders[o][1]] = b;
                s[3 * r + orders[o][2]] = r ? 1 : -1;
            }
            nnsm_made_log_probability(made, w, s, 2, log_p);
            double up = exp(-(a + b)) / (exp(a + b) + exp(-a - b));
            check_close(1 / (1 + exp(log_p[0] - log_p[1])), up, 0.01);
        }
        nnsm_made_workspace_destroy(w);
        nnsm_made_destroy(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equation_5_is_the_enumerated_distribution),
        cmocka_unit_test(all_orders_learn_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
