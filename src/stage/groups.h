/* groups.h: the ranks split into groups that work side by side, each on a task of its own, and the votes that hold them
 * together.
 *
 * A group sees a run of its own: the same configuration, model and keys, but the group's communicator, so that a stage
 * written for all ranks runs unchanged on some. What is left is to stop, save and fail together. Between two steps
 * every rank of every group votes (nnsm_groups_vote), and a group that is done goes on voting until all are
 * (nnsm_groups_wait). Votes all have one form, whatever a group is busy with: groups may take unequal numbers of steps,
 * and no two ranks ever wait in different calls. A vote says to all at once whether to save, to stop, or that a group
 * has failed; after one that ends the work nobody votes again. */
#ifndef NNSM_STAGE_GROUPS_H
#define NNSM_STAGE_GROUPS_H

#include "stage/run.h"

typedef struct {
    nnsm_run *run;   /* of all ranks, borrowed; not to be used until the groups have joined again */
    nnsm_run own;    /* as this rank's group sees it: world, rank and ranks are the group's; its rank 0 speaks */
    int count;       /* groups */
    int mine;        /* this rank's group, from 0 */
    int *first;      /* [count + 1] the ranks of run->world that the groups begin with */
    bool over;       /* a vote has ended the work */
    bool failed;     /* a group has failed */
    nnsm_vote where; /* what the votes are called */
} nnsm_groups;

/* Split the ranks into `count` groups of neighbours, 1 to run->ranks, as equal as can be. groups must stay where it is
 * until nnsm_groups_join. Collective on run->world. */
nnsm_status nnsm_groups_split(nnsm_groups *groups, nnsm_run *run, int count, nnsm_vote where, nnsm_error *error);

/* What all ranks do next: the most important of their wishes. Once `over`, do not vote again: save, and leave; with
 * `failed` the request is NNSM_CHECKPOINT. After NNSM_CHECKPOINT and not `over`, all call nnsm_groups_saved. Collective
 * on groups->run->world; the ranks of a group vote at the same places of their work. */
nnsm_request nnsm_groups_vote(nnsm_groups *groups);

/* All have saved what they had: the next checkpoint is due an interval later, also where there was nothing to write.
 * wrote: this rank's group has (by nnsm_checkpoint_end). Collective on groups->run->world. */
void nnsm_groups_saved(nnsm_groups *groups, bool wrote);

/* This group's task has ended with `status`, the same on all its ranks: vote until all groups are done. Collective with
 * the votes of the others. */
void nnsm_groups_wait(nnsm_groups *groups, nnsm_status status);

/* One run again: its clocks, warnings and stops are those of the groups. Call it once after a split that did not fail.
 * Collective on groups->run->world. */
void nnsm_groups_join(nnsm_groups *groups);

#endif
