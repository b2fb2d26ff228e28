/* staircase.h: matrices whose row r is zero from column extent[r] on, extents not decreasing.
 *
 * Every masked matrix of a MADE has this shape once units are sorted by degree. Rows are stored in panels of
 * NNSM_STAIRCASE_ROWS, one after the other, each column by column and as wide as its last row: about half of the dense
 * storage, and lines as the product of product.h wants them, which skips what is zero. Inside a panel the entries
 * beyond a row's extent, and those of rows that there are not, are stored and always zero. All functions are local and
 * cannot fail unless stated. */
#ifndef NNSM_MADE_STAIRCASE_H
#define NNSM_MADE_STAIRCASE_H

#include <stddef.h>

#include "made/product.h"
#include "nnsm/error.h"

enum { NNSM_STAIRCASE_ROWS = NNSM_PRODUCT_COLUMNS };

typedef struct {
    size_t rows, columns;
    size_t panels;
    size_t size;    /* stored floats */
    size_t *extent; /* [rows]; owned */
    size_t *width;  /* [panels] stored columns of a panel; owned */
    size_t *offset; /* [panels] first float of a panel; owned */
} nnsm_staircase;

/* extent: in, [rows], not decreasing, at most columns. On failure *matrix is zeroed. */
nnsm_status nnsm_staircase_create(nnsm_staircase *matrix, size_t rows, size_t columns, const size_t *extent,
                                  nnsm_error *error);
void nnsm_staircase_destroy(nnsm_staircase *matrix);

/* Offset of an entry in column < width[row / NNSM_STAIRCASE_ROWS]. */
size_t nnsm_staircase_entry(const nnsm_staircase *matrix, size_t row, size_t column);

/* y = x W^T (+ y when add).  x: [batch][columns], y: [batch][rows], w: [size]. */
void nnsm_staircase_forward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *x, float *y,
                            bool add);

/* y = dx W^T for the rows from first_row, a multiple of NNSM_STAIRCASE_ROWS, over the columns from first_column on.
 * dx: [batch][x_row], y: [batch][y_row], with room for whole panels of rows, from row 0 and column 0. */
void nnsm_staircase_suffix(const nnsm_staircase *matrix, const float *w, size_t first_row, size_t first_column,
                           size_t batch, const float *dx, size_t x_row, float *y, size_t y_row);

/* dx = dy W.  dy: [batch][rows], dx: [batch][columns]. */
void nnsm_staircase_backward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *dy, float *dx);

/* dw = dy^T x in panels [first, end), entries beyond the extents zero.  dw: [size]. */
void nnsm_staircase_gradient(const nnsm_staircase *matrix, size_t first, size_t end, size_t batch, const float *dy,
                             const float *x, float *dw);

/* Expand to or collect from a dense row-major [rows][columns] matrix (files, tests). */
void nnsm_staircase_expand(const nnsm_staircase *matrix, const float *w, float *dense);
void nnsm_staircase_collect(const nnsm_staircase *matrix, const float *dense, float *w);

#endif
