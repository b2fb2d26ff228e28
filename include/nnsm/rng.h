/* nnsm/rng.h: counter-based random numbers, Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11).
 *
 * A draw is a pure function of (seed, purpose, stream, step, index). Nothing depends on the rank, the clock or on the
 * order in which draws are made, so that every result is the same on any number of ranks (design invariant 1).
 * `stream` names a chain, a configuration or a shard; `step` a sweep, an epoch or a batch; `index` the draw in it.
 * All functions are local and cannot fail. */
#ifndef NNSM_RNG_H
#define NNSM_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What the numbers are for: two purposes never share a number. Append only; the values are part of the results. */
typedef enum {
    NNSM_RNG_GENERATE_START = 1, /* initial spins of the Monte Carlo chains */
    NNSM_RNG_GENERATE = 2,       /* Metropolis updates of the generators */
    NNSM_RNG_WOLFF = 3,          /* Wolff updates of the generators */
    NNSM_RNG_ORDER = 4,          /* random order of the sites */
    NNSM_RNG_WEIGHTS = 5,        /* initial weights */
    NNSM_RNG_SHUFFLE = 6,        /* order of the training data in an epoch */
    NNSM_RNG_AUGMENT = 7,        /* symmetry operation applied to a training sample */
    NNSM_RNG_ANCESTRAL = 8,      /* ancestral sampling from the network */
    NNSM_RNG_SCAN = 9,           /* single-flip acceptance in a scan */
    NNSM_RNG_EXCHANGE = 10,      /* replica exchange */
    NNSM_RNG_UNITS = 11,         /* fixed units of a frontier network */
    NNSM_RNG_DISORDER = 20,      /* signs of the bonds of a spin glass */
    NNSM_RNG_CLUSTER = 21,       /* bonds and flips of the surrogate's clusters */
    NNSM_RNG_HEAT_BATH = 22,     /* single-site updates under a surrogate */
    NNSM_RNG_SELF_LEARNING = 23, /* acceptance of a self-learning proposal */
    NNSM_RNG_REGENERATE = 24,    /* suffixes redrawn from the network: where from, spins, acceptance */
    NNSM_RNG_BOOTSTRAP = 40,     /* which data a member of an ensemble of networks sees */
    NNSM_RNG_AUDIT = 41,         /* symmetry operations that H is examined by */
    NNSM_RNG_MOVES = 50,         /* moves of sites with more than two values: new states, acceptance */
    NNSM_RNG_TRUTH = 51,         /* configurations that the couplings of a known model are read from */
    NNSM_RNG_SCAN_START = 60,    /* random first configurations of a scan's chains */
    NNSM_RNG_TEST = 99,
} nnsm_rng_purpose;

typedef struct {
    uint32_t word[2];
} nnsm_rng_key;

/* The key of a run. */
nnsm_rng_key nnsm_rng_key_from_seed(uint64_t seed);

/* One block of four independent 32-bit numbers for one stream. out: 4 words. */
void nnsm_rng_block(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step, uint32_t index,
                    uint32_t out[4]);

/* The blocks of `streams` neighbouring streams first, first+1, ...: out[w * streams + i] is word w of stream first + i,
 * the same bits as nnsm_rng_block. Vectorised; streams of 32 or more are efficient. out: 4 * streams words. */
void nnsm_rng_blocks(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t first, size_t streams, uint32_t step,
                     uint32_t index, uint32_t *out);

/* The blocks index, index+1, ... of one stream: out[w * blocks + i] is word w of block index + i, the same bits as
 * nnsm_rng_block. Vectorised; 16 blocks or more are efficient. out: 4 * blocks words. */
void nnsm_rng_run(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step, uint32_t index,
                  size_t blocks, uint32_t *out);

/* A sequence: all numbers of one (purpose, stream, step), drawn one after the other. */
typedef struct {
    nnsm_rng_key key;
    uint32_t purpose, stream, step, index;
    uint32_t word[4];
    unsigned used;
} nnsm_rng_sequence;

nnsm_rng_sequence nnsm_rng_sequence_start(nnsm_rng_key key, nnsm_rng_purpose purpose, uint32_t stream, uint32_t step);
uint32_t nnsm_rng_next(nnsm_rng_sequence *sequence);
/* Uniform in [0, 1) with 32 bits. */
double nnsm_rng_uniform(nnsm_rng_sequence *sequence);
/* Uniform integer in [0, bound), unbiased by rejection; bound >= 1. */
uint32_t nnsm_rng_below(nnsm_rng_sequence *sequence, uint32_t bound);

#endif
