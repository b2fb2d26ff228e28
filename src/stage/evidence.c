#include "stage/evidence.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bulk.h"
#include "setup/agree.h"
#include "stage/samples.h"
#include "statistics/series.h"

static_assert((int)NNSM_CENSUS_BLOCKS == (int)NNSM_BLOCKS, "blocks of samples are those of the census");

static const double most_counted = 1 << 28; /* sites of all configurations that the tests look at */
static const int64_t few = 10;              /* a value that occurs less often is doubtful */
static const double long_enough = 20;       /* autocorrelation times in a block that counts as independent */

nnsm_status nnsm_observer_create(nnsm_observer *observer, nnsm_run *run, const nnsm_ensemble_header *header,
                                 nnsm_error *error)
{
    size_t n = header->configurations, sites = header->sites;
    *observer = (nnsm_observer){.run = run, .header = header};
    observer->every = (size_t)fmax(1, ceil((double)n * (double)sites / most_counted));
    nnsm_status status = nnsm_census_create(&observer->census, &run->lattice, &header->alphabet, error);
    if (!status)
        status = NNSM_NEW(&observer->lowest, sites, "ensemble", error);
    if (!status)
        status = NNSM_NEW(&observer->highest, sites, "ensemble", error);
    if (!status && run->rank == 0)
        status = NNSM_BULK(&observer->record, n, run->config->run.scratch, "ensemble", error);
    if (!status) {
        memset(observer->lowest, INT8_MAX, sites);
        memset(observer->highest, INT8_MIN, sites);
    }
    return nnsm_agree(run->world, status, error);
}

void nnsm_observer_destroy(nnsm_observer *observer)
{
    nnsm_census_destroy(&observer->census);
    nnsm_release(observer->lowest);
    nnsm_release(observer->highest);
    nnsm_bulk_release(observer->record);
    *observer = (nnsm_observer){0};
}

static size_t chains_of(const nnsm_ensemble_header *header)
{
    bool possible = header->chains >= 1 && header->chains <= (int64_t)header->configurations;
    return possible ? (size_t)header->chains : 1;
}

void nnsm_observer_see(nnsm_observer *observer, size_t first, size_t count, const int8_t *rows, nnsm_record *records)
{
    nnsm_observer *w = observer;
    const nnsm_run *run = w->run;
    size_t sites = w->header->sites, chains = chains_of(w->header);
    for (size_t r = 0; r < count; r++, rows += sites) {
        nnsm_census_look(&w->census, rows);
        records[r] = (nnsm_record){.magnetization = nnsm_run_magnetization(run, rows),
                                   .order = nnsm_summary_orders(run) ? nnsm_model_order(&run->model, rows) : 0,
                                   .bonds = nnsm_census_bonds(&w->census),
                                   .hash = XXH3_64bits(rows, sites)};
        if (run->model_known)
            records[r].energy = nnsm_model_energy(&run->model, rows) / (double)sites;
        for (size_t i = 0; i < sites; i++) {
            w->lowest[i] = rows[i] < w->lowest[i] ? rows[i] : w->lowest[i];
            w->highest[i] = rows[i] > w->highest[i] ? rows[i] : w->highest[i];
        }
        if (w->census.site && (first + r) / chains % w->every == 0)
            nnsm_census_add(&w->census, nnsm_samples_block(w->header, first + r));
    }
}

/* ---- rank 0 concludes */

