/* chains_evaluate.c: observables from the series of measurements. */
#include <math.h>

#include "stage/chains.h"

/* Indices into a series. */
enum { ABS_M, M, M2, M4, E, H = NNSM_SERIES_H, HH };

typedef struct {
    double sites, magnetic_sites, temperature;
} derived_context;

static double susceptibility(const double *x, const void *context)
{
    const derived_context *c = context;
    return c->magnetic_sites * (x[M2] - x[ABS_M] * x[ABS_M]) / c->temperature;
}

static double heat_capacity(const double *x, const void *context)
{
    const derived_context *c = context;
    return (x[HH] - x[H] * x[H]) / (c->sites * c->temperature * c->temperature);
}

static double binder(const double *x, const void *context)
{
    (void)context;
    return 1 - x[M4] / (3 * x[M2] * x[M2]);
}

/* mean: in, [NNSM_SERIES_QUANTITIES], of the series of temperature t of this rank. */
static nnsm_cell cell_of(const nnsm_chains *c, nnsm_observable observable, size_t t, const nnsm_estimate *mean)
{
    /* R-hat of heat capacity, susceptibility and Binder cumulant: that of these means */
    static const int index[NNSM_FREE_ENERGY] = {ABS_M, M, M2, M4, E, H, HH, M2, M2, NNSM_SERIES_ORDER};
    nnsm_series *const *w = c->series + t * c->walkers;
    derived_context context = {(double)c->run->lattice.sites, nnsm_run_magnetic_sites(c->run),
                               c->temperature[c->first_temperature + t]};
    nnsm_estimate e;
    double scale = observable == NNSM_LEARNED_ENERGY ? 1 / context.sites : 1;
    if (observable == NNSM_HEAT_CAPACITY)
        e = nnsm_series_derived(w, c->walkers, mean, heat_capacity, &context);
    else if (observable == NNSM_SUSCEPTIBILITY)
        e = nnsm_series_derived(w, c->walkers, mean, susceptibility, &context);
    else if (observable == NNSM_BINDER)
        e = nnsm_series_derived(w, c->walkers, mean, binder, &context);
    else
        e = mean[index[observable]];
    return (nnsm_cell){e.mean * scale, e.error * scale, e.tau * (double)c->run->config->scan.exchange_interval,
                       nnsm_series_rhat(w, c->walkers, (size_t)index[observable])};
}

const nnsm_chains *nnsm_chains_find(const nnsm_chains *group, size_t groups, double temperature, size_t *t)
{
    for (size_t g = 0; g < groups; g++)
        for (*t = 0; *t < group[g].temperatures; ++*t)
            if (nnsm_same_temperature(group[g].temperature[*t], temperature))
                return &group[g];
    return NULL;
}

int nnsm_chains_keeper(const nnsm_chains *chains, size_t t)
{
    size_t ranks = (size_t)chains->run->ranks;
    return (int)(((t + 1) * ranks - 1) / chains->temperatures); /* as nnsm_chains_create shares them out */
}

bool nnsm_chains_own(const nnsm_chains *chains, size_t t)
{
    return nnsm_chains_keeper(chains, t) == chains->run->rank;
}

size_t nnsm_chains_most_kept(const nnsm_chains *chains)
{
    size_t ranks = (size_t)chains->run->ranks;
    return (chains->temperatures + ranks - 1) / ranks;
}

void nnsm_chains_evaluate(const nnsm_chains *chains, size_t t, nnsm_cell *cells)
{
    const nnsm_chains *c = chains;
    nnsm_estimate mean[NNSM_SERIES_QUANTITIES];
    t -= c->first_temperature;
    for (size_t q = 0; q < NNSM_SERIES_QUANTITIES; q++)
        mean[q] = nnsm_series_estimate(c->series + t * c->walkers, c->walkers, q);
    for (int o = 0; o < NNSM_FREE_ENERGY; o++)
        cells[o] = cell_of(c, (nnsm_observable)o, t, mean);
}
