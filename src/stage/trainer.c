#include "stage/trainer_epoch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "ensemble/bootstrap.h"
#include "lattice/exact.h"
#include "setup/agree.h"
#include "stage/couplings_basis.h"

/* ---- creation */

static nnsm_status allocate(nnsm_trainer *t, nnsm_error *error)
{
    const nnsm_partition *p = &t->pool->partition;
    size_t rows = nnsm_partition_shard_rows(p);
    nnsm_status status = nnsm_network_workspace_create(&t->workspace, t->training->learner.network, rows, error);
    if (!status)
        status =
            nnsm_network_workspace_create(&t->evaluation, t->training->learner.network, NNSM_VALIDATION_ROWS, error);
    if (!status)
        status = NNSM_NEW(&t->moved, rows * t->pool->sites, "training batch", error);
    if (!status)
        status = NNSM_NEW(&t->sums, 2 * p->tiles + p->shards, "training", error);
    if (!status)
        status = NNSM_NEW(&t->order, p->shards, "training", error);
    if (!status)
        status = NNSM_NEW(&t->drawn, p->shards, "training", error);
    for (size_t s = 0; s < p->shards && !status; s++)
        if (t->pool->piece[s]) {
            status = NNSM_NEW(&t->order[s], nnsm_partition_rows(p, s), "training order", error);
            if (!status)
                status = NNSM_NEW(&t->drawn[s], nnsm_partition_rows(p, s), "training order", error);
        }
    return status;
}

/* The rows of own shards that epochs shuffle: all of them, or those that a member draws. */
static void draw_rows(nnsm_trainer *t)
{
    const nnsm_partition *p = &t->pool->partition;
    for (size_t s = 0; s < p->shards; s++) {
        if (!t->pool->piece[s])
            continue;
        if (t->training->member)
            nnsm_bootstrap_rows(p, t->training->chains, t->training->key, s, t->drawn[s]);
        else
            for (uint32_t i = 0; i < (uint32_t)nnsm_partition_rows(p, s); i++)
                t->drawn[s][i] = i;
    }
}

static const nnsm_slices *slices_of(const nnsm_trainer *t, nnsm_vector vector)
{
    return t->slices[t->training->learner.network->dense ? 0 : vector];
}

static nnsm_status make_symmetry(nnsm_trainer *t, nnsm_error *error)
{
    nnsm_network_shape a = nnsm_network_shape_of(t->training->learner.network);
    const nnsm_config *c = t->run->config;
    nnsm_status status = nnsm_lattice_create(&t->symmetry_lattice, a.dimensions, a.extent, a.periodic, error);
    if (!status)
        status = nnsm_symmetry_create(&t->symmetry, &t->symmetry_lattice, c->train.translation, c->train.point_group,
                                      c->train.spin_flip, error);
    if (!status)
        status = nnsm_symmetry_set_alphabet(t->symmetry, &t->run->alphabet, c->train.permutation, error);
    if (!status)
        status = nnsm_couplings_check(t->run, error);
    return status;
}

static void find_floor(nnsm_trainer *t)
{
    const nnsm_run *run = t->run;
    t->entropy_offset = NAN;
    if (!run->model_known || !nnsm_exact_model_available(&run->model) || nnsm_windowing_ambiguous(&run->windowing))
        return;
    double temperature = nnsm_network_shape_of(t->training->learner.network).temperature;
    nnsm_thermodynamics exact = nnsm_exact_model(&run->model, temperature);
    t->entropy_offset = exact.log_partition * (double)run->lattice.sites;
    t->training->history->floor = exact.entropy * (double)run->lattice.sites;
}

/* piece: in, where pieces begin; starts: scratch, a number more than workers. Collective on the workers. */
static nnsm_status cut_vector(nnsm_trainer *t, nnsm_vector vector, const size_t *piece, size_t *starts,
                              nnsm_error *error)
{
    const nnsm_learner *l = &t->training->learner;
    int ranks;
    NNSM_MPI(MPI_Comm_size(t->workers, &ranks));
    bool cut = nnsm_learner_cut(l, vector, ranks, starts);
    nnsm_status status = NNSM_OK;
    for (size_t k = 0; k < t->pieces && !status; k++) {
        size_t end = k + 1 < t->pieces ? piece[k + 1] : l->count[vector];
        status = nnsm_slices_create(&t->slices[vector][k], t->workers, t->pool->partition.shards,
                                    (nnsm_span){k, piece[k], end - piece[k]}, cut ? starts : NULL, error);
    }
    return status;
}

