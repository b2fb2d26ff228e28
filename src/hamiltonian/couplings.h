/* couplings.h: reading a Hamiltonian: its projection on local operators,
 *     H(s) = c - sum_c J_c O_c(s) + rest(s),
 * by least squares over configurations. Sums over blocks of samples are made by the caller, on any number of ranks, in
 * two passes and added in a fixed order: moments, from which J follows; then, with J known, what each block pulls J to,
 *     g_b = - sum over the samples of block b of (O - <O>) rest,
 * from which the errors follow: leaving out block b moves J by -A^-1 g_b to first order (infinitesimal jackknife; A the
 * covariance sum of O), so that cov J = f A^-1 (sum_b g_b g_b^T) A^-1 with f = B / (B - 1) n / (n - classes - 1). The
 * blocks need only be independent of each other. Errors are those of the projection of this H: what H itself owes to
 * the data it was learned from is not in them. All functions are local. */
#ifndef NNSM_HAMILTONIAN_COUPLINGS_H
#define NNSM_HAMILTONIAN_COUPLINGS_H

#include "hamiltonian/normal.h"
#include "hamiltonian/operator_rows.h"
#include "nnsm/hamiltonian.h"
#include "nnsm/local.h"

enum { NNSM_BLOCKS = 64 }; /* of samples; part of the identity of a result */

typedef struct {
    const nnsm_operators *operators; /* borrowed */
    size_t classes;
    double samples, constant; /* c; after nnsm_projection_solve, as the next three */
    double *coupling;         /* [classes] J; 0: undetermined */
    double *mean;             /* [classes] <O> */
    double mean_energy;       /* <H> */
    double r2, residual;      /* explained share of the variance of H; rms of rest; after _errors */
    nnsm_normal normal;
    double *matrix; /* [classes][classes] */
    double *values; /* [NNSM_TILE][classes] of the samples at hand */
    nnsm_operator_rows rows;
} nnsm_projection;

nnsm_status nnsm_projection_create(nnsm_projection *projection, const nnsm_operators *operators, nnsm_error *error);
void nnsm_projection_destroy(nnsm_projection *projection);

/* First pass. moments: [nnsm_projection_moments], to which `count` (at most NNSM_TILE) samples are added.
 * configurations: in, [count][sites]; energy: in, [count] H. */
size_t nnsm_projection_moments(const nnsm_projection *projection);
void nnsm_projection_add(nnsm_projection *projection, const int8_t *configurations, const double *energy, size_t count,
                         double *moments);

/* J and c from the moments of all samples. */
void nnsm_projection_solve(nnsm_projection *projection, const double *moments);

/* Second pass. pull: [classes + 2] of a block, to which samples are added: g_b, sum rest^2, sum (H - <H>)^2. */
void nnsm_projection_pull(nnsm_projection *projection, const int8_t *configurations, const double *energy, size_t count,
                          double *pull);

/* error: out, [classes], of J, NaN where undetermined, 0 where nothing is left to explain. pulls: in,
 * [NNSM_BLOCKS][classes + 2]. Also fills r2 and residual. */
void nnsm_projection_errors(nnsm_projection *projection, const double *pulls, double *error);

/* cov of a fit from its blocks' pulls (stride doubles apart), its factorised matrix A and f, as above: the square roots
 * of the diagonal into error [normal->size], NaN where undetermined. */
void nnsm_block_errors(nnsm_normal *normal, const double *pulls, size_t stride, double f, double *error);

/* What the couplings of a basis are when `model` is the true Hamiltonian: for each class the mean over its terms of the
 * model's coupling of the same sites. truth: out, [classes]; missing: out, the largest coupling of the model that the
 * basis has no term for, or cannot tell apart within a class (0: the model lies in the basis). */
nnsm_status nnsm_couplings_truth(const nnsm_operators *basis, const nnsm_local *model, double *truth, double *missing,
                                 nnsm_error *error);

#endif
