#include "stage/scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/ancestral.h"
#include "stage/chains.h"
#include "stage/checkpoint.h"
#include "stage/convergence.h"
#include "stage/thermodynamics.h"
#include "stage/trust.h"

/* Random streams: chains of the learned scan count from 0, those of the others from here, and ancestral samples
 * (ancestral.c) from 2^31. */
static const uint32_t reference_stream = 1u << 30, distilled_stream = 3u << 29;

static const struct {
    const char *name, *units, *description;
} observable_text[NNSM_OBSERVABLES] = {
    {"abs_magnetization", "1", "<|m|>, m = sum of the spins / N"},
    {"magnetization", "1", "<m>"},
    {"magnetization2", "1", "<m^2>"},
    {"magnetization4", "1", "<m^4>"},
    {"energy", "energy per site", "energy of the known model"},
    {"learned_energy", "energy per site", "H of the Hamiltonian that was scanned; learned: -T0 log p"},
    {"heat_capacity", "k_B per site", "(<H^2> - <H>^2) / (N T^2) of the Hamiltonian that was scanned"},
    {"susceptibility", "1 / energy", "N (<m^2> - <|m|>^2) / T"},
    {"binder", "1", "1 - <m^4> / (3 <m^2>^2)"},
    {"order_parameter", "1", "staggered |m| of an antiferromagnet, rms of the sublattice magnetizations of Baxter-Wu"},
    {"free_energy", "energy per site", "F(T) - F(T0), F = -T ln Z"},
    {"entropy", "k_B per site", "S = (<H> - F) / T, absolute"},
};

const char *nnsm_observable_name(nnsm_observable observable)
{
    return observable_text[observable].name;
}

const char *nnsm_observable_units(nnsm_observable observable)
{
    return observable_text[observable].units;
}

const char *nnsm_observable_description(nnsm_observable observable)
{
    return observable_text[observable].description;
}

void nnsm_curve_destroy(nnsm_curve *curve)
{
    nnsm_release(curve->cell);
    nnsm_release(curve->acceptance);
    nnsm_release(curve->exchange_rate);
    nnsm_release(curve->surrogate_scale);
    nnsm_release(curve->round_trips);
    nnsm_release(curve->free_energy);
    *curve = (nnsm_curve){0};
}

void nnsm_scanned_destroy(nnsm_scanned *scanned)
{
    nnsm_curve_destroy(&scanned->learned);
    nnsm_curve_destroy(&scanned->reference);
    nnsm_curve_destroy(&scanned->distilled);
    nnsm_release(scanned->ancestral);
    nnsm_reweighted_destroy(&scanned->reweighted);
    nnsm_trust_destroy(&scanned->trust);
    *scanned = (nnsm_scanned){0};
}

/* ---- one Hamiltonian */

/* Independent chains may get more temperatures later; those start as a group of their own. */
enum { MOST_GROUPS = 32 };

typedef struct {
    const char *name, *title; /* in the checkpoint, in the log */
    nnsm_stage stage;
    uint32_t stream;
    nnsm_tile_maker *make;
    const void *hamiltonian;
    nnsm_proposer proposer; /* local NULL: single flips */
    int64_t groups;
    nnsm_chains group[MOST_GROUPS];
    nnsm_witness ancestral;
    double rate;       /* proposals a second on all ranks */
    nnsm_curve *curve; /* for the results */
} branch;

/* The learned Hamiltonian; the true model where it is known, the distilled Hamiltonian where there is one, both where
 * they are wanted. */
enum { MOST_BRANCHES = 3 };

typedef struct {
    nnsm_run *run;
    nnsm_tile sampler;  /* for the first configurations */
    double temperature; /* T0 of the network */
    size_t branches;
    branch branch[MOST_BRANCHES];
} scan;

static nnsm_status make_learned(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_learned_tile_create(tile, hamiltonian, error);
}

static nnsm_status make_reference(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_model_tile_create(tile, hamiltonian, error);
}

