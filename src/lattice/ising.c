#include "nnsm/ising.h"

double nnsm_ising_energy(const nnsm_ising *model, const int8_t *spins)
{
    const nnsm_lattice *lattice = model->lattice;
    size_t degree = 2 * (size_t)lattice->dimensions;
    int64_t bonds = 0, total = 0;
    for (size_t i = 0; i < lattice->sites; i++) {
        int forward = 0;
        for (size_t d = 0; d < degree; d += 2) {
            int32_t j = lattice->neighbours[i * degree + d];
            forward += j >= 0 ? spins[j] : 0;
        }
        bonds += spins[i] * forward;
        total += spins[i];
    }
    return -model->coupling * (double)bonds - model->field * (double)total;
}

double nnsm_ising_flip_change(const nnsm_ising *model, const int8_t *spins, size_t site)
{
    const nnsm_lattice *lattice = model->lattice;
    size_t degree = 2 * (size_t)lattice->dimensions;
    int sum = 0;
    for (size_t d = 0; d < degree; d++) {
        int32_t j = lattice->neighbours[site * degree + d];
        sum += j >= 0 ? spins[j] : 0;
    }
    return 2 * spins[site] * (model->coupling * sum + model->field);
}

double nnsm_magnetization(const nnsm_lattice *lattice, const int8_t *spins)
{
    int64_t total = 0;
    for (size_t i = 0; i < lattice->sites; i++)
        total += spins[i];
    return (double)total / (double)lattice->sites;
}
