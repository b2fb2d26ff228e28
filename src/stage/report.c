#include "stage/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "lattice/exact.h"
#include "setup/agree.h"
#include "stage/ancestral.h"
#include "stage/network_file.h"
#include "stage/thermodynamics.h"
#include "stage/trust.h"

static const char *const stage_names[NNSM_STAGES] = {"generate",  "window",     "train", "members",
                                                     "couplings", "samples",    "scan",  "reference",
                                                     "distilled", "evaluation", "trust"};

/* How far the prediction moves when H is replaced by its projection on local operators: an estimate, from the data
 * alone, of the error that no longer sampling would remove. */
static void write_systematic(nnsm_h5 *h5, const nnsm_run *run, const nnsm_trust *trust)
{
    double difference[NNSM_CONFIG_TEMPERATURES], error[NNSM_CONFIG_TEMPERATURES];
    char name[128];
    for (int o = 0; o < NNSM_OBSERVABLES; o++) {
        if ((o == NNSM_ENERGY && !run->model_known) || (o == NNSM_ORDER && !nnsm_summary_orders(run)))
            continue;
        for (size_t t = 0; t < trust->temperatures; t++) {
            difference[t] = trust->cell[t * NNSM_TRUST_QUANTITIES + (size_t)o].systematic;
            error[t] = trust->cell[t * NNSM_TRUST_QUANTITIES + (size_t)o].systematic_error;
        }
        const char *units = nnsm_observable_units((nnsm_observable)o);
        (void)snprintf(name, sizeof name, "/scan/systematic/%s/difference", nnsm_observable_name((nnsm_observable)o));
        nnsm_h5_write_doubles(h5, name, 1, &trust->temperatures, difference, units,
                              "learned minus distilled, on common samples or of the two scans, by the smaller error");
        (void)snprintf(name, sizeof name, "/scan/systematic/%s/error", nnsm_observable_name((nnsm_observable)o));
        nnsm_h5_write_doubles(h5, name, 1, &trust->temperatures, error, units, "statistical error of the difference");
    }
}

/* Exact curves on a grid ten times as fine as the scan; enumeration only at the scan's own temperatures. */
static void write_exact(nnsm_h5 *h5, const nnsm_run *run, double t0)
{
    enum { FINE = 301, COLUMNS = 6 };
    double column[COLUMNS][FINE];
    const nnsm_config *c = run->config;
    double low = c->scan.temperatures[0], high = c->scan.temperatures[c->scan.temperatures_count - 1];
    size_t n = run->lattice.sites > 20 && high > low ? FINE : (size_t)c->scan.temperatures_count;
    n = n < FINE ? n : FINE;
    static const char *const name[] = {"temperature",   "log_partition", "energy",
                                       "heat_capacity", "entropy",       "free_energy"};
    static const char *const units[] = {"energy / k_B", "1 per site",   "energy per site",
                                        "k_B per site", "k_B per site", "energy per site"};
    if (!run->model_known || !nnsm_exact_model_available(&run->model))
        return;
    double start = nnsm_exact_model(&run->model, t0).log_partition;
    for (size_t i = 0; i < n; i++) {
        double t = n == FINE ? low + (high - low) * (double)i / (FINE - 1) : c->scan.temperatures[i];
        nnsm_thermodynamics exact = nnsm_exact_model(&run->model, t);
        double values[] = {t,
                           exact.log_partition,
                           exact.energy,
                           exact.heat_capacity,
                           exact.entropy,
                           t0 * start - t * exact.log_partition};
        for (int k = 0; k < COLUMNS; k++)
            column[k][i] = values[k];
    }
    for (int k = 0; k < COLUMNS; k++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/exact/%s", name[k]);
        nnsm_h5_write_doubles(h5, path, 1, &n, column[k], units[k],
                              k == COLUMNS - 1 ? "F(T) - F(T0), exact value of the known model, finite lattice"
                                               : "exact value of the known model, finite lattice");
    }
    nnsm_h5_set_double(h5, "/exact", "log_partition_T0", start);
}

/* ---- distribution, timing, provenance */

