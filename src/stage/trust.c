#include "stage/trust.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"

static_assert((int)NNSM_TRUST_OWN_H == (int)NNSM_OBSERVABLES, "a fixed H stands after the observables");

typedef struct {
    nnsm_run *run;
    const nnsm_trust_subject *subject;
    nnsm_trust *out;
    size_t others;                            /* Hamiltonians but the first */
    nnsm_learned *learned[NNSM_MOST_MEMBERS]; /* from 1 */
    nnsm_tile *tile;                          /* [others] one serves all chains of the rank */
    /* of the group at hand */
    size_t rounds, columns;
    double *energy;       /* [tiles * NNSM_TILE][others], gathered */
    int *counts, *starts; /* [ranks] of it */
    double *rows;         /* [own temperatures][rounds * walkers][columns] */
} stage;

/* ---- what is there */

nnsm_status nnsm_trust_create(nnsm_trust *trust, size_t temperatures, size_t networks, bool distilled,
                              nnsm_error *error)
{
    *trust = (nnsm_trust){.temperatures = temperatures, .networks = networks, .distilled = distilled};
    trust->hamiltonians = networks + distilled;
    nnsm_status status = NNSM_NEW(&trust->cell, temperatures * NNSM_TRUST_QUANTITIES, "trust", error);
    if (!status)
        status = NNSM_NEW(&trust->value, trust->hamiltonians * NNSM_TRUST_QUANTITIES * temperatures, "trust", error);
    if (!status)
        status = NNSM_NEW(&trust->effective, trust->hamiltonians * temperatures, "trust", error);
    if (!status)
        status = NNSM_NEW(&trust->support, temperatures, "trust", error);
    return status;
}

void nnsm_trust_destroy(nnsm_trust *trust)
{
    nnsm_release(trust->cell);
    nnsm_release(trust->value);
    nnsm_release(trust->effective);
    nnsm_release(trust->support);
    *trust = (nnsm_trust){0};
}

static nnsm_status make_tiles(stage *s, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&s->tile, s->others + 1, "trust", error);
    for (size_t k = 1; k < s->out->networks && !status; k++) {
        status = nnsm_network_learned(&s->learned[k], &s->subject->members->network[k], error);
        if (!status)
            status = nnsm_learned_tile_create(&s->tile[k - 1], s->learned[k], error);
    }
    if (!status && s->out->distilled)
        status = nnsm_local_tile_create(&s->tile[s->others - 1], &s->subject->couplings->local, error);
    return nnsm_agree(s->run->world, status, error);
}

static nnsm_status begin_group(stage *s, const nnsm_chains *c, nnsm_error *error)
{
    int doubles = (int)(sizeof(nnsm_measurement) / sizeof(double)), ranks = s->run->ranks;
    s->columns = NNSM_TRUST_H + s->out->hamiltonians;
    nnsm_status status = NNSM_NEW(&s->energy, c->tiles * NNSM_TILE * s->others + 1, "trust", error);
    if (!status)
        status = NNSM_NEW(&s->rows, c->own_temperatures * s->rounds * c->walkers * s->columns + 1, "trust", error);
    if (!status)
        status = NNSM_NEW(&s->counts, ranks, "trust", error);
    if (!status)
        status = NNSM_NEW(&s->starts, ranks, "trust", error);
    for (int r = 0; r < ranks && !status; r++) {
        s->counts[r] = c->counts[r] / doubles * (int)s->others;
        s->starts[r] = c->starts[r] / doubles * (int)s->others;
    }
    return nnsm_agree(s->run->world, status, error);
}

static void end_group(stage *s)
{
    nnsm_release(s->energy);
    nnsm_release(s->rows);
    nnsm_release(s->counts);
    nnsm_release(s->starts);
    s->energy = s->rows = NULL;
    s->counts = s->starts = NULL;
}

