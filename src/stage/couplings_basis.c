#include "stage/couplings_basis.h"

#include <math.h>

#include "hamiltonian/couplings_states.h"

/* Operators that are odd under the spin flip, or tell labels apart, have no coupling where that is a symmetry. */
static nnsm_basis choose_basis(const nnsm_run *run)
{
    const nnsm_config *c = run->config;
    bool odd = !c->train.spin_flip && !c->train.permutation;
    return (nnsm_basis){.field = c->couplings.field && odd,
                        .range =
                            c->couplings.pairs ? fmin(c->couplings.range, nnsm_lattice_diameter(&run->lattice)) : 0,
                        .triples = c->couplings.triples && odd,
                        .quadruples = c->couplings.quadruples,
                        .m2 = c->couplings.m2,
                        .translation = !c->couplings.per_bond,
                        .point_group = !c->couplings.per_bond && c->train.point_group};
}

nnsm_status nnsm_couplings_check(const nnsm_run *run, nnsm_error *error)
{
    if (run->alphabet.count == 2 || !run->config->couplings.enabled || !run->config->couplings.m2)
        return NNSM_OK;
    return nnsm_fail(error, NNSM_USAGE,
                     "couplings.basis: \"m2\" is an operator of sites of two values, not of %d; remove it",
                     (int)run->alphabet.count);
}

nnsm_status nnsm_couplings_operators(nnsm_operators *operators, const nnsm_run *run, nnsm_error *error)
{
    nnsm_basis basis = choose_basis(run);
    return run->alphabet.count > 2
               ? nnsm_operators_create_states(operators, &run->lattice, &basis, &run->alphabet, error)
               : nnsm_operators_create(operators, &run->lattice, &basis, error);
}

nnsm_status nnsm_couplings_truth_of_model(const nnsm_run *run, const nnsm_operators *operators, double *truth,
                                          bool *known, double *missing, nnsm_error *error)
{
    const nnsm_model *model = &run->model;
    *known = run->model_known && !model->multistate;
    for (size_t c = 0; c < operators->classes; c++)
        truth[c] = NAN;
    if (*known)
        return nnsm_couplings_truth(operators, &model->local, truth, missing, error);
    if (run->model_known && operators->values)
        return nnsm_couplings_truth_of_states(operators, &model->states, run->key, truth, known, error);
    return NNSM_OK;
}
