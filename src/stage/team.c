/* team.c: generation and training at once.
 *
 * In the first part the last ranks generate and send chunks, the others train on what arrives; one rank alone does
 * both. When the first epoch is done the ensemble is complete, and in the second part all ranks train. (A stream has
 * only a first part. Where it would mostly be waiting for the ensemble, there is none of this: nnsm_generate_first.)
 * Trainers step together and vote between two batches; generators work on their own and do what rank 0 orders: a
 * checkpoint, the ensemble file, the end. They take orders one after the other, so that all ranks call the collective
 * parts in the same sequence. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/generators.h"
#include "stage/train.h"
#include "stage/trainer.h"

typedef struct {
    nnsm_run *run;
    nnsm_trained *trained;
    nnsm_partition partition;
    int trainers, generators; /* ranks of the first part; generators = 0: the one rank plays both parts in turn */
    bool generates, trains, stream;
    uint64_t limit;                /* configurations that training will see */
    MPI_Comm group, link, control; /* my team; all ranks, for chunks; all ranks, for orders and wishes */
    nnsm_layout layout;
    nnsm_ledger ledger;
    nnsm_source source;
    nnsm_sender sender;
    nnsm_pool pool;
    nnsm_feed feed;
    nnsm_training training;
    nnsm_trainer trainer;
    bool told; /* a generator has passed on its wish */
} team;

/* Orders of rank 0 to the generators: a request to save (positive), or one of these. */
enum { NONE = 0, FINISH = -1, END = -2 };
enum { TAG_ORDER = 1, TAG_WISH = 2 };

/* ---- set-up */

static void split_teams(team *t)
{
    nnsm_run *run = t->run;
    const nnsm_config *c = run->config;
    t->generators = nnsm_choose_generators(c, run->lattice.sites, run->ranks);
    t->trainers = run->ranks - t->generators;
    t->trains = run->rank < t->trainers;
    t->generates = !t->trains || !t->generators;
    t->stream = c->train.data == NNSM_CONFIG_STREAM;
    t->layout = nnsm_layout_make(c, t->trainers % run->ranks, t->generators ? t->generators : 1);
    NNSM_MPI(MPI_Comm_dup(run->world, &t->link));
    NNSM_MPI(MPI_Comm_dup(run->world, &t->control));
    NNSM_MPI(MPI_Comm_split(run->world, t->trains, run->rank, &t->group));
    t->partition = nnsm_partition_make((size_t)c->generate.configurations, c->train.validation, (size_t)c->train.batch,
                                       (size_t)c->train.shards_per_batch);
    t->limit = t->partition.configurations;
    if (t->stream)
        t->limit = t->partition.validation + (uint64_t)c->train.epochs * t->partition.training;
    if (t->generators)
        nnsm_say(&run->log, "teams: %d trainers, and %d generators that join them when the ensemble is made",
                 t->trainers, t->generators);
}

static nnsm_status allocate(team *t, nnsm_error *error)
{
    nnsm_run *run = t->run;
    size_t sites = run->lattice.sites;
    nnsm_status status = nnsm_ledger_create(&t->ledger, &t->layout, sites, error);
    if (!status && t->trains)
        status =
            nnsm_pool_create(&t->pool, &t->partition, sites, run->rank, t->trainers, run->config->run.scratch, error);
    t->feed = (nnsm_feed){.run = run,
                          .pool = &t->pool,
                          .source = t->generators ? NULL : &t->source,
                          .layout = t->layout,
                          .link = t->link,
                          .trainers = t->trainers,
                          .me = run->rank,
                          .limit = t->limit};
    if (!status)
        status = NNSM_NEW(&t->feed.buffer, NNSM_RECEIVES * NNSM_CHUNK * sites, "training data", error);
    return nnsm_agree(run->world, status, error);
}

static void keep_chunk(void *context, uint64_t chunk, const int8_t *rows)
{
    team *t = context;
    if (t->trains && chunk < t->feed.next) /* those from there on will be sent again */
        nnsm_pool_store(&t->pool, chunk * NNSM_CHUNK, NNSM_CHUNK, t->limit, rows);
}

