/* network.h: inside of the MADE, shared by the files of this folder. */
#ifndef NNSM_MADE_NETWORK_H
#define NNSM_MADE_NETWORK_H

#include "lattice/support.h"
#include "made/staircase.h"
#include "nnsm/made.h"

/* Matrices in order: input to hidden 1, ..., hidden L-1 to L, hidden L to output, then direct. Without hidden layers
 * the output matrix is absent (no blocks). The parameter vector holds all matrices in this order, then the biases of
 * the hidden layers and of the outputs. */
struct nnsm_made {
    nnsm_architecture architecture;
    size_t sites;
    size_t width;                           /* inputs and outputs a site: 1 of two values, else one a value */
    size_t outputs;                         /* sites * width: rows of outputs, columns of inputs */
    int32_t *order;                         /* [sites] site at a position */
    int32_t *position;                      /* [sites] position of a site */
    nnsm_staircase hidden[NNSM_MAX_LAYERS]; /* into hidden layer l */
    nnsm_staircase output;                  /* last hidden layer to outputs */
    nnsm_staircase direct;                  /* inputs to outputs */
    size_t hidden_weights[NNSM_MAX_LAYERS]; /* offsets into parameters */
    size_t output_weights, direct_weights;
    size_t hidden_bias[NNSM_MAX_LAYERS], output_bias;
    size_t *degree[NNSM_MAX_LAYERS]; /* [hidden[l]], 1 ... sites - 1 */
    nnsm_support *support;           /* NULL: the softmax is not masked */
    size_t beliefs, belief_weights;  /* numbers a site; offset of their weights [outputs][beliefs], the last ones */
    size_t count;                    /* parameters */
    float *parameters;
};

/* First unit of hidden layer l whose value depends on position p (degree > p). */
size_t nnsm_made_first_unit(const nnsm_made *made, size_t layer, size_t position);

/* Fill order[] for a lattice; key is used by the random order only. Local. */
void nnsm_order_fill(nnsm_order order, int dimensions, const int *extent, uint64_t seed, int32_t *sites);

#endif