static nnsm_status make_distilled(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_local_tile_create(tile, hamiltonian, error);
}

/* Random streams that the groups before this one use. */
static uint32_t streams_before(const scan *s, const branch *b, int64_t group)
{
    uint32_t streams = 0;
    for (int64_t g = 0; g < group; g++)
        streams += (uint32_t)(nnsm_chains_tiles(s->run->config, b->group[g].temperatures) * NNSM_TILE);
    return streams;
}

static nnsm_anchor anchor_of(const scan *s, const branch *b)
{
    return (nnsm_anchor){s->temperature, NNSM_ANCESTRAL_SAMPLES, NNSM_ANCESTRAL_TILES, s->branch[0].ancestral.energy,
                         b->ancestral.energy};
}

/* T0 is one more neighbour of the chains' temperatures, once the samples there are drawn. */
static void set_anchor(const scan *s, const branch *b, nnsm_chains *chains)
{
    nnsm_anchor anchor = anchor_of(s, b);
    chains->bennett.anchor = anchor.temperature;
    chains->bennett.anchor_energy = nnsm_anchor_energy(&anchor);
}

/* Group number g of a branch, which has none or an unused one there. */
static nnsm_status make_group(scan *s, branch *b, int64_t g, size_t temperatures, const double *temperature,
                              bool single_flips, nnsm_error *error)
{
    uint32_t before = streams_before(s, b, g);
    nnsm_chains *chains = &b->group[g];
    const nnsm_proposer *proposer = single_flips || !b->proposer.local ? NULL : &b->proposer;
    nnsm_status status = nnsm_chains_create(chains, s->run, b->stage, temperatures, temperature, b->stream + before,
                                            b->make, b->hamiltonian, proposer, error);
    b->groups = b->groups > g ? b->groups : g + 1;
    if (!status && b->ancestral.energy)
        set_anchor(s, b, chains);
    if (!status)
        nnsm_chains_start(chains, &s->sampler, before);
    return status;
}

/* Self-learning chains that are rejected too often begin anew with single flips. */
static nnsm_status fall_back(scan *s, branch *b, int64_t g, nnsm_error *error)
{
    double temperature[NNSM_CONFIG_TEMPERATURES];
    nnsm_chains *chains = &b->group[g];
    size_t count = chains->temperatures;
    if (!nnsm_chains_rejected(chains))
        return NNSM_OK;
    if (nnsm_self_learning_kind(chains->sampler) == NNSM_NO_PROPOSALS)
        nnsm_say(&s->run->log, "%s: no coupling stands out of its error; single flips instead of self-learning",
                 b->title);
    else if (nnsm_self_learning_kind(chains->sampler) != NNSM_CLUSTERS && b->proposer.clusters_only)
        nnsm_say(&s->run->log, "%s: its couplings make no clusters; single flips", b->title);
    else
        nnsm_say(&s->run->log,
                 "%s: only %.3f of the self-learning proposals are accepted at some temperature, less than %g; single "
                 "flips from the start instead",
                 b->title, nnsm_scale_acceptance(&chains->scale), NNSM_LEAST_ACCEPTANCE);
    memcpy(temperature, chains->temperature, count * sizeof *temperature);
    nnsm_chains_destroy(chains);
    return make_group(s, b, g, count, temperature, true, error);
}

static nnsm_status add_group(scan *s, branch *b, size_t temperatures, const double *temperature, nnsm_error *error)
{
    char classes[200];
    nnsm_status status = make_group(s, b, b->groups, temperatures, temperature, false, error);
    const nnsm_self_learning *sampler = status ? NULL : b->group[b->groups - 1].sampler;
    if (sampler && !nnsm_chains_rejected(&b->group[b->groups - 1])) {
        nnsm_self_learning_describe(sampler, classes, sizeof classes);
        nnsm_say(&s->run->log, "%s: self-learning, proposals by %s of %s", b->title,
                 nnsm_self_learning_kind(sampler) == NNSM_CLUSTERS ? "clusters" : "single sites", classes);
    }
    return status ? status : fall_back(s, b, b->groups - 1, error);
}

