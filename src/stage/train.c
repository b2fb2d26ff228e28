/* train.c: single stages: generation into an ensemble file, and training on one. */
#include "stage/train.h"

#include <string.h>

#include "base/timer.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/foresee.h"
#include "stage/load.h"
#include "stage/network_file.h"
#include "stage/opening.h"
#include "stage/quantise.h"
#include "stage/trainer.h"
#include "stage/window.h"

/* ---- generate only */

static nnsm_status save_generating(nnsm_source *source, nnsm_ledger *ledger, nnsm_request request, nnsm_error *error)
{
    nnsm_run *run = source->run;
    nnsm_state state;
    run->resume.step = 0;
    if (nnsm_checkpoint_begin(run, &state, NNSM_AT_GENERATE, nnsm_layout_bytes(&source->layout, run->lattice.sites)))
        nnsm_source_state(source, &source->layout, ledger, &state, NULL, NULL);
    return nnsm_checkpoint_end(run, &state, request, error);
}

static nnsm_status restore_generating(nnsm_source *source, nnsm_ledger *ledger, nnsm_error *error)
{
    nnsm_state state;
    nnsm_status status = nnsm_checkpoint_open(source->run, &state, error);
    if (status)
        return status;
    nnsm_source_state(source, &source->layout, ledger, &state, NULL, NULL);
    return nnsm_state_finish(&state, error);
}

/* Slice by slice, with a vote between two of them. */
static nnsm_status make_all(nnsm_source *source, nnsm_ledger *ledger, nnsm_error *error)
{
    nnsm_run *run = source->run;
    const size_t snapshots = source->layout.snapshots;
    nnsm_status status = NNSM_OK;
    for (int lacking = 1; lacking && !status;) {
        nnsm_request request;
        int left = source->made < snapshots ? (int)(snapshots - source->made) : 0;
        if (nnsm_stop_vote_most(&run->stop, NNSM_VOTE_GENERATE, run->world, &request, &left))
            lacking = left;
        if (request != NNSM_GO_ON)
            status = save_generating(source, ledger, request, error);
        if (!status && source->made < snapshots)
            nnsm_source_advance(source);
        if (nnsm_progress_due(&run->log))
            nnsm_say(&run->log, "generate: snapshot %zu of %zu", snapshots - (size_t)lacking, snapshots);
    }
    return status;
}

