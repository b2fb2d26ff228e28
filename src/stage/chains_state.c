/* chains_state.c: saving and restoring the chains of a scan. */
#include <stdio.h>
#include <string.h>

#include "setup/agree.h"
#include "stage/chains.h"

void nnsm_chains_collect(nnsm_chains *chains)
{
    nnsm_chains *c = chains;
    memcpy(c->collected, c->accepted, c->temperatures * sizeof *c->accepted);
    memcpy(c->collected + NNSM_COUNT_REGENERATED * c->temperatures, c->regenerated,
           c->temperatures * sizeof *c->regenerated);
    memcpy(c->collected + NNSM_COUNT_PASSED * c->temperatures, c->passed, c->temperatures * sizeof *c->passed);
    memcpy(c->collected + NNSM_COUNT_WHOLE * c->temperatures, c->whole, c->temperatures * sizeof *c->whole);
    memcpy(c->collected + NNSM_COUNT_MOVES * c->temperatures, c->moved,
           NNSM_MOVES * c->temperatures * sizeof *c->moved);
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, c->collected, NNSM_COUNTS * (int)c->temperatures, MPI_INT64_T, MPI_SUM,
                           c->run->world));
}

static void values(nnsm_state *state, const char *group, const char *name, nnsm_h5_type type, size_t count, void *data)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", group, name);
    nnsm_state_values(state, path, type, count, data);
}

static void items(nnsm_state *state, const char *group, const char *name, nnsm_h5_type type, size_t own, size_t size,
                  void *data)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", group, name);
    nnsm_state_items(state, path, type, own, size, data);
}

/* Numbers of events, which will be added to. */
static void counts(nnsm_state *state, const char *group, const char *name, size_t count, int64_t *numbers)
{
    values(state, group, name, NNSM_H5_INTEGERS, count, numbers);
    for (size_t i = 0; i < count; i++)
        if (numbers[i] < 0 || numbers[i] > INT64_MAX / 2)
            nnsm_state_impossible(state, name);
}

/* The ladders are small and the same on all ranks: they travel as one list of whole numbers. */
static void ladders_state(nnsm_chains *c, const char *group, nnsm_state *state)
{
    nnsm_ladders *l = &c->ladders;
    size_t chains = c->temperatures * c->walkers;
    int64_t *n = c->numbers;
    for (size_t i = 0; i < chains; i++) {
        n[i] = l->chain_at[i];
        n[chains + i] = l->extreme[i];
    }
    values(state, group, "ladders", NNSM_H5_INTEGERS, 2 * chains, n);
    counts(state, group, "attempted", c->temperatures, l->attempted);
    counts(state, group, "exchanged", c->temperatures, l->exchanged);
    counts(state, group, "round_trips", c->walkers, l->round_trips);
    for (size_t i = 0; i < chains && !state->writing; i++)
        l->temperature_of[i] = -1;
    for (size_t i = 0; i < chains; i++) {
        bool possible = n[i] >= 0 && (size_t)n[i] < chains && (state->writing || l->temperature_of[n[i]] < 0);
        size_t chain = possible ? (size_t)n[i] : 0;
        if (!possible)
            nnsm_state_impossible(state, "ladder of temperatures");
        l->chain_at[i] = (int32_t)chain;
        l->temperature_of[chain] = (int32_t)(i / c->walkers);
        l->extreme[i] = (int8_t)n[chains + i];
        c->ahead.chain_at[i] = l->chain_at[i];
        c->ahead.temperature_of[chain] = l->temperature_of[chain];
    }
}

/* Of other Hamiltonians than there are now, as when networks were added: the chains go on, without these samples. */
static bool same_judges(nnsm_chains *c, const char *group, int64_t count, nnsm_state *state)
{
    nnsm_common *s = &c->common;
    double found[NNSM_MOST_MEMBERS + 1] = {0};
    if (count != (int64_t)s->judges.count)
        return false;
    memcpy(found, s->fingerprint, s->judges.count * sizeof *found);
    values(state, group, "common_judges", NNSM_H5_DOUBLES, s->judges.count + 1, found);
    return memcmp(found, s->fingerprint, s->judges.count * sizeof *found) == 0;
}