/* Where a temperature is scanned; equal but for the rounding of from + i step. */
static const nnsm_chains *find_temperature(const branch *b, double temperature, size_t *position)
{
    for (int64_t g = 0; g < b->groups; g++)
        for (size_t t = 0; t < b->group[g].temperatures; t++)
            if (nnsm_same_temperature(b->group[g].temperature[t], temperature)) {
                *position = t;
                return &b->group[g];
            }
    return NULL;
}

/* ---- saving and restoring */

/* Groups run one after the other; those that have not begun need no saving. */
static int64_t begun(const branch *b)
{
    int64_t count = 0;
    while (count < b->groups && b->group[count].sweep > 0)
        count++;
    return count;
}

static size_t state_bytes(const scan *s)
{
    size_t bytes = 0, chain = s->run->lattice.sites + nnsm_series_doubles(NNSM_SERIES_QUANTITIES) * sizeof(double) + 32;
    for (size_t i = 0; i < s->branches; i++)
        for (int64_t g = 0; g < begun(&s->branch[i]); g++)
            bytes += s->branch[i].group[g].tiles * NNSM_TILE * chain;
    return bytes;
}

static nnsm_status save(scan *s, nnsm_request request, nnsm_error *error)
{
    nnsm_state state;
    char name[64];
    if (nnsm_checkpoint_begin(s->run, &state, NNSM_AT_SCAN, state_bytes(s)))
        for (size_t i = 0; i < s->branches; i++) {
            branch *b = &s->branch[i];
            int64_t groups = begun(b);
            (void)snprintf(name, sizeof name, "%s/groups", b->name);
            nnsm_state_values(&state, name, NNSM_H5_INTEGERS, 1, &groups);
            for (int64_t g = 0; g < groups; g++) {
                int64_t count = (int64_t)b->group[g].temperatures, single_flips = !b->group[g].sampler;
                (void)snprintf(name, sizeof name, "%s/%lld/count", b->name, (long long)g);
                nnsm_state_values(&state, name, NNSM_H5_INTEGERS, 1, &count);
                (void)snprintf(name, sizeof name, "%s/%lld/single_flips", b->name, (long long)g);
                nnsm_state_values(&state, name, NNSM_H5_INTEGERS, 1, &single_flips);
                (void)snprintf(name, sizeof name, "%s/%lld/temperature", b->name, (long long)g);
                nnsm_state_values(&state, name, NNSM_H5_DOUBLES, (size_t)count, b->group[g].temperature);
                (void)snprintf(name, sizeof name, "%s/%lld", b->name, (long long)g);
                nnsm_chains_state(&b->group[g], name, &state);
            }
        }
    return nnsm_checkpoint_end(s->run, &state, request, error);
}

static nnsm_status restore_group(scan *s, branch *b, int64_t g, nnsm_state *state, nnsm_error *error)
{
    double temperature[NNSM_CONFIG_TEMPERATURES];
    int64_t count = 0, single_flips = 0;
    char name[64];
    (void)snprintf(name, sizeof name, "%s/%lld/count", b->name, (long long)g);
    nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &count);
    if (count < 1 || count > NNSM_CONFIG_TEMPERATURES) {
        nnsm_state_impossible(state, "number of temperatures");
        return nnsm_state_agree(state, error);
    }
    (void)snprintf(name, sizeof name, "%s/%lld/single_flips", b->name, (long long)g);
    nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &single_flips);
    (void)snprintf(name, sizeof name, "%s/%lld/temperature", b->name, (long long)g);
    nnsm_state_values(state, name, NNSM_H5_DOUBLES, (size_t)count, temperature);
    for (int64_t t = 0; t < count; t++)
        if (!(temperature[t] > 0 && isfinite(temperature[t])))
            nnsm_state_impossible(state, "temperatures");
    nnsm_status status = nnsm_state_agree(state, error);
    if (!status)
        status = make_group(s, b, g, (size_t)count, temperature, single_flips, error);
    (void)snprintf(name, sizeof name, "%s/%lld", b->name, (long long)g);
    if (!status)
        nnsm_chains_state(&b->group[g], name, state);
    return status;
}

