#include "stage/thermodynamics.h"

#include <math.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/nodes.h"

/* A disagreement worth a warning, of estimates at up to hundreds of temperatures that go together. */
static const double most_sigma = 4;

/* What is found at a temperature; at those of other ranks zero, until it is shared. */
enum {
    F = NNSM_F_COLUMNS,
    F_ERROR,
    S,
    S_ERROR,
    OFF_INTEGRATED, /* distances between the routes, in sigma */
    OFF_REWEIGHTED,
    FOUND
};

typedef struct {
    nnsm_run *run;
    const nnsm_anchor *anchor;
    const char *what;
    nnsm_curve *curve;
    nnsm_nodes nodes;
    double *log_weight;   /* [samples] */
    double *exponent;     /* [samples] */
    double *start;        /* [nodes.size] fluctuations of ln Z(T0) */
    double *row;          /* [nodes.size] */
    double log_partition; /* of T0 */
    double *found;        /* [temperatures][FOUND] */
} work;

const char *nnsm_free_energy_column_text(nnsm_free_energy_column column, const char **units, const char **description)
{
    static const char *const text[NNSM_F_COLUMNS][3] = {
        {"integrated", "energy per site", "F(T) - F(T0) by integration of <H> over 1 / T, from T0"},
        {"integrated_error", "energy per site", "statistical error of integrated"},
        {"integrated_systematic", "energy per site", "what the finite steps of the integration cost, estimated"},
        {"reweighted", "energy per site", "F(T) - F(T0) by reweighting the ancestral samples"},
        {"reweighted_error", "energy per site", "error of reweighted"},
        {"reweighted_samples", "1", "effective number of ancestral samples at this temperature"},
        {"overlap", "1", "overlap of the energies with the next temperature on the way to T0; 0.5: the same"},
    };
    *units = text[column][1];
    *description = text[column][2];
    return text[column][0];
}

/* ---- the anchor */

static double log_weight(const nnsm_anchor *a, double temperature, size_t i)
{
    return a->learned[i] / a->temperature - a->energy[i] / temperature;
}

double nnsm_anchor_energy(const nnsm_anchor *anchor)
{
    double most = -INFINITY, sum = 0, weights = 0;
    for (size_t i = 0; i < anchor->samples; i++)
        most = fmax(most, log_weight(anchor, anchor->temperature, i));
    for (size_t i = 0; i < anchor->samples; i++) {
        double w = exp(log_weight(anchor, anchor->temperature, i) - most);
        weights += w;
        sum += w * (anchor->energy[i] - anchor->energy[0]);
    }
    return anchor->energy[0] + sum / weights;
}

static nnsm_status allocate(work *w, nnsm_error *error)
{
    size_t n = w->curve->temperatures, samples = w->anchor->samples;
    nnsm_status status = NNSM_NEW(&w->curve->free_energy, NNSM_F_COLUMNS * n, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->log_weight, samples, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->exponent, samples, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->start, w->nodes.size, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->row, w->nodes.size, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->found, n * FOUND, "free energy", error);
    return nnsm_agree(w->run->world, status, error);
}

static void release(work *w)
{
    nnsm_nodes_destroy(&w->nodes);
    nnsm_release(w->log_weight);
    nnsm_release(w->exponent);
    nnsm_release(w->start);
    nnsm_release(w->row);
    nnsm_release(w->found);
}

/* ln Z(T0), of the curve too; false: the samples are worth too little. Rank 0 decides for all. */
static bool anchor_log_partition(work *w)
{
    nnsm_curve *c = w->curve;
    double n = (double)w->run->lattice.sites;
    for (size_t i = 0; i < w->anchor->samples; i++)
        w->log_weight[i] = log_weight(w->anchor, w->anchor->temperature, i);
    w->log_partition = nnsm_log_mean(&w->nodes.rows, w->anchor->samples, w->log_weight, w->start, &c->anchor_samples);
    c->log_partition = w->log_partition / n;
    c->log_partition_error = nnsm_rows_error(&w->nodes.rows, w->start) / n;
    NNSM_MPI(MPI_Bcast(&c->anchor_samples, 1, MPI_DOUBLE, 0, w->run->world));
    return c->anchor_samples >= NNSM_LEAST_SAMPLES;
}

/* ---- one temperature, where its fluctuations are */

/* F(T) - F(T0) per site of one estimate of ln Z(T), and the fluctuations into row. */
static double relative_free_energy(work *w, double t, double log_partition, const double *deviation)
{
    double n = (double)w->run->lattice.sites, t0 = w->anchor->temperature;
    for (size_t r = 0; r < w->nodes.size; r++)
        w->row[r] = (t0 * w->start[r] - t * deviation[r]) / n;
    return (t0 * w->log_partition - t * log_partition) / n;
}

