/* couplings_report.c: the table of couplings, in the log, in the results file, and from there for a person. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/couplings.h"
#include "hamiltonian/reach.h"
#include "stage/couplings.h"

enum { MOST_ROWS = 24, ROW = 240 };

/* The columns of the table; [classes] each. */
typedef struct {
    size_t classes;
    const char *name; /* [classes][NNSM_OPERATOR_NAME] */
    const double *coupling, *error, *refined, *refined_error, *likelihood, *likelihood_error, *difference, *truth,
        *spread;
} columns;

/* ---- rows */

static const char header[] =
    "operator                 learned            spread  maximum likelihood   pseudo-likelihood    sigma       true";

/* "1.0003(12)" would need care with rounding; "+-" needs none. */
static void put_value(char *text, size_t size, double value, double error)
{
    if (isnan(error))
        (void)snprintf(text, size, "%-19s", isnan(value) || value != 0 ? "-" : "not determined");
    else
        (void)snprintf(text, size, "%9.5f +-%8.5f", value, error);
}

static void format_row(const columns *t, size_t c, char *row)
{
    char learned[40], refined[40], likelihood[40], difference[16] = "       -", truth[24] = "        -",
                                                   spread[16] = "       -";
    put_value(learned, sizeof learned, t->coupling[c], t->error[c]);
    put_value(refined, sizeof refined, t->refined[c], t->refined_error[c]);
    put_value(likelihood, sizeof likelihood, t->likelihood[c], t->likelihood_error[c]);
    if (isfinite(t->difference[c]))
        (void)snprintf(difference, sizeof difference, "%8.1f", t->difference[c]);
    if (!isnan(t->truth[c]))
        (void)snprintf(truth, sizeof truth, "%9.5f", t->truth[c]);
    if (!isnan(t->spread[c]))
        (void)snprintf(spread, sizeof spread, "%8.5f", t->spread[c]);
    (void)snprintf(row, ROW, "%-20.47s %s %s %s %s %s  %s", t->name + c * NNSM_OPERATOR_NAME, learned, spread, refined,
                   likelihood, difference, truth);
}

/* What either estimate or the truth makes of an operator. */
static double importance(const columns *t, size_t c)
{
    return fmax(fmax(fabs(t->coupling[c]), fabs(t->likelihood[c])), fabs(t->truth[c])); /* fmax passes over NaN */
}

/* Which rows to show when there are many: the most important, in their order. */
static bool shown(const columns *t, size_t c)
{
    size_t larger = 0;
    for (size_t d = 0; d < t->classes && t->classes > MOST_ROWS; d++)
        larger += importance(t, d) > importance(t, c) || (importance(t, d) == importance(t, c) && d < c);
    return larger < MOST_ROWS;
}

static size_t largest_difference(const columns *t)
{
    size_t largest = 0;
    for (size_t c = 1; c < t->classes; c++)
        if (fabs(t->difference[c]) > fabs(t->difference[largest]) || isnan(t->difference[largest]))
            largest = c;
    return largest;
}

static double rms_difference(const columns *t)
{
    double sum = 0, count = 0;
    for (size_t c = 0; c < t->classes; c++)
        if (isfinite(t->difference[c])) {
            sum += t->difference[c] * t->difference[c];
            count++;
        }
    return sqrt(sum / count);
}

/* ---- the log */

static void say_agreement(nnsm_run *run, const columns *t)
{
    double rms = rms_difference(t);
    size_t c = largest_difference(t);
    if (isfinite(rms))
        nnsm_say(&run->log,
                 "couplings: learned and pseudo-likelihood differ by %.1f sigma rms, at most by %.1f (%s): %s", rms,
                 fabs(t->difference[c]), t->name + c * NNSM_OPERATOR_NAME,
                 rms < 2 ? "they agree"
                         : "more than their statistical errors explain; the network's own error is not among these");
}

static void say_undetermined(nnsm_run *run, const columns *t)
{
    enum { TEXT = 400 };
    char text[TEXT] = "";
    size_t count = 0, used = 0;
    for (size_t c = 0; c < t->classes; c++)
        if (isnan(t->error[c])) {
            count++;
            if (used + NNSM_OPERATOR_NAME + 3 < TEXT)
                used += (size_t)snprintf(text + used, TEXT - used, "%s%s", used ? ", " : "",
                                         t->name + c * NNSM_OPERATOR_NAME);
        }
    if (count)
        nnsm_warn(&run->log,
                  "couplings: %zu operators follow from those before them on these samples and are not determined, "
                  "their share is in the others: %s",
                  count, text);
}

static columns columns_of(const nnsm_couplings *k, char *names)
{
    for (size_t c = 0; c < k->operators.classes; c++)
        memcpy(names + c * NNSM_OPERATOR_NAME, k->operators.class[c].name, NNSM_OPERATOR_NAME);
    return (columns){
        k->operators.classes, names,         k->coupling, k->error, k->refined, k->refined_error, k->likelihood,
        k->likelihood_error,  k->difference, k->truth,    k->spread};
}

