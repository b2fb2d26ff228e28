#include "stage/couplings.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "hamiltonian/refinement.h"
#include "setup/agree.h"
#include "stage/couplings_basis.h"
#include "stage/pseudo_search.h"

/* Random stream of the samples: apart from those of the scan's chains and of its distribution. */
static const uint32_t samples_stream = 3u << 30;
enum { MOST_CLASSES = 2048 }; /* their normal equations are dense: seconds and 100 MB */

typedef struct {
    nnsm_run *run;
    nnsm_couplings *out;
    nnsm_tile tile;
    nnsm_samples data, samples;  /* samples: those H is projected on; without configurations they are drawn */
    double *energy[NNSM_BLOCKS]; /* [rows] H of own blocks of samples */
    bool drawn;
    nnsm_projection projection;
    nnsm_refinement refinement;
    nnsm_pseudo *pseudo;
    double *total, *pulls;
    double *table;  /* [NNSM_BLOCKS][classes] sums of O over the data */
    int8_t *padded; /* [NNSM_TILE][sites] */
} stage;

void nnsm_couplings_destroy(nnsm_couplings *couplings)
{
    double *arrays[] = {couplings->coupling,   couplings->error, couplings->likelihood, couplings->likelihood_error,
                        couplings->difference, couplings->truth, couplings->refined,    couplings->refined_error,
                        couplings->distilled,  couplings->spread};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    nnsm_operators_destroy(&couplings->operators);
    *couplings = (nnsm_couplings){0};
}

/* ---- the basis */

static nnsm_status create_basis(stage *s, nnsm_error *error)
{
    nnsm_couplings *o = s->out;
    nnsm_status status = nnsm_agree(s->run->world, nnsm_couplings_operators(&o->operators, s->run, error), error);
    size_t k = o->operators.classes;
    double **arrays[] = {&o->coupling, &o->error,   &o->likelihood,    &o->likelihood_error, &o->difference,
                         &o->truth,    &o->refined, &o->refined_error, &o->distilled,        &o->spread};
    o->present = !status && k > 0 && k <= MOST_CLASSES;
    if (!status && !o->present)
        nnsm_warn(&s->run->log,
                  "couplings: a basis of %zu operators, 1 to %d are possible; change couplings.basis or "
                  "couplings.range. Couplings and distilled scan are left out",
                  k, MOST_CLASSES);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && o->present && !status; i++)
        status = NNSM_NEW(arrays[i], k, "couplings", error);
    o->local = (nnsm_local){&o->operators, o->distilled};
    o->projected = (nnsm_local){&o->operators, o->coupling};
    return nnsm_agree(s->run->world, status, error);
}

/* ---- least squares */

/* Room for the samples: a part of the data, or tiles to draw. Four samples an operator are the least. */
static nnsm_status create_samples(stage *s, nnsm_error *error)
{
    size_t wanted = (size_t)s->run->config->couplings.samples, least = 4 * s->out->operators.classes;
    size_t rows = ((wanted > least ? wanted : least) + NNSM_BLOCKS - 1) / NNSM_BLOCKS;
    nnsm_status status = NNSM_OK;
    s->drawn = s->run->config->couplings.source == NNSM_CONFIG_ANCESTRAL;
    if (s->drawn)
        status = nnsm_samples_create(&s->samples, s->run, (rows + NNSM_TILE - 1) / NNSM_TILE * NNSM_TILE, error);
    else if (!s->data.configurations)
        return nnsm_fail(
            error, NNSM_DATA,
            "couplings.source = \"ensemble\": the ensemble of this network is not at hand; restore it, or take "
            "\"ancestral\"");
    for (size_t b = 0; b < NNSM_BLOCKS && !s->drawn; b++) {
        s->samples.rows[b] = s->data.rows[b] < rows ? s->data.rows[b] : rows;
        s->samples.configuration[b] = s->data.configuration[b]; /* borrowed */
        s->samples.configurations += s->samples.rows[b];
    }
    s->out->samples = s->samples.configurations;
    for (size_t b = 0; b < NNSM_BLOCKS && !status; b++)
        if (s->samples.configuration[b])
            status = NNSM_NEW(&s->energy[b], s->samples.rows[b], "samples", error);
    return nnsm_agree(s->run->world, status, error);
}

