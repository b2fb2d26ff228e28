/* stages.c: run, generate, train, scan: which stages a command is made of, and where it goes on. */
#include "command/command.h"
#include "io/h5.h"
#include "io/probe.h"
#include "io/seal.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/foresee.h"
#include "stage/generators.h"
#include "stage/members.h"
#include "stage/network_file.h"
#include "stage/opening.h"
#include "stage/report.h"
#include "stage/train.h"
#include "stage/window.h"

/* ---- what an earlier session left */

/* Is a file of this run what the checkpoint says it is? Collective. */
static nnsm_status check_file(nnsm_run *run, nnsm_file file, int64_t checksum, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_seal seal;
    uint64_t found = 0;
    nnsm_status status = NNSM_OK;
    nnsm_run_path(run, file, path);
    if (run->rank == 0)
        status = nnsm_seal_check(path, &seal, &found, error);
    if (run->rank == 0 && !status && (int64_t)found != checksum)
        status = nnsm_fail(error, NNSM_DATA,
                           "%.400s is not the file that this run made: its checksum differs; restore that file, or "
                           "start anew with --fresh",
                           path);
    return nnsm_agree(run->world, status, error);
}

static void say_finished(const nnsm_run *run, nnsm_file file)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_path(run, file, path);
    nnsm_say(&run->log, "nothing to do: %s is finished; --fresh makes it anew", path);
}

/* ---- stages */

static nnsm_status read_network(nnsm_run *run, nnsm_trained *trained, nnsm_error *error)
{
    char own[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_NETWORK, own);
    const char *path = run->config->network.file[0] ? run->config->network.file : own;
    nnsm_status status = run->rank == 0 ? nnsm_probe(path, NULL, error) : NNSM_OK;
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_agree_on_file(run, path, error);
    if (!status)
        status = nnsm_agree(run->world, nnsm_network_file_read(run, path, trained, error), error);
    return status;
}

static nnsm_status scan_and_report(nnsm_run *run, const nnsm_trained *trained, const nnsm_members *members,
                                   nnsm_error *error)
{
    nnsm_learned *learned = NULL;
    nnsm_couplings couplings = {0};
    nnsm_scanned scanned = {0};
    nnsm_status status = nnsm_agree(run->world, nnsm_network_learned(&learned, &trained->network, error), error);
    if (!status)
        status = nnsm_stage_couplings(run, learned, trained, members, &couplings, error);
    if (!status)
        status = nnsm_stage_scan(run, learned, trained, &couplings, members, &scanned, error);
    if (!status)
        status = nnsm_stage_report(run, trained, &couplings, &scanned, error);
    nnsm_scanned_destroy(&scanned);
    nnsm_couplings_destroy(&couplings);
    nnsm_learned_destroy(learned);
    return status;
}

static nnsm_status make_network(nnsm_run *run, nnsm_trained *trained, nnsm_error *error)
{
    if (run->resume.progress == NNSM_AT_SCAN) {
        nnsm_status status = check_file(run, NNSM_FILE_NETWORK, run->resume.network, error);
        if (!status)
            status = read_network(run, trained, error);
        return status ? status : nnsm_foresee_scan(run, error);
    }
    bool generate = run->config->generate.given && run->resume.progress <= NNSM_AT_GENERATE;
    /* A training that has begun beside the generation goes on so. */
    bool begun = run->resume.progress == NNSM_AT_GENERATE && run->resume.step > 0;
    bool apart = !begun && nnsm_generate_first(run->config, run->lattice.sites, run->ranks);
    /* Lattice and alphabet of generated sites are known; others are looked at when their file is opened to train. */
    nnsm_status status = generate && !run->config->window.given ? nnsm_foresee_scan(run, error) : NNSM_OK;
    if (!status && generate && !apart)
        return nnsm_stage_generate_and_train(run, trained, error);
    if (!status && generate)
        status = nnsm_stage_generate(run, error);
    if (!status)
        status = nnsm_stage_window(run, error);
    return status ? status : nnsm_stage_train(run, trained, error);
}

