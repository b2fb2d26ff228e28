/* frontier_kernels.h: the passes of a frontier network over 32 chains side by side; arrays are [rows][NNSM_TILE]. A fit
 * has a row for the field h_u of each of its units, then one for the linear part of each logit; nnsm_panels_full makes
 * them from the inputs. Checked against nnsm_frontier_log_probability in tests/unit/test_frontier.c. Local, cannot
 * fail.
 */
#ifndef NNSM_MADE_FRONTIER_KERNELS_H
#define NNSM_MADE_FRONTIER_KERNELS_H

#include "made/panel.h"

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

/* The change made in h [panels NNSM_PANEL_ROWS][NNSM_TILE]. */
void nnsm_frontier_shift(float *h, const nnsm_frontier_change *change, size_t panels);

#endif
