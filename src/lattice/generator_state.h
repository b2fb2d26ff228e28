/* generator_state.h: what generator.c (nearest-neighbour Ising), local_generator.c (any local Hamiltonian) and
 * multistate_generator.c share. */
#ifndef NNSM_LATTICE_GENERATOR_STATE_H
#define NNSM_LATTICE_GENERATOR_STATE_H

#include "lattice/generator.h"
#include "lattice/local_plan.h"
#include "lattice/multispin.h"

/* An ordered sweep that accepts everything, as at high temperature, would flip the whole lattice and never change E. */
#define NNSM_GENERATOR_ACCEPTED 0.95

/* Energies of several states divided by T, and chances of bonds. */
typedef struct {
    float bond[NNSM_MAX_VALUES][NNSM_MAX_VALUES], site[NNSM_MAX_VALUES];
    /* [a][b][c]: chance that a site of level c joins its neighbour of level a whose image is b */
    double join[NNSM_MAX_VALUES][NNSM_MAX_VALUES][NNSM_MAX_VALUES];
} nnsm_state_table;

struct nnsm_generator {
    const nnsm_ising *model; /* one of these three is not NULL */
    const nnsm_local *local;
    const nnsm_multistate *states;
    size_t sites;
    double temperature;
    nnsm_algorithm algorithm;
    nnsm_rng_key key;
    uint32_t first_chain, updates; /* updates done so far */
    /* [sites + 1][CHAINS] spins, or levels of several states; the last row is the missing neighbours of open edges: 0,
     * no level */
    int8_t *spins;
    int32_t *stack;            /* [sites] cluster of a Wolff update */
    int8_t *in_cluster;        /* [sites] */
    nnsm_multispin *multispin; /* Metropolis updates of the Ising model; then there are no rows of spins */
    /* local */
    nnsm_local_plan plan;
    double *join;                         /* [classes] chance of a satisfied bond to join a cluster */
    int32_t total[NNSM_GENERATOR_CHAINS]; /* sums of the spins, for (sum s)^2 / N */
    /* several states */
    nnsm_state_table *table;
    int32_t *neighbours; /* [sites][degree], rows of spins */
};

/* The tables below "local". NNSM_USAGE for Wolff clusters of other than pairs and fields. */
nnsm_status nnsm_generator_local_prepare(nnsm_generator *generator, nnsm_error *error);
void nnsm_generator_local_sweep(nnsm_generator *generator);
/* One cluster of one chain. */
void nnsm_generator_local_wolff(nnsm_generator *generator, size_t chain);

/* The same of several states. */
nnsm_status nnsm_generator_states_prepare(nnsm_generator *generator, nnsm_error *error);
void nnsm_generator_states_start(nnsm_generator *generator);
void nnsm_generator_states_update(nnsm_generator *generator);
void nnsm_generator_states_read(const nnsm_generator *generator, int8_t *configurations);
void nnsm_generator_states_resume(nnsm_generator *generator, const int8_t *configurations);

#endif
