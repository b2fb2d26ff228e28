/* members.h: an ensemble of networks, which tells how far a prediction depends on the data at hand and on chance.
 *
 * Member 0 is the run's own network. The others have units or first weights, and draws, of their own, and train on
 * bootstrap samples of the data (Efron 1979; whole chains, drawn with replacement).
 *
 * They train side by side where that is faster, in rounds: the ranks split into groups (groups.h), one member each
 * (member.h). A training of its own is shared out over gradient shards, by whole ones, and not all of it is; so several
 * small groups get more done than all ranks together, but for the last members, which may be fewer than the groups. The
 * number of groups changes no bit. Every group holds all of the training data, spread over its ranks.
 *
 * State: a member that is trained is in OUTPUT/NAME.memberK.network.h5, one under way in
 * OUTPUT/NAME.memberK.checkpoint.h5, each written by its own group. The run's checkpoint stays as it is: it is that of
 * the end of the training, or of a scan that is to be compared with more networks. */
#ifndef NNSM_STAGE_MEMBERS_H
#define NNSM_STAGE_MEMBERS_H

#include "stage/trained.h"

enum { NNSM_MOST_MEMBERS = 64 };

typedef struct {
    size_t count;                            /* with the run's own */
    nnsm_network network[NNSM_MOST_MEMBERS]; /* from entry 1; 0 stays empty */
} nnsm_members;

/* Read or train config->trust.networks - 1 members. Collective on run->world; NNSM_UNFINISHED when
 * stopped; NNSM_DATA when the ensemble is not the one that the run's own network was trained on. */
nnsm_status nnsm_stage_members(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error);
/* The members whose files are there, beside the network's own file, for a scan alone; says how many. As above. */
nnsm_status nnsm_members_read(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error);
/* Remove the files of an earlier run's members: this one begins from the start. Local. */
void nnsm_members_forget(nnsm_run *run);
void nnsm_members_destroy(nnsm_members *members);

/* Into how many groups `ranks` ranks split to train the next of `members` members. time: out, of all of them, with one
 * member's training on one rank for unit. Local. */
int nnsm_members_at_once(const nnsm_config *config, size_t members, int ranks, double *time);

#endif
