/* bench.c: how fast the parts of a run are on this machine. */
#include "stage/bench.h"
#include "base/memory.h"
#include "command/command.h"
#include "setup/agree.h"
#include "stage/cores.h"

/* Stages say what they do, and a stopped one how to go on: neither is true of a benchmark. */
static nnsm_status measure(nnsm_bench *bench, nnsm_error *error)
{
    bool active = bench->run->log.active;
    bench->run->log.active = false;
    nnsm_status status = nnsm_bench_cores(bench, error);
    if (!status)
        status = nnsm_bench_pause(bench, error);
    if (!status)
        status = nnsm_bench_prepare(bench, error);
    if (!status)
        status = nnsm_bench_stages(bench, error);
    if (!status)
        nnsm_bench_layers(bench);
    if (!status)
        status = nnsm_bench_messages(bench, error);
    bench->run->log.active = active;
    return status == NNSM_UNFINISHED
               ? nnsm_fail(error, status, "the benchmark was stopped; nothing of it is kept, run it again")
               : status;
}

nnsm_status nnsm_command_bench(nnsm_run *run, double seconds, nnsm_error *error)
{
    nnsm_bench *bench = NULL;
    nnsm_status status = nnsm_agree(run->world, NNSM_NEW(&bench, 1, "benchmark", error), error);
    if (!status)
        status = nnsm_cores_compare(run, error);
    if (!status) {
        bench->run = run;
        bench->asked = run->config;
        bench->seconds = seconds;
        nnsm_say(&run->log, "bench: about %.0f s of measurements, and some to begin with", seconds);
        status = measure(bench, error);
        if (!status)
            nnsm_bench_print(bench);
        if (!status && run->rank == 0)
            status = nnsm_bench_write(bench, error);
        status = nnsm_agree(run->world, status, error);
        nnsm_bench_release(bench);
    }
    nnsm_release(bench);
    return status;
}
