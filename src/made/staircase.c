#include "made/staircase.h"

#include <assert.h>
#include <cblas.h>
#include <string.h>

#include "base/memory.h"

nnsm_status nnsm_staircase_create(nnsm_staircase *matrix, size_t rows, size_t columns, const size_t *extent,
                                  nnsm_error *error)
{
    *matrix = (nnsm_staircase){.rows = rows, .columns = columns};
    matrix->blocks = (rows + NNSM_STAIRCASE_ROWS - 1) / NNSM_STAIRCASE_ROWS;
    nnsm_status status = NNSM_NEW(&matrix->extent, rows, "masked matrix", error);
    if (!status)
        status = NNSM_NEW(&matrix->width, matrix->blocks, "masked matrix", error);
    if (!status)
        status = NNSM_NEW(&matrix->offset, matrix->blocks, "masked matrix", error);
    if (status) {
        nnsm_staircase_destroy(matrix);
        return status;
    }
    for (size_t r = 0; r < rows; r++) {
        assert(extent[r] <= columns && (r == 0 || extent[r] >= extent[r - 1]));
        matrix->extent[r] = extent[r];
    }
    for (size_t b = 0; b < matrix->blocks; b++) {
        size_t last = b * NNSM_STAIRCASE_ROWS + nnsm_staircase_block_rows(matrix, b) - 1;
        matrix->width[b] = extent[last];
        matrix->offset[b] = matrix->size;
        matrix->size += nnsm_staircase_block_rows(matrix, b) * matrix->width[b];
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

size_t nnsm_staircase_block_rows(const nnsm_staircase *matrix, size_t block)
{
    size_t left = matrix->rows - block * NNSM_STAIRCASE_ROWS;
    return left < NNSM_STAIRCASE_ROWS ? left : NNSM_STAIRCASE_ROWS;
}

size_t nnsm_staircase_row(const nnsm_staircase *matrix, size_t row)
{
    size_t block = row / NNSM_STAIRCASE_ROWS;
    return matrix->offset[block] + row % NNSM_STAIRCASE_ROWS * matrix->width[block];
}

/* One block product through OpenBLAS, whose sizes are int. */
static void multiply(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                     const float *b, size_t ldb, int accumulate, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, 1.f, a, (int)lda, b, (int)ldb, accumulate ? 1.f : 0.f, c,
                (int)ldc);
}

static void clear_columns(float *y, size_t batch, size_t stride, size_t first, size_t count)
{
    for (size_t i = 0; i < batch; i++)
        memset(y + i * stride + first, 0, count * sizeof *y);
}

void nnsm_staircase_forward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *x, float *y,
                            int accumulate)
{
    for (size_t b = 0; b < matrix->blocks; b++) {
        size_t rows = nnsm_staircase_block_rows(matrix, b), width = matrix->width[b];
        float *block = y + b * NNSM_STAIRCASE_ROWS;
        if (width)
            multiply(CblasNoTrans, CblasTrans, batch, rows, width, x, matrix->columns, w + matrix->offset[b], width,
                     accumulate, block, matrix->rows);
        else if (!accumulate)
            clear_columns(block, batch, matrix->rows, 0, rows);
    }
}

void nnsm_staircase_backward(const nnsm_staircase *matrix, const float *w, size_t batch, const float *dy, float *dx,
                             int accumulate)
{
    size_t widest = matrix->blocks ? matrix->width[matrix->blocks - 1] : 0;
    if (!accumulate)
        clear_columns(dx, batch, matrix->columns, widest, matrix->columns - widest);
    /* The last block is the widest: it sets all columns, the others add to theirs. */
    for (size_t b = matrix->blocks; b-- > 0;) {
        size_t width = matrix->width[b];
        if (width)
            multiply(CblasNoTrans, CblasNoTrans, batch, width, nnsm_staircase_block_rows(matrix, b),
                     dy + b * NNSM_STAIRCASE_ROWS, matrix->rows, w + matrix->offset[b], width,
                     accumulate || b + 1 < matrix->blocks, dx, matrix->columns);
    }
}

void nnsm_staircase_gradient(const nnsm_staircase *matrix, size_t batch, const float *dy, const float *x, float *dw)
{
    for (size_t b = 0; b < matrix->blocks; b++) {
        size_t rows = nnsm_staircase_block_rows(matrix, b), width = matrix->width[b];
        float *block = dw + matrix->offset[b];
        if (!width)
            continue;
        multiply(CblasTrans, CblasNoTrans, rows, width, batch, dy + b * NNSM_STAIRCASE_ROWS, matrix->rows, x,
                 matrix->columns, 0, block, width);
        for (size_t r = 0; r < rows; r++) {
            size_t extent = matrix->extent[b * NNSM_STAIRCASE_ROWS + r];
            memset(block + r * width + extent, 0, (width - extent) * sizeof *block);
        }
    }
}

void nnsm_staircase_expand(const nnsm_staircase *matrix, const float *w, float *dense)
{
    memset(dense, 0, matrix->rows * matrix->columns * sizeof *dense);
    for (size_t r = 0; r < matrix->rows; r++)
        memcpy(dense + r * matrix->columns, w + nnsm_staircase_row(matrix, r), matrix->extent[r] * sizeof *dense);
}

void nnsm_staircase_collect(const nnsm_staircase *matrix, const float *dense, float *w)
{
    memset(w, 0, matrix->size * sizeof *w);
    for (size_t r = 0; r < matrix->rows; r++)
        memcpy(w + nnsm_staircase_row(matrix, r), dense + r * matrix->columns, matrix->extent[r] * sizeof *w);
}