/* ---- commands */

nnsm_status nnsm_command_run(nnsm_run *run, nnsm_error *error)
{
    nnsm_trained trained = {0};
    nnsm_members members = {0};
    if (!run->config->generate.given && !run->config->ensemble.given)
        return nnsm_fail(error, NNSM_USAGE,
                         "the configuration has neither generate nor ensemble; add one, or use "
                         "nnsm scan on a network file");
    if (nnsm_report_finished(run)) {
        say_finished(run, NNSM_FILE_RESULTS);
        return NNSM_OK;
    }
    if (run->resume.progress == NNSM_AT_START)
        nnsm_members_forget(run);
    nnsm_status status = make_network(run, &trained, error);
    if (!status)
        status = nnsm_stage_members(run, &trained, &members, error);
    if (!status)
        status = scan_and_report(run, &trained, &members, error);
    nnsm_members_destroy(&members);
    nnsm_trained_destroy(&trained);
    return status;
}

nnsm_status nnsm_command_generate(nnsm_run *run, nnsm_error *error)
{
    if (!run->config->generate.given)
        return nnsm_fail(error, NNSM_USAGE, "the configuration has no generate group; add one");
    if (run->resume.progress <= NNSM_AT_GENERATE)
        return nnsm_stage_generate(run, error);
    nnsm_status status = check_file(run, NNSM_FILE_ENSEMBLE, run->resume.ensemble, error);
    if (!status)
        say_finished(run, NNSM_FILE_ENSEMBLE);
    return status;
}

nnsm_status nnsm_command_window(nnsm_run *run, nnsm_error *error)
{
    if (!run->config->window.given)
        return nnsm_fail(error, NNSM_USAGE, "the configuration has no window group; add one");
    if (run->resume.progress == NNSM_AT_GENERATE)
        return nnsm_fail(error, NNSM_USAGE, "the ensemble is not finished; use nnsm generate or nnsm run first");
    return nnsm_stage_window(run, error);
}

nnsm_status nnsm_command_train(nnsm_run *run, nnsm_error *error)
{
    nnsm_trained trained = {0};
    nnsm_error other;
    if (run->config->train.data == NNSM_CONFIG_STREAM)
        return nnsm_fail(error, NNSM_USAGE, "train.data = \"stream\" trains while it generates; use nnsm run");
    if (run->resume.progress == NNSM_AT_GENERATE)
        return nnsm_fail(error, NNSM_USAGE, "the ensemble is not finished; use nnsm generate or nnsm run first");
    if (run->resume.progress == NNSM_AT_SCAN &&
        check_file(run, NNSM_FILE_NETWORK, run->resume.network, &other) == NNSM_OK) {
        say_finished(run, NNSM_FILE_NETWORK);
        return NNSM_OK;
    }
    nnsm_status status = nnsm_stage_window(run, error);
    if (!status)
        status = nnsm_stage_train(run, &trained, error);
    nnsm_trained_destroy(&trained);
    return status;
}

nnsm_status nnsm_command_scan(nnsm_run *run, nnsm_error *error)
{
    nnsm_trained trained = {0};
    nnsm_members members = {0};
    if (run->resume.progress == NNSM_AT_GENERATE || (run->resume.progress == NNSM_AT_TRAIN && run->resume.step > 0))
        return nnsm_fail(error, NNSM_USAGE,
                         "%s was stopped in stage %s; finish that with nnsm run, or choose another run.name",
                         run->config->run.name, nnsm_progress_name(run->resume.progress));
    nnsm_status status = read_network(run, &trained, error);
    if (!status && nnsm_report_finished(run))
        say_finished(run, NNSM_FILE_RESULTS);
    else if (!status) {
        status = nnsm_foresee_scan(run, error);
        if (!status)
            status = nnsm_members_read(run, &trained, &members, error);
        if (!status)
            status = scan_and_report(run, &trained, &members, error);
    }
    nnsm_members_destroy(&members);
    nnsm_trained_destroy(&trained);
    return status;
}
