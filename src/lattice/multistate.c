#include "nnsm/multistate.h"

#include <math.h>

static const char *const names[] = {"potts", "clock", "blume_capel"}; /* of nnsm_multistate_kind */

static double angle(const nnsm_multistate *m, int level)
{
    return 2 * M_PI * level / m->alphabet.count;
}

static double bond_energy(const nnsm_multistate *m, int a, int b)
{
    switch (m->kind) {
    case NNSM_POTTS:
        return a == b ? -m->coupling : 0;
    case NNSM_CLOCK: /* of |a - b|, so that the table is symmetric to the last bit */
        return -m->coupling * cos(angle(m, a > b ? a - b : b - a));
    default:
        return -m->coupling * m->alphabet.value[a] * m->alphabet.value[b];
    }
}

static double site_energy(const nnsm_multistate *m, int a)
{
    switch (m->kind) {
    case NNSM_POTTS:
        return a == 0 ? -m->field : 0;
    case NNSM_CLOCK:
        return -m->field * cos(angle(m, a));
    default:
        return m->crystal_field * m->alphabet.value[a] * m->alphabet.value[a] - m->field * m->alphabet.value[a];
    }
}

nnsm_status nnsm_multistate_create(nnsm_multistate *model, const nnsm_lattice *lattice, nnsm_multistate_kind kind,
                                   int states, double coupling, double crystal_field, double field, nnsm_error *error)
{
    nnsm_multistate *m = model;
    bool spins = kind == NNSM_BLUME_CAPEL;
    *m = (nnsm_multistate){0};
    if (states < 2 || states > NNSM_MAX_VALUES || (spins && states != 3))
        return nnsm_fail(error, NNSM_USAGE, "%s of %d states; it needs %s", names[kind], states,
                         spins ? "3" : "2 to 32");
    *m = (nnsm_multistate){.kind = kind,
                           .lattice = lattice,
                           .alphabet = {.count = states, .labels = !spins},
                           .coupling = coupling,
                           .crystal_field = spins ? crystal_field : 0,
                           .field = field};
    for (int a = 0; a < states; a++)
        m->alphabet.value[a] = spins ? a - 1 : a;
    for (int a = 0; a < states; a++) {
        m->site[a] = site_energy(m, a);
        for (int b = 0; b < states; b++)
            m->bond[a][b] = bond_energy(m, a, b);
    }
    return NNSM_OK;
}

double nnsm_multistate_energy(const nnsm_multistate *model, const int8_t *states)
{
    const nnsm_lattice *l = model->lattice;
    size_t degree = 2 * (size_t)l->dimensions;
    int count = model->alphabet.count;
    double energy = 0;
    for (size_t i = 0; i < l->sites; i++) {
        int level = nnsm_level(count, states[i]);
        energy += model->site[level];
        for (size_t d = 0; d < degree; d += 2) {
            int32_t j = l->neighbours[i * degree + d];
            energy += j >= 0 ? model->bond[level][nnsm_level(count, states[j])] : 0;
        }
    }
    return energy;
}

double nnsm_multistate_change(const nnsm_multistate *model, const int8_t *states, size_t site, int8_t state)
{
    const nnsm_lattice *l = model->lattice;
    size_t degree = 2 * (size_t)l->dimensions;
    int count = model->alphabet.count, old = nnsm_level(count, states[site]), new = nnsm_level(count, state);
    double change = model->site[new] - model->site[old];
    for (size_t d = 0; d < degree; d++) {
        int32_t j = l->neighbours[site * degree + d];
        int other = j >= 0 ? nnsm_level(count, states[j]) : 0;
        change += j >= 0 ? model->bond[new][other] - model->bond[old][other] : 0;
    }
    return change;
}

double nnsm_multistate_order(const nnsm_multistate *model, const int8_t *states)
{
    int64_t at[NNSM_MAX_VALUES] = {0}, most = 0;
    int q = model->alphabet.count;
    double n = (double)model->lattice->sites, x = 0, y = 0;
    for (size_t i = 0; i < model->lattice->sites; i++)
        at[nnsm_level(q, states[i])]++;
    if (model->kind == NNSM_BLUME_CAPEL)
        return fabs((double)(at[2] - at[0])) / n;
    for (int k = 0; k < q; k++) {
        most = at[k] > most ? at[k] : most;
        x += (double)at[k] * cos(angle(model, k));
        y += (double)at[k] * sin(angle(model, k));
    }
    return model->kind == NNSM_POTTS ? (q * (double)most / n - 1) / (q - 1) : hypot(x, y) / n;
}

int nnsm_multistate_reflections(const nnsm_multistate *model)
{
    int q = model->alphabet.count;
    return model->kind == NNSM_POTTS ? q - 1 : model->kind == NNSM_CLOCK ? q : 1;
}

void nnsm_multistate_reflect(const nnsm_multistate *model, int level, int choice, int8_t *image)
{
    int q = model->alphabet.count, other = choice + (choice >= level);
    for (int k = 0; k < q; k++)
        switch (model->kind) {
        case NNSM_POTTS:
            image[k] = (int8_t)(k == level ? other : k == other ? level : k);
            break;
        case NNSM_CLOCK:
            image[k] = (int8_t)((choice - k + q) % q);
            break;
        default:
            image[k] = (int8_t)(q - 1 - k);
        }
}
