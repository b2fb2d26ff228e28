#include "stage/trust.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "statistics/reweight.h"

static_assert((int)NNSM_TRUST_OWN_H == (int)NNSM_OBSERVABLES, "a fixed H stands after the observables");

enum { FEW_SWEEPS = 256 };

typedef struct {
    nnsm_run *run;
    const nnsm_trust_subject *subject;
    nnsm_trust *out;
} stage;

/* ---- what is there */

static nnsm_status create(nnsm_trust *trust, size_t temperatures, size_t networks, bool distilled, nnsm_error *error)
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

/* ---- the other Hamiltonians */

nnsm_status nnsm_trust_judges_create(nnsm_trust_judges *judges, const nnsm_members *members,
                                     const nnsm_couplings *couplings, bool distilled, nnsm_error *error)
{
    size_t others = members->count - 1 + distilled;
    *judges = (nnsm_trust_judges){.judges.count = others};
    nnsm_status status = NNSM_NEW(&judges->judges.tile, others + 1, "trust", error);
    for (size_t k = 1; k < members->count && !status; k++) {
        status = nnsm_network_learned(&judges->learned[k], &members->network[k], error);
        if (!status)
            status = nnsm_learned_tile_create(&judges->judges.tile[k - 1], judges->learned[k], error);
    }
    if (!status && distilled)
        status = nnsm_local_tile_create(&judges->judges.tile[others - 1], &couplings->local, error);
    return status;
}

void nnsm_trust_judges_destroy(nnsm_trust_judges *judges)
{
    for (size_t k = 0; judges->judges.tile && k < judges->judges.count; k++)
        nnsm_tile_destroy(&judges->judges.tile[k]);
    for (size_t k = 1; k < NNSM_MOST_MEMBERS; k++)
        nnsm_learned_destroy(judges->learned[k]);
    nnsm_release(judges->judges.tile);
    *judges = (nnsm_trust_judges){0};
}

/* ---- samples */

static nnsm_status vote(stage *s, nnsm_error *error)
{
    nnsm_request request = nnsm_stop_vote(&s->run->stop, NNSM_VOTE_TRUST, s->run->world);
    return request > NNSM_CHECKPOINT ? nnsm_checkpoint_stop(s->run, request, error) : NNSM_OK;
}

/* Chains of a short scan, or of one whose samples were of other networks, go on until there are enough; not longer than
 * a quarter of the scan, or, where those are few sweeps, than the scan itself. Every rank goes on as long. */
static nnsm_status go_on(stage *s, nnsm_chains *c, nnsm_error *error)
{
    const nnsm_config *config = s->run->config;
    nnsm_status status = NNSM_OK;
    size_t missing = c->common.rounds < c->common.least ? c->common.least - c->common.rounds : 0;
    double wanted = (double)missing * c->common.stride * (double)config->scan.exchange_interval;
    double sweeps = (double)config->scan.sweeps, most = fmax(0.25 * sweeps, fmin(sweeps, FEW_SWEEPS));
    uint32_t target = c->sweep + (uint32_t)fmin(wanted, most);
    while (c->sweep < target && !status) {
        status = vote(s, error);
        if (!status)
            nnsm_chains_step(c, target);
    }
    return status;
}

/* ---- evaluation */

static size_t position_of(const nnsm_config *config, double temperature)
{
    for (int t = 0; t < config->scan.temperatures_count; t++)
        if (nnsm_same_temperature(config->scan.temperatures[t], temperature))
            return (size_t)t;
    return SIZE_MAX; /* of an earlier scan with more temperatures */
}

/* Too few measurements for blocks of them: nothing is known. */
static void know_nothing(nnsm_trust *out, size_t position)
{
    for (size_t k = 0; k < out->hamiltonians; k++)
        for (size_t q = 0; q < NNSM_TRUST_QUANTITIES; q++)
            out->value[(k * NNSM_TRUST_QUANTITIES + q) * out->temperatures + position] = NAN;
    for (size_t q = 0; q < NNSM_TRUST_QUANTITIES && out->distilled; q++) {
        out->cell[position * NNSM_TRUST_QUANTITIES + q].systematic = NAN;
        out->cell[position * NNSM_TRUST_QUANTITIES + q].systematic_error = NAN;
    }
}

static nnsm_status estimate_group(stage *s, const nnsm_chains *c, const nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    size_t samples = c->common.rounds * c->walkers, columns = c->common.columns;
    for (size_t t = 0; t < c->own_temperatures && !status; t++) {
        double temperature = c->temperature[c->first_temperature + t];
        size_t position = position_of(s->run->config, temperature);
        if (position == SIZE_MAX)
            continue;
        const double *rows = nnsm_common_rows(&c->common, c, t);
        if (samples < NNSM_REWEIGHT_BLOCKS)
            know_nothing(s->out, position);
        else
            status = nnsm_trust_estimate(s->out, position, temperature, s->subject->temperature,
                                         (double)s->run->lattice.sites, nnsm_run_magnetic_sites(s->run), rows, samples,
                                         scanned, error);
        size_t seen = 0;
        for (size_t i = 0; i < samples; i++) {
            double h = rows[i * columns + NNSM_COMMON_H];
            seen += h >= s->out->low && h <= s->out->high;
        }
        s->out->support[position] = samples ? (double)seen / (double)samples : 0;
    }
    return nnsm_agree(s->run->world, status, error);
}

static void share(const stage *s)
{
    nnsm_trust *o = s->out;
    size_t t = o->temperatures, h = o->hamiltonians;
    nnsm_share(s->run->world, t * NNSM_TRUST_QUANTITIES * (sizeof *o->cell / sizeof(double)), (double *)o->cell);
    nnsm_share(s->run->world, h * NNSM_TRUST_QUANTITIES * t, o->value);
    nnsm_share(s->run->world, h * t, o->effective);
    nnsm_share(s->run->world, t, o->support);
}

/* ---- the stage */

static nnsm_status evaluate(stage *s, const nnsm_scanned *scanned, nnsm_error *error)
{
    const nnsm_trust_subject *u = s->subject;
    nnsm_status status = NNSM_OK;
    for (size_t g = 0; g < u->groups && !status; g++)
        status = go_on(s, &u->group[g], error);
    s->out->samples = u->group[0].common.rounds * u->group[0].walkers;
    for (size_t g = 0; g < u->groups && !status; g++)
        status = estimate_group(s, &u->group[g], scanned, error);
    if (!status)
        share(s);
    return status;
}

nnsm_status nnsm_stage_trust(nnsm_run *run, const nnsm_trust_subject *subject, nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_trust *out = &scanned->trust;
    stage s = {.run = run, .subject = subject, .out = out};
    nnsm_run_begin(run, NNSM_STAGE_TRUST);
    nnsm_status status =
        create(out, scanned->learned.temperatures, subject->members->count, scanned->distilled.cell != NULL, error);
    status = nnsm_agree(run->world, status, error);
    out->constant = subject->couplings->constant;
    if (!status)
        status = nnsm_trust_seen(run, subject->learned, scanned, subject->temperature, out, error);
    if (!status)
        status = evaluate(&s, scanned, error);
    if (!status)
        status = nnsm_trust_audit(run, subject->learned, out, error);
    if (!status)
        nnsm_trust_total(out, scanned, (double)run->lattice.sites);
    if (!status)
        status = nnsm_second_compare(run, subject->learned, scanned, out, error);
    nnsm_run_end(run, NNSM_STAGE_TRUST);
    return status;
}