static void destroy(stage *s)
{
    end_group(s);
    for (size_t k = 0; s->tile && k < s->others; k++)
        nnsm_tile_destroy(&s->tile[k]);
    for (size_t k = 1; k < NNSM_MOST_MEMBERS; k++)
        nnsm_learned_destroy(s->learned[k]);
    nnsm_release(s->tile);
}

/* ---- rounds */

/* Sweeps (proposals) of a round: twice the longest autocorrelation time, but all rounds together are no more than a
 * quarter of the scan where that is possible. A multiple of the interval at which chains are measured. */
static uint32_t round_length(const stage *s, const nnsm_curve *curve)
{
    const nnsm_config *c = s->run->config;
    double tau = 0.5, most = 0.25 * (double)c->scan.sweeps / (double)s->rounds;
    for (size_t t = 0; t < curve->temperatures; t++)
        for (int o = 0; o < 2; o++) {
            double found = curve->cell[t * NNSM_OBSERVABLES + (o ? NNSM_LEARNED_ENERGY : NNSM_ABS_MAGNETIZATION)].tau;
            tau = found > tau ? found : tau;
        }
    double length = fmin(fmin(ceil(2 * tau), most), NNSM_TRUST_LONGEST), unit = (double)c->scan.exchange_interval;
    return (uint32_t)(fmax(1, ceil(length / unit)) * unit);
}

/* H_k of all chains, on all ranks. */
static void evaluate_chains(stage *s, const nnsm_chains *c)
{
    double energy[NNSM_TILE];
    for (size_t t = 0; t < c->own; t++)
        for (size_t k = 0; k < s->others; k++) {
            s->tile[k].methods->load(s->tile[k].state, c->configurations + t * NNSM_TILE * c->run->lattice.sites);
            s->tile[k].methods->energy(s->tile[k].state, energy);
            for (size_t i = 0; i < NNSM_TILE; i++)
                s->energy[((c->first_tile + t) * NNSM_TILE + i) * s->others + k] = energy[i];
        }
    double since = nnsm_seconds();
    NNSM_MPI(
        MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, s->energy, s->counts, s->starts, MPI_DOUBLE, s->run->world));
    nnsm_run_waited(s->run, NNSM_STAGE_TRUST, since);
}

static void record(stage *s, const nnsm_chains *c, size_t round)
{
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[(c->first_temperature + t) * c->walkers + w];
            double *row = s->rows + ((t * s->rounds + round) * c->walkers + w) * s->columns;
            row[NNSM_TRUST_M] = c->all[chain].magnetization;
            row[NNSM_TRUST_E] = c->all[chain].energy / (double)s->run->lattice.sites;
            row[NNSM_TRUST_ORDER] = c->all[chain].order;
            row[NNSM_TRUST_H] = c->all[chain].hamiltonian;
            memcpy(row + NNSM_TRUST_H + 1, s->energy + chain * s->others, s->others * sizeof *row);
        }
}

static nnsm_status vote(stage *s, nnsm_error *error)
{
    double since = nnsm_seconds();
    nnsm_request request = nnsm_stop_vote(&s->run->stop, NNSM_VOTE_TRUST, s->run->world);
    nnsm_run_waited(s->run, NNSM_STAGE_TRUST, since);
    return request > NNSM_CHECKPOINT ? nnsm_checkpoint_stop(s->run, request, error) : NNSM_OK;
}

static nnsm_status run_group(stage *s, nnsm_chains *c, uint32_t length, nnsm_error *error)
{
    c->stage = NNSM_STAGE_TRUST; /* on whose clock they wait from now on */
    for (size_t round = 0; round < s->rounds; round++) {
        for (uint32_t target = c->sweep + length; c->sweep < target;) {
            nnsm_status status = vote(s, error);
            if (status)
                return status;
            nnsm_chains_step(c, target);
        }
        nnsm_chains_measure(c);
        evaluate_chains(s, c);
        record(s, c, round);
    }
    return NNSM_OK;
}

/* ---- evaluation */

static size_t position_of(const nnsm_config *config, double temperature)
{
    for (int t = 0; t < config->scan.temperatures_count; t++)
        if (nnsm_same_temperature(config->scan.temperatures[t], temperature))
            return (size_t)t;
    return SIZE_MAX; /* of an earlier scan with more temperatures */
}

