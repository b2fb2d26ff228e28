/* dense_rows.h: a dense network's units for 32 chains at a time: evaluation, changes of a few inputs, ancestral order.
 *
 * Changing the site at position p changes nothing before p: with units sorted by degree only the suffix of every hidden
 * layer (degree > p) and of the outputs (position > p) is touched, by the change of its inputs: a rank-one change a
 * changed input into the first layer and the direct connections, then products of the suffixes' triangular parts.
 * Averaged over p that is a sixth of the dense work. The proposal is kept beside the current state and selected chain
 * by chain when it is accepted. A site has `width` inputs and outputs: one (spins: -1 or +1, one logit) or one a value
 * (one is 1, logits of a softmax). Local; only create can fail. */
#ifndef NNSM_HAMILTONIAN_DENSE_ROWS_H
#define NNSM_HAMILTONIAN_DENSE_ROWS_H

#include "hamiltonian/learned.h"
#include "made/network.h"

typedef struct {
    float *z;          /* [units][NNSM_TILE] current pre-activations */
    float *z_new;      /* of the proposal, but for the first layer, whose change an acceptance adds again */
    float *difference; /* of the activations */
    float *a; /* activations, of a full evaluation or of the units sampled so far; a change does not touch them */
} nnsm_layer_rows;

typedef struct {
    const nnsm_learned *learned; /* borrowed */
    nnsm_layer_rows layer[NNSM_MAX_LAYERS];
    float *x;               /* [sites width][NNSM_TILE] inputs in the network's order */
    float *o, *o_new;       /* [sites width][NNSM_TILE] logits, bias included */
    float *term, *term_new; /* [sites or blocks of them][NNSM_TILE] -log q, as the tile keeps it */
    double nll[NNSM_TILE], change[NNSM_TILE];
    /* Of ancestral sampling: */
    size_t done[NNSM_MAX_LAYERS];      /* units computed */
    size_t begun[NNSM_MAX_LAYERS + 1]; /* layers and, behind the last of them, outputs: 1 + the last panel begun */
    size_t known[NNSM_MAX_LAYERS + 1]; /* the columns it was begun with */
    size_t inputs;                     /* the same of the direct connections' panel */
} nnsm_dense_rows;

/* How the inputs of one site change. */
typedef struct {
    size_t position;
    float *step; /* [width][NNSM_TILE] */
} nnsm_dense_step;

nnsm_status nnsm_dense_rows_create(nnsm_dense_rows *rows, const nnsm_learned *learned, nnsm_error *error);
void nnsm_dense_rows_destroy(nnsm_dense_rows *rows);

/* All hidden units and logits from x. */
void nnsm_dense_rows_evaluate(nnsm_dense_rows *rows);

/* z_new, differences and o_new from the panel of rows on that holds the first of the sites. step: in, [count],
 * positions rising. */
void nnsm_dense_rows_change(nnsm_dense_rows *rows, const nnsm_dense_step *step, size_t count);

/* Takes over what the same change has made, x included, but not the terms, in the chains whose accept is all ones; the
 * steps of the others become zero. */
void nnsm_dense_rows_accept(nnsm_dense_rows *rows, const nnsm_dense_step *step, size_t count, const uint32_t *accept);

/* Ancestral sampling, every unit computed once: start; for every position in turn the logits, then, after its inputs
 * are set, the units that wait for no other. Logits may be left out at the beginning, and units until they are needed.
 * Nothing but the logits left out is missing at the end. */
void nnsm_dense_rows_start(nnsm_dense_rows *rows);
float *nnsm_dense_rows_logits(nnsm_dense_rows *rows, size_t position);
void nnsm_dense_rows_advance(nnsm_dense_rows *rows, size_t position);

/* H of the chains now. energy: out, [NNSM_TILE]. */
void nnsm_dense_rows_energy(const nnsm_dense_rows *rows, double *energy);

#endif
