#include "stage/starts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/convergence.h"
#include "stage/samples.h"

enum { MOST_PICKS = 256, MOST_BYTES = 64 << 20, MOST_WALKERS = 1024 };

static const char *const names[NNSM_STARTS] = {"data", "ordered", "random"};

/* ---- first configurations */

nnsm_status nnsm_starts_create(nnsm_starts *starts, nnsm_run *run, double temperature, nnsm_error *error)
{
    const nnsm_windowing *w = &run->windowing;
    size_t most = MOST_BYTES / run->lattice.sites + 1;
    *starts = (nnsm_starts){.run = run, .picks = most < MOST_PICKS ? most : MOST_PICKS};
    nnsm_status status = NNSM_NEW(&starts->picked, starts->picks * run->lattice.sites, "starts of chains", error);
    if (!status && w->window.sites && !w->latent)
        status = NNSM_NEW(&starts->below, w->window.sites_below, "starts of chains", error);
    status = nnsm_agree(run->world, status, error);
    return status ? status : nnsm_samples_pick(run, temperature, &starts->picks, starts->picked, error);
}

void nnsm_starts_destroy(nnsm_starts *starts)
{
    nnsm_release(starts->picked);
    nnsm_release(starts->below);
    *starts = (nnsm_starts){0};
}

static void fill_random(const nnsm_alphabet *alphabet, nnsm_rng_sequence *draw, size_t sites, int8_t *states)
{
    for (size_t i = 0; i < sites; i++) {
        int8_t k = (int8_t)nnsm_rng_below(draw, (uint32_t)alphabet->count);
        states[i] = (int8_t)(alphabet->count == 2 ? 2 * k - 1 : k);
    }
}

void nnsm_starts_make(const nnsm_starts *starts, size_t walker, uint32_t stream, int8_t *states)
{
    const nnsm_run *run = starts->run;
    const nnsm_windowing *w = &run->windowing;
    size_t sites = run->lattice.sites;
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(run->key, NNSM_RNG_SCAN_START, stream, 0);
    switch (nnsm_start_of(walker)) {
    case NNSM_START_ORDERED: /* the highest sum is that of all sites upper */
        memset(states, run->alphabet.count == 2 ? 1 : run->alphabet.count - 1, sites);
        break;
    case NNSM_START_RANDOM:
        fill_random(starts->below ? &w->values : &run->alphabet, &draw, starts->below ? w->window.sites_below : sites,
                    starts->below ? starts->below : states);
        if (starts->below)
            nnsm_window_apply(&w->window, &w->values, &run->alphabet, starts->below, states);
        break;
    default:
        if (starts->picks)
            memcpy(states, starts->picked + stream % starts->picks * sites, sites);
    }
}

/* ---- agreement */

static const size_t quantity[NNSM_START_QUANTITIES] = {0, NNSM_SERIES_H};

/* Squared error of one walker's mean, by its own fluctuations. */
static double within(const nnsm_series *series, size_t q)
{
    double deviation[NNSM_SERIES_BINS], mean = 0;
    size_t bins = nnsm_series_bins(series);
    for (size_t b = 0; b < bins; b++)
        mean += nnsm_series_bin_mean(series, b, q) / (double)bins;
    for (size_t b = 0; b < bins; b++)
        deviation[b] = nnsm_series_bin_mean(series, b, q) - mean;
    double error = nnsm_series_error(deviation, 1, bins);
    return error * error;
}

static void evaluate_quantity(const nnsm_chains *chains, nnsm_series *const *all, int q, nnsm_by_start *out)
{
    nnsm_series *list[(MOST_WALKERS + NNSM_STARTS - 1) / NNSM_STARTS];
    double scale = q == NNSM_START_H ? 1 / (double)chains->run->lattice.sites : 1, square = 0;
    for (size_t w = 0; w < chains->walkers; w++)
        square += within(all[w], quantity[q]) / (double)chains->walkers;
    for (size_t s = 0; s < NNSM_STARTS; s++) {
        size_t count = 0;
        for (size_t w = s; w < chains->walkers; w += NNSM_STARTS)
            list[count++] = all[w];
        nnsm_estimate e = count ? nnsm_series_estimate(list, count, quantity[q]) : (nnsm_estimate){NAN, NAN, NAN};
        out[s].mean[q] = e.mean * scale;
        out[s].error[q] = e.error * scale;
        out[s].within[q] = sqrt(square / (double)count) * scale;
    }
}

void nnsm_starts_evaluate(const nnsm_chains *chains, size_t t, nnsm_by_start *out)
{
    for (int q = 0; q < NNSM_START_QUANTITIES; q++)
        evaluate_quantity(chains, chains->series + (t - chains->first_temperature) * chains->walkers, q, out);
}

/* In sigma; rounding of sums is no difference. */
static double apart(const nnsm_by_start *a, const nnsm_by_start *b, int q)
{
    double difference = fabs(a->mean[q] - b->mean[q]), error = hypot(a->within[q], b->within[q]);
    return difference <= 1e-9 * fabs(a->mean[q]) ? 0 : fmin(difference / error, NNSM_START_MOST);
}