/* The configurations of a block, drawn from the network where they are not data, and H of them. */
static void fill_block(stage *s, size_t block)
{
    size_t rows = s->samples.rows[block], sites = s->run->lattice.sites;
    double energy[NNSM_TILE];
    for (size_t first = 0; first < rows; first += NNSM_TILE) {
        size_t count = rows - first < NNSM_TILE ? rows - first : NNSM_TILE;
        int8_t *c = s->samples.configuration[block] + first * sites;
        if (s->drawn) {
            nnsm_learned_sample(&s->tile, s->run->key, samples_stream + (uint32_t)(block * rows + first), c);
        } else { /* a tile is always full */
            for (size_t r = 0; r < NNSM_TILE; r++)
                memcpy(s->padded + r * sites, c + (r < count ? r : 0) * sites, sites);
            s->tile.methods->load(s->tile.state, s->padded);
        }
        s->tile.methods->energy(s->tile.state, energy);
        memcpy(s->energy[block] + first, energy, count * sizeof *energy);
    }
}

static void each_tile(stage *s, size_t block, double *sums,
                      void (*add)(nnsm_projection *, const int8_t *, const double *, size_t, double *))
{
    size_t rows = s->samples.rows[block];
    for (size_t first = 0; first < rows; first += NNSM_TILE)
        add(&s->projection, s->samples.configuration[block] + first * s->run->lattice.sites, s->energy[block] + first,
            rows - first < NNSM_TILE ? rows - first : NNSM_TILE, sums);
}

static void add_moments(void *context, size_t block, double *sums)
{
    stage *s = context;
    fill_block(s, block);
    each_tile(s, block, sums, nnsm_projection_add);
}

static void add_pulls(void *context, size_t block, double *sums)
{
    each_tile(context, block, sums, nnsm_projection_pull);
}

static nnsm_status project(stage *s, nnsm_error *error)
{
    nnsm_couplings *o = s->out;
    nnsm_projection *p = &s->projection;
    size_t k = p->classes;
    nnsm_status status =
        nnsm_samples_sum(s->run, NNSM_BLOCKS, add_moments, s, nnsm_projection_moments(p), s->total, 0, s->pulls, error);
    if (status)
        return status;
    nnsm_projection_solve(p, s->total);
    status = nnsm_samples_sum(s->run, NNSM_BLOCKS, add_pulls, s, k + 2, s->total, k + 2, s->pulls, error);
    if (status)
        return status;
    nnsm_projection_errors(p, s->pulls, o->error);
    memcpy(o->coupling, p->coupling, k * sizeof *o->coupling);
    o->constant = p->constant;
    o->r2 = p->r2;
    o->residual = p->residual;
    for (size_t c = 0; c < k; c++)
        if (!isfinite(o->coupling[c]))
            return nnsm_fail(error, NNSM_FAILURE, "the couplings are not finite: the network is damaged; train anew");
    return NNSM_OK;
}

/* ---- maximum likelihood from there */

/* Weights that leave less of the samples say that H is not in the basis. A step that moves no coupling by more of its
 * error is the last one: two where the network has learned its data well, up to five elsewhere. */
static const double least_effective = 0.2, last_move = 0.1;
enum { MOST_REFINEMENTS = 20 };

static void add_data(void *context, size_t block, double *sums)
{
    stage *s = context;
    nnsm_refinement_add_data(&s->refinement, s->data.configuration[block], s->data.rows[block], sums);
}

static void add_weighted(void *context, size_t block, double *sums)
{
    stage *s = context;
    nnsm_refinement_add(&s->refinement, s->out->refined, s->out->constant, s->samples.configuration[block],
                        s->energy[block], s->samples.rows[block], sums);
}

/* Is there a maximum likelihood still, after so many steps? */
static bool accept(stage *s, double moved, int steps)
{
    const nnsm_couplings *o = s->out;
    double effective = s->refinement.effective;
    bool enough = effective >= least_effective * (double)o->samples, settled = moved <= last_move;
    if (!enough)
        nnsm_say(&s->run->log,
                 "couplings: no maximum likelihood: under it %lld samples of the network are worth %.0f; H is not "
                 "nearly in the basis, or the network has not learned its data",
                 (long long)o->samples, effective);
    else if (!settled && steps == MOST_REFINEMENTS)
        nnsm_say(&s->run->log, "couplings: no maximum likelihood: after %d steps one still moves by %.2g of its error",
                 steps, moved);
    return enough && (settled || steps < MOST_REFINEMENTS);
}

