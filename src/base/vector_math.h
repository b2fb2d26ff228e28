/* vector_math.h: exp, log, log(1 + exp), tanh in float, written so that loops over them vectorise.
 *
 * Polynomials are Chebyshev fits; the largest errors against libm, measured over the whole range in
 * tests/unit/test_kernels.c: exp 2e-7 relative, softplus 2e-7 relative plus 1e-7 absolute, tanh 3e-7 absolute. */
#ifndef NNSM_BASE_VECTOR_MATH_H
#define NNSM_BASE_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

/* exp(x) for x <= 0; arguments below -87 give exp(-87), about 2e-38, which no sum here can notice. */
static inline float nnsm_exp_negative(float x)
{
    const float magic = 12582912.f; /* 1.5 * 2^23: adding it rounds to an integer, kept in the low mantissa bits */
    x = x < -87.f ? -87.f : x;
    float shifted = x * 1.44269504f + magic;
    float n = shifted - magic;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts */
    float p = 1.394858118146658e-3f;
    p = p * r + 8.375128731131554e-3f;
    p = p * r + 4.1666217148303986e-2f;
    p = p * r + 0.16666415333747864f;
    p = p * r + 0.5f;
    p = p * r + 1.f;
    p = p * r + 1.f;
    uint32_t bits, scale;
    memcpy(&bits, &shifted, sizeof bits);
    scale = (bits + 127u) << 23; /* the integer n sits in the low bits of `shifted` */
    float power;
    memcpy(&power, &scale, sizeof power);
    return p * power;
}

/* log(1 + u) for 0 <= u <= 1. */
static inline float nnsm_log1p_unit(float u)
{
    float p = 5.253457929939032e-3f;
    p = p * u - 2.958850748836994e-2f;
    p = p * u + 7.836166769266129e-2f;
    p = p * u - 0.13674770295619965f;
    p = p * u + 0.19111430644989014f;
    p = p * u - 0.24844369292259216f;
    p = p * u + 0.33319270610809326f;
    p = p * u - 0.49999502301216125f;
    p = p * u + 1.f;
    return p * u;
}

/* log(x) for 1 <= x < 2^24. */
static inline float nnsm_log_above_one(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    float exponent = (float)(int32_t)((bits >> 23) - 127u);
    bits = (bits & 0x7fffffu) | 0x3f800000u;
    float mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa);
    return exponent * 0.69314718f + nnsm_log1p_unit(mantissa - 1.f) + (x - x); /* NaN stays NaN */
}

/* softplus(y) = log(1 + exp(y)). */
static inline float nnsm_softplus(float y)
{
    float magnitude = y < 0.f ? -y : y;
    float positive = y < 0.f ? 0.f : y;
    return positive + nnsm_log1p_unit(nnsm_exp_negative(-magnitude));
}

static inline float nnsm_tanh(float y)
{
    float e = nnsm_exp_negative(-2.f * (y < 0.f ? -y : y));
    float t = (1.f - e) / (1.f + e);
    return y < 0.f ? -t : t;
}

#endif
