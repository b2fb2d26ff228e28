/* ising_tile.c: the Ising model as a Hamiltonian of tiles: the reference curve of every figure, by the same samplers.
 */
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"
#include "nnsm/hamiltonian.h"

typedef struct {
    const nnsm_ising *model;
    int8_t *spins; /* [sites][NNSM_TILE] */
    double energy[NNSM_TILE];
    double change[NNSM_TILE];
} ising_tile;

static void destroy(void *state)
{
    ising_tile *t = state;
    nnsm_release(t->spins);
    nnsm_release(t);
}

static void read(const void *state, int8_t *configurations)
{
    const ising_tile *t = state;
    size_t sites = t->model->lattice->sites;
    for (size_t i = 0; i < sites; i++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            configurations[c * sites + i] = t->spins[i * NNSM_TILE + c];
}

/* E = -sum_i s_i (J/2 sum_neighbours s + h): every bond is seen from both ends. */
static void refresh(void *state)
{
    ising_tile *t = state;
    const nnsm_lattice *lattice = t->model->lattice;
    size_t degree = 2 * (size_t)lattice->dimensions;
    memset(t->energy, 0, sizeof t->energy);
    for (size_t i = 0; i < lattice->sites; i++) {
        int sum[NNSM_TILE] = {0};
        for (size_t d = 0; d < degree; d++) {
            int32_t j = lattice->neighbours[i * degree + d];
            for (size_t c = 0; j >= 0 && c < NNSM_TILE; c++)
                sum[c] += t->spins[(size_t)j * NNSM_TILE + c];
        }
        for (size_t c = 0; c < NNSM_TILE; c++)
            t->energy[c] -= t->spins[i * NNSM_TILE + c] * (0.5 * t->model->coupling * sum[c] + t->model->field);
    }
}

static void load(void *state, const int8_t *configurations)
{
    ising_tile *t = state;
    size_t sites = t->model->lattice->sites;
    for (size_t i = 0; i < sites; i++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            t->spins[i * NNSM_TILE + c] = configurations[c * sites + i];
    refresh(state);
}

NNSM_MULTIVERSION
static void change_kernel(ising_tile *t, size_t site, double *restrict change)
{
    const nnsm_lattice *lattice = t->model->lattice;
    size_t degree = 2 * (size_t)lattice->dimensions;
    const int8_t *s = t->spins + site * NNSM_TILE;
    int8_t sum[NNSM_TILE] = {0}; /* bytes: 32 chains are one vector */
    for (size_t d = 0; d < degree; d++) {
        int32_t j = lattice->neighbours[site * degree + d];
        if (j >= 0)
            for (size_t c = 0; c < NNSM_TILE; c++)
                sum[c] = (int8_t)(sum[c] + t->spins[(size_t)j * NNSM_TILE + c]);
    }
    for (size_t c = 0; c < NNSM_TILE; c++)
        change[c] = 2 * s[c] * (t->model->coupling * sum[c] + t->model->field);
    memcpy(t->change, change, sizeof t->change);
}

static void change(void *state, size_t site, uint32_t asked, double *out)
{
    (void)asked;
    change_kernel(state, site, out);
}

NNSM_MULTIVERSION
static void commit_kernel(ising_tile *t, size_t site, const uint32_t *restrict accept)
{
    int8_t *restrict s = t->spins + site * NNSM_TILE;
    for (size_t c = 0; c < NNSM_TILE; c++) {
        s[c] = (int8_t)(accept[c] ? -s[c] : s[c]);
        t->energy[c] += accept[c] ? t->change[c] : 0;
    }
}

static void commit(void *state, size_t site, const uint32_t *accept)
{
    commit_kernel(state, site, accept);
}

static void energy(const void *state, double *out)
{
    memcpy(out, ((const ising_tile *)state)->energy, sizeof(double) * NNSM_TILE);
}

static const nnsm_tile_methods methods = {.load = load,
                                          .change = change,
                                          .commit = commit,
                                          .energy = energy,
                                          .refresh = refresh,
                                          .read = read,
                                          .destroy = destroy};

nnsm_status nnsm_ising_tile_create(nnsm_tile *out, const nnsm_ising *model, nnsm_error *error)
{
    *out = (nnsm_tile){0};
    ising_tile *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "reference tile", error);
    if (!status)
        status = NNSM_NEW(&t->spins, model->lattice->sites * NNSM_TILE, "reference tile", error);
    if (status) {
        nnsm_release(t);
        return status;
    }
    t->model = model;
    *out = (nnsm_tile){&methods, t, model->lattice->sites};
    return NNSM_OK;
}