/* What both teams had at a checkpoint: the trainers' position, and everything that the generators had made. */
static nnsm_status restore(team *t, nnsm_error *error)
{
    nnsm_run *run = t->run;
    int64_t next = 0;
    nnsm_state state;
    nnsm_status status = nnsm_checkpoint_open(run, &state, error);
    if (status)
        return status;
    if (run->resume.step > 0)
        nnsm_training_state(&t->training, &state);
    if (run->resume.step > 0 || nnsm_state_has(&state, "/pool"))
        nnsm_state_values(&state, "/generate/next", NNSM_H5_INTEGERS, 1, &next);
    if (next < 0 || (uint64_t)next > (t->limit + NNSM_CHUNK - 1) / NNSM_CHUNK) {
        nnsm_state_impossible(&state, "place in the data");
        next = 0;
    }
    t->feed.next = t->sender.next = (uint64_t)next;
    nnsm_source_state(t->generates ? &t->source : NULL, &t->layout, &t->ledger, &state, keep_chunk, t);
    for (uint64_t tile = 0; tile < t->layout.tiles; tile++) /* whose chunks below `next` must have been made */
        if ((int64_t)((t->feed.next + t->layout.tiles - 1 - tile) / t->layout.tiles) > t->ledger.made[tile])
            nnsm_state_impossible(&state, "place in the data");
    if (nnsm_state_has(&state, "/pool"))
        nnsm_pool_state(&t->pool, &t->partition, run->lattice.sites, t->trainers, t->feed.next * NNSM_CHUNK, &state);
    status = nnsm_state_finish(&state, error);
    if (!status)
        status = nnsm_training_check(&t->training, state.h5.path, t->partition.batches, error);
    int64_t made = 0;
    for (size_t tile = 0; tile < t->layout.tiles; tile++)
        made += t->ledger.made[tile] * NNSM_CHUNK;
    if (!status)
        nnsm_say(&run->log, "generate: goes on with %" PRId64 " configurations made, training in epoch %zu, batch %zu",
                 made, (size_t)t->training.epoch + 1, (size_t)t->training.batch + 1);
    return status;
}

static nnsm_request wish(void *context);
static nnsm_status pause_all(void *context, nnsm_request request, nnsm_error *error);
static nnsm_status all_fed(void *context, nnsm_error *error);

/* Memory and objects of this rank's part; nothing after this can fail on one rank alone until the files are written. */
static nnsm_status prepare(team *t, nnsm_error *error)
{
    nnsm_run *run = t->run;
    nnsm_trainer_team hooks = {.context = t, .wish = wish, .pause = pause_all, .fed = all_fed};
    nnsm_status status = allocate(t, error);
    if (!status)
        status = nnsm_trained_create(run, 0, run->config->generate.temperature, t->trained, error);
    if (!status && t->generates)
        status = nnsm_source_create(&t->source, run, &t->layout, t->group, error);
    if (!status && !t->trains)
        status = nnsm_sender_create(&t->sender, &t->source, &t->partition, t->link, t->trainers, t->limit, error);
    if (!status)
        status = nnsm_training_create(&t->training, run, 0, t->trained, t->partition.training, error);
    status = nnsm_agree(run->world, status, error);
    if (!status && run->resume.progress == NNSM_AT_GENERATE)
        status = restore(t, error);
    if (!t->trains && t->training.shard_nll)
        memset(t->training.shard_nll, 0, t->training.shards * sizeof *t->training.shard_nll);
    if (!status && t->trains)
        status = nnsm_trainer_create(&t->trainer, run, &t->training, &t->pool, &t->feed, &hooks, t->group, error);
    return nnsm_agree(run->world, status, error);
}

/* ---- what all ranks do together in the first part */

