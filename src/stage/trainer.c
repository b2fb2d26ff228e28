#include "stage/trainer.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "lattice/exact.h"
#include "made/kernels.h"
#include "setup/agree.h"

/* ---- creation */

static nnsm_status allocate(nnsm_trainer *t, nnsm_error *error)
{
    const nnsm_partition *p = &t->pool->partition;
    size_t count, rows = nnsm_partition_shard_rows(p);
    (void)nnsm_made_parameters(t->made, &count);
    nnsm_status status = nnsm_made_workspace_create(&t->workspace, t->made, rows, error);
    if (!status)
        status = nnsm_made_workspace_create(&t->evaluation, t->made, NNSM_VALIDATION_ROWS, error);
    if (!status)
        status = NNSM_NEW(&t->first, count, "optimiser", error);
    if (!status)
        status = NNSM_NEW(&t->second, count, "optimiser", error);
    if (!status)
        status = NNSM_NEW(&t->best, count, "optimiser", error);
    if (!status)
        status = NNSM_NEW(&t->moved, rows * t->pool->sites, "training batch", error);
    if (!status)
        status = NNSM_NEW(&t->shard_nll, p->shards, "training", error);
    if (!status)
        status = NNSM_NEW(&t->order, p->shards, "training", error);
    for (size_t s = 0; s < p->shards && !status; s++)
        if (t->pool->piece[s])
            status = NNSM_NEW(&t->order[s], nnsm_partition_rows(p, s), "training order", error);
    return status;
}

static nnsm_status make_symmetry(nnsm_trainer *t, nnsm_error *error)
{
    const nnsm_architecture *a = nnsm_made_architecture(t->made);
    const nnsm_config *c = t->run->config;
    nnsm_status status = nnsm_lattice_create(&t->symmetry_lattice, a->dimensions, a->extent, a->periodic, error);
    if (!status)
        status = nnsm_symmetry_create(&t->symmetry, &t->symmetry_lattice, c->train.translation, c->train.point_group,
                                      c->train.spin_flip, error);
    return status;
}

nnsm_status nnsm_trainer_create(nnsm_trainer *trainer, nnsm_run *run, nnsm_made *made, nnsm_history *history,
                                nnsm_pool *pool, nnsm_feed *feed, MPI_Comm comm, nnsm_error *error)
{
    nnsm_trainer *t = trainer;
    int rank, ranks;
    *t = (nnsm_trainer){.run = run,
                        .made = made,
                        .history = history,
                        .pool = pool,
                        .feed = feed,
                        .comm = MPI_COMM_NULL,
                        .best_nll = INFINITY};
    NNSM_MPI(MPI_Comm_rank(comm, &rank));
    NNSM_MPI(MPI_Comm_size(comm, &ranks));
    int workers = ranks < (int)pool->partition.shards ? ranks : (int)pool->partition.shards;
    NNSM_MPI(MPI_Comm_split(comm, rank < workers ? 0 : MPI_UNDEFINED, rank, &t->comm));
    nnsm_status status = make_symmetry(t, error);
    if (!status)
        status = allocate(t, error);
    status = nnsm_agree(comm, status, error);
    size_t count;
    (void)nnsm_made_parameters(made, &count);
    if (!status && t->comm != MPI_COMM_NULL)
        status = nnsm_reduction_create(&t->reduction, t->comm, pool->partition.shards, count, error);
    t->entropy_offset = NAN;
    if (run->model_known && nnsm_exact_available(&run->model)) {
        double temperature = nnsm_made_architecture(made)->temperature;
        nnsm_thermodynamics exact = nnsm_exact_thermodynamics(&run->model, temperature);
        t->entropy_offset = exact.log_partition * (double)run->lattice.sites;
        history->floor = exact.entropy * (double)run->lattice.sites;
    }
    return nnsm_agree(comm, status, error);
}