/* Values of a series a chain after the other, as nnsm_autocorrelation_time wants them. */
static nnsm_status time_of(const nnsm_observer *w, bool bonds, double *tau, nnsm_error *error)
{
    double *by_chain = NULL;
    size_t chains = chains_of(w->header), length = w->header->configurations / chains;
    nnsm_status status = NNSM_BULK(&by_chain, chains * length, w->run->config->run.scratch, "autocorrelation", error);
    if (status)
        return status;
    for (size_t c = 0; c < chains; c++)
        for (size_t k = 0; k < length; k++) {
            const nnsm_record *r = &w->record[k * chains + c];
            by_chain[c * length + k] = bonds ? r->bonds : fabs(r->magnetization);
        }
    *tau = nnsm_autocorrelation_time(by_chain, chains, length);
    nnsm_bulk_release(by_chain);
    return NNSM_OK;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static nnsm_status count_distinct(const nnsm_observer *w, int64_t *distinct, nnsm_error *error)
{
    uint64_t *hash = NULL;
    size_t n = w->header->configurations;
    nnsm_status status = NNSM_BULK(&hash, n, w->run->config->run.scratch, "hashes of configurations", error);
    if (status)
        return status;
    for (size_t i = 0; i < n; i++)
        hash[i] = w->record[i].hash;
    qsort(hash, n, sizeof *hash, by_value);
    *distinct = 1;
    for (size_t i = 1; i < n; i++)
        *distinct += hash[i] != hash[i - 1];
    nnsm_bulk_release(hash);
    return NNSM_OK;
}

static nnsm_status summarise(const nnsm_observer *w, nnsm_summary *summary, nnsm_error *error)
{
    double *column[3] = {NULL, NULL, NULL};
    size_t n = w->header->configurations;
    nnsm_status status = NNSM_OK;
    for (int k = 0; k < 3 && !status; k++)
        status = NNSM_BULK(&column[k], n, w->run->config->run.scratch, "ensemble energies", error);
    for (size_t i = 0; i < n && !status; i++) {
        column[0][i] = w->record[i].energy;
        column[1][i] = w->record[i].magnetization;
        column[2][i] = w->record[i].order;
    }
    if (!status)
        status = nnsm_summarise(w->run, column[0], column[1], column[2], n, (size_t)w->header->chains,
                                w->header->temperature, summary, error);
    summary->levels = w->header->levels;
    for (int k = 0; k < 3; k++)
        nnsm_bulk_release(column[k]);
    return status;
}

/* Blocks of independent chains are independent; of a series they must be long. */
static size_t independent_blocks(const nnsm_observer *w, const nnsm_evidence *e)
{
    size_t chains = chains_of(w->header), blocks = NNSM_CENSUS_BLOCKS;
    double tau = fmax(e->tau_magnetization, e->tau_bonds), steps = (double)(w->header->configurations / chains);
    if (chains >= NNSM_CENSUS_BLOCKS)
        return blocks;
    if (isnan(e->tau_magnetization) || isnan(e->tau_bonds))
        return 1;
    while (blocks > 1 && steps / (double)blocks < long_enough * 2 * tau)
        blocks /= 2;
    return blocks;
}

/* Thinning may leave blocks empty when there are few rounds of chains. */
static bool all_filled(const nnsm_census *census)
{
    bool filled = true;
    for (size_t b = 0; b < NNSM_CENSUS_BLOCKS; b++)
        filled = filled && census->rows[b] > 0;
    return filled;
}

/* Correlation of m with itself so many configurations later. */
static double correlation(const nnsm_record *record, size_t n, size_t lag, double mean, double variance)
{
    double sum = 0;
    for (size_t i = 0; i + lag < n; i++)
        sum += (record[i].magnetization - mean) * (record[i + lag].magnetization - mean);
    return sum / (double)(n - lag) / variance;
}

/* Series that alternate where one is stated: m is correlated over their number, and hardly over one more or less. */
static void find_alternation(const nnsm_observer *w, nnsm_evidence *e)
{
    enum { LOOKED_AT = 1 << 15, FARTHEST = 1 << 12 };
    size_t n = w->header->configurations < LOOKED_AT ? w->header->configurations : LOOKED_AT;
    double mean = 0, variance = 0, before = 1, here = 0, after = 0;
    if (chains_of(w->header) > 1 || n < 100)
        return;
    for (size_t i = 0; i < n; i++)
        mean += w->record[i].magnetization / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (w->record[i].magnetization - mean) * (w->record[i].magnetization - mean) / (double)n;
    if (!(variance > 0))
        return;
    here = correlation(w->record, n, 1, mean, variance);
    for (size_t lag = 2; lag < FARTHEST && lag < n / 4 && !e->alternating; lag++, before = here, here = after) {
        after = correlation(w->record, n, lag, mean, variance);
        if (here > 0.2 && here > 8 / sqrt((double)n) && 2 * before < here && 2 * after < here)
            e->alternating = (int64_t)lag - 1;
    }
}

static void find_rarest(const nnsm_observer *w, nnsm_evidence *e)
{
    const nnsm_alphabet *a = &w->header->alphabet;
    for (int k = 0; k < a->count && a->count > 2; k++) {
        int64_t count = 0;
        for (size_t b = 0; b < NNSM_CENSUS_BLOCKS; b++)
            count += w->census.states[b][k];
        e->values += count;
        if (k && count >= e->rare)
            continue;
        e->rare = count;
        e->rare_value = a->value[k];
    }
}

static nnsm_status judge(nnsm_observer *w, nnsm_evidence *e, nnsm_error *error)
{
    size_t n = w->header->configurations, chains = chains_of(w->header);
    nnsm_status status = time_of(w, false, &e->tau_magnetization, error);
    if (!status)
        status = time_of(w, true, &e->tau_bonds, error);
    if (!status)
        status = count_distinct(w, &e->distinct, error);
    if (status)
        return status;
    double tau = fmax(e->tau_magnetization, e->tau_bonds);
    bool unknown = isnan(e->tau_magnetization) || isnan(e->tau_bonds);
    e->configurations = (int64_t)n;
    e->effective = unknown ? (double)chains : (double)n / fmax(1, 2 * tau);
    e->blocks = (int64_t)independent_blocks(w, e);
    for (size_t i = 0; i < w->header->sites; i++)
        e->constant_sites += w->lowest[i] == w->highest[i];
    for (size_t b = 0; b < NNSM_CENSUS_BLOCKS; b++)
        e->used += w->census.rows[b];
    if (!w->census.site)
        return NNSM_OK;
    find_rarest(w, e);
    find_alternation(w, e);
    if (!all_filled(&w->census))
        e->blocks = 1;
    e->count =
        (int64_t)nnsm_symmetry_tests(&w->census, &w->header->alphabet, (size_t)e->blocks, e->test, &status, error);
    return status;
}

static void reduce(const nnsm_run *run, void *values, size_t count, MPI_Datatype type, MPI_Op op)
{
    size_t size = type == MPI_SIGNED_CHAR ? 1 : type == MPI_INT32_T ? 4 : 8;
    for (size_t done = 0; done < count; done += 1 << 20) { /* MPI counts are int, and its scratch is small */
        char *at = (char *)values + done * size;
        int part = count - done < 1 << 20 ? (int)(count - done) : 1 << 20;
        NNSM_MPI(
            MPI_Reduce(run->rank == 0 ? MPI_IN_PLACE : at, run->rank == 0 ? at : NULL, part, type, op, 0, run->world));
    }
}

nnsm_status nnsm_observer_conclude(nnsm_observer *observer, nnsm_summary *summary, nnsm_evidence *evidence,
                                   nnsm_error *error)
{
    nnsm_observer *w = observer;
    nnsm_run *run = w->run;
    nnsm_status status = NNSM_OK;
    *evidence = (nnsm_evidence){0};
    reduce(run, w->lowest, w->header->sites, MPI_SIGNED_CHAR, MPI_MIN);
    reduce(run, w->highest, w->header->sites, MPI_SIGNED_CHAR, MPI_MAX);
    if (w->census.site) {
        reduce(run, w->census.rows, NNSM_CENSUS_BLOCKS, MPI_INT64_T, MPI_SUM);
        reduce(run, w->census.scalar, NNSM_CENSUS_BLOCKS * NNSM_CENSUS_SCALARS, MPI_INT64_T, MPI_SUM);
        reduce(run, w->census.states, NNSM_CENSUS_BLOCKS * NNSM_MAX_VALUES, MPI_INT64_T, MPI_SUM);
        reduce(run, w->census.site, nnsm_census_size(&w->census), MPI_INT32_T, MPI_SUM);
    }
    if (run->rank == 0)
        status = summarise(w, summary, error);
    if (run->rank == 0 && !status)
        status = judge(w, evidence, error);
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(summary, (int)sizeof *summary, MPI_BYTE, 0, run->world));
    NNSM_MPI(MPI_Bcast(evidence, (int)sizeof *evidence, MPI_BYTE, 0, run->world));
    return status;
}