nnsm_status nnsm_stage_generate(nnsm_run *run, nnsm_error *error)
{
    nnsm_source source = {0};
    nnsm_ledger ledger = {0};
    nnsm_summary summary;
    nnsm_layout layout = nnsm_layout_make(run->config, 0, run->ranks);
    nnsm_run_begin(run, NNSM_STAGE_GENERATE);
    nnsm_status status = nnsm_ledger_create(&ledger, &layout, run->lattice.sites, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_source_create(&source, run, &layout, run->world, error);
    if (!status && run->resume.progress == NNSM_AT_GENERATE)
        status = restore_generating(&source, &ledger, error);
    if (!status)
        status = make_all(&source, &ledger, error);
    if (!status)
        status = nnsm_source_finish(&source, &summary, &run->ensemble, error);
    if (!status) {
        nnsm_state state;
        nnsm_summary_report(run, &summary);
        (void)nnsm_checkpoint_begin(run, &state, NNSM_AT_TRAIN, 0);
        status = nnsm_checkpoint_end(run, &state, NNSM_CHECKPOINT, error);
    }
    nnsm_source_destroy(&source);
    nnsm_ledger_destroy(&ledger);
    nnsm_run_end(run, NNSM_STAGE_GENERATE);
    return status;
}

/* ---- train on a file */

static nnsm_status adopt_header(nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header)
{
    if (nnsm_system_adopt(h5, run, header->dimensions, header->extent, header->periodic && nnsm_run_periodic(run)))
        return h5->status;
    bool known = run->model_known;
    if (!nnsm_header_check(h5, header, run->config, known && run->lattice.periodic, known ? &run->alphabet : NULL))
        run->alphabet = header->alphabet;
    return h5->status;
}

nnsm_status nnsm_header_check(nnsm_h5 *h5, const nnsm_ensemble_header *header, const nnsm_config *config, bool periodic,
                              const nnsm_alphabet *model)
{
    const nnsm_config *c = config;
    if (periodic && !header->periodic)
        return nnsm_h5_fail(h5, "its boundary is open, system.boundary is periodic; correct one of them");
    if (model && !nnsm_alphabet_equal(&header->alphabet, model)) {
        char ours[16 * NNSM_MAX_VALUES], theirs[16 * NNSM_MAX_VALUES];
        nnsm_alphabet_text(model, ours, sizeof ours);
        nnsm_alphabet_text(&header->alphabet, theirs, sizeof theirs);
        return nnsm_h5_fail(h5,
                            "its sites have the %s %s, those of the model the %s %s; give /configurations the model's "
                            "values (labels: the attribute labels = 1), or leave out system",
                            header->alphabet.labels ? "labels" : "values", theirs, model->labels ? "labels" : "values",
                            ours);
    }
    if (c->generate.given && header->temperature != c->generate.temperature)
        return nnsm_h5_fail(h5, "its temperature is %g, generate.temperature is %g; correct the configuration",
                            header->temperature, c->generate.temperature);
    size_t validation = (size_t)(c->train.validation * (double)header->configurations);
    size_t training = header->configurations - validation;
    if (training < (size_t)c->train.batch)
        return nnsm_h5_fail(h5, "%zu configurations to train on are fewer than train.batch = %lld; lower train.batch",
                            training, (long long)c->train.batch);
    if (c->train.patience && !validation)
        return nnsm_h5_fail(h5, "train.patience needs held-out configurations, but train.validation = %g leaves none",
                            c->train.validation);
    return NNSM_OK;
}

/* Lattice and alphabet are known then: what the scan would refuse is refused before anything is trained. */
static nnsm_status open_ensemble(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_data_path(run, path);
    nnsm_status status = nnsm_open_configurations(run, path, h5, header, error);
    run->ensemble = run->windowing.window.sites ? run->windowing.source : (int64_t)h5->checksum;
    if (!status && run->resume.progress == NNSM_AT_TRAIN && run->resume.ensemble != run->ensemble)
        status = nnsm_fail(error, NNSM_DATA,
                           "%.400s is not the ensemble that this run began with: its checksum differs; restore that "
                           "file, or start anew with --fresh",
                           path);
    if (!status)
        status = nnsm_window_check(run, h5);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_quantise(run, h5, header, error);
    if (!status)
        status = nnsm_agree(run->world, adopt_header(run, h5, header), error);
    if (!status)
        status = nnsm_foresee_scan(run, error);
    return status;
}

/* ---- a training that all ranks share */

typedef struct {
    nnsm_run *run;
    nnsm_training *training;
    nnsm_trainer trainer;
} session;

static nnsm_request wish(void *context)
{
    session *s = context;
    return nnsm_stop_poll(&s->run->stop, NNSM_VOTE_TRAIN);
}

static nnsm_status pause_training(void *context, nnsm_request request, nnsm_error *error)
{
    session *s = context;
    nnsm_trainer_settle(&s->trainer);
    return nnsm_training_save(s->training, s->run, request, error);
}

nnsm_status nnsm_train_on(nnsm_run *run, nnsm_training *training, nnsm_pool *pool, nnsm_error *error)
{
    session s = {.run = run, .training = training};
    nnsm_trainer_team team = {.context = &s, .wish = wish, .pause = pause_training};
    nnsm_status status = nnsm_trainer_create(&s.trainer, run, training, pool, NULL, &team, run->world, error);
    if (!status)
        status = nnsm_trainer_epochs(&s.trainer, training->epochs, error);
    nnsm_trainer_destroy(&s.trainer);
    return nnsm_agree(run->world, status, error);
}

static nnsm_status begin_training(nnsm_run *run, nnsm_training *training, nnsm_trained *trained,
                                  const nnsm_partition *partition, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_status status = nnsm_training_create(training, run, 0, trained, partition->training, error);
    status = nnsm_agree(run->world, status, error);
    if (status || run->resume.progress != NNSM_AT_TRAIN || run->resume.step == 0)
        return status;
    nnsm_run_path(run, NNSM_FILE_CHECKPOINT, path);
    status = nnsm_training_restore_at(training, run, path, partition->batches, error);
    if (!status)
        nnsm_say(&run->log, "train: goes on in epoch %zu, batch %zu", (size_t)training->epoch + 1,
                 (size_t)training->batch + 1);
    return status;
}

nnsm_status nnsm_pool_load(nnsm_run *run, nnsm_pool *pool, nnsm_summary *summary, nnsm_evidence *evidence,
                           nnsm_error *error)
{
    const nnsm_config *c = run->config;
    nnsm_h5 h5;
    nnsm_ensemble_header header;
    *pool = (nnsm_pool){0};
    nnsm_status status = open_ensemble(run, &h5, &header, error);
    if (!status) {
        nnsm_partition partition = nnsm_partition_make(header.configurations, c->train.validation,
                                                       (size_t)c->train.batch, (size_t)c->train.shards_per_batch);
        status = nnsm_pool_create(pool, &partition, header.sites, run->rank, run->ranks, c->run.scratch, error);
        status = nnsm_agree(run->world, status, error);
    }
    if (!status)
        status = nnsm_load(run, &h5, &header, pool, summary, evidence, error);
    if (!status && c->ensemble.given) /* of our own data the model says it */
        status = nnsm_evidence_check(evidence, c, c->ensemble.file, error);
    (void)nnsm_h5_finish(&h5);
    return status;
}

static void report(nnsm_run *run, const nnsm_summary *summary, const nnsm_evidence *evidence)
{
    if (run->clock[NNSM_STAGE_GENERATE].end == 0) /* else that stage has said it */
        nnsm_summary_report(run, summary);
    if (run->rank == 0)
        nnsm_levels_report(&summary->levels, "ensemble: ");
    if (run->config->ensemble.given)
        nnsm_evidence_warn(run, evidence);
}

nnsm_status nnsm_stage_train(nnsm_run *run, nnsm_trained *trained, nnsm_error *error)
{
    nnsm_pool pool;
    nnsm_evidence evidence;
    nnsm_training training = {0};
    *trained = (nnsm_trained){0};
    nnsm_run_begin(run, NNSM_STAGE_TRAIN);
    nnsm_status status = nnsm_pool_load(run, &pool, &trained->summary, &evidence, error);
    if (!status)
        report(run, &trained->summary, &evidence);
    if (!status)
        status = nnsm_stage_reach(run, trained->summary.temperature, &trained->reach, error);
    if (!status)
        status = nnsm_trained_create(run, 0, trained->summary.temperature, trained, error);
    if (!status)
        status = begin_training(run, &training, trained, &pool.partition, error);
    if (!status)
        status = nnsm_train_on(run, &training, &pool, error);
    status = nnsm_trained_conclude(run, trained, &training, status, error);
    nnsm_training_destroy(&training);
    nnsm_pool_destroy(&pool);
    nnsm_run_end(run, NNSM_STAGE_TRAIN);
    return status;
}