static nnsm_status restore(scan *s, nnsm_error *error)
{
    nnsm_state state;
    nnsm_error closing;
    nnsm_status status = nnsm_checkpoint_open(s->run, &state, error);
    if (status)
        return status;
    for (size_t i = 0; i < s->branches && !status; i++) {
        char name[64];
        int64_t groups = 0;
        branch *b = &s->branch[i];
        (void)snprintf(name, sizeof name, "%s/groups", b->name);
        if (nnsm_state_has(&state, name))
            nnsm_state_values(&state, name, NNSM_H5_INTEGERS, 1, &groups);
        if (groups < 0 || groups > MOST_GROUPS)
            nnsm_state_impossible(&state, "number of groups");
        for (int64_t g = 0; g < groups && g < MOST_GROUPS && !status; g++)
            status = restore_group(s, b, g, &state, error);
        if (groups > 0 && !status)
            nnsm_say(&s->run->log, "%s: goes on after sweep %u", b->name, b->group[0].sweep);
    }
    nnsm_status closed = nnsm_state_finish(&state, &closing);
    if (!status && closed)
        *error = closing;
    return status ? status : closed;
}

/* A group for the temperatures that no group has. */
static nnsm_status complete_groups(scan *s, branch *b, nnsm_error *error)
{
    const nnsm_config *c = s->run->config;
    double missing[NNSM_CONFIG_TEMPERATURES];
    size_t count = 0, position;
    for (int t = 0; t < c->scan.temperatures_count; t++)
        if (!find_temperature(b, c->scan.temperatures[t], &position))
            missing[count++] = c->scan.temperatures[t];
    if (!count)
        return NNSM_OK;
    if (b->groups == MOST_GROUPS)
        return nnsm_fail(error, NNSM_USAGE, "the scan was extended %d times; start it anew with --fresh", MOST_GROUPS);
    return add_group(s, b, count, missing, error);
}

/* ---- running */

static void progress(const nnsm_chains *c, const char *title, uint32_t last, uint32_t from, double since)
{
    double elapsed = nnsm_seconds() - since, left = elapsed * (last - c->sweep) / fmax(1, c->sweep - from);
    nnsm_say(&c->run->log, "%s: sweep %u of %u, %.0f s left", title, c->sweep, last, left);
}

/* Up to the last sweep before `last` at which these chains may be saved, with a vote between two steps. */
static nnsm_status run_chains(scan *s, branch *b, int64_t g, uint32_t last, nnsm_error *error)
{
    nnsm_chains *chains = &b->group[g];
    nnsm_status status = fall_back(s, b, g, error);
    uint32_t from = chains->sweep;
    double start = nnsm_seconds();
    while (!status && chains->sweep < nnsm_chains_last_saved(chains, last)) {
        double since = nnsm_seconds();
        nnsm_request request = nnsm_stop_vote(&s->run->stop, NNSM_VOTE_SCAN, s->run->world);
        nnsm_run_waited(s->run, chains->stage, since);
        if (request != NNSM_GO_ON)
            status = save(s, request, error);
        if (!status)
            nnsm_chains_step(chains, nnsm_chains_last_saved(chains, last));
        if (!status)
            status = fall_back(s, b, g, error);
        if (!status && nnsm_progress_due(&s->run->log))
            progress(chains, b->title, last, from < chains->sweep ? from : 0, start);
    }
    return status;
}

/* All branches and groups: first up to the last sweep at which they may be saved, and a checkpoint there, from which
 * more sweeps can go on; then to the end. */
