#include "stage/chains.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"

enum { REFRESH = 16 }; /* sweeps between evaluations from scratch: rounding of 16 N flips stays below 1e-3 in H */

size_t nnsm_chains_tiles(const nnsm_config *config)
{
    size_t chains = (size_t)config->scan.temperatures_count * (size_t)config->scan.walkers;
    return (chains + NNSM_TILE - 1) / NNSM_TILE;
}

void nnsm_chains_share(const nnsm_config *config, int rank, int ranks, size_t *first, size_t *own)
{
    size_t tiles = nnsm_chains_tiles(config);
    *first = tiles * (size_t)rank / (size_t)ranks;
    *own = tiles * ((size_t)rank + 1) / (size_t)ranks - *first;
}

static nnsm_status allocate(nnsm_chains *c, nnsm_error *error)
{
    const nnsm_config *config = c->run->config;
    nnsm_status status =
        nnsm_ladders_create(&c->ladders, c->temperatures, config->scan.temperatures, c->walkers, error);
    if (!status)
        status = NNSM_NEW(&c->accepted, c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->all, c->tiles * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->energy, c->tiles * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->counts, c->run->ranks, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->starts, c->run->ranks, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->configurations, NNSM_TILE * c->run->lattice.sites, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->series, c->own_temperatures * c->walkers, "scan", error);
    for (size_t i = 0; i < c->own_temperatures * c->walkers && !status; i++)
        status = nnsm_series_create(&c->series[i], NNSM_SERIES_QUANTITIES, error);
    return status;
}

nnsm_status nnsm_chains_create(nnsm_chains *chains, nnsm_run *run, nnsm_stage stage, nnsm_tile *tile, uint32_t stream,
                               nnsm_error *error)
{
    nnsm_chains *c = chains;
    size_t r = (size_t)run->rank, ranks = (size_t)run->ranks;
    *c = (nnsm_chains){.run = run, .stage = stage, .tile = tile, .stream = stream};
    c->temperatures = (size_t)run->config->scan.temperatures_count;
    c->walkers = (size_t)run->config->scan.walkers;
    c->tiles = nnsm_chains_tiles(run->config);
    nnsm_chains_share(run->config, run->rank, run->ranks, &c->first_tile, &c->own);
    c->first_temperature = c->temperatures * r / ranks;
    c->own_temperatures = c->temperatures * (r + 1) / ranks - c->first_temperature;
    nnsm_status status = nnsm_agree(run->world, allocate(c, error), error);
    for (int q = 0; q < run->ranks && !status; q++) {
        size_t first, own, doubles = sizeof(nnsm_measurement) / sizeof(double);
        nnsm_chains_share(run->config, q, run->ranks, &first, &own);
        c->starts[q] = (int)(first * NNSM_TILE * doubles);
        c->counts[q] = (int)(own * NNSM_TILE * doubles);
    }
    return status;
}

void nnsm_chains_destroy(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    for (size_t i = 0; c->series && i < c->own_temperatures * c->walkers; i++)
        nnsm_series_destroy(c->series[i]);
    nnsm_ladders_destroy(&c->ladders);
    nnsm_release(c->accepted);
    nnsm_release(c->all);
    nnsm_release(c->energy);
    nnsm_release(c->counts);
    nnsm_release(c->starts);
    nnsm_release(c->configurations);
    nnsm_release(c->series);
    *c = (nnsm_chains){0};
}

/* Chains beyond the last one only fill the last tile; they run at the first temperature and are never looked at. */
static size_t temperature_of(const nnsm_chains *c, size_t chain)
{
    return chain < c->temperatures * c->walkers ? (size_t)c->ladders.temperature_of[chain] : 0;
}

static void sweep_tile(nnsm_chains *c, size_t own, uint32_t sweep, bool count)
{
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    size_t first = (c->first_tile + own) * NNSM_TILE;
    for (size_t i = 0; i < NNSM_TILE; i++)
        beta[i] = c->ladders.beta[temperature_of(c, first + i)];
    nnsm_metropolis_sweep(&c->tile[own], c->run->key, c->stream + (uint32_t)first, sweep, beta, accepted);
    if (sweep % REFRESH == REFRESH - 1)
        c->tile[own].methods->refresh(c->tile[own].state);
    for (size_t i = 0; count && i < NNSM_TILE && first + i < c->temperatures * c->walkers; i++)
        c->accepted[temperature_of(c, first + i)] += accepted[i];
}

/* All chains' measurements to all ranks. */
static void measure(nnsm_chains *c)
{
    nnsm_run *run = c->run;
    size_t sites = run->lattice.sites;
    double hamiltonian[NNSM_TILE];
    for (size_t t = 0; t < c->own; t++) {
        nnsm_measurement *m = c->all + (c->first_tile + t) * NNSM_TILE;
        c->tile[t].methods->read(c->tile[t].state, c->configurations);
        c->tile[t].methods->energy(c->tile[t].state, hamiltonian);
        for (size_t i = 0; i < NNSM_TILE; i++) {
            const int8_t *s = c->configurations + i * sites;
            m[i].magnetization = nnsm_magnetization(&run->lattice, s);
            m[i].energy = run->model_known ? nnsm_ising_energy(&run->model, s) : 0;
            m[i].hamiltonian = hamiltonian[i];
        }
    }
    double since = nnsm_seconds();
    NNSM_MPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, c->all, c->counts, c->starts, MPI_DOUBLE, run->world));
    nnsm_run_waited(run, c->stage, since);
}

