#include "stage/groups.h"

#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"

nnsm_status nnsm_groups_split(nnsm_groups *groups, nnsm_run *run, int count, nnsm_vote where, nnsm_error *error)
{
    nnsm_groups *g = groups;
    *g = (nnsm_groups){.run = run, .own = *run, .count = count, .where = where};
    nnsm_status status = NNSM_NEW(&g->first, count + 1, "groups of ranks", error);
    status = nnsm_agree(run->world, status, error);
    if (status) {
        nnsm_release(g->first);
        return status;
    }
    for (int i = 0; i <= count; i++)
        g->first[i] = (int)((int64_t)i * run->ranks / count);
    while (g->first[g->mine + 1] <= run->rank)
        g->mine++;
    NNSM_MPI(MPI_Comm_split(run->world, g->mine, run->rank, &g->own.world));
    g->own.rank = run->rank - g->first[g->mine];
    g->own.ranks = g->first[g->mine + 1] - g->first[g->mine];
    g->own.log.active = g->own.rank == 0;
    return NNSM_OK;
}

static nnsm_request vote(nnsm_groups *g, bool working, bool failed)
{
    int all[3] = {(int)nnsm_stop_poll(&g->own.stop, g->where), working, failed};
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, all, 3, MPI_INT, MPI_MAX, g->run->world));
    g->failed = all[2] != 0;
    g->over = g->failed || all[0] > NNSM_CHECKPOINT || !all[1];
    return g->failed ? NNSM_CHECKPOINT : (nnsm_request)all[0];
}

nnsm_request nnsm_groups_vote(nnsm_groups *groups)
{
    return vote(groups, true, false);
}

void nnsm_groups_saved(nnsm_groups *groups, bool wrote)
{
    nnsm_stop *stop = &groups->own.stop;
    double seconds = wrote ? stop->last_cost : 0;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, groups->run->world));
    if (!wrote)
        nnsm_stop_saved(stop, seconds, true);
}

void nnsm_groups_wait(nnsm_groups *groups, nnsm_status status)
{
    nnsm_groups *g = groups;
    while (!g->over)
        if (vote(g, false, status != NNSM_OK) == NNSM_CHECKPOINT && !g->over)
            nnsm_groups_saved(g, false);
}

void nnsm_groups_join(nnsm_groups *groups)
{
    nnsm_groups *g = groups;
    nnsm_run *run = g->run;
    int warnings = g->own.log.warnings - run->log.warnings;
    bool active = run->log.active;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &warnings, 1, MPI_INT, MPI_SUM, run->world));
    NNSM_MPI(MPI_Comm_free(&g->own.world));
    run->stop = g->own.stop;
    memcpy(run->clock, g->own.clock, sizeof run->clock);
    run->log.last = g->own.log.last;
    run->log.active = active;
    run->log.warnings += warnings;
    nnsm_release(g->first);
    *g = (nnsm_groups){0};
}
