#include "stage/chains.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "hamiltonian/lanes.h"
#include "setup/agree.h"
#include "stage/starts.h"

/* Rounding of 4096 flips stays below 1e-3 in H; evaluating that seldom costs under 3 % of the sweeps' time. */
enum { FLIPS = 4096 };

uint32_t nnsm_chains_period(const nnsm_lattice *lattice)
{
    return lattice->sites >= FLIPS ? 1 : (uint32_t)(FLIPS / lattice->sites);
}

size_t nnsm_chains_tiles(const nnsm_config *config, size_t temperatures)
{
    return (temperatures * (size_t)config->scan.walkers + NNSM_TILE - 1) / NNSM_TILE;
}

static void share(size_t tiles, int rank, int ranks, size_t *first, size_t *own)
{
    *first = tiles * (size_t)rank / (size_t)ranks;
    *own = tiles * ((size_t)rank + 1) / (size_t)ranks - *first;
}

/* ---- creation */

static nnsm_status allocate_series(nnsm_chains *c, nnsm_error *error)
{
    size_t count = c->own_temperatures * c->walkers;
    nnsm_status status = NNSM_NEW(&c->series, count, "scan", error);
    for (size_t i = 0; i < count && !status; i++)
        status = nnsm_series_create(&c->series[i], NNSM_SERIES_QUANTITIES, error);
    if (!status)
        status = NNSM_NEW(&c->packed, count * nnsm_series_doubles(NNSM_SERIES_QUANTITIES), "scan", error);
    return status;
}

static nnsm_status allocate(nnsm_chains *c, const double *temperature, nnsm_error *error)
{
    nnsm_status status = nnsm_ladders_create(&c->ladders, c->temperatures, temperature, c->walkers, error);
    if (!status)
        status = NNSM_NEW(&c->temperature, c->temperatures, "scan", error);
    if (!status)
        memcpy(c->temperature, temperature, c->temperatures * sizeof *temperature);
    if (!status)
        status = nnsm_bennett_create(&c->bennett, c->temperatures, c->temperature, error);
    if (!status)
        status = NNSM_NEW(&c->walker_mean, c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->accepted, c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->regenerated, c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->moved, NNSM_MOVES * c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->collected, NNSM_COUNTS * c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->all, c->tiles * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->energy, c->tiles * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->counts, c->run->ranks, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->starts, c->run->ranks, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->configurations, c->own * NNSM_TILE * c->run->lattice.sites, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->numbers, 2 * c->temperatures * c->walkers, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->words, c->run->lattice.sites, "scan", error);
    if (!status && c->run->model_known)
        status = NNSM_NEW(&c->products, c->run->model.operators.classes * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->tile, c->own, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->done, c->own, "scan", error);
    return status ? status : allocate_series(c, error);
}

/* One tile of the Hamiltonian serves all chains of the rank. */
static nnsm_status make_sampler(nnsm_chains *c, nnsm_tile_maker *make, const void *hamiltonian,
                                const nnsm_proposer *proposer, nnsm_error *error)
{
    const nnsm_config *config = c->run->config;
    nnsm_tile tile = {0};
    c->clusters_only = proposer->clusters_only;
    nnsm_status status =
        nnsm_scale_create(&c->scale, c->temperatures, c->run->lattice.sites,
                          config->scan.thermalization / config->scan.exchange_interval, proposer->fit, error);
    if (!status)
        status = make(&tile, hamiltonian, error);
    if (!status)
        status = nnsm_self_learning_create(&c->sampler, proposer->local, proposer->uncertainty, c->temperatures,
                                           c->ladders.beta, &tile, error);
    nnsm_tile_destroy(&tile);
    for (size_t t = 0; t < c->own && !status; t++)
        status = nnsm_self_learning_tile_create(&c->tile[t], c->sampler, error);
    return status;
}

