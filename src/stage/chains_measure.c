/* chains_measure.c: measurements of the chains, and the exchange of temperatures that follows them.
 *
 * An exchange needs H of the chains of its own ladder only, which are in the own group of ranks (placing.h): it is
 * carried out there at once, in `ahead`, so no group waits for another while it sweeps. What was measured goes into a
 * slot; when the slots are full, or the chains are to be saved or evaluated, all ranks get them all and go through them
 * in the order of time: series, centres, common samples, scale, and the same exchanges once more, of all ladders. So
 * everything but `ahead` is the same on every rank, and the same however many ranks there are and however many
 * measurements are settled at once. */
#include <math.h>
#include <string.h>

#include "base/timer.h"
#include "hamiltonian/lanes.h"
#include "setup/agree.h"
#include "stage/chains.h"

/* What all chains measure until it is gathered stays in a processor's cache, and many chains are not gathered each
 * time. */
enum { MEASUREMENTS = 1 << 14, LEAST_SLOTS = 4 };

size_t nnsm_chains_slots(const nnsm_chains *chains)
{
    size_t slots = MEASUREMENTS / (chains->tiles * NNSM_TILE);
    return slots > LEAST_SLOTS ? slots : LEAST_SLOTS;
}

/* [NNSM_TILE] */
static double *values_of(const nnsm_chains *c, size_t slot, size_t tile, nnsm_measured column)
{
    return c->all + ((tile * c->slots + slot) * c->columns + (size_t)column) * NNSM_TILE;
}

double nnsm_chains_measured(const nnsm_chains *chains, size_t slot, size_t chain, nnsm_measured column)
{
    if (column >= chains->columns)
        return 0;
    size_t place = (size_t)chains->placing.place_of[chain];
    return values_of(chains, slot, place / NNSM_TILE, column)[place % NNSM_TILE];
}

/* Pieces of `size` doubles a tile from every rank to all. */
void nnsm_chains_gather(nnsm_chains *chains, size_t size, double *values)
{
    nnsm_chains *c = chains;
    for (int q = 0; q < c->run->ranks; q++) {
        c->starts[q] = (int)(c->placing.first_tile[q] * size);
        c->counts[q] = (int)((c->placing.first_tile[q + 1] - c->placing.first_tile[q]) * size);
    }
    NNSM_MPI(
        MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values, c->counts, c->starts, MPI_DOUBLE, c->run->world));
}

/* ---- one measurement */

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

static void measure_own(nnsm_chains *c)
{
    nnsm_run *run = c->run;
    size_t sites = run->lattice.sites;
    for (size_t t = 0; t < c->own; t++) {
        int8_t *states = c->configurations + t * NNSM_TILE * sites;
        double *values = values_of(c, c->filled, c->first_tile + t, NNSM_MEASURED_H);
        c->tile[t].methods->read(c->tile[t].state, states);
        c->tile[t].methods->energy(c->tile[t].state, values + NNSM_MEASURED_H * NNSM_TILE);
        model_energies(c, states, values + NNSM_MEASURED_E * NNSM_TILE);
        for (size_t i = 0; i < NNSM_TILE; i++)
            values[NNSM_MEASURED_M * NNSM_TILE + i] = nnsm_run_magnetization(run, states + i * sites);
        for (size_t i = 0; i < NNSM_TILE && c->columns > NNSM_MEASURED_ORDER; i++)
            values[NNSM_MEASURED_ORDER * NNSM_TILE + i] =
                nnsm_summary_orders(run) ? nnsm_model_order(&run->model, states + i * sites) : 0;
        for (size_t i = 0; i < NNSM_TILE && c->columns == NNSM_MEASURED_LEARNING; i++) {
            values[NNSM_MEASURED_SURROGATE * NNSM_TILE + i] = c->done[t].surrogate[i];
            values[NNSM_MEASURED_ACCEPTED * NNSM_TILE + i] = c->done[t].accepted[i];
            values[NNSM_MEASURED_FLIPS * NNSM_TILE + i] = c->done[t].flips[i];
        }
    }
}

/* H of the group's chains, on all of its ranks. */
static void gather_group(nnsm_chains *c)
{
    size_t first = (size_t)c->run->rank - c->placing.group_rank;
    const size_t *tile = c->placing.first_tile + first;
    for (size_t q = 0; q < c->placing.group_ranks; q++) {
        c->starts[q] = (int)(tile[q] * NNSM_TILE);
        c->counts[q] = (int)((tile[q + 1] - tile[q]) * NNSM_TILE);
    }
    NNSM_MPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, c->place_energy, c->counts, c->starts, MPI_DOUBLE,
                            c->group == MPI_COMM_NULL ? c->run->world : c->group));
}

