#include "made/frontier_kernels.h"

#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"
#include "nnsm/hamiltonian.h"

enum { T = NNSM_TILE };

NNSM_MULTIVERSION
void nnsm_frontier_fields(const float *restrict w, const float *restrict offset, const float *restrict x, size_t units,
                          size_t frontier, float *restrict h)
{
    for (size_t u = 0; u < units; u++) {
        float sum[T];
        for (size_t c = 0; c < T; c++)
            sum[c] = offset[u];
        for (size_t f = 0; f < frontier; f++)
            for (size_t c = 0; c < T; c++)
                sum[c] += w[u * frontier + f] * x[f * T + c];
        memcpy(h + u * T, sum, sizeof sum);
    }
}

NNSM_MULTIVERSION
void nnsm_frontier_logit(const float *restrict h, const float *restrict b, size_t units, const float *linear, float *o)
{
    float sum[T];
    memcpy(sum, linear, sizeof sum);
    for (size_t u = 0; u < units; u++)
        for (size_t c = 0; c < T; c++)
            sum[c] += b[u] * nnsm_tanh(h[u * T + c]);
    memcpy(o, sum, sizeof sum);
}

NNSM_MULTIVERSION
void nnsm_frontier_logit_after(const float *restrict h, const float *restrict column, const float *restrict step,
                               const float *restrict b, size_t units, const float *restrict linear, float *restrict o)
{
    float sum[T];
    memcpy(sum, linear, sizeof sum);
    for (size_t u = 0; u < units; u++)
        for (size_t c = 0; c < T; c++)
            sum[c] += b[u] * nnsm_tanh(h[u * T + c] + column[u] * step[c]);
    memcpy(o, sum, sizeof sum);
}

NNSM_MULTIVERSION
void nnsm_frontier_shift(float *restrict h, const float *restrict column, const float *restrict step, size_t units)
{
    for (size_t u = 0; u < units; u++)
        for (size_t c = 0; c < T; c++)
            h[u * T + c] += column[u] * step[c];
}