/* Collective on the workers. */
static nnsm_status make_reductions(nnsm_trainer *t, nnsm_error *error)
{
    static const nnsm_vector sums[] = {NNSM_VECTOR_GRADIENT, NNSM_VECTOR_HESSIAN};
    const nnsm_learner *l = &t->training->learner;
    int ranks, dense = l->network->dense != NULL, vectors = dense ? 1 : NNSM_VECTORS;
    size_t *starts = NULL, piece[NNSM_MOST_PIECES];
    t->pieces = nnsm_learner_pieces(l, piece);
    NNSM_MPI(MPI_Comm_size(t->workers, &ranks));
    nnsm_status status = NNSM_NEW(&starts, ranks + 1, "gradient reduction", error);
    for (int v = 0; v < vectors && !status; v++)
        status = NNSM_NEW(&t->slices[v], t->pieces, "gradient reduction", error);
    status = nnsm_agree(t->workers, status, error);
    for (int v = 0; v < vectors && !status; v++)
        status = cut_vector(t, (nnsm_vector)v, piece, starts, error);
    for (int k = 0; k < (dense ? 1 : 2) && !status; k++)
        status = nnsm_reduction_create(&t->reduction[sums[k]], t->pieces, slices_of(t, sums[k]),
                                       slices_of(t, NNSM_VECTOR_PARAMETERS), error);
    nnsm_release(starts);
    return status;
}

nnsm_status nnsm_trainer_create(nnsm_trainer *trainer, nnsm_run *run, nnsm_training *training, nnsm_pool *pool,
                                nnsm_feed *feed, const nnsm_trainer_team *team, MPI_Comm all, nnsm_error *error)
{
    nnsm_trainer *t = trainer;
    int rank, ranks, shards = (int)pool->partition.shards;
    *t = (nnsm_trainer){.run = run,
                        .training = training,
                        .pool = pool,
                        .feed = feed,
                        .team = *team,
                        .all = all,
                        .workers = MPI_COMM_NULL};
    NNSM_MPI(MPI_Comm_rank(all, &rank));
    NNSM_MPI(MPI_Comm_size(all, &ranks));
    NNSM_MPI(MPI_Comm_split(all, rank < shards ? 0 : MPI_UNDEFINED, rank, &t->workers));
    nnsm_status status = make_symmetry(t, error);
    if (!status)
        status = allocate(t, error);
    status = nnsm_agree(all, status, error);
    if (!status && t->workers != MPI_COMM_NULL)
        status = make_reductions(t, error);
    if (!status)
        draw_rows(t);
    for (size_t s = 0; s < pool->partition.shards; s++)
        if (!pool->piece[s])
            training->shard_nll[s] = 0;
    find_floor(t);
    return nnsm_agree(all, status, error);
}

void nnsm_trainer_destroy(nnsm_trainer *trainer)
{
    nnsm_trainer *t = trainer;
    for (size_t s = 0; t->order && s < t->pool->partition.shards; s++)
        nnsm_release(t->order[s]);
    for (size_t s = 0; t->drawn && s < t->pool->partition.shards; s++)
        nnsm_release(t->drawn[s]);
    for (int v = 0; v < NNSM_VECTORS; v++)
        nnsm_reduction_destroy(t->reduction[v]);
    for (int v = 0; v < NNSM_VECTORS; v++) {
        for (size_t k = 0; t->slices[v] && k < t->pieces; k++)
            nnsm_slices_destroy(&t->slices[v][k]);
        nnsm_release(t->slices[v]);
    }
    nnsm_network_workspace_destroy(&t->workspace);
    nnsm_network_workspace_destroy(&t->evaluation);
    nnsm_symmetry_destroy(t->symmetry);
    nnsm_lattice_destroy(&t->symmetry_lattice);
    nnsm_release(t->moved);
    nnsm_release(t->sums);
    nnsm_release(t->order);
    nnsm_release(t->drawn);
    if (t->workers != MPI_COMM_NULL)
        NNSM_MPI(MPI_Comm_free(&t->workers));
    *t = (nnsm_trainer){.workers = MPI_COMM_NULL};
}

