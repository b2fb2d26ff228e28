/* normal.h: normal equations A x = b of a fit whose columns may depend on each other.
 *
 * A is a covariance (or Hessian) matrix. It is scaled to a unit diagonal and factorised by Cholesky; the square of the
 * diagonal of the factor is what of a column is not explained by those before it. A column of which less than 1e-9
 * remains is left out, in order, so that of dependent operators the first ones (the simplest) keep their meaning and
 * the last ones are called undetermined, instead of both being garbage. Local. */
#ifndef NNSM_HAMILTONIAN_NORMAL_H
#define NNSM_HAMILTONIAN_NORMAL_H

#include <stdbool.h>
#include <stddef.h>

#include "nnsm/error.h"

typedef struct {
    size_t size, rank;    /* rank: columns that are determined */
    double *factor;       /* [rank][rank] lower triangle */
    double *scale;        /* [size] 1 / sqrt(diagonal); 0: undetermined */
    size_t *kept;         /* [rank] columns in the factor */
    double *work, *moved; /* [size]; the latter for callers */
} nnsm_normal;

nnsm_status nnsm_normal_create(nnsm_normal *normal, size_t size, nnsm_error *error);
void nnsm_normal_destroy(nnsm_normal *normal);

/* matrix: in, [size][size], of which only the lower triangle is read. */
void nnsm_normal_factorize(nnsm_normal *normal, const double *matrix);

bool nnsm_normal_determined(const nnsm_normal *normal, size_t column);

/* x: in, b; out, the solution, 0 where undetermined; [size]. */
void nnsm_normal_solve(nnsm_normal *normal, double *x);

#endif
