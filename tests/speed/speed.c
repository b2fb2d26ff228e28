/* speed.c NETWORK...: effective samples of |m| a second and core, by every way in which a scan can move.
 *
 * All samplers run on the same network with the same ladder of temperatures from 1 to 4, exchange after every step, on
 * one core, in turns: a round is a block of steps of each. Times are CPU time, so that a busy machine does not matter;
 * ratios are formed within a round and their median is taken. With tau the integrated autocorrelation time of |m| in
 * steps and c the seconds of a step of one chain, exchange and measurement included, a second gives 1 / (2 tau c)
 * effective samples. "Dense passes" are single flips where every proposal costs a full evaluation of the network, as
 * one would write it without suffix updates. They take the same decisions as single flips, which is checked, and so
 * have their tau; only their time is measured. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nnsm/metropolis.h"
#include "nnsm/model.h"
#include "nnsm/network.h"
#include "nnsm/regenerate.h"
#include "stage/scale.h"
#include "statistics/series.h"

enum { TEMPERATURES = 32, WALKERS = 8, TILES = TEMPERATURES * WALKERS / NNSM_TILE, ROUNDS = 15, THERMALIZE = 300 };
enum { LOOKED_AT = 3 };
static const double looked_at[LOOKED_AT] = {2.0, 2.269, 2.5};

enum { DENSE, FLIPS, SCREENED, SUFFIXES, SELF_LEARNING, SAMPLERS };
static const struct {
    const char *name;
    int steps; /* of a round */
} kind[SAMPLERS] = {{"dense passes, exchange", 0},
                    {"single flips, exchange", 100},
                    {"screened flips, exchange", 100},
                    {"single flips, suffixes, exchange", 100},
                    {"self-learning, exchange", 300}};

typedef struct {
    int kind;
    nnsm_tile tile[TILES], screen[TILES];
    nnsm_self_learning *proposer;
    nnsm_regenerator *regenerator;
    nnsm_scale scale;
    nnsm_self_learning_record done[TILES];
    nnsm_ladders ladders;
    nnsm_series *series[LOOKED_AT][WALKERS];
    uint32_t step;
    double cost[ROUNDS]; /* seconds of a chain's step */
} sampler;

static double temperature[TEMPERATURES];
static size_t sites;
static nnsm_rng_key key;
static int8_t *spins; /* [NNSM_TILE][sites] */

static void check(nnsm_status status, const nnsm_error *error)
{
    if (!status)
        return;
    (void)fprintf(stderr, "speed: %s\n", error->message);
    exit((int)status);
}

