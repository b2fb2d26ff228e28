/* curve.h: what a scan finds out about one Hamiltonian: observables with errors, one row a temperature. */
#ifndef NNSM_STAGE_CURVE_H
#define NNSM_STAGE_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "io/h5.h"
#include "nnsm/error.h"
#include "nnsm/moves.h"
#include "stage/run.h"

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

/* What the walkers of one start found (starts.h). */
enum { NNSM_START_M, NNSM_START_H, NNSM_START_QUANTITIES }; /* |m|, H per site */
typedef struct {
    double mean[NNSM_START_QUANTITIES], error[NNSM_START_QUANTITIES];
    double within[NNSM_START_QUANTITIES]; /* error by the fluctuations within walkers alone */
} nnsm_by_start;

/* Results of one Hamiltonian, the same on all ranks. */
typedef struct {
    size_t temperatures, walkers;
    nnsm_cell *cell;         /* [temperatures][NNSM_OBSERVABLES] */
    size_t self_learning;    /* temperatures sampled by self-learning; 0: single flips everywhere */
    char proposals[256];     /* how self-learning proposes, "clusters of pair (1,0)"; empty: single flips */
    nnsm_by_start *by_start; /* [temperatures][NNSM_STARTS] */
    double *acceptance;      /* [temperatures] share of accepted flips, or of self-learning proposals */
    double *surrogate_scale; /* [temperatures] a(T); NaN where flips are single */
    double *regenerated;     /* [temperatures] share of accepted suffixes; NaN where none are redrawn */
    double *evaluated;       /* [temperatures] share of the screened flips for which H was evaluated; NaN: none are */
    double *unscreened;      /* [temperatures] share of accepted flips in the sweeps without a screen; NaN: none */
    double *moved;           /* [NNSM_MOVES][temperatures] share of accepted moves; NaN where none are made */
    double *exchange_rate;   /* [temperatures - 1] */
    int64_t *round_trips;    /* [walkers] */
    double proposals_per_second; /* all ranks together */
    /* thermodynamics.h: cross-checks of the free energy, [NNSM_F_COLUMNS][temperatures]; ln Z(T0) / N, its error, and
     * the effective number of ancestral samples that it comes from */
    double *free_energy;
    double log_partition, log_partition_error, anchor_samples;
} nnsm_curve;

/* Zeroed results. proposals_per_second: as measured. */
nnsm_status nnsm_curve_create(nnsm_curve *curve, size_t temperatures, size_t walkers, double proposals_per_second,
                              nnsm_error *error);
void nnsm_curve_destroy(nnsm_curve *curve);

/* Write it below `group` (curve_write.c). learned: with H per site, which of the true model is its energy. Local. */
void nnsm_curve_write(nnsm_h5 *h5, const nnsm_run *run, const nnsm_curve *curve, const char *group, bool learned);

#endif
