/* rates.h: what a plan (check.c) is made for, and how fast this machine does its parts. Local. */
#ifndef NNSM_COMMAND_RATES_H
#define NNSM_COMMAND_RATES_H

#include "nnsm/alphabet.h"
#include "nnsm/lattice.h"
#include "setup/config.h"

/* The data to be: generated, or those of ensemble.file as they are. */
typedef struct {
    nnsm_lattice lattice;
    nnsm_alphabet alphabet;
    bool declared;         /* the alphabet is that of all data, not only of some */
    double configurations; /* 0: not known */
    bool model_known;      /* what they follow; it is scanned for reference */
} nnsm_plan_data;

typedef struct {
    size_t sites, parameters; /* of the network */
    double flips;             /* sweeps of one generated chain a second of one rank */
    double gradient, hessian,
        hessians;      /* configurations a second of one rank, with Hessians; the share of those that are */
    double sweeps;     /* of a chain a second of one rank */
    bool spins;        /* sites of two values */
    double kept, sums; /* floats: what training keeps, and of one vector of sums */
} nnsm_rates;

/* What a sweep of a chain takes beside its Hamiltonian, and all of it under a local one: proposals of the couplings,
 * measurement, exchange. Measured on 8 x 8 and 16 x 16 (Zen 3). */
static inline double nnsm_rates_beside(size_t sites)
{
    return 2e-6 + 1e-8 * (double)sites;
}

nnsm_status nnsm_rates_measure(const nnsm_config *config, const nnsm_plan_data *data, nnsm_rates *rates,
                               nnsm_error *error);

#endif
