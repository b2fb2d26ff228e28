#include "stage/branch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/thermodynamics.h"

void nnsm_branch_destroy(nnsm_branch *branch)
{
    for (int64_t g = 0; g < branch->groups; g++)
        nnsm_chains_destroy(&branch->group[g]);
    nnsm_tile_destroy(&branch->ancestral.tile);
    nnsm_release(branch->ancestral.energy);
}

/* ---- groups of chains */

/* Random streams that the groups before this one use. */
static uint32_t streams_before(const nnsm_branch *b, int64_t group)
{
    uint32_t streams = 0;
    for (int64_t g = 0; g < group; g++)
        streams += (uint32_t)(nnsm_chains_tiles(b->run->config, b->group[g].temperatures) * NNSM_TILE);
    return streams;
}

static nnsm_anchor anchor_of(const nnsm_branch *b)
{
    return (nnsm_anchor){b->temperature, NNSM_ANCESTRAL_SAMPLES, NNSM_ANCESTRAL_TILES, b->learned->ancestral.energy,
                         b->ancestral.energy};
}

static void set_anchor(const nnsm_branch *b, nnsm_chains *chains)
{
    nnsm_anchor anchor = anchor_of(b);
    chains->bennett.anchor = anchor.temperature;
    chains->bennett.anchor_energy = nnsm_anchor_energy(&anchor);
}

void nnsm_branch_anchor(nnsm_branch *branch)
{
    for (int64_t g = 0; g < branch->groups; g++)
        set_anchor(branch, &branch->group[g]);
}

nnsm_status nnsm_branch_group(nnsm_branch *branch, int64_t number, size_t temperatures, const double *temperature,
                              bool single_flips, nnsm_error *error)
{
    nnsm_branch *b = branch;
    uint32_t before = streams_before(b, number);
    nnsm_chains *chains = &b->group[number];
    const nnsm_proposer *proposer = single_flips || !b->proposer.local ? NULL : &b->proposer;
    nnsm_status status = nnsm_chains_create(chains, b->run, temperatures, temperature, b->stream + before, b->make,
                                            b->hamiltonian, proposer, &b->screen, error);
    b->groups = b->groups > number ? b->groups : number + 1;
    if (!status && b->regenerate)
        status = nnsm_agree(b->run->world, nnsm_chains_regenerate(chains, b->regenerate, error), error);
    if (!status && b->judges.tile)
        status = nnsm_agree(b->run->world, nnsm_chains_judge(chains, b->judges, b->sampler, error), error);
    if (!status && b->ancestral.energy)
        set_anchor(b, chains);
    if (!status)
        nnsm_chains_start(chains, b->starts, b->sampler, before);
    return status;
}

/* How single flips are made, where couplings were there to screen them. */
static void say_screen(const nnsm_branch *b, const nnsm_chains *chains)
{
    char text[256];
    if (chains->screening.verdict == NNSM_NO_SCREEN)
        return;
    nnsm_screening_describe(&chains->screening, text, sizeof text);
    nnsm_say(&b->run->log, "%s: single flips, %s", b->title, text);
}

/* Self-learning chains that are rejected too often begin anew with single flips. */
static nnsm_status fall_back(nnsm_branch *b, int64_t g, nnsm_error *error)
{
    double temperature[NNSM_CONFIG_TEMPERATURES];
    nnsm_chains *chains = &b->group[g];
    size_t count = chains->temperatures;
    if (!nnsm_chains_rejected(chains))
        return NNSM_OK;
    if (nnsm_self_learning_kind(chains->sampler) == NNSM_NO_PROPOSALS)
        nnsm_say(&b->run->log, "%s: no coupling stands out of its error; %s instead of self-learning", b->title,
                 nnsm_single_moves(b->run));
    else if (nnsm_self_learning_kind(chains->sampler) != NNSM_CLUSTERS && b->proposer.clusters_only)
        nnsm_say(&b->run->log, "%s: its couplings make no clusters; single flips", b->title);
    else
        nnsm_say(&b->run->log,
                 "%s: only %.3f of the self-learning proposals are accepted at some temperature, less than %g; %s "
                 "from the start instead",
                 b->title, nnsm_scale_acceptance(&chains->scale), NNSM_LEAST_ACCEPTANCE, nnsm_single_moves(b->run));
    memcpy(temperature, chains->temperature, count * sizeof *temperature);
    nnsm_chains_destroy(chains);
    nnsm_status status = nnsm_branch_group(b, g, count, temperature, true, error);
    if (!status)
        say_screen(b, chains);
    return status;
}

