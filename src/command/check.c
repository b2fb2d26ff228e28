/* check.c: the plan of a run, with measured rates, before anything runs. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "command/command.h"
#include "lattice/generator.h"
#include "nnsm/metropolis.h"
#include "nnsm/moves.h"
#include "stage/common_samples.h"
#include "stage/generators.h"
#include "stage/learner.h"
#include "stage/members.h"
#include "stage/windowing.h"

typedef struct {
    double flips, trained, sweeps; /* a second on one rank; sweeps of a chain */
    size_t parameters;
    bool spins;        /* sites of two values */
    double kept, sums; /* floats: what training keeps, and of one vector of sums */
} rates;

static nnsm_status measure_generator(const nnsm_model *model, const nnsm_config *c, rates *r, nnsm_error *error)
{
    nnsm_generator *generator;
    nnsm_status status =
        nnsm_generator_create_model(&generator, model, c->generate.temperature, (nnsm_algorithm)c->generate.algorithm,
                                    nnsm_rng_key_from_seed(1), 0, error);
    if (status)
        return status;
    double start = nnsm_seconds(), seconds;
    uint32_t updates = 0;
    do {
        nnsm_generator_advance(generator, 1);
        updates++;
        seconds = nnsm_seconds() - start;
    } while (seconds < 0.1);
    r->flips = updates * (double)NNSM_GENERATOR_CHAINS / seconds; /* updates of one chain a second */
    nnsm_generator_destroy(generator);
    return NNSM_OK;
}

static nnsm_status measure_training(nnsm_network *network, const nnsm_config *c, rates *r, nnsm_error *error)
{
    nnsm_network_workspace workspace = {0};
    nnsm_learner learner;
    int8_t *spins = NULL;
    float *sums = NULL;
    size_t sites = nnsm_network_shape_of(network).sites;
    size_t rows = (size_t)((c->train.batch + c->train.shards_per_batch - 1) / c->train.shards_per_batch);
    (void)nnsm_network_parameters(network, &r->parameters);
    nnsm_status status = nnsm_learner_create(&learner, network, c, 1e6, error);
    learner.phase = NNSM_PHASE_AVERAGE; /* nearly all of the time goes there */
    if (!status)
        status = nnsm_network_workspace_create(&workspace, network, rows, error);
    if (!status)
        status = NNSM_NEW(&spins, rows * sites, "measurement", error);
    if (!status)
        status = NNSM_NEW(&sums, learner.count[NNSM_VECTOR_GRADIENT], "measurement", error);
    const size_t *floats = learner.count;
    r->kept = (double)(floats[NNSM_VECTOR_PARAMETERS] + floats[NNSM_VECTOR_MEMORY_1] + floats[NNSM_VECTOR_MEMORY_2]);
    r->sums = fmax((double)floats[NNSM_VECTOR_GRADIENT], (double)floats[NNSM_VECTOR_HESSIAN]);
    if (!status) {
        memset(spins, 1, rows * sites);
        double start = nnsm_seconds(), seconds;
        int count = 0;
        do {
            (void)nnsm_learner_sum(&learner, &workspace, spins, rows, sums, NULL);
            count++;
            seconds = nnsm_seconds() - start;
        } while (seconds < 0.2);
        r->trained = count * (double)rows / seconds;
    }
    nnsm_learner_destroy(&learner);
    nnsm_network_workspace_destroy(&workspace);
    nnsm_release(spins);
    nnsm_release(sums);
    return status;
}

/* What a sweep of a chain takes beside its Hamiltonian, and all of it under a local one: proposals of the couplings,
 * measurement, exchange. Measured on 8 x 8 and 16 x 16 (Zen 3). */
static double beside(size_t sites)
{
    return 2e-6 + 1e-8 * (double)sites;
}

