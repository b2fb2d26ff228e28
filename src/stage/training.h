/* training.h: the state of a training: network, optimiser, position, history. The same on all ranks between the epochs'
 * reductions, except where said; no MPI team owns it, so a training can move between teams and through a checkpoint. */
#ifndef NNSM_STAGE_TRAINING_H
#define NNSM_STAGE_TRAINING_H

#include "stage/learner.h"
#include "stage/state.h"
#include "stage/trained.h"

typedef struct nnsm_training {
    nnsm_rng_key key;      /* of all its random numbers */
    size_t member;         /* 0: the run's own network; others train on a bootstrap sample of the data */
    size_t chains;         /* of the ensemble, interleaved; for the bootstrap */
    nnsm_learner learner;  /* parameters, and memory that is valid on each rank's slice while a team trains */
    nnsm_history *history; /* borrowed */
    size_t shards, epochs;
    float *best;       /* parameters of the best epoch, for early stopping; without it, of the last epoch */
    double *shard_nll; /* [shards] sums of this epoch over what was trained; zero where another rank owns a shard */
    double *collected; /* [shards] the same of all ranks together, on the way to a file */
    double best_nll;
    uint64_t epoch, batch; /* the next batch to train */
    uint64_t step;         /* Adam steps done */
    uint64_t stale;        /* epochs since the best one */
    uint64_t good;         /* epochs done when `best` was kept; 0: never */
    bool done;
    bool diverged; /* the parameters are `best`, if there is one */
} nnsm_training;

/* For the network and history of *trained, at the start. member: of an ensemble of networks, 0 is the run's own;
 * configurations: trained in an epoch. Local. */
nnsm_status nnsm_training_create(nnsm_training *training, const nnsm_run *run, size_t member, nnsm_trained *trained,
                                 size_t configurations, nnsm_error *error);
void nnsm_training_destroy(nnsm_training *training);

/* Make rank 0's state everybody's; shard sums are collected. The memory must be whole on rank 0. Collective on comm. */
void nnsm_training_share(nnsm_training *training, MPI_Comm comm);

/* Save or restore below /train; the memory must be whole on rank 0. Collective on run->world. */
void nnsm_training_state(nnsm_training *training, nnsm_state *state);

/* About what it takes in a checkpoint. Local. */
size_t nnsm_training_bytes(const nnsm_training *training);

/* A checkpoint of the run in training; the memory must be whole on rank 0. As nnsm_checkpoint_end. Collective. */
nnsm_status nnsm_training_save(nnsm_training *training, nnsm_run *run, nnsm_request request, nnsm_error *error);
/* The same into the file PATH; nothing but the training is in it. */
nnsm_status nnsm_training_save_at(nnsm_training *training, nnsm_run *run, const char *path, nnsm_request request,
                                  nnsm_error *error);
/* Read back what that has saved, with nnsm_training_check. */
nnsm_status nnsm_training_restore_at(nnsm_training *training, nnsm_run *run, const char *path, uint64_t batches,
                                     nnsm_error *error);

/* After restoring from PATH, before anything is used: are the numbers possible? Local. */
nnsm_status nnsm_training_check(const nnsm_training *training, const char *path, uint64_t batches, nnsm_error *error);

#endif
