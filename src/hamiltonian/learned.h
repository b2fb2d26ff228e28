/* learned.h: the learned Hamiltonian behind its tiles: one file a network kind. Private to this folder. */
#ifndef NNSM_HAMILTONIAN_LEARNED_H
#define NNSM_HAMILTONIAN_LEARNED_H

#include "made/frontier_kernels.h"
#include "made/panel.h"
#include "nnsm/frontier.h"
#include "nnsm/hamiltonian.h"

/* Rows of a transposed matrix, rounded up to whole panels of 6 (made/panel.h) and lines of 16 (made/staircase.h). */
static inline size_t nnsm_column_rows(size_t rows)
{
    enum { BOTH = 48 };
    return (rows + BOTH - 1) / BOTH * BOTH;
}

/* A network repacked for tiles; of one kind, the other's members are zero. */
struct nnsm_learned {
    double temperature; /* T0 */
    /* dense */
    const nnsm_made *made;
    nnsm_panels hidden[NNSM_MAX_LAYERS], output, direct;
    float *first_columns;  /* [inputs][nnsm_column_rows(hidden[0])] transposed weights into the first hidden layer */
    float *direct_columns; /* [inputs][nnsm_column_rows(outputs)] transposed direct connections */
    /* frontier */
    const nnsm_frontier *frontier;
    int32_t *position; /* [sites] position of a site */
    float **panels;    /* [fits] as nnsm_fit_pack makes them */
};

/* All rows of an output, [panels NNSM_PANEL_ROWS][NNSM_TILE], from inputs [I + 1][NNSM_TILE], of which the last is set
 * to one. */
void nnsm_learned_fields(const nnsm_learned *learned, size_t fit, float *inputs, float *h);

/* What one of its inputs changes, by step [NNSM_TILE]; borrowed. */
nnsm_frontier_change nnsm_learned_change(const nnsm_learned *learned, size_t fit, size_t input, const float *step);

/* Ancestral draws from order position `from` on, of chains first, first + 1, ... */
typedef struct {
    nnsm_rng_key key;
    nnsm_rng_purpose purpose;
    uint32_t first, step;
    size_t from;
} nnsm_draws;

/* configurations: in (where from > 0) and out, [NNSM_TILE][sites]. */
extern const nnsm_tile_methods nnsm_dense_tile_methods;
nnsm_status nnsm_dense_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_dense_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations);

/* For flips of some chains; it makes no ancestral samples. */
nnsm_status nnsm_dense_chains_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);

/* The same of more than two values a site. */
extern const nnsm_tile_methods nnsm_dense_states_methods;
nnsm_status nnsm_dense_states_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_dense_states_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations);

/* And of sums in overlapping windows. */
extern const nnsm_tile_methods nnsm_masked_tile_methods;
nnsm_status nnsm_masked_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_masked_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations);

extern const nnsm_tile_methods nnsm_frontier_tile_methods;
nnsm_status nnsm_frontier_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_frontier_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations);

/* The same of more than two values a site. */
extern const nnsm_tile_methods nnsm_frontier_states_methods;
nnsm_status nnsm_frontier_states_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
void nnsm_frontier_states_tile_sample(nnsm_tile *tile, const nnsm_draws *draws, int8_t *configurations);

/* The random words of a position, [NNSM_TILE]; random: [4 NNSM_TILE], filled for four positions at a time. */
const uint32_t *nnsm_draw_words(const nnsm_draws *draws, size_t position, uint32_t *random);

/* The spins at a position from its logits [NNSM_TILE]; random as above. */
void nnsm_draw_spins(const nnsm_draws *draws, size_t position, const float *logit, uint32_t *random, float *spins);

/* The state at which the rising sum of the softmax's probabilities passes `random` (in [0, 1)); o: [values] logits,
 * NNSM_TILE apart. */
int8_t nnsm_draw_state(const float *o, size_t values, double random);

#endif