/* A sweep is a proposal of every site, or, self-learning, one evaluation of the network. */
static nnsm_status measure_scan(const nnsm_network *network, const nnsm_lattice *lattice, const nnsm_config *c,
                                rates *r, nnsm_error *error)
{
    nnsm_learned *learned = NULL;
    nnsm_tile tile = {0};
    int8_t *spins = NULL;
    nnsm_network_shape shape = nnsm_network_shape_of(network);
    bool several = shape.alphabet.count > 2; /* no couplings, which would propose */
    r->spins = !several;
    bool self_learning = c->scan.sampler == NNSM_CONFIG_SELF_LEARNING && !several;
    nnsm_move_space space = nnsm_move_space_make(lattice, shape.alphabet.count);
    size_t sites = nnsm_network_shape_of(network).sites;
    nnsm_rng_key key = nnsm_rng_key_from_seed(1);
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    nnsm_status status = nnsm_network_learned(&learned, network, error);
    if (!status)
        status = nnsm_learned_tile_create(&tile, learned, error);
    if (!status)
        status = NNSM_NEW(&spins, NNSM_TILE * sites, "measurement", error);
    if (!status) {
        for (size_t i = 0; i < NNSM_TILE; i++)
            beta[i] = 1 / nnsm_network_shape_of(network).temperature;
        nnsm_learned_sample(&tile, key, 0, spins);
        double start = nnsm_seconds(), seconds;
        uint32_t sweep = 0;
        do {
            if (self_learning)
                tile.methods->refresh(tile.state);
            else if (several)
                nnsm_move_sweep(&tile, &space, NNSM_MOVE_SINGLE, key, 0, sweep, beta, accepted);
            else
                nnsm_metropolis_sweep(&tile, key, 0, sweep, beta, accepted);
            if (c->scan.regenerate) {
                nnsm_learned_redraw(&tile, key, 0, sweep, sites / 2, spins);
                tile.methods->load(tile.state, spins);
            }
            sweep++;
            seconds = nnsm_seconds() - start;
        } while (seconds < 0.2);
        r->sweeps = NNSM_TILE / (seconds / sweep + beside(sites) * NNSM_TILE);
    }
    nnsm_tile_destroy(&tile);
    nnsm_learned_destroy(learned);
    nnsm_release(spins);
    return status;
}

/* Lattice and alphabet of the network: the sums themselves where windows are not undone, else those of the sites. */
static nnsm_status see(const nnsm_lattice *lattice, const nnsm_config *c, nnsm_lattice *seen, nnsm_alphabet *alphabet,
                       nnsm_window *masked, nnsm_error *error)
{
    nnsm_window w = {0};
    nnsm_alphabet values = *alphabet;
    nnsm_status status = NNSM_OK;
    memset(masked, 0, sizeof *masked);
    if (c->window.given)
        status = nnsm_config_window(c, lattice->dimensions, lattice->extent, &w, error);
    if (status || !w.sites || (nnsm_window_overlaps(&w) && c->window.route == NNSM_CONFIG_DECONVOLVE))
        return status ? status
                      : nnsm_lattice_create(seen, lattice->dimensions, lattice->extent, lattice->periodic, error);
    if (c->window.route == NNSM_CONFIG_MASKED)
        *masked = w;
    status = nnsm_window_alphabet(&w, &values, alphabet, error);
    return status ? status : nnsm_lattice_create(seen, w.dimensions, w.extent, w.periodic != 0, error);
}

static nnsm_status measure(const nnsm_lattice *lattice, nnsm_lattice *seen, const nnsm_config *c, rates *r,
                           nnsm_error *error)
{
    nnsm_model_parameters parameters = nnsm_run_parameters(c);
    nnsm_model model;
    nnsm_network network = {0};
    nnsm_status status = nnsm_model_create(&model, lattice, &parameters, error);
    if (!status && c->generate.given)
        status = measure_generator(&model, c, r, error);
    nnsm_alphabet alphabet = model.alphabet;
    nnsm_window masked = {0};
    if (!status)
        status = see(lattice, c, seen, &alphabet, &masked, error);
    if (!status)
        status = nnsm_network_create(&network, c, 1, nnsm_reach_of(c, &(nnsm_reach_choice){0}), seen, &alphabet,
                                     masked.sites ? &masked : NULL, 1, error);
    if (!status)
        status = measure_training(&network, c, r, error);
    if (!status)
        status = measure_scan(&network, seen, c, r, error);
    nnsm_network_destroy(&network);
    nnsm_model_destroy(&model);
    return status;
}

/* In MB. What a generator keeps, what a trainer has of it, and the numbers of all configurations that the first rank
 * sums up: energy, m, order parameter, and one of them in the order of chains. */
