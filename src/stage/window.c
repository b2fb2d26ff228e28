#include "stage/window.h"

#include <stdio.h>
#include <string.h>

#include "io/ensemble_file.h"
#include "setup/agree.h"
#include "stage/network_file.h"
#include "stage/opening.h"
#include "stage/system_file.h"
#include "stage/window_pass.h"

enum { METADATA = 1 << 18 }; /* bytes of a file beside its configurations */

/* A file that is written, or not. */
typedef struct {
    nnsm_ensemble_header header;
    nnsm_h5 h5; /* open on rank 0 */
    nnsm_writing writing;
    bool begun;
} output;

typedef struct {
    nnsm_run *run;
    nnsm_h5 source;
    nnsm_ensemble_header header; /* of the source */
    nnsm_window_plan plan;
    nnsm_window_failures failures;
    output blocks, latent;
} maker;

/* ---- the files */

static nnsm_status create_file(maker *m, output *o, nnsm_file file, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_path(m->run, file, path);
    o->begun = true;
    if (m->run->rank == 0 && nnsm_h5_create(&o->h5, path, nnsm_ensemble_bytes(&o->header) + METADATA, error) == NNSM_OK)
        nnsm_ensemble_define(&o->h5, &o->header);
    return nnsm_writing_open(&o->writing, m->run->world, &o->h5, path, &o->header,
                             nnsm_window_pass_block(&m->header, &m->plan), error);
}

static nnsm_status create_files(maker *m, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    if (m->plan.write_blocks)
        status = create_file(m, &m->blocks, NNSM_FILE_BLOCKS, error);
    if (m->plan.write_latent && !status)
        status = create_file(m, &m->latent, NNSM_FILE_LATENT, error);
    return status;
}

static void describe(maker *m, nnsm_h5 *h5, bool with_system)
{
    const nnsm_windowing *w = &m->plan.windowing;
    nnsm_windowing_write(h5, w);
    if (with_system)
        nnsm_system_write(h5, m->run);
    if (!with_system || !m->run->model_known)
        nnsm_h5_set_text(h5, "/configurations", "boundary", w->window.periodic ? "periodic" : "open");
    nnsm_provenance_write(h5, m->run);
}

/* A failure anywhere, or a stop, must leave no file behind. */
static nnsm_status close_file(maker *m, output *o, bool with_system, nnsm_status status, nnsm_error *error)
{
    if (!o->begun)
        return status;
    if (m->run->rank == 0 && !status)
        describe(m, &o->h5, with_system);
    if (!status)
        nnsm_h5_settle(&o->h5); /* while others write */
    status = nnsm_writing_close(&o->writing, status, error);
    if (status && !o->h5.status)
        o->h5.status = status;
    nnsm_status closed = nnsm_h5_finish(&o->h5);
    return status ? status : nnsm_agree(m->run->world, closed, error);
}

static nnsm_status close_files(maker *m, nnsm_status status, nnsm_error *error)
{
    status = close_file(m, &m->latent, true, status, error);
    return close_file(m, &m->blocks, false, status, error);
}

/* ---- making them */

/* What the filter found, against what the route needs. */
static nnsm_status judge(maker *m)
{
    const nnsm_windowing *w = &m->plan.windowing;
    if (!(w->latent || w->masked) || (!w->none && !m->failures.undecided))
        return NNSM_OK;
    if (!w->none)
        return nnsm_h5_fail(&m->source,
                            "configuration %llu leaves more possibilities than there is room for, and %llu do in all: "
                            "the windows are too long for their stride; take shorter ones, a larger stride, or "
                            "window.route = \"plain\"",
                            (unsigned long long)m->failures.first, (unsigned long long)m->failures.undecided);
    return nnsm_h5_fail(
        &m->source,
        "configuration %llu cannot be sums over such windows of two-valued sites, and %lld of %lld "
        "cannot: window.size, stride, periodic or values are wrong, or there is noise; correct them, or "
        "take window.route = \"plain\"",
        (unsigned long long)m->failures.first, (long long)w->none, (long long)w->configurations);
}

/* Headers of what is written. */
static void state_headers(maker *m)
{
    const nnsm_windowing *w = &m->plan.windowing;
    nnsm_ensemble_header *blocks = &m->blocks.header, *latent = &m->latent.header;
    *blocks = *latent = m->header;
    blocks->alphabet = m->plan.sums;
    latent->alphabet = w->values;
    blocks->sites = w->window.sites;
    latent->sites = w->window.sites_below;
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++) {
        blocks->extent[a] = w->window.extent[a];
        latent->extent[a] = w->window.below[a];
    }
}