static nnsm_status estimate_group(stage *s, const nnsm_chains *c, const nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    size_t samples = s->rounds * c->walkers;
    for (size_t t = 0; t < c->own_temperatures && !status; t++) {
        double temperature = c->temperature[c->first_temperature + t];
        size_t position = position_of(s->run->config, temperature);
        if (position == SIZE_MAX)
            continue;
        const double *rows = s->rows + t * samples * s->columns;
        status =
            nnsm_trust_estimate(s->out, position, temperature, s->subject->temperature, (double)s->run->lattice.sites,
                                nnsm_run_magnetic_sites(s->run), rows, samples, scanned, error);
        for (size_t i = 0; i < samples; i++) {
            double h = rows[i * s->columns + NNSM_TRUST_H];
            s->out->support[position] += (h >= s->out->low && h <= s->out->high) / (double)samples;
        }
    }
    return nnsm_agree(s->run->world, status, error);
}

/* Entries are zero on all ranks but one: the order of the sums cannot matter. One rank adds nothing: -0 must become the
 * 0 that it is where others add theirs. */
static void share_values(const stage *s, void *values, size_t count)
{
    double *value = values;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, value, (int)count, MPI_DOUBLE, MPI_SUM, s->run->world));
    for (size_t i = 0; i < count; i++)
        value[i] += 0.;
}

static void share(const stage *s)
{
    nnsm_trust *o = s->out;
    size_t t = o->temperatures, h = o->hamiltonians;
    share_values(s, o->cell, t * NNSM_TRUST_QUANTITIES * (sizeof *o->cell / sizeof(double)));
    share_values(s, o->value, h * NNSM_TRUST_QUANTITIES * t);
    share_values(s, o->effective, h * t);
    share_values(s, o->support, t);
}

/* ---- the stage */

static nnsm_status harvest(stage *s, const nnsm_scanned *scanned, nnsm_error *error)
{
    const nnsm_trust_subject *u = s->subject;
    nnsm_status status = NNSM_OK;
    size_t walkers = (size_t)s->run->config->scan.walkers, wanted = NNSM_TRUST_SAMPLES;
    s->rounds = (wanted + walkers * 16 - 1) / (walkers * 16) * 16;
    s->out->samples = s->rounds * walkers;
    uint32_t length = round_length(s, &scanned->learned);
    for (size_t g = 0; g < u->groups && !status; g++) {
        status = begin_group(s, &u->group[g], error);
        if (!status)
            status = run_group(s, &u->group[g], length, error);
        if (!status)
            status = estimate_group(s, &u->group[g], scanned, error);
        end_group(s);
    }
    if (!status)
        share(s);
    return status;
}

nnsm_status nnsm_stage_trust(nnsm_run *run, const nnsm_trust_subject *subject, nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_trust *out = &scanned->trust;
    stage s = {.run = run, .subject = subject, .out = out};
    nnsm_run_begin(run, NNSM_STAGE_TRUST);
    nnsm_status status = nnsm_trust_create(out, scanned->learned.temperatures, subject->members->count,
                                           scanned->distilled.cell != NULL, error);
    status = nnsm_agree(run->world, status, error);
    s.others = out->hamiltonians - 1;
    out->constant = subject->couplings->constant;
    if (!status)
        status = make_tiles(&s, error);
    if (!status)
        status = nnsm_trust_seen(run, subject->learned, scanned, subject->temperature, out, error);
    if (!status)
        status = harvest(&s, scanned, error);
    if (!status)
        status = nnsm_trust_audit(run, subject->learned, out, error);
    if (!status)
        nnsm_trust_total(out, scanned, (double)run->lattice.sites);
    if (!status)
        status = nnsm_second_compare(run, subject->learned, scanned, out, error);
    destroy(&s);
    nnsm_run_end(run, NNSM_STAGE_TRUST);
    return status;
}
