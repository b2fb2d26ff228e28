#include "stage/scan.h"

#include <math.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/branch.h"
#include "stage/convergence.h"
#include "stage/trust.h"

/* Random streams: chains of the learned scan count from 0, those of the others from here, and ancestral samples
 * (ancestral.c) from 2^31. */
static const uint32_t reference_stream = 1u << 30, distilled_stream = 3u << 29;

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

/* The learned Hamiltonian; the true model where it is known, the distilled Hamiltonian where there is one, both where
 * they are wanted. */
enum { MOST_BRANCHES = 3 };

typedef struct {
    nnsm_run *run;
    nnsm_tile sampler; /* for the first configurations, as are these */
    nnsm_starts starts;
    nnsm_trust_judges judges; /* of the learned branch's samples */
    size_t branches;
    nnsm_branch branch[MOST_BRANCHES];
} scan;

static nnsm_status make_learned(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_learned_tile_create(tile, hamiltonian, error);
}

static nnsm_status make_screened(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_learned_screened_tile_create(tile, hamiltonian, error);
}

static nnsm_status make_reference(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_model_tile_create(tile, hamiltonian, error);
}

static nnsm_status make_distilled(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_local_tile_create(tile, hamiltonian, error);
}

/* ---- saving and restoring */

static nnsm_status save(void *context, nnsm_request request, nnsm_error *error)
{
    scan *s = context;
    nnsm_state state;
    size_t bytes = 0;
    for (size_t i = 0; i < s->branches; i++)
        bytes += nnsm_branch_bytes(&s->branch[i]);
    if (nnsm_checkpoint_begin(s->run, &state, NNSM_AT_SCAN, bytes))
        for (size_t i = 0; i < s->branches; i++)
            nnsm_branch_save(&s->branch[i], &state);
    return nnsm_checkpoint_end(s->run, &state, request, error);
}

static nnsm_status restore(scan *s, nnsm_error *error)
{
    nnsm_state state;
    nnsm_error closing;
    nnsm_status status = nnsm_checkpoint_open(s->run, &state, error);
    if (status)
        return status;
    for (size_t i = 0; i < s->branches && !status; i++)
        status = nnsm_branch_restore(&s->branch[i], &state, error);
    nnsm_status closed = nnsm_state_finish(&state, &closing);
    if (!status && closed)
        *error = closing;
    return status ? status : closed;
}

/* ---- the parts of the stage */

static void add_branch(scan *s, nnsm_branch branch)
{
    branch.run = s->run;
    branch.sampler = &s->sampler;
    branch.starts = &s->starts;
    branch.learned = &s->branch[0];
    branch.temperature = s->branches ? s->branch[0].temperature : branch.temperature;
    s->branch[s->branches++] = branch;
}

static bool distilled(const nnsm_run *run, const nnsm_couplings *couplings)
{
    return couplings->present && run->config->scan.distilled;
}

static void list_branches(scan *s, nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                          const nnsm_couplings *couplings, nnsm_scanned *scanned)
{
    bool self = run->config->scan.sampler == NNSM_CONFIG_SELF_LEARNING;
    bool spins = run->alphabet.count == 2, moves = nnsm_move_list_stated(run);
    bool possible = nnsm_screening_possible(run, &trained->network, couplings);
    *s = (scan){.run = run};
    add_branch(s, (nnsm_branch){.name = "/scan/learned",
                                .title = "scan",
                                .stage = NNSM_STAGE_SCAN,
                                .make = make_learned,
                                .hamiltonian = learned,
                                .proposer = {self && couplings->present && !moves ? &couplings->projected : NULL,
                                             couplings->error, true, false},
                                .screen = {possible ? couplings : NULL, make_screened},
                                .regenerate = run->config->scan.regenerate ? learned : NULL,
                                .temperature = nnsm_network_shape_of(&trained->network).temperature,
                                .curve = &scanned->learned});
    bool told = run->windowing.masked && run->config->couplings.enabled; /* that couplings are left out */
    if (self && moves && !told)
        nnsm_say(&run->log, "scan: scan.moves are stated; Metropolis moves instead of self-learning");
    else if (self && !couplings->present && !told)
        nnsm_say(&run->log, "scan: self-learning needs couplings, which are switched off or too many; %s",
                 nnsm_single_moves(run));
    if (run->model_known && run->config->scan.reference)
        add_branch(
            s, (nnsm_branch){.name = "/scan/true",
                             .title = "reference",
                             .stage = NNSM_STAGE_REFERENCE,
                             .stream = reference_stream,
                             .make = make_reference,
                             .hamiltonian = &run->model,
                             .proposer = {self && !run->model.multistate ? &run->model.local : NULL, NULL, false, true},
                             .curve = &scanned->reference});
    if (distilled(run, couplings))
        add_branch(s, (nnsm_branch){.name = "/scan/distilled",
                                    .title = "distilled",
                                    .stage = NNSM_STAGE_DISTILLED,
                                    .stream = distilled_stream,
                                    .make = make_distilled,
                                    .hamiltonian = &couplings->local,
                                    .proposer = {self && spins ? &couplings->local : NULL, NULL, true, true},
                                    .curve = &scanned->distilled});
}

