/* train.c: generation and training, together or one after the other. */
#include "stage/train.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/trainer.h"

/* ---- generate only */

nnsm_status nnsm_stage_generate(nnsm_run *run, nnsm_error *error)
{
    nnsm_source source;
    nnsm_summary summary;
    nnsm_run_begin(run, NNSM_STAGE_GENERATE);
    nnsm_status status = nnsm_source_create(&source, run, run->world, error);
    if (!status) {
        for (size_t k = 0; k < source.snapshots; k++)
            for (size_t t = 0; t < source.own; t++)
                (void)nnsm_source_chunk(&source, k * source.tiles + source.first_tile + t);
        double since = nnsm_seconds();
        NNSM_MPI(MPI_Barrier(run->world));
        nnsm_run_waited(run, NNSM_STAGE_GENERATE, since);
        status = nnsm_source_finish(&source, &summary, error);
    }
    if (!status)
        nnsm_summary_report(run, &summary);
    nnsm_source_destroy(&source);
    nnsm_run_end(run, NNSM_STAGE_GENERATE);
    return status;
}

/* ---- train on a file */

/* E and m of all configurations, read in blocks by rank 0. */
static nnsm_status summarise_file(nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header, nnsm_summary *summary,
                                  nnsm_error *error)
{
    enum { BLOCK = 1024 };
    double *energy = NULL, *magnetization = NULL;
    int8_t *rows = NULL;
    size_t n = header->configurations, sites = header->sites;
    nnsm_status status = NNSM_NEW(&energy, n, "ensemble energies", error);
    if (!status)
        status = NNSM_NEW(&magnetization, n, "ensemble energies", error);
    if (!status)
        status = NNSM_NEW(&rows, BLOCK * sites, "ensemble energies", error);
    for (size_t first = 0; first < n && !status; first += BLOCK) {
        size_t count = n - first < BLOCK ? n - first : BLOCK;
        nnsm_ensemble_read_rows(h5, header, first, count, rows);
        status = h5->status;
        for (size_t i = 0; i < count && !status; i++) {
            if (run->model_known)
                energy[first + i] = nnsm_ising_energy(&run->model, rows + i * sites) / (double)sites;
            magnetization[first + i] = nnsm_magnetization(&run->lattice, rows + i * sites);
        }
    }
    if (!status)
        status =
            nnsm_summarise(run, energy, magnetization, n, (size_t)header->chains, header->temperature, summary, error);
    nnsm_release(energy);
    nnsm_release(magnetization);
    nnsm_release(rows);
    return status;
}

static nnsm_status adopt_header(nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header, nnsm_error *error)
{
    const nnsm_config *c = run->config;
    if (run->model_known) {
        if (header->dimensions != run->lattice.dimensions ||
            memcmp(header->extent, run->lattice.extent, sizeof header->extent) != 0)
            return nnsm_h5_fail(h5, "its lattice is not the one of system.lattice in the configuration");
    } else if (nnsm_lattice_create(&run->lattice, header->dimensions, header->extent, c->system.boundary == 0, error))
        return h5->status = NNSM_DATA;
    size_t training = header->configurations - (size_t)(c->train.validation * (double)header->configurations);
    if (training < (size_t)c->train.batch)
        return nnsm_h5_fail(h5, "%zu configurations to train on are fewer than train.batch = %lld; lower train.batch",
                            training, (long long)c->train.batch);
    return NNSM_OK;
}

static nnsm_status open_ensemble(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_summary *summary,
                                 nnsm_error *error)
{
    char own[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_ENSEMBLE, own);
    const char *path = run->config->ensemble.given ? run->config->ensemble.file : own;
    nnsm_status status = nnsm_h5_open(h5, path, NNSM_H5_CHECK, NULL, error);
    if (!status) {
        nnsm_ensemble_read_header(h5, header);
        status = h5->status;
    }
    if (!status)
        status = adopt_header(run, h5, header, error);
    status = nnsm_agree(run->world, status, error);
    if (!status && run->rank == 0)
        status = summarise_file(run, h5, header, summary, error);
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(summary, (int)sizeof *summary, MPI_BYTE, 0, run->world));
    return status;
}

