#include "stage/summary.h"

#include <math.h>

#include "base/bulk.h"
#include "statistics/series.h"

/* Chain c's values are every chains-th one: collect whole chains, drop an incomplete last round. */
static nnsm_status chain_times(const nnsm_run *run, const double *values, size_t configurations, size_t chains,
                               bool magnitude, double *tau, nnsm_error *error)
{
    double *by_chain = NULL;
    size_t length = configurations / chains;
    nnsm_status status = NNSM_BULK(&by_chain, chains * length, run->config->run.scratch, "autocorrelation", error);
    if (status)
        return status;
    for (size_t c = 0; c < chains; c++)
        for (size_t k = 0; k < length; k++)
            by_chain[c * length + k] = magnitude ? fabs(values[k * chains + c]) : values[k * chains + c];
    *tau = nnsm_autocorrelation_time(by_chain, chains, length);
    nnsm_bulk_release(by_chain);
    return NNSM_OK;
}

static void mean_and_error(const double *values, size_t count, bool magnitude, double tau, double *mean, double *error)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++)
        sum += (magnitude ? fabs(values[i]) : values[i]) / (double)count;
    for (size_t i = 0; i < count; i++) {
        double d = (magnitude ? fabs(values[i]) : values[i]) - sum;
        square += d * d / (double)count;
    }
    *mean = sum;
    *error = sqrt(2 * tau * square / (double)count);
}

/* The largest energy of which all values are multiples, to rounding; 0: none that is not far below them. */
static double common_measure(const double *values, size_t count)
{
    double measure = 0, largest = 0;
    for (size_t c = 0; c < count; c++) {
        double rest = fabs(values[c]);
        largest = fmax(largest, rest);
        while (rest > 1e-9 * largest) {
            double next = measure > 0 ? fmod(measure, rest) : 0;
            next = next > rest - 1e-9 * largest ? 0 : next;
            measure = rest;
            rest = next;
        }
    }
    return measure > 1e-3 * largest ? measure : 0;
}

/* The same of several states: the least and the largest sum of bonds and sites, and the measure of their differences.
 */
static void states_grid(const nnsm_multistate *m, double *low, double *high, double *step)
{
    const nnsm_lattice *l = m->lattice;
    double value[NNSM_MAX_VALUES * (NNSM_MAX_VALUES + 1)], n = (double)l->sites, bonds = 0;
    double least[2] = {m->bond[0][0], m->site[0]}, most[2] = {m->bond[0][0], m->site[0]};
    size_t count = 0;
    for (size_t i = 0; i < 2 * (size_t)l->dimensions * l->sites; i++)
        bonds += l->neighbours[i] >= 0 ? 0.5 / n : 0;
    for (int a = 0; a < m->alphabet.count; a++)
        for (int b = -1; b < m->alphabet.count; b++) {
            bool site = b < 0;
            double energy = site ? m->site[a] : m->bond[a][b];
            least[site] = fmin(least[site], energy);
            most[site] = fmax(most[site], energy);
            value[count++] = energy - (site ? m->site[0] : m->bond[0][0]);
        }
    *low = bonds * least[0] + least[1];
    *high = bonds * most[0] + most[1];
    *step = common_measure(value, count) / n;
}

/* What can be told of the energy a site without looking at data: its range, and the grid it lies on. A product changes
 * by 2; on a periodic lattice with nearest neighbours only bonds change in even numbers. */
static void measure_grid(const nnsm_model *model, double *low, double *high, double *step)
{
    const nnsm_lattice *l = model->lattice;
    double n = (double)l->sites, reach = 0;
    if (model->multistate) {
        states_grid(&model->states, low, high, step);
        return;
    }
    if (model->nearest) {
        reach = l->dimensions * fabs(model->ising.coupling) + fabs(model->ising.field);
        *step = model->ising.field != 0 ? 0 : (l->periodic ? 4 : 2) * fabs(model->ising.coupling) / n;
    } else {
        for (size_t c = 0; c < model->operators.classes; c++)
            reach += fabs(model->coupling[c]) * (double)model->operators.class[c].terms / n;
        *step = 2 * common_measure(model->coupling, model->operators.classes) / n;
    }
    *low = -reach;
    *high = reach;
}