static void *memory(size_t bytes)
{
    void *block = calloc(1, bytes);
    if (!block)
        exit(4);
    return block;
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- dense passes: a tile whose every proposal is evaluated from scratch */

typedef struct {
    nnsm_tile network;
    int8_t *now; /* [NNSM_TILE][sites] */
    double energy[NNSM_TILE], proposed[NNSM_TILE];
} dense_tile;

static void dense_load(void *state, const int8_t *configurations)
{
    dense_tile *t = state;
    memcpy(t->now, configurations, NNSM_TILE * sites);
    t->network.methods->load(t->network.state, t->now);
    t->network.methods->energy(t->network.state, t->energy);
}

static void flip_all(dense_tile *t, size_t site)
{
    for (size_t c = 0; c < NNSM_TILE; c++)
        t->now[c * sites + site] = (int8_t)-t->now[c * sites + site];
}

static void dense_change(void *state, size_t site, uint32_t asked, double *change)
{
    (void)asked;
    dense_tile *t = state;
    flip_all(t, site);
    t->network.methods->load(t->network.state, t->now);
    t->network.methods->energy(t->network.state, t->proposed);
    flip_all(t, site);
    for (size_t c = 0; c < NNSM_TILE; c++)
        change[c] = t->proposed[c] - t->energy[c];
}

static void dense_commit(void *state, size_t site, const uint32_t *accept)
{
    dense_tile *t = state;
    for (size_t c = 0; c < NNSM_TILE; c++)
        if (accept[c]) {
            t->now[c * sites + site] = (int8_t)-t->now[c * sites + site];
            t->energy[c] = t->proposed[c];
        }
}

static void dense_read(const void *state, int8_t *configurations)
{
    memcpy(configurations, ((const dense_tile *)state)->now, NNSM_TILE * sites);
}

static const nnsm_tile_methods dense_methods = {
    .load = dense_load, .change = dense_change, .commit = dense_commit, .read = dense_read};

/* ---- samplers */

static void create(sampler *s, int which, const nnsm_learned *learned, const nnsm_local *surrogate, nnsm_tile *network)
{
    nnsm_error error;
    *s = (sampler){.kind = which};
    check(nnsm_ladders_create(&s->ladders, TEMPERATURES, temperature, WALKERS, &error), &error);
    if (which == SUFFIXES)
        check(nnsm_regenerator_create(&s->regenerator, learned, &error), &error);
    if (which == SELF_LEARNING) {
        nnsm_tile tile = {0};
        check(nnsm_learned_tile_create(&tile, learned, &error), &error);
        check(nnsm_self_learning_create(&s->proposer, surrogate, NULL, TEMPERATURES, s->ladders.beta, &tile, &error),
              &error);
        check(nnsm_scale_create(&s->scale, TEMPERATURES, sites, THERMALIZE, true, &error), &error);
    }
    for (size_t t = 0; t < TILES; t++) {
        check(which == SELF_LEARNING ? nnsm_self_learning_tile_create(&s->tile[t], s->proposer, &error)
              : which == SCREENED    ? nnsm_learned_screened_tile_create(&s->tile[t], learned, &error)
                                     : nnsm_learned_tile_create(&s->tile[t], learned, &error),
              &error);
        nnsm_learned_sample(network, key, (uint32_t)(t * NNSM_TILE), spins);
        s->tile[t].methods->load(s->tile[t].state, spins);
        if (which == SCREENED) {
            check(nnsm_local_tile_create(&s->screen[t], surrogate, &error), &error);
            s->screen[t].methods->load(s->screen[t].state, spins);
        }
    }
    for (size_t k = 0; k < LOOKED_AT; k++)
        for (size_t w = 0; w < WALKERS; w++)
            check(nnsm_series_create(&s->series[k][w], 1, &error), &error);
}

static void destroy(sampler *s)
{
    for (size_t t = 0; t < TILES; t++) {
        nnsm_tile_destroy(&s->tile[t]);
        nnsm_tile_destroy(&s->screen[t]);
    }
    nnsm_self_learning_destroy(s->proposer);
    nnsm_regenerator_destroy(s->regenerator);
    nnsm_scale_destroy(&s->scale);
    nnsm_ladders_destroy(&s->ladders);
    for (size_t k = 0; k < LOOKED_AT; k++)
        for (size_t w = 0; w < WALKERS; w++)
            nnsm_series_destroy(s->series[k][w]);
}

static void move(sampler *s, size_t t)
{
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0}, passed[NNSM_TILE] = {0};
    uint32_t first = (uint32_t)(t * NNSM_TILE);
    const int32_t *at = s->ladders.temperature_of + first;
    for (size_t c = 0; c < NNSM_TILE; c++)
        beta[c] = s->ladders.beta[at[c]];
    if (s->kind == SUFFIXES)
        nnsm_regenerate(s->regenerator, &s->tile[t], key, first, s->step, beta, accepted);
    if (s->kind == SELF_LEARNING)
        nnsm_self_learning_step(&s->tile[t], key, first, s->step, at, &s->done[t]);
    else if (s->kind == SCREENED)
        nnsm_screened_sweep(&s->tile[t], &s->screen[t], key, first, s->step, beta, passed, accepted);
    else
        nnsm_metropolis_sweep(&s->tile[t], key, first, s->step, beta, accepted);
    if (s->kind != SELF_LEARNING && s->step % 16 == 15)
        s->tile[t].methods->refresh(s->tile[t].state);
}

static double abs_magnetization(const int8_t *s)
{
    int sum = 0;
    for (size_t i = 0; i < sites; i++)
        sum += s[i];
    return fabs((double)sum) / (double)sites;
}

