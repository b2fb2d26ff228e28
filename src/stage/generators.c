#include "stage/generators.h"

#include <math.h>

#include "io/ensemble_file.h"
#include "stage/reach.h"
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

/* Of a configuration that is kept, a site: unpacked, summed up, passed on; measured on one core, 16 x 16. */
static const double seconds_to_keep = 7e-9;

/* A site, once, on one core: measured 3 visits/ns where 64 spins share a word, 0.4 visits/ns with a byte each. */
static double seconds_to_visit(const nnsm_config *c)
{
    bool words = c->system.model == NNSM_MODEL_ISING && c->system.next_nearest == 0 && c->system.plaquette == 0 &&
                 !c->system.axes && c->generate.algorithm == NNSM_METROPOLIS;
    return words ? 3.5e-10 : 2.5e-9;
}

/* Seconds of one core for the ensemble, for what comes before its first configuration, and for an epoch on it. */
typedef struct {
    double generate, thermalize, epoch;
} costs;

static costs costs_of(const nnsm_config *c, size_t sites)
{
    double n = (double)sites, configurations = (double)c->generate.configurations, visit = seconds_to_visit(c);
    double thermalize = n * visit * (double)c->generate.chains * (double)c->generate.thermalization;
    double keep = n * configurations * (visit * (double)c->generate.interval + seconds_to_keep);
    return (costs){thermalize + keep, thermalize, configurations * seconds_to_train(c, n)};
}

/* Neither choice is part of a result, only of the time. */
int nnsm_choose_generators(const nnsm_config *config, size_t sites, int ranks)
{
    const nnsm_config *c = config;
    if (ranks == 1 || c->teams.generators)
        return ranks == 1 ? 0 : (int)c->teams.generators;
    costs k = costs_of(c, sites);
    int chosen = (int)lround(ranks * k.generate / (k.generate + k.epoch));
    int most = (int)(c->generate.chains / NNSM_CHUNK) < ranks - 1 ? (int)(c->generate.chains / NNSM_CHUNK) : ranks - 1;
    return chosen < 1 ? 1 : chosen > most ? most : chosen;
}

double nnsm_generator_share(const nnsm_config *config, int generators)
{
    double tiles = (double)config->generate.chains / NNSM_CHUNK;
    return ceil(tiles / generators) / tiles;
}

/* Where both take about the same, all generate first, if all can: no rank waits for another then. That they do is known
 * to a fifth: with 60000 configurations of 16 x 16 on two ranks this says 0.48 and 0.42 s, and ten pairs of runs were
 * equally fast. */
bool nnsm_generate_first(const nnsm_config *config, size_t sites, int ranks)
{
    const nnsm_config *c = config;
    if (c->window.given || nnsm_reach_wanted(c))
        return true;
    if (ranks == 1 || c->teams.generators || c->train.data == NNSM_CONFIG_STREAM)
        return false;
    costs k = costs_of(c, sites);
    int generators = nnsm_choose_generators(c, sites, ranks);
    double shards = (double)c->train.shards_per_batch, share = nnsm_generator_share(c, generators);
    double trainers = fmin(shards, ranks), others = fmin(shards, ranks - generators);
    double bytes = (double)c->generate.configurations * (double)sites;
    /* Measured on one and two ranks; by rank 0 alone: the digest, and what it concludes. */
    double read = bytes / (1e8 * fmin(ranks, ceil(bytes / NNSM_ENSEMBLE_BLOCK))) + bytes / 1e9 +
                  5e-7 * (double)c->generate.configurations;
    double about = c->generate.chains / NNSM_CHUNK >= ranks ? 1.2 : 1;
    double generate = k.generate * share, train = generate - k.thermalize * share;
    double beside = generate + fmax(0, k.epoch - train * others) / trainers;
    return k.generate * nnsm_generator_share(c, ranks) + read + k.epoch / trainers < about * beside;
}
