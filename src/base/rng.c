#include "nnsm/rng.h"

#include "base/vector.h"

/* Philox4x32 constants: multipliers and Weyl key increments (Salmon et al., table 2). Checked against Random123's
 * known answers and its reference implementation in tests/unit/test_rng.c. */
enum { PHILOX_ROUNDS = 10 };
static const uint32_t multiplier_0 = 0xD2511F53u, multiplier_1 = 0xCD9E8D57u;
static const uint32_t weyl_0 = 0x9E3779B9u, weyl_1 = 0xBB67AE85u;

nnsm_rng_key nnsm_rng_key_from_seed(uint64_t seed)
{
    return (nnsm_rng_key){{(uint32_t)seed, (uint32_t)(seed >> 32)}};
}

void nnsm_rng_block(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step, uint32_t index,
                    uint32_t out[4])
{
    nnsm_rng_blocks(key, purpose, stream, 1, step, index, out);
}

static inline __attribute__((always_inline)) void philox(nnsm_rng_key key, const uint32_t counter[4], size_t stride,
                                                         uint32_t *restrict out)
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key.word[0], k1 = key.word[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t product_0 = (uint64_t)multiplier_0 * c0, product_1 = (uint64_t)multiplier_1 * c2;
        uint32_t high_0 = (uint32_t)(product_0 >> 32), high_1 = (uint32_t)(product_1 >> 32);
        c0 = high_1 ^ c1 ^ k0;
        c1 = (uint32_t)product_1;
        c2 = high_0 ^ c3 ^ k1;
        c3 = (uint32_t)product_0;
        k0 += weyl_0;
        k1 += weyl_1;
    }
    out[0] = c0;
    out[stride] = c1;
    out[2 * stride] = c2;
    out[3 * stride] = c3;
}

NNSM_MULTIVERSION
static void philox_streams(nnsm_rng_key key, uint32_t purpose, uint32_t first, size_t streams, uint32_t step,
                           uint32_t index, uint32_t *restrict out)
{
    for (size_t i = 0; i < streams; i++)
        philox(key, (const uint32_t[]){index, step, first + (uint32_t)i, purpose}, streams, out + i);
}

NNSM_MULTIVERSION
static void philox_indices(nnsm_rng_key key, uint32_t purpose, uint32_t stream, uint32_t step, uint32_t index,
                           size_t blocks, uint32_t *restrict out)
{
    for (size_t i = 0; i < blocks; i++)
        philox(key, (const uint32_t[]){index + (uint32_t)i, step, stream, purpose}, blocks, out + i);
}

void nnsm_rng_blocks(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t first, size_t streams, uint32_t step,
                     uint32_t index, uint32_t *out)
{
    philox_streams(key, (uint32_t)purpose, first, streams, step, index, out);
}

void nnsm_rng_run(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step, uint32_t index,
                  size_t blocks, uint32_t *out)
{
    philox_indices(key, (uint32_t)purpose, stream, step, index, blocks, out);
}

nnsm_rng_sequence nnsm_rng_sequence_start(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step)
{
    return (nnsm_rng_sequence){.key = key, .purpose = (uint32_t)purpose, .stream = stream, .step = step, .used = 4};
}

uint32_t nnsm_rng_next(nnsm_rng_sequence *sequence)
{
    if (sequence->used == 4) {
        nnsm_rng_block(sequence->key, (nnsm_rng_purpose)sequence->purpose, sequence->stream, sequence->step,
                       sequence->index++, sequence->word);
        sequence->used = 0;
    }
    return sequence->word[sequence->used++];
}

double nnsm_rng_uniform(nnsm_rng_sequence *sequence)
{
    return nnsm_rng_next(sequence) * 0x1p-32;
}

uint32_t nnsm_rng_below(nnsm_rng_sequence *sequence, uint32_t bound)
{
    /* Lemire 2019: multiply, and reject the 2^32 mod bound low products that would favour small values. */
    uint64_t product = (uint64_t)nnsm_rng_next(sequence) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = (uint32_t)(0u - bound) % bound;
        while ((uint32_t)product < threshold)
            product = (uint64_t)nnsm_rng_next(sequence) * bound;
    }
    return (uint32_t)(product >> 32);
}
