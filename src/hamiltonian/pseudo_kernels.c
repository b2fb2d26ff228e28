#include "hamiltonian/pseudo_kernels.h"

#include <math.h>

#include "base/vector.h"
#include "base/vector_math.h"

/* sum += the product of a term's spins, its own site's included: s_i times what multiplies s_i. */
NNSM_MULTIVERSION
void nnsm_lanes_add_term(const int8_t *spins, const int32_t *site, int16_t *restrict sum)
{
    const int8_t *a = spins + (size_t)site[0] * NNSM_LANES;
    if (site[1] < 0) {
        for (size_t l = 0; l < NNSM_LANES; l++)
            sum[l] = (int16_t)(sum[l] + a[l]);
        return;
    }
    const int8_t *b = spins + (size_t)site[1] * NNSM_LANES;
    if (site[2] < 0) {
        for (size_t l = 0; l < NNSM_LANES; l++)
            sum[l] = (int16_t)(sum[l] + a[l] * b[l]);
        return;
    }
    const int8_t *c = spins + (size_t)site[2] * NNSM_LANES;
    if (site[3] < 0) {
        for (size_t l = 0; l < NNSM_LANES; l++)
            sum[l] = (int16_t)(sum[l] + a[l] * b[l] * c[l]);
        return;
    }
    const int8_t *d = spins + (size_t)site[3] * NNSM_LANES;
    for (size_t l = 0; l < NNSM_LANES; l++)
        sum[l] = (int16_t)(sum[l] + a[l] * b[l] * c[l] * d[l]);
}

NNSM_MULTIVERSION
void nnsm_lanes_take(int16_t *restrict sum, int32_t *restrict feature)
{
    for (size_t l = 0; l < NNSM_LANES; l++) {
        feature[l] = sum[l];
        sum[l] = 0;
    }
}

NNSM_MULTIVERSION
void nnsm_lanes_add_angle(const int32_t *feature, float factor, float *restrict angle)
{
    for (size_t l = 0; l < NNSM_LANES; l++)
        angle[l] += factor * (float)feature[l];
}

/* From 2 beta s h of each lane: -log of the conditional into *loss, 1 - conditional into pull, and the square root of
 * its curvature into weight. Float, with errors of 1e-7, far below the noise of any data. */
NNSM_MULTIVERSION
void nnsm_lanes_conditionals(const float *angle, size_t count, float *restrict pull, float *restrict weight,
                             double *loss)
{
    float softplus[NNSM_LANES];
    for (size_t l = 0; l < NNSM_LANES; l++) {
        float u = angle[l], e = nnsm_exp_negative(u < 0.f ? u : -u), q = 1.f / (1.f + e);
        softplus[l] = nnsm_log1p_unit(e) + (u < 0.f ? -u : 0.f);
        pull[l] = u < 0.f ? q : e * q;
        weight[l] = e * q * q;
    }
    for (size_t l = 0; l < NNSM_LANES; l++)
        weight[l] = sqrtf(weight[l]);
    for (size_t l = count; l < NNSM_LANES; l++) /* lanes without a configuration */
        pull[l] = weight[l] = softplus[l] = 0;
    for (size_t l = 0; l < NNSM_LANES; l++)
        *loss += (double)softplus[l];
}

NNSM_MULTIVERSION
float nnsm_lanes_weigh(const int32_t *feature, const float *pull)
{
    float partial[16] = {0}, sum = 0;
    for (size_t l = 0; l < NNSM_LANES; l += 16)
        for (size_t k = 0; k < 16; k++)
            partial[k] += (float)feature[l + k] * pull[l + k];
    for (size_t k = 0; k < 16; k++)
        sum += partial[k];
    return sum;
}

NNSM_MULTIVERSION
void nnsm_lanes_scale(const int32_t *feature, const float *weight, double *restrict out)
{
    for (size_t l = 0; l < NNSM_LANES; l++)
        out[l] = (double)((float)feature[l] * weight[l]);
}
