/* couplings.h: the stage that reads the learned Hamiltonian: its couplings on a basis of local operators, beside them
 * the pseudo-likelihood estimate from the data alone, and the distilled Hamiltonian that the couplings make. */
#ifndef NNSM_STAGE_COUPLINGS_H
#define NNSM_STAGE_COUPLINGS_H

#include "nnsm/local.h"
#include "stage/members.h"

/* The same on all ranks. Arrays are [operators.classes] and owned. Must stay where it is: `local` points into it. */
typedef struct {
    bool present; /* false: switched off, or too many operators; then nothing else is set */
    nnsm_operators operators;
    nnsm_local local;         /* the distilled Hamiltonian, undetermined couplings being 0 */
    nnsm_local projected;     /* J below: what is nearest to the learned H, whatever the data say */
    double constant;          /* c in H = c - sum J O + rest */
    double *coupling, *error; /* J of the learned H by least squares; error NaN: not determined */
    double *spread;           /* of J over the other networks of an ensemble; NaN without */
    double r2, residual;      /* explained share of the variance of H; rms of the rest, energy */
    size_t samples;           /* behind them */
    size_t configurations;    /* behind the pseudo-likelihood; 0: the ensemble is not at hand, NaN below */
    double *likelihood, *likelihood_error;
    bool refined_present;            /* false: the ensemble is not at hand, or H is too far from the basis; then NaN */
    double *refined, *refined_error; /* J by maximum likelihood, from the network's samples and the data */
    double *distilled; /* J of `local`: what of refined the data need (hamiltonian/relevance.h), or else coupling */
    double distilled_constant; /* c that belongs to them */
    double *difference;        /* coupling - likelihood in units of their common error */
    bool truth_known;
    double *truth;  /* of the known model */
    double missing; /* largest coupling of the known model outside the basis */
} nnsm_couplings;

/* With members, each is projected in the same way, and the spread of J is what the network owes to data and training.
 * Cheap and deterministic: a run that goes on computes it again. NNSM_UNFINISHED when asked to stop. Collective on
 * run->world. */
nnsm_status nnsm_stage_couplings(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                                 const nnsm_members *members, nnsm_couplings *couplings, nnsm_error *error);
void nnsm_couplings_destroy(nnsm_couplings *couplings);

/* The table of the log, and a warning where the data contradict the reach of a frontier network. Local. */
void nnsm_couplings_report(nnsm_run *run, const nnsm_couplings *couplings, const nnsm_network *network);

/* /couplings of an open results file, and back as lines for a person. Local. */
void nnsm_couplings_write(nnsm_h5 *h5, const nnsm_run *run, const nnsm_couplings *couplings);
void nnsm_couplings_print(nnsm_h5 *h5);

#endif