static void record(nnsm_chains *c)
{
    double n = (double)c->run->lattice.sites;
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[(c->first_temperature + t) * c->walkers + w];
            double m = c->all[chain].magnetization, h = c->all[chain].hamiltonian;
            double values[NNSM_SERIES_QUANTITIES] = {fabs(m), m,    m * m, m * m * m * m, c->all[chain].energy / n,
                                                     h,       h * h};
            nnsm_series_add(c->series[t * c->walkers + w], values);
        }
}

void nnsm_chains_run(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    const nnsm_config *config = c->run->config;
    uint32_t thermalization = (uint32_t)config->scan.thermalization, attempt = 0;
    uint32_t last = thermalization + (uint32_t)config->scan.sweeps;
    double start = nnsm_seconds();
    for (uint32_t sweep = 0; sweep < last; sweep++) {
        for (size_t t = 0; t < c->own; t++)
            sweep_tile(c, t, sweep, sweep >= thermalization);
        if ((sweep + 1) % (uint32_t)config->scan.exchange_interval)
            continue;
        measure(c);
        if (sweep >= thermalization)
            record(c);
        if (config->scan.exchange) {
            for (size_t i = 0; i < c->tiles * NNSM_TILE; i++)
                c->energy[i] = c->all[i].hamiltonian;
            nnsm_ladders_exchange(&c->ladders, c->run->key, c->stream, attempt++, c->energy);
        }
        if (nnsm_progress_due(&c->run->log)) {
            double done = (double)(sweep + 1) / last, elapsed = nnsm_seconds() - start;
            nnsm_say(&c->run->log, "%s: sweep %u of %u, %.0f s left",
                     c->stage == NNSM_STAGE_SCAN ? "scan" : "reference", sweep + 1, last, elapsed / done - elapsed);
        }
    }
}

/* ---- evaluation */

/* Indices into a series. */
enum { ABS_M, M, M2, M4, E, H, HH };

typedef struct {
    double sites, temperature;
} derived_context;

static double susceptibility(const double *x, const void *context)
{
    const derived_context *c = context;
    return c->sites * (x[M2] - x[ABS_M] * x[ABS_M]) / c->temperature;
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

static nnsm_cell cell_of(const nnsm_chains *c, nnsm_observable observable, size_t t)
{
    static const int index[NNSM_OBSERVABLES] = {ABS_M, M, M2, M4, E, H, HH, M2, M2}; /* R-hat of the last three */
    nnsm_series *const *w = c->series + t * c->walkers;
    derived_context context = {(double)c->run->lattice.sites,
                               c->run->config->scan.temperatures[c->first_temperature + t]};
    nnsm_estimate e;
    double scale = observable == NNSM_LEARNED_ENERGY ? 1 / context.sites : 1;
    if (observable == NNSM_HEAT_CAPACITY)
        e = nnsm_series_derived(w, c->walkers, heat_capacity, &context);
    else if (observable == NNSM_SUSCEPTIBILITY)
        e = nnsm_series_derived(w, c->walkers, susceptibility, &context);
    else if (observable == NNSM_BINDER)
        e = nnsm_series_derived(w, c->walkers, binder, &context);
    else
        e = nnsm_series_estimate(w, c->walkers, (size_t)index[observable]);
    return (nnsm_cell){e.mean * scale, e.error * scale, e.tau * (double)c->run->config->scan.exchange_interval,
                       nnsm_series_rhat(w, c->walkers, (size_t)index[observable])};
}

nnsm_status nnsm_chains_evaluate(nnsm_chains *chains, nnsm_curve *curve, nnsm_error *error)
{
    nnsm_chains *c = chains;
    *curve = (nnsm_curve){.temperatures = c->temperatures, .walkers = c->walkers};
    nnsm_status status = NNSM_NEW(&curve->cell, c->temperatures * NNSM_OBSERVABLES, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->acceptance, c->temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->exchange_rate, c->temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->round_trips, c->walkers, "results", error);
    status = nnsm_agree(c->run->world, status, error);
    if (status)
        return status;
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (int o = 0; o < NNSM_OBSERVABLES; o++)
            curve->cell[(c->first_temperature + t) * NNSM_OBSERVABLES + (size_t)o] = cell_of(c, (nnsm_observable)o, t);
    /* Cells are zero on all ranks but one, accepted flips are integers: the order of the sums cannot matter. */
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, curve->cell, (int)(c->temperatures * NNSM_OBSERVABLES * 4), MPI_DOUBLE,
                           MPI_SUM, c->run->world));
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, c->accepted, (int)c->temperatures, MPI_INT64_T, MPI_SUM, c->run->world));
    double proposals = (double)c->run->config->scan.sweeps * (double)c->walkers * (double)c->run->lattice.sites;
    for (size_t t = 0; t < c->temperatures; t++) {
        curve->acceptance[t] = (double)c->accepted[t] / proposals;
        curve->exchange_rate[t] =
            c->ladders.attempted[t] ? (double)c->ladders.exchanged[t] / (double)c->ladders.attempted[t] : 0;
    }
    memcpy(curve->round_trips, c->ladders.round_trips, c->walkers * sizeof *curve->round_trips);
    return NNSM_OK;
}
