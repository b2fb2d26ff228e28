#include "made/staircase.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

enum { ROWS = NNSM_STAIRCASE_ROWS, CHUNK = 256 }; /* terms at a time: a line of each, in the first cache */

nnsm_status nnsm_staircase_create(nnsm_staircase *matrix, size_t rows, size_t columns, const size_t *extent,
                                  nnsm_error *error)
{
    *matrix = (nnsm_staircase){.rows = rows, .columns = columns};
    matrix->panels = (rows + ROWS - 1) / ROWS;
    nnsm_status status = NNSM_NEW(&matrix->extent, rows, "masked matrix", error);
    if (!status)
        status = NNSM_NEW(&matrix->width, matrix->panels, "masked matrix", error);
    if (!status)
        status = NNSM_NEW(&matrix->offset, matrix->panels, "masked matrix", error);
    if (status) {
        nnsm_staircase_destroy(matrix);
        return status;
    }
    for (size_t r = 0; r < rows; r++) {
        assert(extent[r] <= columns && (r == 0 || extent[r] >= extent[r - 1]));
        matrix->extent[r] = extent[r];
    }
    for (size_t p = 0; p < matrix->panels; p++) {
        size_t end = (p + 1) * ROWS < rows ? (p + 1) * ROWS : rows;
        matrix->width[p] = extent[end - 1];
        matrix->offset[p] = matrix->size;
        matrix->size += ROWS * matrix->width[p];
    }
    return NNSM_OK;
}

void nnsm_staircase_destroy(nnsm_staircase *matrix)
{
    if (!matrix)
        return;
    nnsm_release(matrix->extent);
    nnsm_release(matrix->width);
    nnsm_release(matrix->offset);
    *matrix = (nnsm_staircase){0};
}

size_t nnsm_staircase_entry(const nnsm_staircase *matrix, size_t row, size_t column)
{
    return matrix->offset[row / ROWS] + column * ROWS + row % ROWS;
}

/* Rows of a panel, or columns of a stretch of ROWS of them, that there are. */
static size_t up_to(size_t all, size_t first)
{
    return all - first < ROWS ? all - first : ROWS;
}

void nnsm_staircase_forward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *x, float *y,
                            bool add)
{
    for (size_t p = 0; p < matrix->panels; p++) {
        size_t row = p * ROWS, k = 0;
        do {
            size_t left = matrix->width[p] - k, terms = left < CHUNK ? left : CHUNK;
            const nnsm_product part = {x + k, matrix->columns, 1, w + matrix->offset[p] + k * ROWS, terms};
            nnsm_product_of(&part, batch, up_to(matrix->rows, row), add || k, y + row, matrix->rows);
            k += terms;
        } while (k < matrix->width[p]);
    }
}

void nnsm_staircase_suffix(const nnsm_staircase *matrix, const float *w, size_t first_row, size_t first_column,
                           size_t batch, const float *dx, size_t x_row, float *y, size_t y_row)
{
    for (size_t p = first_row / ROWS; p < matrix->panels; p++) {
        size_t k = first_column < matrix->width[p] ? first_column : matrix->width[p];
        bool add = false;
        do {
            size_t left = matrix->width[p] - k, terms = left < CHUNK ? left : CHUNK;
            const nnsm_product part = {dx + k, x_row, 1, w + matrix->offset[p] + k * ROWS, terms};
            nnsm_product_of(&part, batch, ROWS, add, y + p * ROWS, y_row);
            k += terms;
            add = true;
        } while (k < matrix->width[p]);
    }
}

typedef float four __attribute__((vector_size(4 * sizeof(float)), aligned(sizeof(float)), may_alias));

_Static_assert(ROWS % 4 == 0, "lines are turned four floats at a time");

/* to[r][i] = from[i][r] for four of each, in lines of ROWS. */
static inline void turn_four(const float *from, float *to)
{
    four a = *(const four *)from, b = *(const four *)(from + ROWS);
    four c = *(const four *)(from + 2 * (size_t)ROWS), d = *(const four *)(from + 3 * (size_t)ROWS);
    four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    *(four *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four *)(to + ROWS) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(four *)(to + 2 * (size_t)ROWS) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four *)(to + 3 * (size_t)ROWS) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/* Rows first ... of columns column ..., line by line: the transpose of a few panels. lines: out, [count][ROWS]. */
