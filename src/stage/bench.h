/* bench.h: how fast a run of this configuration works on this machine, part by part.
 *
 * What is measured is the program itself: the stages' own functions on a small ensemble of the configuration's system
 * at its T0, with its network and its scan, and the kernels under them. All files are those of a run of the name
 * NAME.bench, and removed; OUTPUT/NAME.bench.json remains. */
#ifndef NNSM_STAGE_BENCH_H
#define NNSM_STAGE_BENCH_H

#include "lattice/generator.h"
#include "nnsm/self_learning.h"
#include "setup/peak.h"
#include "stage/bench_clock.h"
#include "stage/chains.h"
#include "stage/couplings.h"
#include "stage/trainer.h"

enum { NNSM_BENCH_SIZES = 10 }; /* of messages: 8 bytes to 2 MB */

typedef enum {
    NNSM_BENCH_PEAK,
    NNSM_BENCH_GENERATOR,
    NNSM_BENCH_GRADIENT,
    NNSM_BENCH_HESSIAN, /* frontier network: sums with Hessians */
    NNSM_BENCH_TRAINING,
    NNSM_BENCH_ANCESTRAL,
    NNSM_BENCH_SINGLE_FLIP,
    NNSM_BENCH_SCREENED_FLIP,
    NNSM_BENCH_SELF_LEARNING,
    NNSM_BENCH_SCAN,
    NNSM_BENCH_ENSEMBLE_WRITE,
    NNSM_BENCH_ENSEMBLE_READ,
    NNSM_BENCH_CHECKPOINT,
    NNSM_BENCH_PARTS
} nnsm_bench_name;

typedef enum {
    NNSM_BENCH_ALLREDUCE, /* MPI_Allreduce, as votes and sums of the stages */
    NNSM_BENCH_GATHER,    /* nnsm_slices_share: a vector's slices to all ranks */
    NNSM_BENCH_REDUCE,    /* nnsm_reduction_run of one shard a rank, which costs nothing to compute */
    NNSM_BENCH_MESSAGES
} nnsm_bench_message;

/* How a fraction of the peak is counted; 0: not a dense network's work. */
typedef struct {
    double dense, needed; /* operations of a unit of work (made/operations.h) */
    double workers;       /* ranks that share the work of a call */
} nnsm_bench_count;

/* Floats [first, end) of a shard's gradient, final so long after those before them. */
typedef struct {
    size_t first, end;
    double seconds;
} nnsm_bench_layer;

typedef struct {
    nnsm_run *run;
    const nnsm_config *asked; /* the user's */
    nnsm_config config;       /* what is run */
    size_t in_file;           /* configurations of the user's file, of which some are benchmarked; rank 0 */
    double seconds;           /* that all rounds may take, about */
    /* the generators: own system, since windows may replace the run's */
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_generator *generator;
    nnsm_source source;
    /* training */
    nnsm_pool pool;
    nnsm_trained trained;
    nnsm_training training;
    nnsm_trainer trainer;
    int8_t *rows; /* [shard rows][sites] */
    float *sums;
    /* scan */
    nnsm_learned *learned;
    nnsm_couplings couplings;
    nnsm_tile sample, flips, proposals;
    nnsm_screening screening; /* tile NULL: flips are not screened */
    nnsm_tile screened;
    int64_t passed, screened_flips; /* of these, for which H was evaluated; proposed */
    nnsm_self_learning *sampler;    /* NULL: no couplings that could propose */
    nnsm_chains chains;
    int8_t *spins; /* [NNSM_TILE][sites] */
    uint32_t updates[NNSM_BENCH_PARTS];
    /* results, the same on all ranks but where said */
    nnsm_peak peak;
    nnsm_core cores[NNSM_CORES]; /* rank 0 */
    size_t core_count;
    nnsm_bench_part part[NNSM_BENCH_PARTS]; /* call NULL: not part of such a run */
    nnsm_bench_count count[NNSM_BENCH_PARTS];
    size_t message_size[NNSM_BENCH_SIZES];
    nnsm_bench_part message[NNSM_BENCH_MESSAGES][NNSM_BENCH_SIZES];
    nnsm_bench_line line[NNSM_BENCH_MESSAGES];
    nnsm_bench_layer layer[NNSM_MAX_LAYERS + 4]; /* rank 0, in the order of the backward pass; the first one is only
                                                    what is told of first, with the forward pass before it */
    size_t layers;
    double evaluated;       /* passed by screened_flips of all ranks; NaN: not screened */
    double acceptance, tau; /* self-learning: of proposals; of |m| in proposals, NaN: not known */
} nnsm_bench;

/* Everything up to the first round: data, network, some training, chains. bench: zeroed but for run, asked, seconds.
 * Collective on run->world, as is all below. */
nnsm_status nnsm_bench_prepare(nnsm_bench *bench, nnsm_error *error);
void nnsm_bench_release(nnsm_bench *bench);

/* The peak of other kernels on rank 0, while the others sleep. */
nnsm_status nnsm_bench_cores(nnsm_bench *bench, nnsm_error *error);
/* Kernels, stages and files. */
nnsm_status nnsm_bench_stages(nnsm_bench *bench, nnsm_error *error);
/* The layers of a shard's gradient. Local. */
void nnsm_bench_layers(nnsm_bench *bench);
/* Messages, and their lines. */
nnsm_status nnsm_bench_messages(nnsm_bench *bench, nnsm_error *error);

/* Between two rounds: NNSM_UNFINISHED when a stop is asked for. context: the bench. */
nnsm_status nnsm_bench_pause(void *context, nnsm_error *error);

/* Shares of the peak, NaN where operations are not counted. Local. */
void nnsm_bench_fractions(const nnsm_bench *bench, nnsm_bench_name name, double *dense, double *needed);

/* The table, and what one should mind. Local. */
void nnsm_bench_print(nnsm_bench *bench);
/* OUTPUT/NAME.bench.json. Local, rank 0. */
nnsm_status nnsm_bench_write(const nnsm_bench *bench, nnsm_error *error);

#endif
