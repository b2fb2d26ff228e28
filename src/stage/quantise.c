/* quantise.c: quantiles of data that need not fit into memory.
 *
 * A quantile is an order statistic, found digit by digit: doubles as whole numbers of the same order have four digits
 * of 16 bits; in every pass over the file the values that agree with a quantile in the digits known so far are counted
 * by their next one. Counts are whole numbers, so the thresholds are exact and depend on no number of ranks. */
#include "stage/quantise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/opening.h"
#include "stage/rounds.h"

enum { DIGITS = 4, BITS = 16, BINS = 1 << BITS };

typedef struct {
    nnsm_run *run;
    nnsm_h5 *h5;
    nnsm_ensemble_header *header;
    /* quantiles */
    size_t cuts;
    int digit;                            /* that is counted now; the first is 0 */
    uint64_t prefix[NNSM_MAX_VALUES - 1]; /* digits known, the rest 0 */
    uint64_t rank[NNSM_MAX_VALUES - 1];   /* of the order statistic among the values with that prefix */
    size_t table[NNSM_MAX_VALUES - 1];    /* quantiles with one prefix share their counts */
    int64_t *counts;                      /* [cuts][BINS] */
    /* what is lost */
    double origin;
    nnsm_level_sums sums; /* of a block */
    nnsm_level_sums *all; /* [ranks], of a round */
    nnsm_level_sums total;
} quantiser;

static double at(const int64_t *whole, const double *real, size_t i)
{
    return whole ? (double)whole[i] : real[i];
}

/* ---- quantiles */

/* A nnsm_value_user. */
static void count_digits(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                         const int64_t *whole, const double *real, void *context)
{
    quantiser *q = context;
    int shift = BITS * (DIGITS - 1 - q->digit);
    uint64_t known = q->digit ? ~UINT64_C(0) << (shift + BITS) : 0;
    (void)h5, (void)first;
    for (size_t i = 0; i < count * header->sites; i++) {
        uint64_t key = nnsm_levels_key(at(whole, real, i) + 0.0); /* -0 is 0 */
        for (size_t c = 0; c < q->cuts; c++)
            if (q->table[c] == c && (key & known) == q->prefix[c])
                q->counts[c * BINS + (key >> shift & (BINS - 1))]++;
    }
}

static nnsm_status count_work(void *context, const nnsm_round *round, nnsm_error *error)
{
    quantiser *q = context;
    (void)error;
    nnsm_ensemble_pass(q->h5, q->header, round->first, round->count, count_digits, q);
    return q->h5->status;
}

/* One more digit of every quantile. */
static nnsm_status find_digit(quantiser *q, nnsm_error *error)
{
    int shift = BITS * (DIGITS - 1 - q->digit);
    for (size_t c = 0; c < q->cuts; c++)
        q->table[c] = c > 0 && q->prefix[c] == q->prefix[c - 1] ? q->table[c - 1] : c;
    memset(q->counts, 0, q->cuts * BINS * sizeof *q->counts);
    nnsm_status status =
        nnsm_rounds(q->run, q->header, &(nnsm_round_methods){.work = count_work, .vote = NNSM_VOTE_READ}, q, error);
    if (status)
        return status;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, q->counts, (int)q->cuts * BINS, MPI_INT64_T, MPI_SUM, q->run->world));
    for (size_t c = 0; c < q->cuts; c++) {
        const int64_t *counts = q->counts + q->table[c] * BINS;
        uint64_t bin = 0;
        for (; bin < BINS - 1 && q->rank[c] >= (uint64_t)counts[bin]; bin++)
            q->rank[c] -= (uint64_t)counts[bin];
        q->prefix[c] |= bin << shift;
    }
    return NNSM_OK;
}

static nnsm_status find_quantiles(quantiser *q, nnsm_error *error)
{
    double threshold[NNSM_MAX_VALUES - 1];
    nnsm_run *run = q->run;
    size_t levels = (size_t)run->config->ensemble.levels, cuts = q->cuts = levels - 1;
    uint64_t values = (uint64_t)q->header->configurations * q->header->sites;
    nnsm_status status = NNSM_NEW(&q->counts, cuts * BINS, "quantiles", error);
    status = nnsm_agree(run->world, status, error);
    for (size_t c = 0; c < cuts; c++)
        q->rank[c] = values / levels * (c + 1) + values % levels * (c + 1) / levels;
    for (q->digit = 0; q->digit < DIGITS && !status; q->digit++)
        status = find_digit(q, error);
    nnsm_release(q->counts);
    if (status)
        return status;
    for (size_t c = 0; c < cuts; c++)
        threshold[c] = nnsm_levels_value(q->prefix[c]);
    for (size_t c = 1; c < cuts; c++)
        if (threshold[c] == threshold[c - 1])
            return nnsm_h5_fail(
                q->h5,
                "ensemble.levels = %zu: the value %.15g alone takes more than one level's share; lower it, "
                "or give ensemble.thresholds",
                levels, threshold[c]);
    status = nnsm_levels_create(&run->levels, cuts, threshold, error);
    run->levels.quantiles = 1;
    return status;
}

