#include "stage/trainer_epoch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/timer.h"
#include "setup/agree.h"

/* Held-out tiles between two votes: about as much work as a batch. */
enum { TILES_A_VOTE = 16 };

/* -log p and energy of the held-out configurations, tile by tile, into t->sums. A stop in between throws away what is
 * done: the checkpoint stands at the end of the epoch, before this. */
static nnsm_status evaluate_tiles(nnsm_trainer *t, nnsm_error *error)
{
    const nnsm_partition *p = &t->pool->partition;
    double log_p[NNSM_VALIDATION_ROWS], *sums = t->sums;
    memset(sums, 0, 2 * p->tiles * sizeof *sums);
    nnsm_learner_publish(&t->training->learner);
    for (size_t v = 0; v < p->tiles; v++) {
        const int8_t *rows = t->pool->piece[p->shards + v];
        size_t count = nnsm_partition_rows(p, p->shards + v);
        nnsm_status status = v % TILES_A_VOTE == TILES_A_VOTE - 1 ? nnsm_trainer_await(t, 0, 0, error) : NNSM_OK;
        if (status)
            return status;
        if (!rows)
            continue;
        nnsm_network_log_probability(t->training->learner.network, &t->evaluation, rows, count, log_p);
        for (size_t r = 0; r < count; r++) {
            sums[v] -= log_p[r];
            if (t->run->model_known)
                sums[p->tiles + v] += nnsm_model_energy(&t->run->model, rows + r * t->pool->sites);
        }
    }
    return NNSM_OK;
}

/* Mean -log p of the epoch's training batches and of the held-out configurations, on all ranks, and the held-out
 * energy. Sums of pieces are disjoint, so the order of ranks cannot matter. */
static nnsm_status evaluate(nnsm_trainer *t, double *nll, nnsm_error *error)
{
    const nnsm_partition *p = &t->pool->partition;
    double *sums = t->sums;
    nnsm_status status = evaluate_tiles(t, error);
    if (status)
        return status;
    memcpy(sums + 2 * p->tiles, t->training->shard_nll, p->shards * sizeof *sums);
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)(2 * p->tiles + p->shards), MPI_DOUBLE, MPI_SUM, t->all));
    nll[0] = nll[1] = t->validation_energy = 0;
    for (size_t v = 0; v < p->tiles; v++) {
        nll[1] += sums[v] / (double)p->validation;
        t->validation_energy += sums[p->tiles + v] / (double)p->validation;
    }
    for (size_t s = 0; s < p->shards; s++)
        nll[0] += sums[2 * p->tiles + s] / (double)p->training;
    if (!p->tiles)
        nll[1] = NAN;
    return NNSM_OK;
}

/* KL = <log p_true - log p> over the held-out configurations, log p_true = -E/T0 - ln Z. */
static void record(nnsm_trainer *t, const double *nll)
{
    nnsm_history *h = t->training->history;
    size_t e = t->training->epoch, epochs = t->training->epochs;
    double temperature = nnsm_network_shape_of(t->training->learner.network).temperature;
    h->train_nll[e] = nll[0];
    h->validation_nll[e] = nll[1];
    h->kl[e] = nll[1] - (t->validation_energy / temperature + t->entropy_offset);
    h->learning_rate[e] = nnsm_trainer_rate(t, e * t->pool->partition.batches);
    h->seconds[e] = nnsm_seconds() - t->began;
    h->epochs = e + 1;
    nnsm_log *log = &t->run->log;
    if (!nnsm_progress_due(log) && !(log->active && e + 1 == epochs))
        return;
    double left = (double)(epochs - (e + 1)) * h->seconds[e];
    char kl[32] = "", whose[32] = "";
    if (!isnan(h->kl[e]))
        (void)snprintf(kl, sizeof kl, ", KL %.4f", h->kl[e]);
    if (t->training->member)
        (void)snprintf(whose, sizeof whose, "network %zu, ", t->training->member + 1);
    nnsm_say(log, "%sepoch %4zu: -log p %.4f, held out %.4f nats%s; rate %.2e, %.2f s an epoch, %.0f s left", whose,
             e + 1, nll[0], nll[1], kl, h->learning_rate[e], h->seconds[e], left);
}

/* Keep the parameters of the best epoch (without early stopping: of this one, in case the next diverges). */
static void judge(nnsm_trainer *t, double validation_nll)
{
    nnsm_training *n = t->training;
    size_t count = n->learner.count[NNSM_VECTOR_PARAMETERS], patience = (size_t)t->run->config->train.patience;
    float *parameters = n->learner.parameters;
    if (!patience || validation_nll < n->best_nll) {
        n->best_nll = validation_nll;
        n->stale = 0;
        n->good = n->epoch;
        memcpy(n->best, parameters, count * sizeof *parameters);
    } else
        n->stale++;
    n->done = patience && n->stale >= patience;
    if (n->done)
        nnsm_say(&t->run->log, "epoch %4zu: no better held-out likelihood for %zu epochs; stopped", (size_t)n->epoch,
                 patience);
    if (n->done || n->epoch == n->epochs)
        memcpy(parameters, n->best, count * sizeof *parameters);
    nnsm_learner_publish(&n->learner);
}

static nnsm_status diverged(nnsm_trainer *t, double nll, nnsm_error *error)
{
    nnsm_training *n = t->training;
    if (n->good)
        memcpy(n->learner.parameters, n->best, n->learner.count[NNSM_VECTOR_PARAMETERS] * sizeof *n->best);
    nnsm_learner_publish(&n->learner);
    n->diverged = true;
    if (t->run->config->network.kind == NNSM_CONFIG_FRONTIER)
        return nnsm_fail(error, NNSM_FAILURE,
                         "training diverged in epoch %zu (-log p = %g); raise network.ridge (now %g) or lower "
                         "network.units, and start anew with --fresh",
                         (size_t)n->epoch + 1, nll, t->run->config->network.ridge);
    return nnsm_fail(error, NNSM_FAILURE,
                     "training diverged in epoch %zu (-log p = %g); lower train.learning_rate (now %g) and start anew "
                     "with --fresh",
                     (size_t)n->epoch + 1, nll, t->run->config->train.learning_rate);
}

nnsm_status nnsm_trainer_end_epoch(nnsm_trainer *trainer, nnsm_error *error)
{
    nnsm_trainer *t = trainer;
    nnsm_training *n = t->training;
    double nll[2];
    /* log of the number of values a site is what knowing nothing costs; ten times that is no longer learning. */
    double hopeless = 10 * log(t->run->alphabet.count) * (double)t->pool->sites;
    nnsm_status status = evaluate(t, nll, error);
    if (status)
        return status;
    if (!(nll[0] < hopeless) || (t->pool->partition.tiles && !(nll[1] < hopeless)))
        return diverged(t, nll[0], error);
    record(t, nll);
    n->epoch++;
    n->batch = 0;
    memset(n->shard_nll, 0, n->shards * sizeof *n->shard_nll);
    judge(t, nll[1]);
    return NNSM_OK;
}
