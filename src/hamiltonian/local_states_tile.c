/* local_states_tile.c: a local Hamiltonian of sites with more than two values as a Hamiltonian of tiles. The functions
 * of a site and of pairs of sites are looked up, chain by chain, with their couplings in the tables. */
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/local_states_tile.h"

enum { T = NNSM_TILE };

typedef struct {
    const nnsm_operators *operators;
    size_t values;
    double *weight; /* [classes][values][values] - J f */
    int8_t *s;      /* [sites][T] */
    double energy[T], change[T];
    int8_t before[NNSM_UPDATE_SITES][T];
} states_tile;

static void destroy(void *state)
{
    states_tile *t = state;
    nnsm_release(t->weight);
    nnsm_release(t->s);
    nnsm_release(t);
}

static void read(const void *state, int8_t *configurations)
{
    const states_tile *t = state;
    for (size_t i = 0; i < t->operators->sites; i++)
        for (size_t c = 0; c < T; c++)
            configurations[c * t->operators->sites + i] = t->s[i * T + c];
}

static void refresh(void *state)
{
    states_tile *t = state;
    const nnsm_operators *o = t->operators;
    static const int8_t nobody[T] = {0};
    memset(t->energy, 0, sizeof t->energy);
    for (size_t k = 0; k < o->terms; k++) {
        const double *w = t->weight + (size_t)o->class_of[k] * t->values * t->values;
        const int8_t *a = t->s + (size_t)o->site[k][0] * T, *b = o->site[k][1] < 0 ? nobody : t->s + o->site[k][1] * T;
        for (size_t c = 0; c < T; c++)
            t->energy[c] += w[(size_t)a[c] * t->values + (size_t)b[c]];
    }
}

static void load(void *state, const int8_t *configurations)
{
    states_tile *t = state;
    for (size_t i = 0; i < t->operators->sites; i++)
        for (size_t c = 0; c < T; c++)
            t->s[i * T + c] = configurations[c * t->operators->sites + i];
    refresh(state);
}

static void look(const void *state, size_t site, int8_t *states)
{
    memcpy(states, ((const states_tile *)state)->s + site * T, T);
}

/* Put new states on a site and add what that costs. */
static void put(states_tile *t, size_t site, const int8_t *new)
{
    const nnsm_operators *o = t->operators;
    static const int8_t nobody[T] = {0};
    int8_t *here = t->s + site * T;
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++) {
        const int32_t *pair = o->site[o->touching[k]];
        const double *w = t->weight + (size_t)o->class_of[o->touching[k]] * t->values * t->values;
        const int8_t *there = pair[1] < 0 ? nobody : t->s + (size_t)((size_t)pair[0] == site ? pair[1] : pair[0]) * T;
        for (size_t c = 0; c < T; c++) /* tables are symmetric */
            t->change[c] +=
                w[(size_t) new[c] * t->values + (size_t)there[c]] - w[(size_t)here[c] * t->values + (size_t)there[c]];
    }
    memcpy(here, new, T);
}

static void propose(void *state, const nnsm_update *update, double *change)
{
    states_tile *t = state;
    memset(t->change, 0, sizeof t->change);
    for (size_t k = 0; k < update->count; k++) {
        memcpy(t->before[k], t->s + update->site[k] * T, T);
        put(t, update->site[k], update->state[k]);
    }
    for (size_t k = 0; k < update->count; k++)
        memcpy(t->s + update->site[k] * T, t->before[k], T);
    memcpy(change, t->change, sizeof t->change);
}

static void settle(void *state, const nnsm_update *update, const uint32_t *accept)
{
    states_tile *t = state;
    for (size_t k = 0; k < update->count; k++) {
        int8_t *here = t->s + update->site[k] * T;
        for (size_t c = 0; c < T; c++)
            here[c] = accept[c] ? update->state[k][c] : here[c];
    }
    for (size_t c = 0; c < T; c++)
        t->energy[c] += accept[c] ? t->change[c] : 0;
}

static void energy(const void *state, double *out)
{
    memcpy(out, ((const states_tile *)state)->energy, sizeof(double) * T);
}

static const nnsm_tile_methods methods = {.load = load,
                                          .look = look,
                                          .propose = propose,
                                          .settle = settle,
                                          .energy = energy,
                                          .refresh = refresh,
                                          .read = read,
                                          .destroy = destroy};

nnsm_status nnsm_local_states_tile_create(nnsm_tile *out, const nnsm_local *local, nnsm_error *error)
{
    const nnsm_operators *o = local->operators;
    size_t square = (size_t)(o->values * o->values);
    states_tile *t = NULL;
    *out = (nnsm_tile){0};
    nnsm_status status = NNSM_NEW(&t, 1, "local tile", error);
    if (status)
        return status;
    t->operators = o;
    t->values = (size_t)o->values;
    status = NNSM_NEW(&t->weight, o->classes * square, "local tile", error);
    if (!status)
        status = NNSM_NEW(&t->s, o->sites * T, "local tile", error);
    if (status) {
        destroy(t);
        return status;
    }
    for (size_t i = 0; i < o->classes * square; i++)
        t->weight[i] = -local->coupling[i / square] * o->table[i];
    *out = (nnsm_tile){.methods = &methods, .state = t, .sites = o->sites};
    return NNSM_OK;
}
