#include "stage/window_plan.h"

#include <string.h>

/* What a plan is made of. */
typedef struct {
    nnsm_run *run;
    nnsm_h5 *source;
    const nnsm_ensemble_header *header; /* of the source */
    nnsm_window stated;                 /* by the source itself; sites = 0: it says nothing */
    nnsm_window_plan *plan;
} maker;

/* ---- what is stated */

/* The windows of measured sums: as their file says, or by the configuration. */
static nnsm_status find_below(maker *m, int *below, nnsm_error *error)
{
    const nnsm_config *c = m->run->config;
    int size[NNSM_MAX_DIMENSIONS], stride[NNSM_MAX_DIMENSIONS];
    nnsm_windowing theirs;
    nnsm_windowing_read(m->source, &theirs);
    if (m->source->status)
        return m->source->status;
    if (theirs.window.sites) {
        m->stated = theirs.window;
        for (int a = 0; a < theirs.window.dimensions; a++)
            below[a] = theirs.window.below[a];
        m->plan->windowing.values = theirs.values;
        return NNSM_OK;
    }
    for (int a = 0; a < m->header->dimensions; a++) {
        size[a] = nnsm_config_window_size(c, a);
        stride[a] = nnsm_config_window_stride(c, a);
    }
    nnsm_window_extents_below(m->header->dimensions, m->header->extent, size, stride, c->window.periodic, below);
    return nnsm_alphabet_create(&m->plan->windowing.values, 2,
                                (const int64_t[]){c->window.values[0], c->window.values[1]}, false, error);
}

/* Do the windows have the extents and the values of the measured sums? */
static nnsm_status check_sums(maker *m)
{
    const nnsm_window *w = &m->plan->windowing.window;
    char theirs[16 * NNSM_MAX_VALUES], ours[16 * NNSM_MAX_VALUES];
    bool same = w->dimensions == m->header->dimensions;
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++)
        same = same && w->extent[a] == m->header->extent[a];
    if (!same || (m->stated.sites && !nnsm_window_equal(w, &m->stated)))
        return nnsm_h5_fail(m->source, "its lattice is not that of the windows of the configuration; correct the group "
                                       "window");
    for (int k = 0; k < m->header->alphabet.count; k++) {
        int8_t state;
        if (nnsm_alphabet_state(&m->plan->sums, m->header->alphabet.value[k], &state))
            continue;
        nnsm_alphabet_text(&m->header->alphabet, theirs, sizeof theirs);
        nnsm_alphabet_text(&m->plan->sums, ours, sizeof ours);
        return nnsm_h5_fail(m->source,
                            "its values %s cannot be sums over %llu sites, which are %s; correct window.size or "
                            "window.values",
                            theirs, (unsigned long long)w->volume, ours);
    }
    return NNSM_OK;
}

static nnsm_status state_windows(maker *m, nnsm_error *error)
{
    const nnsm_config *c = m->run->config;
    bool sites = c->window.data == NNSM_CONFIG_SITES;
    nnsm_windowing *w = &m->plan->windowing;
    int below[NNSM_MAX_DIMENSIONS] = {1, 1, 1};
    memset(w, 0, sizeof *w);
    w->values = m->header->alphabet;
    memcpy(below, m->header->extent, sizeof below);
    nnsm_status status = sites ? NNSM_OK : find_below(m, below, error);
    if (!status)
        status = nnsm_config_window(c, m->header->dimensions, below, &w->window, error);
    if (!status)
        status = nnsm_window_alphabet(&w->window, &w->values, &m->plan->sums, error);
    if (status == NNSM_USAGE)
        return nnsm_h5_fail(m->source, "%s", error->message);
    if (!status && !sites)
        status = check_sums(m);
    w->latent = nnsm_window_overlaps(&w->window) && c->window.route == NNSM_CONFIG_DECONVOLVE;
    w->masked = nnsm_window_overlaps(&w->window) && c->window.route == NNSM_CONFIG_MASKED;
    w->source = (int64_t)m->source->checksum;
    if (!status && c->system.given && !nnsm_alphabet_equal(&w->values, &m->run->alphabet))
        return nnsm_h5_fail(m->source, "the values of its sites are not those of the model; correct the configuration");
    if (!status && (w->latent || w->masked) && w->values.count != 2)
        return nnsm_h5_fail(m->source,
                            "its sites have %d values: windows are undone to two values only; take "
                            "window.route = \"plain\"",
                            (int)w->values.count);
    if (!status && w->values.count == 2)
        nnsm_windowing_uppers(w, &m->plan->sums, m->plan->upper);
    return status;
}

/* ---- what is there already */

/* A file of this stage, made of the same source by the same windows; what the filter found is taken over. */
static bool is_made(maker *m, nnsm_file file)
{
    char path[NNSM_RUN_PATH];
    nnsm_error ignored;
    nnsm_h5 h5;
    bool there = false;
    nnsm_windowing found, *w = &m->plan->windowing;
    nnsm_run_path(m->run, file, path);
    if (nnsm_h5_exists(path, &there, &ignored) || !there)
        return false;
    (void)nnsm_h5_open(&h5, path, NNSM_H5_OWN, NNSM_ENSEMBLE_KIND, &ignored);
    nnsm_windowing_read(&h5, &found);
    bool same = !h5.status && nnsm_window_equal(&found.window, &w->window) && found.latent == w->latent &&
                found.masked == w->masked && found.source == w->source &&
                nnsm_alphabet_equal(&found.values, &w->values);
    if (nnsm_h5_finish(&h5) || !same)
        return false;
    if (file == NNSM_FILE_LATENT || w->masked)
        *w = found;
    return true;
}

nnsm_status nnsm_window_plan_make(nnsm_window_plan *plan, nnsm_run *run, nnsm_h5 *source,
                                  const nnsm_ensemble_header *header, nnsm_error *error)
{
    bool sites = run->config->window.data == NNSM_CONFIG_SITES;
    maker m = {.run = run, .source = source, .header = header, .plan = plan};
    nnsm_windowing *w = &plan->windowing;
    memset(plan, 0, sizeof *plan); /* padding too: it goes to other ranks */
    nnsm_status status = state_windows(&m, error);
    if (status)
        return status;
    plan->write_latent = w->latent && !is_made(&m, NNSM_FILE_LATENT);
    bool blocks = sites || w->masked; /* measured sums may lack some in their alphabet */
    plan->write_blocks = blocks && (plan->write_latent || !is_made(&m, NNSM_FILE_BLOCKS));
    bool made = !plan->write_latent && !plan->write_blocks;
    if (made && (blocks || w->latent)) {
        plan->finished = 1;
        return NNSM_OK;
    }
    if (w->latent) {
        plan->write_latent = 1; /* what the filter finds stands in both */
        w->configurations = w->none = w->several = w->uncounted = w->doublings = 0;
    }
    bool validates = nnsm_window_overlaps(&w->window) && !plan->write_blocks && w->values.count == 2;
    plan->filter = w->latent || w->masked ? 1 : validates ? 2 : 0;
    plan->finished = made && !plan->filter;
    return NNSM_OK;
}
