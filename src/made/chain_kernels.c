#include "made/chain_kernels.h"

#include <math.h>

#include "base/vector.h"
#include "base/vector_math.h"
#include "made/staircase.h"

enum { LINE = NNSM_STAIRCASE_ROWS, LANES = NNSM_CHAIN_LANES, SITES = NNSM_CHAIN_SITES };

static inline float relu(float z)
{
    return z < 0.f ? 0.f : z; /* this way round NaN stays NaN */
}

NNSM_MULTIVERSION
void nnsm_chain_first(nnsm_activation activation, const float *restrict w, float step, const float *restrict z,
                      size_t count, float *restrict z_new, float *restrict difference)
{
    if (activation == NNSM_RELU)
        for (size_t i = 0; i < count / LINE * LINE; i++) {
            z_new[i] = z[i] + w[i] * step;
            difference[i] = relu(z_new[i]) - relu(z[i]);
        }
    else
        for (size_t i = 0; i < count / LINE * LINE; i++) {
            z_new[i] = z[i] + w[i] * step;
            difference[i] = nnsm_tanh(z_new[i]) - nnsm_tanh(z[i]);
        }
}

NNSM_MULTIVERSION
void nnsm_chain_next(nnsm_activation activation, const float *restrict z, size_t count, float *restrict z_new,
                     float *restrict difference)
{
    if (activation == NNSM_RELU)
        for (size_t i = 0; i < count / LINE * LINE; i++) {
            z_new[i] = z[i] + z_new[i];
            difference[i] = relu(z_new[i]) - relu(z[i]);
        }
    else
        for (size_t i = 0; i < count / LINE * LINE; i++) {
            z_new[i] = z[i] + z_new[i];
            difference[i] = nnsm_tanh(z_new[i]) - nnsm_tanh(z[i]);
        }
}

NNSM_MULTIVERSION
void nnsm_chain_logits(const float *restrict w, float step, const float *restrict o, size_t count,
                       float *restrict o_new)
{
    if (w)
        for (size_t i = 0; i < count / LINE * LINE; i++)
            o_new[i] = (o[i] + o_new[i]) + w[i] * step;
    else
        for (size_t i = 0; i < count / LINE * LINE; i++)
            o_new[i] = o[i] + o_new[i];
}

enum { BLOCKS = 8 }; /* that are summed in float before they enter the double sum: error below 1e-7 each */

/* Of up to BLOCKS blocks: three passes over all of them, whose rounds are independent; in one, a long chain of
 * dependent operations would leave the processor waiting. Returns the sum of term_new - term. */
static inline __attribute__((always_inline)) double few_terms(const float *restrict x, const float *restrict o,
                                                              size_t blocks, const float *restrict term,
                                                              float *restrict term_new)
{
    float y[BLOCKS * SITES], power[BLOCKS * SITES], product[BLOCKS * LANES], twice[BLOCKS * LANES], part[LANES] = {0};
    for (size_t i = 0; i < blocks * SITES; i++) {
        y[i] = x[i] * o[i];
        power[i] = nnsm_exp_minus_size(y[i]);
    }
    for (size_t b = 0; b < blocks; b++) {
        const float *some = y + b * SITES, *some_powers = power + b * SITES;
        for (size_t l = 0; l < LANES; l++) {
            float factors = 1.f, sum = 0.f;
            for (size_t k = 0; k < SITES / LANES; k++) {
                factors += factors * some_powers[k * LANES + l];
                sum += some[k * LANES + l] - fabsf(some[k * LANES + l]);
            }
            product[b * LANES + l] = factors;
            twice[b * LANES + l] = sum;
        }
    }
    for (size_t i = 0; i < blocks * LANES; i++)
        term_new[i] = nnsm_log_above_one(product[i]) - 0.5f * twice[i];
    for (size_t b = 0; b < blocks; b++)
        for (size_t l = 0; l < LANES; l++)
            part[l] += term_new[b * LANES + l] - term[b * LANES + l];
    double sum = 0;
    for (size_t l = 0; l < LANES; l++)
        sum += (double)part[l];
    return sum;
}

NNSM_MULTIVERSION
double nnsm_chain_terms(const float *restrict x, const float *restrict o, size_t sites, const float *restrict term,
                        float *restrict term_new)
{
    double sum = 0;
    for (size_t b = 0, count; b < sites / SITES; b += count) {
        count = sites / SITES - b < BLOCKS ? sites / SITES - b : BLOCKS;
        sum += few_terms(x + b * SITES, o + b * SITES, count, term + b * LANES, term_new + b * LANES);
    }
    return sum;
}
