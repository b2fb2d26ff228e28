#include "stage/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
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
                               .disorder = config->system.disorder};
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
    }
    char path[NNSM_RUN_PATH];
    if (!status && run->rank == 0)
        status = make_directory(config->run.output, error);
    nnsm_run_path(run, NNSM_FILE_LOCK, path);
    if (!status && run->rank == 0)
        status = nnsm_lock_take(&run->lock, path, error);
    nnsm_run_path(run, NNSM_FILE_STOP, path);
    nnsm_stop_create(&run->stop, run->rank == 0, config->checkpoint.interval, config->run.time_limit, path);
    return nnsm_agree(world, status, error);
}

void nnsm_run_destroy(nnsm_run *run)
{
    nnsm_lock_release(&run->lock);
    nnsm_release(run->window_counts);
    nnsm_model_destroy(&run->model);
    nnsm_lattice_destroy(&run->lattice);
}

void nnsm_run_path(const nnsm_run *run, nnsm_file file, char *path)
{
    static const char *const suffix[] = {"ensemble.h5",   "blocks.h5",    "latent.h5", "network.h5", "results.h5",
                                         "checkpoint.h5", "last_good.h5", "lock",      "stop"};
    (void)snprintf(path, NNSM_RUN_PATH, "%s/%s.%s", run->config->run.output, run->config->run.name, suffix[file]);
}

void nnsm_run_data_path(const nnsm_run *run, char *path)
{
    const nnsm_config *c = run->config;
    const nnsm_windowing *w = &run->windowing;
    bool as_it_is = !w->window.sites ||
                    (!w->latent && c->window.given && c->ensemble.given && c->window.data == NNSM_CONFIG_WINDOWS);
    if (!as_it_is)
        nnsm_run_path(run, w->latent ? NNSM_FILE_LATENT : NNSM_FILE_BLOCKS, path);
    else if (c->ensemble.given)
        (void)snprintf(path, NNSM_RUN_PATH, "%s", c->ensemble.file);
    else
        nnsm_run_path(run, NNSM_FILE_ENSEMBLE, path);
}

/* ---- windows */

static bool same_windows(const nnsm_windowing *a, const nnsm_windowing *b)
{
    return nnsm_window_equal(&a->window, &b->window) && nnsm_alphabet_equal(&a->values, &b->values) &&
           a->latent == b->latent;
}

/* Are they the windows of the configuration, on its lattice? */
static nnsm_status check_windows(const nnsm_run *run, const nnsm_windowing *w, nnsm_error *error)
{
    const nnsm_config *c = run->config;
    nnsm_window window;
    bool same = true;
    for (int a = 0; a < w->window.dimensions && run->model_known; a++)
        same = same && w->window.below[a] == run->lattice.extent[a];
    if (run->model_known && (!same || w->window.dimensions != run->lattice.dimensions))
        return nnsm_fail(error, NNSM_DATA, "the lattice below its windows is not that of system.lattice");
    if (!c || !c->window.given)
        return NNSM_OK;
    nnsm_status status = nnsm_config_window(c, w->window.dimensions, w->window.below, &window, error);
    if (status)
        return status;
    bool latent = nnsm_window_overlaps(&window) && c->window.route == NNSM_CONFIG_DECONVOLVE;
    if (!nnsm_window_equal(&window, &w->window) || latent != (w->latent != 0))
        return nnsm_fail(error, NNSM_DATA, "its windows are not those of the configuration; correct the group window");
    return NNSM_OK;
}

nnsm_status nnsm_run_adopt_windows(nnsm_run *run, const nnsm_windowing *windowing, nnsm_error *error)
{
    bool ours = run->windowing.window.sites, theirs = windowing->window.sites;
    if (!theirs && !ours && !(run->config && run->config->window.given))
        return NNSM_OK;
    if (!theirs || (ours && !same_windows(&run->windowing, windowing)))
        return nnsm_fail(error, NNSM_DATA,
                         "its data were not seen through the windows of this run; correct the group "
                         "window");
    nnsm_status status = ours ? NNSM_OK : check_windows(run, windowing, error);
    if (status || ours)
        return status;
    run->windowing = *windowing;
    if (windowing->latent) {
        status = NNSM_NEW(&run->window_counts, windowing->window.sites_below, "windows", error);
        if (!status)
            nnsm_window_counts(&windowing->window, run->window_counts);
        return status;
    }
    nnsm_model_destroy(&run->model);
    nnsm_lattice_destroy(&run->lattice);
    run->model_known = false;
    return NNSM_OK;
}

bool nnsm_run_periodic(const nnsm_run *run)
{
    bool below = run->windowing.latent && run->config->system.given;
    return run->windowing.window.sites && !below ? run->windowing.window.periodic != 0
                                                 : run->config->system.boundary == 0;
}

double nnsm_run_magnetization(const nnsm_run *run, const int8_t *states)
{
    const nnsm_window *w = &run->windowing.window;
    int64_t sum = 0;
    if (!run->window_counts)
        return nnsm_magnetization(&run->lattice, states) / (w->sites ? (double)w->volume : 1);
    for (size_t i = 0; i < w->sites_below; i++)
        sum += run->window_counts[i] * states[i];
    return (double)sum / ((double)w->sites * (double)w->volume);
}

/* ---- clock */

void nnsm_run_begin(nnsm_run *run, nnsm_stage stage)
{
    run->clock[stage].begin = nnsm_seconds() - run->start;
}

void nnsm_run_end(nnsm_run *run, nnsm_stage stage)
{
    run->clock[stage].end = nnsm_seconds() - run->start;
}

void nnsm_run_waited(nnsm_run *run, nnsm_stage stage, double since)
{
    run->clock[stage].wait += nnsm_seconds() - since;
}
