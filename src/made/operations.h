/* operations.h: floating-point operations of a dense network's work, for judging how fast it is done.
 *
 * A multiplication and an addition are two operations; elementwise passes are not counted. `needed`: only entries that
 * the masks leave. `dense`: as if no entry were masked and, for a flip, as if everything were evaluated anew. Local,
 * cannot fail. */
#ifndef NNSM_MADE_OPERATIONS_H
#define NNSM_MADE_OPERATIONS_H

#include "nnsm/made.h"

typedef struct {
    double dense, needed;
} nnsm_operations;

/* log p of one configuration; also one ancestral sample, which multiplies every entry once. */
nnsm_operations nnsm_made_forward_operations(const nnsm_made *made);

/* log p and its gradient of one configuration: forward, weights, and activations but for the inputs. */
nnsm_operations nnsm_made_gradient_operations(const nnsm_made *made);

/* The change of log p when one site changes its state, mean over sites: of every matrix the columns that changed. */
nnsm_operations nnsm_made_flip_operations(const nnsm_made *made);

#endif