static void one_step(sampler *s, bool record)
{
    double energy[TEMPERATURES * WALKERS], m[TEMPERATURES * WALKERS];
    for (size_t t = 0; t < TILES; t++) {
        move(s, t);
        s->tile[t].methods->energy(s->tile[t].state, energy + t * NNSM_TILE);
        s->tile[t].methods->read(s->tile[t].state, spins);
        for (size_t c = 0; c < NNSM_TILE; c++)
            m[t * NNSM_TILE + c] = abs_magnetization(spins + c * sites);
    }
    for (size_t k = 0; k < LOOKED_AT && record; k++)
        for (size_t t = 0; t < TEMPERATURES; t++)
            for (size_t w = 0; w < WALKERS && temperature[t] == looked_at[k]; w++)
                nnsm_series_add(s->series[k][w], &m[s->ladders.chain_at[t * WALKERS + w]]);
    for (size_t i = 0; i < TEMPERATURES * WALKERS && s->kind == SELF_LEARNING && !record; i++) {
        const nnsm_self_learning_record *d = &s->done[i / NNSM_TILE];
        size_t c = i % NNSM_TILE;
        nnsm_scale_add(&s->scale, (size_t)s->ladders.temperature_of[i], energy[i], d->surrogate[c], d->accepted[c],
                       d->flips[c]);
    }
    if (s->kind == SELF_LEARNING && !record)
        nnsm_scale_learn(&s->scale, s->proposer);
    nnsm_ladders_exchange(&s->ladders, 0, s->ladders.walkers, key, 0, s->step, energy);
    s->step++;
}

/* ---- measuring */

static void time_block(sampler *s, int round)
{
    double since = cpu_seconds();
    for (int i = 0; i < kind[s->kind].steps; i++)
        one_step(s, true);
    s->cost[round] = (cpu_seconds() - since) / (kind[s->kind].steps * (double)(TEMPERATURES * WALKERS));
}

/* One sweep of one tile by dense passes, from where the single flips are, and the same sweep by suffix updates; returns
 * the chains that ended alike. */
