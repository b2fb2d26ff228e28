/* bench_stages.c: the parts that are measured, each a call of what the program itself runs. */
#include <math.h>
#include <string.h>

#include "made/operations.h"
#include "nnsm/moves.h"
#include "setup/agree.h"
#include "stage/bench.h"
#include "stage/checkpoint.h"
#include "stage/train.h"

/* ---- calls; context: the bench */

static nnsm_status multiply(void *context, nnsm_error *error)
{
    (void)error;
    nnsm_peak_multiply(&((nnsm_bench *)context)->peak);
    return NNSM_OK;
}

static nnsm_status generate(void *context, nnsm_error *error)
{
    (void)error;
    nnsm_generator_advance(((nnsm_bench *)context)->generator, 1);
    return NNSM_OK;
}

static nnsm_status gradient(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    (void)error;
    (void)nnsm_learner_sum(&b->training.learner, &b->trainer.workspace, b->rows,
                           nnsm_partition_shard_rows(&b->pool.partition), b->sums, NULL);
    return NNSM_OK;
}

static nnsm_status gradient_and_hessian(void *context, nnsm_error *error)
{
    nnsm_learner *l = &((nnsm_bench *)context)->training.learner;
    uint64_t phase = l->phase;
    l->phase = NNSM_PHASE_NEWTON;
    nnsm_status status = gradient(context, error);
    l->phase = phase;
    return status;
}

static nnsm_status train(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    if (b->training.epoch + 2 >= b->training.epochs) /* there is room for so many in the history */
        b->training.epoch = 1;
    return nnsm_trainer_epochs(&b->trainer, b->training.epoch + 1, error);
}

static uint32_t stream(const nnsm_bench *b)
{
    return NNSM_TILE * (uint32_t)b->run->rank;
}

static nnsm_status sample(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    (void)error;
    uint32_t number = b->updates[NNSM_BENCH_ANCESTRAL]++;
    nnsm_learned_sample(&b->sample, b->run->key, NNSM_TILE * (uint32_t)b->run->ranks * number + stream(b), b->spins);
    return NNSM_OK;
}

/* The chains of a tile over the temperatures of the scan. */
static void spread(const nnsm_bench *b, double *beta)
{
    const nnsm_config *c = &b->config;
    for (size_t i = 0; i < NNSM_TILE; i++)
        beta[i] = 1 / c->scan.temperatures[i * (size_t)c->scan.temperatures_count / NNSM_TILE];
}

/* As sweep_tile of chains.c, and so is the next one. */
static nnsm_status flip(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    (void)error;
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    uint32_t sweep = b->updates[NNSM_BENCH_SINGLE_FLIP]++;
    spread(b, beta);
    nnsm_move_space space = nnsm_move_space_make(&b->run->lattice, b->run->alphabet.count);
    if (b->run->alphabet.count > 2)
        nnsm_move_sweep(&b->flips, &space, NNSM_MOVE_SINGLE, b->run->key, stream(b), sweep, beta, accepted);
    else
        nnsm_metropolis_sweep(&b->flips, b->run->key, stream(b), sweep, beta, accepted);
    if ((sweep + 1) % nnsm_chains_period(&b->run->lattice) == 0)
        b->flips.methods->refresh(b->flips.state);
    return NNSM_OK;
}

static nnsm_status flip_screened(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    (void)error;
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0}, passed[NNSM_TILE] = {0};
    uint32_t sweep = b->updates[NNSM_BENCH_SCREENED_FLIP]++;
    spread(b, beta);
    nnsm_screened_sweep(&b->screened, b->screening.tile, b->run->key, stream(b), sweep, beta, passed, accepted);
    if ((sweep + 1) % nnsm_chains_period(&b->run->lattice) == 0)
        b->screened.methods->refresh(b->screened.state);
    for (size_t i = 0; i < NNSM_TILE; i++)
        b->passed += passed[i];
    b->screened_flips += NNSM_TILE * (int64_t)b->run->lattice.sites;
    return NNSM_OK;
}

