/* run_windows.c: what windows change of a run (stage/run.h). */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "stage/run.h"

void nnsm_run_data_path(const nnsm_run *run, char *path)
{
    const nnsm_config *c = run->config;
    const nnsm_windowing *w = &run->windowing;
    bool as_it_is = !w->window.sites || (!w->latent && !w->masked && c->window.given && c->ensemble.given &&
                                         c->window.data == NNSM_CONFIG_WINDOWS);
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
           a->latent == b->latent && a->masked == b->masked;
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
    bool overlaps = nnsm_window_overlaps(&window), latent = overlaps && c->window.route == NNSM_CONFIG_DECONVOLVE;
    bool masked = overlaps && c->window.route == NNSM_CONFIG_MASKED;
    if (!nnsm_window_equal(&window, &w->window) || latent != (w->latent != 0) || masked != (w->masked != 0))
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
        return nnsm_alphabet_order(&run->alphabet, run->lattice.sites, states) / (w->sites ? (double)w->volume : 1);
    for (size_t i = 0; i < w->sites_below; i++)
        sum += (int64_t)run->window_counts[i] * nnsm_alphabet_value(&run->alphabet, states[i]);
    return (double)sum / ((double)w->sites * (double)w->volume);
}

double nnsm_run_magnetic_sites(const nnsm_run *run)
{
    const nnsm_window *w = &run->windowing.window;
    return (double)(w->sites ? w->sites_below : run->lattice.sites);
}

void nnsm_run_forget_windows(nnsm_run *run)
{
    nnsm_release(run->window_counts);
    run->window_counts = NULL;
    memset(&run->windowing, 0, sizeof run->windowing);
}