static nnsm_status save(team *t, nnsm_request request, nnsm_error *error)
{
    nnsm_run *run = t->run;
    nnsm_state state;
    int64_t next = t->trains ? (int64_t)t->feed.next : INT64_MAX;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &next, 1, MPI_INT64_T, MPI_MIN, run->world));
    NNSM_MPI(MPI_Bcast(&run->ensemble, 1, MPI_INT64_T, t->layout.first, run->world));
    if (t->trains)
        nnsm_trainer_settle(&t->trainer);
    if (run->ensemble && !t->stream)
        return nnsm_training_save(&t->training, run, request, error);
    run->resume.step = (int64_t)t->training.step;
    size_t bytes = nnsm_layout_bytes(&t->layout, run->lattice.sites) + nnsm_training_bytes(&t->training);
    if (t->stream)
        bytes += t->partition.configurations * run->lattice.sites;
    if (nnsm_checkpoint_begin(run, &state, NNSM_AT_GENERATE, bytes)) {
        nnsm_training_state(&t->training, &state);
        nnsm_state_values(&state, "/generate/next", NNSM_H5_INTEGERS, 1, &next);
        nnsm_source_state(t->generates ? &t->source : NULL, &t->layout, &t->ledger, &state, NULL, NULL);
        if (t->stream)
            nnsm_pool_state(&t->pool, &t->partition, run->lattice.sites, t->trainers, 0, &state);
    }
    return nnsm_checkpoint_end(run, &state, request, error);
}

static nnsm_status finish_ensemble(team *t, nnsm_error *error)
{
    nnsm_status status = nnsm_source_finish(&t->source, &t->trained->summary, &t->run->ensemble, error);
    if (status)
        t->run->ensemble = 0;
    nnsm_run_end(t->run, NNSM_STAGE_GENERATE);
    return status;
}

/* ---- the trainers' side */

static void order(team *t, int what)
{
    for (int g = 0; t->run->rank == 0 && g < t->generators; g++)
        NNSM_MPI(MPI_Send(&what, 1, MPI_INT, t->layout.first + g, TAG_ORDER, t->control));
}

static nnsm_request wish(void *context)
{
    team *t = context;
    nnsm_request mine = nnsm_stop_poll(&t->run->stop, NNSM_VOTE_TRAIN);
    int here = 0, theirs;
    if (t->run->rank == 0)
        NNSM_MPI_PROMPT(MPI_Iprobe(MPI_ANY_SOURCE, TAG_WISH, t->control, &here, MPI_STATUS_IGNORE));
    if (here) {
        NNSM_MPI(MPI_Recv(&theirs, 1, MPI_INT, MPI_ANY_SOURCE, TAG_WISH, t->control, MPI_STATUS_IGNORE));
        mine = theirs > (int)mine ? (nnsm_request)theirs : mine;
    }
    return mine;
}

static nnsm_status pause_all(void *context, nnsm_request request, nnsm_error *error)
{
    team *t = context;
    order(t, (int)request);
    return save(t, request, error);
}

static nnsm_status all_fed(void *context, nnsm_error *error)
{
    team *t = context;
    order(t, FINISH);
    return t->generators ? NNSM_OK : finish_ensemble(t, error);
}

/* ---- the generators' side */

/* One step of work, if there is any. Run-ahead is bounded by the messages, and in a stream by what is remembered. */
static bool work(team *t)
{
    uint64_t round = (uint64_t)t->layout.tiles * NNSM_CHUNK, rounds = (t->limit + round - 1) / round;
    bool sent = false;
    while (nnsm_sender_progress(&t->sender))
        sent = true;
    if (t->source.made < rounds && (!t->stream || t->source.made <= t->sender.next / t->layout.tiles + 1)) {
        nnsm_source_advance(&t->source);
        return true;
    }
    return sent;
}

static int receive_order(team *t)
{
    int here, what = NONE;
    NNSM_MPI_PROMPT(MPI_Iprobe(0, TAG_ORDER, t->control, &here, MPI_STATUS_IGNORE));
    if (here)
        NNSM_MPI(MPI_Recv(&what, 1, MPI_INT, 0, TAG_ORDER, t->control, MPI_STATUS_IGNORE));
    return what;
}

static void pass_wish_on(team *t)
{
    int mine = (int)nnsm_stop_poll(&t->run->stop, NNSM_VOTE_GENERATE);
    if (t->told || mine == NNSM_GO_ON)
        return;
    t->told = true;
    NNSM_MPI(MPI_Send(&mine, 1, MPI_INT, 0, TAG_WISH, t->control));
}

