/* learned.h: the learned Hamiltonian behind its tiles: one file a network kind. Private to this folder. */
#ifndef NNSM_HAMILTONIAN_LEARNED_H
#define NNSM_HAMILTONIAN_LEARNED_H

#include "made/panel.h"
#include "nnsm/frontier.h"
#include "nnsm/hamiltonian.h"

/* A network repacked for tiles; of one kind, the other's members are zero. */
struct nnsm_learned {
    double temperature; /* T0 */
    /* dense */
    const nnsm_made *made;
    nnsm_panels hidden[NNSM_MAX_LAYERS], output, direct;
    float *first_columns;  /* [inputs][hidden[0]] transposed weights into the first hidden layer */
    float *direct_columns; /* [inputs][outputs] transposed direct connections */
    /* frontier */
    const nnsm_frontier *frontier;
    int32_t *position; /* [sites] position of a site */
    float **columns;   /* [fits][F][U] transposed weights of the units */
};

nnsm_status nnsm_dense_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_dense_tile_sample(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, int8_t *configurations);

/* The same of more than two values a site. */
extern const nnsm_tile_methods nnsm_dense_states_methods;
nnsm_status nnsm_dense_states_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_dense_states_tile_sample(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, int8_t *configurations);

extern const nnsm_tile_methods nnsm_frontier_tile_methods;
nnsm_status nnsm_frontier_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_frontier_tile_sample(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, int8_t *configurations);

#endif
