/* bench_prepare.c: from a configuration to things that can be measured, by the stages of a run. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/timer.h"
#include "io/ensemble_cut.h"
#include "io/probe.h"
#include "setup/agree.h"
#include "stage/bench.h"
#include "stage/checkpoint.h"
#include "stage/shard_rate.h"
#include "stage/train.h"
#include "stage/window.h"

/* ---- a small run */

/* Smaller numbers where they change the time before the first round and nothing that is measured. */
enum {
    MOST_CONFIGURATIONS = 16384,
    MOST_BYTES = 32 << 20,
    MOST_CHAINS = 256,
    MOST_THERMALIZATION = 300,
    MOST_INTERVAL = 10,
    MOST_SCAN_THERMALIZATION = 64,
    MOST_SAMPLES = 4096,
    EPOCHS = 1024
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void shrink(nnsm_bench *b)
{
    nnsm_config *c = &b->config;
    *c = *b->asked;
    (void)snprintf(c->run.name, sizeof c->run.name, "%.500s.bench", b->asked->run.name);
    c->run.time_limit = 0;
    c->generate.chains = (int)least(c->generate.chains, MOST_CHAINS);
    c->generate.thermalization = least(c->generate.thermalization, MOST_THERMALIZATION);
    c->generate.interval = least(c->generate.interval, MOST_INTERVAL);
    c->train.data = NNSM_CONFIG_FIXED;
    c->train.epochs = EPOCHS;
    c->train.schedule = NNSM_CONFIG_CONSTANT;
    c->train.validation = 0;
    c->train.patience = 0;
    c->scan.thermalization = least(c->scan.thermalization, MOST_SCAN_THERMALIZATION);
    c->couplings.samples = least(c->couplings.samples, MOST_SAMPLES);
    c->trust.networks = 1;
    c->trust.compare[0] = '\0';
    b->run->config = c;
}

/* Of the gradient, with a network that is thrown away. */
static nnsm_status guess_rate(nnsm_bench *b, double *rate, nnsm_error *error)
{
    const nnsm_config *c = &b->config;
    nnsm_network network = {0};
    nnsm_learner learner = {0};
    nnsm_status status =
        nnsm_network_create(&network, c, 1, nnsm_reach_of(c, &(nnsm_reach_choice){0}), &b->run->lattice,
                            &b->run->alphabet, nnsm_windowing_masked(&b->run->windowing), 1, error);
    if (!status)
        status = nnsm_learner_create(&learner, &network, c, 1e6, error);
    if (!status)
        status = nnsm_shard_rate(&learner, NNSM_VECTOR_GRADIENT, 0, rate, error);
    nnsm_learner_destroy(&learner);
    nnsm_network_destroy(&network);
    return status;
}

/* An epoch is the least that a trainer can be asked for: it is to take a thirtieth of the time, a part's share of a
 * round. Lattice and alphabet are known. */
static nnsm_status choose_configurations(nnsm_bench *b, double *wanted, nnsm_error *error)
{
    const nnsm_config *c = &b->config;
    double rate = 1e5, most = fmin(MOST_CONFIGURATIONS, MOST_BYTES / (double)b->run->lattice.sites);
    nnsm_status status = c->window.given ? NNSM_OK : guess_rate(b, &rate, error);
    status = nnsm_agree(b->run->world, status, error);
    NNSM_MPI(MPI_Bcast(&rate, 1, MPI_DOUBLE, 0, b->run->world));
    *wanted = fmax(fmin(rate * (double)b->run->ranks * b->seconds / 100, most), 2. * (double)c->train.batch);
    return status;
}

/* ---- data */

static nnsm_status make_generator(nnsm_bench *b, nnsm_error *error)
{
    const nnsm_config *c = &b->config;
    nnsm_model_parameters parameters = nnsm_run_parameters(c);
    nnsm_status status =
        nnsm_lattice_create(&b->lattice, c->system.dimensions, c->system.lattice, c->system.boundary == 0, error);
    if (!status)
        status = nnsm_model_create(&b->model, &b->lattice, &parameters, error);
    if (!status)
        status = nnsm_generator_create_model(&b->generator, &b->model, c->generate.temperature,
                                             (nnsm_algorithm)c->generate.algorithm, b->run->key,
                                             NNSM_GENERATOR_CHAINS * (uint32_t)b->run->rank, error);
    if (!status)
        nnsm_generator_advance(b->generator, (uint32_t)c->generate.thermalization);
    return status;
}

static nnsm_status make_ensemble(nnsm_bench *b, nnsm_error *error)
{
    nnsm_run *run = b->run;
    nnsm_config *c = &b->config;
    double wanted;
    nnsm_status status = choose_configurations(b, &wanted, error);
    if (status)
        return status;
    wanted = fmax(wanted, 4. * (double)c->generate.chains);
    c->generate.configurations = (int64_t)fmin(wanted, (double)c->generate.configurations);
    status = nnsm_agree(run->world, make_generator(b, error), error);
    if (status)
        return status;
    nnsm_layout layout = nnsm_layout_make(c, 0, run->ranks);
    status = nnsm_source_create(&b->source, run, &layout, run->world, error);
    while (!status && b->source.made < layout.snapshots)
        nnsm_source_advance(&b->source);
    if (!status)
        status = nnsm_source_finish(&b->source, &b->trained.summary, &run->ensemble, error);
    if (c->window.given) /* which may replace the model that its generators have */
        nnsm_source_destroy(&b->source);
    return status;
}

/* About so many of the configurations of the user's file become the benchmark's file. */
static nnsm_status cut(nnsm_bench *b, double count, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_status status = NNSM_OK;
    nnsm_run_path(b->run, NNSM_FILE_ENSEMBLE, path);
    if (strlen(path) >= sizeof b->config.ensemble.file)
        status = nnsm_fail(error, NNSM_USAGE, "run.output and run.name are too long for a benchmark");
    else if (b->run->rank == 0)
        status = nnsm_ensemble_cut(b->asked->ensemble.file, path, (size_t)count, &b->in_file, error);
    (void)snprintf(b->config.ensemble.file, sizeof b->config.ensemble.file, "%.*s",
                   (int)sizeof b->config.ensemble.file - 1, path);
    return nnsm_agree(b->run->world, status, error);
}

/* As much of the user's file as is wanted; a few configurations tell of what. */
static nnsm_status cut_ensemble(nnsm_bench *b, nnsm_error *error)
{
    nnsm_pool pool = {0};
    nnsm_summary summary;
    nnsm_evidence evidence;
    nnsm_status status = NNSM_OK;
    double wanted;
    if (!b->config.ensemble.given)
        return nnsm_fail(error, NNSM_USAGE,
                         "a benchmark trains a network: add generate or ensemble to the configuration");
    if (b->run->rank == 0)
        status = nnsm_probe(b->asked->ensemble.file, NULL, error);
    status = nnsm_agree(b->run->world, status, error);
    if (!status && b->config.window.given) /* which are laid once */
        return cut(b, MOST_CONFIGURATIONS, error);
    if (!status)
        status = cut(b, 2. * (double)b->config.train.batch, error);
    if (!status)
        status = nnsm_pool_load(b->run, &pool, &summary, &evidence, error);
    nnsm_pool_destroy(&pool);
    if (!status)
        status = choose_configurations(b, &wanted, error);
    return status ? status : cut(b, wanted, error);
}

/* ---- training */

static nnsm_request wish(void *context)
{
    nnsm_bench *b = context;
    nnsm_request request = nnsm_stop_poll(&b->run->stop, NNSM_VOTE_TRAIN);
    return request == NNSM_CHECKPOINT ? NNSM_GO_ON : request;
}

static nnsm_status pause_training(void *context, nnsm_request request, nnsm_error *error)
{
    nnsm_bench *b = context;
    return nnsm_checkpoint_stop(b->run, request, error);
}

static nnsm_status make_trainer(nnsm_bench *b, nnsm_error *error)
{
    nnsm_run *run = b->run;
    nnsm_trainer_team team = {.context = b, .wish = wish, .pause = pause_training};
    nnsm_status status = nnsm_trained_create(run, 0, b->trained.summary.temperature, &b->trained, error);
    if (status)
        return status;
    status = nnsm_training_create(&b->training, run, 0, &b->trained, b->pool.partition.training, error);
    size_t rows = nnsm_partition_shard_rows(&b->pool.partition);
    if (!status)
        status = NNSM_NEW(&b->rows, rows * run->lattice.sites, "benchmark", error);
    if (!status)
        status = NNSM_NEW(&b->sums, nnsm_learner_most_sums(&b->training.learner), "benchmark", error);
    for (size_t s = 0; s < b->pool.partition.shards && !status; s++)
        if (b->pool.piece[s])
            memcpy(b->rows, b->pool.piece[s], rows * run->lattice.sites);
    status = nnsm_agree(run->world, status, error);
    return status ? status
                  : nnsm_trainer_create(&b->trainer, run, &b->training, &b->pool, NULL, &team, run->world, error);
}

/* Train for a while: scans are measured under a Hamiltonian that has learned something, and a frontier network reaches
 * its last phase; sums with Hessians are a part of their own. Then steps that change nothing, so that the Hamiltonian
 * stays what it is while training is measured. */
static nnsm_status warm_up(nnsm_bench *b, nnsm_error *error)
{
    nnsm_learner *l = &b->training.learner;
    double begun = nnsm_seconds();
    bool dense = b->trained.network.dense != NULL;
    nnsm_status status = NNSM_OK;
    l->draws = fmin(l->draws, 65536);
    for (int again = 1; again && !status;) {
        status = nnsm_trainer_epochs(&b->trainer, b->training.epoch + 1, error);
        again = (nnsm_seconds() - begun < b->seconds / 10 || (!dense && l->phase != NNSM_PHASE_AVERAGE)) &&
                b->training.epoch + 2 < EPOCHS;
        NNSM_MPI(MPI_Bcast(&again, 1, MPI_INT, 0, b->run->world));
    }
    b->config.train.learning_rate = 0;
    l->gathered = dense ? l->gathered : UINT64_C(1) << 60;
    return status;
}

/* ---- scan */

static nnsm_status make_learned_tile(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_learned_tile_create(tile, hamiltonian, error);
}

static nnsm_status make_screened_tile(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_learned_screened_tile_create(tile, hamiltonian, error);
}

/* One tile at T0, whose surrogate is what the couplings stage reads off the network. */
static nnsm_status make_sampler(nnsm_bench *b, nnsm_error *error)
{
    nnsm_tile hamiltonian = {0};
    double beta = 1 / b->trained.summary.temperature;
    if (!b->couplings.present)
        return NNSM_OK;
    nnsm_status status = nnsm_learned_tile_create(&hamiltonian, b->learned, error);
    if (!status)
        status = nnsm_self_learning_create(&b->sampler, &b->couplings.projected, b->couplings.error, 1, &beta,
                                           &hamiltonian, error);
    nnsm_tile_destroy(&hamiltonian);
    if (!status && nnsm_self_learning_kind(b->sampler) == NNSM_NO_PROPOSALS) {
        nnsm_self_learning_destroy(b->sampler);
        b->sampler = NULL;
    }
    if (!status && b->sampler)
        status = nnsm_self_learning_tile_create(&b->proposals, b->sampler, error);
    return status;
}

/* One tile of flips as a scan of these temperatures makes them where it screens them. */
static nnsm_status make_screened(nnsm_bench *b, nnsm_error *error)
{
    const nnsm_config *c = &b->config;
    if (!nnsm_screening_possible(b->run, &b->trained.network, &b->couplings))
        return NNSM_OK;
    nnsm_status status = nnsm_screening_create(&b->screening, b->run, &b->couplings, (size_t)c->scan.temperatures_count,
                                               c->scan.temperatures, 1, error);
    if (status || !b->screening.tile)
        return status;
    status = make_screened_tile(&b->screened, b->learned, error);
    if (!status)
        b->screened.methods->load(b->screened.state, b->spins);
    if (!status)
        b->screening.tile->methods->load(b->screening.tile->state, b->spins);
    return status;
}

static nnsm_status make_tiles(nnsm_bench *b, nnsm_error *error)
{
    uint32_t stream = NNSM_TILE * (uint32_t)b->run->rank;
    nnsm_status status = nnsm_network_learned(&b->learned, &b->trained.network, error);
    if (!status)
        status = NNSM_NEW(&b->spins, NNSM_TILE * b->run->lattice.sites, "benchmark", error);
    if (!status)
        status = nnsm_learned_tile_create(&b->sample, b->learned, error);
    if (!status)
        status = nnsm_learned_tile_create(&b->flips, b->learned, error);
    if (!status) {
        nnsm_learned_sample(&b->sample, b->run->key, stream, b->spins);
        b->flips.methods->load(b->flips.state, b->spins);
    }
    return nnsm_agree(b->run->world, status, error);
}

static nnsm_status make_chains(nnsm_bench *b, nnsm_error *error)
{
    const nnsm_config *c = &b->config;
    bool self = c->scan.sampler == NNSM_CONFIG_SELF_LEARNING && b->sampler && !nnsm_move_list_stated(b->run);
    nnsm_proposer proposer = {&b->couplings.projected, b->couplings.error, true, false};
    bool possible = nnsm_screening_possible(b->run, &b->trained.network, &b->couplings);
    nnsm_screen screen = {possible ? &b->couplings : NULL, make_screened_tile};
    nnsm_status status =
        nnsm_chains_create(&b->chains, b->run, (size_t)c->scan.temperatures_count, c->scan.temperatures, 0,
                           make_learned_tile, b->learned, self ? &proposer : NULL, &screen, error);
    if (!status && c->scan.regenerate)
        status = nnsm_agree(b->run->world, nnsm_chains_regenerate(&b->chains, b->learned, error), error);
    if (status)
        return status;
    nnsm_chains_start(&b->chains, NULL, &b->sample, 0);
    return NNSM_OK;
}

static nnsm_status make_scan(nnsm_bench *b, nnsm_error *error)
{
    const nnsm_members none = {0};
    nnsm_status status = make_tiles(b, error);
    if (!status)
        status = nnsm_stage_couplings(b->run, b->learned, &b->trained, &none, &b->couplings, error);
    if (!status)
        status = nnsm_agree(b->run->world, make_sampler(b, error), error);
    if (!status)
        status = nnsm_agree(b->run->world, make_screened(b, error), error);
    if (!status && b->sampler)
        b->proposals.methods->load(b->proposals.state, b->spins);
    return status ? status : make_chains(b, error);
}

/* ---- all */

static void remove_files(const nnsm_run *run)
{
    char path[NNSM_RUN_PATH];
    for (int f = NNSM_FILE_ENSEMBLE; f <= NNSM_FILE_LAST_GOOD; f++) {
        nnsm_run_path(run, (nnsm_file)f, path);
        (void)unlink(path);
    }
}

nnsm_status nnsm_bench_prepare(nnsm_bench *bench, nnsm_error *error)
{
    nnsm_bench *b = bench;
    nnsm_run *run = b->run;
    nnsm_evidence evidence;
    shrink(b);
    if (run->rank == 0) /* of a benchmark that was killed */
        remove_files(run);
    nnsm_status status = b->config.generate.given ? make_ensemble(b, error) : cut_ensemble(b, error);
    if (!status)
        status = nnsm_stage_window(run, error);
    if (!status)
        status = nnsm_pool_load(run, &b->pool, &b->trained.summary, &evidence, error);
    if (!status)
        status = make_trainer(b, error);
    if (!status)
        status = warm_up(b, error);
    return status ? status : make_scan(b, error);
}

void nnsm_bench_release(nnsm_bench *bench)
{
    nnsm_bench *b = bench;
    if (b->run->config == &b->config && b->run->rank == 0)
        remove_files(b->run);
    nnsm_chains_destroy(&b->chains);
    nnsm_tile_destroy(&b->proposals);
    nnsm_self_learning_destroy(b->sampler);
    nnsm_tile_destroy(&b->screened);
    nnsm_screening_destroy(&b->screening);
    nnsm_tile_destroy(&b->flips);
    nnsm_tile_destroy(&b->sample);
    nnsm_couplings_destroy(&b->couplings);
    nnsm_learned_destroy(b->learned);
    nnsm_release(b->spins);
    if (b->trainer.run)
        nnsm_trainer_destroy(&b->trainer);
    nnsm_training_destroy(&b->training);
    nnsm_trained_destroy(&b->trained);
    nnsm_pool_destroy(&b->pool);
    nnsm_release(b->rows);
    nnsm_release(b->sums);
    nnsm_source_destroy(&b->source);
    nnsm_generator_destroy(b->generator);
    nnsm_model_destroy(&b->model);
    nnsm_lattice_destroy(&b->lattice);
    nnsm_peak_destroy(&b->peak);
    b->run->config = b->asked;
}
