#include "nnsm/rng.h"

#include <string.h>

/* Philox4x32 constants: multipliers and Weyl key increments (Salmon et al., table 2). Checked against Random123's
 * known answers and its reference implementation in tests/unit/test_rng.c. */
enum { PHILOX_ROUNDS = 10 };
static const uint32_t multiplier_0 = 0xD2511F53u, multiplier_1 = 0xCD9E8D57u;
static const uint32_t weyl_0 = 0x9E3779B9u, weyl_1 = 0xBB67AE85u;

nnsm_rng_key nnsm_rng_key_from_seed(uint64_t seed)
{
    return (nnsm_rng_key){{(uint32_t)seed, (uint32_t)(seed >> 32)}};
}

/* One block. */
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

/* Blocks from, ..., count - 1; the `varying`-th word of the counter grows by one a block. */
static void rest(nnsm_rng_key key, const uint32_t counter[4], int varying, size_t from, size_t count,
                 uint32_t *restrict out)
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (size_t i = from; i < count; i++) {
        c[varying] = counter[varying] + (uint32_t)i;
        philox(key, c, count, out + i);
    }
}

/* Vectors of 64-bit lanes, a block a lane, whose low halves hold the words: one instruction multiplies low halves to
 * whole lanes, and nothing has to be moved between lanes. Two vectors at a time, since every product waits for the one
 * before it; the blocks lie in them so that one shuffle within each 128 bits packs the low halves of both in order.
 * Compilers find none of this; hence one function for each instruction set. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(NNSM_NO_MULTIVERSION)
#define NNSM_PHILOX_VECTORS
#include <immintrin.h>

#define PHILOX_BLOCKS(NAME, TARGET, LANES, PRODUCT, PACK)                                                              \
    __attribute__((target(TARGET))) static void NAME(nnsm_rng_key key, const uint32_t counter[4], int varying,         \
                                                     size_t count, uint32_t *restrict out)                             \
    {                                                                                                                  \
        typedef uint64_t lanes __attribute__((vector_size(LANES * sizeof(uint64_t))));                                 \
        const lanes none = {0}, multiply_0 = none + multiplier_0, multiply_1 = none + multiplier_1;                    \
        size_t whole = count / (2 * LANES) * (2 * LANES);                                                              \
        lanes block = {0}, keys[2][PHILOX_ROUNDS];                                                                     \
        for (size_t j = 0; j < LANES; j++)                                                                             \
            block[j] = j / 2 * 4 + j % 2;                                                                              \
        for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {                                                     \
            keys[0][round] = none + (key.word[0] + round * weyl_0);                                                    \
            keys[1][round] = none + (key.word[1] + round * weyl_1);                                                    \
        }                                                                                                              \
        for (size_t i = 0; i < whole; i += 2 * LANES) {                                                                \
            lanes c[2][4];                                                                                             \
            for (size_t v = 0; v < 2; v++) {                                                                           \
                for (size_t w = 0; w < 4; w++)                                                                         \
                    c[v][w] = none + counter[w];                                                                       \
                c[v][varying == 0 ? 0 : 2] += block + (i + 2 * v);                                                     \
            }                                                                                                          \
            for (int round = 0; round < PHILOX_ROUNDS; round++)                                                        \
                for (size_t v = 0; v < 2; v++) {                                                                       \
                    lanes product_0 = (lanes)PRODUCT(c[v][0], multiply_0),                                             \
                          product_1 = (lanes)PRODUCT(c[v][2], multiply_1);                                             \
                    c[v][0] = (product_1 >> 32) ^ c[v][1] ^ keys[0][round];                                            \
                    c[v][1] = product_1;                                                                               \
                    c[v][2] = (product_0 >> 32) ^ c[v][3] ^ keys[1][round];                                            \
                    c[v][3] = product_0;                                                                               \
                }                                                                                                      \
            for (size_t w = 0; w < 4; w++) {                                                                           \
                lanes low = (lanes)PACK(c[0][w], c[1][w]);                                                             \
                memcpy(out + w * count + i, &low, sizeof low);                                                         \
            }                                                                                                          \
        }                                                                                                              \
        if (whole < count)                                                                                             \
            rest(key, counter, varying, whole, count, out);                                                            \
    }

#define PRODUCT_8(a, b) _mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#define PRODUCT_4(a, b) _mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#define PRODUCT_2(a, b) _mm_mul_epu32((__m128i)(a), (__m128i)(b))
#define PACK_8(a, b) _mm512_shuffle_ps((__m512)(a), (__m512)(b), _MM_SHUFFLE(2, 0, 2, 0))
#define PACK_4(a, b) _mm256_shuffle_ps((__m256)(a), (__m256)(b), _MM_SHUFFLE(2, 0, 2, 0))
#define PACK_2(a, b) _mm_shuffle_ps((__m128)(a), (__m128)(b), _MM_SHUFFLE(2, 0, 2, 0))
PHILOX_BLOCKS(philox_8, "avx512f,avx512vl", 8, PRODUCT_8, PACK_8)
PHILOX_BLOCKS(philox_4, "avx2", 4, PRODUCT_4, PACK_4)
PHILOX_BLOCKS(philox_2, "sse2", 2, PRODUCT_2, PACK_2)
#endif

static void blocks(nnsm_rng_key key, const uint32_t counter[4], int varying, size_t count, uint32_t *out)
{
#ifdef NNSM_PHILOX_VECTORS
    void (*widest)(nnsm_rng_key, const uint32_t *, int, size_t, uint32_t *restrict) =
        __builtin_cpu_supports("avx512vl") ? philox_8
        : __builtin_cpu_supports("avx2")   ? philox_4
                                           : philox_2;
    widest(key, counter, varying, count, out);
#else
    rest(key, counter, varying, 0, count, out);
#endif
}

void nnsm_rng_block(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step, uint32_t index,
                    uint32_t out[4])
{
    philox(key, (const uint32_t[]){index, step, stream, (uint32_t)purpose}, 1, out);
}

void nnsm_rng_blocks(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t first, size_t streams, uint32_t step,
                     uint32_t index, uint32_t *out)
{
    blocks(key, (const uint32_t[]){index, step, first, (uint32_t)purpose}, 2, streams, out);
}

void nnsm_rng_run(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step, uint32_t index,
                  size_t count, uint32_t *out)
{
    blocks(key, (const uint32_t[]){index, step, stream, (uint32_t)purpose}, 0, count, out);
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
