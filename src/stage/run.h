/* run.h: what every stage of a run shares: configuration, communicator, model, log, clock. */
#ifndef NNSM_STAGE_RUN_H
#define NNSM_STAGE_RUN_H

#include <mpi.h>

#include "base/levels.h"
#include "base/log.h"
#include "io/probe.h"
#include "nnsm/alphabet.h"
#include "nnsm/model.h"
#include "nnsm/rng.h"
#include "setup/config.h"
#include "setup/lock.h"
#include "setup/stop.h"
#include "stage/windowing.h"

typedef enum {
    NNSM_STAGE_GENERATE,
    NNSM_STAGE_WINDOW,
    NNSM_STAGE_TRAIN,
    NNSM_STAGE_MEMBERS,
    NNSM_STAGE_COUPLINGS,
    NNSM_STAGE_SAMPLES, /* ancestral */
    NNSM_STAGE_SCAN,
    NNSM_STAGE_REFERENCE,
    NNSM_STAGE_DISTILLED,
    NNSM_STAGE_EVALUATION, /* of all scans: sweeps after the last that is saved, errors, free energies */
    NNSM_STAGE_TRUST,
    NNSM_STAGES
} nnsm_stage;

/* When a rank worked on a stage, and how much of that it waited for others; seconds since the start of the run. */
typedef struct {
    double begin, end, wait;
    double waited; /* before, in other stages */
} nnsm_interval;

/* How far a run has come. */
typedef enum { NNSM_AT_START, NNSM_AT_GENERATE, NNSM_AT_TRAIN, NNSM_AT_SCAN, NNSM_PROGRESSES } nnsm_progress;

/* What an earlier session left; plain data, the same on all ranks. */
typedef struct {
    nnsm_progress progress;    /* NNSM_AT_START: nothing to go on from */
    bool rescan;               /* the network is valid, the scan's state is not */
    int64_t step;              /* of the training; 0: not begun */
    int64_t ensemble, network; /* checksums of the finished files; 0: not finished */
    int64_t sessions;          /* before this one */
    double seconds;            /* that they took */
} nnsm_resume;

typedef struct {
    const nnsm_config *config;
    MPI_Comm world;
    int rank, ranks;
    nnsm_log log;
    nnsm_rng_key key;
    double start;           /* nnsm_seconds() at the start */
    char kernels[256];      /* of all ranks, on rank 0; of nnsm_cores_compare */
    bool model_known;       /* the model below made the data */
    nnsm_lattice lattice;   /* of the configurations; sites = 0 until known */
    nnsm_alphabet alphabet; /* of their sites; the model's where one is known */
    nnsm_levels levels;     /* by which the user's file becomes states; those of the network, once there is one */
    nnsm_model model;
    nnsm_windowing windowing; /* that the data were seen through; adopted by nnsm_run_adopt_windows */
    int32_t *window_counts;   /* [sites] in how many windows a site lies, where the network works below them; or NULL */
    nnsm_interval clock[NNSM_STAGES];
    nnsm_stop stop;
    double saving;         /* when the checkpoint under way was begun */
    nnsm_lock lock;        /* on rank 0 */
    nnsm_probed probed[2]; /* the files of configurations and of trust.compare, on rank 0 */
    nnsm_resume resume;
    int64_t ensemble, network; /* checksums of the files that the run has finished, or reads; 0: none yet */
    int64_t trained_on;        /* checksum of the ensemble of the network in use; behind windows, of their source; 0:
                                  no network yet, or it does not say */
    bool foreseen;             /* nnsm_foresee_scan has found nothing to refuse */
} nnsm_run;

typedef enum {
    NNSM_FILE_ENSEMBLE,
    NNSM_FILE_BLOCKS, /* sums in windows */
    NNSM_FILE_LATENT, /* sites that windows were undone to */
    NNSM_FILE_NETWORK,
    NNSM_FILE_RESULTS,
    NNSM_FILE_CHECKPOINT,
    NNSM_FILE_LAST_GOOD, /* the network before a divergence */
    NNSM_FILE_BENCH,     /* what a benchmark found */
    NNSM_FILE_LOCK,
    NNSM_FILE_STOP
} nnsm_file;

/* The model of the system group. Local. */
nnsm_model_parameters nnsm_run_parameters(const nnsm_config *config);

/* Prepare a run from a configuration that is the same on all ranks: lattice and model where `system` is given, output
 * directory, lock, which all ranks must see. run must stay where it is until nnsm_run_destroy. Collective on world. */
nnsm_status nnsm_run_create(nnsm_run *run, const nnsm_config *config, MPI_Comm world, nnsm_error *error);
void nnsm_run_destroy(nnsm_run *run);

/* Path of a file of this run, OUTPUT/NAME.{ensemble,network,results,checkpoint}.h5, ... path: out, [NNSM_RUN_PATH].
 * Local. */
enum { NNSM_RUN_PATH = 2 * NNSM_CONFIG_TEXT + 64 };
void nnsm_run_path(const nnsm_run *run, nnsm_file file, char *path);

/* The file that the network is trained on: the run's own ensemble, the user's, or what the windows make of either.
 * Local. */
void nnsm_run_data_path(const nnsm_run *run, char *path);

/* The data were seen through these windows. Where the network works on the windows, the model of the sites below is
 * forgotten and the lattice becomes unknown. Once a run; again with the same windows it does nothing. NNSM_DATA where
 * the windows contradict the configuration or those that the run has. Local. */
nnsm_status nnsm_run_adopt_windows(nnsm_run *run, const nnsm_windowing *windowing, nnsm_error *error);

void nnsm_run_forget_windows(nnsm_run *run);

/* Does the run's lattice have these extents? extent: [NNSM_MAX_DIMENSIONS], 1 where unused. Local. */
bool nnsm_run_has_lattice(const nnsm_run *run, int dimensions, const int *extent);

/* Is the lattice of the network periodic, as far as the configuration says? Local. */
bool nnsm_run_periodic(const nnsm_run *run);

/* The order of one configuration ([sites] states) that all observables of m are made of: nnsm_alphabet_order; behind
 * windows the mean of their sums over the sites of a window, so that it compares with the sites below. Local. */
double nnsm_run_magnetization(const nnsm_run *run, const int8_t *states);

/* The sites that m is the mean of: of the lattice, behind windows of the lattice below them. Local. */
double nnsm_run_magnetic_sites(const nnsm_run *run);

/* The clock of this rank. Local. */
void nnsm_run_begin(nnsm_run *run, nnsm_stage stage);
void nnsm_run_end(nnsm_run *run, nnsm_stage stage);

#endif
