#include "hamiltonian/ising_local.h"

#include "base/memory.h"

static size_t list_terms(const nnsm_lattice *lattice, int32_t (*site)[NNSM_TERM_SITES], int32_t *class_of)
{
    size_t terms = 0, axes = (size_t)lattice->dimensions;
    for (size_t i = 0; i < lattice->sites; i++)
        for (size_t a = 0; a < axes; a++) {
            int32_t forward = lattice->neighbours[i * 2 * axes + 2 * a];
            if (forward < 0)
                continue;
            site[terms][0] = (int32_t)i;
            site[terms++][1] = forward;
        }
    for (size_t i = 0; i < lattice->sites; i++) {
        class_of[terms] = 1;
        site[terms++][0] = (int32_t)i;
    }
    return terms;
}

nnsm_status nnsm_ising_local_create(nnsm_ising_local *out, const nnsm_ising *model, nnsm_error *error)
{
    static const nnsm_operator class[] = {{.name = "neighbours", .order = 2, .distance = 1},
                                          {.name = "field", .order = 1}};
    const nnsm_lattice *lattice = model->lattice;
    size_t most = lattice->sites * ((size_t)lattice->dimensions + 1);
    int32_t(*site)[NNSM_TERM_SITES] = NULL, *class_of = NULL;
    *out = (nnsm_ising_local){.coupling = {model->coupling, model->field}};
    out->local = (nnsm_local){&out->operators, out->coupling};
    nnsm_status status = NNSM_NEW(&site, most, "local operators", error);
    if (!status)
        status = NNSM_NEW(&class_of, most, "local operators", error);
    if (!status) {
        size_t terms = list_terms(lattice, site, class_of);
        status = nnsm_operators_assemble(&out->operators, lattice->sites, 2, class, terms,
                                         (const int32_t(*)[NNSM_TERM_SITES])site, class_of, error);
    }
    nnsm_release(site);
    nnsm_release(class_of);
    if (status)
        *out = (nnsm_ising_local){0};
    return status;
}

void nnsm_ising_local_destroy(nnsm_ising_local *local)
{
    nnsm_operators_destroy(&local->operators);
}
