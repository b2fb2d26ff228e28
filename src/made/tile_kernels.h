/* tile_kernels.h: the elementwise passes of a single flip, on arrays [rows][NNSM_TILE]. Local, cannot fail. */
#ifndef NNSM_MADE_TILE_KERNELS_H
#define NNSM_MADE_TILE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "made/panel.h"
#include "nnsm/hamiltonian.h"

/* out[r] = base[r] + changes(r) for rows first ... end - 1, as in nnsm_panels_multiply; base and out may be the same
 * array. */
void nnsm_tile_add_inputs(const nnsm_input_change *changes, size_t count, size_t first, size_t end, const float *base,
                          float *out);

/* a = f(z). All [rows][NNSM_TILE]. */
void nnsm_tile_activate(nnsm_activation activation, const float *z, size_t rows, float *a);

/* difference = f(z_new) - f(z); difference and z_new may be the same array. */
void nnsm_tile_difference(nnsm_activation activation, const float *z_new, const float *z, size_t rows,
                          float *difference);

/* difference[r] = f(z[r] + changes(r)) - f(z[r]) for rows first ... end - 1: both in one pass. count: at least 1. */
void nnsm_tile_input_difference(nnsm_activation activation, const nnsm_input_change *changes, size_t count,
                                size_t first, size_t end, const float *z, float *difference);

/* term_new = softplus(-x o_new), sum[chain] += sum over rows of (term_new - term). */
void nnsm_tile_terms(const float *x, const float *o_new, const float *term, size_t rows, float *term_new, double *sum);

/* The same a block of NNSM_TERM_ROWS rows, one logarithm for all of them: term_new = sum over the block's rows of
 * softplus(-x o_new) = sum of max(-x o_new, 0) + log of the product of 1 + exp(-|x o_new|), a product of at most 2^6.
 * x, o_new: whole blocks, x zero behind the last row; term, term_new: [nnsm_tile_term_blocks(rows)][NNSM_TILE]. */
enum { NNSM_TERM_ROWS = NNSM_PANEL_ROWS };
static inline size_t nnsm_tile_term_blocks(size_t rows)
{
    return (rows + NNSM_TERM_ROWS - 1) / NNSM_TERM_ROWS;
}
void nnsm_tile_blocks(const float *x, const float *o_new, const float *term, size_t rows, float *term_new, double *sum);
void nnsm_reference_tile_blocks(const float *x, const float *o_new, const float *term, size_t rows, float *term_new,
                                double *sum);

/* The same of sites of more values: term_new = log sum_k exp(o_new_k) - o_new_s. s: [sites][NNSM_TILE] states, o_new:
 * [sites][values][NNSM_TILE]. */
void nnsm_tile_softmax_terms(size_t values, const float *s, const float *o_new, const float *term, size_t sites,
                             float *term_new, double *sum);

/* to[r][chain] = from[r][chain] where accept[chain] is all ones. */
void nnsm_tile_select(const uint32_t *accept, const float *from, size_t rows, float *to);

#endif