static void propose(nnsm_bench *b, nnsm_self_learning_record *record)
{
    const int32_t temperature[NNSM_TILE] = {0};
    nnsm_self_learning_step(&b->proposals, b->run->key, stream(b), b->updates[NNSM_BENCH_SELF_LEARNING]++, temperature,
                            record);
}

static nnsm_status propose_once(void *context, nnsm_error *error)
{
    nnsm_self_learning_record record;
    (void)error;
    propose(context, &record);
    return NNSM_OK;
}

static nnsm_status scan(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    (void)error;
    nnsm_chains_step(&b->chains, UINT32_MAX); /* a period of a long scan, which gathers when there is no more room */
    return NNSM_OK;
}

static nnsm_status write_ensemble(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    nnsm_summary summary;
    return nnsm_source_finish(&b->source, &summary, &b->run->ensemble, error);
}

static nnsm_status read_ensemble(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    nnsm_pool pool = {0};
    nnsm_summary summary;
    nnsm_evidence evidence;
    nnsm_status status = nnsm_pool_load(b->run, &pool, &summary, &evidence, error);
    nnsm_pool_destroy(&pool);
    return status;
}

static nnsm_status write_checkpoint(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    nnsm_state state;
    nnsm_trainer_settle(&b->trainer);
    if (nnsm_checkpoint_begin(b->run, &state, NNSM_AT_TRAIN, nnsm_training_bytes(&b->training)))
        nnsm_training_state(&b->training, &state);
    nnsm_status status = state.status, ended = nnsm_checkpoint_end(b->run, &state, NNSM_CHECKPOINT, error);
    if (!status && b->run->rank == 0) /* of which a run would only warn */
        status = state.h5.status;
    if (status)
        *error = state.error;
    return status ? status : ended;
}

/* ---- the list */

static void add(nnsm_bench *b, nnsm_bench_name name, nnsm_bench_part part, nnsm_bench_count count)
{
    part.context = b;
    b->part[name] = part;
    b->count[name] = count;
}

static void list_kernels(nnsm_bench *b)
{
    double sites = (double)b->run->lattice.sites, tile = NNSM_TILE;
    nnsm_operations gradient_of = {0}, sample_of = {0}, flip_of = {0};
    if (b->trained.network.dense) {
        gradient_of = nnsm_made_gradient_operations(b->trained.network.dense);
        sample_of = nnsm_made_forward_operations(b->trained.network.dense);
        flip_of = nnsm_made_flip_operations(b->trained.network.dense);
    }
    add(b, NNSM_BENCH_PEAK,
        (nnsm_bench_part){.name = "sgemm",
                          .title = "large sgemm",
                          .units = "operations",
                          .work = nnsm_peak_operations(&b->peak),
                          .call = multiply},
        (nnsm_bench_count){1, 1, 1});
    bool wolff = b->config.generate.algorithm == NNSM_CONFIG_WOLFF;
    if (b->generator)
        add(b, NNSM_BENCH_GENERATOR,
            (nnsm_bench_part){.name = "generator",
                              .title = "generator",
                              .units = wolff ? "clusters" : "flip attempts",
                              .work = NNSM_GENERATOR_CHAINS * (wolff ? 1. : (double)b->lattice.sites),
                              .call = generate},
            (nnsm_bench_count){0});
    add(b, NNSM_BENCH_GRADIENT,
        (nnsm_bench_part){.name = "gradient",
                          .title = "gradient of a shard",
                          .units = "configurations",
                          .work = (double)nnsm_partition_shard_rows(&b->pool.partition),
                          .call = gradient},
        (nnsm_bench_count){gradient_of.dense, gradient_of.needed, 1});
    if (b->trained.network.frontier)
        add(b, NNSM_BENCH_HESSIAN,
            (nnsm_bench_part){.name = "hessian",
                              .title = "with its Hessian",
                              .units = "configurations",
                              .work = (double)nnsm_partition_shard_rows(&b->pool.partition),
                              .call = gradient_and_hessian},
            (nnsm_bench_count){0});
    add(b, NNSM_BENCH_ANCESTRAL,
        (nnsm_bench_part){
            .name = "ancestral", .title = "ancestral samples", .units = "configurations", .work = tile, .call = sample},
        (nnsm_bench_count){sample_of.dense, sample_of.needed, 1});
    add(b, NNSM_BENCH_SINGLE_FLIP,
        (nnsm_bench_part){.name = "single_flip",
                          .title = "single-flip scan",
                          .units = "proposals",
                          .work = tile * sites,
                          .call = flip},
        (nnsm_bench_count){flip_of.dense, flip_of.needed, 1});
    if (b->screening.tile) /* operations: after measuring */
        add(b, NNSM_BENCH_SCREENED_FLIP,
            (nnsm_bench_part){.name = "screened_flip",
                              .title = "the same, screened",
                              .units = "proposals",
                              .work = tile * sites,
                              .call = flip_screened},
            (nnsm_bench_count){0});
    if (b->sampler)
        add(b, NNSM_BENCH_SELF_LEARNING,
            (nnsm_bench_part){.name = "self_learning",
                              .title = "self-learning scan",
                              .units = "proposals",
                              .work = tile,
                              .call = propose_once},
            (nnsm_bench_count){0});
}