static nnsm_status add_group(nnsm_branch *b, size_t temperatures, const double *temperature, nnsm_error *error)
{
    char classes[256];
    nnsm_status status = nnsm_branch_group(b, b->groups, temperatures, temperature, false, error);
    const nnsm_self_learning *sampler = status ? NULL : b->group[b->groups - 1].sampler;
    if (sampler && !nnsm_chains_rejected(&b->group[b->groups - 1])) {
        nnsm_self_learning_describe(sampler, classes, sizeof classes);
        nnsm_say(&b->run->log, "%s: self-learning, proposals by %s", b->title, classes);
    }
    if (!status)
        say_screen(b, &b->group[b->groups - 1]);
    return status ? status : fall_back(b, b->groups - 1, error);
}

static const nnsm_chains *find_temperature(const nnsm_branch *b, double temperature, size_t *position)
{
    return nnsm_chains_find(b->group, (size_t)b->groups, temperature, position);
}

nnsm_status nnsm_branch_complete(nnsm_branch *branch, nnsm_error *error)
{
    const nnsm_config *c = branch->run->config;
    double missing[NNSM_CONFIG_TEMPERATURES];
    size_t count = 0, position;
    for (int t = 0; t < c->scan.temperatures_count; t++)
        if (!find_temperature(branch, c->scan.temperatures[t], &position))
            missing[count++] = c->scan.temperatures[t];
    if (!count)
        return NNSM_OK;
    if (branch->groups == NNSM_MOST_GROUPS)
        return nnsm_fail(error, NNSM_USAGE, "the scan was extended %d times; start it anew with --fresh",
                         NNSM_MOST_GROUPS);
    return add_group(branch, count, missing, error);
}

/* ---- running */

static void progress(const nnsm_chains *c, const char *title, uint32_t last, uint32_t from, double since)
{
    double elapsed = nnsm_seconds() - since, left = elapsed * (last - c->sweep) / fmax(1, c->sweep - from);
    nnsm_say(&c->run->log, "%s: sweep %u of %u, %.0f s left", title, c->sweep, last, left);
}

/* Up to the last sweep before `last` at which these chains may be saved, with a vote between two steps. */
static nnsm_status run_chains(nnsm_branch *b, int64_t g, uint32_t last, nnsm_branch_saver *save, void *context,
                              nnsm_error *error)
{
    nnsm_run *run = b->run;
    nnsm_chains *chains = &b->group[g];
    nnsm_status status = fall_back(b, g, error);
    uint32_t from = chains->sweep;
    double start = nnsm_seconds();
    while (!status && chains->sweep < nnsm_chains_last_saved(chains, last)) {
        nnsm_request request = nnsm_stop_vote(&run->stop, NNSM_VOTE_SCAN, run->world);
        if (request != NNSM_GO_ON)
            status = save(context, request, error);
        if (!status)
            nnsm_chains_step(chains, nnsm_chains_last_saved(chains, last));
        if (!status)
            status = fall_back(b, g, error);
        if (!status && nnsm_progress_due(&run->log))
            progress(chains, b->title, last, from < chains->sweep ? from : 0, start);
    }
    return status;
}

static uint32_t last_sweep(const nnsm_branch *b)
{
    return (uint32_t)(b->run->config->scan.thermalization + b->run->config->scan.sweeps);
}

nnsm_status nnsm_branch_run(nnsm_branch *branch, nnsm_branch_saver *save, void *context, uint32_t *swept,
                            nnsm_error *error)
{
    nnsm_branch *b = branch;
    nnsm_run *run = b->run;
    double since = nnsm_seconds(), proposals = 0;
    nnsm_status status = NNSM_OK;
    nnsm_run_begin(run, b->stage);
    for (int64_t g = 0; g < b->groups && !status; g++) {
        const nnsm_chains *c = &b->group[g];
        uint32_t from = c->sweep;
        status = run_chains(b, g, last_sweep(b), save, context, error);
        from = from <= c->sweep ? from : 0; /* a scan that fell back began anew */
        *swept += c->sweep - from;
        proposals += (double)(c->sweep - from) * (double)(c->temperatures * c->walkers) *
                     (c->sampler ? 1 : (double)run->lattice.sites);
    }
    b->rate = proposals / (nnsm_seconds() - since);
    if (!status && b->rate > 0)
        nnsm_say(&run->log, "%s: %.3g million %sproposals a second on all ranks", b->title, b->rate * 1e-6,
                 b->group[0].sampler ? "self-learning " : "");
    nnsm_run_end(run, b->stage);
    return status;
}

void nnsm_branch_finish(nnsm_branch *branch)
{
    for (int64_t g = 0; g < branch->groups; g++)
        if (branch->group[g].sweep < last_sweep(branch))
            nnsm_chains_step(&branch->group[g], last_sweep(branch));
}

