/* staircase.h: matrices whose row r is zero from column extent[r] on, extents not decreasing.
 *
 * Every masked matrix of a MADE has this shape once units are sorted by degree. Rows are stored in blocks of
 * NNSM_STAIRCASE_ROWS, each block a dense row-major matrix as wide as its last row, one after the other: about half of
 * the dense storage, and every product is a few dense sgemm calls that skip what is zero. Inside a block the entries
 * beyond a row's extent are stored and always zero. All functions are local and cannot fail unless stated. */
#ifndef NNSM_MADE_STAIRCASE_H
#define NNSM_MADE_STAIRCASE_H

#include <stddef.h>

#include "nnsm/error.h"

enum { NNSM_STAIRCASE_ROWS = 64 }; /* measured: sgemm of 59 x 64 x 64..256 runs at 80 to 100 % of the large one */

typedef struct {
    size_t rows, columns;
    size_t blocks;
    size_t size;    /* stored floats */
    size_t *extent; /* [rows]; owned */
    size_t *width;  /* [blocks] stored columns of a block; owned */
    size_t *offset; /* [blocks] first float of a block; owned */
} nnsm_staircase;

/* extent: in, [rows], not decreasing, at most columns. On failure *matrix is zeroed. */
nnsm_status nnsm_staircase_create(nnsm_staircase *matrix, size_t rows, size_t columns, const size_t *extent,
                                  nnsm_error *error);
void nnsm_staircase_destroy(nnsm_staircase *matrix);

/* Rows of block b (all NNSM_STAIRCASE_ROWS but in the last). */
size_t nnsm_staircase_block_rows(const nnsm_staircase *matrix, size_t block);

/* Offset of the first stored entry of a row; its stored length is width[row / NNSM_STAIRCASE_ROWS]. */
size_t nnsm_staircase_row(const nnsm_staircase *matrix, size_t row);

/* y = x W^T (+ y when accumulate).  x: [batch][columns], y: [batch][rows], w: [size]. */
void nnsm_staircase_forward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *x, float *y,
                            int accumulate);

/* dx = dy W (+ dx when accumulate).  dy: [batch][rows], dx: [batch][columns]. */
void nnsm_staircase_backward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *dy, float *dx,
                             int accumulate);

/* dw = dy^T x, entries beyond the extents zero.  dw: [size]. */
void nnsm_staircase_gradient(const nnsm_staircase *matrix, size_t batch, const float *dy, const float *x, float *dw);

/* Expand to or collect from a dense row-major [rows][columns] matrix (files, tests). */
void nnsm_staircase_expand(const nnsm_staircase *matrix, const float *w, float *dense);
void nnsm_staircase_collect(const nnsm_staircase *matrix, const float *dense, float *w);

#endif