void nnsm_trainer_destroy(nnsm_trainer *trainer)
{
    nnsm_trainer *t = trainer;
    for (size_t s = 0; t->order && s < t->pool->partition.shards; s++)
        nnsm_release(t->order[s]);
    nnsm_reduction_destroy(t->reduction);
    nnsm_made_workspace_destroy(t->workspace);
    nnsm_made_workspace_destroy(t->evaluation);
    nnsm_symmetry_destroy(t->symmetry);
    nnsm_lattice_destroy(&t->symmetry_lattice);
    nnsm_release(t->first);
    nnsm_release(t->second);
    nnsm_release(t->best);
    nnsm_release(t->moved);
    nnsm_release(t->shard_nll);
    nnsm_release(t->order);
    if (t->comm != MPI_COMM_NULL)
        NNSM_MPI(MPI_Comm_free(&t->comm));
    *t = (nnsm_trainer){.comm = MPI_COMM_NULL};
}

/* ---- one step */

/* Rows of a shard in the order of this epoch: as they came in the first one (and in a stream), shuffled later. */
static void shuffle(nnsm_trainer *t, size_t shard)
{
    uint32_t rows = (uint32_t)nnsm_partition_rows(&t->pool->partition, shard), *order = t->order[shard];
    for (uint32_t i = 0; i < rows; i++)
        order[i] = i;
    if (t->epoch == 0 || t->run->config->train.data == NNSM_CONFIG_STREAM)
        return;
    nnsm_rng_sequence draw =
        nnsm_rng_sequence_start(t->run->key, NNSM_RNG_SHUFFLE, (uint32_t)shard, (uint32_t)t->epoch);
    for (uint32_t i = rows - 1; i > 0; i--) {
        uint32_t j = nnsm_rng_below(&draw, i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

/* Collect a shard's part of the batch, each configuration moved by a random symmetry operation. */
static size_t gather_shard(nnsm_trainer *t, size_t shard)
{
    size_t first, count, sites = t->pool->sites, operations = nnsm_symmetry_count(t->symmetry);
    nnsm_partition_batch(&t->pool->partition, shard, t->batch, &first, &count);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(t->run->key, NNSM_RNG_AUGMENT, (uint32_t)shard, (uint32_t)t->step);
    for (size_t r = 0; r < count; r++) {
        const int8_t *from = t->pool->piece[shard] + t->order[shard][first + r] * sites;
        nnsm_symmetry_apply(t->symmetry, nnsm_rng_below(&draw, (uint32_t)operations), from, t->moved + r * sites);
    }
    return count;
}

static void shard_gradient(void *context, size_t shard, float *gradient)
{
    nnsm_trainer *t = context;
    size_t count = gather_shard(t, shard);
    t->shard_nll[shard] += nnsm_made_gradient(t->made, t->workspace, t->moved, count, gradient);
}

static double learning_rate(const nnsm_trainer *t)
{
    const nnsm_config *c = t->run->config;
    double progress = (double)t->step / ((double)c->train.epochs * (double)t->pool->partition.batches);
    return c->train.schedule == NNSM_CONFIG_COSINE ? 0.5 * c->train.learning_rate * (1 + cos(M_PI * progress))
                                                   : c->train.learning_rate;
}

static void step(nnsm_trainer *t)
{
    double waited = 0, rate = learning_rate(t);
    const nnsm_partition *p = &t->pool->partition;
    size_t first, end, count, left = p->training - t->batch * p->batch;
    float *parameters = nnsm_made_parameters(t->made, &count);
    const float *gradient = nnsm_reduction_sum(t->reduction, shard_gradient, t, &waited);
    t->step++;
    nnsm_reduction_slice(t->reduction, &first, &end);
    double correction_1 = 1 - pow(0.9, (double)t->step), correction_2 = 1 - pow(0.999, (double)t->step);
    nnsm_kernel_adam(parameters + first, t->first + first, t->second + first, gradient, end - first,
                     1.f / (float)(left < p->batch ? left : p->batch), (float)(rate / correction_1),
                     (float)(1 / sqrt(correction_2)));
    nnsm_reduction_share(t->reduction, parameters, &waited);
    t->run->clock[NNSM_STAGE_TRAIN].wait += waited;
}

/* ---- one epoch */

/* Mean held-out -log p and, once, the held-out energy. Sums of tiles are disjoint, so the order of ranks cannot matter.
 */
static nnsm_status validate(nnsm_trainer *t, double *nll, nnsm_error *error)
{
    const nnsm_partition *p = &t->pool->partition;
    double log_p[NNSM_VALIDATION_ROWS], *sums = NULL;
    nnsm_status status = NNSM_NEW(&sums, 2 * p->tiles + p->shards, "validation", error);
    status = nnsm_agree(t->comm, status, error);
    if (status) {
        nnsm_release(sums);
        return status;
    }
    for (size_t v = 0; v < p->tiles; v++) {
        const int8_t *rows = t->pool->piece[p->shards + v];
        size_t count = nnsm_partition_rows(p, p->shards + v);
        if (!rows)
            continue;
        nnsm_made_log_probability(t->made, t->evaluation, rows, count, log_p);
        for (size_t r = 0; r < count; r++) {
            sums[v] -= log_p[r];
            if (t->run->model_known)
                sums[p->tiles + v] += nnsm_ising_energy(&t->run->model, rows + r * t->pool->sites);
        }
    }
    memcpy(sums + 2 * p->tiles, t->shard_nll, p->shards * sizeof *sums);
    double since = nnsm_seconds();
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)(2 * p->tiles + p->shards), MPI_DOUBLE, MPI_SUM, t->comm));
    nnsm_run_waited(t->run, NNSM_STAGE_TRAIN, since);
    nll[0] = nll[1] = t->validation_energy = 0;
    for (size_t v = 0; v < p->tiles; v++) {
        nll[1] += sums[v] / (double)p->validation;
        t->validation_energy += sums[p->tiles + v] / (double)p->validation;
    }
    for (size_t s = 0; s < p->shards; s++)
        nll[0] += sums[2 * p->tiles + s] / (double)p->training;
    if (!p->tiles)
        nll[1] = NAN;
    nnsm_release(sums);
    return NNSM_OK;
}

