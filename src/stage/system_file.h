/* system_file.h: the known model as attributes of /system in the files of a run. Local. */
#ifndef NNSM_STAGE_SYSTEM_FILE_H
#define NNSM_STAGE_SYSTEM_FILE_H

#include "io/h5.h"
#include "stage/run.h"

/* /system of a known model; couplings that it does not have are left out. */
void nnsm_system_write(nnsm_h5 *h5, const nnsm_run *run);

/* The model and lattice of a file (/system, where it has one) become the run's where the configuration has none;
 * otherwise they must agree. extent: [NNSM_MAX_DIMENSIONS]; periodic: where /system does not say. */
nnsm_status nnsm_system_adopt(nnsm_h5 *h5, nnsm_run *run, int dimensions, const int *extent, bool periodic);

#endif