static nnsm_status serve(team *t, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    for (;;) {
        int what = receive_order(t);
        if (what == END)
            return status;
        if (what == FINISH)
            status = finish_ensemble(t, error); /* told to the trainers at the end */
        if (what > NONE) {
            nnsm_error stopped;
            nnsm_status paused = save(t, (nnsm_request)what, &stopped);
            if (paused) {
                *error = stopped;
                return paused;
            }
        }
        pass_wish_on(t);
        if (what == NONE && !work(t)) {
            nnsm_wait_begin();
            (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
            nnsm_wait_end();
        }
    }
}

/* ---- the two parts */

static nnsm_status first_part(team *t, nnsm_error *error)
{
    nnsm_run *run = t->run;
    nnsm_status status;
    if (t->generates)
        nnsm_run_begin(run, NNSM_STAGE_GENERATE);
    if (t->trains) {
        nnsm_run_begin(run, NNSM_STAGE_TRAIN);
        status = nnsm_trainer_epochs(&t->trainer, t->stream ? t->training.epochs : 1, error);
        if (status != NNSM_UNFINISHED)
            order(t, END);
        nnsm_trainer_settle(&t->trainer);
    } else
        status = serve(t, error);
    nnsm_wait_begin();
    if (t->generators)
        nnsm_feed_drain(&t->feed, t->trains ? NULL : &t->sender);
    nnsm_wait_end();
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&run->ensemble, 1, MPI_INT64_T, t->layout.first, run->world));
    NNSM_MPI(MPI_Bcast(&t->trained->summary, (int)sizeof t->trained->summary, MPI_BYTE, t->layout.first, run->world));
    nnsm_trainer_destroy(&t->trainer);
    if (!t->trains)
        nnsm_run_end(run, NNSM_STAGE_GENERATE);
    return status;
}

/* All ranks train on the pieces that the first trainers collected. */
static nnsm_status second_part(team *t, nnsm_error *error)
{
    nnsm_run *run = t->run;
    nnsm_pool pool;
    if (!t->trains)
        nnsm_run_begin(run, NNSM_STAGE_TRAIN);
    nnsm_training_share(&t->training, run->world);
    nnsm_status status = nnsm_training_save(&t->training, run, NNSM_CHECKPOINT, error);
    if (status || !t->generators)
        return status ? status : nnsm_train_on(run, &t->training, &t->pool, error);
    status = nnsm_pool_create(&pool, &t->partition, run->lattice.sites, run->rank, run->ranks, run->config->run.scratch,
                              error);
    status = nnsm_agree(run->world, status, error);
    if (!status) {
        nnsm_pool_move(&t->pool, t->trainers, &pool, run->ranks, run->world);
        nnsm_pool_destroy(&t->pool);
        status = nnsm_train_on(run, &t->training, &pool, error);
    }
    nnsm_pool_destroy(&pool);
    return status;
}

static void destroy(team *t)
{
    nnsm_trainer_destroy(&t->trainer);
    nnsm_training_destroy(&t->training);
    nnsm_release(t->feed.buffer);
    nnsm_sender_destroy(&t->sender);
    nnsm_pool_destroy(&t->pool);
    nnsm_source_destroy(&t->source);
    nnsm_ledger_destroy(&t->ledger);
    NNSM_MPI(MPI_Comm_free(&t->group));
    NNSM_MPI(MPI_Comm_free(&t->control));
    NNSM_MPI(MPI_Comm_free(&t->link));
}

nnsm_status nnsm_stage_generate_and_train(nnsm_run *run, nnsm_trained *trained, nnsm_error *error)
{
    *trained = (nnsm_trained){0};
    team t = {.run = run, .trained = trained, .trainer = {.workers = MPI_COMM_NULL}};
    if (run->config->teams.generators >= run->ranks && run->ranks > 1)
        return nnsm_fail(error, NNSM_USAGE, "teams.generators = %lld leaves none of %d ranks to train; lower it",
                         (long long)run->config->teams.generators, run->ranks);
    split_teams(&t);
    nnsm_status status = prepare(&t, error);
    if (!status)
        status = first_part(&t, error);
    if (!status)
        nnsm_summary_report(run, &trained->summary);
    if (!status && !t.stream)
        status = second_part(&t, error);
    status = nnsm_trained_conclude(run, trained, &t.training, status, error);
    nnsm_run_end(run, NNSM_STAGE_TRAIN);
    destroy(&t);
    return status;
}
