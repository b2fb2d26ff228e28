/* run.h: what every stage of a run shares: configuration, communicator, model, log, clock. */
#ifndef NNSM_STAGE_RUN_H
#define NNSM_STAGE_RUN_H

#include <mpi.h>

#include "base/log.h"
#include "nnsm/ising.h"
#include "nnsm/rng.h"
#include "setup/config.h"

typedef enum { NNSM_STAGE_GENERATE, NNSM_STAGE_TRAIN, NNSM_STAGE_SCAN, NNSM_STAGE_REFERENCE, NNSM_STAGES } nnsm_stage;

/* When a rank worked on a stage, and how much of that it waited for others; seconds since the start of the run. */
typedef struct {
    double begin, end, wait;
} nnsm_interval;

typedef struct {
    const nnsm_config *config;
    MPI_Comm world;
    int rank, ranks;
    nnsm_log log;
    nnsm_rng_key key;
    double start;         /* nnsm_seconds() at the start */
    bool model_known;     /* the Ising model below made the data */
    nnsm_lattice lattice; /* of the configurations; sites = 0 until known */
    nnsm_ising model;
    nnsm_interval clock[NNSM_STAGES];
} nnsm_run;

typedef enum { NNSM_FILE_ENSEMBLE, NNSM_FILE_NETWORK, NNSM_FILE_RESULTS } nnsm_file;

/* Prepare a run from a configuration that is the same on all ranks: lattice and model where `system` is given, output
 * directory. Collective on world. */
nnsm_status nnsm_run_create(nnsm_run *run, const nnsm_config *config, MPI_Comm world, nnsm_error *error);
void nnsm_run_destroy(nnsm_run *run);

/* Path of a file of this run, OUTPUT/NAME.{ensemble,network,results}.h5. path: out, [NNSM_RUN_PATH]. Local. */
enum { NNSM_RUN_PATH = 2 * NNSM_CONFIG_TEXT + 64 };
void nnsm_run_path(const nnsm_run *run, nnsm_file file, char *path);

/* The clock of this rank. Local. */
void nnsm_run_begin(nnsm_run *run, nnsm_stage stage);
void nnsm_run_end(nnsm_run *run, nnsm_stage stage);
/* Adds the time since `since` (nnsm_seconds) to the waiting time of a stage. */
void nnsm_run_waited(nnsm_run *run, nnsm_stage stage, double since);

#endif
