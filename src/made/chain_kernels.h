/* chain_kernels.h: the elementwise passes of a single flip in one chain, on arrays of whole lines of
 * NNSM_STAIRCASE_ROWS floats: side by side stand the units of a chain, not the chains of a tile, so that only the
 * chains that are asked for cost anything. Local, cannot fail. */
#ifndef NNSM_MADE_CHAIN_KERNELS_H
#define NNSM_MADE_CHAIN_KERNELS_H

#include <stddef.h>

#include "nnsm/made.h"

/* The first layer: z_new = z + step w, difference = f(z_new) - f(z). count: a multiple of NNSM_STAIRCASE_ROWS, as in
 * the next two. */
void nnsm_chain_first(nnsm_activation activation, const float *restrict w, float step, const float *restrict z,
                      size_t count, float *restrict z_new, float *restrict difference);

/* Another one: z_new = z + z_new, difference as above. z_new: in, the product of the weights with the differences
 * below; out, the sum. */
void nnsm_chain_next(nnsm_activation activation, const float *restrict z, size_t count, float *restrict z_new,
                     float *restrict difference);

/* Logits: o_new = o + o_new + step w; w NULL: without it. */
void nnsm_chain_logits(const float *restrict w, float step, const float *restrict o, size_t count,
                       float *restrict o_new);

/* Terms -log q = softplus(-x o) of blocks of NNSM_CHAIN_SITES sites, kept as NNSM_CHAIN_LANES sums over every
 * NNSM_CHAIN_LANES-th site, one logarithm each: sum of max(-x o, 0) + log of the product of 1 + exp(-|x o|), a product
 * of at most 2^4. Returns the sum of term_new - term in double. sites: a multiple of NNSM_CHAIN_SITES; where there is
 * no site, x is 1 and o NNSM_CHAIN_CERTAIN, whose term is 0. x, o: [sites]; term, term_new: [sites / 4]. */
enum { NNSM_CHAIN_LANES = 8, NNSM_CHAIN_SITES = 4 * NNSM_CHAIN_LANES };
#define NNSM_CHAIN_CERTAIN 100.f
double nnsm_chain_terms(const float *restrict x, const float *restrict o, size_t sites, const float *restrict term,
                        float *restrict term_new);
/* Its readable reference (kernels_reference.c). */
double nnsm_reference_chain_terms(const float *x, const float *o, size_t sites, const float *term, float *term_new);

#endif
