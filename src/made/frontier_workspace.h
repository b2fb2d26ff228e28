/* frontier_workspace.h: draws as columns, the features of one output over them, and what the sums of two and of more
 * values share. Private to this folder. Local. */
#ifndef NNSM_MADE_FRONTIER_WORKSPACE_H
#define NNSM_MADE_FRONTIER_WORKSPACE_H

#include "made/frontier_fit.h"

struct nnsm_frontier_workspace {
    size_t columns;
    float *spins;       /* [sites][columns] states */
    float *x;           /* [P][columns] features of one output, P of them */
    float *product;     /* [P][P] */
    float *raw, *part;  /* [K][P] coefficients of the raw features; gradient of a block */
    double *sum;        /* [K][P] */
    const float *y;     /* [columns] states of the output, in `spins` */
    float *o;           /* [K][columns] */
    float *residual;    /* [K][columns] */
    float *root, *loss; /* [columns] */
    float *q, *scaled;  /* more than two values: probabilities [K][columns]; [P][columns] */
    /* two values: a fit's weights as nnsm_fit_pack makes them; of a tile of columns the inputs [F + 1][NNSM_TILE] and
     * the rows of an output; gradients before lanes are added up [P][NNSM_SUM_LANES] */
    float *panels, *gathered, *h, *lanes;
};

/* Rows into columns, a square at a time; columns beyond count repeat the first and count for nothing. */
void nnsm_frontier_load(nnsm_frontier_workspace *w, size_t sites, const int8_t *configurations, size_t count);

/* x: inputs by their signs, h without offset, ones; y: the states of the output. sign: [F], 0: not known yet, 1. */
void nnsm_frontier_gather(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t member,
                          const float *sign);

/* theta z of one output in terms of the raw features: b_u = theta_u / sigma_u, a_i = theta_i - sum_u b_u kappa_u w_ui,
 * ...; theta: in, raw: out, [P]; kappa: in, [U], 1 / sigma behind it. */
void nnsm_frontier_raw(const nnsm_fit *fit, const float *theta, const float *kappa, float *raw);

/* Correlations of the outputs with their frontiers, and the units' moments, added to sums. */
void nnsm_frontier_fit_signs(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t count,
                             float *sums);
void nnsm_frontier_fit_moments(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                               const float *parameters, size_t count, float *sums);

/* Of two values: GRADIENT of one fit, added to sums; returns sum -log p over its outputs. */
double nnsm_frontier_fit_gradient(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace, size_t index,
                                  const float *parameters, size_t count, float *sums);

/* Of more: GRADIENT or HESSIAN. */
double nnsm_frontier_fit_states(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                                nnsm_fit_sums kind, const float *parameters, size_t count, float *sums);

/* log p of the outputs of one fit by the network's own weights, added to log_probability [count]; of two values, of
 * more. */
void nnsm_frontier_fit_losses(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace, size_t index,
                              size_t count, double *log_probability);
void nnsm_frontier_states_losses(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t count,
                                 double *log_probability);

#endif
