#include "statistics/series.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

enum { BINS = NNSM_SERIES_BINS, MAX_QUANTITIES = NNSM_SERIES_QUANTITY_LIMIT };

struct nnsm_series {
    size_t quantities, count;
    size_t length;                                  /* measurements a bin */
    size_t full;                                    /* complete bins */
    size_t filled;                                  /* measurements in the bin after them */
    double origin[MAX_QUANTITIES];                  /* the first measurement: keeps squares small */
    double sum[MAX_QUANTITIES];                     /* of x - origin, all measurements */
    double product[MAX_QUANTITIES][MAX_QUANTITIES]; /* of (x_j - origin_j)(x_k - origin_k) */
    double bin[BINS + 1][MAX_QUANTITIES];           /* sums of x - origin */
};

nnsm_status nnsm_series_create(nnsm_series **out, size_t quantities, nnsm_error *error)
{
    assert(quantities >= 1 && quantities <= MAX_QUANTITIES);
    nnsm_status status = NNSM_NEW(out, 1, "measurement series", error);
    if (!status) {
        (*out)->quantities = quantities;
        (*out)->length = 1;
    }
    return status;
}

void nnsm_series_destroy(nnsm_series *series)
{
    nnsm_release(series);
}

size_t nnsm_series_count(const nnsm_series *series)
{
    return series->count;
}

enum { COUNTS = 4 };

size_t nnsm_series_doubles(size_t quantities)
{
    return COUNTS + quantities * (2 + quantities + BINS + 1);
}

/* Copies a vector of the series out or in; returns where the next one is. */
static double *pass(double *packed, double *values, size_t quantities, bool out)
{
    memcpy(out ? packed : values, out ? values : packed, quantities * sizeof *values);
    return packed + quantities;
}

static void pass_all(nnsm_series *s, double *packed, bool out)
{
    size_t n = s->quantities;
    packed = pass(packed, s->origin, n, out);
    packed = pass(packed, s->sum, n, out);
    for (size_t q = 0; q < n; q++)
        packed = pass(packed, s->product[q], n, out);
    for (size_t b = 0; b <= BINS; b++)
        packed = pass(packed, s->bin[b], n, out);
}

/* Counts are exact in a double up to 2^53. */
void nnsm_series_save(nnsm_series *series, double *doubles)
{
    const nnsm_series *s = series;
    const double counts[COUNTS] = {(double)s->count, (double)s->length, (double)s->full, (double)s->filled};
    memcpy(doubles, counts, sizeof counts);
    pass_all(series, doubles + COUNTS, true);
}

bool nnsm_series_restore(nnsm_series *series, double *doubles)
{
    nnsm_series *s = series;
    const double *n = doubles, most = 9007199254740992.0;
    bool counts = n[0] >= 0 && n[0] <= most && n[1] >= 1 && n[1] <= most && n[2] >= 0 && n[2] <= BINS && n[3] >= 0;
    if (!counts || !(n[3] < n[1]) || n[2] * n[1] + n[3] != n[0])
        return false;
    s->count = (size_t)n[0];
    s->length = (size_t)n[1];
    s->full = (size_t)n[2];
    s->filled = (size_t)n[3];
    pass_all(s, doubles + COUNTS, false);
    return true;
}

static void merge_bins(nnsm_series *s)
{
    for (size_t b = 0; b < BINS / 2; b++)
        for (size_t q = 0; q < s->quantities; q++)
            s->bin[b][q] = s->bin[2 * b][q] + s->bin[2 * b + 1][q];
    memset(s->bin[BINS / 2], 0, sizeof s->bin[0] * (BINS / 2 + 1));
    s->full = BINS / 2;
    s->length *= 2;
}

void nnsm_series_add(nnsm_series *series, const double *values)
{
    nnsm_series *s = series;
    if (!s->count)
        memcpy(s->origin, values, s->quantities * sizeof *values);
    if (s->full == BINS)
        merge_bins(s);
    for (size_t q = 0; q < s->quantities; q++) {
        double x = values[q] - s->origin[q];
        s->sum[q] += x;
        s->bin[s->full][q] += x;
        for (size_t k = 0; k <= q; k++)
            s->product[q][k] += x * (values[k] - s->origin[k]);
    }
    s->count++;
    if (++s->filled == s->length) {
        s->full++;
        s->filled = 0;
    }
}

size_t nnsm_series_bins(const nnsm_series *series)
{
    return series->full;
}

double nnsm_series_bin_mean(const nnsm_series *series, size_t bin, size_t quantity)
{
    assert(bin < series->full && quantity < series->quantities);
    return series->bin[bin][quantity] / (double)series->length + series->origin[quantity];
}

void nnsm_series_means(nnsm_series *const *walkers, size_t count, double *means)
{
    size_t total = 0;
    for (size_t q = 0; q < walkers[0]->quantities; q++)
        means[q] = 0;
    for (size_t w = 0; w < count; w++) {
        total += walkers[w]->count;
        for (size_t q = 0; q < walkers[0]->quantities; q++)
            means[q] += walkers[w]->sum[q] + (double)walkers[w]->count * walkers[w]->origin[q];
    }
    for (size_t q = 0; q < walkers[0]->quantities; q++)
        means[q] /= (double)total;
}

