/* jet.h: functions of beta with their first two derivatives: second-order forward differentiation. For exact*.c only.
 * Local. */
#ifndef NNSM_LATTICE_JET_H
#define NNSM_LATTICE_JET_H

#include <math.h>

typedef struct {
    double value, first, second;
} jet;

static inline jet constant(double c)
{
    return (jet){c, 0, 0};
}

static inline jet add(jet a, jet b)
{
    return (jet){a.value + b.value, a.first + b.first, a.second + b.second};
}

static inline jet scale(double c, jet a)
{
    return (jet){c * a.value, c * a.first, c * a.second};
}

static inline jet multiply(jet a, jet b)
{
    return (jet){a.value * b.value, a.first * b.value + a.value * b.first,
                 a.second * b.value + 2 * a.first * b.first + a.value * b.second};
}

/* f(a) from f and its two derivatives at a.value. */
static inline jet compose(jet a, double f, double f1, double f2)
{
    return (jet){f, f1 * a.first, f1 * a.second + f2 * a.first * a.first};
}

static inline jet exponential(jet a)
{
    double e = exp(a.value);
    return compose(a, e, e, e);
}

static inline jet logarithm(jet a)
{
    return compose(a, log(a.value), 1 / a.value, -1 / (a.value * a.value));
}

#endif