nnsm_status nnsm_chains_create(nnsm_chains *chains, nnsm_run *run, nnsm_stage stage, size_t temperatures,
                               const double *temperature, uint32_t stream, nnsm_tile_maker *make,
                               const void *hamiltonian, const nnsm_proposer *proposer, nnsm_error *error)
{
    nnsm_chains *c = chains;
    size_t r = (size_t)run->rank, ranks = (size_t)run->ranks;
    *c = (nnsm_chains){.run = run, .stage = stage, .temperatures = temperatures, .stream = stream};
    c->walkers = (size_t)run->config->scan.walkers;
    c->tiles = nnsm_chains_tiles(run->config, temperatures);
    share(c->tiles, run->rank, run->ranks, &c->first_tile, &c->own);
    c->first_temperature = temperatures * r / ranks;
    c->own_temperatures = temperatures * (r + 1) / ranks - c->first_temperature;
    nnsm_status status = nnsm_move_list_choose(&c->moves, run, error);
    if (!status)
        status = allocate(c, temperature, error);
    if (!status && proposer)
        status = make_sampler(c, make, hamiltonian, proposer, error);
    for (size_t t = 0; t < c->own && !proposer && !status; t++)
        status = make(&c->tile[t], hamiltonian, error);
    status = nnsm_agree(run->world, status, error);
    for (int q = 0; q < run->ranks && !status; q++) {
        size_t first, own, doubles = sizeof(nnsm_measurement) / sizeof(double);
        share(c->tiles, q, run->ranks, &first, &own);
        c->starts[q] = (int)(first * NNSM_TILE * doubles);
        c->counts[q] = (int)(own * NNSM_TILE * doubles);
    }
    return status;
}

nnsm_status nnsm_chains_regenerate(nnsm_chains *chains, const nnsm_learned *learned, nnsm_error *error)
{
    return nnsm_regenerator_create(&chains->regenerator, learned, error);
}

nnsm_status nnsm_chains_judge(nnsm_chains *chains, nnsm_judges judges, nnsm_error *error)
{
    return nnsm_common_create(&chains->common, chains, judges, error);
}

void nnsm_chains_destroy(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    for (size_t i = 0; c->series && i < c->own_temperatures * c->walkers; i++)
        nnsm_series_destroy(c->series[i]);
    for (size_t t = 0; c->tile && t < c->own; t++)
        nnsm_tile_destroy(&c->tile[t]);
    nnsm_self_learning_destroy(c->sampler);
    nnsm_scale_destroy(&c->scale);
    nnsm_regenerator_destroy(c->regenerator);
    nnsm_common_destroy(&c->common);
    nnsm_release(c->done);
    nnsm_ladders_destroy(&c->ladders);
    nnsm_bennett_destroy(&c->bennett);
    nnsm_release(c->walker_mean);
    nnsm_release(c->temperature);
    nnsm_release(c->accepted);
    nnsm_release(c->regenerated);
    nnsm_release(c->moved);
    nnsm_release(c->collected);
    nnsm_release(c->all);
    nnsm_release(c->energy);
    nnsm_release(c->counts);
    nnsm_release(c->starts);
    nnsm_release(c->configurations);
    nnsm_release(c->words);
    nnsm_release(c->products);
    nnsm_release(c->tile);
    nnsm_release(c->series);
    nnsm_release(c->numbers);
    nnsm_release(c->packed);
    *c = (nnsm_chains){0};
}

void nnsm_chains_load(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    for (size_t t = 0; t < c->own; t++)
        c->tile[t].methods->load(c->tile[t].state, c->configurations + t * NNSM_TILE * c->run->lattice.sites);
}

void nnsm_chains_start(nnsm_chains *chains, const nnsm_starts *starts, nnsm_tile *sampler, uint32_t stream)
{
    nnsm_chains *c = chains;
    size_t sites = c->run->lattice.sites;
    for (size_t t = 0; t < c->own; t++) {
        size_t first = (c->first_tile + t) * NNSM_TILE;
        int8_t *states = c->configurations + t * NNSM_TILE * sites;
        nnsm_learned_sample(sampler, c->run->key, stream + (uint32_t)first, states);
        for (size_t i = 0; i < NNSM_TILE && starts; i++)
            nnsm_starts_make(starts, (first + i) % c->walkers, stream + (uint32_t)(first + i), states + i * sites);
    }
    nnsm_chains_load(c);
}

