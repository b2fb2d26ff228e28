/* nnsm/alphabet.h: the values that a site can take, and how they are kept in memory.
 *
 * Files hold values, whole numbers such as -1 1, -4 -2 0 2 4, or labels 0 1 2 without order or size. In memory a site
 * holds its state, one byte: -1 or +1 for the lower and the upper of two values, 0 ... count - 1 in rising order of
 * more. All code between reading and writing works on states. All functions are local. */
#ifndef NNSM_ALPHABET_H
#define NNSM_ALPHABET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnsm/error.h"

enum { NNSM_MAX_VALUES = 32 };

/* Plain data: copied between ranks byte by byte. */
typedef struct {
    int32_t count;                  /* 2 to NNSM_MAX_VALUES */
    int32_t labels;                 /* 1: values are names (a Potts model's), their differences mean nothing */
    int32_t value[NNSM_MAX_VALUES]; /* rising; 0 beyond count */
} nnsm_alphabet;

/* -1 and +1. */
nnsm_alphabet nnsm_alphabet_spins(void);

/* From values in any order. NNSM_USAGE for fewer than 2, more than NNSM_MAX_VALUES, values twice or beyond 32 bits. */
nnsm_status nnsm_alphabet_create(nnsm_alphabet *alphabet, size_t count, const int64_t *values, bool labels,
                                 nnsm_error *error);

/* State of a value; false when the alphabet does not have it. */
bool nnsm_alphabet_state(const nnsm_alphabet *alphabet, int64_t value, int8_t *state);

/* Value of a state, which must be one. */
static inline int32_t nnsm_alphabet_value(const nnsm_alphabet *alphabet, int8_t state)
{
    return alphabet->value[alphabet->count == 2 ? state > 0 : state];
}

/* Is this byte a state? */
static inline bool nnsm_alphabet_holds(const nnsm_alphabet *alphabet, int8_t state)
{
    return alphabet->count == 2 ? state == 1 || state == -1 : state >= 0 && state < alphabet->count;
}

/* Two numbers that are not each other's negative, as 0 and 1: their mean is not 0 where both are as frequent. Local. */
bool nnsm_alphabet_shifted(const nnsm_alphabet *alphabet);

bool nnsm_alphabet_equal(const nnsm_alphabet *a, const nnsm_alphabet *b);

/* Does value -> -value map the alphabet onto itself (never for labels)? Then the inversion of states, s -> -s or
 * k -> count - 1 - k, is that map. */
bool nnsm_alphabet_symmetric(const nnsm_alphabet *alphabet);

/* The order of one configuration: the mean value of its sites (of -1 and +1 the magnetization); of labels, whose values
 * mean nothing, (q max_k n_k / N - 1) / (q - 1), n_k sites having label k of q: 1 where all are alike, 0 where all
 * labels are equally frequent. states: in, [sites]. */
double nnsm_alphabet_order(const nnsm_alphabet *alphabet, size_t sites, const int8_t *states);

/* The values as text, "-4 -2 0 2 4", cut at size. */
void nnsm_alphabet_text(const nnsm_alphabet *alphabet, char *text, size_t size);

#endif