static void turn(const nnsm_staircase *matrix, const float *w, size_t first, size_t count, size_t column, float *lines)
{
    for (size_t r = 0, rows; r < count; r += rows, lines += rows * ROWS) {
        size_t columns = up_to(matrix->width[(first + r) / ROWS], column); /* at least one */
        const float *entry = w + nnsm_staircase_entry(matrix, first + r, column);
        rows = columns == ROWS && r + 4 <= count && (first + r) % ROWS + 4 <= ROWS ? 4 : 1;
        if (rows == 4)
            for (size_t i = 0; i < ROWS; i += 4)
                turn_four(entry + i * ROWS, lines + i);
        else
            for (size_t i = 0; i < ROWS; i++)
                lines[i] = i < columns ? entry[i * ROWS] : 0.f;
    }
}

void nnsm_staircase_backward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *dy, float *dx)
{
    float lines[CHUNK * ROWS];
    size_t first = 0; /* row that reaches the column */
    for (size_t column = 0; column < matrix->columns; column += ROWS) {
        while (first < matrix->rows && matrix->extent[first] <= column)
            first++;
        size_t r = first;
        do {
            size_t left = matrix->rows - r, terms = left < CHUNK ? left : CHUNK;
            turn(matrix, w, r, terms, column, lines);
            const nnsm_product part = {dy + r, matrix->rows, 1, lines, terms};
            nnsm_product_of(&part, batch, up_to(matrix->columns, column), r > first, dx + column, matrix->columns);
            r += terms;
        } while (r < matrix->rows);
    }
}

/* Up to ROWS columns of `count` rows; what is behind them is left alone. */
static void copy_lines(const float *from, size_t stride, size_t count, size_t columns, float *lines)
{
    if (columns == ROWS)
        for (size_t k = 0; k < count; k++)
            memcpy(lines + k * ROWS, from + k * stride, ROWS * sizeof *lines);
    else
        for (size_t k = 0; k < count; k++)
            for (size_t r = 0; r < columns; r++)
                lines[k * ROWS + r] = from[k * stride + r];
}

/* Entries beyond the extents, and rows that there are not. */
static void mask(const nnsm_staircase *matrix, size_t panel, float *dw)
{
    for (size_t r = 0; r < ROWS; r++) {
        size_t row = panel * ROWS + r;
        for (size_t i = row < matrix->rows ? matrix->extent[row] : 0; i < matrix->width[panel]; i++)
            dw[i * ROWS + r] = 0.f;
    }
}

void nnsm_staircase_gradient(const nnsm_staircase *matrix, size_t first, size_t end, size_t batch, const float *dy,
                             const float *x, float *dw)
{
    float lines[CHUNK * ROWS] = {0};
    for (size_t p = first; p < end; p++) {
        size_t row = p * ROWS, rows = up_to(matrix->rows, row), b = 0;
        float *panel = dw + matrix->offset[p];
        do {
            size_t terms = batch - b < CHUNK ? batch - b : CHUNK;
            copy_lines(dy + b * matrix->rows + row, matrix->rows, terms, rows, lines);
            const nnsm_product part = {x + b * matrix->columns, 1, matrix->columns, lines, terms};
            nnsm_product_of(&part, matrix->width[p], ROWS, b > 0, panel, ROWS);
            b += terms;
        } while (b < batch);
        mask(matrix, p, panel);
    }
}

void nnsm_staircase_expand(const nnsm_staircase *matrix, const float *w, float *dense)
{
    memset(dense, 0, matrix->rows * matrix->columns * sizeof *dense);
    for (size_t r = 0; r < matrix->rows; r++)
        for (size_t i = 0; i < matrix->extent[r]; i++)
            dense[r * matrix->columns + i] = w[nnsm_staircase_entry(matrix, r, i)];
}

void nnsm_staircase_collect(const nnsm_staircase *matrix, const float *dense, float *w)
{
    memset(w, 0, matrix->size * sizeof *w);
    for (size_t r = 0; r < matrix->rows; r++)
        for (size_t i = 0; i < matrix->extent[r]; i++)
            w[nnsm_staircase_entry(matrix, r, i)] = dense[r * matrix->columns + i];
}
