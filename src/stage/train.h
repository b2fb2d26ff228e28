/* train.h: the stages before the scan: from a model or an ensemble to a network file. All are collective on run->world,
 * go on from run->resume, and return NNSM_UNFINISHED when stopped. */
#ifndef NNSM_STAGE_TRAIN_H
#define NNSM_STAGE_TRAIN_H

#include "stage/evidence.h"
#include "stage/feed.h"
#include "stage/training.h"

/* Train while generating (`run`): the last ranks generate at first, the others train; when generation ends, all train.
 * Writes the ensemble and network files; all ranks hold *trained afterwards. */
nnsm_status nnsm_stage_generate_and_train(nnsm_run *run, nnsm_trained *trained, nnsm_error *error);

/* Only generate: all ranks; writes the ensemble file. */
nnsm_status nnsm_stage_generate(nnsm_run *run, nnsm_error *error);

/* Only train, on an ensemble file (the user's, or the run's own); writes the network file. */
nnsm_status nnsm_stage_train(nnsm_run *run, nnsm_trained *trained, nnsm_error *error);

/* What a training refuses of a file by its header: h5 has failed then. periodic: the configuration's system is; model:
 * the values of its sites, NULL where no model is known. Local. */
nnsm_status nnsm_header_check(nnsm_h5 *h5, const nnsm_ensemble_header *header, const nnsm_config *config, bool periodic,
                              const nnsm_alphabet *model);

/* The pieces of the run's ensemble file (the user's, or its own) that this rank owns, and what is known of the
 * ensemble. A user's file that contradicts train.augment is refused. pool: zeroed or whole also after a failure. */
nnsm_status nnsm_pool_load(nnsm_run *run, nnsm_pool *pool, nnsm_summary *summary, nnsm_evidence *evidence,
                           nnsm_error *error);

/* The rest of a training by all ranks, on a full pool. */
nnsm_status nnsm_train_on(nnsm_run *run, nnsm_training *training, nnsm_pool *pool, nnsm_error *error);

#endif
