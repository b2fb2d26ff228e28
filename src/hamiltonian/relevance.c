#include "hamiltonian/relevance.h"

#include <math.h>

#include "base/memory.h"

enum { MOST_CYCLES = 200 };
static const double resolution = 1e-6; /* changes of tau, in variances of the coupling, that no longer count */

static double product(const double *row, const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += row[i] * x[i];
    return sum;
}

/* M grows by `change` in entry (c, c) (Sherman and Morrison). column: scratch. */
static void change_prior(double *inverse, size_t count, size_t c, double change, double *column)
{
    for (size_t i = 0; i < count; i++)
        column[i] = inverse[i * count + c];
    double factor = change / (1 + change * column[c]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            inverse[i * count + j] -= factor * column[i] * column[j];
}

/* One cycle over all couplings, the simplest first; returns the largest change. */
static double cycle(double *inverse, const double *theta, size_t count, double *tau, double *column)
{
    double largest = 0;
    for (size_t c = 0; c < count; c++) {
        double all = inverse[c * count + c], left = 1 - tau[c] * all;
        double s = all / left, q = product(inverse + c * count, theta, count) / left;
        double now = q * q > s ? (q * q - s) / (s * s) : 0;
        if (now == tau[c])
            continue;
        change_prior(inverse, count, c, now - tau[c], column);
        largest = fmax(largest, fabs(now - tau[c]) * s);
        tau[c] = now;
    }
    return largest;
}

nnsm_status nnsm_relevance(double *precision, size_t count, double *coupling, nnsm_error *error)
{
    double *tau = NULL, *column = NULL;
    nnsm_status status = NNSM_NEW(&tau, count, "couplings", error);
    if (!status)
        status = NNSM_NEW(&column, count, "couplings", error);
    for (int i = 0; i < MOST_CYCLES && !status; i++)
        if (cycle(precision, coupling, count, tau, column) < resolution)
            break;
    for (size_t c = 0; c < count && !status; c++)
        column[c] = tau[c] * product(precision + c * count, coupling, count);
    for (size_t c = 0; c < count && !status; c++)
        coupling[c] = column[c];
    nnsm_release(tau);
    nnsm_release(column);
    return status;
}