static void list_stages(nnsm_bench *b)
{
    const nnsm_partition *p = &b->pool.partition;
    double sites = (double)b->run->lattice.sites, bytes = (double)p->configurations * sites;
    int shards = (int)p->shards, ranks = b->run->ranks;
    nnsm_bench_count count = b->count[NNSM_BENCH_GRADIENT];
    count.workers = ranks < shards ? ranks : shards;
    add(b, NNSM_BENCH_TRAINING,
        (nnsm_bench_part){.name = "training",
                          .title = "training, with its steps",
                          .units = "configurations",
                          .work = (double)p->training,
                          .together = true,
                          .call = train},
        count);
    double chains = (double)(b->chains.temperatures * b->chains.walkers);
    add(b, NNSM_BENCH_SCAN,
        (nnsm_bench_part){.name = "scan",
                          .title = b->chains.sampler ? "scan, self-learning" : "scan, single flips",
                          .units = b->chains.sampler ? "proposals" : "sweeps of a chain",
                          .work = chains * nnsm_chains_period(&b->run->lattice),
                          .together = true,
                          .call = scan},
        (nnsm_bench_count){0});
    if (b->source.tile)
        add(b, NNSM_BENCH_ENSEMBLE_WRITE,
            (nnsm_bench_part){.name = "ensemble_write",
                              .title = "ensemble, written",
                              .units = "bytes",
                              .work = bytes,
                              .together = true,
                              .disk = true,
                              .call = write_ensemble},
            (nnsm_bench_count){0});
    add(b, NNSM_BENCH_ENSEMBLE_READ,
        (nnsm_bench_part){.name = "ensemble_read",
                          .title = "ensemble, read",
                          .units = "bytes",
                          .work = bytes,
                          .together = true,
                          .disk = true,
                          .call = read_ensemble},
        (nnsm_bench_count){0});
    add(b, NNSM_BENCH_CHECKPOINT,
        (nnsm_bench_part){.name = "checkpoint_write",
                          .title = "checkpoint, written",
                          .units = "bytes",
                          .work = (double)nnsm_training_bytes(&b->training),
                          .together = true,
                          .disk = true,
                          .call = write_checkpoint},
        (nnsm_bench_count){0});
}

/* ---- measuring */

nnsm_status nnsm_bench_pause(void *context, nnsm_error *error)
{
    nnsm_bench *b = context;
    nnsm_request request = nnsm_stop_vote(&b->run->stop, NNSM_VOTE_BENCH, b->run->world);
    return request > NNSM_CHECKPOINT ? nnsm_checkpoint_stop(b->run, request, error) : NNSM_OK;
}