static nnsm_status run_all(scan *s, nnsm_error *error)
{
    nnsm_run *run = s->run;
    uint32_t last = (uint32_t)(run->config->scan.thermalization + run->config->scan.sweeps);
    uint32_t swept = 0;
    nnsm_status status = NNSM_OK;
    for (size_t i = 0; i < s->branches && !status; i++) {
        branch *b = &s->branch[i];
        double since = nnsm_seconds(), proposals = 0;
        nnsm_run_begin(run, b->stage);
        for (int64_t g = 0; g < b->groups && !status; g++) {
            const nnsm_chains *c = &b->group[g];
            uint32_t from = c->sweep;
            status = run_chains(s, b, g, last, error);
            from = from <= c->sweep ? from : 0; /* a scan that fell back began anew */
            swept += c->sweep - from;
            proposals += (double)(c->sweep - from) * (double)(c->temperatures * c->walkers) *
                         (c->sampler ? 1 : (double)run->lattice.sites);
        }
        proposals /= nnsm_seconds() - since;
        b->rate = proposals;
        if (!status && proposals > 0)
            nnsm_say(&run->log, "%s: %.3g million %sproposals a second on all ranks", b->title, proposals * 1e-6,
                     b->group[0].sampler ? "self-learning " : "");
        nnsm_run_end(run, b->stage);
    }
    if (!status && swept)
        status = save(s, NNSM_CHECKPOINT, error);
    for (size_t i = 0; i < s->branches && !status; i++)
        for (int64_t g = 0; g < s->branch[i].groups; g++)
            if (s->branch[i].group[g].sweep < last)
                nnsm_chains_step(&s->branch[i].group[g], last);
    return status;
}

/* ---- evaluation */

/* A vote a temperature of the rank that has most. Stopped, the run goes on from the end of the scan. */
static nnsm_status evaluate_cells(scan *s, branch *b, nnsm_error *error)
{
    nnsm_run *run = s->run;
    size_t position = 0, temperatures = (size_t)run->config->scan.temperatures_count;
    unsigned rounds = 0;
    for (size_t t = 0; t < temperatures; t++) {
        const nnsm_chains *chains = find_temperature(b, run->config->scan.temperatures[t], &position);
        rounds += nnsm_chains_own(chains, position);
    }
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &rounds, 1, MPI_UNSIGNED, MPI_MAX, run->world));
    for (size_t t = 0, round = 0; round < rounds; round++) {
        nnsm_request request = nnsm_stop_vote(&run->stop, NNSM_VOTE_EVALUATE, run->world);
        if (request > NNSM_CHECKPOINT)
            return nnsm_checkpoint_stop(run, request, error);
        for (bool found = false; t < temperatures && !found; t++) {
            const nnsm_chains *chains = find_temperature(b, run->config->scan.temperatures[t], &position);
            found = nnsm_chains_own(chains, position);
            if (found)
                nnsm_chains_evaluate(chains, position, b->curve->cell + t * NNSM_OBSERVABLES);
        }
    }
    return NNSM_OK;
}

