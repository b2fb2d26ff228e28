/* dense_states.h: what tiles of a dense network of sites with more than two values share: the states beside the units
 * of dense_rows.h, and an update, which changes one input a value at every site of it. Local; only create can fail. */
#ifndef NNSM_HAMILTONIAN_DENSE_STATES_H
#define NNSM_HAMILTONIAN_DENSE_STATES_H

#include "hamiltonian/dense_rows.h"

typedef struct {
    nnsm_dense_rows rows;
    float *s;     /* [sites][NNSM_TILE] states by position */
    float *s_new; /* the same but at the sites of the update proposed last */
    float *step;  /* [NNSM_UPDATE_SITES][values][NNSM_TILE] changes of the inputs of these */
    size_t count; /* of these */
    nnsm_dense_step update[NNSM_UPDATE_SITES];
} nnsm_dense_states;

nnsm_status nnsm_dense_states_create(nnsm_dense_states *states, const nnsm_learned *learned, nnsm_error *error);
void nnsm_dense_states_destroy(nnsm_dense_states *states);

/* A chain's state at a position, into states and inputs. */
void nnsm_dense_states_set(nnsm_dense_states *states, size_t position, size_t chain, int8_t value);

/* As in nnsm_tile_methods, but for the evaluation. */
void nnsm_dense_states_load(nnsm_dense_states *states, const int8_t *configurations);
void nnsm_dense_states_read(const nnsm_dense_states *states, int8_t *configurations);
void nnsm_dense_states_look(const nnsm_dense_states *states, size_t site, int8_t *out);

/* The sites of an update with rising positions, their new states and the steps of their inputs. */
void nnsm_dense_states_arrange(nnsm_dense_states *states, const nnsm_update *update);

/* Take over the update arranged last, its units, terms and states, in the chains whose accept is all ones; whether any
 * is. */
bool nnsm_dense_states_accept(nnsm_dense_states *states, const uint32_t *accept);

#endif