/* ---- evaluation */

/* Shares of accepted moves of one temperature; returns the number of all proposals. */
static double evaluate_moves(nnsm_branch *b, const nnsm_chains *chains, size_t position, size_t t)
{
    const nnsm_config *c = b->run->config;
    double all = 0;
    for (size_t m = 0; m < NNSM_MOVES; m++) {
        double made = (double)b->curve->walkers *
                      (chains->sampler ? 0
                                       : nnsm_move_list_proposals(&chains->moves, (nnsm_move)m,
                                                                  (uint32_t)c->scan.thermalization, chains->sweep));
        const int64_t *accepted = chains->collected + (NNSM_COUNT_MOVES + m) * chains->temperatures;
        b->curve->moved[m * b->curve->temperatures + t] = made > 0 ? (double)accepted[position] / made : NAN;
        all += made;
    }
    return all;
}

/* What a screen saved and cost. sweeps: measured. */
static void evaluate_screen(nnsm_branch *b, const nnsm_chains *chains, size_t position, size_t t, double sweeps)
{
    double whole = nnsm_screening_whole((uint32_t)b->run->config->scan.thermalization, chains->sweep);
    double flips = (double)b->curve->walkers * (double)b->run->lattice.sites; /* of a sweep */
    const int64_t *collected = chains->collected + position;
    b->curve->evaluated[t] = b->curve->unscreened[t] = NAN;
    if (!chains->screening.tile)
        return;
    b->curve->evaluated[t] = (double)collected[NNSM_COUNT_PASSED * chains->temperatures] / ((sweeps - whole) * flips);
    b->curve->unscreened[t] = (double)collected[NNSM_COUNT_WHOLE * chains->temperatures] / (whole * flips);
}

/* One after the other, where groups of temperatures differ. */
static void add_proposals(nnsm_curve *curve, const nnsm_self_learning *sampler)
{
    char text[sizeof curve->proposals];
    size_t used = strlen(curve->proposals);
    nnsm_self_learning_describe(sampler, text, sizeof text);
    if (!strstr(curve->proposals, text))
        (void)snprintf(curve->proposals + used, sizeof curve->proposals - used, "%s%s", used ? "; " : "", text);
}

static void evaluate_row(nnsm_branch *b, size_t t)
{
    const nnsm_config *c = b->run->config;
    nnsm_curve *curve = b->curve;
    size_t position = 0;
    const nnsm_chains *chains = find_temperature(b, c->scan.temperatures[t], &position);
    const nnsm_ladders *l = &chains->ladders;
    double sweeps = (double)chains->sweep - (double)c->scan.thermalization;
    double proposals = sweeps * (double)curve->walkers * (chains->sampler ? 1 : (double)b->run->lattice.sites);
    double moves = chains->moves.count ? evaluate_moves(b, chains, position, t) : 0;
    proposals = chains->moves.count && !chains->sampler ? moves : proposals;
    curve->acceptance[t] = (double)chains->collected[position] / proposals;
    curve->regenerated[t] = chains->regenerator ? (double)chains->collected[chains->temperatures + position] /
                                                      (sweeps * (double)curve->walkers)
                                                : NAN;
    evaluate_screen(b, chains, position, t, sweeps);
    curve->surrogate_scale[t] = chains->sampler ? chains->scale.scale[position] : NAN;
    curve->self_learning += chains->sampler != NULL;
    if (chains->sampler)
        add_proposals(curve, chains->sampler);
    curve->exchange_rate[t] =
        l->attempted[position] ? (double)l->exchanged[position] / (double)l->attempted[position] : 0;
}

/* A vote every so many series, some 15 ms. Stopped, the run goes on from the end of the scan. */
enum { VOTE_SERIES = 256 };

static nnsm_status evaluate_cells(nnsm_branch *b, nnsm_error *error)
{
    nnsm_run *run = b->run;
    const double *temperature = run->config->scan.temperatures;
    size_t position, walkers = (size_t)run->config->scan.walkers, most = 0, t = 0;
    size_t at_once = walkers < VOTE_SERIES ? VOTE_SERIES / walkers : 1;
    for (int64_t g = 0; g < b->groups; g++)
        most += nnsm_chains_most_kept(&b->group[g]);
    for (size_t done = 0; done < most; done += at_once) {
        nnsm_request request = nnsm_stop_vote(&run->stop, NNSM_VOTE_EVALUATE, run->world);
        if (request > NNSM_CHECKPOINT)
            return nnsm_checkpoint_stop(run, request, error);
        for (size_t own = 0; own < at_once && t < b->curve->temperatures; t++) {
            const nnsm_chains *chains = find_temperature(b, temperature[t], &position);
            if (!nnsm_chains_own(chains, position))
                continue;
            nnsm_chains_evaluate(chains, position, b->curve->cell + t * NNSM_OBSERVABLES);
            nnsm_starts_evaluate(chains, position, b->curve->by_start + t * NNSM_STARTS);
            own++;
        }
    }
    return NNSM_OK;
}

