/* trust_report.c: how far to believe, in the log and in the results file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "stage/trust.h"

static const char *audit_name(const nnsm_run *run, int kind)
{
    static const char *const name[NNSM_AUDITS] = {"spin_flip", "translation", "point_group"};
    return kind == NNSM_AUDIT_FLIP && run->alphabet.labels ? "permutation" : name[kind];
}

/* ---- the log */

static void say_errors(nnsm_run *run, const nnsm_trust *trust, size_t q, const char *text)
{
    const nnsm_trust_cell *worst = NULL;
    double temperature = 0;
    for (size_t t = 0; t < trust->temperatures; t++) {
        const nnsm_trust_cell *cell = &trust->cell[t * NNSM_TRUST_QUANTITIES + q];
        if (isfinite(cell->total) && (!worst || cell->total > worst->total)) {
            worst = cell;
            temperature = run->config->scan.temperatures[t];
        }
    }
    char spread[64] = "", systematic[64] = "";
    if (worst && isfinite(worst->spread))
        (void)snprintf(spread, sizeof spread, ", spread of %zu networks %.4f", trust->networks - 1, worst->spread);
    if (worst && isfinite(worst->systematic))
        (void)snprintf(systematic, sizeof systematic, ", learned - distilled %+.4f", worst->systematic);
    if (worst)
        nnsm_say(&run->log, "trust: %s is least certain at T = %g, +- %.4f (chains %.4f%s%s)", text, temperature,
                 worst->total, worst->statistical, spread, systematic);
}

static void warn_of_overlap(nnsm_run *run, const nnsm_trust *trust)
{
    double least = INFINITY, temperature = 0;
    int lacking = 0;
    for (size_t t = 0; t < trust->temperatures; t++)
        for (size_t k = 1; k < trust->hamiltonians; k++) {
            double effective = trust->effective[k * trust->temperatures + t];
            if (effective < least) {
                least = effective;
                temperature = run->config->scan.temperatures[t];
            }
            lacking += effective < NNSM_TRUST_EFFECTIVE;
        }
    if (lacking && trust->samples < NNSM_TRUST_EFFECTIVE)
        nnsm_warn(&run->log,
                  "trust: %zu measurements a temperature are too few to compare on, %d are needed; no spread. Raise "
                  "scan.sweeps or scan.walkers, or lower scan.exchange_interval",
                  trust->samples, NNSM_TRUST_EFFECTIVE);
    else if (lacking)
        nnsm_warn(&run->log,
                  "trust: networks too different to compare on common samples in %d cases (%.0f effective samples at "
                  "T = %g, %d are needed); no spread there. More data or longer training bring them together",
                  lacking, least, temperature, NNSM_TRUST_EFFECTIVE);
}

static void say_support(nnsm_run *run, const nnsm_trust *trust)
{
    double low = INFINITY, high = -INFINITY, n = (double)run->lattice.sites;
    for (size_t t = 0; t < trust->temperatures; t++)
        if (trust->support[t] >= 0.5) {
            low = fmin(low, run->config->scan.temperatures[t]);
            high = fmax(high, run->config->scan.temperatures[t]);
        }
    if (low <= high)
        nnsm_say(&run->log,
                 "trust: half or more of the energies visited from T = %g to %g were seen in training (H/N %.4f to "
                 "%.4f); elsewhere H extrapolates",
                 low, high, trust->low / n, trust->high / n);
    else
        nnsm_say(&run->log, "trust: at no temperature were half of the energies visited seen in training");
}

void nnsm_trust_report(nnsm_run *run, const nnsm_trust *trust)
{
    say_errors(run, trust, NNSM_ABS_MAGNETIZATION, "|m|");
    say_errors(run, trust, run->model_known ? NNSM_ENERGY : NNSM_LEARNED_ENERGY, "the energy per site");
    warn_of_overlap(run, trust);
    say_support(run, trust);
    for (int k = 0; k < NNSM_AUDITS; k++) {
        const nnsm_audit *a = &trust->audit[k];
        char averaged[48] = "";
        if (!a->there)
            continue;
        if (!isnan(a->averaged))
            (void)snprintf(averaged, sizeof averaged, ", %.4f averaged over 8 copies", a->averaged);
        nnsm_say(&run->log, "trust: H under %s: rms change %.4f standard deviations%s%s", audit_name(run, k),
                 a->residual, averaged, a->claimed ? "" : " (not a symmetry that train.augment names)");
    }
}

/* ---- the results file */

static const struct {
    const char *name, *description;
    size_t offset;
} part[] = {
    {"statistical", "error of the chains", offsetof(nnsm_trust_cell, statistical)},
    {"spread", "standard deviation over networks on bootstrap samples of the data", offsetof(nnsm_trust_cell, spread)},
    {"shift", "mean of these networks minus the run's own", offsetof(nnsm_trust_cell, shift)},
    {"systematic", "learned minus distilled", offsetof(nnsm_trust_cell, systematic)},
    {"total",
     "root of the sum of squares of statistical, spread and systematic: the 68 % band of the learned curve; without "
     "the "
     "noise of the data where trust.networks = 1",
     offsetof(nnsm_trust_cell, total)},
};