/* KL = <log p_true - log p> over the held-out configurations, log p_true = -E/T0 - ln Z. */
static void record(nnsm_trainer *t, const double *nll, double rate, double since)
{
    nnsm_history *h = t->history;
    size_t e = t->epoch;
    double temperature = nnsm_made_architecture(t->made)->temperature;
    h->train_nll[e] = nll[0];
    h->validation_nll[e] = nll[1];
    h->kl[e] = nll[1] - (t->validation_energy / temperature + t->entropy_offset);
    h->learning_rate[e] = rate;
    h->seconds[e] = nnsm_seconds() - since;
    h->epochs = e + 1;
    nnsm_log *log = &t->run->log;
    if (!nnsm_progress_due(log) && !(log->active && e + 1 == (size_t)t->run->config->train.epochs))
        return;
    double left = ((double)t->run->config->train.epochs - (double)(e + 1)) * h->seconds[e];
    if (isnan(h->kl[e]))
        nnsm_say(log, "epoch %4zu: -log p %.4f, held out %.4f nats; rate %.2e, %.2f s an epoch, %.0f s left", e + 1,
                 nll[0], nll[1], rate, h->seconds[e], left);
    else
        nnsm_say(log, "epoch %4zu: -log p %.4f, held out %.4f nats, KL %.4f; rate %.2e, %.2f s an epoch, %.0f s left",
                 e + 1, nll[0], nll[1], h->kl[e], rate, h->seconds[e], left);
}

static void judge(nnsm_trainer *t, double validation_nll)
{
    size_t count, patience = (size_t)t->run->config->train.patience;
    float *parameters = nnsm_made_parameters(t->made, &count);
    if (!patience)
        return;
    if (validation_nll < t->best_nll) {
        t->best_nll = validation_nll;
        t->stale = 0;
        memcpy(t->best, parameters, count * sizeof *parameters);
    } else
        t->stale++;
    t->done = t->stale >= patience;
    if (t->done)
        nnsm_say(&t->run->log, "epoch %4zu: no better held-out likelihood for %zu epochs; stopped", t->epoch, patience);
    if (t->done || t->epoch == (size_t)t->run->config->train.epochs)
        memcpy(parameters, t->best, count * sizeof *parameters);
}

