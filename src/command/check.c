/* check.c: the plan of a run, with measured rates, before anything runs. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "command/command.h"
#include "command/rates.h"
#include "io/ensemble_file.h"
#include "io/probe.h"
#include "lattice/generator.h"
#include "nnsm/model.h"
#include "stage/common_samples.h"
#include "stage/evidence.h"
#include "stage/generators.h"
#include "stage/members.h"
#include "stage/train.h"

/* ---- the data */

/* Where a file does not declare its values: those of some blocks, spread over it. */
static void look_at_values(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    enum { LOOKS = 16 };
    nnsm_occurring found = {0};
    nnsm_error error;
    size_t n = header->configurations, block = nnsm_ensemble_block(header) / LOOKS;
    block = block ? block : 1;
    for (size_t k = 0; k < LOOKS; k++)
        nnsm_ensemble_find(h5, header, k * (n - block) / (LOOKS - 1), block, &found);
    if (found.count >= 2 && found.count <= NNSM_MAX_VALUES &&
        nnsm_alphabet_create(&header->alphabet, (size_t)found.count, found.value, false, &error) == NNSM_OK)
        return;
    header->alphabet = nnsm_levels_alphabet(&(nnsm_levels){.count = 2});
}

/* Shape and alphabet. */
static void look(nnsm_h5 *h5, const nnsm_config *c, nnsm_ensemble_header *header, bool *declared)
{
    nnsm_ensemble_read_shape(h5, header);
    header->levels.count = c->ensemble.cuts ? (int32_t)c->ensemble.cuts + 1 : (int32_t)c->ensemble.levels;
    *declared = header->levels.count > 0;
    if (*declared)
        header->alphabet = nnsm_levels_alphabet(&header->levels);
    if (h5->status || *declared)
        return;
    nnsm_ensemble_read_alphabet(h5, header);
    *declared = header->alphabet.count > 0;
    if (!h5->status && !*declared)
        look_at_values(h5, header);
}

static nnsm_status look_at_file(const nnsm_config *c, nnsm_plan_data *data, nnsm_error *error)
{
    nnsm_h5 h5 = {.file = H5I_INVALID_HID};
    nnsm_ensemble_header header = {0};
    nnsm_status status = nnsm_probe(c->ensemble.file, NULL, error);
    if (status)
        return status;
    if (nnsm_h5_open(&h5, c->ensemble.file, NNSM_H5_CHECKED, NULL, error) == NNSM_OK)
        look(&h5, c, &header, &data->declared);
    data->model_known = c->system.given || nnsm_h5_has(&h5, "/system");
    bool same = !c->system.given || header.dimensions == c->system.dimensions;
    for (int a = 0; a < header.dimensions && same; a++)
        same = !c->system.given || header.extent[a] == c->system.lattice[a];
    if (!h5.status && !same)
        (void)nnsm_h5_fail(&h5, "its lattice is not the one of system.lattice in the configuration");
    if (!h5.status)
        (void)nnsm_header_check(&h5, &header, c, c->system.given && c->system.boundary == 0,
                                c->system.given && data->declared ? &data->alphabet : NULL);
    status = nnsm_h5_finish(&h5);
    if (status)
        return status;
    data->configurations = (double)header.configurations;
    data->alphabet = header.alphabet;
    nnsm_lattice_destroy(&data->lattice);
    return nnsm_lattice_create(&data->lattice, header.dimensions, header.extent, header.periodic, error);
}

static nnsm_status look_at_system(const nnsm_config *c, nnsm_plan_data *data, nnsm_error *error)
{
    nnsm_model_parameters parameters = nnsm_run_parameters(c);
    nnsm_model model;
    nnsm_status status =
        nnsm_lattice_create(&data->lattice, c->system.dimensions, c->system.lattice, c->system.boundary == 0, error);
    if (!status)
        status = nnsm_model_create(&model, &data->lattice, &parameters, error);
    if (status)
        return status;
    data->alphabet = model.alphabet;
    data->declared = true;
    nnsm_model_destroy(&model);
    return NNSM_OK;
}