/* ---- sweeps */

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
    nnsm_move move = c->moves.count ? c->moves.move[sweep % c->moves.count] : NNSM_MOVE_SINGLE;
    if (c->moves.count)
        nnsm_move_sweep(&c->tile[own], &c->moves.space, move, c->run->key, c->stream + (uint32_t)first, sweep, beta,
                        accepted);
    else
        nnsm_metropolis_sweep(&c->tile[own], c->run->key, c->stream + (uint32_t)first, sweep, beta, accepted);
    if ((sweep + 1) % nnsm_chains_period(&c->run->lattice) == 0)
        c->tile[own].methods->refresh(c->tile[own].state);
    for (size_t i = 0; count && i < NNSM_TILE && first + i < c->temperatures * c->walkers; i++) {
        c->accepted[temperature_of(c, first + i)] += accepted[i];
        c->moved[(size_t)move * c->temperatures + temperature_of(c, first + i)] += accepted[i];
    }
}

static void propose_tile(nnsm_chains *c, size_t own, uint32_t sweep, bool count)
{
    int32_t temperature[NNSM_TILE];
    size_t first = (c->first_tile + own) * NNSM_TILE;
    for (size_t i = 0; i < NNSM_TILE; i++)
        temperature[i] = (int32_t)temperature_of(c, first + i);
    nnsm_self_learning_step(&c->tile[own], c->run->key, c->stream + (uint32_t)first, sweep, temperature, &c->done[own]);
    for (size_t i = 0; count && i < NNSM_TILE && first + i < c->temperatures * c->walkers; i++)
        c->accepted[temperature[i]] += c->done[own].accepted[i];
}

static void regenerate_tile(nnsm_chains *c, size_t own, uint32_t sweep, bool count)
{
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    size_t first = (c->first_tile + own) * NNSM_TILE;
    for (size_t i = 0; i < NNSM_TILE; i++)
        beta[i] = c->ladders.beta[temperature_of(c, first + i)];
    nnsm_regenerate(c->regenerator, &c->tile[own], c->run->key, c->stream + (uint32_t)first, sweep, beta, accepted);
    for (size_t i = 0; count && i < NNSM_TILE && first + i < c->temperatures * c->walkers; i++)
        c->regenerated[temperature_of(c, first + i)] += accepted[i];
}

/* E of the known model, of a tile's chains. */
static void model_energies(nnsm_chains *c, const int8_t *configurations, double *energy)
{
    const nnsm_local *local = &c->run->model.local;
    memset(energy, 0, NNSM_TILE * sizeof *energy);
    if (!c->run->model_known)
        return;
    for (size_t i = 0; i < NNSM_TILE && c->run->model.multistate; i++)
        energy[i] = nnsm_model_energy(&c->run->model, configurations + i * c->run->lattice.sites);
    if (c->run->model.multistate)
        return;
    nnsm_lanes_pack(configurations, c->run->lattice.sites, c->words);
    nnsm_lanes_values(local->operators, c->words, c->products);
    for (size_t k = 0; k < local->operators->classes; k++)
        for (size_t i = 0; i < NNSM_TILE; i++)
            energy[i] -= local->coupling[k] * c->products[k * NNSM_TILE + i];
}

void nnsm_chains_measure(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    nnsm_run *run = c->run;
    size_t sites = run->lattice.sites;
    double hamiltonian[NNSM_TILE], energy[NNSM_TILE];
    for (size_t t = 0; t < c->own; t++) {
        nnsm_measurement *m = c->all + (c->first_tile + t) * NNSM_TILE;
        c->tile[t].methods->read(c->tile[t].state, c->configurations + t * NNSM_TILE * sites);
        c->tile[t].methods->energy(c->tile[t].state, hamiltonian);
        model_energies(c, c->configurations + t * NNSM_TILE * sites, energy);
        for (size_t i = 0; i < NNSM_TILE; i++) {
            const int8_t *s = c->configurations + (t * NNSM_TILE + i) * sites;
            m[i].magnetization = nnsm_run_magnetization(run, s);
            m[i].energy = energy[i];
            m[i].order = nnsm_summary_orders(run) ? nnsm_model_order(&run->model, s) : 0;
            m[i].hamiltonian = hamiltonian[i];
            m[i].surrogate = c->done[t].surrogate[i];
            m[i].accepted = c->done[t].accepted[i];
            m[i].flips = c->done[t].flips[i];
        }
    }
    double since = nnsm_seconds();
    NNSM_MPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, c->all, c->counts, c->starts, MPI_DOUBLE, run->world));
    nnsm_run_waited(run, c->stage, since);
}

