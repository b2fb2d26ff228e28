/* trusted.h: how far to believe a prediction: what the trust stage (trust.h) leaves. The same on all ranks. */
#ifndef NNSM_STAGE_TRUSTED_H
#define NNSM_STAGE_TRUSTED_H

#include <stdbool.h>
#include <stddef.h>

#include "nnsm/error.h"

/* The observables of a scan (scan.h), and after them H of the run's own network as a fixed function of the
 * configuration: unlike learned_energy it is the same function under every Hamiltonian. */
enum { NNSM_TRUST_OWN_H = 12, NNSM_TRUST_QUANTITIES };

/* Errors of one observable at one temperature; NaN where not known. */
typedef struct {
    double statistical;                  /* of the chains */
    double spread;                       /* standard deviation over the other networks */
    double shift;                        /* their mean minus the run's own network */
    double systematic, systematic_error; /* learned minus distilled, and its noise */
    double total;                        /* root of the sum of squares */
} nnsm_trust_cell;

/* Symmetries of the lattice, whether or not the configuration claims them. */
typedef enum { NNSM_AUDIT_FLIP, NNSM_AUDIT_TRANSLATION, NNSM_AUDIT_POINT_GROUP, NNSM_AUDITS } nnsm_audit_kind;

typedef struct {
    bool there;      /* the lattice has it */
    bool claimed;    /* train.augment names it */
    double residual; /* rms of H(g s) - H(s) over the standard deviation of H */
    double averaged; /* the same when H is a mean over random copies of s */
} nnsm_audit;

/* A second ensemble, at another temperature: what was predicted for it, and what was measured. */
enum { NNSM_SECOND_M, NNSM_SECOND_E, NNSM_SECOND_H, NNSM_SECONDS };

typedef struct {
    double predicted, predicted_error, measured, measured_error; /* errors: total of the prediction, standard error */
    double p; /* probability of a difference as large by chance, if both errors are right */
} nnsm_second_row;

typedef struct {
    double temperature;
    size_t position;       /* in the scan */
    size_t configurations; /* 0: no second ensemble */
    nnsm_second_row row[NNSM_SECONDS];
} nnsm_second;

/* Hamiltonians: 0 the run's own, 1 to networks - 1 the other networks, then the distilled one where there is one. */
typedef struct {
    size_t temperatures, networks, hamiltonians;
    bool distilled;
    double constant;       /* c of the distilled H = c - sum J O, which its tiles leave out */
    size_t samples;        /* a temperature */
    nnsm_trust_cell *cell; /* [temperatures][NNSM_TRUST_QUANTITIES] */
    double *value;         /* [hamiltonians][NNSM_TRUST_QUANTITIES][temperatures] the curve under each */
    double *effective;     /* [hamiltonians][temperatures] n_eff of the reweighting */
    double *support;       /* [temperatures] share of H visited that lies in the range below */
    double low, high;      /* range of H seen in training: all but NNSM_SUPPORT_TAIL at each end */
    double seen;           /* configurations behind it */
    bool from_ensemble;    /* of the ensemble; else ancestral samples, for want of it */
    nnsm_audit audit[NNSM_AUDITS];
    nnsm_second second;
} nnsm_trust;

void nnsm_trust_destroy(nnsm_trust *trust);

#endif