/* A file may be made by another job; what is there must be readable. */
static nnsm_status find_data(const nnsm_config *c, nnsm_plan_data *data, nnsm_error *error)
{
    *data = (nnsm_plan_data){.configurations = c->generate.given ? (double)c->generate.configurations : 0,
                             .model_known = c->system.given};
    nnsm_status status = c->system.given ? look_at_system(c, data, error) : NNSM_OK;
    if (!status && !c->generate.given && access(c->ensemble.file, F_OK) == 0)
        status = look_at_file(c, data, error);
    return status;
}

/* ---- memory */

/* In MB. What a generator keeps, what a trainer has of it, and what the first rank keeps of every configuration when
 * they are read: a record, three columns, one in the order of chains. */
static double memory_of_data(const nnsm_config *c, double n, double sites, int generators, int trainers)
{
    double tiles = (double)c->generate.chains / NNSM_GENERATOR_CHAINS;
    double made = c->generate.given ? sites / fmax(1, fmin(generators, tiles)) : 0;
    return 1e-6 * n * (made + sites / trainers + sizeof(nnsm_record) + 4 * sizeof(double));
}

/* In MB. The network, its file, what training keeps, a vector of sums a level of the rank's own tree and one for the
 * messages of others. */
static double memory_of_training(const nnsm_config *c, const nnsm_rates *r, int trainers)
{
    double shards = ceil((double)c->train.shards_per_batch / trainers);
    return 4e-6 * (2 * (double)r->parameters + r->kept + r->sums * (ceil(log2(shards)) + 1 + (trainers > 1)));
}

/* In MB. The network as it is and repacked, tiles (rows of a frontier network: the units of every site; of a dense one:
 * some rows a site), and common samples. */
static double memory_of_scan(const nnsm_config *c, const nnsm_rates *r, double sites, int ranks)
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

static generation plan_generation(const nnsm_config *c, size_t sites, const nnsm_rates *r, int ranks)
{
    generation g = {0};
    if (!c->generate.given)
        return g;
    int generators = nnsm_choose_generators(c, sites, ranks), tiles = c->generate.chains / NNSM_GENERATOR_CHAINS;
    g.first = nnsm_generate_first(c, sites, ranks);
    int most = g.first || ranks == 1 ? ranks : generators;
    double updates = (double)c->generate.configurations * (double)c->generate.interval +
                     (double)c->generate.chains * (double)c->generate.thermalization;
    g.ranks = most < tiles ? most : tiles;
    g.seconds = updates / r->flips * nnsm_generator_share(c, most);
    return g;
}

