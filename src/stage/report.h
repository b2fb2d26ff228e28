/* report.h: the results file, and the closing lines of a run. */
#ifndef NNSM_STAGE_REPORT_H
#define NNSM_STAGE_REPORT_H

#include "stage/scan.h"

/* Write OUTPUT/NAME.results.h5 (rank 0) with everything a reader needs. Collective on run->world. */
nnsm_status nnsm_stage_report(nnsm_run *run, const nnsm_trained *trained, const nnsm_couplings *couplings,
                              const nnsm_scanned *scanned, nnsm_error *error);

/* Do the results of this configuration and network exist already? The same answer on all ranks. Collective. */
bool nnsm_report_finished(nnsm_run *run);

/* Busy, wait and idle time of every stage over the ranks, checkpoints, the longest step. Collective. */
void nnsm_report_times(nnsm_run *run, nnsm_status status);

#endif