static nnsm_status epoch(nnsm_trainer *t, nnsm_error *error)
{
    const nnsm_partition *p = &t->pool->partition;
    bool stream = t->run->config->train.data == NNSM_CONFIG_STREAM;
    uint64_t start = p->validation + (stream ? t->epoch * p->training : 0);
    bool feeding = t->feed && (stream || t->epoch == 0);
    double since = nnsm_seconds(), nll[2], rate = learning_rate(t);
    nnsm_status status = NNSM_OK;
    memset(t->shard_nll, 0, p->shards * sizeof *t->shard_nll);
    for (size_t s = 0; s < p->shards; s++)
        if (t->order[s])
            shuffle(t, s);
    for (t->batch = 0; t->batch < p->batches; t->batch++) {
        if (feeding) {
            status = nnsm_feed_take(t->feed, start + (t->batch + 1) * p->batch, error);
            if (t->feed->file) /* only a file can fail here, on one rank alone */
                status = nnsm_agree(t->comm, status, error);
            if (status)
                return status;
            nnsm_feed_poll(t->feed, start + p->training);
        }
        step(t);
    }
    status = validate(t, nll, error);
    if (status)
        return status;
    /* log 2 a site is what knowing nothing costs; ten times that is no longer learning. */
    double hopeless = 10 * M_LN2 * (double)t->pool->sites;
    if (!(nll[0] < hopeless) || (p->tiles && !(nll[1] < hopeless)))
        return nnsm_fail(error, NNSM_FAILURE,
                         "training diverged in epoch %zu (-log p = %g); lower train.learning_rate (now %g)",
                         t->epoch + 1, nll[0], t->run->config->train.learning_rate);
    record(t, nll, rate, since);
    t->epoch++;
    judge(t, nll[1]);
    return NNSM_OK;
}

nnsm_status nnsm_trainer_epochs(nnsm_trainer *trainer, size_t last, nnsm_error *error)
{
    nnsm_trainer *t = trainer;
    nnsm_status status = NNSM_OK;
    while (t->comm != MPI_COMM_NULL && t->epoch < last && !t->done && !status)
        status = epoch(t, error);
    return status;
}

void nnsm_trainer_continue(nnsm_trainer *to, const nnsm_trainer *old, MPI_Comm comm)
{
    size_t count;
    float *parameters = nnsm_made_parameters(to->made, &count);
    double state[3] = {0};
    if (old) {
        memcpy(to->first, old->first, count * sizeof *to->first);
        memcpy(to->second, old->second, count * sizeof *to->second);
        memcpy(to->best, old->best, count * sizeof *to->best);
        if (old->reduction) { /* every trainer has its slice of the moments only */
            nnsm_reduction_share(old->reduction, to->first, &state[0]);
            nnsm_reduction_share(old->reduction, to->second, &state[0]);
        }
        to->best_nll = old->best_nll;
    }
    uint64_t numbers[4] = {old ? old->epoch : 0, old ? old->step : 0, old ? old->stale : 0, old ? old->done : 0};
    NNSM_MPI(MPI_Bcast(parameters, (int)count, MPI_FLOAT, 0, comm));
    NNSM_MPI(MPI_Bcast(to->first, (int)count, MPI_FLOAT, 0, comm));
    NNSM_MPI(MPI_Bcast(to->second, (int)count, MPI_FLOAT, 0, comm));
    NNSM_MPI(MPI_Bcast(to->best, (int)count, MPI_FLOAT, 0, comm));
    NNSM_MPI(MPI_Bcast(&to->best_nll, 1, MPI_DOUBLE, 0, comm));
    NNSM_MPI(MPI_Bcast(numbers, 4, MPI_UINT64_T, 0, comm));
    to->epoch = numbers[0];
    to->step = numbers[1];
    to->stale = numbers[2];
    to->done = numbers[3] != 0;
}
