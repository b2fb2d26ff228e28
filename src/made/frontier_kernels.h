/* frontier_kernels.h: the passes of a frontier network over 32 chains side by side; arrays are [rows][NNSM_TILE].
 * Checked against nnsm_frontier_log_probability in tests/unit/test_frontier.c. Local, cannot fail. */
#ifndef NNSM_MADE_FRONTIER_KERNELS_H
#define NNSM_MADE_FRONTIER_KERNELS_H

#include <stddef.h>

/* h_u = offset_u + sum_f w[u][f] x_f; w: [units][frontier], x: [frontier][NNSM_TILE], h: out, [units][NNSM_TILE]. */
void nnsm_frontier_fields(const float *w, const float *offset, const float *x, size_t units, size_t frontier, float *h);

/* o = linear + sum_u b_u tanh(h_u). linear, o: [NNSM_TILE], may be the same. */
void nnsm_frontier_logit(const float *h, const float *b, size_t units, const float *linear, float *o);

/* The same with h_u + column_u step, h unchanged. column: [units], step: [NNSM_TILE]. */
void nnsm_frontier_logit_after(const float *h, const float *column, const float *step, const float *b, size_t units,
                               const float *linear, float *o);

/* A change of one input: what a unit's field changes by is column_u step. */
typedef struct {
    const float *column; /* [units] */
    const float *step;   /* [NNSM_TILE] */
} nnsm_frontier_change;

/* More than two values: o_k = linear_k + sum_u b[k stride + u] tanh(h_u + sum of changes), k < outputs. linear, o:
 * [outputs][NNSM_TILE]. */
void nnsm_frontier_logits_after(const float *h, const nnsm_frontier_change *change, size_t changes, const float *b,
                                size_t stride, size_t units, size_t outputs, const float *linear, float *o);

/* h_u += column_u step. */
void nnsm_frontier_shift(float *h, const float *column, const float *step, size_t units);

#endif