static void write_quantity(nnsm_h5 *h5, const nnsm_trust *trust, size_t q, double *column)
{
    const char *name = q == NNSM_TRUST_OWN_H ? "own_hamiltonian" : nnsm_observable_name((nnsm_observable)q);
    const char *units = nnsm_observable_units(q == NNSM_TRUST_OWN_H ? NNSM_LEARNED_ENERGY : (nnsm_observable)q);
    char path[128];
    size_t n = trust->temperatures, sizes[] = {trust->networks, n};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        for (size_t t = 0; t < n; t++)
            memcpy(&column[t], (const char *)&trust->cell[t * NNSM_TRUST_QUANTITIES + q] + part[i].offset,
                   sizeof *column);
        (void)snprintf(path, sizeof path, "/trust/%s/%s", name, part[i].name);
        nnsm_h5_write_doubles(h5, path, 1, &n, column, units, part[i].description);
    }
    for (size_t k = 0; k < trust->networks; k++)
        memcpy(column + k * n, trust->value + (k * NNSM_TRUST_QUANTITIES + q) * n, n * sizeof *column);
    (void)snprintf(path, sizeof path, "/trust/%s/networks", name);
    nnsm_h5_write_doubles(h5, path, 2, sizes, column, units,
                          "[network][temperature] the curve under every network; 0 is the run's own");
}

static void write_audit(nnsm_h5 *h5, const nnsm_run *run, const nnsm_trust *trust)
{
    enum { WIDTH = 16 };
    char names[NNSM_AUDITS * WIDTH] = "";
    double column[3][NNSM_AUDITS];
    size_t n = 0;
    for (int k = 0; k < NNSM_AUDITS; k++)
        if (trust->audit[k].there) {
            (void)snprintf(names + n * WIDTH, WIDTH, "%s", audit_name(run, k));
            column[0][n] = trust->audit[k].residual;
            column[1][n] = trust->audit[k].averaged;
            column[2][n++] = trust->audit[k].claimed;
        }
    if (!n)
        return;
    nnsm_h5_write_texts(h5, "/trust/symmetry/name", n, WIDTH, names, "symmetries that the lattice has");
    nnsm_h5_write_doubles(h5, "/trust/symmetry/residual", 1, &n, column[0], "standard deviations of H",
                          "rms of H(g s) - H(s) on samples of the network");
    nnsm_h5_write_doubles(
        h5, "/trust/symmetry/averaged", 1, &n, column[1], "standard deviations of H",
        "the same of H averaged over 8 copies by the symmetries of train.augment; NaN: it names none");
    nnsm_h5_write_doubles(h5, "/trust/symmetry/claimed", 1, &n, column[2], "1", "1 where train.augment names it");
}

static void write_second(nnsm_h5 *h5, const nnsm_run *run, const nnsm_second *second)
{
    static const char *const name[] = {"predicted", "predicted_error", "measured", "measured_error", "p"};
    static const char *const description[] = {
        "of the learned Hamiltonian", "its total error", "mean over the second ensemble",
        "its standard error, from 64 blocks of chains or of time",
        "probability of a difference as large by chance, if both errors are right"};
    char path[96];
    if (!second->configurations)
        return;
    for (size_t r = 0; r < NNSM_SECONDS; r++) {
        const nnsm_second_row *row = &second->row[r];
        const double value[] = {row->predicted, row->predicted_error, row->measured, row->measured_error, row->p};
        for (size_t i = 0; i < 5 && (r != NNSM_SECOND_E || run->model_known); i++) {
            (void)snprintf(path, sizeof path, "/trust/second/%s/%s", nnsm_second_name(r), name[i]);
            nnsm_h5_write_doubles(h5, path, 1, &(size_t){1}, &value[i],
                                  i == 4               ? "1"
                                  : r == NNSM_SECOND_M ? "1"
                                                       : "energy per site",
                                  description[i]);
        }
    }
    nnsm_h5_set_double(h5, "/trust/second", "temperature", second->temperature);
    nnsm_h5_set_integer(h5, "/trust/second", "configurations", (int64_t)second->configurations);
    nnsm_h5_set_text(h5, "/trust/second", "file", run->config->trust.compare);
}

void nnsm_trust_write(nnsm_h5 *h5, const nnsm_run *run, const nnsm_trust *trust)
{
    double *column = NULL;
    size_t n = trust->temperatures, sizes[] = {trust->hamiltonians, n};
    if (NNSM_NEW(&column, trust->networks * n, "trust", h5->error)) {
        (void)nnsm_h5_fail(h5, "memory is exhausted");
        return;
    }
    for (size_t q = 0; q < NNSM_TRUST_QUANTITIES; q++)
        if ((q != NNSM_ENERGY || run->model_known) && (q != NNSM_ORDER || nnsm_summary_orders(run)))
            write_quantity(h5, trust, q, column);
    nnsm_release(column);
    nnsm_h5_write_doubles(h5, "/trust/effective_samples", 2, sizes, trust->effective, "1",
                          "[Hamiltonian][temperature] n_eff of the common samples under every network and, last where "
                          "it is there, the distilled Hamiltonian");
    nnsm_h5_write_doubles(h5, "/trust/support", 1, &n, trust->support, "1",
                          "share of the energies H visited that lie in the range seen in training");
    nnsm_h5_set_double(h5, "/trust/support", "lowest", trust->low);
    nnsm_h5_set_double(h5, "/trust/support", "highest", trust->high);
    nnsm_h5_set_text(h5, "/trust/support", "range_of", trust->from_ensemble ? "ensemble" : "ancestral samples");
    nnsm_h5_set_double(h5, "/trust/support", "configurations", trust->seen);
    nnsm_h5_set_integer(h5, "/trust", "networks", (int64_t)trust->networks);
    nnsm_h5_set_integer(h5, "/trust", "samples", (int64_t)trust->samples);
    nnsm_h5_set_integer(h5, "/trust", "least_effective_samples", NNSM_TRUST_EFFECTIVE);
    write_audit(h5, run, trust);
    write_second(h5, run, &trust->second);
}
