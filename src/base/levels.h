/* levels.h: a continuous (or many-valued) signal cut into levels by thresholds.
 *
 * Level k of count holds threshold[k - 1] <= x < threshold[k]; the first and the last are open to infinity. The levels
 * of a site make an alphabet of equally spaced values without a preferred sign, 2 k - (count - 1): -1 1, -2 0 2, -3 -1
 * 1 3. Where the thresholds are quantiles, they are order statistics of all values of the data, so that ties fall on
 * one side.
 *
 * What is lost: the share of the variance of x that the means of the levels explain, and the entropy of the levels,
 * which is the information (in bits a site) that a level has of its x, at most log2(count). All functions are local. */
#ifndef NNSM_BASE_LEVELS_H
#define NNSM_BASE_LEVELS_H

#include "nnsm/alphabet.h"

/* Plain data: copied between ranks byte by byte. */
typedef struct {
    int32_t count;     /* of levels; 0: values are taken as they are */
    int32_t quantiles; /* 1: the thresholds were found on the data */
    double threshold[NNSM_MAX_VALUES - 1];
    double share[NNSM_MAX_VALUES]; /* of the data in a level */
    double mean[NNSM_MAX_VALUES];  /* of x within it; 0 where it is empty */
    double variance;               /* of x */
    double explained;              /* share of it that the means explain; 1 where x is constant */
} nnsm_levels;

/* Thresholds given; the data's figures are 0. thresholds: in, [count], count from 1 to NNSM_MAX_VALUES - 1. NNSM_USAGE
 * where they do not rise strictly or are not finite. */
nnsm_status nnsm_levels_create(nnsm_levels *levels, size_t count, const double *thresholds, nnsm_error *error);

nnsm_alphabet nnsm_levels_alphabet(const nnsm_levels *levels);

/* The level of a value, which is a number. */
static inline int nnsm_levels_find(const nnsm_levels *levels, double x)
{
    int k = 0;
    for (int i = 0; i < levels->count - 1; i++)
        k += levels->threshold[i] <= x;
    return k;
}

/* Entropy of the shares in bits. */
double nnsm_levels_entropy(const nnsm_levels *levels);

/* Sums over values of one level after the other: count, sum and sum of squares of x - origin; merged by addition. */
typedef struct {
    double count[NNSM_MAX_VALUES], sum[NNSM_MAX_VALUES], square[NNSM_MAX_VALUES];
} nnsm_level_sums;

/* Share, means, variance and what is explained, from the sums over all data. */
void nnsm_levels_conclude(nnsm_levels *levels, const nnsm_level_sums *sums, double origin);

/* Doubles as whole numbers of the same order (-0 before +0), and back: quantiles are found digit by digit. */
uint64_t nnsm_levels_key(double x);
double nnsm_levels_value(uint64_t key);

#endif
