#include "stage/training.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"

nnsm_status nnsm_training_create(nnsm_training *training, const nnsm_run *run, size_t member, nnsm_trained *trained,
                                 size_t configurations, nnsm_error *error)
{
    nnsm_training *t = training;
    *t = (nnsm_training){.key = nnsm_rng_key_from_seed(nnsm_member_seed(run->config, member)),
                         .member = member,
                         .chains = (size_t)trained->summary.chains,
                         .history = &trained->history,
                         .shards = (size_t)run->config->train.shards_per_batch,
                         .epochs = (size_t)run->config->train.epochs,
                         .best_nll = INFINITY};
    nnsm_status status = nnsm_learner_create(&t->learner, &trained->network, run->config,
                                             (double)configurations * (double)t->epochs, error);
    if (!status)
        status = NNSM_NEW(&t->best, t->learner.count[NNSM_VECTOR_PARAMETERS], "optimiser", error);
    if (!status)
        status = NNSM_NEW(&t->shard_nll, t->shards, "training", error);
    if (!status)
        status = NNSM_NEW(&t->collected, t->shards, "training", error);
    return status;
}

void nnsm_training_destroy(nnsm_training *training)
{
    nnsm_learner_destroy(&training->learner);
    nnsm_release(training->best);
    nnsm_release(training->shard_nll);
    nnsm_release(training->collected);
    *training = (nnsm_training){0};
}

/* The counters in a row, for messages and files. */
enum { NUMBERS = 10 };

static void pack(const nnsm_training *t, int64_t *n)
{
    const uint64_t values[NUMBERS] = {
        t->epoch, t->batch,           t->step,          t->stale,          t->good,
        t->done,  t->history->epochs, t->learner.phase, t->learner.newton, t->learner.gathered};
    for (int i = 0; i < NUMBERS; i++)
        n[i] = (int64_t)values[i];
}

static void unpack(nnsm_training *t, const int64_t *n)
{
    t->epoch = (uint64_t)n[0];
    t->batch = (uint64_t)n[1];
    t->step = (uint64_t)n[2];
    t->stale = (uint64_t)n[3];
    t->good = (uint64_t)n[4];
    t->done = n[5] != 0;
    t->history->epochs = (size_t)n[6];
    t->learner.phase = (uint64_t)n[7];
    t->learner.newton = (uint64_t)n[8];
    t->learner.gathered = (uint64_t)n[9];
}

/* The vectors of a training. */
enum { VECTORS = 4 };

typedef struct {
    const char *name;
    size_t count;
    float *values;
} named_vector;

static void list_vectors(const nnsm_training *t, named_vector *vectors)
{
    const nnsm_learner *l = &t->learner;
    vectors[0] = (named_vector){"/train/parameters", l->count[NNSM_VECTOR_PARAMETERS], l->parameters};
    vectors[1] = (named_vector){"/train/first", l->count[NNSM_VECTOR_MEMORY_1], l->memory[0]};
    vectors[2] = (named_vector){"/train/second", l->count[NNSM_VECTOR_MEMORY_2], l->memory[1]};
    vectors[3] = (named_vector){"/train/best", l->count[NNSM_VECTOR_PARAMETERS], t->best};
}

/* Every entry is zero on all ranks but one: the order of the sum cannot matter. */
static void collect(double *sums, size_t shards, MPI_Comm comm)
{
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)shards, MPI_DOUBLE, MPI_SUM, comm));
}

void nnsm_training_share(nnsm_training *training, MPI_Comm comm)
{
    nnsm_training *t = training;
    int64_t numbers[NUMBERS];
    nnsm_history *h = t->history;
    named_vector vectors[VECTORS];
    list_vectors(t, vectors);
    double *histories[] = {h->train_nll, h->validation_nll, h->kl, h->learning_rate, h->seconds};
    collect(t->shard_nll, t->shards, comm);
    pack(t, numbers);
    NNSM_MPI(MPI_Bcast(numbers, NUMBERS, MPI_INT64_T, 0, comm));
    unpack(t, numbers);
    NNSM_MPI(MPI_Bcast(&t->best_nll, 1, MPI_DOUBLE, 0, comm));
    for (size_t i = 0; i < VECTORS; i++)
        NNSM_MPI(MPI_Bcast(vectors[i].values, (int)vectors[i].count, MPI_FLOAT, 0, comm));
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++)
        NNSM_MPI(MPI_Bcast(histories[i], (int)t->epochs, MPI_DOUBLE, 0, comm));
}

