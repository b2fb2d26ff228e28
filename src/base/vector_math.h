/* vector_math.h: exp, log, log(1 + exp), tanh in float, written so that loops over them vectorise.
 *
 * Polynomials are Chebyshev fits; the largest errors against libm, measured over the whole range in
 * tests/unit/test_kernels.c: exp 2.4e-7 and 7e-8 |x| relative (the latter is that of rounding x), softplus 2e-7
 * relative plus 1e-7 absolute, tanh 3.1e-7 relative. */
#ifndef NNSM_BASE_VECTOR_MATH_H
#define NNSM_BASE_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

/* exp(x) for -87 <= x <= 0. In powers of two: x / ln 2 is a whole number n and a rest r, and n is added to the exponent
 * of 2^r. NaN stays NaN. */
static inline float nnsm_exp_within(float x)
{
    const float magic = 12582912.f; /* 1.5 * 2^23: adding it rounds to an integer, kept in the low mantissa bits */
    const float per_ln2 = 1.44269504f;
    float shifted = x * per_ln2 + magic;
    float r = x * per_ln2 - (shifted - magic);
    float p = 1.326472731307149e-3f;
    p = p * r + 9.671512991189957e-3f;
    p = p * r + 5.550733581185341e-2f;
    p = p * r + 0.24022242426872253f;
    p = p * r + 0.6931470036506653f;
    p = p * r + 1.f;
    uint32_t bits, power;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&power, &p, sizeof power);
    power += bits << 23;
    memcpy(&p, &power, sizeof p);
    return p;
}

/* exp(x) for x <= 0; arguments below -87 give exp(-87), about 2e-38, which no sum here can notice. */
static inline float nnsm_exp_negative(float x)
{
    return nnsm_exp_within(x < -87.f ? -87.f : x);
}

/* The same of -|y|, in fewer instructions; NaN gives exp(-87) too. */
static inline float nnsm_exp_minus_size(float y)
{
    const float most = 87.f;
    int32_t size, bound; /* floats that are not negative are ordered as their bits are */
    memcpy(&size, &y, sizeof size);
    memcpy(&bound, &most, sizeof bound);
    size &= INT32_MAX;
    size = size < bound ? size : bound;
    memcpy(&y, &size, sizeof y);
    return nnsm_exp_within(-y);
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

/* tanh(x) = x P(x^2) / Q(x^2), P and Q of degree 4 fitted to the least relative error, 1.1e-8, up to 8.4, where tanh is
 * 1 to a float's precision. Rounding may give 1 + 1e-7. */
static inline float nnsm_tanh(float x)
{
    const float most = 8.4f;
    x = most < x ? most : x;
    x = -most > x ? -most : x;
    float y = x * x;
    float p = 1.4457878450002681e-8f;
    p = p * y + 2.1379795725806616e-5f;
    p = p * y + 3.5416188184171915e-3f;
    p = p * y + 0.13419580459594727f;
    p = p * y + 1.f;
    float q = 8.219972755796334e-7f;
    q = q * y + 3.361429553478956e-4f;
    q = q * y + 2.6051444932818413e-2f;
    q = q * y + 0.4675290584564209f;
    q = q * y + 1.f;
    return x * p / q;
}

#endif
