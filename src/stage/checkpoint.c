#include "stage/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/timer.h"
#include "setup/agree.h"
#include "setup/provenance.h"

#define KIND "nnsm checkpoint"
/* Of the version before only chains are written in another way. */
enum { VERSION = 6, BEFORE = 5, DIFFERENCES = 600, HEADER = 1 << 17 };

static const char *const names[NNSM_PROGRESSES] = {"start", "generate", "train", "scan"};

const char *nnsm_progress_name(nnsm_progress progress)
{
    return names[progress];
}

/* ---- what is in one */

typedef struct {
    nnsm_resume resume;
    int64_t version;
    char config[NNSM_CONFIG_WRITTEN], core[64], date[64];
} header;

static void read_header(nnsm_h5 *h5, header *h)
{
    char text[64];
    int64_t complete = 0;
    *h = (header){0};
    h->version = nnsm_h5_get_integer(h5, "/", "version");
    if (h->version != VERSION && h->version != BEFORE && !h5->status)
        (void)nnsm_h5_fail(h5,
                           "written by another version of nnsm, which cannot be continued; finish with that one, or "
                           "start anew with --fresh");
    nnsm_h5_get_text(h5, "/", "stage", text, sizeof text);
    for (int p = NNSM_AT_GENERATE; p < NNSM_PROGRESSES; p++)
        if (strcmp(text, names[p]) == 0)
            h->resume.progress = (nnsm_progress)p;
    nnsm_h5_get_text(h5, "/", "config", h->config, sizeof h->config);
    nnsm_h5_get_text(h5, "/", "openblas_core", h->core, sizeof h->core);
    nnsm_h5_get_text(h5, "/", "date", h->date, sizeof h->date);
    h->resume.step = nnsm_h5_get_integer(h5, "/", "step");
    h->resume.ensemble = nnsm_h5_get_integer(h5, "/", "ensemble");
    h->resume.network = nnsm_h5_get_integer(h5, "/", "network");
    h->resume.sessions = nnsm_h5_get_integer(h5, "/", "sessions");
    h->resume.seconds = nnsm_h5_get_double(h5, "/", "seconds");
    complete = nnsm_h5_get_integer(h5, "/", "complete");
    if (!h5->status && (h->resume.progress == NNSM_AT_START || complete != 1))
        (void)nnsm_h5_fail(h5, "an incomplete checkpoint; start anew with --fresh");
    if (!h5->status && (h->resume.step < 0 || h->resume.sessions < 0 || h->resume.sessions > INT32_MAX ||
                        !(h->resume.seconds >= 0 && isfinite(h->resume.seconds))))
        (void)nnsm_h5_fail(h5, "an impossible checkpoint; start anew with --fresh");
}

static nnsm_status read_file(const char *path, header *h, nnsm_error *error)
{
    nnsm_h5 h5;
    if (nnsm_h5_open(&h5, path, NNSM_H5_OWN, KIND, error) == NNSM_OK)
        read_header(&h5, h);
    return nnsm_h5_finish(&h5);
}

nnsm_status nnsm_checkpoint_info(const char *path, nnsm_error *error)
{
    header h;
    nnsm_status status = read_file(path, &h, error);
    if (!status)
        (void)printf("%s: checkpoint in stage %s, %s, %" PRId64 " sessions, %.1f s so far\n%s", path,
                     names[h.resume.progress], h.date, h.resume.sessions, h.resume.seconds, h.config);
    return status;
}

/* ---- going on from one */

static nnsm_status refuse(const char *path, const char *differences, nnsm_error *error)
{
    return nnsm_fail(
        error, NNSM_USAGE,
        "%.200s belongs to another configuration: %.500s. Undo the change, choose another run.name, or start "
        "anew with --fresh (what was computed is then replaced)",
        path, differences);
}

