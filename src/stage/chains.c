#include "stage/chains.h"

#include <assert.h>
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
    return nnsm_placing_tiles(temperatures, (size_t)config->scan.walkers);
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
    size_t chains = c->temperatures * c->walkers;
    nnsm_status status = nnsm_ladders_create(&c->ladders, c->temperatures, temperature, c->walkers, error);
    if (!status)
        status = nnsm_ladders_create(&c->ahead, c->temperatures, temperature, c->walkers, error);
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
        status = NNSM_NEW(&c->passed, c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->whole, c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->moved, NNSM_MOVES * c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->collected, NNSM_COUNTS * c->temperatures, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->all, c->most_slots * c->tiles * NNSM_MEASURED_LEARNING * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->slot_sweep, c->most_slots, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->energy, chains, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->place_energy, c->tiles * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->counts, c->run->ranks, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->starts, c->run->ranks, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->configurations, c->own * NNSM_TILE * c->run->lattice.sites, "scan", error);
    if (!status)
        status = NNSM_NEW(&c->numbers, 2 * chains, "scan", error);
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

nnsm_status nnsm_chains_create(nnsm_chains *chains, nnsm_run *run, size_t temperatures, const double *temperature,
                               uint32_t stream, nnsm_tile_maker *make, const void *hamiltonian,
                               const nnsm_proposer *proposer, const nnsm_screen *screen, nnsm_error *error)
{
    nnsm_chains *c = chains;
    size_t r = (size_t)run->rank, ranks = (size_t)run->ranks;
    *c = (nnsm_chains){.run = run, .temperatures = temperatures, .stream = stream};
    c->walkers = (size_t)run->config->scan.walkers;
    c->group = MPI_COMM_NULL;
    c->first_temperature = temperatures * r / ranks;
    c->own_temperatures = temperatures * (r + 1) / ranks - c->first_temperature;
    nnsm_status status = nnsm_move_list_choose(&c->moves, run, error);
    if (!status)
        status = nnsm_placing_create(&c->placing, temperatures, c->walkers, run->rank, run->ranks, error);
    if (!status) {
        c->tiles = c->placing.tiles;
        c->first_tile = c->placing.first_tile[r];
        c->own = c->placing.first_tile[r + 1] - c->first_tile;
        c->most_slots = nnsm_chains_slots(c);
        status = allocate(c, temperature, error);
    }
    if (!status && proposer)
        status = make_sampler(c, make, hamiltonian, proposer, error);
    if (!status && !proposer && screen->couplings)
        status = nnsm_screening_create(&c->screening, run, screen->couplings, temperatures, temperature, c->own, error);
    for (size_t t = 0; t < c->own && !proposer && !status; t++)
        status = (c->screening.tile ? screen->make : make)(&c->tile[t], hamiltonian, error);
    status = nnsm_agree(run->world, status, error);
    if (!status && c->placing.groups > 1 && c->placing.groups < ranks)
        NNSM_MPI(MPI_Comm_split(run->world, (int)c->placing.group, run->rank, &c->group));
    return status;
}

nnsm_status nnsm_chains_regenerate(nnsm_chains *chains, const nnsm_learned *learned, nnsm_error *error)
{
    return nnsm_regenerator_create(&chains->regenerator, learned, error);
}

