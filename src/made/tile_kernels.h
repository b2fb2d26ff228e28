/* tile_kernels.h: the elementwise passes of a single flip, on arrays [rows][NNSM_TILE]. Local, cannot fail. */
#ifndef NNSM_MADE_TILE_KERNELS_H
#define NNSM_MADE_TILE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "nnsm/hamiltonian.h"

/* out[r] = base[r] + w[r] * step[chain]: a change of one input seen by all rows. w: [rows], step: [NNSM_TILE]. */
void nnsm_tile_rank_one(const float *w, const float *step, size_t rows, const float *base, float *out);

/* out[r] = base[r] + sum_k w[k stride + r] step[k][chain]: a change of neighbouring inputs. w: of the first of them,
 * step: [inputs][NNSM_TILE]; base and out may be the same array. */
void nnsm_tile_rank_many(const float *w, size_t stride, const float *step, size_t inputs, size_t rows,
                         const float *base, float *out);

/* a_new = f(z_new), difference = a_new - a. All [rows][NNSM_TILE]. */
void nnsm_tile_activate(nnsm_activation activation, const float *z_new, const float *a, size_t rows, float *a_new,
                        float *difference);

/* term_new = softplus(-x o_new), sum[chain] += sum over rows of (term_new - term). */
void nnsm_tile_terms(const float *x, const float *o_new, const float *term, size_t rows, float *term_new, double *sum);

/* The same of sites of more values: term_new = log sum_k exp(o_new_k) - o_new_s. s: [sites][NNSM_TILE] states, o_new:
 * [sites][values][NNSM_TILE]. */
void nnsm_tile_softmax_terms(size_t values, const float *s, const float *o_new, const float *term, size_t sites,
                             float *term_new, double *sum);

/* to[r][chain] = from[r][chain] where accept[chain] is all ones. */
void nnsm_tile_select(const uint32_t *accept, const float *from, size_t rows, float *to);

#endif
