#include "hamiltonian/reach.h"

#include <math.h>
#include <stdlib.h>

#include "statistics/student.h"

/* ---- geometry */

static double square_distance(const nnsm_lattice *l, size_t a, size_t b)
{
    double sum = 0;
    for (int axis = l->dimensions - 1; axis >= 0; axis--) {
        int extent = l->extent[axis], d = abs((int)(a % (size_t)extent) - (int)(b % (size_t)extent));
        d = l->periodic && 2 * d > extent ? extent - d : d;
        sum += (double)d * d;
        a /= (size_t)extent;
        b /= (size_t)extent;
    }
    return sum;
}

double nnsm_operator_extent(const nnsm_operators *operators, const nnsm_lattice *lattice, size_t class)
{
    const nnsm_operators *o = operators;
    double largest = 0;
    for (size_t t = 0; t < o->terms && o->class[class].order > 1; t++)
        for (int i = 0; i < o->class[class].order && (size_t)o->class_of[t] == class; i++)
            for (int j = 0; j < i; j++)
                largest = fmax(largest, square_distance(lattice, (size_t)o->site[t][i], (size_t)o->site[t][j]));
    return sqrt(largest);
}

/* ---- the test */

/* Extents of equal reach differ by rounding only. */
static const double same = 1e-6;

nnsm_reach_test nnsm_reach_examine(const double *extent, const double *coupling, const double *error, size_t classes,
                                   int blocks, double reach)
{
    nnsm_reach_test test = {.reach = reach, .p = 1};
    for (size_t c = 0; c < classes; c++) {
        double sigma = coupling[c] / error[c];
        if (extent[c] <= reach + same || !isfinite(sigma))
            continue;
        if (!test.operators++ || fabs(sigma) > fabs(test.sigma)) {
            test.strongest = c;
            test.sigma = sigma;
        }
    }
    if (test.operators)
        test.p = fmin(1, (double)test.operators * nnsm_student_p(test.sigma, blocks - 1));
    return test;
}

double nnsm_reach_next(const double *extent, size_t classes, double reach)
{
    double next = INFINITY;
    for (size_t c = 0; c < classes; c++)
        if (extent[c] > reach + same)
            next = fmin(next, extent[c]);
    return isfinite(next) ? next : reach;
}

size_t nnsm_reach_search(const double *extent, const double *coupling, const double *error, size_t classes, int blocks,
                         size_t most, nnsm_reach_test *test)
{
    double reach = 1;
    for (size_t tests = 0; tests < most; tests++) {
        test[tests] = nnsm_reach_examine(extent, coupling, error, classes, blocks, reach);
        if (test[tests].p >= NNSM_REACH_LEVEL)
            return tests + 1;
        reach = nnsm_reach_next(extent, classes, reach);
    }
    return most;
}
