/* branch_state.c: saving and restoring a branch of a scan. */
#include <math.h>
#include <stdio.h>

#include "stage/branch.h"

/* Groups run one after the other; those that have not begun need no saving. */
static int64_t begun(const nnsm_branch *b)
{
    int64_t count = 0;
    while (count < b->groups && b->group[count].sweep > 0)
        count++;
    return count;
}

size_t nnsm_branch_bytes(const nnsm_branch *branch)
{
    size_t bytes = 0;
    size_t chain = branch->run->lattice.sites + nnsm_series_doubles(NNSM_SERIES_QUANTITIES) * sizeof(double) + 32;
    for (int64_t g = 0; g < begun(branch); g++) {
        const nnsm_chains *c = &branch->group[g];
        bytes += c->tiles * NNSM_TILE * chain;
        bytes += c->temperatures * c->common.capacity * c->walkers * c->common.columns * sizeof(double);
    }
    return bytes;
}

void nnsm_branch_save(nnsm_branch *branch, nnsm_state *state)
{
    nnsm_branch *b = branch;
    int64_t groups = begun(b);
    char name[64];
    (void)snprintf(name, sizeof name, "%s/groups", b->name);
    nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &groups);
    for (int64_t g = 0; g < groups; g++) {
        int64_t count = (int64_t)b->group[g].temperatures, single_flips = !b->group[g].sampler;
        (void)snprintf(name, sizeof name, "%s/%lld/count", b->name, (long long)g);
        nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &count);
        (void)snprintf(name, sizeof name, "%s/%lld/single_flips", b->name, (long long)g);
        nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &single_flips);
        (void)snprintf(name, sizeof name, "%s/%lld/temperature", b->name, (long long)g);
        nnsm_state_values(state, name, NNSM_H5_DOUBLES, (size_t)count, b->group[g].temperature);
        (void)snprintf(name, sizeof name, "%s/%lld", b->name, (long long)g);
        nnsm_chains_state(&b->group[g], name, state);
    }
}

static nnsm_status restore_group(nnsm_branch *b, int64_t g, nnsm_state *state, nnsm_error *error)
{
    double temperature[NNSM_CONFIG_TEMPERATURES];
    int64_t count = 0, single_flips = 0;
    char name[64];
    (void)snprintf(name, sizeof name, "%s/%lld/count", b->name, (long long)g);
    nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &count);
    if (count < 1 || count > NNSM_CONFIG_TEMPERATURES) {
        nnsm_state_impossible(state, "number of temperatures");
        return nnsm_state_agree(state, error);
    }
    (void)snprintf(name, sizeof name, "%s/%lld/single_flips", b->name, (long long)g);
    nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &single_flips);
    (void)snprintf(name, sizeof name, "%s/%lld/temperature", b->name, (long long)g);
    nnsm_state_values(state, name, NNSM_H5_DOUBLES, (size_t)count, temperature);
    for (int64_t t = 0; t < count; t++)
        if (!(temperature[t] > 0 && isfinite(temperature[t])))
            nnsm_state_impossible(state, "temperatures");
    nnsm_status status = nnsm_state_agree(state, error);
    if (!status)
        status = nnsm_branch_group(b, g, (size_t)count, temperature, single_flips, error);
    (void)snprintf(name, sizeof name, "%s/%lld", b->name, (long long)g);
    if (!status)
        nnsm_chains_state(&b->group[g], name, state);
    return status;
}

nnsm_status nnsm_branch_restore(nnsm_branch *branch, nnsm_state *state, nnsm_error *error)
{
    char name[64];
    int64_t groups = 0;
    nnsm_status status = NNSM_OK;
    (void)snprintf(name, sizeof name, "%s/groups", branch->name);
    if (nnsm_state_has(state, name))
        nnsm_state_values(state, name, NNSM_H5_INTEGERS, 1, &groups);
    if (groups < 0 || groups > NNSM_MOST_GROUPS)
        nnsm_state_impossible(state, "number of groups");
    for (int64_t g = 0; g < groups && g < NNSM_MOST_GROUPS && !status; g++)
        status = restore_group(branch, g, state, error);
    if (groups > 0 && !status)
        nnsm_say(&branch->run->log, "%s: goes on after sweep %u", branch->name, branch->group[0].sweep);
    return status;
}
