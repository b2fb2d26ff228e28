/* summary.h: what is known of an ensemble beside its configurations; plain data that travels into the network file. */
#ifndef NNSM_STAGE_SUMMARY_H
#define NNSM_STAGE_SUMMARY_H

#include "io/h5.h"
#include "stage/run.h"

enum { NNSM_HISTOGRAM_BINS = 128 };

typedef struct {
    int64_t configurations;
    double temperature;
    int64_t chains;              /* independent chains, interleaved; 1: one series, as measured */
    double tau_energy;           /* integrated autocorrelation time between kept configurations of a chain */
    double tau_magnetization;    /* the same for |m| */
    double effective;            /* configurations / (2 tau), the larger tau */
    double energy, energy_error; /* per site; NaN where no model is known */
    double magnetization, magnetization_error; /* <|m|> */
    double order, order_error;                 /* of the model's order parameter, where that is not |m|; else NaN */
    int64_t bins;                              /* histogram of the energy per site; 0 where no model is known */
    double lowest, width;                      /* bin b covers lowest + b width ... */
    int64_t histogram[NNSM_HISTOGRAM_BINS];
    nnsm_levels levels; /* by which its values became states; count = 0: they did not */
} nnsm_summary;

/* energy, magnetization, order: in, [configurations], E and m per site and the model's order parameter
 * (nnsm_model_order) of every configuration in the ensemble's order; order is looked at only where it is not |m|. Fills
 * *summary; the model of run gives the bins. Local. */
nnsm_status nnsm_summarise(const nnsm_run *run, const double *energy, const double *magnetization, const double *order,
                           size_t configurations, size_t chains, double temperature, nnsm_summary *summary,
                           nnsm_error *error);

/* Is the order parameter of the known model another than |m|? */
bool nnsm_summary_orders(const nnsm_run *run);

/* The bin of an energy per site, clamped to the histogram. */
size_t nnsm_summary_bin(const nnsm_summary *summary, double energy);

/* Say what the ensemble is worth; warn when it is smaller than it looks. */
void nnsm_summary_report(nnsm_run *run, const nnsm_summary *summary);

/* Attributes and histogram below /ensemble of an open file. */
void nnsm_summary_write(nnsm_h5 *h5, const nnsm_summary *summary);
void nnsm_summary_read(nnsm_h5 *h5, nnsm_summary *summary);

#endif