/* From the temperature where fewest are accepted to that where most are, at the end of a text; nothing where none were
 * made. share: in, [temperatures]. */
static void list_accepted(const nnsm_branch *b, const char *moves, const double *share, char *text, size_t size)
{
    const double *temperature = b->run->config->scan.temperatures;
    size_t least = 0, most = 0, used = strlen(text);
    if (isnan(share[0]))
        return;
    for (size_t t = 1; t < b->curve->temperatures; t++) {
        least = share[t] < share[least] ? t : least;
        most = share[t] > share[most] ? t : most;
    }
    (void)snprintf(text + used, size - used, "%sof the %s %.3f (T = %g) to %.3f (T = %g)", used ? ", " : "", moves,
                   share[least], temperature[least], share[most], temperature[most]);
}

static void say_moves(const nnsm_branch *b)
{
    const nnsm_curve *c = b->curve;
    char text[512] = "", moves[64], trips[64] = "", share[64] = "";
    double evaluated = 0, screened = 0;
    if (c->self_learning)
        list_accepted(b, "proposals", c->acceptance, text, sizeof text);
    else if (b->run->alphabet.count == 2)
        list_accepted(b, "single flips", c->acceptance, text, sizeof text);
    for (int m = 0; m < NNSM_MOVES && b->run->alphabet.count > 2; m++) {
        (void)snprintf(moves, sizeof moves, "moves \"%s\"", nnsm_move_name((nnsm_move)m));
        list_accepted(b, moves, c->moved + (size_t)m * c->temperatures, text, sizeof text);
    }
    list_accepted(b, "regenerated suffixes", c->regenerated, text, sizeof text);
    for (size_t t = 0; t < c->temperatures; t++) {
        evaluated += isnan(c->evaluated[t]) ? 0 : c->evaluated[t];
        screened += isnan(c->evaluated[t]) ? 0 : 1;
    }
    if (screened > 0)
        (void)snprintf(share, sizeof share, ", %.2f of those that were screened evaluated", evaluated / screened);
    int64_t all = 0;
    for (size_t w = 0; w < c->walkers; w++)
        all += c->round_trips[w];
    if (b->run->config->scan.exchange && c->temperatures > 1)
        (void)snprintf(trips, sizeof trips, "; %.1f round trips a ladder", (double)all / (double)c->walkers);
    nnsm_say(&b->run->log, "%s: %s are accepted%s%s", b->title, text, share, trips);
}

nnsm_status nnsm_branch_evaluate(nnsm_branch *branch, nnsm_error *error)
{
    nnsm_branch *b = branch;
    nnsm_curve *curve = b->curve;
    const nnsm_config *c = b->run->config;
    size_t temperatures = (size_t)c->scan.temperatures_count, walkers = (size_t)c->scan.walkers;
    nnsm_status status = nnsm_curve_create(curve, temperatures, walkers, b->rate, error);
    status = nnsm_agree(b->run->world, status, error);
    if (status)
        return status;
    for (int64_t g = 0; g < b->groups; g++)
        nnsm_chains_collect(&b->group[g]);
    status = evaluate_cells(b, error);
    if (status)
        return status;
    for (size_t t = 0; t < temperatures; t++)
        evaluate_row(b, t);
    nnsm_share(b->run->world, temperatures * NNSM_OBSERVABLES * (sizeof *curve->cell / sizeof(double)),
               (double *)curve->cell);
    nnsm_share(b->run->world, temperatures * NNSM_STARTS * (sizeof *curve->by_start / sizeof(double)),
               (double *)curve->by_start);
    for (size_t t = 0; t < temperatures; t++)
        if (!isfinite(curve->cell[t * NNSM_OBSERVABLES + NNSM_LEARNED_ENERGY].mean))
            return nnsm_fail(error, NNSM_FAILURE,
                             "the energy is not finite at T = %g: the network is damaged; train anew",
                             c->scan.temperatures[t]);
    memcpy(curve->round_trips, b->group[0].ladders.round_trips, walkers * sizeof *curve->round_trips);
    say_moves(b);
    nnsm_anchor anchor = anchor_of(b);
    return nnsm_thermodynamics_evaluate(b->run, b->group, (size_t)b->groups, &anchor, b->title, curve, error);
}
