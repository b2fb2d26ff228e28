/* reach.h: how far an interaction reaches, by a test on couplings that were fitted to data.
 *
 * The frontier of a conditional (nnsm/frontier.h) holds all that matters if no two sites of a product in H are farther
 * apart than the reach r. The extent of an operator is the largest distance between two of its sites, to the nearest
 * image. The hypothesis "the reach is r" says that the couplings J of all n operators of a larger extent vanish; with
 * J / error distributed as Student's t (errors from `blocks` independent blocks) and P the two-sided probability of the
 * largest |J / error|, its p-value is min(1, n P) (Bonferroni). Hypotheses are nested and tried in rising order; the
 * first whose p-value is not below NNSM_REACH_LEVEL is taken, so that a reach is found too large with at most that
 * probability, whatever the couplings within it. All functions are local. */
#ifndef NNSM_HAMILTONIAN_REACH_H
#define NNSM_HAMILTONIAN_REACH_H

#include "nnsm/local.h"

#define NNSM_REACH_LEVEL 0.01

/* Largest distance between two sites of a class; m^2 and single spins: 0. */
double nnsm_operator_extent(const nnsm_operators *operators, const nnsm_lattice *lattice, size_t class);

/* Test of one reach. */
typedef struct {
    double reach;
    size_t operators; /* of a larger extent whose couplings are known */
    size_t strongest; /* class of the largest |J / error|; meaningless where there are none */
    double sigma;     /* that ratio */
    double p;         /* 1 where there are none */
} nnsm_reach_test;

/* extent, coupling, error: in, [classes]; NaN: not determined, left out. */
nnsm_reach_test nnsm_reach_examine(const double *extent, const double *coupling, const double *error, size_t classes,
                                   int blocks, double reach);

/* The next larger reach that some operator has; `reach` itself when there is none. */
double nnsm_reach_next(const double *extent, size_t classes, double reach);

/* Reaches from 1 on until one is not rejected. test: out, [most], the ones examined; returns how many. The last one is
 * rejected too (p < NNSM_REACH_LEVEL) only where `most` of them are. */
size_t nnsm_reach_search(const double *extent, const double *coupling, const double *error, size_t classes, int blocks,
                         size_t most, nnsm_reach_test *test);

#endif