static void print_generation(const nnsm_config *c, const nnsm_plan_data *data, const generation *g, int ranks,
                             double epoch)
{
    if (!c->generate.given && data->configurations > 0)
        (void)printf("  data       %.0f configurations of %s%s\n", data->configurations, c->ensemble.file,
                     data->declared ? "" : "; its values are those of a part that was looked at");
    else if (!c->generate.given)
        (void)printf("  data       of %s, which is not there yet: time of training and memory are without them\n",
                     c->ensemble.file);
    if (!c->generate.given)
        return;
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

/* Returns its seconds. */
static double print_scan(const nnsm_config *c, const nnsm_plan_data *data, const nnsm_rates *r, int ranks)
{
    double chains = (double)c->scan.temperatures_count * (double)c->scan.walkers, tiles = ceil(chains / NNSM_TILE);
    double most = ceil(tiles / ranks), sweeps = (double)(c->scan.sweeps + c->scan.thermalization);
    double scan = sweeps * most * NNSM_TILE / r->sweeps;
    /* Whether the network sees what the model makes. */
    bool below = !c->window.given || c->window.route == NNSM_CONFIG_DECONVOLVE;
    int others = (c->scan.reference && below && data->model_known) +
                 (c->scan.distilled && c->couplings.enabled && (below || c->window.route != NNSM_CONFIG_MASKED));
    double local = others * sweeps * most * NNSM_TILE * nnsm_rates_beside(r->sites);
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
    return scan + local;
}

static void print_plan(const nnsm_config *c, const nnsm_plan_data *data, const nnsm_rates *r, int ranks)
{
    double n = data->configurations, sites = (double)r->sites;
    generation g = plan_generation(c, data->lattice.sites, r, ranks);
    int trainers = ranks < (int)c->train.shards_per_batch ? ranks : (int)c->train.shards_per_batch;
    double slowest = ceil((double)c->train.shards_per_batch / trainers) / (double)c->train.shards_per_batch;
    double train = n * (1 - c->train.validation) * (double)c->train.epochs * slowest *
                   (r->hessians / r->hessian + (1 - r->hessians) / r->gradient);
    double units = 0;
    int groups = c->trust.networks > 1 ? nnsm_members_at_once(c, (size_t)c->trust.networks - 1, ranks, &units) : 1;
    double members = units * train / slowest; /* of which one is a training on one rank */
    double kept = memory_of_data(c, n, sites, g.ranks, trainers) + (groups > 1 ? n * sites * 1e-6 * groups / ranks : 0);
    double memory = (c->run.scratch[0] ? 0 : kept) +
                    fmax(memory_of_training(c, r, trainers), memory_of_scan(c, r, sites, ranks)) + 60;
    (void)printf("plan for %d ranks of %s\n", ranks, c->run.name);
    (void)printf("  network    %zu sites, %zu parameters in use\n", r->sites, r->parameters);
    if (nnsm_reach_wanted(c))
        (void)printf("  reach      chosen from the ensemble when that is made; planned with nearest neighbours\n");
    print_generation(c, data, &g, ranks, train / (double)c->train.epochs);
    (void)printf("  train      %lld epochs, %lld shards a batch on %d of %d ranks: %.1f s\n",
                 (long long)c->train.epochs, (long long)c->train.shards_per_batch, trainers, ranks, train);
    if (trainers < ranks)
        (void)printf("             %d ranks idle in training; raise train.shards_per_batch\n", ranks - trainers);
    if (c->trust.networks > 1)
        (void)printf("  trust      %lld networks more, %d at a time: %.1f s\n", (long long)c->trust.networks - 1,
                     groups, members);
    double scan = print_scan(c, data, r, ranks);
    (void)printf("  memory     about %.0f MB a rank\n", memory);
    if (c->run.scratch[0])
        (void)printf("  scratch    about %.0f MB a rank in %s\n", kept, c->run.scratch);
    (void)printf(
        "  time       about %.0f s and that of couplings and files, if every rank has a core of its own (rates "
        "measured here, now)\n",
        g.seconds + train + members + scan);
    (void)printf("  files      %s/%s.{ensemble,network,results}.h5\n", c->run.output, c->run.name);
}

nnsm_status nnsm_command_check(const nnsm_config *config, int ranks, nnsm_error *error)
{
    nnsm_plan_data data;
    nnsm_rates rates;
    const nnsm_config *c = config;
    if (!c->generate.given && !c->ensemble.given) {
        (void)printf("%s is valid; it has no data, and without a training there is nothing to plan\n", c->run.name);
        return NNSM_OK;
    }
    if (c->window.given && c->window.data == NNSM_CONFIG_WINDOWS) {
        (void)printf("%s is valid; of data that are windows already no plan is made\n", c->run.name);
        return NNSM_OK;
    }
    nnsm_status status = find_data(c, &data, error);
    if (!status && !data.lattice.sites)
        (void)printf("%s is valid; the plan depends on %s, which is not there yet\n", c->run.name, c->ensemble.file);
    else if (!status) {
        status = nnsm_rates_measure(c, &data, &rates, error);
        if (!status)
            print_plan(c, &data, &rates, ranks);
    }
    nnsm_lattice_destroy(&data.lattice);
    return status;
}