static nnsm_status evaluate(scan *s, branch *b, nnsm_error *error)
{
    nnsm_curve *curve = b->curve;
    const nnsm_config *c = s->run->config;
    size_t temperatures = (size_t)c->scan.temperatures_count, walkers = (size_t)c->scan.walkers, position = 0;
    *curve = (nnsm_curve){.temperatures = temperatures, .walkers = walkers, .proposals_per_second = b->rate};
    nnsm_status status = NNSM_NEW(&curve->cell, temperatures * NNSM_OBSERVABLES, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->acceptance, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->exchange_rate, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->surrogate_scale, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->round_trips, walkers, "results", error);
    status = nnsm_agree(s->run->world, status, error);
    if (status)
        return status;
    for (int64_t g = 0; g < b->groups; g++)
        nnsm_chains_collect(&b->group[g]);
    status = evaluate_cells(s, b, error);
    if (status)
        return status;
    for (size_t t = 0; t < temperatures; t++) {
        const nnsm_chains *chains = find_temperature(b, c->scan.temperatures[t], &position);
        const nnsm_ladders *l = &chains->ladders;
        double proposals = ((double)chains->sweep - (double)c->scan.thermalization) * (double)walkers *
                           (chains->sampler ? 1 : (double)s->run->lattice.sites);
        curve->acceptance[t] = (double)chains->collected[position] / proposals;
        curve->surrogate_scale[t] = chains->sampler ? chains->scale.scale[position] : NAN;
        curve->self_learning += chains->sampler != NULL;
        curve->exchange_rate[t] =
            l->attempted[position] ? (double)l->exchanged[position] / (double)l->attempted[position] : 0;
    }
    /* Cells are zero on all ranks but one: the order of the sum cannot matter. */
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, curve->cell, (int)(temperatures * NNSM_OBSERVABLES * 4), MPI_DOUBLE, MPI_SUM,
                           s->run->world));
    for (size_t t = 0; t < temperatures; t++)
        if (!isfinite(curve->cell[t * NNSM_OBSERVABLES + NNSM_LEARNED_ENERGY].mean))
            return nnsm_fail(error, NNSM_FAILURE,
                             "the energy is not finite at T = %g: the network is damaged; train anew",
                             c->scan.temperatures[t]);
    memcpy(curve->round_trips, b->group[0].ladders.round_trips, walkers * sizeof *curve->round_trips);
    nnsm_anchor anchor = anchor_of(s, b);
    return nnsm_thermodynamics_evaluate(s->run, b->group, (size_t)b->groups, &anchor, b->title, curve, error);
}

/* Ancestral samples with the energies of all branches: the anchor of their free energies, and one more temperature for
 * the chains' acceptance ratios. */
static nnsm_status sample(scan *s, const nnsm_learned *learned, const nnsm_trained *trained, nnsm_scanned *scanned,
                          nnsm_error *error)
{
    nnsm_witness *witnesses[sizeof s->branch / sizeof *s->branch];
    nnsm_status status = NNSM_OK;
    for (size_t i = 0; i < s->branches && !status; i++) {
        witnesses[i] = &s->branch[i].ancestral;
        status = s->branch[i].make(&witnesses[i]->tile, s->branch[i].hamiltonian, error);
        if (!status)
            status = NNSM_NEW(&witnesses[i]->energy, NNSM_ANCESTRAL_SAMPLES, "ancestral samples", error);
    }
    status = nnsm_agree(s->run->world, status, error);
    if (!status)
        status = nnsm_ancestral_sample(s->run, learned, trained, scanned, witnesses, s->branches, error);
    for (size_t i = 0; i < s->branches && !status; i++)
        for (int64_t g = 0; g < s->branch[i].groups; g++)
            set_anchor(s, &s->branch[i], &s->branch[i].group[g]);
    return status;
}

/* The distilled H is the learned one's projection, constant included; chains need no constant. */
static void add_constant(nnsm_curve *curve, double constant)
{
    for (size_t t = 0; t < curve->temperatures; t++)
        curve->cell[t * NNSM_OBSERVABLES + NNSM_LEARNED_ENERGY].mean += constant;
}

/* The learned branch's chains go on, under other Hamiltonians. */
static nnsm_status judge(scan *s, const nnsm_learned *learned, const nnsm_couplings *couplings,
                         const nnsm_members *members, nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_trust_subject subject = {s->branch[0].group, (size_t)s->branch[0].groups, learned, members, couplings,
                                  s->temperature};
    return nnsm_stage_trust(s->run, &subject, scanned, error);
}

/* ---- the stage */