static void write_distribution(nnsm_h5 *h5, const nnsm_summary *s, const nnsm_scanned *scanned)
{
    double edges[NNSM_HISTOGRAM_BINS + 1], data[NNSM_HISTOGRAM_BINS], ancestral[NNSM_HISTOGRAM_BINS];
    double total[2] = {0};
    size_t bins = (size_t)s->bins, boundaries = bins + 1;
    if (!bins)
        return;
    for (size_t b = 0; b < bins; b++) {
        total[0] += (double)s->histogram[b];
        total[1] += scanned->ancestral[b];
    }
    for (size_t b = 0; b <= bins; b++)
        edges[b] = s->lowest + (double)b * s->width;
    for (size_t b = 0; b < bins; b++) {
        data[b] = (double)s->histogram[b] / (total[0] * s->width);
        ancestral[b] = scanned->ancestral[b] / (total[1] * s->width);
    }
    nnsm_h5_write_doubles(h5, "/distribution/energy_edges", 1, &boundaries, edges, "energy per site",
                          "edges of the bins");
    nnsm_h5_write_doubles(h5, "/distribution/data", 1, &bins, data, "sites per energy",
                          "density of the ensemble at T0");
    nnsm_h5_write_doubles(h5, "/distribution/ancestral", 1, &bins, ancestral, "sites per energy",
                          "density of ancestral samples of the network");
    nnsm_h5_set_text(h5, "/distribution", "quantity", "energy of the known model per site");
}

/* intervals: [ranks][NNSM_STAGES]; rows: scratch, [ranks][3]. */
static void write_timing(nnsm_h5 *h5, const nnsm_run *run, const nnsm_interval *intervals, double *rows,
                         const nnsm_scanned *scanned)
{
    char step[NNSM_STOP_STEP];
    size_t ranks = (size_t)run->ranks, sizes[] = {ranks, 3};
    for (int s = 0; s < NNSM_STAGES; s++) {
        char name[64];
        for (size_t r = 0; r < ranks; r++) {
            const nnsm_interval *i = &intervals[r * NNSM_STAGES + (size_t)s];
            rows[3 * r] = i->begin;
            rows[3 * r + 1] = i->end;
            rows[3 * r + 2] = i->wait;
        }
        (void)snprintf(name, sizeof name, "/timing/%s", stage_names[s]);
        nnsm_h5_write_doubles(h5, name, 2, sizes, rows, "s", "[rank][begin, end, of that waiting], since the start");
    }
    nnsm_h5_set_double(h5, "/timing", "scan_proposals_per_second", scanned->learned.proposals_per_second);
    nnsm_h5_set_double(h5, "/timing", "total_seconds", nnsm_seconds() - run->start);
    nnsm_h5_set_double(h5, "/timing", "longest_step_seconds", run->stop.longest.seconds);
    nnsm_h5_set_text(h5, "/timing", "longest_step", nnsm_stop_longest(&run->stop, step));
}

static void write_provenance(nnsm_h5 *h5, const nnsm_run *run, const nnsm_trained *trained)
{
    nnsm_provenance_write(h5, run);
    nnsm_h5_set_integer(h5, "/provenance", "sessions", run->resume.sessions + 1);
    nnsm_h5_set_double(h5, "/provenance", "seconds_of_all_sessions", run->resume.seconds + nnsm_seconds() - run->start);
    nnsm_h5_set_integer(h5, "/provenance", "network_checksum", run->network);
    if (trained->origin[0])
        nnsm_h5_set_text(h5, "/provenance", "network_config", trained->origin);
}

static void write_alphabet(nnsm_h5 *h5, const nnsm_alphabet *alphabet, bool windows)
{
    int64_t values[NNSM_MAX_VALUES];
    for (int k = 0; k < alphabet->count; k++)
        values[k] = alphabet->value[k];
    nnsm_h5_set_integers(h5, "/", "values", (size_t)alphabet->count, values);
    nnsm_h5_set_integer(h5, "/", "labels", alphabet->labels);
    nnsm_h5_set_text(h5, "/", "magnetization",
                     windows            ? "m = mean of the sums in windows / sites of a window"
                     : alphabet->labels ? "m = (q n - N) / (q N - N), n sites having the most frequent of q labels"
                                        : "m = sum of the values of all sites / N");
}

