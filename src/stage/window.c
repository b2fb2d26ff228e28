#include "stage/window.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/ensemble_file.h"
#include "lattice/preimage.h"
#include "lattice/support.h"
#include "setup/agree.h"
#include "setup/probe.h"
#include "stage/network_file.h"
#include "stage/system_file.h"

enum { METADATA = 1 << 18 }; /* bytes of a file beside its configurations */

/* All that rank 0 works with. */
typedef struct {
    nnsm_run *run;
    char path[NNSM_RUN_PATH]; /* of the source */
    nnsm_h5 source;
    nnsm_ensemble_header header;    /* of the source */
    nnsm_window stated;             /* by the source itself; sites = 0: it says nothing */
    nnsm_windowing windowing;       /* what it becomes, and what the filter finds */
    nnsm_alphabet sums;             /* of the windows */
    int32_t upper[NNSM_MAX_VALUES]; /* upper sites in a window by its state */
    nnsm_preimage *filter;          /* NULL: windows are not undone */
    nnsm_support *support;          /* of a masked network, by which its data must be possible too */
    nnsm_support_stream *stream;
    uint32_t *allowed;      /* [windows] */
    nnsm_h5 blocks, latent; /* open where they are written */
    bool write_blocks, write_latent;
    int8_t *rows, *block_rows, *latent_rows; /* [block][sites] */
    int32_t *counts;                         /* [windows] */
    size_t first_none, undecided;            /* a configuration without a preimage; undecided ones */
} maker;

/* ---- what is stated */

/* The windows of measured sums: as their file says, or by the configuration. */
static nnsm_status find_below(maker *m, int *below, nnsm_error *error)
{
    const nnsm_config *c = m->run->config;
    int size[NNSM_MAX_DIMENSIONS], stride[NNSM_MAX_DIMENSIONS];
    nnsm_windowing theirs;
    nnsm_windowing_read(&m->source, &theirs);
    if (m->source.status)
        return m->source.status;
    if (theirs.window.sites) {
        m->stated = theirs.window;
        for (int a = 0; a < theirs.window.dimensions; a++)
            below[a] = theirs.window.below[a];
        m->windowing.values = theirs.values;
        return NNSM_OK;
    }
    for (int a = 0; a < m->header.dimensions; a++) {
        size[a] = nnsm_config_window_size(c, a);
        stride[a] = nnsm_config_window_stride(c, a);
    }
    nnsm_window_extents_below(m->header.dimensions, m->header.extent, size, stride, c->window.periodic, below);
    return nnsm_alphabet_create(&m->windowing.values, 2, (const int64_t[]){c->window.values[0], c->window.values[1]},
                                false, error);
}

