/* convergence.h: what a reader of a scan should be warned of. Say it in the log; local. */
#ifndef NNSM_STAGE_CONVERGENCE_H
#define NNSM_STAGE_CONVERGENCE_H

#include "stage/scan.h"

/* The temperatures do not hold that of the ensemble. */
void nnsm_warn_of_range(nnsm_run *run, double temperature);

/* Walkers that disagree, too few sweeps for an error, hardly any exchange. `what` names the scan. */
void nnsm_warn_of_convergence(nnsm_run *run, const nnsm_curve *curve, const char *what);

/* A screen that rejects a fifth or more of the flips that the network would accept, beyond chance. */
void nnsm_warn_of_screen(nnsm_run *run, const nnsm_curve *curve, const char *what);

/* The chains against the reweighted ancestral samples: their largest difference, and a warning where it is more than
 * chance allows. */
void nnsm_check_against_samples(nnsm_run *run, const nnsm_scanned *scanned);

/* Samples of the network against the ensemble it was trained on: |m| and, of a known model, E at T0. Where they differ
 * the training is not at its end, or the network cannot learn these data. */
void nnsm_check_against_data(nnsm_run *run, const nnsm_summary *data, const nnsm_scanned *scanned);

/* Temperatures at which a test fails, as text: adds one, or " ..." where there is no more room. text: in and out,
 * [size]. */
void nnsm_list_temperature(char *text, size_t size, double temperature);

#endif