static double memory_of_data(const nnsm_config *c, double sites, int generators, int trainers)
{
    double n = (double)c->generate.configurations, tiles = (double)c->generate.chains / NNSM_GENERATOR_CHAINS;
    return 1e-6 * n * (sites / fmax(1, fmin(generators, tiles)) + sites / trainers + 4 * sizeof(double));
}

/* In MB. The network, its file, what training keeps, a vector of sums a level of the rank's own tree and one for the
 * messages of others. */
static double memory_of_training(const nnsm_config *c, const rates *r, int trainers)
{
    double shards = ceil((double)c->train.shards_per_batch / trainers);
    return 4e-6 * (2 * (double)r->parameters + r->kept + r->sums * (ceil(log2(shards)) + 1 + (trainers > 1)));
}

/* In MB. The network as it is and repacked, tiles (rows of a frontier network: the units of every site; of a dense one:
 * some rows a site), and common samples. */
static double memory_of_scan(const nnsm_config *c, const rates *r, double sites, int ranks)
{
    double temperatures = (double)c->scan.temperatures_count, walkers = (double)c->scan.walkers;
    /* Its own; for samples and common ones. */
    double tiles = ceil(ceil(temperatures * walkers / NNSM_TILE) / ranks) + 2;
    double rows = 8 + (c->network.kind == NNSM_CONFIG_FRONTIER ? (double)c->network.units : 0);
    return 12e-6 * (double)r->parameters + tiles * NNSM_TILE * sites * rows * 4e-6 +
           2 * fmax(NNSM_COMMON_SAMPLES, NNSM_COMMON_ROUNDS * walkers) * 8e-6 * ceil(temperatures / ranks) *
               (NNSM_COMMON_H + 1 + (double)c->trust.networks);
}

typedef struct {
    bool first; /* by all ranks, before any trains */
    int ranks;  /* those with chains */
    double seconds;
} generation;

static generation plan_generation(const nnsm_config *c, size_t sites, const rates *r, int ranks)
{
    int generators = nnsm_choose_generators(c, sites, ranks), tiles = c->generate.chains / NNSM_GENERATOR_CHAINS;
    generation g = {.first = nnsm_generate_first(c, sites, ranks)};
    if (!c->generate.given)
        return g;
    int most = g.first || ranks == 1 ? ranks : generators;
    double updates = (double)c->generate.configurations * (double)c->generate.interval +
                     (double)c->generate.chains * (double)c->generate.thermalization;
    g.ranks = most < tiles ? most : tiles;
    g.seconds = updates / r->flips * nnsm_generator_share(c, most);
    return g;
}

static void print_generation(const nnsm_config *c, const generation *g, int ranks, double epoch)
{
    if (!c->generate.given) {
        (void)printf("  data       of %s: how many is not looked at here; train and memory are without them\n",
                     c->ensemble.file);
        return;
    }
    if (ranks == 1)
        (void)printf("  teams      one rank does everything\n");
    else if (g->first)
        (void)printf("  teams      all ranks generate, then all train, then all scan\n");
    else
        (void)printf("  teams      %d ranks generate at first, %d train; then all train; then all scan\n", g->ranks,
                     ranks - g->ranks);
    (void)printf("  generate   %.0f configurations by %d chains on %d of %d ranks: %.1f s\n",
                 (double)c->generate.configurations, c->generate.chains, g->ranks, ranks, g->seconds);
    if (g->seconds > epoch && g->ranks < ranks && g->ranks == c->generate.chains / NNSM_GENERATOR_CHAINS)
        (void)printf("             there are no chains for more ranks; raise generate.chains\n");
}

