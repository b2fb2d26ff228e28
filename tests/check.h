/* check.h: what every test file includes: cmocka in its required order, and tolerances for doubles. */
#ifndef NNSM_TESTS_CHECK_H
#define NNSM_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

/* |a - b| <= tolerance, with both values in the message. */
#define check_close(a, b, tolerance)                                                                                   \
    do {                                                                                                               \
        double check_a = (a), check_b = (b), check_t = (tolerance);                                                    \
        if (!(fabs(check_a - check_b) <= check_t))                                                                     \
            fail_msg("%s = %.12g but %s = %.12g: they differ by %.3g, allowed %.3g", #a, check_a, #b, check_b,         \
                     fabs(check_a - check_b), check_t);                                                                \
    } while (0)

/* Upper tail of the chi-square distribution by Wilson and Hilferty's normal approximation (good to 1e-3 in ln p for
 * 5 and more degrees of freedom). */
static inline double check_chi_square_p(double chi_square, double degrees)
{
    double z = (cbrt(chi_square / degrees) - (1 - 2 / (9 * degrees))) / sqrt(2 / (9 * degrees));
    return 0.5 * erfc(z / sqrt(2));
}

/* p of a chi-square of how often states were visited against their weights, which need not be normalised: neighbours of
 * small expectation are pooled to at least 10. weight, count: [states]. */
static inline double check_visits_p(const double *weight, const double *count, size_t states)
{
    double sum = 0, visits = 0, chi_square = 0, expected = 0, seen = 0;
    int bins = 0;
    for (size_t k = 0; k < states; k++) {
        sum += weight[k];
        visits += count[k];
    }
    for (size_t k = 0; k < states; k++) {
        expected += visits * weight[k] / sum;
        seen += count[k];
        if (expected < 10)
            continue;
        chi_square += (seen - expected) * (seen - expected) / expected;
        bins++;
        expected = seen = 0;
    }
    assert_true(bins > 5);
    return check_chi_square_p(chi_square, bins - 1);
}

#endif