static void list_branches(scan *s, nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                          const nnsm_couplings *couplings, nnsm_scanned *scanned)
{
    bool self = run->config->scan.sampler == NNSM_CONFIG_SELF_LEARNING;
    *s = (scan){.run = run, .temperature = nnsm_network_shape_of(&trained->network).temperature};
    s->branch[s->branches++] =
        (branch){.name = "/scan/learned",
                 .title = "scan",
                 .stage = NNSM_STAGE_SCAN,
                 .make = make_learned,
                 .hamiltonian = learned,
                 .proposer = {self && couplings->present ? &couplings->projected : NULL, couplings->error, true, false},
                 .curve = &scanned->learned};
    if (self && !couplings->present)
        nnsm_say(&run->log, "scan: self-learning needs couplings, which are switched off or too many; single flips");
    if (run->model_known && run->config->scan.reference)
        s->branch[s->branches++] = (branch){.name = "/scan/true",
                                            .title = "reference",
                                            .stage = NNSM_STAGE_REFERENCE,
                                            .stream = reference_stream,
                                            .make = make_reference,
                                            .hamiltonian = &run->model,
                                            .proposer = {self ? &run->model.local : NULL, NULL, false, true},
                                            .curve = &scanned->reference};
    if (couplings->present && run->config->scan.distilled)
        s->branch[s->branches++] = (branch){.name = "/scan/distilled",
                                            .title = "distilled",
                                            .stage = NNSM_STAGE_DISTILLED,
                                            .stream = distilled_stream,
                                            .make = make_distilled,
                                            .hamiltonian = &couplings->local,
                                            .proposer = {self ? &couplings->local : NULL, NULL, true, true},
                                            .curve = &scanned->distilled};
}

static nnsm_status prepare(scan *s, const nnsm_learned *learned, nnsm_error *error)
{
    nnsm_run *run = s->run;
    nnsm_status status = nnsm_learned_tile_create(&s->sampler, learned, error);
    status = nnsm_agree(run->world, status, error);
    bool valid = run->resume.progress == NNSM_AT_SCAN && !run->resume.rescan && run->resume.network == run->network;
    if (!status && valid)
        status = restore(s, error);
    for (size_t i = 0; i < s->branches && !status; i++)
        status = complete_groups(s, &s->branch[i], error);
    return status;
}

static void destroy(scan *s)
{
    for (size_t i = 0; i < s->branches; i++) {
        for (int64_t g = 0; g < s->branch[i].groups; g++)
            nnsm_chains_destroy(&s->branch[i].group[g]);
        nnsm_tile_destroy(&s->branch[i].ancestral.tile);
        nnsm_release(s->branch[i].ancestral.energy);
    }
    nnsm_tile_destroy(&s->sampler);
    nnsm_release(s);
}

nnsm_status nnsm_stage_scan(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                            const nnsm_couplings *couplings, const nnsm_members *members, nnsm_scanned *scanned,
                            nnsm_error *error)
{
    scan *s = NULL;
    *scanned = (nnsm_scanned){0};
    nnsm_status status = NNSM_NEW(&s, 1, "scan", error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_second_check(run, error);
    if (!status) {
        list_branches(s, run, learned, trained, couplings, scanned);
        status = prepare(s, learned, error);
    }
    if (!status)
        status = sample(s, learned, trained, scanned, error);
    if (!status)
        status = run_all(s, error);
    for (size_t i = 0; !status && i < s->branches; i++)
        status = evaluate(s, &s->branch[i], error);
    if (!status)
        status = judge(s, learned, couplings, members, scanned, error);
    if (!status)
        nnsm_warn_of_range(run, nnsm_network_shape_of(&trained->network).temperature);
    for (size_t i = 0; !status && i < s->branches; i++)
        nnsm_warn_of_convergence(run, s->branch[i].curve, s->branch[i].title);
    if (!status) {
        nnsm_check_against_samples(run, scanned);
        nnsm_trust_report(run, &scanned->trust);
    }
    if (!status && scanned->distilled.cell)
        add_constant(&scanned->distilled, couplings->distilled_constant / (double)run->lattice.sites);
    if (s)
        destroy(s);
    return status;
}
