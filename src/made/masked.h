/* masked.h: what overlapping windows add to the logits of a network on their sums: a mask over values that no lattice
 * of sites allows after those before, and the weighted beliefs (lattice/support.h). Local. */
#ifndef NNSM_MADE_MASKED_H
#define NNSM_MADE_MASKED_H

#include "made/network.h"

/* Added to the logit of a value that is not allowed: its exponential vanishes beside that of any other. */
#define NNSM_MASK (-1e4f)

/* Terms of the logits of one site. allowed: set of values, 0: outside of the support, where nothing is masked; belief:
 * in, [beliefs]; add: out, [width]. */
void nnsm_masked_terms(const nnsm_made *made, size_t site, uint32_t allowed, const float *belief, float *add);

/* A batch of configurations. */
typedef struct {
    nnsm_support_stream *stream;
    uint32_t *allowed; /* [sites] of one configuration */
    float *belief;     /* [rows][sites][beliefs] */
    bool *inside;      /* [rows] has the configuration a preimage? */
} nnsm_masked_rows;

nnsm_status nnsm_masked_rows_create(nnsm_masked_rows *masked, const nnsm_made *made, size_t rows, nnsm_error *error);
void nnsm_masked_rows_destroy(nnsm_masked_rows *masked);

/* configurations: in, [count][sites] states; logits: in and out, [count][outputs]. */
void nnsm_masked_rows_add(nnsm_masked_rows *masked, const nnsm_made *made, const int8_t *configurations, size_t count,
                          float *logits);

/* After that, from d nll / d logits ([count][outputs]) the gradient of the beliefs' weights; gradient: out,
 * [outputs][beliefs]. */
void nnsm_masked_rows_gradient(const nnsm_masked_rows *masked, const nnsm_made *made, size_t count,
                               const float *derivative, float *gradient);

#endif