static int time_dense(const sampler *flips, nnsm_tile *dense, nnsm_tile *fast, int round, double *cost)
{
    size_t t = (size_t)round % TILES;
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    uint32_t first = (uint32_t)(t * NNSM_TILE);
    int alike = 0;
    int8_t *other = memory(NNSM_TILE * sites);
    for (size_t c = 0; c < NNSM_TILE; c++)
        beta[c] = flips->ladders.beta[flips->ladders.temperature_of[first + c]];
    flips->tile[t].methods->read(flips->tile[t].state, spins);
    dense->methods->load(dense->state, spins);
    fast->methods->load(fast->state, spins);
    double since = cpu_seconds();
    nnsm_metropolis_sweep(dense, key, first, flips->step, beta, accepted);
    cost[round] = (cpu_seconds() - since) / NNSM_TILE;
    nnsm_metropolis_sweep(fast, key, first, flips->step, beta, accepted);
    dense->methods->read(dense->state, spins);
    fast->methods->read(fast->state, other);
    for (size_t c = 0; c < NNSM_TILE; c++)
        alike += memcmp(spins + c * sites, other + c * sites, sites) == 0;
    free(other);
    return alike;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ratio(const double *x, const double *y)
{
    double ratio[ROUNDS];
    for (int r = 0; r < ROUNDS; r++)
        ratio[r] = y ? x[r] / y[r] : x[r];
    qsort(ratio, ROUNDS, sizeof *ratio, rising);
    return ratio[ROUNDS / 2];
}

static void print_table(const char *name, const sampler *s)
{
    double tau[SAMPLERS][LOOKED_AT];
    for (int k = FLIPS; k < SAMPLERS; k++)
        for (int t = 0; t < LOOKED_AT; t++)
            tau[k][t] = nnsm_series_estimate(s[k].series[t], WALKERS, 0).tau;
    memcpy(tau[DENSE], tau[FLIPS], sizeof *tau);
    (void)printf("\n%s, %zu sites: a second of one core, medians of %d rounds\n", name, sites, ROUNDS);
    (void)printf("%-34s %12s  %-23s  %-29s  %s\n", "", "us a step", "tau of |m|, steps", "effective samples a second",
                 "self-learning is faster by");
    (void)printf("%-34s %12s ", "sampler", "of a chain");
    for (int block = 0; block < 3; block++)
        for (int t = 0; t < LOOKED_AT; t++)
            (void)printf(block ? " %9.5g" : " %7.5g", looked_at[t]);
    (void)printf("\n");
    for (int k = 0; k < SAMPLERS; k++) {
        double cost = median_ratio(s[k].cost, NULL), ratio = median_ratio(s[k].cost, s[SELF_LEARNING].cost);
        (void)printf("%-34s %12.1f ", kind[k].name, 1e6 * cost);
        for (int t = 0; t < LOOKED_AT; t++)
            (void)printf(" %7.2f", tau[k][t]);
        for (int t = 0; t < LOOKED_AT; t++)
            (void)printf(" %9.4g", 1 / (2 * tau[k][t] * cost));
        for (int t = 0; t < LOOKED_AT; t++)
            (void)printf(" %9.4g", ratio * tau[k][t] / tau[SELF_LEARNING][t]);
        (void)printf("\n");
    }
}

/* Returns false when dense passes and single flips do not decide alike. */
static bool measure(const char *path)
{
    nnsm_error error;
    nnsm_network network;
    nnsm_learned *learned;
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_tile sample = {0}, fast = {0};
    static sampler s[SAMPLERS];
    check(nnsm_network_open(&network, path, &error), &error);
    nnsm_network_shape shape = nnsm_network_shape_of(&network);
    sites = shape.sites;
    spins = memory(NNSM_TILE * sites);
    nnsm_model_parameters ising = {.coupling = 1,
                                   .anisotropy = {1, 1, 1}}; /* what a run reads off, to a third of a % */
    check(nnsm_lattice_create(&lattice, shape.dimensions, shape.extent, shape.periodic, &error), &error);
    check(nnsm_model_create(&model, &lattice, &ising, &error), &error);
    check(nnsm_network_learned(&learned, &network, &error), &error);
    check(nnsm_learned_tile_create(&sample, learned, &error), &error);
    check(nnsm_learned_tile_create(&fast, learned, &error), &error);
    dense_tile dense = {.now = memory(NNSM_TILE * sites)};
    check(nnsm_learned_tile_create(&dense.network, learned, &error), &error);
    nnsm_tile dense_proposals = {&dense_methods, &dense, sites};
    s[DENSE].kind = DENSE;
    int alike = 0;
    for (int k = FLIPS; k < SAMPLERS; k++) {
        create(&s[k], k, learned, &model.local, &sample);
        for (int i = 0; i < THERMALIZE; i++)
            one_step(&s[k], false);
    }
    for (int round = 0; round < ROUNDS; round++) {
        alike += time_dense(&s[FLIPS], &dense_proposals, &fast, round, s[DENSE].cost);
        for (int k = FLIPS; k < SAMPLERS; k++)
            time_block(&s[k], round);
    }
    print_table(path, s);
    (void)printf("dense passes and single flips left %d of %d chains alike after a sweep\n", alike, ROUNDS * NNSM_TILE);
    for (int k = FLIPS; k < SAMPLERS; k++)
        destroy(&s[k]);
    nnsm_tile_destroy(&sample);
    nnsm_tile_destroy(&fast);
    nnsm_tile_destroy(&dense.network);
    nnsm_learned_destroy(learned);
    nnsm_network_destroy(&network);
    nnsm_model_destroy(&model);
    nnsm_lattice_destroy(&lattice);
    free(dense.now);
    free(spins);
    return alike > ROUNDS * NNSM_TILE * 95 / 100; /* rounding decides once in a while */
}

int main(int argc, char **argv)
{
    bool good = argc > 1;
    key = nnsm_rng_key_from_seed(2007);
    for (int t = 0; t < TEMPERATURES; t++)
        temperature[t] = t == 13 ? looked_at[1] : 1.0 + 0.1 * (t < 13 ? t : t - 1);
    temperature[10] = looked_at[0]; /* not 1 + 0.1 10, which may round otherwise */
    temperature[16] = looked_at[2];
    for (int i = 1; i < argc; i++)
        good = measure(argv[i]) && good;
    return good ? 0 : 1;
}
