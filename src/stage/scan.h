/* scan.h: the scan stage: chains at all temperatures under a Hamiltonian, observables with errors. */
#ifndef NNSM_STAGE_SCAN_H
#define NNSM_STAGE_SCAN_H

#include "stage/couplings.h"
#include "stage/members.h"
#include "stage/reweighting.h"
#include "stage/train.h"
#include "stage/trusted.h"
#include "statistics/series.h"

typedef enum {
    NNSM_ABS_MAGNETIZATION,
    NNSM_MAGNETIZATION,
    NNSM_MAGNETIZATION2,
    NNSM_MAGNETIZATION4,
    NNSM_ENERGY,         /* of the known model, per site */
    NNSM_LEARNED_ENERGY, /* H per site */
    NNSM_HEAT_CAPACITY,  /* (<H^2> - <H>^2) / (N T^2), of the Hamiltonian that is scanned */
    NNSM_SUSCEPTIBILITY, /* N (<m^2> - <|m|>^2) / T */
    NNSM_BINDER,         /* 1 - <m^4> / (3 <m^2>^2) */
    NNSM_ORDER,          /* order parameter of the known model, where that is not |m| */
    NNSM_FREE_ENERGY,    /* (F(T) - F(T0)) / N; from here on estimated from all temperatures together */
    NNSM_ENTROPY,        /* S / N */
    NNSM_OBSERVABLES
} nnsm_observable;

/* Name in the results file, unit and description. */
const char *nnsm_observable_name(nnsm_observable observable);
const char *nnsm_observable_units(nnsm_observable observable);
const char *nnsm_observable_description(nnsm_observable observable);

typedef struct {
    double mean, error, tau, rhat;
} nnsm_cell;

/* Results of one Hamiltonian; complete on rank 0, partial elsewhere. */
typedef struct {
    size_t temperatures, walkers;
    nnsm_cell *cell;             /* [temperatures][NNSM_OBSERVABLES] */
    size_t self_learning;        /* temperatures sampled by self-learning; 0: single flips everywhere */
    double *acceptance;          /* [temperatures] share of accepted flips, or of self-learning proposals */
    double *surrogate_scale;     /* [temperatures] a(T); NaN where flips are single */
    double *exchange_rate;       /* [temperatures - 1] */
    int64_t *round_trips;        /* [walkers] */
    double proposals_per_second; /* all ranks together */
    /* thermodynamics.h: cross-checks of the free energy, [NNSM_F_COLUMNS][temperatures]; ln Z(T0) / N, its error, and
     * the effective number of ancestral samples that it comes from */
    double *free_energy;
    double log_partition, log_partition_error, anchor_samples;
} nnsm_curve;

void nnsm_curve_destroy(nnsm_curve *curve);

typedef struct {
    nnsm_curve learned, reference; /* reference.cell is NULL where no model is known or wanted */
    nnsm_curve distilled;          /* cell is NULL where there are no couplings or it is not wanted */
    double *ancestral;             /* [summary.bins] histogram of ancestral samples; NULL where no model is known */
    nnsm_reweighted reweighted;    /* the ancestral samples at the temperatures of the scan */
    double ancestral_nll;          /* -<log p> over ancestral samples: the entropy S(T0) of the learned Hamiltonian */
    double ancestral_nll_error;
    nnsm_trust trust;
} nnsm_scanned;

/* Scan the learned Hamiltonian, the true one for reference, and the distilled one; then the learned one's chains under
 * the other members. Collective on run->world. */
nnsm_status nnsm_stage_scan(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                            const nnsm_couplings *couplings, const nnsm_members *members, nnsm_scanned *scanned,
                            nnsm_error *error);
void nnsm_scanned_destroy(nnsm_scanned *scanned);

#endif