static nnsm_status refine(stage *s, nnsm_error *error)
{
    nnsm_couplings *o = s->out;
    nnsm_refinement *r = &s->refinement;
    size_t k = o->operators.classes;
    nnsm_status status = NNSM_OK;
    memcpy(o->distilled, o->coupling, k * sizeof *o->coupling);
    memcpy(o->refined, o->coupling, k * sizeof *o->coupling);
    o->refined_present = s->drawn && s->data.configurations > 0;
    double moved = INFINITY;
    for (int step = 0; moved > last_move && o->refined_present && !status; step++) {
        if (step == 0) {
            status = nnsm_samples_sum(s->run, NNSM_BLOCKS, add_data, s, k, s->total, k, s->table, error);
            nnsm_refinement_data(r, s->total, (double)s->data.configurations);
        }
        if (!status)
            status = nnsm_samples_sum(s->run, NNSM_BLOCKS, add_weighted, s, nnsm_refinement_sums(r), s->total, 0,
                                      s->pulls, error);
        if (status)
            break;
        nnsm_refinement_step(r, s->total, o->refined);
        nnsm_refinement_errors(r, s->data.rows, s->table, o->refined_error);
        moved = nnsm_refinement_moved(r, o->refined_error);
        /* That of rank 0 for all: on other processors the last bit may differ, and with it the number of steps. */
        NNSM_MPI(MPI_Bcast(o->refined, (int)k, MPI_DOUBLE, 0, s->run->world));
        NNSM_MPI(MPI_Bcast(&moved, 1, MPI_DOUBLE, 0, s->run->world));
        o->refined_present = accept(s, moved, step);
    }
    if (status)
        return status;
    if (o->refined_present) {
        memcpy(o->distilled, o->refined, k * sizeof *o->refined);
        status = nnsm_refinement_relevant(r, o->refined_error, o->distilled, error);
    }
    o->distilled_constant = s->projection.mean_energy;
    for (size_t c = 0; c < k; c++) {
        o->distilled_constant += o->distilled[c] * s->projection.mean[c];
        if (!o->refined_present)
            o->refined[c] = o->refined_error[c] = NAN;
    }
    return nnsm_agree(s->run->world, status, error);
}

/* ---- pseudo-likelihood */

static nnsm_status maximise(stage *s, nnsm_error *error)
{
    nnsm_couplings *o = s->out;
    size_t k = o->operators.classes;
    bool converged = false;
    for (size_t c = 0; c < k; c++)
        o->likelihood[c] = o->likelihood_error[c] = NAN;
    nnsm_status status = NNSM_OK;
    o->configurations = s->data.configurations;
    nnsm_pseudo_search search = {s->run, s->pseudo, &o->operators, &s->data, NULL};
    if (o->configurations)
        status = nnsm_pseudo_search_run(&search, o->likelihood, o->likelihood_error, &converged, error);
    if (!status && o->configurations && !converged)
        nnsm_warn(
            &s->run->log,
            "couplings: the pseudo-likelihood has no maximum at finite couplings, that of %.60s grows without end: too "
            "few or frozen configurations, sites that follow from others in all of them (sums in windows that "
            "overlap), or too large a basis",
            o->operators.class[nnsm_pseudo_fastest(s->pseudo)].name);
    for (size_t c = 0; c < k; c++)
        o->difference[c] = (o->coupling[c] - o->likelihood[c]) / hypot(o->error[c], o->likelihood_error[c]);
    return status;
}

/* ---- the stage */

static nnsm_status prepare(stage *s, const nnsm_learned *learned, double temperature, nnsm_error *error)
{
    const nnsm_operators *o = &s->out->operators;
    nnsm_status status =
        nnsm_samples_read(&s->data, s->run, temperature, SIZE_MAX, "couplings are read from the network alone", error);
    if (status)
        return status;
    status = create_samples(s, error);
    if (status)
        return status;
    status = nnsm_learned_tile_create(&s->tile, learned, error);
    if (!status)
        status = nnsm_projection_create(&s->projection, o, error);
    if (!status)
        status = nnsm_refinement_create(&s->refinement, o, temperature, error);
    if (!status)
        status = NNSM_NEW(&s->table, NNSM_BLOCKS * o->classes, "couplings", error);
    if (!status)
        status = nnsm_pseudo_create(&s->pseudo, o, temperature, error);
    if (!status) {
        size_t moments = nnsm_projection_moments(&s->projection), sums = nnsm_pseudo_sums(s->pseudo);
        status = NNSM_NEW(&s->total, moments > sums ? moments : sums, "couplings", error);
    }
    if (!status)
        status = NNSM_NEW(&s->pulls, NNSM_BLOCKS * (o->classes + 2), "couplings", error);
    if (!status)
        status = NNSM_NEW(&s->padded, NNSM_TILE * s->run->lattice.sites, "couplings", error);
    return nnsm_agree(s->run->world, status, error);
}