static void find_ratios(work *w, size_t node, double *found)
{
    const nnsm_node *m = &w->nodes.node[node];
    const nnsm_log_partition *z = &w->nodes.log_partition[NNSM_BY_RATIOS][node];
    const double *deviation = nnsm_nodes_fluctuations(&w->nodes, node, NNSM_BY_RATIOS);
    double n = (double)w->run->lattice.sites, temperature = m->temperature,
           systematic = temperature * z->systematic / n;
    found[NNSM_F_OVERLAP] = z->overlap;
    if (!z->known)
        return;
    found[F] = relative_free_energy(w, temperature, z->value, deviation);
    found[F_ERROR] = hypot(nnsm_rows_error(&w->nodes.rows, w->row), systematic);
    found[S] = (m->value[NNSM_NODE_H] / temperature + z->value) / n;
    for (size_t r = 0; r < w->nodes.size; r++)
        w->row[r] = (m->deviation[NNSM_NODE_H * w->nodes.size + r] / temperature + deviation[r]) / n;
    found[S_ERROR] = hypot(nnsm_rows_error(&w->nodes.rows, w->row), systematic / temperature);
}

/* Distance of the ratios' F from another estimate whose ln Z has these fluctuations, in sigma of the difference. */
static double distance(work *w, size_t node, const double *found, const double *other, double estimate,
                       double systematic)
{
    const double *deviation = nnsm_nodes_fluctuations(&w->nodes, node, NNSM_BY_RATIOS);
    double n = (double)w->run->lattice.sites, temperature = w->nodes.node[node].temperature;
    for (size_t r = 0; r < w->nodes.size; r++)
        w->row[r] = temperature / n * (deviation[r] - other[r]);
    double error = hypot(nnsm_rows_error(&w->nodes.rows, w->row), systematic);
    double difference = fabs(found[F] - estimate);
    return difference > 1e-12 ? difference / error : 0;
}

static void find_integrated(work *w, size_t node, double *found)
{
    const nnsm_log_partition *z = &w->nodes.log_partition[NNSM_BY_INTEGRATION][node];
    const double *deviation = nnsm_nodes_fluctuations(&w->nodes, node, NNSM_BY_INTEGRATION);
    double temperature = w->nodes.node[node].temperature;
    if (!z->known)
        return;
    found[NNSM_F_INTEGRATED] = relative_free_energy(w, temperature, z->value, deviation);
    found[NNSM_F_INTEGRATED_ERROR] = nnsm_rows_error(&w->nodes.rows, w->row);
    found[NNSM_F_INTEGRATED_SYSTEMATIC] = temperature * z->systematic / (double)w->run->lattice.sites;
    found[OFF_INTEGRATED] =
        distance(w, node, found, deviation, found[NNSM_F_INTEGRATED], found[NNSM_F_INTEGRATED_SYSTEMATIC]);
}

/* Overwrites the integration's fluctuations at this temperature. */
static void find_reweighted(work *w, size_t node, double *found)
{
    double temperature = w->nodes.node[node].temperature;
    double *deviation = nnsm_nodes_fluctuations(&w->nodes, node, NNSM_BY_INTEGRATION);
    for (size_t i = 0; i < w->anchor->samples; i++)
        w->exponent[i] = log_weight(w->anchor, temperature, i);
    double value =
        nnsm_log_mean(&w->nodes.rows, w->anchor->samples, w->exponent, deviation, &found[NNSM_F_REWEIGHTED_SAMPLES]);
    if (found[NNSM_F_REWEIGHTED_SAMPLES] < NNSM_LEAST_SAMPLES)
        return;
    found[NNSM_F_REWEIGHTED] = relative_free_energy(w, temperature, value, deviation);
    found[NNSM_F_REWEIGHTED_ERROR] = nnsm_rows_error(&w->nodes.rows, w->row);
    found[OFF_REWEIGHTED] = distance(w, node, found, deviation, found[NNSM_F_REWEIGHTED], 0);
}

/* ---- all temperatures */

static void find(work *w)
{
    for (size_t t = 0; t < w->curve->temperatures; t++) {
        size_t node = nnsm_nodes_find(&w->nodes, t);
        double *found = w->found + t * FOUND;
        if (!nnsm_nodes_own(&w->nodes, node))
            continue;
        for (size_t k = 0; k < FOUND; k++)
            found[k] = NAN;
        find_ratios(w, node, found);
        find_integrated(w, node, found);
        find_reweighted(w, node, found);
    }
    nnsm_share(w->run->world, w->curve->temperatures * FOUND, w->found);
}

