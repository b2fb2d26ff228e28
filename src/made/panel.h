/* panel.h: masked matrices repacked for 32 chains that live side by side, and the product that a single flip needs.
 *
 * A tile keeps every quantity as [unit][NNSM_TILE], one column a chain. Rows of a matrix are grouped in panels of
 * NNSM_PANEL_ROWS, a panel stored column by column (six neighbouring weights a column, broadcast one by one over the
 * chains), as wide as its last row's extent. The sum over columns runs upwards in one accumulator a row and chain, so
 * the bits do not depend on where a panel starts or on the vector width. Local, no failure but in create. */
#ifndef NNSM_MADE_PANEL_H
#define NNSM_MADE_PANEL_H

#include "made/staircase.h"
#include "nnsm/hamiltonian.h"

enum { NNSM_PANEL_ROWS = 6 }; /* twelve sums of 3 rows and 4 registers hide the latency of multiply-adds */

typedef struct {
    size_t rows, columns, panels;
    size_t *width;  /* [panels] */
    size_t *offset; /* [panels] */
    float *weights; /* panel p: [width[p]][NNSM_PANEL_ROWS]; owned */
} nnsm_panels;

/* Repack w ([matrix->size]) of a masked matrix. */
nnsm_status nnsm_panels_create(nnsm_panels *out, const nnsm_staircase *matrix, const float *w, nnsm_error *error);
void nnsm_panels_destroy(nnsm_panels *panels);

/* Number of rows rounded up to whole panels: how many rows the arrays below must have. */
size_t nnsm_panel_rows(size_t rows);

/* A change of a few inputs that are neighbours, as row r of a matrix sees it: sum_k w[k stride + r] step[k][chain]. */
typedef struct {
    const float *w; /* [inputs][stride], stride whole panels long, zero where the matrix is masked */
    size_t stride;
    const float *step; /* [inputs][NNSM_TILE] */
    size_t inputs;
} nnsm_input_change;

/* out[r] = base[r] + changes(r) + sum_{first_column <= i < extent(r)} W[r][i] d[i] for the rows from first_row, rounded
 * down to its panel, to the end. d: [columns][NNSM_TILE], base and out: [padded rows][NNSM_TILE], may be the same
 * array. changes: [count], added one after the other, of another matrix of as many rows. */
void nnsm_panels_multiply(const nnsm_panels *panels, size_t first_row, size_t first_column, const float *d,
                          const nnsm_input_change *changes, size_t count, const float *base, float *out);

/* A product whose d is found column after column: when the first row of a panel is needed, all its rows are summed over
 * the columns that are known by then, and every row over the others when they are known too.
 * out[r] += sum_{i < columns} W[r][i] d[i] for the rows of a panel. */
void nnsm_panels_begin(const nnsm_panels *panels, size_t panel, size_t columns, const float *d, float *out);
/* out[row] += sum_{columns <= i} W[row][i] d[i]; d must be finite up to the width of the row's panel. */
void nnsm_panels_end(const nnsm_panels *panels, size_t row, size_t columns, const float *d, float *out);

/* out[r] = sum_i W[r][i] x[i] with a full matrix kept as panels, w: [panels][columns][NNSM_PANEL_ROWS]. x:
 * [columns][NNSM_TILE], out: [panels NNSM_PANEL_ROWS][NNSM_TILE]. */
void nnsm_panels_full(const float *w, size_t panels, size_t columns, const float *x, float *out);

/* The readable reference of nnsm_panels_multiply, in double. */
void nnsm_panels_multiply_reference(const nnsm_panels *panels, size_t first_row, size_t first_column, const float *d,
                                    const nnsm_input_change *changes, size_t count, const float *base, float *out);

#endif
