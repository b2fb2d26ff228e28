/* local_tile.c: a local Hamiltonian as a Hamiltonian of tiles: known models beyond the nearest-neighbour Ising model,
 * distilled couplings, surrogates. */
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"
#include "hamiltonian/lanes.h"
#include "hamiltonian/local_states_tile.h"
#include "lattice/local_plan.h"

typedef struct {
    const nnsm_local *local;
    nnsm_local_plan plan;
    int8_t *spins; /* [sites][NNSM_TILE] */
    double energy[NNSM_TILE];
    double change[NNSM_TILE];
    int32_t total[NNSM_TILE]; /* sum of the spins */
    uint32_t *words;          /* [sites] the spins as bits, to count products */
    double *values;           /* [classes][NNSM_TILE] */
} local_tile;

static void destroy(void *state)
{
    local_tile *t = state;
    nnsm_local_plan_destroy(&t->plan);
    nnsm_release(t->spins);
    nnsm_release(t->words);
    nnsm_release(t->values);
    nnsm_release(t);
}

static void read(const void *state, int8_t *configurations)
{
    const local_tile *t = state;
    for (size_t i = 0; i < t->plan.sites; i++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            configurations[c * t->plan.sites + i] = t->spins[i * NNSM_TILE + c];
}

NNSM_MULTIVERSION
static void pack(const int8_t *restrict spins, size_t sites, uint32_t *restrict words, int32_t *restrict total)
{
    for (size_t i = 0; i < sites; i++) {
        uint32_t word = 0;
        for (size_t c = 0; c < NNSM_TILE; c++) {
            word |= (uint32_t)(spins[i * NNSM_TILE + c] > 0) << c;
            total[c] += spins[i * NNSM_TILE + c];
        }
        words[i] = word;
    }
}

static void refresh(void *state)
{
    local_tile *t = state;
    const nnsm_operators *o = t->local->operators;
    double n = (double)o->sites;
    memset(t->total, 0, sizeof t->total);
    pack(t->spins, o->sites, t->words, t->total);
    nnsm_lanes_values(o, t->words, t->values);
    for (size_t c = 0; c < NNSM_TILE; c++)
        t->energy[c] = -t->plan.m2 * t->total[c] * t->total[c] / n;
    for (size_t k = 0; k < o->classes; k++)
        for (size_t c = 0; c < NNSM_TILE && o->class[k].order; c++)
            t->energy[c] -= t->local->coupling[k] * t->values[k * NNSM_TILE + c];
}

static void load(void *state, const int8_t *configurations)
{
    local_tile *t = state;
    for (size_t i = 0; i < t->plan.sites; i++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            t->spins[i * NNSM_TILE + c] = configurations[c * t->plan.sites + i];
    refresh(state);
}

NNSM_MULTIVERSION
static void change_kernel(local_tile *t, size_t site, double *restrict change)
{
    const nnsm_local_plan *p = &t->plan;
    const int8_t *s = t->spins + site * NNSM_TILE;
    double field[NNSM_TILE] = {0}, m2 = 4 * p->m2 / (double)p->sites;
    for (size_t g = p->first[site]; g < p->first[site + 1]; g++) {
        int8_t sum[NNSM_TILE];
        double coupling = p->group[g].coupling;
        nnsm_local_group_sum(p, &p->group[g], t->spins, NNSM_TILE, sum);
        for (size_t c = 0; c < NNSM_TILE; c++)
            field[c] += coupling * sum[c];
    }
    for (size_t c = 0; c < NNSM_TILE; c++)
        change[c] = 2 * s[c] * field[c] + m2 * (s[c] * t->total[c] - 1);
    memcpy(t->change, change, sizeof t->change);
}

static void change(void *state, size_t site, uint32_t asked, double *out)
{
    (void)asked;
    change_kernel(state, site, out);
}

NNSM_MULTIVERSION
static void commit_kernel(local_tile *t, size_t site, const uint32_t *restrict accept)
{
    int8_t *restrict s = t->spins + site * NNSM_TILE;
    for (size_t c = 0; c < NNSM_TILE; c++) {
        int32_t flip = accept[c] ? 2 * s[c] : 0;
        t->total[c] -= flip;
        t->energy[c] += accept[c] ? t->change[c] : 0;
        s[c] = (int8_t)(s[c] - flip);
    }
}

static void commit(void *state, size_t site, const uint32_t *accept)
{
    commit_kernel(state, site, accept);
}

static void energy(const void *state, double *out)
{
    memcpy(out, ((const local_tile *)state)->energy, sizeof(double) * NNSM_TILE);
}

static const nnsm_tile_methods methods = {.load = load,
                                          .change = change,
                                          .commit = commit,
                                          .energy = energy,
                                          .refresh = refresh,
                                          .read = read,
                                          .destroy = destroy};

nnsm_status nnsm_local_tile_create(nnsm_tile *out, const nnsm_local *local, nnsm_error *error)
{
    *out = (nnsm_tile){0};
    local_tile *t = NULL;
    if (local->operators->values)
        return nnsm_local_states_tile_create(out, local, error);
    nnsm_status status = NNSM_NEW(&t, 1, "local tile", error);
    if (status)
        return status;
    t->local = local;
    status = nnsm_local_plan_create(&t->plan, local, error);
    if (!status)
        status = NNSM_NEW(&t->spins, t->plan.sites * NNSM_TILE, "local tile", error);
    if (!status)
        status = NNSM_NEW(&t->words, t->plan.sites, "local tile", error);
    if (!status)
        status = NNSM_NEW(&t->values, local->operators->classes * NNSM_TILE, "local tile", error);
    if (status) {
        destroy(t);
        return status;
    }
    *out = (nnsm_tile){&methods, t, t->plan.sites};
    return NNSM_OK;
}
