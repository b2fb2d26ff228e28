#include "hamiltonian/lanes.h"

#include <string.h>

#include "base/vector.h"

NNSM_MULTIVERSION
void nnsm_lanes_pack(const int8_t *configurations, size_t sites, uint32_t *spins)
{
    memset(spins, 0, sites * sizeof *spins);
    for (size_t c = 0; c < NNSM_TILE; c++)
        for (size_t i = 0; i < sites; i++)
            spins[i] |= (uint32_t)(configurations[c * sites + i] > 0) << c;
}

NNSM_MULTIVERSION
void nnsm_lanes_unpack(const uint32_t *spins, size_t sites, int8_t *configurations)
{
    for (size_t c = 0; c < NNSM_TILE; c++)
        for (size_t i = 0; i < sites; i++)
            configurations[c * sites + i] = (int8_t)(2 * (int)(spins[i] >> c & 1) - 1);
}

/* ---- counting: 32 counters side by side, digit d of counter c in bit c of digit[d] */

enum { DIGITS = 32 };

static inline void add(uint32_t *digit, uint32_t ones)
{
    for (size_t d = 0; ones && d < DIGITS; d++) {
        uint32_t carry = digit[d] & ones;
        digit[d] ^= ones;
        ones = carry;
    }
}

/* Eight words at once: full adders take three words of one weight to two, so that the ripple above runs once. */
static inline void add_eight(uint32_t *digit, const uint32_t *x)
{
#define FULL(a, b, c, sum, carry)                                                                                      \
    uint32_t sum##_half = (a) ^ (b), sum = sum##_half ^ (c), carry = ((a) & (b)) | (sum##_half & (c))
    FULL(x[0], x[1], x[2], s0, t0);
    FULL(x[3], x[4], x[5], s1, t1);
    FULL(x[6], x[7], s0, s2, t2);
    FULL(s1, s2, digit[0], s3, t3);
    digit[0] = s3;
    FULL(t0, t1, t2, u0, f0);
    FULL(u0, t3, digit[1], u1, f1);
    digit[1] = u1;
    FULL(f0, f1, digit[2], v0, e0);
    digit[2] = v0;
    add(digit + 3, e0);
#undef FULL
}

/* The chains in which the product of the term's spins is -1. */
static inline uint32_t negative(const nnsm_operators *o, const uint32_t *spins, size_t term)
{
    const int32_t *site = o->site[term];
    uint32_t odd = 0;
    for (int k = 0; k < o->class[o->class_of[term]].order; k++)
        odd ^= ~spins[site[k]];
    return odd;
}

static void spread(const uint32_t *digit, double total, double *values)
{
    uint32_t count[NNSM_TILE] = {0};
    for (uint32_t d = 0; d < DIGITS; d++)
        for (uint32_t c = 0; digit[d] && c < NNSM_TILE; c++)
            count[c] |= (digit[d] >> c & 1) << d;
    for (size_t c = 0; c < NNSM_TILE; c++)
        values[c] = total - 2. * count[c];
}

static void magnetization_squared(const nnsm_operators *o, const uint32_t *spins, double *values)
{
    uint32_t digit[DIGITS + 3] = {0};
    for (size_t i = 0; i < o->sites; i++)
        add(digit, ~spins[i]);
    spread(digit, (double)o->sites, values);
    for (size_t c = 0; c < NNSM_TILE; c++)
        values[c] = values[c] * values[c] / (double)o->sites;
}

void nnsm_lanes_values(const nnsm_operators *operators, const uint32_t *spins, double *values)
{
    const nnsm_operators *o = operators;
    size_t term = 0;
    for (size_t k = 0; k < o->classes; k++) {
        uint32_t digit[DIGITS + 3] = {0};
        size_t end = term + o->class[k].terms;
        if (o->class[k].order == 0) {
            magnetization_squared(o, spins, values + k * NNSM_TILE);
            term = end;
            continue;
        }
        for (; term + 8 <= end; term += 8) {
            uint32_t x[8];
            for (size_t i = 0; i < 8; i++)
                x[i] = negative(o, spins, term + i);
            add_eight(digit, x);
        }
        for (; term < end; term++)
            add(digit, negative(o, spins, term));
        spread(digit, (double)o->class[k].terms, values + k * NNSM_TILE);
    }
}

void nnsm_lanes_digits(const uint32_t *number, uint32_t *plane)
{
    for (size_t c = 0; c < NNSM_TILE; c++)
        plane[31 - c] = number[c];
    /* Transposing a bit matrix by blocks of 16, 8, ...: Warren, Hacker's Delight, section 7-3. */
    for (uint32_t j = 16, mask = 0xFFFF; j; j >>= 1, mask ^= mask << j)
        for (uint32_t k = 0; k < 32; k = (k + j + 1) & ~j) {
            uint32_t swap = (plane[k] ^ plane[k + j] >> j) & mask;
            plane[k] ^= swap;
            plane[k + j] ^= swap << j;
        }
}

/* ---- random words */

void nnsm_words_start(nnsm_words *words, nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step)
{
    words->key = key;
    words->purpose = purpose;
    words->stream = stream;
    words->step = step;
    words->index = 0;
    words->used = NNSM_WORDS;
}

void nnsm_words_refill(nnsm_words *words)
{
    nnsm_rng_run(words->key, words->purpose, words->stream, words->step, words->index, NNSM_WORDS / 4, words->word);
    words->index += NNSM_WORDS / 4;
    words->used = 0;
}
