#include "base/levels.h"

#include <math.h>
#include <string.h>

nnsm_status nnsm_levels_create(nnsm_levels *levels, size_t count, const double *thresholds, nnsm_error *error)
{
    *levels = (nnsm_levels){.count = (int32_t)count + 1};
    for (size_t i = 0; i < count; i++) {
        levels->threshold[i] = thresholds[i];
        if (!isfinite(thresholds[i]) || (i > 0 && !(thresholds[i] > thresholds[i - 1])))
            return nnsm_fail(error, NNSM_USAGE, "thresholds must rise strictly, but %.15g comes %s", thresholds[i],
                             i > 0 ? "after one that is not smaller" : "first");
    }
    return NNSM_OK;
}

nnsm_alphabet nnsm_levels_alphabet(const nnsm_levels *levels)
{
    nnsm_alphabet alphabet = {.count = levels->count};
    for (int k = 0; k < levels->count; k++)
        alphabet.value[k] = 2 * k - (levels->count - 1);
    return alphabet;
}

double nnsm_levels_entropy(const nnsm_levels *levels)
{
    double bits = 0;
    for (int k = 0; k < levels->count; k++)
        bits -= levels->share[k] > 0 ? levels->share[k] * log2(levels->share[k]) : 0;
    return bits;
}

void nnsm_levels_conclude(nnsm_levels *levels, const nnsm_level_sums *sums, double origin)
{
    double count = 0, sum = 0, square = 0, between = 0;
    for (int k = 0; k < levels->count; k++) {
        count += sums->count[k];
        sum += sums->sum[k];
        square += sums->square[k];
    }
    double mean = sum / count;
    for (int k = 0; k < levels->count; k++) {
        double own = sums->count[k] > 0 ? sums->sum[k] / sums->count[k] : 0;
        levels->share[k] = sums->count[k] / count;
        levels->mean[k] = sums->count[k] > 0 ? origin + own : 0;
        between += levels->share[k] * (own - mean) * (own - mean);
    }
    levels->variance = fmax(0, square / count - mean * mean);
    levels->explained = levels->variance > 0 ? fmin(1, between / levels->variance) : 1;
}

static const uint64_t sign = UINT64_C(1) << 63;

uint64_t nnsm_levels_key(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

double nnsm_levels_value(uint64_t key)
{
    double x;
    uint64_t bits = key & sign ? key & ~sign : ~key;
    memcpy(&x, &bits, sizeof x);
    return x;
}
