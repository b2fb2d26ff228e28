#include "stage/member.h"

#include <unistd.h>

#include "base/timer.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/network_file.h"
#include "stage/trainer.h"

typedef struct {
    nnsm_groups *groups;
    const nnsm_member_task *task;
    nnsm_training training;
    nnsm_trainer trainer;
} session;

static nnsm_request wish(void *context)
{
    session *s = context;
    return nnsm_groups_vote(s->groups);
}

static nnsm_status pause_member(void *context, nnsm_request request, nnsm_error *error)
{
    session *s = context;
    nnsm_groups *g = s->groups;
    nnsm_trainer_settle(&s->trainer);
    nnsm_status status = nnsm_training_save_at(&s->training, &g->own, s->task->checkpoint, request, error);
    if (!g->over)
        nnsm_groups_saved(g, true);
    if (!status && g->failed) /* its message is what all will report */
        status = nnsm_fail(error, NNSM_UNFINISHED, "another network of the ensemble has failed");
    return status;
}

static nnsm_status begin(session *s, nnsm_pool *pool, nnsm_trained *trained, nnsm_error *error)
{
    nnsm_run *run = &s->groups->own;
    const nnsm_member_task *task = s->task;
    nnsm_status status = nnsm_trained_create(run, task->member, trained->summary.temperature, trained, error);
    if (!status)
        status = nnsm_training_create(&s->training, run, task->member, trained, pool->partition.training, error);
    status = nnsm_agree(run->world, status, error);
    if (status || !task->saved)
        return status;
    status = nnsm_training_restore_at(&s->training, run, task->checkpoint, pool->partition.batches, error);
    if (!status)
        nnsm_say(&run->log, "trust: network %zu goes on in epoch %zu, batch %zu", task->member + 1,
                 (size_t)s->training.epoch + 1, (size_t)s->training.batch + 1);
    return status;
}

static nnsm_status train(session *s, nnsm_pool *pool, nnsm_error *error)
{
    nnsm_run *run = &s->groups->own;
    nnsm_trainer_team team = {.context = s, .wish = wish, .pause = pause_member};
    nnsm_status status = nnsm_trainer_create(&s->trainer, run, &s->training, pool, NULL, &team, run->world, error);
    if (!status)
        status = nnsm_trainer_epochs(&s->trainer, s->training.epochs, error);
    nnsm_trainer_destroy(&s->trainer);
    return nnsm_agree(run->world, status, error);
}

/* Into its file; with that, its checkpoint has served. */
static nnsm_status keep(session *s, nnsm_trained *trained, nnsm_error *error)
{
    nnsm_run *run = &s->groups->own;
    nnsm_status status = NNSM_OK;
    if (run->rank == 0)
        status = nnsm_network_file_write(s->groups->run, trained, s->task->network, &(int64_t){0}, error);
    status = nnsm_agree(run->world, status, error);
    if (!status && run->rank == 0)
        (void)unlink(s->task->checkpoint);
    return status;
}

nnsm_status nnsm_member_train(nnsm_groups *groups, nnsm_pool *pool, const nnsm_member_task *task, nnsm_trained *trained,
                              nnsm_error *error)
{
    session s = {.groups = groups, .task = task, .trainer = {.workers = MPI_COMM_NULL}};
    nnsm_run *run = &groups->own;
    double since = nnsm_seconds();
    nnsm_status status = begin(&s, pool, trained, error);
    if (!status)
        status = train(&s, pool, error);
    if (!status)
        status = keep(&s, trained, error);
    if (!status)
        nnsm_say(&run->log, "trust: network %zu of %lld is trained, %.1f s", task->member + 1,
                 (long long)run->config->trust.networks, nnsm_seconds() - since);
    nnsm_training_destroy(&s.training);
    return status;
}
