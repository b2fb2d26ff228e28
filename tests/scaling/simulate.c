/* simulate: the program's own training and scan on simulated ranks. Prints one line, "seconds X": of a step of
 * training, of a sweep of the scan; of a sum, "bits equal" or "bits differ".
 *
 * usage: simulate CONFIG DURATIONS train|scan|sum [section.key=value ...]
 * What runs is nnsm_trainer_epochs with its votes, sums and parameters, for trust.networks > 1 by groups side by side;
 * nnsm_branch_run with its votes, measurements and exchange; nnsm_reduction_run of shards whose sum depends on the
 * order of addition. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "durations.h"
#include "setup/agree.h"
#include "stage/branch.h"
#include "stage/groups.h"
#include "stage/trainer.h"

enum { STEPS = 1 }; /* of training that are timed, after one that is not */

static void prepare(nnsm_run *run, const nnsm_config *config, nnsm_error *error)
{
    *run = (nnsm_run){.config = config, .world = MPI_COMM_WORLD, .alphabet = nnsm_alphabet_spins()};
    NNSM_MPI(MPI_Comm_rank(run->world, &run->rank));
    NNSM_MPI(MPI_Comm_size(run->world, &run->ranks));
    run->key = nnsm_rng_key_from_seed((uint64_t)config->run.seed);
    nnsm_stop_create(&run->stop, false, INFINITY, 0, "");
    (void)nnsm_lattice_create(&run->lattice, config->system.dimensions, config->system.lattice, true, error);
}

/* ---- training */

typedef struct {
    nnsm_groups groups;
    int batches;
    double begun, ended;
} watch;

/* As of a member of an ensemble of networks. */
static nnsm_request wish(void *context)
{
    watch *w = context;
    nnsm_request request = nnsm_groups_vote(&w->groups);
    if (w->batches++ == 1)
        w->begun = nnsm_seconds();
    w->ended = nnsm_seconds();
    return w->batches > STEPS + 1 ? NNSM_STOP_FILE : request;
}

static nnsm_status leave(void *context, nnsm_request request, nnsm_error *error)
{
    (void)context, (void)request, (void)error;
    return NNSM_UNFINISHED;
}