void nnsm_trainer_settle(nnsm_trainer *trainer)
{
    if (!trainer->reduction[NNSM_VECTOR_GRADIENT])
        return;
    for (int m = 0; m < 2; m++)
        for (size_t k = 0; k < trainer->pieces; k++)
            nnsm_slices_share(&slices_of(trainer, (nnsm_vector)(NNSM_VECTOR_MEMORY_1 + m))[k],
                              trainer->training->learner.memory[m]);
}

/* ---- one step */

/* Rows of a shard in the order of this epoch: as they came in the first one (and in a stream), shuffled later. */
static void shuffle(nnsm_trainer *t, size_t shard)
{
    uint32_t rows = (uint32_t)nnsm_partition_rows(&t->pool->partition, shard), *order = t->order[shard];
    memcpy(order, t->drawn[shard], rows * sizeof *order);
    if (!t->training->member && (t->training->epoch == 0 || t->run->config->train.data == NNSM_CONFIG_STREAM))
        return;
    nnsm_rng_sequence draw =
        nnsm_rng_sequence_start(t->training->key, NNSM_RNG_SHUFFLE, (uint32_t)shard, (uint32_t)t->training->epoch);
    for (uint32_t i = rows - 1; i > 0; i--) {
        uint32_t j = nnsm_rng_below(&draw, i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

/* Rows of a shuffled shard lie anywhere in memory; the cache is asked for them before they are needed. */
static void fetch(const int8_t *row, size_t sites)
{
    enum { LINE = 64 };
    for (size_t i = 0; i < sites; i += LINE)
        __builtin_prefetch(row + i);
    __builtin_prefetch(row + sites - 1);
}

/* Collect a shard's part of the batch, each configuration moved by a random symmetry operation. */
static size_t gather_shard(nnsm_trainer *t, size_t shard)
{
    enum { AHEAD = 4 };
    size_t first, count, sites = t->pool->sites, operations = nnsm_symmetry_count(t->symmetry);
    nnsm_partition_batch(&t->pool->partition, shard, t->training->batch, &first, &count);
    nnsm_rng_sequence draw =
        nnsm_rng_sequence_start(t->training->key, NNSM_RNG_AUGMENT, (uint32_t)shard, (uint32_t)t->training->step);
    const int8_t *piece = t->pool->piece[shard];
    const uint32_t *row = t->order[shard] + first;
    for (size_t r = 0; r < count; r++) {
        if (r + AHEAD < count)
            fetch(piece + row[r + AHEAD] * sites, sites);
        nnsm_symmetry_apply(t->symmetry, nnsm_rng_below(&draw, (uint32_t)operations), piece + row[r] * sites,
                            t->moved + r * sites);
    }
    return count;
}

static void shard_sums(void *context, size_t shard, float *sums, const nnsm_listener *listener)
{
    nnsm_trainer *t = context;
    size_t count = gather_shard(t, shard);
    t->training->shard_nll[shard] +=
        nnsm_learner_sum(&t->training->learner, &t->workspace, t->moved, count, sums, listener);
}

double nnsm_trainer_rate(const nnsm_trainer *trainer, uint64_t step)
{
    const nnsm_trainer *t = trainer;
    const nnsm_config *c = t->run->config;
    double progress = (double)step / ((double)c->train.epochs * (double)t->pool->partition.batches);
    return c->train.schedule == NNSM_CONFIG_COSINE ? 0.5 * c->train.learning_rate * (1 + cos(M_PI * progress))
                                                   : c->train.learning_rate;
}

/* A fit without a solution is one rank's failure; and what comes next depends on the worst of all slices. */
static nnsm_status agree_on_step(nnsm_trainer *t, nnsm_status status, double draws, double noise, nnsm_error *error)
{
    if (t->training->learner.network->dense)
        return NNSM_OK;
    status = nnsm_agree(t->all, status, error);
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &noise, 1, MPI_DOUBLE, MPI_MAX, t->all));
    nnsm_learner_advance(&t->training->learner, draws, noise);
    return status;
}

/* What a step comes to on this rank's slices. */
typedef struct {
    nnsm_trainer *trainer;
    double draws, noise;
    nnsm_status status;
    nnsm_error *error;
} outcome;

static void step_piece(void *context, size_t piece, const float *sum)
{
    outcome *o = context;
    nnsm_trainer *t = o->trainer;
    uint64_t number = t->training->step;
    size_t first, end;
    double noise;
    nnsm_slices_own(&slices_of(t, NNSM_VECTOR_PARAMETERS)[piece], &first, &end);
    nnsm_status status = nnsm_learner_step(&t->training->learner, sum, first, end, o->draws, number,
                                           nnsm_trainer_rate(t, number), &noise, o->error);
    o->noise = fmax(o->noise, noise);
    o->status = o->status ? o->status : status;
}

static nnsm_status step(nnsm_trainer *t, nnsm_error *error)
{
    nnsm_training *n = t->training;
    const nnsm_partition *p = &t->pool->partition;
    size_t left = p->training - n->batch * p->batch, draws = left < p->batch ? left : p->batch;
    outcome o = {.trainer = t, .draws = (double)draws, .error = error};
    if (t->workers != MPI_COMM_NULL) {
        const nnsm_producer producer = {t, shard_sums};
        const nnsm_consumer consumer = {&o, step_piece, n->learner.parameters};
        nnsm_reduction_run(t->reduction[nnsm_learner_wants(&n->learner)], &producer, &consumer);
    }
    n->step++;
    n->batch++;
    return agree_on_step(t, o.status, o.draws, o.noise, error);
}

nnsm_status nnsm_trainer_await(nnsm_trainer *trainer, uint64_t needed, uint64_t bound, nnsm_error *error)
{
    nnsm_trainer *t = trainer;
    nnsm_status status = NNSM_OK;
    for (int lacking = 1; lacking && !status;) {
        bool here = true, all_here = true, others = t->feed && !t->feed->source;
        if (others)
            nnsm_wait_begin();
        if (t->feed) {
            nnsm_feed_poll(t->feed, needed, bound);
            here = nnsm_feed_has(t->feed, needed);
            all_here = nnsm_feed_has(t->feed, t->feed->limit);
        }
        int vote[3] = {(int)t->team.wish(t->team.context), !here, !all_here};
        NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, vote, 3, MPI_INT, MPI_MAX, t->all));
        if (others)
            nnsm_wait_end();
        if (vote[0] != NNSM_GO_ON)
            status = t->team.pause(t->team.context, (nnsm_request)vote[0], error);
        if (!status && t->feed && !vote[2] && !t->fed) {
            t->fed = true;
            status = t->team.fed(t->team.context, error);
        }
        lacking = vote[1];
    }
    return status;
}

/* ---- one epoch */

static nnsm_status epoch(nnsm_trainer *t, nnsm_error *error)
{
    nnsm_training *n = t->training;
    const nnsm_partition *p = &t->pool->partition;
    uint64_t start = p->validation;
    if (t->run->config->train.data == NNSM_CONFIG_STREAM)
        start += n->epoch * p->training;
    nnsm_status status = NNSM_OK;
    t->began = nnsm_seconds();
    for (size_t s = 0; s < p->shards; s++)
        if (t->order[s])
            shuffle(t, s);
    while (n->batch < p->batches && !status) {
        status = nnsm_trainer_await(t, start + (n->batch + 1) * p->batch, start + p->training, error);
        if (!status)
            status = step(t, error);
    }
    if (!status) /* a run that goes on from here may still have to be fed */
        status = nnsm_trainer_await(t, start + p->training, start + p->training, error);
    return status ? status : nnsm_trainer_end_epoch(t, error);
}

nnsm_status nnsm_trainer_epochs(nnsm_trainer *trainer, size_t last, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    while (trainer->training->epoch < last && !trainer->training->done && !status)
        status = epoch(trainer, error);
    return status;
}
