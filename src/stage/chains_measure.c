/* chains_measure.c: measurements of the chains, and the exchange of temperatures that follows them.
 *
 * An exchange needs H of the chains of its own ladder only, which are in the own group of ranks (placing.h): it is
 * carried out there at once, in `ahead`, so no group waits for another while it sweeps. What was measured goes into a
 * slot; when the slots are full, or the step of the scan ends, all ranks get them all and go through them in the order
 * of time: series, centres, common samples, scale, and the same exchanges once more, of all ladders. So everything but
 * `ahead` is the same on every rank after every step, and the same however many ranks there are. */
#include <math.h>
#include <string.h>

#include "base/timer.h"
#include "hamiltonian/lanes.h"
#include "setup/agree.h"
#include "stage/chains.h"

enum { MOST_MEASUREMENTS = 1 << 17, DOUBLES = sizeof(nnsm_measurement) / sizeof(double) };

size_t nnsm_chains_slots(const nnsm_chains *chains)
{
    size_t most = MOST_MEASUREMENTS / (chains->tiles * NNSM_TILE);
    size_t slots = chains->step / (size_t)chains->run->config->scan.exchange_interval;
    slots = slots < most ? slots : most;
    return slots > 1 ? slots : 1;
}

static nnsm_measurement *at_place(const nnsm_chains *c, size_t slot, size_t place)
{
    return &c->all[(place / NNSM_TILE * c->slots + slot) * NNSM_TILE + place % NNSM_TILE];
}

const nnsm_measurement *nnsm_chains_measured(const nnsm_chains *chains, size_t slot, size_t chain)
{
    return at_place(chains, slot, (size_t)chains->placing.place_of[chain]);
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
    double hamiltonian[NNSM_TILE], energy[NNSM_TILE];
    for (size_t t = 0; t < c->own; t++) {
        nnsm_measurement *m = at_place(c, c->filled, (c->first_tile + t) * NNSM_TILE);
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
    for (size_t i = 0; i < c->own * NNSM_TILE; i++) {
        size_t place = c->first_tile * NNSM_TILE + i;
        c->place_energy[place] = at_place(c, c->filled, place)->hamiltonian;
    }
    if (c->placing.group_ranks > 1)
        gather_group(c);
    for (size_t t = 0; t < c->temperatures; t++)
        for (size_t w = c->placing.first_walker; w < c->placing.end_walker; w++)
            c->energy[t * c->walkers + w] = c->place_energy[c->placing.place_of[t * c->walkers + w]];
    nnsm_ladders_exchange(&c->ahead, c->placing.first_walker, c->placing.end_walker, c->run->key, c->stream,
                          c->attempt + (uint32_t)c->filled, c->energy);
}

void nnsm_chains_measure(nnsm_chains *chains, uint32_t sweep)
{
    nnsm_chains *c = chains;
    /* What self-learning chains learn, the next proposal uses. */
    bool learning = c->sampler && sweep < (uint32_t)c->run->config->scan.thermalization;
    if (c->filled == 0)
        c->slots = learning ? 1 : c->most_slots;
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
            c->walker_mean[t] += nnsm_chains_measured(c, slot, chain)->hamiltonian / (double)c->walkers;
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
            const nnsm_measurement *of = nnsm_chains_measured(c, slot, chain);
            double m = of->magnetization, h = of->hamiltonian, f[2];
            nnsm_bennett_functions(&c->bennett, c->first_temperature + t, h, f);
            double values[NNSM_SERIES_QUANTITIES] = {fabs(m), m,     m * m, m * m * m * m, of->energy / n,
                                                     h,       h * h, f[0],  f[1],          of->order};
            nnsm_series_add(c->series[t * c->walkers + w], values);
        }
}

static void learn(nnsm_chains *c, size_t slot)
{
    for (size_t t = 0; t < c->temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            const nnsm_measurement *m = nnsm_chains_measured(c, slot, (size_t)c->ladders.chain_at[t * c->walkers + w]);
            nnsm_scale_add(&c->scale, t, m->hamiltonian, m->surrogate, m->accepted, m->flips);
        }
    nnsm_scale_learn(&c->scale, c->sampler);
}

static void exchange(nnsm_chains *c, size_t slot)
{
    for (size_t chain = 0; chain < c->temperatures * c->walkers; chain++)
        c->energy[chain] = nnsm_chains_measured(c, slot, chain)->hamiltonian;
    nnsm_ladders_exchange(&c->ladders, 0, c->walkers, c->run->key, c->stream, c->attempt++, c->energy);
}

void nnsm_chains_settle(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    if (!c->filled)
        return;
    nnsm_chains_gather(c, c->slots * NNSM_TILE * DOUBLES, (double *)c->all);
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