/* Bins hold whole steps of the grid, so that no bin is empty by accident. */
static void choose_bins(const nnsm_run *run, nnsm_summary *s)
{
    double low, high, step;
    measure_grid(&run->model, &low, &high, &step);
    double range = high - low;
    if (!(step > 0))
        step = range > 0 ? range / NNSM_HISTOGRAM_BINS : 1;
    double per_bin = ceil((range / step + 1) / NNSM_HISTOGRAM_BINS);
    s->width = per_bin * step;
    s->lowest = low - 0.5 * step;
    s->bins = (int64_t)ceil((range + step) / s->width - 1e-9);
    s->bins = s->bins > NNSM_HISTOGRAM_BINS ? NNSM_HISTOGRAM_BINS : s->bins;
}

bool nnsm_summary_orders(const nnsm_run *run)
{
    return run->model_known && nnsm_model_has_order(&run->model);
}

size_t nnsm_summary_bin(const nnsm_summary *summary, double energy)
{
    double bin = floor((energy - summary->lowest) / summary->width);
    bin = bin < 0 ? 0 : bin;
    return bin >= (double)summary->bins ? (size_t)summary->bins - 1 : (size_t)bin;
}

nnsm_status nnsm_summarise(const nnsm_run *run, const double *energy, const double *magnetization, const double *order,
                           size_t configurations, size_t chains, double temperature, nnsm_summary *summary,
                           nnsm_error *error)
{
    nnsm_summary *s = summary;
    if (chains < 1 || chains > configurations)
        chains = 1;
    *s = (nnsm_summary){.configurations = (int64_t)configurations,
                        .temperature = temperature,
                        .chains = (int64_t)chains,
                        .tau_energy = 0.5,
                        .energy = NAN,
                        .energy_error = NAN,
                        .order = NAN,
                        .order_error = NAN};
    double tau_order = 0;
    nnsm_status status = chain_times(run, magnetization, configurations, chains, true, &s->tau_magnetization, error);
    if (!status && run->model_known)
        status = chain_times(run, energy, configurations, chains, false, &s->tau_energy, error);
    if (!status && nnsm_summary_orders(run))
        status = chain_times(run, order, configurations, chains, false, &tau_order, error);
    if (status)
        return status;
    /* Where chains are too short to tell, only the chains count as independent. */
    bool unknown = isnan(s->tau_energy) || isnan(s->tau_magnetization) || isnan(tau_order);
    double tau = unknown ? 0.5 * (double)configurations / (double)chains
                         : fmax(fmax(s->tau_energy, s->tau_magnetization), tau_order);
    s->effective = (double)configurations / fmax(1, 2 * tau);
    mean_and_error(magnetization, configurations, true, tau, &s->magnetization, &s->magnetization_error);
    if (nnsm_summary_orders(run))
        mean_and_error(order, configurations, false, tau, &s->order, &s->order_error);
    if (!run->model_known)
        return NNSM_OK;
    mean_and_error(energy, configurations, false, tau, &s->energy, &s->energy_error);
    choose_bins(run, s);
    for (size_t i = 0; i < configurations; i++)
        s->histogram[nnsm_summary_bin(s, energy[i])]++;
    return NNSM_OK;
}