/* Is nothing different but more sweeps, or the temperatures of independent chains? */
static bool extends_scan(const nnsm_config *before, const nnsm_config *now)
{
    nnsm_config same = *before;
    char text[DIFFERENCES];
    if (now->scan.sweeps > before->scan.sweeps)
        same.scan.sweeps = now->scan.sweeps;
    same.scan.reference = now->scan.reference;
    same.scan.distilled = now->scan.distilled;
    same.trust = now->trust; /* comes after the chains; samples of other Hamiltonians are forgotten */
    if (!now->scan.exchange) {
        same.scan.temperatures_count = now->scan.temperatures_count;
        memcpy(same.scan.temperatures, now->scan.temperatures, sizeof same.scan.temperatures);
    }
    return nnsm_config_differences(&same, now, NNSM_AFFECTS_SCAN, text, sizeof text) == 0;
}

static nnsm_status compare(nnsm_run *run, const char *path, header *h, nnsm_error *error)
{
    nnsm_config before;
    char text[DIFFERENCES];
    nnsm_provenance p;
    const nnsm_config *now = run->config;
    if (nnsm_config_read_text(&before, h->config, "the configuration inside", error))
        return nnsm_fail(error, NNSM_DATA, "%.200s: its configuration cannot be read; start anew with --fresh", path);
    if (before.generate.given != now->generate.given)
        return refuse(path, "the group generate is in only one of them", error);
    if (nnsm_config_differences(&before, now, NNSM_AFFECTS_DATA, text, sizeof text))
        return refuse(path, text, error);
    if ((h->resume.step > 0 || h->resume.progress >= NNSM_AT_SCAN) &&
        nnsm_config_differences(&before, now, NNSM_AFFECTS_NETWORK, text, sizeof text))
        return refuse(path, text, error);
    h->resume.rescan = h->version != VERSION || !extends_scan(&before, now);
    if (h->version != VERSION && h->resume.progress >= NNSM_AT_SCAN)
        nnsm_say(
            &run->log,
            "the scan starts anew with the network there is: its chains were written by an earlier version of nnsm");
    bool scanned = h->resume.progress >= NNSM_AT_SCAN;
    if (nnsm_config_differences(&before, now, NNSM_AFFECTS_SCAN, text, sizeof text) && scanned && h->version == VERSION)
        nnsm_say(&run->log, "%s: %s",
                 h->resume.rescan ? "the scan starts anew with the network there is" : "the scan is extended", text);
    nnsm_provenance_collect(&p);
    if (strcmp(p.blas_core, h->core) != 0)
        nnsm_warn(&run->log,
                  "the checkpoint was written with OpenBLAS core %s, this machine has %s: the results are as good, but "
                  "not the same bits as of an unbroken run",
                  h->core, p.blas_core);
    return NNSM_OK;
}

nnsm_status nnsm_checkpoint_find(nnsm_run *run, bool fresh, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    header h = {0};
    bool there = false;
    nnsm_status status = NNSM_OK;
    nnsm_run_path(run, NNSM_FILE_CHECKPOINT, path);
    if (run->rank == 0 && fresh)
        (void)unlink(path);
    else if (run->rank == 0 && (status = nnsm_h5_exists(path, &there, error)) == NNSM_OK && there) {
        status = read_file(path, &h, error);
        if (!status)
            status = compare(run, path, &h, error);
        if (!status)
            nnsm_say(&run->log, "found %s: stage %s, written %s", path, names[h.resume.progress], h.date);
    }
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&h.resume, (int)sizeof h.resume, MPI_BYTE, 0, run->world));
    run->resume = h.resume;
    return status;
}

nnsm_status nnsm_checkpoint_open_at(nnsm_run *run, const char *path, nnsm_state *state, nnsm_error *error)
{
    return nnsm_state_open(state, run, path, KIND, error);
}

nnsm_status nnsm_checkpoint_open(nnsm_run *run, nnsm_state *state, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_CHECKPOINT, path);
    return nnsm_checkpoint_open_at(run, path, state, error);
}

