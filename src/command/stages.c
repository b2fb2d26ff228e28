/* stages.c: run, generate, train, scan: which stages a command is made of. */
#include "command/command.h"
#include "setup/agree.h"
#include "stage/network_file.h"
#include "stage/report.h"

static nnsm_status scan_and_report(nnsm_run *run, const nnsm_trained *trained, nnsm_error *error)
{
    nnsm_scanned scanned;
    nnsm_status status = nnsm_stage_scan(run, trained, &scanned, error);
    if (!status)
        status = nnsm_stage_report(run, trained, &scanned, error);
    nnsm_scanned_destroy(&scanned);
    return status;
}

nnsm_status nnsm_command_run(nnsm_run *run, nnsm_error *error)
{
    nnsm_trained trained;
    if (!run->config->generate.given && !run->config->ensemble.given)
        return nnsm_fail(error, NNSM_USAGE,
                         "the configuration has neither generate nor ensemble; add one, or use "
                         "nnsm scan on a network file");
    nnsm_status status = run->config->generate.given ? nnsm_stage_generate_and_train(run, &trained, error)
                                                     : nnsm_stage_train(run, &trained, error);
    if (!status)
        status = scan_and_report(run, &trained, error);
    nnsm_trained_destroy(&trained);
    return status;
}

nnsm_status nnsm_command_generate(nnsm_run *run, nnsm_error *error)
{
    if (!run->config->generate.given)
        return nnsm_fail(error, NNSM_USAGE, "the configuration has no generate group; add one");
    return nnsm_stage_generate(run, error);
}

nnsm_status nnsm_command_train(nnsm_run *run, nnsm_error *error)
{
    nnsm_trained trained;
    if (run->config->train.data == NNSM_CONFIG_STREAM)
        return nnsm_fail(error, NNSM_USAGE, "train.data = \"stream\" trains while it generates; use nnsm run");
    nnsm_status status = nnsm_stage_train(run, &trained, error);
    nnsm_trained_destroy(&trained);
    return status;
}

nnsm_status nnsm_command_scan(nnsm_run *run, nnsm_error *error)
{
    nnsm_trained trained;
    char own[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_NETWORK, own);
    const char *path = run->config->network.file[0] ? run->config->network.file : own;
    nnsm_status status = nnsm_agree(run->world, nnsm_network_file_read(run, path, &trained, error), error);
    if (!status)
        status = scan_and_report(run, &trained, error);
    nnsm_trained_destroy(&trained);
    return status;
}