static nnsm_status make(maker *m, nnsm_error *error)
{
    nnsm_run *run = m->run;
    char path[NNSM_RUN_PATH];
    nnsm_run_data_path(run, path);
    nnsm_status status = nnsm_open_configurations(run, path, &m->source, &m->header, error);
    if (!status)
        status = nnsm_find_values(run, &m->source, &m->header, NNSM_VOTE_WINDOW, error);
    if (!status && run->rank == 0)
        status = nnsm_window_plan_make(&m->plan, run, &m->source, &m->header, error);
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&m->plan, (int)sizeof m->plan, MPI_BYTE, 0, run->world));
    if (status || m->plan.finished)
        return status;
    state_headers(m);
    status = create_files(m, error);
    if (!status)
        status = nnsm_window_pass(run, &m->source, &m->header, &m->plan, &m->blocks.writing, &m->latent.writing,
                                  &m->failures, error);
    if (!status)
        status = judge(m);
    return close_files(m, status, error);
}

static void say(const maker *m)
{
    const nnsm_windowing *w = &m->plan.windowing;
    nnsm_log *log = &m->run->log;
    char text[256], values[16 * NNSM_MAX_VALUES], several[NNSM_WINDOWING_TEXT];
    nnsm_windowing_several_text(w, several, sizeof several);
    nnsm_windowing_text(w, text, sizeof text);
    nnsm_alphabet_text(&m->plan.sums, values, sizeof values);
    nnsm_say(log, "window: %s, values %s", text, values);
    if (w->latent)
        nnsm_say(log,
                 "window: overlapping windows undone, the network learns on the sites below; %lld configurations, "
                 "all with a preimage, of which one was taken, %s",
                 (long long)w->configurations, several);
    else if (w->masked)
        nnsm_say(log,
                 "window: the network learns on sums, and knows only sums that have a preimage; %lld configurations, "
                 "all with one, %s",
                 (long long)w->configurations, several);
    else if (w->none)
        nnsm_warn(log,
                  "%lld of %lld configurations cannot be sums over such windows of two-valued sites: the windows "
                  "stated are wrong, or there is noise",
                  (long long)w->none, (long long)w->configurations);
    if (nnsm_windowing_ambiguous(w))
        nnsm_warn(
            log,
            "%.1f %% of the configurations have several preimages, of which always the same one is taken: what is "
            "learned are sites so chosen, whose couplings and |m| at other temperatures are not those of the "
            "sites that were measured; KL is not given. window.route = \"masked\" learns on the sums themselves",
            100 * (double)w->several / (double)w->configurations);
}

nnsm_status nnsm_stage_window(nnsm_run *run, nnsm_error *error)
{
    maker m = {.run = run};
    if (!run->config->window.given || run->windowing.window.sites)
        return NNSM_OK;
    nnsm_run_begin(run, NNSM_STAGE_WINDOW);
    m.source.file = m.blocks.h5.file = m.latent.h5.file = H5I_INVALID_HID;
    nnsm_status status = make(&m, error);
    if (!status)
        say(&m);
    (void)nnsm_h5_finish(&m.source);
    if (!status)
        status = nnsm_agree(run->world, nnsm_run_adopt_windows(run, &m.plan.windowing, error), error);
    nnsm_run_end(run, NNSM_STAGE_WINDOW);
    return status;
}

nnsm_status nnsm_window_check(const nnsm_run *run, nnsm_h5 *h5)
{
    char path[NNSM_RUN_PATH];
    nnsm_windowing theirs;
    const nnsm_windowing *ours = &run->windowing;
    nnsm_run_data_path(run, path);
    if (!ours->window.sites || (run->config->ensemble.given && strcmp(path, run->config->ensemble.file) == 0))
        return NNSM_OK;
    nnsm_windowing_read(h5, &theirs);
    if (!h5->status && (!nnsm_window_equal(&theirs.window, &ours->window) || theirs.source != ours->source))
        return nnsm_h5_fail(h5,
                            "it was not made from the ensemble of this run; remove it, and nnsm window makes it anew");
    return h5->status;
}