/* Does the ensemble contradict the prior of a frontier network? Means over translations that are no symmetry would
 * mistake disorder for reach. */
static void examine_reach(nnsm_run *run, const nnsm_couplings *k, const nnsm_network *network)
{
    size_t classes = k->operators.classes;
    double *extent = NULL;
    bool valid = run->config->couplings.per_bond || run->config->train.translation;
    if (!network->frontier || !k->configurations || !valid || NNSM_NEW(&extent, classes, "couplings", NULL))
        return;
    for (size_t c = 0; c < classes; c++)
        extent[c] = nnsm_operator_extent(&k->operators, &run->lattice, c);
    nnsm_reach_test test = nnsm_reach_examine(extent, k->likelihood, k->likelihood_error, classes, NNSM_BLOCKS,
                                              nnsm_frontier_architecture_of(network->frontier)->reach);
    if (test.p < NNSM_REACH_LEVEL)
        nnsm_warn(
            &run->log,
            "couplings: the data contradict the network's reach of %.4g: of %zu operators beyond it %s stands out "
            "by %.1f sigma, p = %.2g; raise network.reach, or leave it out to have it chosen from the data",
            test.reach, test.operators, k->operators.class[test.strongest].name, test.sigma, test.p);
    nnsm_release(extent);
}

void nnsm_couplings_report(nnsm_run *run, const nnsm_couplings *couplings, const nnsm_network *network)
{
    const nnsm_couplings *k = couplings;
    char *names = NULL, row[ROW];
    if (!run->log.active || NNSM_NEW(&names, k->operators.classes * NNSM_OPERATOR_NAME, "couplings", NULL))
        return; /* a table less is no reason to end a run */
    columns t = columns_of(k, names);
    nnsm_say(&run->log, "couplings: %zu operators on %zu %s: R2 = %.6f, rest %.4g (energy, rms a configuration)",
             t.classes, k->samples,
             run->config->couplings.source == NNSM_CONFIG_ANCESTRAL ? "ancestral samples" : "configurations", k->r2,
             k->residual);
    if (!k->configurations)
        nnsm_say(&run->log, "couplings: the ensemble is not at hand; no pseudo-likelihood");
    nnsm_say(&run->log, "  %s", header);
    for (size_t c = 0; c < t.classes; c++)
        if (shown(&t, c)) {
            format_row(&t, c, row);
            nnsm_say(&run->log, "  %s", row);
        }
    if (t.classes > MOST_ROWS)
        nnsm_say(&run->log, "  ... and %zu smaller ones", t.classes - MOST_ROWS);
    say_agreement(run, &t);
    say_undetermined(run, &t);
    examine_reach(run, k, network);
    if (k->truth_known && k->missing > 0)
        nnsm_say(&run->log, "couplings: the basis misses couplings of the known model up to %.4g", k->missing);
    nnsm_release(names);
}

/* ---- the results file */

static const struct {
    const char *name, *units, *description;
} column_text[] = {
    {"coupling", "energy", "J of the learned H = c - sum J O, least squares; 0 where not determined"},
    {"error", "energy",
     "its standard error, block jackknife; of the projection, not of the network; NaN: not determined"},
    {"maximum_likelihood", "energy",
     "J by maximum likelihood, means under it from samples of the network; NaN: none, the distilled couplings are "
     "`coupling`"},
    {"maximum_likelihood_error", "energy", "its standard error, of data and samples"},
    {"pseudo_likelihood", "energy", "J from the ensemble alone by maximum pseudo-likelihood; NaN: none"},
    {"pseudo_likelihood_error", "energy", "its standard error, block jackknife"},
    {"difference", "standard errors",
     "coupling minus pseudo_likelihood over the root of the sum of their squared errors"},
    {"true", "energy", "J of the known model; NaN: none"},
    {"spread", "energy",
     "standard deviation of coupling over networks on bootstrap samples of the data; NaN: trust.networks = 1"},
    {"distance", "lattice spacings", "of the two sites of a pair; 0: not a pair"},
    {"order", "1", "spins in a product; 0: (sum of the spins)^2 / N"},
    {"terms", "1", "products that share the coupling"},
};
enum { COLUMNS = sizeof column_text / sizeof *column_text };

static void write_sites(nnsm_h5 *h5, const nnsm_operators *o, double *site)
{
    size_t sizes[] = {o->classes, NNSM_TERM_SITES};
    for (size_t i = 0; i < o->classes * NNSM_TERM_SITES; i++)
        site[i] = -1;
    for (size_t t = o->terms; t > 0; t--)
        for (int k = 0; k < NNSM_TERM_SITES; k++)
            site[(size_t)o->class_of[t - 1] * NNSM_TERM_SITES + (size_t)k] = o->site[t - 1][k];
    nnsm_h5_write_doubles(h5, "/couplings/sites", 2, sizes, site, "site numbers, row-major",
                          "sites of the first product of an operator; -1: none");
}