nnsm_status nnsm_chains_judge(nnsm_chains *chains, nnsm_judges judges, nnsm_tile *sampler, nnsm_error *error)
{
    return nnsm_common_create(&chains->common, chains, judges, sampler, error);
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
    nnsm_screening_destroy(&c->screening);
    nnsm_regenerator_destroy(c->regenerator);
    nnsm_common_destroy(&c->common);
    nnsm_release(c->done);
    nnsm_ladders_destroy(&c->ladders);
    nnsm_ladders_destroy(&c->ahead);
    nnsm_placing_destroy(&c->placing);
    if (c->run && c->group != MPI_COMM_NULL)
        NNSM_MPI(MPI_Comm_free(&c->group));
    nnsm_bennett_destroy(&c->bennett);
    nnsm_release(c->walker_mean);
    nnsm_release(c->temperature);
    nnsm_release(c->accepted);
    nnsm_release(c->regenerated);
    nnsm_release(c->passed);
    nnsm_release(c->whole);
    nnsm_release(c->moved);
    nnsm_release(c->collected);
    nnsm_release(c->all);
    nnsm_release(c->slot_sweep);
    nnsm_release(c->energy);
    nnsm_release(c->place_energy);
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

/* Where a tile's configurations are for a moment. */
static int8_t *configurations_of(nnsm_chains *c, size_t own)
{
    return c->configurations + own * NNSM_TILE * c->run->lattice.sites;
}

void nnsm_chains_load(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    for (size_t t = 0; t < c->own; t++) {
        c->tile[t].methods->load(c->tile[t].state, configurations_of(c, t));
        if (c->screening.tile)
            c->screening.tile[t].methods->load(c->screening.tile[t].state, configurations_of(c, t));
    }
}

/* Tell the screen of a tile what has become of its chains. */
static void follow(nnsm_chains *c, size_t own)
{
    if (!c->screening.tile)
        return;
    c->tile[own].methods->read(c->tile[own].state, configurations_of(c, own));
    c->screening.tile[own].methods->load(c->screening.tile[own].state, configurations_of(c, own));
}

void nnsm_chains_start(nnsm_chains *chains, const nnsm_starts *starts, nnsm_tile *sampler, uint32_t stream)
{
    nnsm_chains *c = chains;
    size_t sites = c->run->lattice.sites;
    for (size_t t = 0; t < c->own; t++) {
        size_t first = (c->first_tile + t) * NNSM_TILE;
        int8_t *states = configurations_of(c, t);
        nnsm_learned_sample(sampler, c->run->key, stream + (uint32_t)first, states);
        for (size_t i = 0; i < NNSM_TILE && starts; i++) {
            int32_t chain = c->placing.chain_of[first + i];
            nnsm_starts_make(starts, chain < 0 ? 0 : (size_t)chain % c->walkers, stream + (uint32_t)(first + i),
                             states + i * sites);
        }
    }
    nnsm_chains_load(c);
}

/* ---- sweeps */

/* Chains in empty places run at the first temperature and are never looked at. */
static size_t temperature_of(const nnsm_chains *c, size_t place)
{
    int32_t chain = c->placing.chain_of[place];
    return chain < 0 ? 0 : (size_t)c->ahead.temperature_of[chain];
}

/* passed: in and out, [NNSM_TILE], as accepted; counts nothing where the sweep is not screened. */
static void flip_tile(nnsm_chains *c, size_t own, uint32_t stream, uint32_t sweep, const double *beta, int64_t *passed,
                      int64_t *accepted)
{
    if (nnsm_screening_at(&c->screening, sweep)) {
        nnsm_screened_sweep(&c->tile[own], &c->screening.tile[own], c->run->key, stream, sweep, beta, passed, accepted);
        return;
    }
    nnsm_metropolis_sweep(&c->tile[own], c->run->key, stream, sweep, beta, accepted);
    follow(c, own);
}

static void sweep_tile(nnsm_chains *c, size_t own, uint32_t sweep, bool count)
{
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0}, passed[NNSM_TILE] = {0};
    size_t first = (c->first_tile + own) * NNSM_TILE;
    uint32_t stream = c->stream + (uint32_t)first;
    for (size_t i = 0; i < NNSM_TILE; i++)
        beta[i] = c->ladders.beta[temperature_of(c, first + i)];
    nnsm_move move = c->moves.count ? c->moves.move[sweep % c->moves.count] : NNSM_MOVE_SINGLE;
    if (c->moves.count)
        nnsm_move_sweep(&c->tile[own], &c->moves.space, move, c->run->key, stream, sweep, beta, accepted);
    else
        flip_tile(c, own, stream, sweep, beta, passed, accepted);
    if ((sweep + 1) % nnsm_chains_period(&c->run->lattice) == 0)
        c->tile[own].methods->refresh(c->tile[own].state);
    for (size_t i = 0; count && i < NNSM_TILE; i++) {
        if (c->placing.chain_of[first + i] < 0)
            continue;
        c->accepted[temperature_of(c, first + i)] += accepted[i];
        c->moved[(size_t)move * c->temperatures + temperature_of(c, first + i)] += accepted[i];
        c->passed[temperature_of(c, first + i)] += passed[i];
        c->whole[temperature_of(c, first + i)] += nnsm_screening_at(&c->screening, sweep) ? 0 : accepted[i];
    }
}

static void propose_tile(nnsm_chains *c, size_t own, uint32_t sweep, bool count)
{
    int32_t temperature[NNSM_TILE];
    size_t first = (c->first_tile + own) * NNSM_TILE;
    for (size_t i = 0; i < NNSM_TILE; i++)
        temperature[i] = (int32_t)temperature_of(c, first + i);
    nnsm_self_learning_step(&c->tile[own], c->run->key, c->stream + (uint32_t)first, sweep, temperature, &c->done[own]);
    for (size_t i = 0; count && i < NNSM_TILE; i++)
        c->accepted[temperature[i]] += c->placing.chain_of[first + i] < 0 ? 0 : c->done[own].accepted[i];
}

static void regenerate_tile(nnsm_chains *c, size_t own, uint32_t sweep, bool count)
{
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    size_t first = (c->first_tile + own) * NNSM_TILE;
    for (size_t i = 0; i < NNSM_TILE; i++)
        beta[i] = c->ladders.beta[temperature_of(c, first + i)];
    nnsm_regenerate(c->regenerator, &c->tile[own], c->run->key, c->stream + (uint32_t)first, sweep, beta, accepted);
    follow(c, own);
    for (size_t i = 0; count && i < NNSM_TILE; i++)
        c->regenerated[temperature_of(c, first + i)] += c->placing.chain_of[first + i] < 0 ? 0 : accepted[i];
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
    uint32_t end = c->sampler && c->sweep < thermalization && thermalization < last ? thermalization : last;
    assert(c->sweep < last);
    do {
        uint32_t sweep = c->sweep++;
        for (size_t t = 0; t < c->own; t++) {
            if (c->regenerator) /* before the proposal, which records the surrogate's energy */
                regenerate_tile(c, t, sweep, sweep >= thermalization);
            (c->sampler ? propose_tile : sweep_tile)(c, t, sweep, sweep >= thermalization);
        }
        if ((sweep + 1) % (uint32_t)config->scan.exchange_interval == 0)
            nnsm_chains_measure(c, sweep, end);
    } while (c->sweep < end && c->sweep % period);
    if (c->sweep == end)
        nnsm_chains_settle(c);
}
