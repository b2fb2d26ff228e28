#include "hamiltonian/normal.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

/* Rounding leaves 1e-15 of a dependent column; what sampling can tell apart leaves far more than this. */
static const double least = 1e-9;

nnsm_status nnsm_normal_create(nnsm_normal *normal, size_t size, nnsm_error *error)
{
    *normal = (nnsm_normal){.size = size};
    nnsm_status status = NNSM_NEW(&normal->factor, size * size, "normal equations", error);
    if (!status)
        status = NNSM_NEW(&normal->scale, size, "normal equations", error);
    if (!status)
        status = NNSM_NEW(&normal->kept, size, "normal equations", error);
    if (!status)
        status = NNSM_NEW(&normal->work, size, "normal equations", error);
    if (!status)
        status = NNSM_NEW(&normal->moved, size, "normal equations", error);
    return status;
}

void nnsm_normal_destroy(nnsm_normal *normal)
{
    nnsm_release(normal->factor);
    nnsm_release(normal->scale);
    nnsm_release(normal->kept);
    nnsm_release(normal->work);
    nnsm_release(normal->moved);
    *normal = (nnsm_normal){0};
}

/* Row-major lower triangles are LAPACK's column-major upper ones: no copies. Returns the first column, counted in
 * `kept`, that depends on those before it; rank: none does. */
static size_t try_factor(nnsm_normal *n, const double *matrix)
{
    for (size_t i = 0; i < n->rank; i++)
        for (size_t j = 0; j <= i; j++)
            n->factor[i * n->rank + j] =
                matrix[n->kept[i] * n->size + n->kept[j]] * n->scale[n->kept[i]] * n->scale[n->kept[j]];
    int order = (int)n->rank, info = order ? LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', order, n->factor, order) : 0;
    size_t sound = info == 0 ? n->rank : info > 0 ? (size_t)info - 1 : 0;
    for (size_t i = 0; i < sound; i++)
        if (!(n->factor[i * n->rank + i] * n->factor[i * n->rank + i] >= least))
            return i;
    return sound;
}

void nnsm_normal_factorize(nnsm_normal *normal, const double *matrix)
{
    nnsm_normal *n = normal;
    n->rank = 0;
    for (size_t i = 0; i < n->size; i++) {
        double diagonal = matrix[i * n->size + i];
        bool usable = diagonal > 0 && isfinite(diagonal);
        n->scale[i] = usable ? 1 / sqrt(diagonal) : 0;
        if (usable)
            n->kept[n->rank++] = i;
    }
    for (;;) {
        size_t dependent = try_factor(n, matrix);
        if (dependent == n->rank)
            return;
        n->scale[n->kept[dependent]] = 0;
        memmove(n->kept + dependent, n->kept + dependent + 1, (n->rank - dependent - 1) * sizeof *n->kept);
        n->rank--;
    }
}

bool nnsm_normal_determined(const nnsm_normal *normal, size_t column)
{
    return normal->scale[column] > 0;
}

void nnsm_normal_solve(nnsm_normal *normal, double *x)
{
    nnsm_normal *n = normal;
    int order = (int)n->rank;
    for (size_t i = 0; i < n->rank; i++)
        n->work[i] = x[n->kept[i]] * n->scale[n->kept[i]];
    if (order)
        (void)LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', order, 1, n->factor, order, n->work, order);
    memset(x, 0, n->size * sizeof *x);
    for (size_t i = 0; i < n->rank; i++)
        x[n->kept[i]] = n->work[i] * n->scale[n->kept[i]];
}
