/* load.h: an ensemble file into the memory of all ranks, each configuration read and converted by one rank, once.
 *
 * In rounds (stage/rounds.h) every rank reads a block, looks at its configurations, and passes each to the rank whose
 * piece of the training data it belongs to. A rank needs its share of the data and about three blocks of 4 MB. Rank 0
 * also keeps 40 bytes a configuration (30 more at the end), for autocorrelation times and repeated configurations. */
#ifndef NNSM_STAGE_LOAD_H
#define NNSM_STAGE_LOAD_H

#include "stage/evidence.h"
#include "stage/feed.h"

/* pool: created for this rank, to be filled; NULL: only look. h5, header: open and complete on all ranks, h5 with the
 * state of its own failure. Collective on run->world. */
nnsm_status nnsm_load(nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header, nnsm_pool *pool,
                      nnsm_summary *summary, nnsm_evidence *evidence, nnsm_error *error);

#endif