static void write_windows(nnsm_h5 *h5, const nnsm_run *run, const nnsm_scanned *scanned)
{
    const nnsm_window *w = &run->windowing.window;
    nnsm_windowing_write(h5, &run->windowing);
    if (nnsm_window_overlaps(w) && !isnan(scanned->inconsistent))
        nnsm_h5_set_double(h5, "/window", "ancestral_share_with_preimage",
                           1 - scanned->inconsistent / NNSM_ANCESTRAL_SAMPLES);
}

static nnsm_status write_results(const nnsm_run *run, const nnsm_trained *trained, const nnsm_couplings *couplings,
                                 const nnsm_scanned *scanned, const nnsm_interval *intervals, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_h5 h5;
    double *rows = NULL;
    nnsm_status status = NNSM_NEW(&rows, 3 * (size_t)run->ranks, "timing", error);
    if (status)
        return status;
    nnsm_run_path(run, NNSM_FILE_RESULTS, path);
    if (nnsm_h5_create(&h5, path, 0, error) == NNSM_OK) {
        nnsm_h5_set_text(&h5, "/", "kind", "nnsm results");
        nnsm_h5_set_integer(&h5, "/", "version", 1);
        nnsm_h5_set_text(&h5, "/", "name", run->config->run.name);
        write_alphabet(&h5, &run->alphabet, run->windowing.window.sites > 0);
        nnsm_system_write(&h5, run);
        write_windows(&h5, run, scanned);
        nnsm_summary_write(&h5, &trained->summary);
        nnsm_history_write(&h5, &trained->history);
        nnsm_h5_write_doubles(&h5, "/scan/temperature", 1, &scanned->learned.temperatures,
                              run->config->scan.temperatures, "energy / k_B", "temperatures of the scan");
        nnsm_curve_write(&h5, run, &scanned->learned, "/scan/learned", true);
        if (scanned->reference.cell)
            nnsm_curve_write(&h5, run, &scanned->reference, "/scan/true", false);
        if (scanned->distilled.cell) {
            nnsm_curve_write(&h5, run, &scanned->distilled, "/scan/distilled", true);
            write_systematic(&h5, run, &scanned->trust);
        }
        nnsm_trust_write(&h5, run, &scanned->trust);
        nnsm_reweighted_write(&h5, &scanned->reweighted, run->model_known, (double)run->lattice.sites);
        nnsm_couplings_write(&h5, run, couplings);
        nnsm_h5_set_double(&h5, "/scan", "ancestral_nll", scanned->ancestral_nll);
        nnsm_h5_set_double(&h5, "/scan", "ancestral_nll_error", scanned->ancestral_nll_error);
        write_exact(&h5, run, nnsm_network_shape_of(&trained->network).temperature);
        write_distribution(&h5, &trained->summary, scanned);
        write_timing(&h5, run, intervals, rows, scanned);
        write_provenance(&h5, run, trained);
    }
    nnsm_release(rows);
    return nnsm_h5_finish(&h5);
}