static void exchange_ahead(nnsm_chains *c)
{
    for (size_t t = c->first_tile; t < c->first_tile + c->own; t++)
        memcpy(c->place_energy + t * NNSM_TILE, values_of(c, c->filled, t, NNSM_MEASURED_H),
               NNSM_TILE * sizeof *c->place_energy);
    if (c->placing.group_ranks > 1)
        gather_group(c);
    for (size_t t = 0; t < c->temperatures; t++)
        for (size_t w = c->placing.first_walker; w < c->placing.end_walker; w++)
            c->energy[t * c->walkers + w] = c->place_energy[c->placing.place_of[t * c->walkers + w]];
    nnsm_ladders_exchange(&c->ahead, c->placing.first_walker, c->placing.end_walker, c->run->key, c->stream,
                          c->attempt + (uint32_t)c->filled, c->energy);
}

static bool is_learning(const nnsm_chains *c, uint32_t sweep)
{
    return c->sampler && sweep < (uint32_t)c->run->config->scan.thermalization;
}

static size_t count_columns(const nnsm_chains *c, uint32_t sweep)
{
    if (is_learning(c, sweep))
        return NNSM_MEASURED_LEARNING;
    return nnsm_summary_orders(c->run) ? NNSM_MEASURED_SCANNED : NNSM_MEASURED_ALWAYS;
}

/* Of the measurements from this sweep on those that are settled at once: all up to the end where there is room, and
 * what self-learning chains learn, the next proposal uses. */
static size_t count_slots(const nnsm_chains *c, uint32_t sweep, uint32_t end)
{
    uint32_t interval = (uint32_t)c->run->config->scan.exchange_interval;
    size_t left = (size_t)(end / interval - sweep / interval), slots = left < c->most_slots ? left : c->most_slots;
    size_t until = is_learning(c, sweep) ? nnsm_scale_until(&c->scale) : slots;
    return slots < until ? slots : until;
}

void nnsm_chains_measure(nnsm_chains *chains, uint32_t sweep, uint32_t end)
{
    nnsm_chains *c = chains;
    if (c->filled == 0) {
        c->slots = count_slots(c, sweep, end);
        c->columns = count_columns(c, sweep);
    }
    measure_own(c);
    if (c->common.capacity && sweep >= (uint32_t)c->run->config->scan.thermalization)
        nnsm_common_judge(&c->common, c);
    if (c->run->config->scan.exchange)
        exchange_ahead(c);
    c->slot_sweep[c->filled++] = sweep;
    if (c->filled == c->slots)
        nnsm_chains_settle(c);
}

/* ---- all measurements since the last time */

/* One more measurement for the constants of the acceptance ratios: the second half of the thermalization, or the first
 * measurement where that has none. */
static void choose_centres(nnsm_chains *c, size_t slot)
{
    uint32_t sweep = c->slot_sweep[slot], thermalization = (uint32_t)c->run->config->scan.thermalization;
    if (sweep < thermalization ? sweep < thermalization / 2 : c->bennett.centred > 0)
        return;
    for (size_t t = 0; t < c->temperatures; t++) {
        c->walker_mean[t] = 0;
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[t * c->walkers + w];
            c->walker_mean[t] += nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_H) / (double)c->walkers;
        }
    }
    nnsm_bennett_centre(&c->bennett, c->walker_mean);
}

static void record(nnsm_chains *c, size_t slot)
{
    double n = (double)c->run->lattice.sites;
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[(c->first_temperature + t) * c->walkers + w];
            double m = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_M), f[2];
            double h = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_H);
            double e = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_E) / n;
            double order = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_ORDER);
            nnsm_bennett_functions(&c->bennett, c->first_temperature + t, h, f);
            double values[NNSM_SERIES_QUANTITIES] = {fabs(m), m, m * m, m * m * m * m, e, h, h * h, f[0], f[1], order};
            nnsm_series_add(c->series[t * c->walkers + w], values);
        }
}

static void learn(nnsm_chains *c, size_t slot)
{
    for (size_t t = 0; t < c->temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[t * c->walkers + w];
            nnsm_scale_add(&c->scale, t, nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_H),
                           nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_SURROGATE),
                           nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_ACCEPTED),
                           nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_FLIPS));
        }
    nnsm_scale_learn(&c->scale, c->sampler);
}

static void exchange(nnsm_chains *c, size_t slot)
{
    for (size_t chain = 0; chain < c->temperatures * c->walkers; chain++)
        c->energy[chain] = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_H);
    nnsm_ladders_exchange(&c->ladders, 0, c->walkers, c->run->key, c->stream, c->attempt++, c->energy);
}

void nnsm_chains_settle(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    if (!c->filled)
        return;
    nnsm_chains_gather(c, c->slots * c->columns * NNSM_TILE, c->all);
    if (c->common.capacity)
        nnsm_common_gather(&c->common, c);
    for (size_t slot = 0; slot < c->filled; slot++) {
        choose_centres(c, slot);
        if (c->slot_sweep[slot] >= (uint32_t)c->run->config->scan.thermalization) {
            record(c, slot);
            if (c->common.capacity)
                nnsm_common_add(&c->common, c, slot);
        } else if (c->sampler)
            learn(c, slot);
        if (c->run->config->scan.exchange)
            exchange(c, slot);
    }
    c->filled = 0;
}
