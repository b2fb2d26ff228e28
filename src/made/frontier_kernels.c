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
void nnsm_frontier_logits_after(const float *restrict h, const nnsm_frontier_change *change, size_t changes,
                                const float *restrict b, size_t stride, size_t units, size_t outputs,
                                const float *restrict linear, float *restrict o)
{
    memcpy(o, linear, outputs * T * sizeof *o);
    for (size_t u = 0; u < units; u++) {
        float x[T];
        memcpy(x, h + u * T, sizeof x);
        for (size_t i = 0; i < changes; i++) {
            float w = change[i].column[u];
            const float *restrict step = change[i].step;
            for (size_t c = 0; c < T; c++)
                x[c] += w * step[c];
        }
        for (size_t c = 0; c < T; c++)
            x[c] = nnsm_tanh(x[c]);
        for (size_t k = 0; k < outputs; k++) {
            float w = b[k * stride + u];
            for (size_t c = 0; c < T; c++)
                o[k * T + c] += w * x[c];
        }
    }
}

NNSM_MULTIVERSION
void nnsm_frontier_shift(float *restrict h, const float *restrict column, const float *restrict step, size_t units)
{
    for (size_t u = 0; u < units; u++)
        for (size_t c = 0; c < T; c++)
            h[u * T + c] += column[u] * step[c];
}
