/* nnsm/made.h: the network, a masked autoencoder for distribution estimation (MADE, Germain et al., ICML 2015).
 *
 * Sites are taken in an order; the site at position p has the conditional
 *     q(s = +1 | sites at positions < p) = 1 / (1 + exp(-o_p)),
 *     o = c + V a_L + D x,   a_l = f(b_l + W_l a_{l-1}),   a_0 = x = the spins (-1, +1) in order,
 * with masked W_l and V and the optional strictly lower triangular direct connections D, and
 *     log p(s) = -sum_p log(1 + exp(-x_p o_p)),
 * which is normalised for any weights. Sites of n > 2 values have n inputs, x_pk = 1 for the state k and else 0, and n
 * logits: q(s = k | ...) = exp(o_pk) / sum_l exp(o_pl), log p(s) = sum_p (o_p,s_p - log sum_l exp(o_pl)). Hidden unit h
 * of H has degree 1 + h (N - 1) / H (integer division): it sees the first `degree` positions; units are sorted by
 * degree. Weights are float, sums of log p double.
 *
 * Sites that are sums in overlapping windows (architecture.windows; raster order, all sums in the alphabet) cannot have
 * any values side by side. Then the softmax is masked: k runs only over the values that some lattice of two-valued
 * sites allows after those before (lattice/support.h), o has one more term, B_p b_p with what is known of the sites
 * below, and p is normalised over the sums that have a preimage; log p of all others is -infinity. */
#ifndef NNSM_MADE_H
#define NNSM_MADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnsm/alphabet.h"
#include "nnsm/error.h"
#include "nnsm/lattice.h"
#include "nnsm/rng.h"

enum { NNSM_MAX_LAYERS = 16 };

typedef enum { NNSM_RASTER, NNSM_SNAKE, NNSM_CHECKERBOARD, NNSM_RANDOM } nnsm_order;
typedef enum { NNSM_RELU, NNSM_TANH } nnsm_activation;

/* Overlapping windows that the sites are the sums of, each over two-valued sites of a lattice below. */
typedef struct {
    bool given, periodic;
    int size[NNSM_MAX_DIMENSIONS], stride[NNSM_MAX_DIMENSIONS];
} nnsm_seen_through;

/* What defines a network but its weights; plain data. */
typedef struct {
    int dimensions;
    int extent[NNSM_MAX_DIMENSIONS]; /* lattice of the configurations; unused entries are 1 */
    bool periodic;
    size_t layers;                  /* hidden layers; 0 is autoregressive logistic regression */
    size_t hidden[NNSM_MAX_LAYERS]; /* their widths */
    bool direct;
    nnsm_activation activation;
    nnsm_order order;
    uint64_t order_seed;       /* of the random order */
    double temperature;        /* T0 of the ensemble it learns: H = -T0 log p */
    nnsm_alphabet alphabet;    /* of the sites; zeroed: -1 and +1 */
    nnsm_seen_through windows; /* given: the softmax is masked */
} nnsm_architecture;

typedef struct nnsm_made nnsm_made;

/* A network with all parameters zero (p uniform). NNSM_USAGE for impossible sizes. The caller owns *out. Local. */
nnsm_status nnsm_made_create(nnsm_made **out, const nnsm_architecture *architecture, nnsm_error *error);
void nnsm_made_destroy(nnsm_made *made);

/* Random weights, uniform within +-1 / sqrt(sites or units that a unit sees), biases and direct connections zero.
 * Local. */
void nnsm_made_initialize(nnsm_made *made, nnsm_rng_key key);

const nnsm_architecture *nnsm_made_architecture(const nnsm_made *made);
size_t nnsm_made_sites(const nnsm_made *made);

/* order[p] is the site at position p; [sites], borrowed. */
const int32_t *nnsm_made_order(const nnsm_made *made);

/* All weights and biases as one vector of *count floats, borrowed; the layout is fixed by the architecture. */
float *nnsm_made_parameters(nnsm_made *made, size_t *count);

/* Scratch memory for batches of up to `rows` configurations; every product has exactly `rows` rows, short batches are
 * padded, so that the bits of a result do not depend on how full a batch is. */
typedef struct nnsm_made_workspace nnsm_made_workspace;
nnsm_status nnsm_made_workspace_create(nnsm_made_workspace **out, const nnsm_made *made, size_t rows,
                                       nnsm_error *error);
void nnsm_made_workspace_destroy(nnsm_made_workspace *workspace);

/* log p of each configuration. configurations: in, [count][sites], states by site; log_probability: out, [count].
 * count is at most the workspace's rows. Local. */
void nnsm_made_log_probability(const nnsm_made *made, nnsm_made_workspace *workspace, const int8_t *configurations,
                               size_t count, double *log_probability);

/* Gradient of -sum log p over the configurations, and that sum. gradient: out, [parameters]. Local. */
double nnsm_made_gradient(const nnsm_made *made, nnsm_made_workspace *workspace, const int8_t *configurations,
                          size_t count, float *gradient);

/* Who is told that the entries [first, end) of a gradient have their final values while others are still to come. The
 * parameters of these entries are not read any more, and may change. */
typedef struct {
    void (*tell)(void *context, size_t first, size_t end);
    void *context;
} nnsm_listener;

/* The same gradient and sum; the listener is told of every entry once, layer by layer from the outputs down: direct
 * connections, output weights, weights of the last hidden layer and those below, at last all biases. A large matrix is
 * told of in parts. NULL: nobody. Local. */
double nnsm_made_gradient_by_layers(const nnsm_made *made, nnsm_made_workspace *workspace, const int8_t *configurations,
                                    size_t count, float *gradient, const nnsm_listener *listener);

/* Where the biases begin among the parameters, behind all weights. */
size_t nnsm_made_first_bias(const nnsm_made *made);

#endif