static void destroy(stage *s)
{
    if (!s->drawn)
        memset(s->samples.configuration, 0, sizeof s->samples.configuration); /* borrowed */
    nnsm_samples_destroy(&s->samples);
    nnsm_samples_destroy(&s->data);
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        nnsm_release(s->energy[b]);
    nnsm_tile_destroy(&s->tile);
    nnsm_projection_destroy(&s->projection);
    nnsm_refinement_destroy(&s->refinement);
    nnsm_release(s->table);
    nnsm_pseudo_destroy(s->pseudo);
    nnsm_release(s->total);
    nnsm_release(s->pulls);
    nnsm_release(s->padded);
}

/* J of another network on the basis of the first, on its own samples. */
static nnsm_status project_member(nnsm_run *run, const nnsm_network *network, nnsm_couplings *couplings,
                                  nnsm_error *error)
{
    nnsm_learned *learned = NULL;
    stage s = {.run = run, .out = couplings};
    *couplings = (nnsm_couplings){0};
    nnsm_status status = nnsm_agree(run->world, nnsm_network_learned(&learned, network, error), error);
    if (!status)
        status = create_basis(&s, error);
    if (!status)
        status = prepare(&s, learned, nnsm_network_shape_of(network).temperature, error);
    if (!status)
        status = project(&s, error);
    destroy(&s);
    nnsm_learned_destroy(learned);
    return status;
}

/* Standard deviation of J over the members, by Welford's recurrence. */
static nnsm_status find_spread(nnsm_run *run, const nnsm_members *members, nnsm_couplings *couplings, nnsm_error *error)
{
    nnsm_couplings other;
    size_t classes = couplings->operators.classes, count = members->count;
    double *mean = NULL;
    nnsm_status status = nnsm_agree(run->world, NNSM_NEW(&mean, classes, "couplings", error), error);
    for (size_t k = 1; k < count && !status; k++) {
        status = project_member(run, &members->network[k], &other, error);
        for (size_t c = 0; c < classes && !status; c++) {
            double change = other.coupling[c] - mean[c];
            mean[c] += change / (double)k;
            couplings->spread[c] += change * (other.coupling[c] - mean[c]);
        }
        nnsm_couplings_destroy(&other);
    }
    for (size_t c = 0; c < classes; c++)
        couplings->spread[c] = count > 2 ? sqrt(couplings->spread[c] / (double)(count - 2)) : NAN;
    nnsm_release(mean);
    return status;
}

nnsm_status nnsm_stage_couplings(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                                 const nnsm_members *members, nnsm_couplings *couplings, nnsm_error *error)
{
    stage s = {.run = run, .out = couplings};
    *couplings = (nnsm_couplings){0};
    if (!run->config->couplings.enabled)
        return NNSM_OK;
    if (run->windowing.masked) {
        nnsm_say(&run->log, "couplings: they know no support (window.route = \"masked\"); none are read, and "
                            "self-learning and distilled scan are left out");
        return NNSM_OK;
    }
    nnsm_run_begin(run, NNSM_STAGE_COUPLINGS);
    nnsm_status status = create_basis(&s, error);
    if (!status && couplings->present)
        status = prepare(&s, learned, nnsm_network_shape_of(&trained->network).temperature, error);
    if (!status && couplings->present)
        status = project(&s, error);
    if (!status && couplings->present)
        status = refine(&s, error);
    if (!status && couplings->present)
        status = maximise(&s, error);
    if (!status && couplings->present)
        status = nnsm_agree(run->world,
                            nnsm_couplings_truth_of_model(run, &couplings->operators, couplings->truth,
                                                          &couplings->truth_known, &couplings->missing, error),
                            error);
    destroy(&s);
    if (!status && couplings->present)
        status = find_spread(run, members, couplings, error);
    nnsm_run_end(run, NNSM_STAGE_COUPLINGS);
    if (!status && couplings->present)
        nnsm_couplings_report(run, couplings, &trained->network);
    return status;
}
