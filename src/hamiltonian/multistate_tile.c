/* multistate_tile.c: sites with several states as a Hamiltonian of tiles. Energies are looked up by level, chain by
 * chain; a missing neighbour has a level of its own, whose bonds are zero. */
#include <string.h>

#include "base/memory.h"
#include "nnsm/multistate.h"

enum { LEVELS = NNSM_MAX_VALUES, TILE = NNSM_TILE };

typedef struct {
    const nnsm_multistate *model;
    size_t sites, degree;
    int count;
    double bond[LEVELS][LEVELS + 1]; /* last column: no neighbour */
    int32_t *neighbours;             /* [sites][degree] rows of levels */
    int8_t *levels;                  /* [sites + 1][TILE] */
    double energy[TILE], change[TILE];
    int8_t before[NNSM_UPDATE_SITES][TILE];
} states_tile;

static void destroy(void *state)
{
    states_tile *t = state;
    nnsm_release(t->levels);
    nnsm_release(t->neighbours);
    nnsm_release(t);
}

static void read(const void *state, int8_t *configurations)
{
    const states_tile *t = state;
    for (size_t i = 0; i < t->sites; i++)
        for (size_t c = 0; c < TILE; c++)
            configurations[c * t->sites + i] = nnsm_level_state(t->count, t->levels[i * TILE + c]);
}

/* Bonds from every site forward. */
static void refresh(void *state)
{
    states_tile *t = state;
    memset(t->energy, 0, sizeof t->energy);
    for (size_t i = 0; i < t->sites; i++) {
        const int8_t *here = t->levels + i * TILE;
        for (size_t c = 0; c < TILE; c++)
            t->energy[c] += t->model->site[here[c]];
        for (size_t d = 0; d < t->degree; d += 2) {
            const int8_t *there = t->levels + (size_t)t->neighbours[i * t->degree + d] * TILE;
            for (size_t c = 0; c < TILE; c++)
                t->energy[c] += t->bond[here[c]][there[c]];
        }
    }
}

static void load(void *state, const int8_t *configurations)
{
    states_tile *t = state;
    for (size_t i = 0; i < t->sites; i++)
        for (size_t c = 0; c < TILE; c++)
            t->levels[i * TILE + c] = (int8_t)nnsm_level(t->count, configurations[c * t->sites + i]);
    refresh(state);
}

/* Put new levels on a site and add what that costs. */
static void put(states_tile *t, size_t site, const int8_t *restrict new, double *restrict change)
{
    int8_t *restrict here = t->levels + site * TILE;
    const int32_t *neighbours = t->neighbours + site * t->degree;
    for (size_t c = 0; c < TILE; c++)
        change[c] += t->model->site[new[c]] - t->model->site[here[c]];
    for (size_t d = 0; d < t->degree; d++) {
        const int8_t *there = t->levels + (size_t)neighbours[d] * TILE;
        for (size_t c = 0; c < TILE; c++)
            change[c] += t->bond[new[c]][there[c]] - t->bond[here[c]][there[c]];
    }
    memcpy(here, new, TILE);
}

static void propose(void *state, const nnsm_update *update, double *change)
{
    states_tile *t = state;
    int8_t new[TILE];
    memset(t->change, 0, sizeof t->change);
    for (size_t k = 0; k < update->count; k++) {
        memcpy(t->before[k], t->levels + update->site[k] * TILE, TILE);
        for (size_t c = 0; c < TILE; c++)
            new[c] = (int8_t)nnsm_level(t->count, update->state[k][c]);
        put(t, update->site[k], new, t->change);
    }
    for (size_t k = 0; k < update->count; k++)
        memcpy(t->levels + update->site[k] * TILE, t->before[k], TILE);
    memcpy(change, t->change, sizeof t->change);
}

static void settle(void *state, const nnsm_update *update, const uint32_t *accept)
{
    states_tile *t = state;
    for (size_t k = 0; k < update->count; k++) {
        int8_t *here = t->levels + update->site[k] * TILE;
        for (size_t c = 0; c < TILE; c++)
            here[c] = (int8_t)(accept[c] ? nnsm_level(t->count, update->state[k][c]) : here[c]);
    }
    for (size_t c = 0; c < TILE; c++)
        t->energy[c] += accept[c] ? t->change[c] : 0;
}

static void look(const void *state, size_t site, int8_t *states)
{
    const states_tile *t = state;
    for (size_t c = 0; c < TILE; c++)
        states[c] = nnsm_level_state(t->count, t->levels[site * TILE + c]);
}

static void energy(const void *state, double *out)
{
    memcpy(out, ((const states_tile *)state)->energy, sizeof(double) * TILE);
}

/* ---- two states flip */

static void flipped(const states_tile *t, size_t site, nnsm_update *update)
{
    update->count = 1;
    update->site[0] = site;
    for (size_t c = 0; c < TILE; c++)
        update->state[0][c] = t->levels[site * TILE + c] ? -1 : 1;
}

static void change(void *state, size_t site, uint32_t asked, double *out)
{
    (void)asked;
    nnsm_update update;
    flipped(state, site, &update);
    propose(state, &update, out);
}

static void commit(void *state, size_t site, const uint32_t *accept)
{
    nnsm_update update;
    flipped(state, site, &update);
    settle(state, &update, accept);
}

static const nnsm_tile_methods two_values = {.load = load,
                                             .change = change,
                                             .commit = commit,
                                             .energy = energy,
                                             .refresh = refresh,
                                             .read = read,
                                             .destroy = destroy};
static const nnsm_tile_methods more_values = {.load = load,
                                              .look = look,
                                              .propose = propose,
                                              .settle = settle,
                                              .energy = energy,
                                              .refresh = refresh,
                                              .read = read,
                                              .destroy = destroy};

/* ---- creation */

static nnsm_status prepare(states_tile *t, const nnsm_multistate *model, nnsm_error *error)
{
    const nnsm_lattice *l = model->lattice;
    t->model = model;
    t->sites = l->sites;
    t->degree = 2 * (size_t)l->dimensions;
    t->count = model->alphabet.count;
    nnsm_status status = NNSM_NEW(&t->neighbours, t->sites * t->degree, "tile of states", error);
    if (!status)
        status = NNSM_NEW(&t->levels, (t->sites + 1) * TILE, "tile of states", error);
    if (status)
        return status;
    for (size_t i = 0; i < t->sites * t->degree; i++)
        t->neighbours[i] = l->neighbours[i] >= 0 ? l->neighbours[i] : (int32_t)l->sites;
    for (int a = 0; a < t->count; a++)
        memcpy(t->bond[a], model->bond[a], (size_t)t->count * sizeof(double)); /* the rest stays 0 */
    memset(t->levels + t->sites * TILE, t->count, TILE);
    return NNSM_OK;
}

nnsm_status nnsm_multistate_tile_create(nnsm_tile *out, const nnsm_multistate *model, nnsm_error *error)
{
    states_tile *t = NULL;
    *out = (nnsm_tile){0};
    nnsm_status status = NNSM_NEW(&t, 1, "tile of states", error);
    if (status)
        return status;
    status = prepare(t, model, error);
    if (status) {
        destroy(t);
        return status;
    }
    *out = (nnsm_tile){t->count == 2 ? &two_values : &more_values, t, t->sites};
    return NNSM_OK;
}
