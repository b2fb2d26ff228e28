#include "statistics/reweight.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void nnsm_reweight_sums(nnsm_reweight *sums, size_t samples, const double *d, size_t quantities, const double *x)
{
    double total = 0, square = 0;
    assert(quantities <= NNSM_REWEIGHT_MOST && samples >= NNSM_REWEIGHT_BLOCKS);
    memset(sums, 0, sizeof *sums);
    sums->quantities = quantities;
    sums->samples = (double)samples;
    sums->smallest = INFINITY;
    for (size_t i = 0; i < samples; i++)
        sums->smallest = fmin(sums->smallest, d[i]);
    for (size_t i = 0; i < samples; i++) {
        size_t block = i * NNSM_REWEIGHT_BLOCKS / samples;
        double w = exp(sums->smallest - d[i]);
        total += w;
        square += w * w;
        sums->weight[block] += w;
        sums->count[block] += 1;
        for (size_t q = 0; q < quantities; q++)
            sums->sum[block][q] += w * x[i * quantities + q];
    }
    sums->effective = total * total / square;
}

double nnsm_reweight_means(const nnsm_reweight *sums, size_t left_out, double *mean)
{
    double weight = 0, count = 0;
    memset(mean, 0, sums->quantities * sizeof *mean);
    for (size_t b = 0; b < NNSM_REWEIGHT_BLOCKS; b++) {
        if (b == left_out)
            continue;
        weight += sums->weight[b];
        count += sums->count[b];
        for (size_t q = 0; q < sums->quantities; q++)
            mean[q] += sums->sum[b][q];
    }
    for (size_t q = 0; q < sums->quantities; q++)
        mean[q] /= weight;
    return log(weight / count) - sums->smallest;
}

double nnsm_reweight_jackknife(const double *values)
{
    double mean = 0, square = 0, n = NNSM_REWEIGHT_BLOCKS;
    for (size_t b = 0; b < NNSM_REWEIGHT_BLOCKS; b++)
        mean += values[b] / n;
    for (size_t b = 0; b < NNSM_REWEIGHT_BLOCKS; b++)
        square += (values[b] - mean) * (values[b] - mean);
    return sqrt((n - 1) / n * square);
}
