/* second_file.h: the file of trust.compare, a second ensemble at another temperature (second.c compares with it). */
#ifndef NNSM_STAGE_SECOND_FILE_H
#define NNSM_STAGE_SECOND_FILE_H

#include "io/ensemble_file.h"
#include "stage/run.h"

/* Open it on all ranks and look whether its lattice, values, temperature and number of configurations can be compared
 * with this run, whose own are known. h5: out, to be finished, also after a failure. NNSM_DATA, or NNSM_USAGE for a
 * temperature that is not scanned. Collective on run->world. */
nnsm_status nnsm_second_open(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_error *error);

/* Place of a temperature in scan.temperatures, their number where it has none. Local. */
size_t nnsm_second_position(const nnsm_config *config, double temperature);

#endif