nnsm_status nnsm_checkpoint_fits(nnsm_run *run, const char *path, int *fits, nnsm_error *error)
{
    nnsm_config before;
    nnsm_error other;
    header h;
    char text[DIFFERENCES];
    bool there;
    *fits = 0;
    nnsm_status status = nnsm_h5_exists(path, &there, error);
    if (!status && there)
        status = read_file(path, &h, error);
    if (status || !there)
        return status;
    *fits = h.resume.progress == NNSM_AT_TRAIN && h.resume.ensemble == run->ensemble &&
            nnsm_config_read_text(&before, h.config, path, &other) == NNSM_OK &&
            nnsm_config_differences(&before, run->config, NNSM_AFFECTS_DATA, text, sizeof text) == 0 &&
            nnsm_config_differences(&before, run->config, NNSM_AFFECTS_NETWORK, text, sizeof text) == 0;
    return NNSM_OK;
}

/* ---- writing one */

static void write_header(const nnsm_run *run, nnsm_h5 *h5, nnsm_progress progress)
{
    char text[NNSM_CONFIG_WRITTEN];
    nnsm_provenance p;
    nnsm_provenance_collect(&p);
    (void)nnsm_config_write(run->config, text, sizeof text);
    nnsm_h5_set_text(h5, "/", "kind", KIND);
    nnsm_h5_set_integer(h5, "/", "version", VERSION);
    nnsm_h5_set_text(h5, "/", "stage", names[progress]);
    nnsm_h5_set_text(h5, "/", "config", text);
    nnsm_h5_set_text(h5, "/", "commit", p.commit);
    nnsm_h5_set_text(h5, "/", "openblas_core", p.blas_core);
    nnsm_h5_set_text(h5, "/", "date", p.date);
    nnsm_h5_set_integer(h5, "/", "step", run->resume.step);
    nnsm_h5_set_integer(h5, "/", "ensemble", run->ensemble);
    nnsm_h5_set_integer(h5, "/", "network", run->network);
    nnsm_h5_set_integer(h5, "/", "sessions", run->resume.sessions + 1);
    nnsm_h5_set_double(h5, "/", "seconds", run->resume.seconds + nnsm_seconds() - run->start);
}

bool nnsm_checkpoint_begin(nnsm_run *run, nnsm_state *state, nnsm_progress progress, size_t bytes)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_CHECKPOINT, path);
    return nnsm_checkpoint_begin_at(run, path, state, progress, bytes);
}

bool nnsm_checkpoint_begin_at(nnsm_run *run, const char *path, nnsm_state *state, nnsm_progress progress, size_t bytes)
{
    nnsm_error error;
    run->saving = nnsm_seconds();
    nnsm_status status = nnsm_state_create(state, run, path, bytes + HEADER, &error);
    if (status) {
        state->status = status;
        state->error = error;
        return false;
    }
    if (run->rank == 0)
        write_header(run, &state->h5, progress);
    return true;
}

nnsm_status nnsm_checkpoint_stop(nnsm_run *run, nnsm_request request, nnsm_error *error)
{
    char reason[NNSM_STOP_REASON], path[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_CHECKPOINT, path);
    if (run->rank == 0)
        nnsm_stop_obeyed(&run->stop);
    if (run->resume.progress == NNSM_AT_START && !run->stop.checkpoints)
        return nnsm_fail(error, NNSM_UNFINISHED,
                         "stopped by %s, unfinished; nothing is there to go on from yet, the same command begins anew",
                         nnsm_stop_reason(request, reason));
    return nnsm_fail(error, NNSM_UNFINISHED, "stopped by %s, unfinished; the same command goes on from %.400s",
                     nnsm_stop_reason(request, reason), path);
}

nnsm_status nnsm_checkpoint_end(nnsm_run *run, nnsm_state *state, nnsm_request request, nnsm_error *error)
{
    nnsm_status status = state->status;
    nnsm_error found = state->error;
    if (!status) {
        if (run->rank == 0)
            nnsm_h5_set_integer(&state->h5, "/", "complete", 1); /* the last thing written: the end marker */
        status = nnsm_state_finish(state, &found);
    }
    nnsm_stop_saved(&run->stop, nnsm_seconds() - run->saving, !status);
    if (status && request > NNSM_CHECKPOINT) {
        *error = found;
        return status;
    }
    if (status)
        nnsm_warn(&run->log, "no checkpoint: %s; the previous one stays", found.message);
    return request > NNSM_CHECKPOINT ? nnsm_checkpoint_stop(run, request, error) : NNSM_OK;
}
