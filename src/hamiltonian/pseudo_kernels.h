/* pseudo_kernels.h: the hot loops of the pseudo-likelihood, over NNSM_LANES configurations side by side. Plain arrays
 * of [NNSM_LANES]; a feature is s dO/ds of one site and one class, a whole number. Held against models in
 * tests/physics/test_couplings.c. Local, cannot fail. */
#ifndef NNSM_HAMILTONIAN_PSEUDO_KERNELS_H
#define NNSM_HAMILTONIAN_PSEUDO_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { NNSM_LANES = 256 }; /* the shape of every product */

/* sum += the product of a term's spins, its own site's included. spins: in, [sites][NNSM_LANES]; site: in,
 * [NNSM_TERM_SITES], -1 beyond the term's order. Of one site and class; those are fewer than 32768 terms. */
void nnsm_lanes_add_term(const int8_t *spins, const int32_t *site, int16_t *restrict sum);
/* feature = sum, and sum = 0. */
void nnsm_lanes_take(int16_t *restrict sum, int32_t *restrict feature);

/* angle += factor feature; the sum over classes is 2 beta s h. */
void nnsm_lanes_add_angle(const int32_t *feature, float factor, float *restrict angle);

/* Of the first `count` lanes: -log of the conditional is added to *loss; pull: out, 1 - conditional; weight: out,
 * square root of its curvature; both 0 in the other lanes. */
void nnsm_lanes_conditionals(const float *angle, size_t count, float *restrict pull, float *restrict weight,
                             double *loss);

/* sum of feature times pull. */
float nnsm_lanes_weigh(const int32_t *feature, const float *pull);

/* out = feature times weight. */
void nnsm_lanes_scale(const int32_t *feature, const float *weight, double *restrict out);

#endif
