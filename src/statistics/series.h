/* series.h: means, errors and autocorrelation times of correlated measurements, in fixed memory.
 *
 * A series records Q quantities measured together on one chain. Measurements are summed into bins; when all bins are
 * full, neighbours are merged and the bin length doubles, so memory is flat for any run length. Errors come from the
 * Gamma method on the bin means (U. Wolff, Comput. Phys. Commun. 156, 143 (2004)): error^2 = 2 tau var / n, with the
 * integrated autocorrelation time tau summed up to a self-consistent window, pooled over the chains ("walkers") of one
 * ensemble. A function f of the means is treated by its linear fluctuations sum_k (df/dx_k) (x_k - <x_k>).
 * R-hat: Gelman et al., Bayesian Data Analysis (3rd ed.), section 11.4, split chains. All functions are local. */
#ifndef NNSM_STATISTICS_SERIES_H
#define NNSM_STATISTICS_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnsm/error.h"

enum {
    NNSM_SERIES_BINS = 256, /* between half as many and all of them are in use in a long series */
    NNSM_SERIES_QUANTITY_LIMIT = 12
};

typedef struct nnsm_series nnsm_series;

typedef struct {
    double mean;
    double error; /* one standard error of the mean; NaN where fewer than 4 bins exist */
    double tau;   /* integrated autocorrelation time in measurements, 0.5 for independent ones */
} nnsm_estimate;

nnsm_status nnsm_series_create(nnsm_series **out, size_t quantities, nnsm_error *error);
void nnsm_series_destroy(nnsm_series *series);

/* values: in, [quantities], one simultaneous measurement. */
void nnsm_series_add(nnsm_series *series, const double *values);
size_t nnsm_series_count(const nnsm_series *series);

/* A series as numbers and back, bit by bit, for a checkpoint. doubles: [nnsm_series_doubles(quantities)]. */
size_t nnsm_series_doubles(size_t quantities);
void nnsm_series_save(nnsm_series *series, double *doubles);
/* Returns false, and restores nothing, when the counts contradict each other. */
bool nnsm_series_restore(nnsm_series *series, double *doubles);

/* walkers: in, [count] series of equal length and quantities. */
nnsm_estimate nnsm_series_estimate(nnsm_series *const *walkers, size_t count, size_t quantity);

/* Estimate of f(means): means is [quantities]. The gradient is taken numerically at the pooled mean with steps of one
 * standard error, from of_means: in, [quantities], nnsm_series_estimate of each. f must be smooth there. */
typedef double nnsm_series_function(const double *means, const void *context);
nnsm_estimate nnsm_series_derived(nnsm_series *const *walkers, size_t count, const nnsm_estimate *of_means,
                                  nnsm_series_function *function, const void *context);

/* Fluctuations bin by bin, for estimates that combine several series measured at the same time: complete bins (equal in
 * series of equal length), the mean of a quantity over one of them, and the pooled means of all quantities
 * ([quantities]). */
size_t nnsm_series_bins(const nnsm_series *series);
double nnsm_series_bin_mean(const nnsm_series *series, size_t bin, size_t quantity);
void nnsm_series_means(nnsm_series *const *walkers, size_t count, double *means);

/* Standard error of a mean whose deviations are given bin by bin, by the Gamma method; deviation: in, [chains][bins],
 * of chains that are independent of each other; bins at most NNSM_SERIES_BINS. NaN with fewer than 4 bins. */
double nnsm_series_error(const double *deviation, size_t chains, size_t bins);

/* Split R-hat of one quantity over the walkers; 1 when they agree; NaN where it is not defined. */
double nnsm_series_rhat(nnsm_series *const *walkers, size_t count, size_t quantity);

/* Integrated autocorrelation time of equally long raw series, [chains][length], pooled with the common mean; used for
 * generated ensembles whose chains are short. 0.5 for independent values and constant series, NaN where the chains are
 * too short to tell. */
double nnsm_autocorrelation_time(const double *values, size_t chains, size_t length);

#endif
