/* command.h: the commands of the program; each returns the exit code's status with one message. */
#ifndef NNSM_COMMAND_COMMAND_H
#define NNSM_COMMAND_COMMAND_H

#include "io/h5.h"
#include "stage/run.h"

typedef nnsm_status nnsm_command(nnsm_run *run, nnsm_error *error);

/* Commands on a configuration. Collective on run->world. */
nnsm_command nnsm_command_run, nnsm_command_generate, nnsm_command_window, nnsm_command_train, nnsm_command_scan;

/* Measure how fast the parts of such a run are here, for about `seconds`; OUTPUT/NAME.bench.json. Collective on
 * run->world. */
nnsm_status nnsm_command_bench(nnsm_run *run, double seconds, nnsm_error *error);

/* Validate and print the plan for `ranks` ranks: teams, work and memory a rank, predicted time, files. Local. */
nnsm_status nnsm_command_check(const nnsm_config *config, int ranks, nnsm_error *error);

/* Print what is in an HDF5 file of ours. Local. */
nnsm_status nnsm_command_info(const char *path, nnsm_error *error);

/* The same of a file that was probed, or in the child process that does it; look: examine all configurations of an
 * ensemble, for which MPI must be there. Local. */
nnsm_status nnsm_info_print(const char *path, bool look, nnsm_error *error);

/* The part for an open ensemble file. */
nnsm_status nnsm_info_ensemble(nnsm_h5 *h5, bool look, nnsm_error *error);
void nnsm_print_extent(int dimensions, const int *extent);

/* Read a file as a whole; for io/probe.h. Local, no MPI. */
nnsm_status nnsm_command_probe(const char *path, nnsm_error *error);

/* --version and --help. Local. */
void nnsm_command_version(void);
void nnsm_command_help(const char *topic);

#endif
