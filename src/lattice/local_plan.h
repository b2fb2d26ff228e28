/* local_plan.h: a local Hamiltonian laid out for chains side by side, one vector lane a chain.
 *
 * The field on a site is what its spin is multiplied by in -E: field_i = sum over groups J sum over the products of the
 * other spins, and flipping s_i costs 2 s_i field_i, and 4 J_m2 (s_i M - 1) / N of (sum s)^2 / N. Terms of a site that
 * share coupling and order form a group, whose sum fits into 8 bits: that is what makes lanes cheap. */
#ifndef NNSM_LATTICE_LOCAL_PLAN_H
#define NNSM_LATTICE_LOCAL_PLAN_H

#include "nnsm/local.h"

typedef struct {
    double coupling;
    int32_t others, count; /* other sites of a term, 0 to 3; terms, at most 127 */
    size_t first;          /* into row: count * others sites */
} nnsm_local_group;

typedef struct {
    size_t sites;
    double m2;               /* coupling of (sum s)^2 / N; 0: none */
    size_t *first;           /* [sites + 1] into group */
    nnsm_local_group *group; /* couplings of zero are left out */
    int32_t *row;
} nnsm_local_plan;

/* Nothing is borrowed. On failure *plan is zeroed. Local. */
nnsm_status nnsm_local_plan_create(nnsm_local_plan *plan, const nnsm_local *local, nnsm_error *error);
void nnsm_local_plan_destroy(nnsm_local_plan *plan);

/* Sum of a group's products in `lanes` chains. spins: [sites][lanes], +-1; sum: out, [lanes]. A product of +-1 in two's
 * complement is (a xor b) + 1: there is no multiplication of bytes. */
static inline __attribute__((always_inline)) void nnsm_local_group_sum(const nnsm_local_plan *plan,
                                                                       const nnsm_local_group *group,
                                                                       const int8_t *spins, size_t lanes,
                                                                       int8_t *restrict sum)
{
    const int32_t *row = plan->row + group->first;
    for (size_t c = 0; c < lanes; c++)
        sum[c] = (int8_t)(group->others ? 0 : group->count);
    for (int32_t t = 0; t < group->count && group->others; t++, row += group->others) {
        const int8_t *a = spins + (size_t)row[0] * lanes;
        const int8_t *b = group->others > 1 ? spins + (size_t)row[1] * lanes : a;
        const int8_t *d = group->others > 2 ? spins + (size_t)row[2] * lanes : a;
        if (group->others == 1)
            for (size_t c = 0; c < lanes; c++)
                sum[c] = (int8_t)(sum[c] + a[c]);
        else if (group->others == 2)
            for (size_t c = 0; c < lanes; c++)
                sum[c] = (int8_t)(sum[c] + (a[c] ^ b[c]) + 1);
        else
            for (size_t c = 0; c < lanes; c++)
                sum[c] = (int8_t)(sum[c] + (((a[c] ^ b[c]) + 1) ^ d[c]) + 1);
    }
}

#endif
