#include "stage/thermodynamics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "statistics/free_energy.h"

/* More chains than this tell little more of autocorrelations, and the rows of all temperatures meet on every rank. */
enum { MOST_CHAINS = 8 };
/* A disagreement worth a warning, of estimates at up to hundreds of temperatures that go together. */
static const double most_sigma = 4;

typedef struct {
    nnsm_run *run;
    const nnsm_anchor *anchor;
    const char *what;
    nnsm_curve *curve;
    nnsm_rows rows;
    size_t size, count, start;               /* rows; nodes, with T0; the position of T0 */
    bool extra;                              /* T0 is no temperature of the scan */
    double *measured;                        /* [count] records, see record_size */
    double **record_of;                      /* [temperatures] */
    int *counts, *starts;                    /* [ranks] of the gather of records */
    nnsm_node *node;                         /* [count], into measured */
    double *log_weight;                      /* [samples] */
    double *exponent;                        /* [samples] */
    double *deviation;                       /* [count][size] of ln Z by ratios */
    double *other;                           /* [count][size] of ln Z by integration */
    double *row;                             /* [size] */
    nnsm_log_partition *ratios, *integrated; /* [count] */
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

/* ---- nodes: the scan's temperatures and T0 */

/* A node travels as temperature, targets, H*, values, rows. */
static size_t record_size(size_t rows)
{
    return 5 + NNSM_NODE_COLUMNS * (1 + rows);
}

static void place_nodes(work *w)
{
    const nnsm_config *c = w->run->config;
    size_t n = (size_t)c->scan.temperatures_count;
    double t0 = w->anchor->temperature;
    w->extra = true;
    for (size_t t = 0; t < n; t++) {
        w->start += c->scan.temperatures[t] < t0 && !nnsm_same_temperature(c->scan.temperatures[t], t0);
        w->extra = w->extra && !nnsm_same_temperature(c->scan.temperatures[t], t0);
    }
    w->count = n + w->extra;
}

/* The scan's temperature t as a node. */
static size_t node_of(const work *w, size_t t)
{
    return w->extra && t >= w->start ? t + 1 : t;
}

static nnsm_status allocate(work *w, nnsm_error *error)
{
    size_t n = (size_t)w->run->config->scan.temperatures_count, samples = w->anchor->samples;
    nnsm_status status = NNSM_NEW(&w->curve->free_energy, NNSM_F_COLUMNS * n, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->measured, w->count * record_size(w->size), "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->record_of, n, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->counts, w->run->ranks, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->starts, w->run->ranks, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->node, w->count, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->log_weight, samples, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->exponent, samples, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->deviation, w->count * w->size, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->other, w->count * w->size, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->row, w->size, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->ratios, w->count, "free energy", error);
    if (!status)
        status = NNSM_NEW(&w->integrated, w->count, "free energy", error);
    return nnsm_agree(w->run->world, status, error);
}

static void release(work *w)
{
    nnsm_release(w->measured);
    nnsm_release(w->record_of);
    nnsm_release(w->counts);
    nnsm_release(w->starts);
    nnsm_release(w->node);
    nnsm_release(w->log_weight);
    nnsm_release(w->exponent);
    nnsm_release(w->deviation);
    nnsm_release(w->other);
    nnsm_release(w->row);
    nnsm_release(w->ratios);
    nnsm_release(w->integrated);
}

/* Temperature t of a group, where its series are. */
static void measure_node(work *w, const nnsm_chains *chains, size_t t, double *record)
{
    static const size_t quantity[NNSM_NODE_COLUMNS] = {NNSM_SERIES_H, NNSM_SERIES_HH, NNSM_SERIES_DOWN, NNSM_SERIES_UP};
    nnsm_node n = {.temperature = chains->temperature[t], .deviation = record + 5 + NNSM_NODE_COLUMNS};
    for (int d = NNSM_DOWN; d <= NNSM_UP; d++)
        (void)nnsm_bennett_target(&chains->bennett, t, d, &n.target[d], &n.middle[d]);
    nnsm_node_measure(&n, &w->rows, chains->series + (t - chains->first_temperature) * chains->walkers, chains->walkers,
                      quantity);
    record[0] = n.temperature;
    memcpy(record + 1, n.target, sizeof n.target);
    memcpy(record + 3, n.middle, sizeof n.middle);
    memcpy(record + 5, n.value, sizeof n.value);
}

static nnsm_node read_node(double *record)
{
    nnsm_node n = {.temperature = record[0], .deviation = record + 5 + NNSM_NODE_COLUMNS};
    memcpy(n.target, record + 1, sizeof n.target);
    memcpy(n.middle, record + 3, sizeof n.middle);
    memcpy(n.value, record + 5, sizeof n.value);
    return n;
}

/* Measured where their series are; records are in the order of the ranks that send them, the last one is that of T0. */
static void gather_nodes(work *w, const nnsm_chains *group, size_t groups)
{
    const nnsm_config *c = w->run->config;
    size_t temperatures = (size_t)c->scan.temperatures_count, record = record_size(w->size), at = 0, t;
    MPI_Datatype type;
    for (int q = 0; q < w->run->ranks; q++) {
        w->starts[q] = (int)at;
        for (size_t k = 0; k < temperatures; k++) {
            const nnsm_chains *chains = nnsm_chains_find(group, groups, c->scan.temperatures[k], &t);
            if (nnsm_chains_keeper(chains, t) != q)
                continue;
            w->record_of[k] = w->measured + at++ * record;
            if (q == w->run->rank)
                measure_node(w, chains, t, w->record_of[k]);
        }
        w->counts[q] = (int)at - w->starts[q];
    }
    NNSM_MPI(MPI_Type_contiguous((int)record, MPI_DOUBLE, &type));
    NNSM_MPI(MPI_Type_commit(&type));
    NNSM_MPI(
        MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, w->measured, w->counts, w->starts, type, w->run->world));
    NNSM_MPI(MPI_Type_free(&type));
    for (size_t k = 0; k < temperatures; k++)
        w->node[node_of(w, k)] = read_node(w->record_of[k]);
    if (w->extra)
        w->node[w->start] = read_node(w->measured + temperatures * record);
}

/* T0 as a node, where it is no temperature of the scan; it looks back at whoever looks at it. */
static void sample_node(work *w)
{
    nnsm_node *n = &w->node[w->start];
    n->temperature = w->anchor->temperature;
    for (int d = NNSM_DOWN; d <= NNSM_UP; d++) {
        if (d == NNSM_UP ? w->start + 1 == w->count : w->start == 0)
            continue;
        const nnsm_node *neighbour = d == NNSM_UP ? n + 1 : n - 1;
        n->target[d] = neighbour->temperature;
        n->middle[d] = neighbour->middle[!d];
    }
    nnsm_node_sample(n, &w->rows, w->anchor->samples, w->anchor->energy, w->log_weight);
}

/* ---- ln Z */

/* ln Z(T0) of the curve and of both routes; false: the samples are worth too little. */
static bool anchor_log_partition(work *w)
{
    nnsm_curve *c = w->curve;
    double n = (double)w->run->lattice.sites;
    for (size_t i = 0; i < w->anchor->samples; i++)
        w->log_weight[i] = log_weight(w->anchor, w->anchor->temperature, i);
    double value = nnsm_log_mean(&w->rows, w->anchor->samples, w->log_weight, w->deviation + w->start * w->size,
                                 &c->anchor_samples);
    c->log_partition = value / n;
    c->log_partition_error = nnsm_rows_error(&w->rows, w->deviation + w->start * w->size) / n;
    w->ratios[w->start] = (nnsm_log_partition){true, value, 0, 0.5};
    w->integrated[w->start] = w->ratios[w->start];
    memcpy(w->other + w->start * w->size, w->deviation + w->start * w->size, w->size * sizeof *w->other);
    return c->anchor_samples >= NNSM_LEAST_SAMPLES;
}

/* F(T) - F(T0) per site of one estimate of ln Z(T), and the fluctuations into row. */
static double relative_free_energy(work *w, double t, double log_partition, const double *deviation)
{
    double n = (double)w->run->lattice.sites, t0 = w->anchor->temperature;
    const double *start = w->deviation + w->start * w->size;
    for (size_t r = 0; r < w->size; r++)
        w->row[r] = (t0 * start[r] - t * deviation[r]) / n;
    return (t0 * w->ratios[w->start].value - t * log_partition) / n;
}

static double *column(work *w, nnsm_free_energy_column k, size_t t)
{
    return &w->curve->free_energy[(size_t)k * w->curve->temperatures + t];
}

static void fill_cells(work *w, size_t t)
{
    size_t node = node_of(w, t);
    const nnsm_node *m = &w->node[node];
    const nnsm_log_partition *z = &w->ratios[node];
    const double *deviation = w->deviation + node * w->size;
    double n = (double)w->run->lattice.sites, temperature = m->temperature,
           systematic = temperature * z->systematic / n;
    nnsm_cell *free_energy = &w->curve->cell[t * NNSM_OBSERVABLES + NNSM_FREE_ENERGY];
    nnsm_cell *entropy = &w->curve->cell[t * NNSM_OBSERVABLES + NNSM_ENTROPY];
    *column(w, NNSM_F_OVERLAP, t) = z->overlap;
    if (!z->known)
        return;
    free_energy->mean = relative_free_energy(w, temperature, z->value, deviation);
    free_energy->error = hypot(nnsm_rows_error(&w->rows, w->row), systematic);
    entropy->mean = (m->value[NNSM_NODE_H] / temperature + z->value) / n;
    for (size_t r = 0; r < w->size; r++)
        w->row[r] = (m->deviation[NNSM_NODE_H * w->size + r] / temperature + deviation[r]) / n;
    entropy->error = hypot(nnsm_rows_error(&w->rows, w->row), systematic / temperature);
}

static void fill_integrated(work *w, size_t t)
{
    size_t node = node_of(w, t);
    const nnsm_log_partition *z = &w->integrated[node];
    double temperature = w->node[node].temperature;
    if (!z->known)
        return;
    *column(w, NNSM_F_INTEGRATED, t) = relative_free_energy(w, temperature, z->value, w->other + node * w->size);
    *column(w, NNSM_F_INTEGRATED_ERROR, t) = nnsm_rows_error(&w->rows, w->row);
    *column(w, NNSM_F_INTEGRATED_SYSTEMATIC, t) = temperature * z->systematic / (double)w->run->lattice.sites;
}

/* Overwrites the integration's fluctuations at this temperature. */
static void fill_reweighted(work *w, size_t t)
{
    size_t node = node_of(w, t);
    double temperature = w->node[node].temperature, *deviation = w->other + node * w->size;
    for (size_t i = 0; i < w->anchor->samples; i++)
        w->exponent[i] = log_weight(w->anchor, temperature, i);
    double value =
        nnsm_log_mean(&w->rows, w->anchor->samples, w->exponent, deviation, column(w, NNSM_F_REWEIGHTED_SAMPLES, t));
    if (*column(w, NNSM_F_REWEIGHTED_SAMPLES, t) < NNSM_LEAST_SAMPLES)
        return;
    *column(w, NNSM_F_REWEIGHTED, t) = relative_free_energy(w, temperature, value, deviation);
    *column(w, NNSM_F_REWEIGHTED_ERROR, t) = nnsm_rows_error(&w->rows, w->row);
}

/* Distance of the ratios' ln Z from another estimate with deviations w->other, in sigma of the difference. */
static double distance(work *w, size_t t, double other, double systematic)
{
    size_t node = node_of(w, t);
    double n = (double)w->run->lattice.sites, temperature = w->node[node].temperature;
    for (size_t r = 0; r < w->size; r++)
        w->row[r] = temperature / n * (w->deviation[node * w->size + r] - w->other[node * w->size + r]);
    double error = hypot(nnsm_rows_error(&w->rows, w->row), systematic);
    double difference = fabs(w->curve->cell[t * NNSM_OBSERVABLES + NNSM_FREE_ENERGY].mean - other);
    return difference > 1e-12 ? difference / error : 0;
}

/* ---- what to say */

typedef struct {
    double sigma, temperature;
} disagreement;

static void note(disagreement *worst, double sigma, double temperature)
{
    if (sigma > worst->sigma)
        *worst = (disagreement){sigma, temperature};
}

/* The gaps nearest to T0 in both directions, and how the estimates agree. */
static void say(work *w, disagreement integrated, disagreement reweighted)
{
    nnsm_log *log = &w->run->log;
    for (int d = NNSM_DOWN; d <= NNSM_UP; d++) {
        size_t i = w->start, edge = d == NNSM_UP ? w->count - 1 : 0;
        while (i != edge && w->ratios[i].known)
            i += d == NNSM_UP ? 1 : (size_t)-1;
        if (!w->ratios[i].known)
            nnsm_warn(
                log,
                "%s: no free energy and no entropy from T = %g on, because its energies have too little in common "
                "with those at T = %g; take smaller steps between them",
                w->what, w->node[i].temperature, w->node[d == NNSM_UP ? i - 1 : i + 1].temperature);
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

static void evaluate(work *w)
{
    disagreement integrated = {0}, reweighted = {0};
    if (w->extra)
        sample_node(w);
    nnsm_log_partitions(w->node, w->count, w->start, &w->rows, NNSM_BY_RATIOS, w->ratios, w->deviation);
    nnsm_log_partitions(w->node, w->count, w->start, &w->rows, NNSM_BY_INTEGRATION, w->integrated, w->other);
    for (size_t t = 0; t < w->curve->temperatures; t++) {
        double temperature = w->run->config->scan.temperatures[t];
        fill_cells(w, t);
        fill_integrated(w, t);
        note(&integrated, distance(w, t, *column(w, NNSM_F_INTEGRATED, t), *column(w, NNSM_F_INTEGRATED_SYSTEMATIC, t)),
             temperature);
        fill_reweighted(w, t);
        note(&reweighted, distance(w, t, *column(w, NNSM_F_REWEIGHTED, t), 0), temperature);
    }
    say(w, integrated, reweighted);
}

nnsm_status nnsm_thermodynamics_evaluate(nnsm_run *run, const nnsm_chains *group, size_t groups,
                                         const nnsm_anchor *anchor, const char *what, nnsm_curve *curve,
                                         nnsm_error *error)
{
    work w = {.run = run, .anchor = anchor, .what = what, .curve = curve, .rows = {.batches = anchor->batches}};
    /* Every chain of every group has made the same number of measurements; some rank may hold no series. */
    int64_t bins = group[0].own_temperatures ? (int64_t)nnsm_series_bins(group[0].series[0]) : 0;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &bins, 1, MPI_INT64_T, MPI_MAX, run->world));
    w.rows.bins = (size_t)bins;
    w.rows.chains = group[0].walkers < MOST_CHAINS ? group[0].walkers : MOST_CHAINS;
    w.size = nnsm_rows_count(&w.rows);
    place_nodes(&w);
    nnsm_status status = allocate(&w, error);
    if (!status) {
        for (size_t i = 0; i < NNSM_F_COLUMNS * curve->temperatures; i++)
            curve->free_energy[i] = NAN;
        for (size_t t = 0; t < curve->temperatures; t++)
            for (int o = NNSM_FREE_ENERGY; o <= NNSM_ENTROPY; o++)
                curve->cell[t * NNSM_OBSERVABLES + (size_t)o] = (nnsm_cell){NAN, NAN, NAN, NAN};
        gather_nodes(&w, group, groups);
        if (anchor_log_partition(&w))
            evaluate(&w);
        else
            nnsm_warn(&run->log,
                      "%s: the ancestral samples at T0 are worth only %.0f of this Hamiltonian, too few for its free "
                      "energy and entropy; train longer, or a larger network",
                      what, curve->anchor_samples);
    }
    release(&w);
    return status;
}