nnsm_status nnsm_stage_train(nnsm_run *run, nnsm_trained *trained, nnsm_error *error)
{
    const nnsm_config *c = run->config;
    nnsm_h5 h5;
    nnsm_ensemble_header header;
    nnsm_pool pool = {0};
    nnsm_trainer trainer = {.comm = MPI_COMM_NULL};
    *trained = (nnsm_trained){0};
    nnsm_feed feed = {
        .run = run, .pool = &pool, .file = &h5, .header = &header, .trainers = run->ranks, .me = run->rank};
    nnsm_run_begin(run, NNSM_STAGE_TRAIN);
    nnsm_status status = open_ensemble(run, &h5, &header, &trained->summary, error);
    if (!status) {
        nnsm_summary_report(run, &trained->summary);
        nnsm_partition partition = nnsm_partition_make(header.configurations, c->train.validation,
                                                       (size_t)c->train.batch, (size_t)c->train.shards_per_batch);
        feed.limit = header.configurations;
        status = nnsm_pool_create(&pool, &partition, header.sites, run->rank, run->ranks, error);
        if (!status)
            status = NNSM_NEW(&feed.buffer, NNSM_CHUNK * header.sites, "training data", error);
        status = nnsm_agree(run->world, status, error);
    }
    if (!status)
        status = nnsm_trained_create(run, header.temperature, trained, error);
    if (!status)
        status = nnsm_trainer_create(&trainer, run, trained->made, &trained->history, &pool, &feed, run->world, error);
    if (!status)
        status = nnsm_trainer_epochs(&trainer, (size_t)c->train.epochs, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_trained_conclude(run, trained, error);
    (void)nnsm_h5_finish(&h5);
    nnsm_release(feed.buffer);
    if (trainer.run)
        nnsm_trainer_destroy(&trainer);
    nnsm_pool_destroy(&pool);
    nnsm_run_end(run, NNSM_STAGE_TRAIN);
    return status;
}

/* ---- generate and train together */

int nnsm_choose_generators(const nnsm_config *config, size_t sites, int ranks)
{
    const nnsm_config *c = config;
    if (ranks == 1 || c->teams.generators)
        return ranks == 1 ? 0 : (int)c->teams.generators;
    /* Rates measured on 16 x 16: 0.5 flips/ns, 5.4e-11 s a parameter in use and configuration trained. The choice is
     * part of no result, only of the time. */
    double n = (double)sites, parameters = 0.5 * n * n * c->network.direct, below = n;
    for (int l = 0; l < c->network.layers; l++) {
        parameters += 0.5 * below * c->network.hidden[l];
        below = c->network.hidden[l];
    }
    parameters += c->network.layers ? 0.5 * below * n : 0;
    double generate = n * 2e-9 *
                      ((double)c->generate.configurations * (double)c->generate.interval +
                       (double)c->generate.chains * (double)c->generate.thermalization);
    double train = (double)c->generate.configurations * parameters * 5.4e-11;
    int chosen = (int)lround(ranks * generate / (generate + train));
    return chosen < 1 ? 1 : chosen > ranks - 1 ? ranks - 1 : chosen;
}

typedef struct {
    nnsm_run *run;
    nnsm_trained *trained;
    nnsm_partition partition;
    int trainers, generators; /* ranks of the first part; generators = 0: every rank plays both parts in turn */
    bool generates, trains;
    uint64_t limit;       /* configurations that training will see */
    MPI_Comm group, link; /* my team; all ranks, for chunks */
    nnsm_source source;
    nnsm_pool pool;
    nnsm_feed feed;
    nnsm_trainer trainer;
} team;

static void split_teams(team *t)
{
    nnsm_run *run = t->run;
    const nnsm_config *c = run->config;
    t->generators = nnsm_choose_generators(c, run->lattice.sites, run->ranks);
    t->trainers = run->ranks - t->generators;
    t->trains = run->rank < t->trainers;
    t->generates = !t->trains || !t->generators;
    NNSM_MPI(MPI_Comm_dup(run->world, &t->link));
    NNSM_MPI(MPI_Comm_split(run->world, t->trains, run->rank, &t->group));
    t->partition = nnsm_partition_make((size_t)c->generate.configurations, c->train.validation, (size_t)c->train.batch,
                                       (size_t)c->train.shards_per_batch);
    t->limit = t->partition.configurations;
    if (c->train.data == NNSM_CONFIG_STREAM)
        t->limit = t->partition.validation + (uint64_t)c->train.epochs * t->partition.training;
    if (t->generators)
        nnsm_say(&run->log, "teams: %d trainers, and %d generators that join them when the ensemble is made",
                 t->trainers, t->generators);
}

/* Memory and objects of this rank's part; nothing after this can fail on one rank alone until the files are written. */
static nnsm_status prepare(team *t, nnsm_error *error)
{
    nnsm_run *run = t->run;
    size_t sites = run->lattice.sites;
    nnsm_status status = NNSM_OK;
    if (t->generates)
        status = nnsm_source_create(&t->source, run, t->group, error);
    if (!status && t->trains)
        status = nnsm_pool_create(&t->pool, &t->partition, sites, run->rank, t->trainers, error);
    t->feed = (nnsm_feed){.run = run,
                          .pool = &t->pool,
                          .link = t->link,
                          .trainers = t->trainers,
                          .generators = t->generators,
                          .me = run->rank,
                          .limit = t->limit,
                          .source = t->generates ? &t->source : NULL,
                          .tiles = (size_t)run->config->generate.chains / NNSM_CHUNK};
    if (!status)
        status = NNSM_NEW(&t->feed.buffer, NNSM_CHUNK * sites, "training data", error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_trained_create(run, run->config->generate.temperature, t->trained, error);
    if (!status && t->trains)
        status = nnsm_trainer_create(&t->trainer, run, t->trained->made, &t->trained->history, &t->pool, &t->feed,
                                     t->group, error);
    return nnsm_agree(run->world, status, error);
}

static nnsm_status finish_ensemble(team *t, nnsm_error *error)
{
    nnsm_status status = nnsm_source_finish(&t->source, &t->trained->summary, error);
    nnsm_run_end(t->run, NNSM_STAGE_GENERATE);
    return status;
}

/* The first part: generators make chunks and the ensemble file, trainers train on what arrives. */
static nnsm_status first_part(team *t, size_t epochs, nnsm_error *error)
{
    nnsm_run *run = t->run;
    nnsm_status status = NNSM_OK;
    bool stream = run->config->train.data == NNSM_CONFIG_STREAM;
    bool in_turn_stream = stream && !t->generators; /* chunks are made one by one as training asks for them */
    if (t->generators && t->generates) {
        nnsm_run_begin(run, NNSM_STAGE_GENERATE);
        status = nnsm_feed_send_all(&t->source, &t->partition, t->link, t->trainers, t->limit, error);
    } else if (t->generators)
        status = nnsm_agree(t->link, NNSM_OK, error); /* the other side of nnsm_feed_send_all */
    else if (!stream) {                               /* in turn: the whole ensemble first */
        nnsm_run_begin(run, NNSM_STAGE_GENERATE);
        status = nnsm_feed_take(&t->feed, t->partition.configurations, error);
    }
    if (!status && t->generates && !in_turn_stream)
        status = finish_ensemble(t, error);
    if (!status && t->trains) {
        nnsm_run_begin(run, NNSM_STAGE_TRAIN);
        status = nnsm_trainer_epochs(&t->trainer, epochs, error);
        nnsm_error ignored; /* after a divergence the generators must still get rid of their chunks */
        if (t->generators)
            (void)nnsm_feed_take(&t->feed, t->limit, &ignored);
    }
    if (!status && in_turn_stream)
        status = finish_ensemble(t, error);
    double since = nnsm_seconds();
    status = nnsm_agree(run->world, status, error);
    nnsm_run_waited(run, t->trains ? NNSM_STAGE_TRAIN : NNSM_STAGE_GENERATE, since);
    int root = t->trainers % run->ranks; /* the first generator */
    NNSM_MPI(MPI_Bcast(&t->trained->summary, (int)sizeof t->trained->summary, MPI_BYTE, root, run->world));
    return status;
}

/* The second part: all ranks train on the pieces that the first trainers collected. */
static nnsm_status second_part(team *t, nnsm_error *error)
{
    nnsm_run *run = t->run;
    nnsm_pool pool;
    nnsm_trainer trainer = {.comm = MPI_COMM_NULL};
    if (!t->trains)
        nnsm_run_begin(run, NNSM_STAGE_TRAIN);
    nnsm_status status = nnsm_pool_create(&pool, &t->partition, run->lattice.sites, run->rank, run->ranks, error);
    status = nnsm_agree(run->world, status, error);
    if (!status) {
        nnsm_pool_move(&t->pool, t->trainers, &pool, run->ranks, run->world);
        status =
            nnsm_trainer_create(&trainer, run, t->trained->made, &t->trained->history, &pool, NULL, run->world, error);
    }
    if (!status) {
        nnsm_trainer_continue(&trainer, t->trains ? &t->trainer : NULL, run->world);
        status = nnsm_trainer_epochs(&trainer, (size_t)run->config->train.epochs, error);
    }
    double since = nnsm_seconds();
    status = nnsm_agree(run->world, status, error);
    nnsm_run_waited(run, NNSM_STAGE_TRAIN, since);
    if (trainer.run)
        nnsm_trainer_destroy(&trainer);
    nnsm_pool_destroy(&pool);
    return status;
}

nnsm_status nnsm_stage_generate_and_train(nnsm_run *run, nnsm_trained *trained, nnsm_error *error)
{
    size_t epochs = (size_t)run->config->train.epochs;
    bool stream = run->config->train.data == NNSM_CONFIG_STREAM;
    *trained = (nnsm_trained){0};
    team t = {.run = run, .trained = trained, .trainer = {.comm = MPI_COMM_NULL}};
    if (run->config->teams.generators >= run->ranks && run->ranks > 1)
        return nnsm_fail(error, NNSM_USAGE, "teams.generators = %lld leaves none of %d ranks to train; lower it",
                         (long long)run->config->teams.generators, run->ranks);
    split_teams(&t);
    nnsm_status status = prepare(&t, error);
    /* A fixed ensemble is complete after the first epoch, and the generators are free to train; a stream never ends. */
    if (!status)
        status = first_part(&t, stream || !t.generators ? epochs : 1, error);
    if (!status)
        nnsm_summary_report(run, &trained->summary);
    if (!status && !stream && t.generators && epochs > 1)
        status = second_part(&t, error);
    if (!status)
        status = nnsm_trained_conclude(run, trained, error);
    nnsm_run_end(run, NNSM_STAGE_TRAIN);
    if (t.trainer.run)
        nnsm_trainer_destroy(&t.trainer);
    nnsm_release(t.feed.buffer);
    nnsm_pool_destroy(&t.pool);
    nnsm_source_destroy(&t.source);
    NNSM_MPI(MPI_Comm_free(&t.group));
    NNSM_MPI(MPI_Comm_free(&t.link));
    return status;
}