/* The pull at temperature number t of the scan (starts.h), at most NNSM_START_MOST; NaN where it cannot be told. */
static double pull_at(const nnsm_curve *curve, size_t t)
{
    const nnsm_by_start *s = curve->by_start + t * NNSM_STARTS;
    double pull = NAN;
    for (int q = 0; q < NNSM_START_QUANTITIES; q++)
        for (int a = 0; a < NNSM_STARTS; a++)
            for (int b = 0; b < a; b++)
                if (!isnan(s[a].mean[q] + s[b].mean[q] + s[a].within[q]))
                    pull = fmax(pull, apart(&s[a], &s[b], q)); /* fmax: of a number and NaN the number */
    return pull;
}

void nnsm_starts_report(nnsm_run *run, const nnsm_curve *curve, const char *what)
{
    enum { TEXT = 200 };
    char where[TEXT] = "";
    const double *temperature = run->config->scan.temperatures;
    double worst = NAN, at = 0;
    for (size_t t = 0; t < curve->temperatures; t++) {
        double pull = pull_at(curve, t);
        if (pull > NNSM_START_LIMIT)
            nnsm_list_temperature(where, TEXT, temperature[t]);
        if (!(pull <= worst) && !isnan(pull)) {
            worst = pull;
            at = temperature[t];
        }
    }
    if (isnan(worst))
        nnsm_say(&run->log, "%s: whether it depends on its start cannot be told; %s", what,
                 curve->walkers < 2 ? "take 3 walkers or more" : "raise scan.sweeps");
    else if (where[0])
        nnsm_warn(&run->log,
                  "%s: depends on its start at T = %s; largest difference %.4g sigma (T = %g); raise "
                  "scan.thermalization and scan.sweeps, or let temperatures exchange",
                  what, where, worst, at);
    else
        nnsm_say(&run->log, "%s: starts from %s agree; largest difference %.1f sigma (T = %g)", what,
                 curve->walkers < NNSM_STARTS ? "data and ordered" : "data, ordered and random", worst, at);
}

static void write_column(nnsm_h5 *h5, const nnsm_curve *curve, const char *group, size_t start, int q)
{
    static const char *const quantities[NNSM_START_QUANTITIES] = {"abs_magnetization", "hamiltonian"};
    static const char *const units[NNSM_START_QUANTITIES] = {"1", "energy per site"};
    double mean[NNSM_CONFIG_TEMPERATURES], error[NNSM_CONFIG_TEMPERATURES], within[NNSM_CONFIG_TEMPERATURES];
    char name[160], text[128];
    for (size_t t = 0; t < curve->temperatures; t++) {
        mean[t] = curve->by_start[t * NNSM_STARTS + start].mean[q];
        error[t] = curve->by_start[t * NNSM_STARTS + start].error[q];
        within[t] = curve->by_start[t * NNSM_STARTS + start].within[q];
    }
    (void)snprintf(text, sizeof text, "mean %s of the walkers that start %s%s",
                   q == NNSM_START_H ? "H of the Hamiltonian that was scanned" : "<|m|>",
                   start == NNSM_START_DATA ? "from " : "", names[start]);
    (void)snprintf(name, sizeof name, "%s/starts/%s/%s/mean", group, names[start], quantities[q]);
    nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, mean, units[q], text);
    (void)snprintf(name, sizeof name, "%s/starts/%s/%s/error", group, names[start], quantities[q]);
    nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, error, units[q], "its standard error");
    (void)snprintf(name, sizeof name, "%s/starts/%s/%s/within", group, names[start], quantities[q]);
    nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, within, units[q],
                          "its error by the fluctuations within walkers alone, of which the pull is made");
}

void nnsm_starts_write(nnsm_h5 *h5, const nnsm_curve *curve, const char *group)
{
    double pull[NNSM_CONFIG_TEMPERATURES];
    char name[128];
    int64_t depends = 0;
    for (size_t s = 0; s < NNSM_STARTS; s++)
        for (int q = 0; q < NNSM_START_QUANTITIES; q++)
            write_column(h5, curve, group, s, q);
    for (size_t t = 0; t < curve->temperatures; t++) {
        pull[t] = pull_at(curve, t);
        depends += pull[t] > NNSM_START_LIMIT;
    }
    (void)snprintf(name, sizeof name, "%s/starts/pull", group);
    nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, pull, "sigma",
                          "largest difference of |m| or H between walkers of different starts");
    (void)snprintf(name, sizeof name, "%s/starts", group);
    nnsm_h5_set_double(h5, name, "limit", NNSM_START_LIMIT);
    nnsm_h5_set_integer(h5, name, "depends_on_start", depends);
    nnsm_h5_set_text(h5, name, "depends_on_start_meaning", "number of temperatures with a pull above the limit");
}
