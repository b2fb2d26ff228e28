/* trainer.h: data-parallel maximum-likelihood training of one network on one communicator. */
#ifndef NNSM_STAGE_TRAINER_H
#define NNSM_STAGE_TRAINER_H

#include "lattice/symmetry.h"
#include "stage/feed.h"
#include "stage/reduction.h"
#include "stage/train.h"

typedef struct {
    nnsm_run *run;
    nnsm_made *made;
    nnsm_history *history;
    nnsm_pool *pool;
    nnsm_feed *feed; /* where the first epoch's (stream: every epoch's) data come from; NULL: pool is full */
    nnsm_symmetry *symmetry;
    nnsm_lattice symmetry_lattice;
    MPI_Comm comm; /* the ranks that own shards; MPI_COMM_NULL on others */
    nnsm_reduction *reduction;
    nnsm_made_workspace *workspace, *evaluation;
    float *first, *second; /* Adam moments, [parameters]; valid on this rank's slice */
    float *best;           /* parameters of the best epoch, for early stopping */
    double best_nll;
    size_t epoch, batch, step; /* step: Adam steps done */
    size_t stale;              /* epochs since the best one */
    bool done;
    uint32_t **order;         /* [shards] shuffled rows of own shards */
    int8_t *moved;            /* [shard rows][sites] a shard's part of the batch */
    double *shard_nll;        /* [shards] sums of this epoch */
    double entropy_offset;    /* ln Z where exactly known, else NaN */
    double validation_energy; /* mean E of the held-out configurations */
} nnsm_trainer;

/* made: all parameters set, the same on all ranks. comm: all ranks that may train; those without a shard do nothing in
 * the epochs. Collective on comm. */
nnsm_status nnsm_trainer_create(nnsm_trainer *trainer, nnsm_run *run, nnsm_made *made, nnsm_history *history,
                                nnsm_pool *pool, nnsm_feed *feed, MPI_Comm comm, nnsm_error *error);
void nnsm_trainer_destroy(nnsm_trainer *trainer);

/* Epochs until `last` (or an early stop). On failure (data, divergence) all ranks return the same. Collective. */
nnsm_status nnsm_trainer_epochs(nnsm_trainer *trainer, size_t last, nnsm_error *error);

/* Carry weights and moments over to a trainer on a larger communicator; ranks that are new get them too. `old` is NULL
 * on ranks that did not train; old_ranks trained, the first ones of comm. Collective on comm. */
void nnsm_trainer_continue(nnsm_trainer *to, const nnsm_trainer *old, MPI_Comm comm);

#endif