static void print_plan(const nnsm_config *c, const nnsm_lattice *lattice, const rates *r, int ranks)
{
    double n = (double)c->generate.configurations, sites = (double)lattice->sites;
    generation g = plan_generation(c, lattice->sites, r, ranks);
    int trainers = ranks < (int)c->train.shards_per_batch ? ranks : (int)c->train.shards_per_batch;
    double chains = (double)c->scan.temperatures_count * (double)c->scan.walkers, tiles = ceil(chains / NNSM_TILE);
    double most = ceil(tiles / ranks), sweeps = (double)(c->scan.sweeps + c->scan.thermalization);
    double slowest = ceil((double)c->train.shards_per_batch / trainers) / (double)c->train.shards_per_batch;
    double train = n * (1 - c->train.validation) * (double)c->train.epochs / r->trained * slowest;
    double units = 0;
    int groups = c->trust.networks > 1 ? nnsm_members_at_once(c, (size_t)c->trust.networks - 1, ranks, &units) : 1;
    double members = units * train / slowest; /* of which one is a training on one rank */
    double scan = sweeps * most * NNSM_TILE / r->sweeps;
    /* Whether the network sees what the model makes. */
    bool below = !c->window.given || c->window.route == NNSM_CONFIG_DECONVOLVE;
    int others = (c->scan.reference && below) +
                 (c->scan.distilled && c->couplings.enabled && (below || c->window.route != NNSM_CONFIG_MASKED));
    double local = others * sweeps * most * NNSM_TILE * beside(lattice->sites);
    double data = memory_of_data(c, sites, g.ranks, trainers) + (groups > 1 ? n * sites * 1e-6 * groups / ranks : 0);
    double memory = (c->run.scratch[0] ? 0 : data) +
                    fmax(memory_of_training(c, r, trainers), memory_of_scan(c, r, sites, ranks)) + 60;
    (void)printf("plan for %d ranks of %s\n", ranks, c->run.name);
    (void)printf("  network    %zu sites, %zu parameters in use\n", lattice->sites, r->parameters);
    if (nnsm_reach_wanted(c))
        (void)printf("  reach      chosen from the ensemble when that is made; planned with nearest neighbours\n");
    print_generation(c, &g, ranks, train / (double)c->train.epochs);
    (void)printf("  train      %lld epochs, %lld shards a batch on %d of %d ranks: %.1f s\n",
                 (long long)c->train.epochs, (long long)c->train.shards_per_batch, trainers, ranks, train);
    if (trainers < ranks)
        (void)printf("             %d ranks idle in training; raise train.shards_per_batch\n", ranks - trainers);
    if (c->trust.networks > 1)
        (void)printf("  trust      %lld networks more, %d at a time: %.1f s\n", (long long)c->trust.networks - 1,
                     groups, members);
    bool screen = c->scan.sampler == NNSM_CONFIG_SINGLE_FLIPS && c->network.kind == NNSM_CONFIG_DENSE &&
                  c->couplings.enabled && r->spins;
    (void)printf("  scan       %d temperatures x %lld walkers = %.0f tiles of %d chains, at most %.0f a rank: %.1f s\n",
                 c->scan.temperatures_count, (long long)c->scan.walkers, tiles, NNSM_TILE, most, scan);
    if (screen)
        (void)printf("             less, a half to a sixth of that, if the couplings screen flips (the colder, "
                     "the more)\n");
    if (others)
        (void)printf("             of %s: %.1f s\n",
                     others == 2 ? "the true model and of the distilled Hamiltonian" : "a local Hamiltonian", local);
    if (tiles < ranks)
        (void)printf("             %.0f ranks idle in the scan; raise scan.walkers\n", ranks - tiles);
    (void)printf("  memory     about %.0f MB a rank\n", memory);
    if (c->run.scratch[0])
        (void)printf("  scratch    about %.0f MB a rank in %s\n", data, c->run.scratch);
    (void)printf(
        "  time       about %.0f s and that of couplings and files, if every rank has a core of its own (rates "
        "measured here, now)\n",
        g.seconds + train + members + scan + local);
    (void)printf("  files      %s/%s.{ensemble,network,results}.h5\n", c->run.output, c->run.name);
}

nnsm_status nnsm_command_check(const nnsm_config *config, int ranks, nnsm_error *error)
{
    nnsm_lattice lattice = {0}, seen = {0};
    rates r = {0};
    if (!config->system.given) {
        (void)printf("%s is valid; without a system group the plan depends on the data file\n", config->run.name);
        return NNSM_OK;
    }
    nnsm_status status = nnsm_lattice_create(&lattice, config->system.dimensions, config->system.lattice,
                                             config->system.boundary == 0, error);
    if (!status)
        status = measure(&lattice, &seen, config, &r, error);
    if (!status)
        print_plan(config, &seen, &r, ranks);
    nnsm_lattice_destroy(&seen);
    nnsm_lattice_destroy(&lattice);
    return status;
}
