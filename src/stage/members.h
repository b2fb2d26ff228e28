/* members.h: an ensemble of networks, which tells how far a prediction depends on the data at hand and on chance.
 *
 * Member 0 is the run's own network. The others have units or first weights, and draws, of their own, and train on
 * bootstrap samples of the data (Efron 1979; whole chains, drawn with replacement). All ranks train one member after
 * the other: a member's work is shared out over gradient shards as that of the run's own network is. Each is kept in
 * OUTPUT/NAME.memberK.network.h5 as soon as it is trained, and used again when the run goes on. */
#ifndef NNSM_STAGE_MEMBERS_H
#define NNSM_STAGE_MEMBERS_H

#include "stage/trained.h"

enum { NNSM_MOST_MEMBERS = 64 };

typedef struct {
    size_t count;                            /* with the run's own */
    nnsm_network network[NNSM_MOST_MEMBERS]; /* from entry 1; 0 stays empty */
} nnsm_members;

/* Train or read config->trust.networks - 1 members. Collective on run->world; NNSM_UNFINISHED when
 * stopped; NNSM_DATA when the ensemble is not the one that the run's own network was trained on. */
nnsm_status nnsm_stage_members(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error);
/* The members whose files are there, beside the network's own file, for a scan alone; says how many. As above. */
nnsm_status nnsm_members_read(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error);
/* Remove the files of an earlier run's members: this one begins from the start. Local. */
void nnsm_members_forget(nnsm_run *run);
void nnsm_members_destroy(nnsm_members *members);

/* A request while a member trains: a stop gives up what was done of this member. Collective. */
nnsm_status nnsm_members_pause(nnsm_run *run, nnsm_request request, nnsm_error *error);

#endif