void nnsm_summary_report(nnsm_run *run, const nnsm_summary *summary)
{
    nnsm_say(&run->log, "ensemble: %lld configurations at T = %g, |m| = %.4f +- %.4f",
             (long long)summary->configurations, summary->temperature, summary->magnetization,
             summary->magnetization_error);
    if (!isnan(summary->order))
        nnsm_say(&run->log, "ensemble: order parameter %.4f +- %.4f", summary->order, summary->order_error);
    if (summary->bins)
        nnsm_say(&run->log,
                 "ensemble: E/N = %.5f +- %.5f, autocorrelation time %.2f (energy) and %.2f (|m|) kept "
                 "configurations (0.5: independent)",
                 summary->energy, summary->energy_error, summary->tau_energy, summary->tau_magnetization);
    const nnsm_alphabet *a = &run->alphabet;
    if (!run->model_known && nnsm_alphabet_shifted(a))
        nnsm_warn(&run->log,
                  "sites have the values %d and %d, and m is their mean, which shows no order of spins; "
                  "ensemble.thresholds = (%g) makes them -1 and 1",
                  (int)a->value[0], (int)a->value[1], 0.5 * (a->value[0] + a->value[1]));
    bool ours = run->config->generate.given;
    if (isnan(summary->tau_energy) || isnan(summary->tau_magnetization))
        nnsm_warn(
            &run->log,
            "chains of %lld kept configurations are too short to tell their autocorrelation time; errors count only "
            "the %lld chains; %s",
            (long long)(summary->configurations / summary->chains), (long long)summary->chains,
            ours ? "lower generate.chains or raise generate.interval" : "longer series would tell");
    else if (summary->effective < 0.5 * (double)summary->configurations)
        nnsm_warn(&run->log, "the ensemble is worth only %.0f independent configurations of %lld; %s",
                  summary->effective, (long long)summary->configurations,
                  ours ? "raise generate.interval" : "more of them, or farther apart, would tell more");
}

static void write_levels(nnsm_h5 *h5, const nnsm_levels *l)
{
    size_t count = (size_t)l->count;
    if (!count)
        return;
    nnsm_h5_set_doubles(h5, "/ensemble/levels", "thresholds", count - 1, l->threshold);
    nnsm_h5_set_integer(h5, "/ensemble/levels", "quantiles", l->quantiles);
    nnsm_h5_set_doubles(h5, "/ensemble/levels", "share", count, l->share);
    nnsm_h5_set_doubles(h5, "/ensemble/levels", "mean", count, l->mean);
    nnsm_h5_set_double(h5, "/ensemble/levels", "signal_variance", l->variance);
    nnsm_h5_set_double(h5, "/ensemble/levels", "explained_variance", l->explained);
    nnsm_h5_set_double(h5, "/ensemble/levels", "entropy_bits", nnsm_levels_entropy(l));
}

void nnsm_summary_write(nnsm_h5 *h5, const nnsm_summary *summary)
{
    const nnsm_summary *s = summary;
    nnsm_h5_set_integer(h5, "/ensemble", "configurations", s->configurations);
    nnsm_h5_set_double(h5, "/ensemble", "temperature", s->temperature);
    nnsm_h5_set_integer(h5, "/ensemble", "chains", s->chains);
    nnsm_h5_set_double(h5, "/ensemble", "tau_energy", s->tau_energy);
    nnsm_h5_set_double(h5, "/ensemble", "tau_magnetization", s->tau_magnetization);
    nnsm_h5_set_double(h5, "/ensemble", "effective_configurations", s->effective);
    nnsm_h5_set_double(h5, "/ensemble", "energy_mean", s->energy);
    nnsm_h5_set_double(h5, "/ensemble", "energy_error", s->energy_error);
    nnsm_h5_set_double(h5, "/ensemble", "abs_magnetization_mean", s->magnetization);
    nnsm_h5_set_double(h5, "/ensemble", "abs_magnetization_error", s->magnetization_error);
    if (!isnan(s->order)) {
        nnsm_h5_set_double(h5, "/ensemble", "order_parameter_mean", s->order);
        nnsm_h5_set_double(h5, "/ensemble", "order_parameter_error", s->order_error);
    }
    nnsm_h5_set_double(h5, "/ensemble", "histogram_lowest", s->lowest);
    nnsm_h5_set_double(h5, "/ensemble", "histogram_width", s->width);
    if (s->bins)
        nnsm_h5_set_integers(h5, "/ensemble", "histogram", (size_t)s->bins, s->histogram);
    write_levels(h5, &s->levels);
}

