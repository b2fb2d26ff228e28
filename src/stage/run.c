#include "stage/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/timer.h"
#include "setup/agree.h"

/* mkdir -p. */
static nnsm_status make_directory(const char *path, nnsm_error *error)
{
    char part[NNSM_CONFIG_TEXT];
    for (size_t i = 1; i <= strlen(path); i++)
        if (path[i] == '/' || path[i] == '\0') {
            (void)snprintf(part, sizeof part, "%.*s", (int)i, path);
            if (mkdir(part, 0777) != 0 && errno != EEXIST)
                return nnsm_fail(error, NNSM_FAILURE, "output directory %s: %s; choose another run.output", part,
                                 strerror(errno));
        }
    return NNSM_OK;
}

nnsm_model_parameters nnsm_run_parameters(const nnsm_config *config)
{
    nnsm_model_parameters p = {.kind = (nnsm_model_kind)config->system.model,
                               .coupling = config->system.coupling,
                               .next_nearest = config->system.next_nearest,
                               .plaquette = config->system.plaquette,
                               .field = config->system.field,
                               .disorder = config->system.disorder,
                               .states = config->system.states,
                               .crystal_field = config->system.crystal_field};
    memcpy(p.anisotropy, config->system.anisotropy, sizeof p.anisotropy);
    return p;
}

nnsm_status nnsm_run_create(nnsm_run *run, const nnsm_config *config, MPI_Comm world, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    *run = (nnsm_run){.config = config, .world = world, .start = nnsm_seconds(), .alphabet = nnsm_alphabet_spins()};
    NNSM_MPI(MPI_Comm_rank(world, &run->rank));
    NNSM_MPI(MPI_Comm_size(world, &run->ranks));
    run->log = (nnsm_log){.active = run->rank == 0, .interval = config->run.progress, .last = run->start};
    run->key = nnsm_rng_key_from_seed((uint64_t)config->run.seed);
    if (config->system.given) {
        status = nnsm_lattice_create(&run->lattice, config->system.dimensions, config->system.lattice,
                                     config->system.boundary == 0, error);
        if (!status) {
            nnsm_model_parameters parameters = nnsm_run_parameters(config);
            status = nnsm_model_create(&run->model, &run->lattice, &parameters, error);
        }
        run->model_known = !status;
        nnsm_window window;
        if (!status && config->window.given) /* do they fit? before anything is generated */
            status = nnsm_config_window(config, run->lattice.dimensions, run->lattice.extent, &window, error);
        if (!status)
            run->alphabet = run->model.alphabet;
    }
    char path[NNSM_RUN_PATH];
    if (!status && run->rank == 0)
        status = make_directory(config->run.output, error);
    nnsm_run_path(run, NNSM_FILE_LOCK, path);
    if (!status && run->rank == 0)
        status = nnsm_lock_take(&run->lock, path, error);
    status = nnsm_agree(world, status, error);
    NNSM_MPI(MPI_Bcast(run->lock.text, (int)sizeof run->lock.text, MPI_CHAR, 0, world));
    if (!status && run->rank != 0)
        status = nnsm_lock_look(path, run->lock.text, error);
    status = nnsm_agree(world, status, error);
    nnsm_run_path(run, NNSM_FILE_STOP, path);
    nnsm_stop_create(&run->stop, run->rank == 0, config->checkpoint.interval, config->run.time_limit, path);
    return status;
}

void nnsm_run_destroy(nnsm_run *run)
{
    nnsm_lock_release(&run->lock);
    nnsm_run_forget_windows(run);
    nnsm_model_destroy(&run->model);
    nnsm_lattice_destroy(&run->lattice);
}

void nnsm_run_path(const nnsm_run *run, nnsm_file file, char *path)
{
    static const char *const suffix[] = {"ensemble.h5",   "blocks.h5",    "latent.h5",  "network.h5", "results.h5",
                                         "checkpoint.h5", "last_good.h5", "bench.json", "lock",       "stop"};
    (void)snprintf(path, NNSM_RUN_PATH, "%s/%s.%s", run->config->run.output, run->config->run.name, suffix[file]);
}

void nnsm_run_begin(nnsm_run *run, nnsm_stage stage)
{
    run->clock[stage] = (nnsm_interval){.begin = nnsm_seconds() - run->start, .waited = nnsm_waited()};
}

void nnsm_run_end(nnsm_run *run, nnsm_stage stage)
{
    nnsm_interval *i = &run->clock[stage];
    if (i->begin <= 0) /* a failure came before */
        return;
    i->end = nnsm_seconds() - run->start;
    i->wait = nnsm_waited() - i->waited;
}

bool nnsm_run_has_lattice(const nnsm_run *run, int dimensions, const int *extent)
{
    return run->lattice.dimensions == dimensions &&
           memcmp(run->lattice.extent, extent, sizeof run->lattice.extent) == 0;
}
