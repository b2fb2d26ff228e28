/* generator_state.h: what generator.c (nearest-neighbour Ising) and local_generator.c (any local Hamiltonian) share. */
#ifndef NNSM_LATTICE_GENERATOR_STATE_H
#define NNSM_LATTICE_GENERATOR_STATE_H

#include "lattice/generator.h"
#include "lattice/local_plan.h"

enum { NNSM_GENERATOR_SUMS = 4 * NNSM_MAX_DIMENSIONS + 1 };

/* An ordered sweep that accepts everything, as at high temperature, would flip the whole lattice and never change E. */
#define NNSM_GENERATOR_ACCEPTED 0.95

struct nnsm_generator {
    const nnsm_ising *model; /* NULL: `local` */
    const nnsm_local *local; /* NULL: `model` */
    size_t sites;
    double temperature;
    nnsm_algorithm algorithm;
    nnsm_rng_key key;
    uint32_t first_chain, updates; /* updates done so far */
    int8_t *spins;                 /* [sites + 1][CHAINS]; the last row is zero: the missing neighbours of open edges */
    int32_t *stack;                /* [sites] cluster of a Wolff update */
    int8_t *in_cluster;            /* [sites] */
    /* Ising */
    int32_t *visit;      /* [sites] checkerboard order */
    int32_t *neighbours; /* [sites][degree], rows of spins */
    uint32_t threshold[2]
                      [NNSM_GENERATOR_SUMS]; /* acceptance * 2^32 by spin (0: -1, 1: +1) and neighbour sum + MAX_SUM */
    /* local */
    nnsm_local_plan plan;
    double *join;                         /* [classes] chance of a satisfied bond to join a cluster */
    int32_t total[NNSM_GENERATOR_CHAINS]; /* sums of the spins, for (sum s)^2 / N */
};

/* The tables below "local". NNSM_USAGE for Wolff clusters of other than pairs and fields. */
nnsm_status nnsm_generator_local_prepare(nnsm_generator *generator, nnsm_error *error);
void nnsm_generator_local_sweep(nnsm_generator *generator);
/* One cluster of one chain. */
void nnsm_generator_local_wolff(nnsm_generator *generator, size_t chain);

#endif