static void read_levels(nnsm_h5 *h5, nnsm_levels *l)
{
    double threshold[NNSM_MAX_VALUES - 1];
    nnsm_error error;
    if (!nnsm_h5_has(h5, "/ensemble/levels"))
        return;
    size_t cuts = nnsm_h5_get_doubles(h5, "/ensemble/levels", "thresholds", NNSM_MAX_VALUES - 1, threshold);
    if (h5->status || nnsm_levels_create(l, cuts, threshold, &error)) {
        (void)nnsm_h5_fail(h5, "the thresholds below /ensemble/levels cannot be; make the file again");
        return;
    }
    size_t shares = nnsm_h5_get_doubles(h5, "/ensemble/levels", "share", NNSM_MAX_VALUES, l->share);
    size_t means = nnsm_h5_get_doubles(h5, "/ensemble/levels", "mean", NNSM_MAX_VALUES, l->mean);
    l->quantiles = nnsm_h5_get_integer(h5, "/ensemble/levels", "quantiles") != 0;
    l->variance = nnsm_h5_get_double(h5, "/ensemble/levels", "signal_variance");
    l->explained = nnsm_h5_get_double(h5, "/ensemble/levels", "explained_variance");
    if (!h5->status && (shares != cuts + 1 || means != cuts + 1))
        (void)nnsm_h5_fail(h5,
                           "/ensemble/levels has other numbers of thresholds, shares and means; make the file again");
}

void nnsm_summary_read(nnsm_h5 *h5, nnsm_summary *summary)
{
    nnsm_summary *s = summary;
    *s = (nnsm_summary){0};
    s->configurations = nnsm_h5_get_integer(h5, "/ensemble", "configurations");
    s->temperature = nnsm_h5_get_double(h5, "/ensemble", "temperature");
    s->chains = nnsm_h5_get_integer(h5, "/ensemble", "chains");
    s->tau_energy = nnsm_h5_get_double(h5, "/ensemble", "tau_energy");
    s->tau_magnetization = nnsm_h5_get_double(h5, "/ensemble", "tau_magnetization");
    s->effective = nnsm_h5_get_double(h5, "/ensemble", "effective_configurations");
    s->energy = nnsm_h5_get_double(h5, "/ensemble", "energy_mean");
    s->energy_error = nnsm_h5_get_double(h5, "/ensemble", "energy_error");
    s->magnetization = nnsm_h5_get_double(h5, "/ensemble", "abs_magnetization_mean");
    s->magnetization_error = nnsm_h5_get_double(h5, "/ensemble", "abs_magnetization_error");
    bool ordered = nnsm_h5_has_attribute(h5, "/ensemble", "order_parameter_mean");
    s->order = ordered ? nnsm_h5_get_double(h5, "/ensemble", "order_parameter_mean") : NAN;
    s->order_error = ordered ? nnsm_h5_get_double(h5, "/ensemble", "order_parameter_error") : NAN;
    s->lowest = nnsm_h5_get_double(h5, "/ensemble", "histogram_lowest");
    s->width = nnsm_h5_get_double(h5, "/ensemble", "histogram_width");
    if (nnsm_h5_has_attribute(h5, "/ensemble", "histogram"))
        s->bins = (int64_t)nnsm_h5_get_integers(h5, "/ensemble", "histogram", NNSM_HISTOGRAM_BINS, s->histogram);
    read_levels(h5, &s->levels);
    bool possible = isfinite(s->lowest) && (s->bins == 0 || (s->width > 0 && isfinite(s->width)));
    for (int64_t b = 0; b < s->bins; b++)
        possible = possible && s->histogram[b] >= 0 && s->histogram[b] <= 1LL << 53;
    if (!h5->status && !possible)
        (void)nnsm_h5_fail(h5, "the histogram below /ensemble cannot be; make the file again");
}