/* ---- what is lost */

/* A nnsm_value_user. */
static void sum_levels(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                       const int64_t *whole, const double *real, void *context)
{
    quantiser *q = context;
    (void)h5, (void)first;
    for (size_t i = 0; i < count * header->sites; i++) {
        double x = at(whole, real, i), d = x - q->origin;
        int k = nnsm_levels_find(&q->run->levels, x);
        q->sums.count[k]++;
        q->sums.sum[k] += d;
        q->sums.square[k] += d * d;
    }
}

static nnsm_status loss_work(void *context, const nnsm_round *round, nnsm_error *error)
{
    quantiser *q = context;
    (void)error;
    q->sums = (nnsm_level_sums){0};
    nnsm_ensemble_pass(q->h5, q->header, round->first, round->count, sum_levels, q);
    return q->h5->status;
}

/* Blocks are added in their order. */
static void loss_exchange(void *context, const nnsm_round *round)
{
    quantiser *q = context;
    int bytes = (int)sizeof q->sums;
    if (!round->count)
        q->sums = (nnsm_level_sums){0};
    NNSM_MPI(MPI_Allgather(&q->sums, bytes, MPI_BYTE, q->all, bytes, MPI_BYTE, q->run->world));
    for (int r = 0; r < q->run->ranks; r++)
        for (int k = 0; k < NNSM_MAX_VALUES; k++) {
            q->total.count[k] += q->all[r].count[k];
            q->total.sum[k] += q->all[r].sum[k];
            q->total.square[k] += q->all[r].square[k];
        }
}

static nnsm_status measure_loss(quantiser *q, nnsm_error *error)
{
    nnsm_run *run = q->run;
    nnsm_status status = NNSM_NEW(&q->all, (size_t)run->ranks, "levels", error);
    status = nnsm_agree(run->world, status, error);
    q->origin = run->levels.threshold[0]; /* near the data: less rounding in the squares */
    nnsm_round_methods methods = {.work = loss_work, .exchange = loss_exchange, .vote = NNSM_VOTE_READ};
    if (!status)
        status = nnsm_rounds(run, q->header, &methods, q, error);
    nnsm_release(q->all);
    if (status)
        return status;
    nnsm_levels_conclude(&run->levels, &q->total, q->origin);
    for (int k = 0; k < run->levels.count; k++)
        if (run->levels.share[k] == 0 && run->levels.count > 2)
            return nnsm_h5_fail(q->h5,
                                "no value lies in level %d of %d; move the thresholds, or take fewer levels (nnsm info "
                                "shows the range)",
                                k + 1, (int)run->levels.count);
        else if (run->levels.share[k] == 1)
            return nnsm_h5_fail(q->h5, "the thresholds leave all values in one level: there is nothing to learn; "
                                       "see nnsm info for their range");
    return NNSM_OK;
}

static nnsm_status find_levels(quantiser *q, nnsm_error *error)
{
    nnsm_run *run = q->run;
    const nnsm_config *c = run->config;
    nnsm_status status = c->ensemble.cuts
                             ? nnsm_levels_create(&run->levels, (size_t)c->ensemble.cuts, c->ensemble.thresholds, error)
                             : find_quantiles(q, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_agree(run->world, measure_loss(q, error), error);
    q->header->levels = run->levels;
    if (!status)
        q->header->alphabet = nnsm_levels_alphabet(&run->levels);
    return status;
}

nnsm_status nnsm_quantise(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_error *error)
{
    quantiser *q = NULL;
    nnsm_status status = nnsm_agree(run->world, NNSM_NEW(&q, 1, "values of an ensemble", error), error);
    if (status)
        return status;
    *q = (quantiser){.run = run, .h5 = h5, .header = header};
    run->levels = (nnsm_levels){0};
    if (run->config->ensemble.given && (run->config->ensemble.cuts || run->config->ensemble.levels))
        status = find_levels(q, error);
    else
        status = nnsm_find_values(run, h5, header, NNSM_VOTE_READ, error);
    nnsm_release(q);
    return status;
}

void nnsm_levels_report(const nnsm_levels *levels, const char *prefix)
{
    int count = levels->count;
    if (!count)
        return;
    (void)printf("%sa signal cut into %d levels at", prefix, count);
    for (int k = 0; k < count - 1; k++)
        (void)printf(" %.6g", levels->threshold[k]);
    (void)printf("%s\n%sshares", levels->quantiles ? " (quantiles)" : "", prefix);
    for (int k = 0; k < count; k++)
        (void)printf(" %.4f", levels->share[k]);
    (void)printf(", means");
    for (int k = 0; k < count; k++)
        (void)printf(" %.4g", levels->mean[k]);
    (void)printf("\n%skept: %.2f of the signal's variance by the means of the levels, %.3f of %.3f bits a site\n",
                 prefix, levels->explained, nnsm_levels_entropy(levels), log2(count));
}