static void common_state(nnsm_chains *c, const char *group, nnsm_state *state)
{
    nnsm_common *s = &c->common;
    int64_t numbers[4] = {(int64_t)s->rounds, s->stride, s->measured, (int64_t)s->judges.count};
    values(state, group, "common_numbers", NNSM_H5_INTEGERS, 4, numbers);
    if (!same_judges(c, group, numbers[3], state)) {
        nnsm_common_forget(s);
        nnsm_say(&c->run->log,
                 "trust: the networks are not those that judged the chains so far; new samples are taken");
        return;
    }
    items(state, group, "common_samples", NNSM_H5_DOUBLES, c->own_temperatures, s->capacity * c->walkers * s->columns,
          s->rows);
    if (state->writing)
        return;
    if (numbers[0] < 0 || numbers[0] > (int64_t)s->capacity || numbers[1] < 1 || numbers[1] > UINT32_MAX / 2 ||
        numbers[2] < 0 || numbers[2] > UINT32_MAX || numbers[0] != (numbers[2] + numbers[1] - 1) / numbers[1]) {
        nnsm_state_impossible(state, "number of common samples");
        return;
    }
    s->rounds = (size_t)numbers[0];
    s->stride = (uint32_t)numbers[1];
    s->measured = (uint32_t)numbers[2];
}

void nnsm_chains_state(nnsm_chains *chains, const char *group, nnsm_state *state)
{
    nnsm_chains *c = chains;
    size_t size = NNSM_TILE * c->run->lattice.sites;
    if (state->writing)
        nnsm_chains_settle(c);
    int64_t numbers[3] = {c->sweep, c->attempt, c->bennett.centred};
    for (size_t t = 0; t < c->own && state->writing; t++)
        c->tile[t].methods->read(c->tile[t].state, c->configurations + t * size);
    for (size_t i = 0; i < c->own_temperatures * c->walkers && state->writing; i++)
        nnsm_series_save(c->series[i], c->packed + i * nnsm_series_doubles(NNSM_SERIES_QUANTITIES));
    nnsm_chains_collect(c);
    values(state, group, "numbers", NNSM_H5_INTEGERS, 3, numbers);
    values(state, group, "centre", NNSM_H5_DOUBLES, c->temperatures, c->bennett.centre);
    counts(state, group, "accepted", c->temperatures, c->collected);
    if (c->regenerator)
        counts(state, group, "regenerated", c->temperatures, c->collected + NNSM_COUNT_REGENERATED * c->temperatures);
    if (c->screening.tile) {
        counts(state, group, "passed", c->temperatures, c->collected + NNSM_COUNT_PASSED * c->temperatures);
        counts(state, group, "whole", c->temperatures, c->collected + NNSM_COUNT_WHOLE * c->temperatures);
    }
    if (c->moves.count)
        counts(state, group, "moved", NNSM_MOVES * c->temperatures, c->collected + NNSM_COUNT_MOVES * c->temperatures);
    if (c->sampler)
        nnsm_scale_state(&c->scale, c->sampler, group, state);
    ladders_state(c, group, state);
    items(state, group, "configurations", NNSM_H5_BYTES, c->own, size, c->configurations);
    items(state, group, "series", NNSM_H5_DOUBLES, c->own_temperatures,
          c->walkers * nnsm_series_doubles(NNSM_SERIES_QUANTITIES), c->packed);
    if (c->common.capacity)
        common_state(c, group, state);
    if (state->writing)
        return;
    if (numbers[0] < 0 || numbers[0] > UINT32_MAX || numbers[1] < 0 || numbers[1] > numbers[0] ||
        numbers[0] > c->run->config->scan.thermalization + c->run->config->scan.sweeps)
        nnsm_state_impossible(state, "number of sweeps");
    c->sweep = (uint32_t)numbers[0];
    c->attempt = (uint32_t)numbers[1];
    c->bennett.centred = numbers[2];
    if (c->run->rank == 0) {
        memcpy(c->accepted, c->collected, c->temperatures * sizeof *c->accepted);
        memcpy(c->regenerated, c->collected + NNSM_COUNT_REGENERATED * c->temperatures,
               c->temperatures * sizeof *c->regenerated);
        memcpy(c->passed, c->collected + NNSM_COUNT_PASSED * c->temperatures, c->temperatures * sizeof *c->passed);
        memcpy(c->whole, c->collected + NNSM_COUNT_WHOLE * c->temperatures, c->temperatures * sizeof *c->whole);
        memcpy(c->moved, c->collected + NNSM_COUNT_MOVES * c->temperatures,
               NNSM_MOVES * c->temperatures * sizeof *c->moved);
    }
    nnsm_state_sites(state, "chains", c->configurations, c->own * size);
    nnsm_chains_load(c);
    for (size_t i = 0; i < c->own_temperatures * c->walkers; i++)
        if (!nnsm_series_restore(c->series[i], c->packed + i * nnsm_series_doubles(NNSM_SERIES_QUANTITIES)))
            nnsm_state_impossible(state, "series of measurements");
}