/* After the rounds, since reading the chains costs time: tau of |m| at T0 in proposals, and their acceptance. */
static nnsm_status find_tau(nnsm_bench *b, nnsm_error *error)
{
    nnsm_series *series[NNSM_TILE] = {NULL};
    nnsm_self_learning_record record;
    size_t sites = b->run->lattice.sites;
    double steps = fmin(2000, b->seconds / 10 / b->part[NNSM_BENCH_SELF_LEARNING].seconds), accepted = 0, m;
    steps = fmax(steps, 64);
    nnsm_status status = NNSM_OK;
    for (size_t i = 0; i < NNSM_TILE && !status; i++)
        status = nnsm_series_create(&series[i], 1, error);
    for (int s = 0; s < (int)steps && !status; s++) {
        propose(b, &record);
        b->proposals.methods->read(b->proposals.state, b->spins);
        for (size_t i = 0; i < NNSM_TILE; i++) {
            m = fabs(nnsm_run_magnetization(b->run, b->spins + i * sites));
            nnsm_series_add(series[i], &m);
            accepted += record.accepted[i];
        }
    }
    if (!status) {
        b->tau = nnsm_series_estimate(series, NNSM_TILE, 0).tau;
        b->acceptance = accepted / (NNSM_TILE * floor(steps));
    }
    for (size_t i = 0; i < NNSM_TILE; i++)
        nnsm_series_destroy(series[i]);
    return status;
}

/* Flips for which H was evaluated, of all ranks, and the operations of a proposal that they make. */
static void count_screened(nnsm_bench *b)
{
    int64_t flips[] = {b->passed, b->screened_flips};
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, flips, 2, MPI_INT64_T, MPI_SUM, b->run->world));
    b->evaluated = flips[1] ? (double)flips[0] / (double)flips[1] : NAN;
    nnsm_bench_count *screened = &b->count[NNSM_BENCH_SCREENED_FLIP];
    *screened = b->count[NNSM_BENCH_SINGLE_FLIP];
    screened->dense *= b->evaluated;
    screened->needed *= b->evaluated;
}

nnsm_status nnsm_bench_stages(nnsm_bench *bench, nnsm_error *error)
{
    nnsm_bench *b = bench;
    nnsm_bench_part present[NNSM_BENCH_PARTS];
    int place[NNSM_BENCH_PARTS];
    size_t count = 0;
    b->tau = b->acceptance = b->evaluated = NAN;
    nnsm_status status = nnsm_agree(b->run->world, nnsm_peak_create(&b->peak, b->seconds / 100, error), error);
    if (status)
        return status;
    /* One size, or the slowest rank's time would be that of other operations. */
    NNSM_MPI(MPI_Bcast(&b->peak.size, sizeof b->peak.size, MPI_BYTE, 0, b->run->world));
    list_kernels(b);
    list_stages(b);
    for (int p = 0; p < NNSM_BENCH_PARTS; p++)
        if (b->part[p].call) {
            place[count] = p;
            present[count] = b->part[p];
            present[count++].budget = b->seconds * 0.7 / (NNSM_BENCH_ROUNDS * NNSM_BENCH_PARTS);
        }
    status = nnsm_bench_measure(present, count, b->run->world, nnsm_bench_pause, b, error);
    for (size_t i = 0; i < count; i++)
        b->part[place[i]] = present[i];
    if (!status)
        count_screened(b);
    if (!status && b->sampler)
        status = nnsm_agree(b->run->world, find_tau(b, error), error);
    return status;
}

void nnsm_bench_fractions(const nnsm_bench *bench, nnsm_bench_name name, double *dense, double *needed)
{
    const nnsm_bench_part *part = &bench->part[name], *peak = &bench->part[NNSM_BENCH_PEAK];
    const nnsm_bench_count *count = &bench->count[name];
    *dense = *needed = NAN;
    if (!part->call || name == NNSM_BENCH_PEAK || count->dense <= 0)
        return;
    double share = part->work / count->workers / peak->work / nnsm_bench_ratio(part, peak);
    *dense = count->dense * share;
    *needed = count->needed * share;
}