static nnsm_status gather_intervals(nnsm_run *run, nnsm_interval **intervals, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(intervals, (size_t)run->ranks * NNSM_STAGES, "timing", error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        NNSM_MPI(MPI_Allgather(run->clock, (int)sizeof run->clock, MPI_BYTE, *intervals, (int)sizeof run->clock,
                               MPI_BYTE, run->world));
    return status;
}

nnsm_status nnsm_stage_report(nnsm_run *run, const nnsm_trained *trained, const nnsm_couplings *couplings,
                              const nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_interval *intervals = NULL;
    char path[NNSM_RUN_PATH];
    nnsm_stop_share_longest(&run->stop, NNSM_VOTE_RESULTS, run->world);
    nnsm_status status = gather_intervals(run, &intervals, error);
    if (!status && run->rank == 0)
        status = write_results(run, trained, couplings, scanned, intervals, error);
    nnsm_release(intervals);
    status = nnsm_agree(run->world, status, error);
    nnsm_run_path(run, NNSM_FILE_RESULTS, path);
    if (!status)
        nnsm_say(&run->log, "results: %s", path);
    return status;
}

static bool results_match(const nnsm_run *run, const char *path)
{
    enum { DIFFERENCES = 256 };
    char text[NNSM_CONFIG_WRITTEN] = "", differences[DIFFERENCES];
    nnsm_config before;
    nnsm_error error;
    nnsm_h5 h5;
    int64_t network = 0;
    if (nnsm_h5_open(&h5, path, NNSM_H5_OWN, "nnsm results", &error) == NNSM_OK) {
        network = nnsm_h5_get_integer(&h5, "/provenance", "network_checksum");
        nnsm_h5_get_text(&h5, "/provenance", "config", text, sizeof text);
    }
    return nnsm_h5_finish(&h5) == NNSM_OK && network == run->resume.network &&
           nnsm_config_read_text(&before, text, path, &error) == NNSM_OK &&
           nnsm_config_differences(&before, run->config, NNSM_AFFECTS_SCAN, differences, sizeof differences) == 0;
}

bool nnsm_report_finished(nnsm_run *run)
{
    char path[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_RESULTS, path);
    int finished = run->rank == 0 && run->resume.progress == NNSM_AT_SCAN &&
                   (!run->network || run->network == run->resume.network) && results_match(run, path);
    NNSM_MPI(MPI_Bcast(&finished, 1, MPI_INT, 0, run->world));
    return finished != 0;
}

static void say_end(const nnsm_run *run, nnsm_status status)
{
    const nnsm_stop *s = &run->stop;
    double total = nnsm_seconds() - run->start;
    char step[NNSM_STOP_STEP];
    if (s->checkpoints)
        nnsm_say(&run->log, "checkpoints: %d, %.2f s in all, %.2f %% of the time; the longest step took %.2f s, %s",
                 s->checkpoints, s->cost, 100 * s->cost / total, s->longest.seconds, nnsm_stop_longest(s, step));
    nnsm_say(&run->log, "files: %s/%s.*", run->config->run.output, run->config->run.name);
    nnsm_say(&run->log, "%s after %.1f s on %d ranks%s", status ? "stopped" : "done", total, run->ranks,
             run->log.warnings ? "; mind the warnings above" : "");
}

void nnsm_report_times(nnsm_run *run, nnsm_status status)
{
    nnsm_interval *intervals = NULL;
    nnsm_error error;
    nnsm_stop_share_longest(&run->stop, NNSM_VOTE_END, run->world);
    if (gather_intervals(run, &intervals, &error)) {
        nnsm_release(intervals);
        return;
    }
    bool headed = false;
    for (int s = 0; s < NNSM_STAGES; s++) {
        double low[2] = {INFINITY, INFINITY}, high[2] = {0}, sum[2] = {0}, ends = 0, begin = INFINITY, end = 0;
        int members = 0; /* ranks that took part, each from its own beginning */
        for (int r = 0; r < run->ranks; r++) {
            const nnsm_interval *i = &intervals[r * NNSM_STAGES + s];
            double value[2] = {i->end - i->begin - i->wait, i->wait};
            if (i->end <= 0)
                continue;
            begin = fmin(begin, i->begin);
            end = fmax(end, i->end);
            ends += i->end;
            members++;
            for (int k = 0; k < 2; k++) {
                low[k] = fmin(low[k], value[k]);
                high[k] = fmax(high[k], value[k]);
                sum[k] += value[k];
            }
        }
        if (end > 0 && !headed)
            nnsm_say(&run->log, "%-10s %8s %6s %26s %26s %10s", "stage", "s", "ranks", "busy s (min mean max)",
                     "wait s (min mean max)", "done early");
        headed = headed || end > 0;
        if (end > 0)
            nnsm_say(&run->log, "%-10s %8.2f %6d %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %10.2f", stage_names[s],
                     end - begin, members, low[0], sum[0] / members, high[0], low[1], sum[1] / members, high[1],
                     end - ends / members);
    }
    say_end(run, status);
    nnsm_release(intervals);
}