/* Deviation of bin b of a walker from the pooled mean, along the gradient. */
static double bin_deviation(const nnsm_series *s, size_t b, const double *means, const double *gradient)
{
    double sum = 0;
    for (size_t q = 0; q < s->quantities; q++)
        if (gradient[q] != 0)
            sum += gradient[q] * (nnsm_series_bin_mean(s, b, q) - means[q]);
    return sum;
}

/* Variance of one measurement along the gradient, g^T Cov g. */
static double naive_variance(nnsm_series *const *walkers, size_t count, const double *means, const double *gradient)
{
    double sum = 0;
    size_t total = 0;
    for (size_t w = 0; w < count; w++) {
        const nnsm_series *s = walkers[w];
        total += s->count;
        for (size_t q = 0; q < s->quantities; q++)
            for (size_t k = 0; k < s->quantities; k++) {
                double shift_q = means[q] - s->origin[q], shift_k = means[k] - s->origin[k];
                double raw = k <= q ? s->product[q][k] : s->product[k][q];
                sum += gradient[q] * gradient[k] *
                       (raw - shift_q * s->sum[k] - shift_k * s->sum[q] + (double)s->count * shift_q * shift_k);
            }
    }
    return sum / (double)total;
}

/* Integrated autocorrelation time, in steps of the series, from autocovariances gamma[0 ... lags - 1] of `samples`
 * values in all, with the self-consistent window of Wolff 2004 (S = 1.5) and its bias correction. closed: out, whether
 * the window closed before the lags ran out. */
static double windowed_time(const double *gamma, size_t lags, double samples, bool *closed)
{
    const double s = 1.5;
    double tau = 0.5;
    size_t window = 0;
    *closed = false;
    for (size_t t = 1; t < lags; t++) {
        tau += gamma[t] / gamma[0];
        window = t;
        double decay = tau > 0.5 ? s / log((2 * tau + 1) / (2 * tau - 1)) : 1e-9;
        *closed = exp(-(double)t / decay) - decay / sqrt((double)t * samples) < 0;
        if (*closed)
            break;
    }
    tau *= 1 + (2 * (double)window + 1) / samples;
    return tau > 0.05 ? tau : 0.05; /* strong anticorrelation is not claimed below this */
}

/* Lags that are looked at together: most windows close within them. */
enum { LAGS_AT_ONCE = 16 };

/* Adds the products of a series' deviations from the mean at LAGS_AT_ONCE lags from `from` on. */
static void add_products(const double *x, size_t length, double mean, size_t from, double *sum)
{
    size_t i = 0;
    for (; i + from + LAGS_AT_ONCE <= length; i++)
        for (size_t k = 0; k < LAGS_AT_ONCE; k++)
            sum[k] += (x[i] - mean) * (x[i + from + k] - mean);
    for (; i + from < length; i++) /* near the end */
        for (size_t k = 0; i + from + k < length; k++)
            sum[k] += (x[i] - mean) * (x[i + from + k] - mean);
}

/* Autocovariances of `chains` series from their products; NaN where no pair is so far apart. */
static void autocovariances(const double *sum, size_t chains, size_t length, size_t from, double *gamma)
{
    for (size_t k = 0; k < LAGS_AT_ONCE; k++)
        gamma[k] = from + k < length ? sum[k] / (double)((length - from - k) * chains) : NAN;
}

/* Deviations of one chain, [bins]. */
typedef void deviations(const void *context, size_t chain, double *deviation);

/* Variance of the mean over `chains` chains of bins; not above zero where nothing fluctuates. */
static double variance_of_mean(deviations *of, const void *context, size_t chains, size_t bins)
{
    double gamma[BINS] = {0}, deviation[BINS], samples = (double)(bins * chains), tau = 0.5;
    bool closed = false;
    for (size_t first = 0; first < bins / 2 && !closed; first += LAGS_AT_ONCE) {
        size_t lags = first + LAGS_AT_ONCE < bins / 2 ? first + LAGS_AT_ONCE : bins / 2;
        double sum[LAGS_AT_ONCE] = {0};
        for (size_t c = 0; c < chains; c++) {
            of(context, c, deviation);
            add_products(deviation, bins, 0, first, sum);
        }
        autocovariances(sum, chains, bins, first, gamma + first);
        if (!(gamma[0] > 0))
            return gamma[0];
        tau = windowed_time(gamma, lags, samples, &closed);
    }
    return 2 * tau * gamma[0] / samples;
}

/* Rows of all chains. */
typedef struct {
    const double *deviation;
    size_t bins;
} given;

static void copy_deviations(const void *context, size_t chain, double *deviation)
{
    const given *g = context;
    memcpy(deviation, g->deviation + chain * g->bins, g->bins * sizeof *deviation);
}

double nnsm_series_error(const double *deviation, size_t chains, size_t bins)
{
    assert(bins <= BINS);
    if (bins < 4)
        return NAN;
    double variance = variance_of_mean(copy_deviations, &(given){deviation, bins}, chains, bins);
    return variance > 0 ? sqrt(variance) : variance;
}

