/* refinement.h: from a projection of the network's H to the maximum-likelihood couplings on the same operators.
 *
 * For H_J = -sum_c J_c O_c the likelihood of data at T0 is largest where <O>_J = <O>_data. Newton's steps towards it
 * are J += T0 C^-1 (<O>_data - <O>_J),   C = cov_J(O). From a J that is close, one of them is as good as the maximum
 * (Le Cam's one-step estimator); a network that has learned little wants several. The error at the maximum is the least
 * that the data allow (Fisher's information C / T0^2 a configuration), and that of the samples. Means under
 * H_J come from samples of the network with the weights w = exp(-(H_J - H) / T0), which are nearly equal where H is
 * nearly in the basis; where they are not, there is no refinement. Sums are made by the caller in blocks. All functions
 * are local. */
#ifndef NNSM_HAMILTONIAN_REFINEMENT_H
#define NNSM_HAMILTONIAN_REFINEMENT_H

#include "hamiltonian/couplings.h"

typedef struct {
    const nnsm_operators *operators; /* borrowed */
    size_t classes;
    double temperature; /* T0 */
    double effective;   /* samples that the weights leave, after nnsm_refinement_step */
    double *mean;       /* [classes] <O>_data, after nnsm_refinement_data */
    nnsm_normal normal; /* of C */
    double *matrix;     /* [classes][classes] C */
    double *values;     /* [NNSM_TILE][classes] */
    double *step;       /* [classes] the last one */
    nnsm_operator_rows rows;
} nnsm_refinement;

nnsm_status nnsm_refinement_create(nnsm_refinement *refinement, const nnsm_operators *operators, double temperature,
                                   nnsm_error *error);
void nnsm_refinement_destroy(nnsm_refinement *refinement);

/* Data of a block: sum O into sums [classes]. */
void nnsm_refinement_add_data(nnsm_refinement *refinement, const int8_t *configurations, size_t count, double *sums);

/* <O>_data from the sums of all blocks. */
void nnsm_refinement_data(nnsm_refinement *refinement, const double *sums, double configurations);

/* Samples of a block: sum w, sum w^2, sum w O, sum w O O (lower triangle) into sums [nnsm_refinement_sums]. energy: in,
 * [count] H; coupling: in, J; constant: in, c of H_J = c - sum J O, which keeps the weights near 1. */
size_t nnsm_refinement_sums(const nnsm_refinement *refinement);
void nnsm_refinement_add(nnsm_refinement *refinement, const double *coupling, double constant,
                         const int8_t *configurations, const double *energy, size_t count, double *sums);

/* One step from the sums of all blocks. coupling: in and out. Undetermined operators do not move. */
void nnsm_refinement_step(nnsm_refinement *refinement, const double *sums, double *coupling);

/* The largest move of a coupling in the last step, in standard errors. error: in, [classes] of them. */
double nnsm_refinement_moved(const nnsm_refinement *refinement, const double *error);

/* Standard errors: of the data by blocks (rows: in, [NNSM_BLOCKS] configurations of a block; table: in,
 * [NNSM_BLOCKS][classes] their sums O), and of the samples by C. error: out, NaN where undetermined. */
void nnsm_refinement_errors(nnsm_refinement *refinement, const size_t *rows, const double *table, double *error);

/* What of the couplings the data need (relevance.h). coupling: in, after the last step; out. error_of: the standard
 * errors. Nothing changes where the couplings are more than NNSM_MOST_RELEVANCE. Undetermined operators do not move. */
nnsm_status nnsm_refinement_relevant(nnsm_refinement *refinement, const double *error_of, double *coupling,
                                     nnsm_error *error);

#endif