/* ---- what follows from it */

/* The flag of train.augment that a test belongs to. */
static bool augmented(const nnsm_symmetry_test *test, const nnsm_config *c, const char **name)
{
    static const char *const names[] = {"spin_flip", "translation", "point_group", "point_group", "permutation"};
    *name = names[test->kind];
    if (test->kind == NNSM_TEST_INVERSION)
        return c->train.spin_flip;
    if (test->kind == NNSM_TEST_PERMUTATION)
        return c->train.permutation;
    return test->kind == NNSM_TEST_TRANSLATION ? c->train.translation : c->train.point_group;
}

nnsm_status nnsm_evidence_check(const nnsm_evidence *evidence, const nnsm_config *config, const char *path,
                                nnsm_error *error)
{
    char text[48];
    const char *name;
    if (evidence->distinct == 1)
        return nnsm_fail(error, NNSM_DATA, "%.400s: all %lld configurations are identical: there is nothing to learn",
                         path, (long long)evidence->configurations);
    for (int64_t k = 0; k < evidence->count; k++) {
        const nnsm_symmetry_test *t = &evidence->test[k];
        if (!augmented(t, config, &name) || !(t->p < nnsm_evidence_refused))
            continue;
        return nnsm_fail(error, NNSM_DATA,
                         "%.300s: the data contradict the symmetry %s, p = %.2g (t = %.1f of %s, %d differences looked "
                         "at); remove \"%s\" from train.augment, or look whether the data are in equilibrium%s",
                         path, nnsm_symmetry_test_name(t, text), t->p, t->t, t->of, (int)t->size, name,
                         evidence->alternating ? ", and whether the attribute chains is missing (see nnsm info)" : "");
    }
    return NNSM_OK;
}