/* Do the windows have the extents and the values of the measured sums? */
static nnsm_status check_sums(maker *m)
{
    const nnsm_window *w = &m->windowing.window;
    char theirs[16 * NNSM_MAX_VALUES], ours[16 * NNSM_MAX_VALUES];
    bool same = w->dimensions == m->header.dimensions;
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++)
        same = same && w->extent[a] == m->header.extent[a];
    if (!same || (m->stated.sites && !nnsm_window_equal(w, &m->stated)))
        return nnsm_h5_fail(&m->source,
                            "its lattice is not that of the windows of the configuration; correct the group "
                            "window");
    for (int k = 0; k < m->header.alphabet.count; k++) {
        int8_t state;
        if (nnsm_alphabet_state(&m->sums, m->header.alphabet.value[k], &state))
            continue;
        nnsm_alphabet_text(&m->header.alphabet, theirs, sizeof theirs);
        nnsm_alphabet_text(&m->sums, ours, sizeof ours);
        return nnsm_h5_fail(&m->source,
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
    nnsm_windowing *w = &m->windowing;
    int below[NNSM_MAX_DIMENSIONS] = {1, 1, 1};
    memset(w, 0, sizeof *w);
    w->values = m->header.alphabet;
    memcpy(below, m->header.extent, sizeof below);
    nnsm_status status = sites ? NNSM_OK : find_below(m, below, error);
    if (!status)
        status = nnsm_config_window(c, m->header.dimensions, below, &w->window, error);
    if (!status)
        status = nnsm_window_alphabet(&w->window, &w->values, &m->sums, error);
    if (status == NNSM_USAGE)
        return nnsm_h5_fail(&m->source, "%s", error->message);
    if (!status && !sites)
        status = check_sums(m);
    w->latent = nnsm_window_overlaps(&w->window) && c->window.route == NNSM_CONFIG_DECONVOLVE;
    w->masked = nnsm_window_overlaps(&w->window) && c->window.route == NNSM_CONFIG_MASKED;
    w->source = (int64_t)m->source.checksum;
    if (!status && c->system.given && !nnsm_alphabet_equal(&w->values, &m->run->alphabet))
        return nnsm_h5_fail(&m->source,
                            "the values of its sites are not those of the model; correct the configuration");
    if (!status && (w->latent || w->masked) && w->values.count != 2)
        return nnsm_h5_fail(&m->source,
                            "its sites have %d values: windows are undone to two values only; take "
                            "window.route = \"plain\"",
                            (int)w->values.count);
    if (!status && w->values.count == 2)
        nnsm_windowing_uppers(w, &m->sums, m->upper);
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
    nnsm_windowing found, *w = &m->windowing;
    nnsm_run_path(m->run, file, path);
    if (nnsm_h5_exists(path, &there, &ignored) || !there ||
        nnsm_h5_open(&h5, path, NNSM_H5_OWN, NNSM_ENSEMBLE_KIND, &ignored))
        return false;
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

/* ---- making it */

static nnsm_status create_file(maker *m, nnsm_h5 *h5, nnsm_file file, nnsm_ensemble_header *header, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_path(m->run, file, path);
    header->sites = 1;
    for (int a = 0; a < header->dimensions; a++)
        header->sites *= (size_t)header->extent[a];
    nnsm_status status = nnsm_h5_create(h5, path, header->configurations * header->sites + METADATA, error);
    if (!status)
        nnsm_ensemble_define(h5, header);
    return status ? status : h5->status;
}

/* Every configuration of sums back to sites. upper sums go through counts. */
static void undo(maker *m, size_t first, size_t count)
{
    nnsm_windowing *w = &m->windowing;
    size_t windows = w->window.sites, sites = w->window.sites_below;
    for (size_t r = 0; r < count; r++) {
        const int8_t *block = m->block_rows + r * windows;
        for (size_t b = 0; b < windows; b++)
            m->counts[b] = m->upper[m->sums.count == 2 ? block[b] > 0 : block[b]];
        int8_t *latent = w->masked ? NULL : m->latent_rows + r * sites;
        nnsm_preimages found = nnsm_preimage_find(m->filter, m->counts, latent);
        if (m->stream && found != NNSM_PREIMAGES_NONE && !nnsm_support_follow(m->stream, block, m->allowed, NULL))
            found = NNSM_PREIMAGES_UNDECIDED;
        if (found == NNSM_PREIMAGES_NONE && !w->none)
            m->first_none = first + r;
        if (found == NNSM_PREIMAGES_UNDECIDED && !m->undecided)
            m->first_none = first + r;
        w->configurations++;
        w->none += found == NNSM_PREIMAGES_NONE;
        w->several += found == NNSM_PREIMAGES_SEVERAL;
        m->undecided += found == NNSM_PREIMAGES_UNDECIDED;
    }
}

/* Sums of sites, or measured sums, whose own alphabet may lack some. */
static void to_blocks(maker *m, size_t count)
{
    const nnsm_window *w = &m->windowing.window;
    bool sites = m->run->config->window.data == NNSM_CONFIG_SITES;
    for (size_t r = 0; r < count && sites; r++)
        nnsm_window_apply(w, &m->windowing.values, &m->sums, m->rows + r * w->sites_below,
                          m->block_rows + r * w->sites);
    for (size_t i = 0; i < count * w->sites && !sites; i++)
        (void)nnsm_alphabet_state(&m->sums, nnsm_alphabet_value(&m->header.alphabet, m->rows[i]), &m->block_rows[i]);
}

static nnsm_status allocate(maker *m, size_t block, nnsm_error *error)
{
    const nnsm_window *w = &m->windowing.window;
    nnsm_status status = NNSM_NEW(&m->rows, block * m->header.sites, "windows", error);
    if (!status)
        status = NNSM_NEW(&m->block_rows, block * w->sites, "windows", error);
    if (!status)
        status = NNSM_NEW(&m->counts, w->sites, "windows", error);
    if (!status && m->stream)
        status = NNSM_NEW(&m->allowed, w->sites, "windows", error);
    if (!status && m->filter && !m->stream)
        status = NNSM_NEW(&m->latent_rows, block * w->sites_below, "windows", error);
    return status;
}

static nnsm_status pass_all(maker *m, const nnsm_ensemble_header *blocks, const nnsm_ensemble_header *latent,
                            nnsm_error *error)
{
    size_t n = m->header.configurations, block = nnsm_ensemble_block(&m->header);
    block = block < 4096 ? block : 4096; /* sites below may be many more */
    nnsm_status status = allocate(m, block, error);
    for (size_t first = 0; first < n && !status; first += block) {
        size_t count = n - first < block ? n - first : block;
        nnsm_ensemble_read_rows(&m->source, &m->header, first, count, m->rows);
        if (m->source.status)
            return m->source.status;
        to_blocks(m, count);
        if (m->write_blocks)
            nnsm_ensemble_write_rows(&m->blocks, blocks, first, count, m->block_rows);
        if (m->filter)
            undo(m, first, count);
        if (m->write_latent && !m->windowing.none && !m->undecided)
            nnsm_ensemble_write_rows(&m->latent, latent, first, count, m->latent_rows);
        status = m->blocks.status ? m->blocks.status : m->latent.status;
        if (nnsm_progress_due(&m->run->log))
            nnsm_say(&m->run->log, "window: configuration %zu of %zu", first + count, n);
    }
    return status;
}

/* What the filter found, against what the route needs. */
static nnsm_status judge(maker *m)
{
    const nnsm_windowing *w = &m->windowing;
    if (!(w->latent || w->masked) || (!w->none && !m->undecided))
        return NNSM_OK;
    if (!w->none)
        return nnsm_h5_fail(&m->source,
                            "configuration %zu leaves too many possibilities to undo its windows, and %zu do in all; "
                            "take window.route = \"plain\"",
                            m->first_none, m->undecided);
    return nnsm_h5_fail(
        &m->source,
        "configuration %zu cannot be sums over such windows of two-valued sites, and %lld of %lld "
        "cannot: window.size, stride, periodic or values are wrong, or there is noise; correct them, or "
        "take window.route = \"plain\"",
        m->first_none, (long long)w->none, (long long)w->configurations);
}

static nnsm_status make_files(maker *m, nnsm_error *error)
{
    nnsm_windowing *w = &m->windowing;
    nnsm_ensemble_header blocks = m->header, latent = m->header;
    nnsm_status status = NNSM_OK;
    blocks.alphabet = m->sums;
    latent.alphabet = w->values;
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++) {
        blocks.extent[a] = w->window.extent[a];
        latent.extent[a] = w->window.below[a];
    }
    if (w->latent || w->masked || (nnsm_window_overlaps(&w->window) && !m->write_blocks && w->values.count == 2)) {
        status = nnsm_preimage_create(&m->filter, &w->window, error);
        if (!status && w->masked)
            status = nnsm_support_create(&m->support, &w->window, error);
        if (!status && w->masked)
            status = nnsm_support_stream_create(&m->stream, m->support, error);
        if (status == NNSM_USAGE && !w->latent && !w->masked) /* only a validation */
            status = NNSM_OK;
        else if (status == NNSM_USAGE)
            return nnsm_h5_fail(&m->source, "%s", error->message);
    }
    if (!status && m->write_blocks)
        status = create_file(m, &m->blocks, NNSM_FILE_BLOCKS, &blocks, error);
    if (!status && m->write_latent)
        status = create_file(m, &m->latent, NNSM_FILE_LATENT, &latent, error);
    if (!status)
        status = pass_all(m, &blocks, &latent, error);
    if (!status)
        status = judge(m);
    if (!status && m->write_blocks) {
        nnsm_windowing_write(&m->blocks, w);
        nnsm_h5_set_text(&m->blocks, "/configurations", "boundary", w->window.periodic ? "periodic" : "open");
        nnsm_provenance_write(&m->blocks, m->run);
    }
    if (!status && m->write_latent) {
        nnsm_windowing_write(&m->latent, w);
        nnsm_system_write(&m->latent, m->run);
        if (!m->run->model_known)
            nnsm_h5_set_text(&m->latent, "/configurations", "boundary", w->window.periodic ? "periodic" : "open");
        nnsm_provenance_write(&m->latent, m->run);
    }
    return status;
}

/* A failure elsewhere must leave no file behind. */
static nnsm_status close_file(nnsm_h5 *h5, bool written, nnsm_status status)
{
    if (!written)
        return status;
    if (status && !h5->status)
        h5->status = status;
    nnsm_status closed = nnsm_h5_finish(h5);
    return status ? status : closed;
}

static nnsm_status make(maker *m, nnsm_error *error)
{
    bool sites = m->run->config->window.data == NNSM_CONFIG_SITES;
    nnsm_ensemble_read_header(&m->source, &m->header);
    nnsm_status status = m->source.status ? m->source.status : state_windows(m, error);
    if (status)
        return status;
    m->write_latent = m->windowing.latent && !is_made(m, NNSM_FILE_LATENT);
    bool blocks = sites || m->windowing.masked; /* measured sums may lack some in their alphabet */
    m->write_blocks = blocks && (m->write_latent || !is_made(m, NNSM_FILE_BLOCKS));
    if (!m->write_latent && !m->write_blocks && (blocks || m->windowing.latent))
        return NNSM_OK;
    if (m->windowing.latent) {
        m->write_latent = true; /* what the filter finds stands in both */
        m->windowing.configurations = m->windowing.none = m->windowing.several = 0;
    }
    status = make_files(m, error);
    status = close_file(&m->latent, m->write_latent, status);
    return close_file(&m->blocks, m->write_blocks, status);
}

static void say(const maker *m)
{
    const nnsm_windowing *w = &m->windowing;
    nnsm_log *log = &m->run->log;
    char text[256], values[16 * NNSM_MAX_VALUES];
    nnsm_windowing_text(w, text, sizeof text);
    nnsm_alphabet_text(&m->sums, values, sizeof values);
    nnsm_say(log, "window: %s, values %s", text, values);
    if (w->latent)
        nnsm_say(log,
                 "window: overlapping windows undone, the network learns on the sites below; %lld configurations, "
                 "all with a preimage, %lld with several, of which one was taken",
                 (long long)w->configurations, (long long)w->several);
    else if (w->masked)
        nnsm_say(log,
                 "window: the network learns on sums, and knows only sums that have a preimage; %lld configurations, "
                 "all with one, %lld "
                 "with several",
                 (long long)w->configurations, (long long)w->several);
    else if (w->none)
        nnsm_warn(log,
                  "%lld of %lld configurations cannot be sums over such windows of two-valued sites: the windows "
                  "stated are wrong, or there is noise",
                  (long long)w->none, (long long)w->configurations);
}

nnsm_status nnsm_stage_window(nnsm_run *run, nnsm_error *error)
{
    maker *m = NULL;
    nnsm_windowing windowing = {0};
    nnsm_status status = NNSM_OK;
    if (!run->config->window.given || run->windowing.window.sites)
        return NNSM_OK;
    nnsm_run_begin(run, NNSM_STAGE_WINDOW);
    if (run->rank == 0)
        status = NNSM_NEW(&m, 1, "windows", error);
    if (m) {
        m->run = run;
        m->source.file = m->blocks.file = m->latent.file = H5I_INVALID_HID;
        nnsm_run_data_path(run, m->path);
        status = nnsm_probe(m->path, error);
        if (!status)
            status = nnsm_h5_open(&m->source, m->path, NNSM_H5_CHECK, NULL, error);
        if (!status)
            status = make(m, error);
        if (!status)
            say(m);
        (void)nnsm_h5_finish(&m->source);
        windowing = m->windowing;
        nnsm_preimage_destroy(m->filter);
        nnsm_support_stream_destroy(m->stream);
        nnsm_support_destroy(m->support);
        nnsm_release(m->allowed);
        nnsm_release(m->rows);
        nnsm_release(m->block_rows);
        nnsm_release(m->latent_rows);
        nnsm_release(m->counts);
        nnsm_release(m);
    }
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&windowing, (int)sizeof windowing, MPI_BYTE, 0, run->world));
    if (!status)
        status = nnsm_agree(run->world, nnsm_run_adopt_windows(run, &windowing, error), error);
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
