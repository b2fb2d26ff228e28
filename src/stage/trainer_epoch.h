/* trainer_epoch.h: what the two files of a trainer share: trainer.c steps through the batches, trainer_epoch.c says
 * after an epoch how far the training is. Private to them. */
#ifndef NNSM_STAGE_TRAINER_EPOCH_H
#define NNSM_STAGE_TRAINER_EPOCH_H

#include "stage/trainer.h"

/* The learning rate of a step. Local. */
double nnsm_trainer_rate(const nnsm_trainer *trainer, uint64_t step);

/* Between two batches: take data, vote on what to do, and wait together until all have what the next batch needs. No
 * rank waits in anything but the vote, so that a stop never has to wait for data. Collective on trainer->all. */
nnsm_status nnsm_trainer_await(nnsm_trainer *trainer, uint64_t needed, uint64_t bound, nnsm_error *error);

/* The likelihood of the epoch and of the held-out configurations into history and log; which parameters are kept;
 * whether that was the last epoch. NNSM_FAILURE: diverged. Collective on trainer->all. */
nnsm_status nnsm_trainer_end_epoch(nnsm_trainer *trainer, nnsm_error *error);

#endif