static nnsm_status train(nnsm_run *world, double *seconds, nnsm_error *error)
{
    const nnsm_config *c = world->config;
    watch w = {0};
    nnsm_pool pool = {0};
    nnsm_trained trained = {0};
    nnsm_training training = {0};
    nnsm_trainer trainer = {.workers = MPI_COMM_NULL};
    nnsm_trainer_team team = {.context = &w, .wish = wish, .pause = leave};
    nnsm_partition partition = nnsm_partition_make((size_t)(c->train.batch * (STEPS + 2)), 0, (size_t)c->train.batch,
                                                   (size_t)c->train.shards_per_batch);
    nnsm_status status = nnsm_groups_split(&w.groups, world, (int)c->trust.networks, NNSM_VOTE_TRAIN, error);
    nnsm_run *run = &w.groups.own;
    if (!status)
        status = nnsm_pool_create(&pool, &partition, run->lattice.sites, run->rank, run->ranks, "", error);
    if (!status)
        status = nnsm_trained_create(run, 0, c->generate.temperature, &trained, error);
    if (!status)
        status = nnsm_training_create(&training, run, 0, &trained, partition.training, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_trainer_create(&trainer, run, &training, &pool, NULL, &team, run->world, error);
    if (!status)
        status = nnsm_trainer_epochs(&trainer, 1, error);
    *seconds = (w.ended - w.begun) / STEPS;
    return status == NNSM_UNFINISHED ? NNSM_OK : status;
}

/* ---- the scan */

static void nothing(void *state, const int8_t *configurations)
{
    (void)state, (void)configurations;
}

static void energy(const void *state, double *energies)
{
    (void)state;
    for (size_t i = 0; i < NNSM_TILE; i++)
        energies[i] = (double)i;
}

static void refresh(void *state)
{
    (void)state;
}

static void read_states(const void *state, int8_t *configurations)
{
    (void)state, (void)configurations;
}

static nnsm_status make_tile(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    static const nnsm_tile_methods methods = {
        .load = nothing, .energy = energy, .refresh = refresh, .read = read_states, .destroy = refresh};
    (void)hamiltonian, (void)error;
    *tile = (nnsm_tile){.methods = &methods};
    return NNSM_OK;
}

static nnsm_status save(void *context, nnsm_request request, nnsm_error *error)
{
    (void)context, (void)request, (void)error;
    return NNSM_OK;
}

static nnsm_status scan(nnsm_run *run, nnsm_branch *branch, double *seconds, nnsm_error *error)
{
    uint32_t swept = 0;
    *branch = (nnsm_branch){.name = "/scan/learned",
                            .title = "scan",
                            .stage = NNSM_STAGE_SCAN,
                            .make = make_tile,
                            .run = run,
                            .temperature = run->config->generate.temperature,
                            .learned = branch};
    nnsm_status status = nnsm_branch_complete(branch, error);
    NNSM_MPI(MPI_Barrier(run->world));
    double begun = nnsm_seconds();
    if (!status)
        status = nnsm_branch_run(branch, save, NULL, &swept, error);
    *seconds = (nnsm_seconds() - begun) / swept;
    return status;
}

/* ---- a sum */

enum { FLOATS = 5000, PIECES = 4, PORTION = 40 };

static void shard_vector(void *context, size_t shard, float *vector)
{
    (void)context;
    for (size_t i = 0; i < FLOATS; i++)
        vector[i] = sinf((float)(i + 1) * (float)(shard + 1)) * (shard % 3 ? 1.f : 1e4f);
}

/* The tree on paper, as in tests/mpi/test_parallel.c. room: [heights of the tree][FLOATS] */
static void add_up(size_t low, size_t high, float *out, float *room)
{
    size_t half = 1;
    if (high - low == 1) {
        shard_vector(NULL, low, out);
        return;
    }
    while (2 * half < high - low)
        half *= 2;
    add_up(low, low + half, out, room);
    add_up(low + half, high, room, room + FLOATS);
    for (size_t i = 0; i < FLOATS; i++)
        out[i] += room[i];
}

/* In portions, from the end on. */
static void produce(void *context, size_t shard, float *vector, const nnsm_listener *listener)
{
    shard_vector(context, shard, vector);
    for (size_t end = FLOATS; listener && end > 0; end -= PORTION)
        listener->tell(listener->context, end - PORTION, end);
}

typedef struct {
    const nnsm_slices *slices; /* [PIECES] */
    float *all;                /* [FLOATS] */
} sums;

static void keep(void *context, size_t piece, const float *sum)
{
    sums *s = context;
    size_t first, end;
    nnsm_slices_own(&s->slices[piece], &first, &end);
    memcpy(s->all + first, sum, (end - first) * sizeof *sum);
}

static nnsm_status sum(nnsm_run *run, bool *equal, nnsm_error *error)
{
    size_t shards = (size_t)run->config->train.shards_per_batch;
    nnsm_slices slices[PIECES];
    nnsm_reduction *reduction = NULL;
    float *expected = NULL, *all = NULL;
    nnsm_status status = NNSM_NEW(&expected, 16 * FLOATS, "sum", error);
    if (!status)
        status = NNSM_NEW(&all, FLOATS, "sum", error);
    status = nnsm_agree(run->world, status, error);
    for (size_t k = 0; k < PIECES && !status; k++)
        status = nnsm_slices_create(&slices[k], run->world, shards,
                                    (nnsm_span){k, FLOATS / PIECES * k, FLOATS / PIECES}, NULL, error);
    if (!status)
        status = nnsm_reduction_create(&reduction, PIECES, slices, slices, error);
    if (status)
        return status;
    sums s = {slices, all};
    nnsm_reduction_run(reduction, &(nnsm_producer){NULL, produce}, &(nnsm_consumer){&s, keep, all});
    add_up(0, shards, expected, expected + FLOATS);
    int same = memcmp(all, expected, FLOATS * sizeof *all) == 0;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, run->world));
    *equal = same;
    return NNSM_OK;
}

int main(int argc, char **argv)
{
    nnsm_error error = {0};
    nnsm_config *config = NULL;
    nnsm_branch *branch = NULL;
    nnsm_run *run = NULL;
    double seconds = 0;
    bool equal = false;
    (void)MPI_Init(&argc, &argv);
    nnsm_status status = argc < 4 ? nnsm_fail(&error, NNSM_USAGE, "usage: simulate CONFIG DURATIONS train|scan|sum")
                                  : NNSM_NEW(&config, 1, "configuration", &error);
    if (!status)
        status = NNSM_NEW(&branch, 1, "scan", &error);
    if (!status)
        status = NNSM_NEW(&run, 1, "run", &error);
    if (!status)
        status = nnsm_config_read(config, argv[1], (const char *const *)argv + 4, (size_t)argc - 4, &error);
    if (!status)
        status = nnsm_durations_read(argv[2], &error);
    if (status) {
        (void)fprintf(stderr, "simulate: %s\n", error.message);
        (void)MPI_Abort(MPI_COMM_WORLD, status);
        return status;
    }
    prepare(run, config, &error);
    /* of the scan the ladders, 4 bytes a chain, must be there */
    nnsm_durations_use(strcmp(argv[3], "sum") == 0 ? 0 : strcmp(argv[3], "scan") == 0 ? 1 << 20 : 1 << 16);
    if (strcmp(argv[3], "train") == 0)
        status = train(run, &seconds, &error);
    else if (strcmp(argv[3], "scan") == 0)
        status = scan(run, branch, &seconds, &error);
    else
        status = sum(run, &equal, &error);
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD));
    if (run->rank == 0 && status)
        (void)fprintf(stderr, "simulate: %s\n", error.message);
    else if (run->rank == 0 && strcmp(argv[3], "sum") == 0)
        (void)printf("bits %s\n", equal ? "equal" : "differ");
    else if (run->rank == 0)
        (void)printf("seconds %.9g\n", seconds);
    (void)MPI_Finalize();
    return status;
}
