/* quantise.h: what the values of a user's file become: the alphabet that it declares or has, or levels of its signal.
 */
#ifndef NNSM_STAGE_QUANTISE_H
#define NNSM_STAGE_QUANTISE_H

#include "io/ensemble_file.h"
#include "stage/run.h"

/* Complete a header that has its shape: the alphabet declared or, with a look at all data shared by the ranks, the
 * values that occur; or the levels of ensemble.thresholds or ensemble.levels with what they keep of the signal, which
 * become run->levels. h5: open on all ranks. Failures are agreed on. Collective on run->world. */
nnsm_status nnsm_quantise(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_error *error);

/* Thresholds, shares and what is lost, in lines that begin with `prefix`; nothing without levels. */
void nnsm_levels_report(const nnsm_levels *levels, const char *prefix);

#endif