static void fill_curve(work *w)
{
    nnsm_curve *c = w->curve;
    for (size_t t = 0; t < c->temperatures; t++) {
        const double *found = w->found + t * FOUND;
        c->cell[t * NNSM_OBSERVABLES + NNSM_FREE_ENERGY] = (nnsm_cell){found[F], found[F_ERROR], NAN, NAN};
        c->cell[t * NNSM_OBSERVABLES + NNSM_ENTROPY] = (nnsm_cell){found[S], found[S_ERROR], NAN, NAN};
        for (size_t k = 0; k < NNSM_F_COLUMNS; k++)
            c->free_energy[k * c->temperatures + t] = found[k];
    }
}

/* ---- what to say */

typedef struct {
    double sigma, temperature;
} disagreement;

/* distance: which one. */
static disagreement worst(const work *w, size_t distance)
{
    disagreement worst = {0};
    for (size_t t = 0; t < w->curve->temperatures; t++)
        if (w->found[t * FOUND + distance] > worst.sigma)
            worst = (disagreement){w->found[t * FOUND + distance], w->run->config->scan.temperatures[t]};
    return worst;
}

/* The gaps nearest to T0 in both directions, and how the estimates agree. */
static void say(const work *w)
{
    nnsm_log *log = &w->run->log;
    const nnsm_node *node = w->nodes.node;
    const nnsm_log_partition *ratios = w->nodes.log_partition[NNSM_BY_RATIOS];
    disagreement integrated = worst(w, OFF_INTEGRATED), reweighted = worst(w, OFF_REWEIGHTED);
    for (int d = NNSM_DOWN; d <= NNSM_UP; d++) {
        size_t i = w->nodes.start, edge = d == NNSM_UP ? w->nodes.count - 1 : 0;
        while (i != edge && ratios[i].known)
            i += d == NNSM_UP ? 1 : (size_t)-1;
        if (!ratios[i].known)
            nnsm_warn(
                log,
                "%s: no free energy and no entropy from T = %g on, because its energies have too little in common "
                "with those at T = %g; take smaller steps between them",
                w->what, node[i].temperature, node[d == NNSM_UP ? i - 1 : i + 1].temperature);
    }
    if (integrated.sigma > most_sigma)
        nnsm_warn(log,
                  "%s: the free energies by acceptance ratios and by integration differ by %.1f sigma at T = %g; raise "
                  "scan.sweeps or thermalization, or take smaller steps",
                  w->what, integrated.sigma, integrated.temperature);
    if (reweighted.sigma > most_sigma)
        nnsm_warn(log,
                  "%s: the free energy of the chains is %.1f sigma off that of reweighted ancestral samples at T = %g; "
                  "raise scan.sweeps or thermalization",
                  w->what, reweighted.sigma, reweighted.temperature);
    nnsm_say(log,
             "%s: ln Z(T0) / N = %.6f +- %.6f; free energies by acceptance ratios agree with integration within %.1f "
             "sigma, with reweighting within %.1f",
             w->what, w->curve->log_partition, w->curve->log_partition_error, integrated.sigma, reweighted.sigma);
}

nnsm_status nnsm_thermodynamics_evaluate(nnsm_run *run, const nnsm_chains *group, size_t groups,
                                         const nnsm_anchor *anchor, const char *what, nnsm_curve *curve,
                                         nnsm_error *error)
{
    work w = {.run = run, .anchor = anchor, .what = what, .curve = curve};
    nnsm_status status = nnsm_nodes_create(&w.nodes, run, group, groups, anchor->temperature, anchor->batches, error);
    if (!status)
        status = allocate(&w, error);
    if (status) {
        release(&w);
        return status;
    }
    if (anchor_log_partition(&w)) {
        nnsm_nodes_measure(&w.nodes, group, groups);
        nnsm_nodes_anchor(&w.nodes, anchor->samples, anchor->energy, w.log_weight);
        nnsm_nodes_walk(&w.nodes, w.log_partition, w.start);
        find(&w);
        say(&w);
    } else {
        for (size_t k = 0; k < FOUND * curve->temperatures; k++)
            w.found[k] = NAN;
        nnsm_warn(&run->log,
                  "%s: the ancestral samples at T0 are worth only %.0f of this Hamiltonian, too few for its free "
                  "energy and entropy; train longer, or a larger network",
                  what, curve->anchor_samples);
    }
    fill_curve(&w);
    release(&w);
    return NNSM_OK;
}