static void write_columns(nnsm_h5 *h5, const nnsm_couplings *k, const columns *t, double *scratch)
{
    size_t n = t->classes;
    double *distance = scratch, *order = scratch + n, *terms = scratch + 2 * n;
    for (size_t c = 0; c < n; c++) {
        distance[c] = k->operators.class[c].distance;
        order[c] = k->operators.class[c].order;
        terms[c] = (double)k->operators.class[c].terms;
    }
    const double *values[COLUMNS] = {
        t->coupling,   t->error, t->refined, t->refined_error, t->likelihood, t->likelihood_error,
        t->difference, t->truth, t->spread,  distance,         order,         terms};
    for (int i = 0; i < COLUMNS; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "/couplings/%s", column_text[i].name);
        nnsm_h5_write_doubles(h5, name, 1, &n, values[i], column_text[i].units, column_text[i].description);
    }
}

void nnsm_couplings_write(nnsm_h5 *h5, const nnsm_run *run, const nnsm_couplings *couplings)
{
    const nnsm_couplings *k = couplings;
    char *names = NULL;
    double *scratch = NULL;
    if (!k->present)
        return;
    nnsm_status status = NNSM_NEW(&names, k->operators.classes * NNSM_OPERATOR_NAME, "couplings", h5->error);
    if (!status)
        status = NNSM_NEW(&scratch, k->operators.classes * NNSM_TERM_SITES, "couplings", h5->error);
    if (status && !h5->status)
        h5->status = status;
    if (!status) {
        columns t = columns_of(k, names);
        nnsm_h5_write_texts(h5, "/couplings/operator", t.classes, NNSM_OPERATOR_NAME, names, "names of the operators");
        write_columns(h5, k, &t, scratch);
        write_sites(h5, &k->operators, scratch);
        int64_t extent[NNSM_MAX_DIMENSIONS];
        for (int a = 0; a < run->lattice.dimensions; a++)
            extent[a] = run->lattice.extent[a];
        nnsm_h5_set_integers(h5, "/couplings", "extent", (size_t)run->lattice.dimensions, extent);
        nnsm_h5_set_double(h5, "/couplings", "r2", k->r2);
        nnsm_h5_set_double(h5, "/couplings", "residual", k->residual);
        nnsm_h5_set_text(h5, "/couplings", "residual_units", "energy, rms a configuration");
        nnsm_h5_set_double(h5, "/couplings", "constant", k->constant);
        nnsm_h5_set_double(h5, "/couplings", "distilled_constant", k->distilled_constant);
        nnsm_h5_write_doubles(
            h5, "/couplings/distilled", 1, &t.classes, k->distilled, "energy",
            "J of the distilled Hamiltonian: what of maximum_likelihood the data need, each coupling shrunk by the "
            "prior of the largest evidence; without maximum_likelihood: coupling");
        nnsm_h5_set_integer(h5, "/couplings", "samples", (int64_t)k->samples);
        nnsm_h5_set_integer(h5, "/couplings", "configurations", (int64_t)k->configurations);
        if (k->truth_known)
            nnsm_h5_set_double(h5, "/couplings", "missing", k->missing);
    }
    nnsm_release(names);
    nnsm_release(scratch);
}

/* ---- for a person */

void nnsm_couplings_print(nnsm_h5 *h5)
{
    size_t sizes[NNSM_H5_RANK] = {0}, n;
    char *names = NULL, row[ROW];
    double *values = NULL;
    if (nnsm_h5_sizes(h5, "/couplings/coupling", sizes) != 1)
        return;
    n = sizes[0];
    double r2 = nnsm_h5_get_double(h5, "/couplings", "r2");
    nnsm_status status = NNSM_NEW(&names, n * NNSM_OPERATOR_NAME, "couplings", h5->error);
    if (!status)
        status = NNSM_NEW(&values, 9 * n, "couplings", h5->error);
    if (status && !h5->status)
        h5->status = status;
    if (!status)
        nnsm_h5_read_texts(h5, "/couplings/operator", n, NNSM_OPERATOR_NAME, names);
    for (size_t i = 0; i < 9 && !status; i++) {
        (void)snprintf(row, sizeof row, "/couplings/%s", column_text[i].name);
        nnsm_h5_read_doubles(h5, row, n, values + i * n);
    }
    columns t = {n,
                 names,
                 values,
                 values + n,
                 values + 2 * n,
                 values + 3 * n,
                 values + 4 * n,
                 values + 5 * n,
                 values + 6 * n,
                 values + 7 * n,
                 values + 8 * n};
    if (!h5->status)
        (void)printf("  couplings, R2 = %.6f\n  %s\n", r2, header);
    for (size_t c = 0; c < n && !h5->status; c++)
        if (shown(&t, c)) {
            format_row(&t, c, row);
            (void)printf("  %s\n", row);
        }
    nnsm_release(names);
    nnsm_release(values);
}