/* Of a function of the means, along its gradient. */
typedef struct {
    nnsm_series *const *walkers;
    const double *means, *gradient;
} directed;

static void directed_deviations(const void *context, size_t chain, double *deviation)
{
    const directed *d = context;
    const nnsm_series *s = d->walkers[chain];
    for (size_t b = 0; b < s->full; b++)
        deviation[b] = bin_deviation(s, b, d->means, d->gradient);
}

static nnsm_estimate analyse(nnsm_series *const *walkers, size_t count, const double *means, const double *gradient)
{
    size_t bins = walkers[0]->full;
    double total = 0;
    nnsm_estimate estimate = {0, NAN, 0.5};
    if (bins < 4)
        return estimate;
    for (size_t w = 0; w < count; w++) {
        assert(walkers[w]->full == bins);
        total += (double)walkers[w]->count;
    }
    double naive = naive_variance(walkers, count, means, gradient);
    double variance = variance_of_mean(directed_deviations, &(directed){walkers, means, gradient}, count, bins);
    if (!(variance > 0) || !(naive > 0)) {
        estimate.error = 0;
        return estimate;
    }
    estimate.error = sqrt(variance);
    estimate.tau = variance * total / (2 * naive);
    return estimate;
}

nnsm_estimate nnsm_series_estimate(nnsm_series *const *walkers, size_t count, size_t quantity)
{
    double means[MAX_QUANTITIES], gradient[MAX_QUANTITIES] = {0};
    nnsm_series_means(walkers, count, means);
    gradient[quantity] = 1;
    nnsm_estimate estimate = analyse(walkers, count, means, gradient);
    estimate.mean = means[quantity];
    return estimate;
}

nnsm_estimate nnsm_series_derived(nnsm_series *const *walkers, size_t count, const nnsm_estimate *of_means,
                                  nnsm_series_function *function, const void *context)
{
    double means[MAX_QUANTITIES], gradient[MAX_QUANTITIES] = {0};
    size_t quantities = walkers[0]->quantities;
    nnsm_series_means(walkers, count, means);
    for (size_t q = 0; q < quantities; q++) {
        double centre = means[q], step = of_means[q].error;
        if (!(step > 0))
            continue;
        means[q] = centre + step;
        double above = function(means, context);
        means[q] = centre - step;
        gradient[q] = (above - function(means, context)) / (2 * step);
        means[q] = centre;
    }
    nnsm_estimate estimate = analyse(walkers, count, means, gradient);
    estimate.mean = function(means, context);
    return estimate;
}

double nnsm_series_rhat(nnsm_series *const *walkers, size_t count, size_t quantity)
{
    size_t half = walkers[0]->full / 2;
    if (half < 2)
        return NAN;
    double grand = 0, between = 0, within = 0, n = (double)half;
    double mean[2 * BINS];
    size_t chains = 2 * (count < BINS ? count : BINS);
    for (size_t c = 0; c < chains; c++) {
        const nnsm_series *s = walkers[c / 2];
        mean[c] = 0;
        for (size_t b = 0; b < half; b++)
            mean[c] += (s->bin[c % 2 * half + b][quantity] / (double)s->length + s->origin[quantity]) / n;
        grand += mean[c] / (double)chains;
    }
    for (size_t c = 0; c < chains; c++) {
        const nnsm_series *s = walkers[c / 2];
        for (size_t b = 0; b < half; b++) {
            double x = s->bin[c % 2 * half + b][quantity] / (double)s->length + s->origin[quantity] - mean[c];
            within += x * x / (n - 1) / (double)chains;
        }
        between += (mean[c] - grand) * (mean[c] - grand) / (double)(chains - 1);
    }
    double rounding = 1e-24 * grand * grand;
    if (within <= rounding)
        return between <= rounding ? 1 : INFINITY; /* frozen: at one value, or each at its own */
    return sqrt((n - 1) / n + between / within);
}

double nnsm_autocorrelation_time(const double *values, size_t chains, size_t length)
{
    enum { MOST_LAGS = 512 };
    double gamma[MOST_LAGS], mean = 0, tau = 0.5;
    size_t most = length / 2 < MOST_LAGS ? length / 2 : MOST_LAGS;
    bool closed = false;
    most = most ? most : 1;
    for (size_t i = 0; i < chains * length; i++)
        mean += values[i] / (double)(chains * length);
    for (size_t first = 0; first < most && !closed; first += LAGS_AT_ONCE) {
        double sum[LAGS_AT_ONCE] = {0};
        for (size_t c = 0; c < chains; c++)
            add_products(values + c * length, length, mean, first, sum);
        autocovariances(sum, chains, length, first, gamma + first);
        if (!(gamma[0] > 0))
            return 0.5;
        size_t lags = first + LAGS_AT_ONCE < most ? first + LAGS_AT_ONCE : most;
        tau = windowed_time(gamma, lags, (double)(chains * length), &closed);
    }
    return closed ? tau : NAN;
}