/* One more measurement for the constants of the acceptance ratios: the second half of the thermalization, or the first
 * measurement where that has none. */
static void choose_centres(nnsm_chains *c, uint32_t sweep, uint32_t thermalization)
{
    if (sweep < thermalization ? sweep < thermalization / 2 : c->bennett.centred > 0)
        return;
    for (size_t t = 0; t < c->temperatures; t++) {
        c->walker_mean[t] = 0;
        for (size_t w = 0; w < c->walkers; w++)
            c->walker_mean[t] += c->all[c->ladders.chain_at[t * c->walkers + w]].hamiltonian / (double)c->walkers;
    }
    nnsm_bennett_centre(&c->bennett, c->walker_mean);
}

static void record(nnsm_chains *c)
{
    double n = (double)c->run->lattice.sites;
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[(c->first_temperature + t) * c->walkers + w];
            double m = c->all[chain].magnetization, h = c->all[chain].hamiltonian;
            double f[2];
            nnsm_bennett_functions(&c->bennett, c->first_temperature + t, h, f);
            double values[NNSM_SERIES_QUANTITIES] = {fabs(m), m,     m * m, m * m * m * m, c->all[chain].energy / n,
                                                     h,       h * h, f[0],  f[1],          c->all[chain].order};
            nnsm_series_add(c->series[t * c->walkers + w], values);
        }
}

static void learn(nnsm_chains *c)
{
    for (size_t t = 0; t < c->temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            const nnsm_measurement *m = &c->all[c->ladders.chain_at[t * c->walkers + w]];
            nnsm_scale_add(&c->scale, t, m->hamiltonian, m->surrogate, m->accepted, m->flips);
        }
    nnsm_scale_learn(&c->scale, c->sampler);
}

bool nnsm_chains_rejected(const nnsm_chains *chains)
{
    if (!chains->sampler)
        return false;
    nnsm_proposals kind = nnsm_self_learning_kind(chains->sampler);
    return kind == NNSM_NO_PROPOSALS || (kind != NNSM_CLUSTERS && chains->clusters_only) ||
           nnsm_scale_acceptance(&chains->scale) < NNSM_LEAST_ACCEPTANCE;
}

uint32_t nnsm_chains_last_saved(const nnsm_chains *chains, uint32_t last)
{
    return chains->sampler ? last : last - last % nnsm_chains_period(&chains->run->lattice);
}

void nnsm_chains_step(nnsm_chains *chains, uint32_t last)
{
    nnsm_chains *c = chains;
    const nnsm_config *config = c->run->config;
    uint32_t thermalization = (uint32_t)config->scan.thermalization, period = nnsm_chains_period(&c->run->lattice);
    do {
        uint32_t sweep = c->sweep++;
        for (size_t t = 0; t < c->own; t++) {
            if (c->regenerator) /* before the proposal, which records the surrogate's energy */
                regenerate_tile(c, t, sweep, sweep >= thermalization);
            (c->sampler ? propose_tile : sweep_tile)(c, t, sweep, sweep >= thermalization);
        }
        if ((sweep + 1) % (uint32_t)config->scan.exchange_interval)
            continue;
        nnsm_chains_measure(c);
        choose_centres(c, sweep, thermalization);
        if (sweep >= thermalization) {
            record(c);
            if (c->common.capacity)
                nnsm_common_add(&c->common, c);
        } else if (c->sampler)
            learn(c);
        if (config->scan.exchange) {
            for (size_t i = 0; i < c->tiles * NNSM_TILE; i++)
                c->energy[i] = c->all[i].hamiltonian;
            nnsm_ladders_exchange(&c->ladders, c->run->key, c->stream, c->attempt++, c->energy);
        }
    } while (c->sweep < last && c->sweep % period && !(c->sampler && c->sweep == thermalization));
}
