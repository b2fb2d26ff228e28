#include "made/frontier_kernels.h"

#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"

enum { T = NNSM_TILE, R = NNSM_PANEL_ROWS };

#define INLINE static inline __attribute__((always_inline))

INLINE float weight(const nnsm_frontier_change *change, size_t row)
{
    return change->w[row / R * change->stride + row % R];
}

/* A row with its changes. */
INLINE void look(const float *restrict h, size_t row, const nnsm_frontier_change *change, size_t changes,
                 float *restrict x)
{
    for (size_t c = 0; c < T; c++)
        x[c] = h[row * T + c];
    for (size_t i = 0; i < changes; i++) {
        float w = weight(&change[i], row);
        for (size_t c = 0; c < T; c++)
            x[c] += w * change[i].step[c];
    }
}

/* One logit, at most one change: its sums stay in registers. */
INLINE void logit(const float *restrict h, const nnsm_frontier_change *change, const float *restrict b, size_t units,
                  float *restrict o)
{
    const float *restrict step = change ? change->step : NULL;
    float sum[T], w = change ? weight(change, units) : 0;
    for (size_t c = 0; c < T; c++)
        sum[c] = change ? h[units * T + c] + w * step[c] : h[units * T + c];
    for (size_t u = 0; u < units; u++) {
        w = change ? weight(change, u) : 0;
        for (size_t c = 0; c < T; c++)
            sum[c] += b[u] * nnsm_tanh(change ? h[u * T + c] + w * step[c] : h[u * T + c]);
    }
    memcpy(o, sum, sizeof sum);
}

NNSM_MULTIVERSION
void nnsm_frontier_logits(const float *restrict h, const nnsm_frontier_change *change, size_t changes,
                          const float *restrict b, size_t stride, size_t units, size_t outputs, float *restrict o)
{
    if (outputs == 1 && changes == 0) {
        logit(h, NULL, b, units, o);
        return;
    }
    if (outputs == 1 && changes == 1) {
        logit(h, change, b, units, o);
        return;
    }
    for (size_t k = 0; k < outputs; k++)
        look(h, units + k, change, changes, o + k * T);
    for (size_t u = 0; u < units; u++) {
        float x[T];
        look(h, u, change, changes, x);
        for (size_t c = 0; c < T; c++)
            x[c] = nnsm_tanh(x[c]);
        for (size_t k = 0; k < outputs; k++)
            for (size_t c = 0; c < T; c++)
                o[k * T + c] += b[k * stride + u] * x[c];
    }
}

NNSM_MULTIVERSION
void nnsm_frontier_shift(float *restrict h, const nnsm_frontier_change *change, size_t panels)
{
    const float *restrict step = change->step;
    for (size_t p = 0; p < panels; p++)
        for (size_t r = 0; r < R; r++)
            for (size_t c = 0; c < T; c++)
                h[(p * R + r) * T + c] += change->w[p * change->stride + r] * step[c];
}
