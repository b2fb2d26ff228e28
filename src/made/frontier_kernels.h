/* frontier_kernels.h: the passes of a frontier network over 32 chains side by side; arrays are [rows][NNSM_TILE]. A fit
 * has a row for the field h_u of each of its units, then one for the linear part of each logit; nnsm_panels_full makes
 * them from the inputs. Checked against nnsm_frontier_log_probability in tests/unit/test_frontier.c. Local, cannot
 * fail.
 */
#ifndef NNSM_MADE_FRONTIER_KERNELS_H
#define NNSM_MADE_FRONTIER_KERNELS_H

#include "made/panel.h"
#include "nnsm/frontier.h"

/* Panels of a fit's rows. */
static inline size_t nnsm_fit_panels(const nnsm_fit *fit)
{
    return (fit->units + fit->outputs + NNSM_PANEL_ROWS - 1) / NNSM_PANEL_ROWS;
}

/* What every input adds to every row, signs included, and behind the inputs what is added always. weights:
 * [K][I + U + 1] of the raw features; sign: [F], 0 as 1; out: [panels][I + 1][NNSM_PANEL_ROWS], left alone where there
 * is no row. */
void nnsm_fit_pack(const nnsm_fit *fit, const float *weights, const float *sign, float *out);

/* A change of one input: what a row changes by is its weight times step. */
typedef struct {
    const float *w;    /* the input's column in the first panel */
    size_t stride;     /* to the next panel's */
    const float *step; /* [NNSM_TILE] */
} nnsm_frontier_change;

/* o_k = h_{units + k} + sum_{u < units} b[k stride + u] tanh(h_u), k < outputs, with the changes in h, which stays as
 * it is. o: [outputs][NNSM_TILE]. */
void nnsm_frontier_logits(const float *h, const nnsm_frontier_change *change, size_t changes, const float *b,
                          size_t stride, size_t units, size_t outputs, float *o);

/* One logit, o = h_units + sum_{u < units} b_u tanh(h_u), and h_u becomes tanh(h_u). */
void nnsm_frontier_saturate(float *h, const float *b, size_t units, float *o);

/* Sums of x^2, tanh(x)^2 and x tanh(x) for x = h + offset, in double. h: [count]; moments: out, [3]. */
void nnsm_frontier_moments(const float *h, float offset, size_t count, double *moments);

/* Of logits o and spins y: residual = q(+1) - (1 + y) / 2, root^2 = q (1 - q), loss = log(1 + exp(-y o)). All [count].
 */
void nnsm_frontier_likelihood(const float *o, const float *y, size_t count, float *residual, float *root, float *loss);

/* sum[r][lane] += sum over chains of x_r residual, chains with the same remainder modulo NNSM_SUM_LANES in one lane. */
enum { NNSM_SUM_LANES = 16 };
void nnsm_frontier_correlate(const float *x, size_t rows, const float *residual, float *sum);

/* The change made in h [panels NNSM_PANEL_ROWS][NNSM_TILE]. */
void nnsm_frontier_shift(float *h, const nnsm_frontier_change *change, size_t panels);

#endif