void nnsm_training_state(nnsm_training *training, nnsm_state *state)
{
    nnsm_training *t = training;
    nnsm_history *h = t->history;
    int64_t numbers[NUMBERS];
    named_vector vectors[VECTORS];
    const struct {
        const char *name;
        double *values;
    } histories[] = {{"/train/train_nll", h->train_nll},
                     {"/train/validation_nll", h->validation_nll},
                     {"/train/kl", h->kl},
                     {"/train/learning_rate", h->learning_rate},
                     {"/train/seconds", h->seconds}};
    memcpy(t->collected, t->shard_nll, t->shards * sizeof *t->collected);
    collect(t->collected, t->shards, state->run->world);
    pack(t, numbers);
    nnsm_state_values(state, "/train/numbers", NNSM_H5_INTEGERS, NUMBERS, numbers);
    nnsm_state_values(state, "/train/best_nll", NNSM_H5_DOUBLES, 1, &t->best_nll);
    nnsm_state_values(state, "/train/shard_nll", NNSM_H5_DOUBLES, t->shards, t->collected);
    list_vectors(t, vectors);
    for (size_t i = 0; i < VECTORS; i++)
        nnsm_state_values(state, vectors[i].name, NNSM_H5_FLOATS, vectors[i].count, vectors[i].values);
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++)
        nnsm_state_values(state, histories[i].name, NNSM_H5_DOUBLES, t->epochs, histories[i].values);
    if (state->writing)
        return;
    unpack(t, numbers);
    memcpy(t->shard_nll, t->collected, t->shards * sizeof *t->collected);
    nnsm_learner_publish(&t->learner);
}

size_t nnsm_training_bytes(const nnsm_training *training)
{
    const size_t *count = training->learner.count;
    size_t floats = 2 * count[NNSM_VECTOR_PARAMETERS] + count[NNSM_VECTOR_MEMORY_1] + count[NNSM_VECTOR_MEMORY_2];
    return floats * sizeof(float) + (5 * training->epochs + training->shards) * sizeof(double);
}

nnsm_status nnsm_training_save_at(nnsm_training *training, nnsm_run *run, const char *path, nnsm_request request,
                                  nnsm_error *error)
{
    nnsm_state state;
    run->resume.step = (int64_t)training->step;
    if (nnsm_checkpoint_begin_at(run, path, &state, NNSM_AT_TRAIN, nnsm_training_bytes(training)))
        nnsm_training_state(training, &state);
    return nnsm_checkpoint_end(run, &state, request, error);
}

nnsm_status nnsm_training_save(nnsm_training *training, nnsm_run *run, nnsm_request request, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_CHECKPOINT, path);
    return nnsm_training_save_at(training, run, path, request, error);
}

nnsm_status nnsm_training_check(const nnsm_training *training, const char *path, uint64_t batches, nnsm_error *error)
{
    const nnsm_training *t = training;
    bool possible = t->epoch <= t->epochs && t->batch <= batches && t->step <= t->epochs * batches &&
                    t->history->epochs <= t->epochs && t->good <= t->epochs && t->learner.phase <= NNSM_PHASE_AVERAGE;
    return possible ? NNSM_OK
                    : nnsm_fail(error, NNSM_DATA,
                                "%.400s: its training cannot be (epoch %llu, batch %llu); start anew with --fresh",
                                path, (unsigned long long)t->epoch, (unsigned long long)t->batch);
}

nnsm_status nnsm_training_restore_at(nnsm_training *training, nnsm_run *run, const char *path, uint64_t batches,
                                     nnsm_error *error)
{
    nnsm_state state;
    nnsm_status status = nnsm_checkpoint_open_at(run, path, &state, error);
    if (status)
        return status;
    nnsm_training_state(training, &state);
    status = nnsm_state_finish(&state, error);
    return status ? status : nnsm_training_check(training, path, batches, error);
}
