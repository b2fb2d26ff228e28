/* foresee.h: what a scan would refuse, refused before the hours that lead to it. */
#ifndef NNSM_STAGE_FORESEE_H
#define NNSM_STAGE_FORESEE_H

#include "stage/run.h"

/* scan.moves and trust.compare, against lattice, alphabet and levels of the run, which are known by now. NNSM_USAGE or
 * NNSM_DATA; NNSM_UNFINISHED when stopped while the values of that file are looked for. Looks once a run: called again
 * it reads nothing. Collective on run->world. */
nnsm_status nnsm_foresee_scan(nnsm_run *run, nnsm_error *error);

#endif
