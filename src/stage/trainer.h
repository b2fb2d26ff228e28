/* trainer.h: data-parallel maximum-likelihood training of one network by the ranks of one communicator. */
#ifndef NNSM_STAGE_TRAINER_H
#define NNSM_STAGE_TRAINER_H

#include "lattice/symmetry.h"
#include "stage/feed.h"
#include "stage/reduction.h"
#include "stage/training.h"

/* What a trainer asks its team between two batches. */
typedef struct {
    void *context;
    /* What this rank wants. Local. */
    nnsm_request (*wish)(void *context);
    /* All have agreed on `request`: save. NNSM_UNFINISHED ends the training. Collective on the trainer's ranks. */
    nnsm_status (*pause)(void *context, nnsm_request request, nnsm_error *error);
    /* All chunks have arrived at all trainers; once. Collective on the trainer's ranks. */
    nnsm_status (*fed)(void *context, nnsm_error *error);
} nnsm_trainer_team;

typedef struct {
    nnsm_run *run;
    nnsm_training *training; /* borrowed, as are pool and feed */
    nnsm_pool *pool;
    nnsm_feed *feed; /* where the first epoch's (stream: every epoch's) data come from; NULL: pool is full */
    bool fed;
    nnsm_trainer_team team;
    MPI_Comm all;     /* every rank of the team */
    MPI_Comm workers; /* those that own shards; MPI_COMM_NULL on others, which only follow */
    nnsm_symmetry *symmetry;
    nnsm_lattice symmetry_lattice;
    size_t pieces;                     /* of vectors */
    nnsm_slices *slices[NNSM_VECTORS]; /* [pieces] of the workers; a dense network's are all like the first, the only
                                          ones */
    nnsm_reduction *reduction[NNSM_VECTORS]; /* of the two kinds of sums */
    nnsm_network_workspace workspace, evaluation;
    uint32_t **order;         /* [shards] shuffled rows of own shards */
    uint32_t **drawn;         /* [shards] rows of own shards before that; a member's bootstrap sample */
    int8_t *moved;            /* [shard rows][sites] a shard's part of the batch */
    double *sums;             /* [2 tiles + shards] of an epoch, for the reduction over ranks */
    double entropy_offset;    /* ln Z where exactly known, else NaN */
    double validation_energy; /* mean E of the held-out configurations */
    double began;             /* the epoch */
} nnsm_trainer;

/* training: the same on all ranks; the trainer goes on from there. Collective on all. */
nnsm_status nnsm_trainer_create(nnsm_trainer *trainer, nnsm_run *run, nnsm_training *training, nnsm_pool *pool,
                                nnsm_feed *feed, const nnsm_trainer_team *team, MPI_Comm all, nnsm_error *error);
void nnsm_trainer_destroy(nnsm_trainer *trainer);

/* Epochs until `last` (or an early stop). All ranks return the same: NNSM_UNFINISHED, or the failure of a divergence,
 * after which the parameters are those of the last good epoch. Collective. */
nnsm_status nnsm_trainer_epochs(nnsm_trainer *trainer, size_t last, nnsm_error *error);

/* Make the memory whole on every worker, before the state is saved or shared. Collective on all. */
void nnsm_trainer_settle(nnsm_trainer *trainer);

#endif
