/* info_ensemble.c: what the program sees in an ensemble: shape, values, worth, symmetries. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "command/command.h"
#include "setup/config.h"
#include "stage/load.h"
#include "stage/quantise.h"
#include "stage/summary.h"
#include "stage/system_file.h"

/* How often every value occurs, and the extremes of a signal. */
typedef struct {
    int64_t count[NNSM_MAX_VALUES];
    double lowest, highest, sum, square;
    nnsm_occurring found;
} histogram;

/* A nnsm_value_user. */
static void count_values(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                         const int64_t *whole, const double *real, void *context)
{
    histogram *h = context;
    (void)h5, (void)first;
    for (size_t i = 0; i < count * header->sites; i++) {
        double x = whole ? (double)whole[i] : real[i];
        h->lowest = fmin(h->lowest, x);
        h->highest = fmax(h->highest, x);
        h->sum += x;
        h->square += x * x;
        for (int k = 0; whole && k < header->alphabet.count; k++)
            h->count[k] += whole[i] == header->alphabet.value[k];
    }
    if (whole)
        nnsm_occurring_add(&h->found, count * header->sites, whole);
}

static void print_signal(const nnsm_ensemble_header *header, const histogram *h)
{
    double n = (double)header->configurations * (double)header->sites, mean = h->sum / n;
    (void)printf("  %s from %g to %g, mean %g, standard deviation %g: cut them into levels by ensemble.thresholds or "
                 "ensemble.levels\n",
                 header->real ? "floating-point numbers" : "whole numbers", h->lowest, h->highest, mean,
                 sqrt(fmax(0, h->square / n - mean * mean)));
}

static void print_values(const nnsm_ensemble_header *header, const histogram *h)
{
    double n = (double)header->configurations * (double)header->sites;
    (void)printf("  %d values%s:", (int)header->alphabet.count, header->alphabet.labels ? " (labels)" : "");
    for (int k = 0; k < header->alphabet.count; k++)
        (void)printf(" %d (%.4f)", (int)header->alphabet.value[k], (double)h->count[k] / n);
    (void)printf("\n");
    if (nnsm_alphabet_shifted(&header->alphabet))
        (void)printf("  m is the mean of these values, which shows no order of spins: ensemble.thresholds = (%g) makes "
                     "them -1 and 1\n",
                     0.5 * (header->alphabet.value[0] + header->alphabet.value[1]));
}

static void print_summary(nnsm_h5 *h5)
{
    nnsm_summary s;
    if (!nnsm_h5_has(h5, "/ensemble"))
        return;
    nnsm_summary_read(h5, &s);
    if (!h5->status && !isnan(s.order))
        (void)printf("  order parameter %.4f +- %.4f\n", s.order, s.order_error);
    if (!h5->status)
        (void)printf("  E/N = %.5f +- %.5f, |m| = %.4f +- %.4f, worth %.0f independent configurations\n", s.energy,
                     s.energy_error, s.magnetization, s.magnetization_error, s.effective);
}

static void print_shape(const nnsm_h5 *h5, const nnsm_ensemble_header *header, bool periodic)
{
    (void)printf("%s: ensemble of %zu configurations on ", h5->path, header->configurations);
    nnsm_print_extent(header->dimensions, header->extent);
    (void)printf(" %s sites at T = %g, %lld chains\n", periodic ? "periodic" : "open", header->temperature,
                 (long long)header->chains);
}

/* As a training on one rank would see it. */
static nnsm_status look_at(nnsm_h5 *h5, const nnsm_ensemble_header *header, nnsm_run *run, nnsm_error *error)
{
    nnsm_summary summary;
    nnsm_evidence evidence;
    run->alphabet = header->alphabet;
    nnsm_status status = nnsm_load(run, h5, header, NULL, &summary, &evidence, error);
    if (!status)
        nnsm_evidence_print(&evidence);
    return status;
}

static nnsm_status examine(nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_run *run, nnsm_error *error)
{
    histogram h = {.lowest = INFINITY, .highest = -INFINITY};
    nnsm_ensemble_pass(h5, header, 0, header->configurations, count_values, &h);
    bool signal = header->real || (!header->alphabet.count && h.found.count > NNSM_MAX_VALUES);
    if (!h5->status && !header->alphabet.count && !signal) {
        nnsm_ensemble_adopt(h5, header, &h.found);
        nnsm_ensemble_pass(h5, header, 0, header->configurations, count_values, &h);
    }
    if (h5->status)
        return h5->status;
    if (signal)
        print_signal(header, &h);
    else
        print_values(header, &h);
    return signal ? NNSM_OK : look_at(h5, header, run, error);
}

nnsm_status nnsm_info_ensemble(nnsm_h5 *h5, bool look, nnsm_error *error)
{
    nnsm_ensemble_header header;
    nnsm_config *config = NULL; /* a run has one */
    nnsm_status status = NNSM_NEW(&config, 1, "ensemble", error);
    nnsm_run run = {.config = config, .world = MPI_COMM_SELF, .ranks = 1};
    nnsm_stop_create(&run.stop, false, INFINITY, 0, "");
    nnsm_ensemble_read_shape(h5, &header);
    if (!h5->status && !header.real)
        nnsm_ensemble_read_alphabet(h5, &header);
    if (!status && !h5->status)
        status = nnsm_system_adopt(h5, &run, header.dimensions, header.extent, header.periodic);
    if (!status && !h5->status) {
        print_shape(h5, &header, run.lattice.periodic);
        print_summary(h5);
    }
    if (!status && !h5->status && look)
        status = examine(h5, &header, &run, error);
    nnsm_model_destroy(&run.model);
    nnsm_lattice_destroy(&run.lattice);
    nnsm_release(config);
    h5->status = h5->status ? h5->status : status;
    return h5->status;
}
