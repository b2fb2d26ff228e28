#include "stage/generators.h"

#include <math.h>

#include "stage/source.h"

/* A configuration, once, on one core. Measured on 16 x 16: 5.4e-11 s a parameter in use of a dense network, 3e-11 s a
 * frontier site and unit. */
static double seconds_to_train(const nnsm_config *c, double n)
{
    double parameters = 0.5 * n * n * c->network.direct, below = n;
    if (c->network.kind == NNSM_CONFIG_FRONTIER)
        return 3e-11 * n * (double)c->network.units * 2 * n / c->system.lattice[c->system.dimensions - 1];
    for (int l = 0; l < c->network.layers; l++) {
        parameters += 0.5 * below * c->network.hidden[l];
        below = c->network.hidden[l];
    }
    return 5.4e-11 * (parameters + (c->network.layers ? 0.5 * below * n : 0));
}

/* A site, once, on one core: measured 3 visits/ns where 64 spins share a word, 0.4 visits/ns with a byte each. */
static double seconds_to_visit(const nnsm_config *c)
{
    bool words = c->system.model == NNSM_MODEL_ISING && c->system.next_nearest == 0 && c->system.plaquette == 0 &&
                 !c->system.axes && c->generate.algorithm == NNSM_METROPOLIS;
    return words ? 3.5e-10 : 2.5e-9;
}

/* The choice is part of no result, only of the time. */
int nnsm_choose_generators(const nnsm_config *config, size_t sites, int ranks)
{
    const nnsm_config *c = config;
    if (ranks == 1 || c->teams.generators)
        return ranks == 1 ? 0 : (int)c->teams.generators;
    double n = (double)sites;
    double generate = n * seconds_to_visit(c) *
                      ((double)c->generate.configurations * (double)c->generate.interval +
                       (double)c->generate.chains * (double)c->generate.thermalization);
    double train = (double)c->generate.configurations * seconds_to_train(c, n);
    int chosen = (int)lround(ranks * generate / (generate + train));
    int most = (int)(c->generate.chains / NNSM_CHUNK) < ranks - 1 ? (int)(c->generate.chains / NNSM_CHUNK) : ranks - 1;
    return chosen < 1 ? 1 : chosen > most ? most : chosen;
}
