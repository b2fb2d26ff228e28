/* lanes.h: the spins of a tile as one 32-bit word a site: bit c is the spin of chain c, 1 is up.
 *
 * What all 32 chains do alike (draw bonds, follow clusters, count products) is then one operation on words. Local. */
#ifndef NNSM_HAMILTONIAN_LANES_H
#define NNSM_HAMILTONIAN_LANES_H

#include "nnsm/local.h"
#include "nnsm/rng.h"

/* configurations: [NNSM_TILE][sites], -1 or +1; spins: [sites]. */
void nnsm_lanes_pack(const int8_t *configurations, size_t sites, uint32_t *spins);
void nnsm_lanes_unpack(const uint32_t *spins, size_t sites, int8_t *configurations);

/* O_c of every chain, counted exactly. values: out, [classes][NNSM_TILE]. */
void nnsm_lanes_values(const nnsm_operators *operators, const uint32_t *spins, double *values);

/* Bit (31 - k) of number[c] becomes bit c of plane[k]: 32 numbers by their binary digits, the highest first. */
void nnsm_lanes_digits(const uint32_t *number, uint32_t *plane);

/* Words of one (purpose, stream, step), taken one after the other. */
enum { NNSM_WORDS = 1024 };
typedef struct {
    nnsm_rng_key key;
    nnsm_rng_purpose purpose;
    uint32_t stream, step, index;
    size_t used;
    uint32_t word[NNSM_WORDS];
} nnsm_words;
void nnsm_words_start(nnsm_words *words, nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step);
void nnsm_words_refill(nnsm_words *words);

/* Makes sure that `count` more words are there (count <= NNSM_WORDS); what is left of the old ones is dropped. */
static inline void nnsm_words_need(nnsm_words *words, size_t count)
{
    if (words->used + count > NNSM_WORDS)
        nnsm_words_refill(words);
}

#endif