void nnsm_evidence_warn(nnsm_run *run, const nnsm_evidence *evidence)
{
    const nnsm_evidence *e = evidence;
    double n = (double)e->configurations;
    if (e->effective < 1000)
        nnsm_warn(&run->log, "the ensemble is worth about %.0f independent configurations; expect large errors",
                  e->effective);
    if ((double)e->distinct < 0.5 * n)
        nnsm_warn(&run->log, "only %lld of %lld configurations are different", (long long)e->distinct,
                  (long long)e->configurations);
    if (e->alternating)
        nnsm_warn(&run->log,
                  "configurations %lld apart are alike, nearer ones are not: are these %lld series in turn? Then give "
                  "/configurations the attribute chains = %lld; without, all errors and p-values are too small",
                  (long long)e->alternating, (long long)e->alternating, (long long)e->alternating);
    if (e->rare < few && e->values > 1000 * few)
        nnsm_warn(
            &run->log,
            "the value %lld stands at %lld of %lld sites looked at: too few to learn from; if it is a slip or marks "
            "what is missing, leave those configurations out",
            (long long)e->rare_value, (long long)e->rare, (long long)e->values);
    if (e->constant_sites)
        nnsm_warn(&run->log, "%lld site%s the same value in every configuration", (long long)e->constant_sites,
                  e->constant_sites == 1 ? " has" : "s have");
}

static void print_tests(const nnsm_evidence *e)
{
    char text[48];
    if (!e->used) {
        (void)printf("  symmetries: not tested on lattices of more than %d sites\n", NNSM_CENSUS_SITES);
        return;
    }
    (void)printf("  symmetries (p of the data if it holds; %lld independent blocks, %lld configurations)\n",
                 (long long)e->blocks, (long long)e->used);
    for (int64_t k = 0; k < e->count; k++) {
        const nnsm_symmetry_test *t = &e->test[k];
        (void)printf("    %-26s", nnsm_symmetry_test_name(t, text));
        if (isnan(t->p))
            (void)printf(" cannot be told: fewer than %d blocks of %g autocorrelation times\n", NNSM_TEST_LEAST,
                         2 * long_enough);
        else
            (void)printf(" p = %-9.2g%s%s\n", t->p,
                         t->p < nnsm_evidence_refused ? " contradicted: "
                         : t->p < 0.01                ? " doubtful: "
                                                      : "",
                         t->p < 0.01 ? t->of : "");
    }
}

void nnsm_evidence_print(const nnsm_evidence *evidence)
{
    const nnsm_evidence *e = evidence;
    (void)printf(
        "  autocorrelation time along a chain: %.2f (|m|), %.2f (nearest-neighbour product) configurations (0.5: "
        "independent%s)\n  worth %.0f independent configurations of %lld; %lld are different\n",
        e->tau_magnetization, e->tau_bonds,
        isnan(e->tau_magnetization) || isnan(e->tau_bonds) ? "; nan: chains too short to tell, worth one each" : "",
        e->effective, (long long)e->configurations, (long long)e->distinct);
    if (e->alternating)
        (void)printf(
            "  configurations %lld apart are alike, nearer ones are not: %lld series in turn? Then the attribute "
            "chains = %lld is missing, and what is said here of independence and symmetries is wrong\n",
            (long long)e->alternating, (long long)e->alternating, (long long)e->alternating);
    if (e->rare < few && e->values > 1000 * few)
        (void)printf("  the value %lld stands at %lld of %lld sites only: is it one?\n", (long long)e->rare_value,
                     (long long)e->rare, (long long)e->values);
    if (e->constant_sites)
        (void)printf("  %lld site%s the same value in every configuration\n", (long long)e->constant_sites,
                     e->constant_sites == 1 ? " has" : "s have");
    print_tests(e);
}