static nnsm_status prepare(scan *s, const nnsm_learned *learned, const nnsm_couplings *couplings,
                           const nnsm_members *members, nnsm_error *error)
{
    nnsm_run *run = s->run;
    nnsm_status status = nnsm_learned_tile_create(&s->sampler, learned, error);
    if (!status)
        status = nnsm_trust_judges_create(&s->judges, members, couplings, distilled(run, couplings), error);
    s->branch[0].judges = s->judges.judges;
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_starts_create(&s->starts, run, s->branch[0].temperature, error);
    bool valid = run->resume.progress == NNSM_AT_SCAN && !run->resume.rescan && run->resume.network == run->network;
    if (!status && valid)
        status = restore(s, error);
    for (size_t i = 0; i < s->branches && !status; i++)
        status = nnsm_branch_complete(&s->branch[i], error);
    return status;
}

/* Ancestral samples with the energies of all branches: the anchor of their free energies, and one more temperature for
 * the chains' acceptance ratios. */
static nnsm_status sample(scan *s, const nnsm_learned *learned, const nnsm_trained *trained, nnsm_scanned *scanned,
                          nnsm_error *error)
{
    nnsm_witness *witnesses[MOST_BRANCHES];
    nnsm_status status = NNSM_OK;
    nnsm_run_begin(s->run, NNSM_STAGE_SAMPLES);
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
        nnsm_branch_anchor(&s->branch[i]);
    nnsm_run_end(s->run, NNSM_STAGE_SAMPLES);
    return status;
}

/* All branches: first up to the last sweep at which they may be saved, and a checkpoint there, from which more sweeps
 * can go on; then to the end. */
static nnsm_status run_all(scan *s, nnsm_error *error)
{
    uint32_t swept = 0;
    nnsm_status status = NNSM_OK;
    for (size_t i = 0; i < s->branches && !status; i++)
        status = nnsm_branch_run(&s->branch[i], save, s, &swept, error);
    if (!status && swept)
        status = save(s, NNSM_CHECKPOINT, error);
    nnsm_run_begin(s->run, NNSM_STAGE_EVALUATION);
    for (size_t i = 0; i < s->branches && !status; i++)
        nnsm_branch_finish(&s->branch[i]);
    for (size_t i = 0; i < s->branches && !status; i++)
        status = nnsm_branch_evaluate(&s->branch[i], error);
    nnsm_run_end(s->run, NNSM_STAGE_EVALUATION);
    return status;
}

static nnsm_status judge(scan *s, const nnsm_learned *learned, const nnsm_couplings *couplings,
                         const nnsm_members *members, nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_trust_subject subject = {s->branch[0].group, (size_t)s->branch[0].groups, learned, members,
                                  couplings,          s->branch[0].temperature};
    return nnsm_stage_trust(s->run, &subject, scanned, error);
}

/* By construction all where the network works below the windows. */
static void report_consistency(const nnsm_run *run, const nnsm_scanned *scanned)
{
    if (nnsm_window_overlaps(&run->windowing.window) && !isnan(scanned->inconsistent))
        nnsm_say(&run->log, "scan: %.4f of the ancestral samples have a preimage under the windows",
                 1 - scanned->inconsistent / NNSM_ANCESTRAL_SAMPLES);
}

static void report(scan *s, const nnsm_summary *data, nnsm_scanned *scanned)
{
    report_consistency(s->run, scanned);
    nnsm_warn_of_range(s->run, s->branch[0].temperature);
    for (size_t i = 0; i < s->branches; i++) {
        nnsm_starts_report(s->run, s->branch[i].curve, s->branch[i].title);
        nnsm_warn_of_convergence(s->run, s->branch[i].curve, s->branch[i].title);
        nnsm_warn_of_screen(s->run, s->branch[i].curve, s->branch[i].title);
    }
    nnsm_check_against_data(s->run, data, scanned);
    nnsm_check_against_samples(s->run, scanned);
    nnsm_trust_report(s->run, &scanned->trust);
}

/* The distilled H is the learned one's projection, constant included; chains need no constant. */
static void add_constant(nnsm_curve *curve, double constant)
{
    for (size_t t = 0; t < curve->temperatures; t++)
        curve->cell[t * NNSM_OBSERVABLES + NNSM_LEARNED_ENERGY].mean += constant;
    for (size_t i = 0; i < curve->temperatures * NNSM_STARTS; i++)
        curve->by_start[i].mean[NNSM_START_H] += constant;
}

static void destroy(scan *s)
{
    for (size_t i = 0; i < s->branches; i++)
        nnsm_branch_destroy(&s->branch[i]);
    nnsm_trust_judges_destroy(&s->judges);
    nnsm_starts_destroy(&s->starts);
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
    if (!status) {
        list_branches(s, run, learned, trained, couplings, scanned);
        status = prepare(s, learned, couplings, members, error);
    }
    if (!status)
        status = sample(s, learned, trained, scanned, error);
    if (!status)
        status = run_all(s, error);
    if (!status)
        status = judge(s, learned, couplings, members, scanned, error);
    if (!status)
        report(s, &trained->summary, scanned);
    if (!status && scanned->distilled.cell)
        add_constant(&scanned->distilled, couplings->distilled_constant / (double)run->lattice.sites);
    if (s)
        destroy(s);
    return status;
}
