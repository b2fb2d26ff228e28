/* member.h: one member of an ensemble of networks, trained by one group of ranks.
 *
 * Its training is that of the run's own network with another key and a bootstrap sample, on the group's communicator;
 * so its bits depend neither on the group's size nor on what other groups do. At an interval and at a stop its state
 * goes to OUTPUT/NAME.memberK.checkpoint.h5, written by its group alone, and any other group goes on from there. */
#ifndef NNSM_STAGE_MEMBER_H
#define NNSM_STAGE_MEMBER_H

#include "stage/feed.h"
#include "stage/groups.h"
#include "stage/trained.h"

typedef struct {
    size_t member;       /* from 1 */
    int saved;           /* its checkpoint is there */
    const char *network; /* the files */
    const char *checkpoint;
} nnsm_member_task;

/* Train it on `pool`, which the group owns, and write its file. trained: summary, reach and ensemble are there; network
 * and history are made. The same status on all ranks of the group; NNSM_UNFINISHED when stopped, its state saved, by a
 * request or by the failure of another group. Collective on groups->own.world; votes with the other groups, so that
 * nnsm_groups_wait must follow. */
nnsm_status nnsm_member_train(nnsm_groups *groups, nnsm_pool *pool, const nnsm_member_task *task, nnsm_trained *trained,
                              nnsm_error *error);

#endif
