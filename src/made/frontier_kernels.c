#include "made/frontier_kernels.h"

#include <math.h>
#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"

enum { T = NNSM_TILE, R = NNSM_PANEL_ROWS };

void nnsm_fit_pack(const nnsm_fit *fit, const float *weights, const float *sign, float *out)
{
    size_t inputs = fit->inputs, features = nnsm_fit_features(fit);
    for (size_t r = 0; r < fit->units + fit->outputs; r++) {
        float *to = out + r / R * (inputs + 1) * R + r % R;
        bool unit = r < fit->units;
        const float *w = unit ? fit->w + r * inputs : weights + (r - fit->units) * features;
        for (size_t i = 0; i < inputs; i++)
            to[i * R] = sign[i / fit->outputs] < 0 ? -w[i] : w[i];
        to[inputs * R] = unit ? fit->offset[r] : w[features - 1];
    }
}

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

NNSM_MULTIVERSION
void nnsm_frontier_saturate(float *restrict h, const float *restrict b, size_t units, float *restrict o)
{
    float sum[T];
    memcpy(sum, h + units * T, sizeof sum);
    for (size_t u = 0; u < units; u++)
        for (size_t c = 0; c < T; c++) {
            float t = nnsm_tanh(h[u * T + c]);
            h[u * T + c] = t;
            sum[c] += b[u] * t;
        }
    memcpy(o, sum, sizeof sum);
}

enum { LANES = 16 }; /* sums beside each other, which vectorise and keep one fixed order */

INLINE void add_moments(const float *restrict h, float offset, size_t count, double (*restrict lanes)[LANES])
{
    for (size_t j = 0; j < count; j++) {
        float x = h[j] + offset, t = nnsm_tanh(x);
        lanes[0][j] += (double)x * (double)x;
        lanes[1][j] += (double)t * (double)t;
        lanes[2][j] += (double)x * (double)t;
    }
}

NNSM_MULTIVERSION
void nnsm_frontier_moments(const float *restrict h, float offset, size_t count, double *restrict moments)
{
    double lanes[3][LANES] = {{0}};
    size_t c = 0;
    for (; c + LANES <= count; c += LANES)
        add_moments(h + c, offset, LANES, lanes);
    add_moments(h + c, offset, count - c, lanes);
    for (size_t m = 0; m < 3; m++) {
        moments[m] = 0;
        for (size_t j = 0; j < LANES; j++)
            moments[m] += lanes[m][j];
    }
}

NNSM_MULTIVERSION
void nnsm_frontier_likelihood(const float *restrict o, const float *restrict y, size_t count, float *restrict residual,
                              float *restrict root, float *restrict loss)
{
    for (size_t i = 0; i < count; i++) {
        float e = nnsm_exp_negative(o[i] < 0.f ? o[i] : -o[i]), q = 1.f / (1.f + e);
        float up = o[i] < 0.f ? 1.f - q : q;
        residual[i] = up - (y[i] > 0.f ? 1.f : 0.f);
        root[i] = sqrtf(q * (1.f - q));
        loss[i] = nnsm_softplus(-y[i] * o[i]);
    }
}

NNSM_MULTIVERSION
void nnsm_frontier_correlate(const float *restrict x, size_t rows, const float *restrict residual, float *restrict sum)
{
    enum { L = NNSM_SUM_LANES };
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < L; l++)
            sum[r * L + l] += x[r * T + l] * residual[l] + x[r * T + L + l] * residual[L + l];
}
_Static_assert(NNSM_TILE == 2 * NNSM_SUM_LANES, "nnsm_frontier_correlate adds two halves");
