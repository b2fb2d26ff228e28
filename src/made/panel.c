#include "made/panel.h"

#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

size_t nnsm_panel_rows(size_t rows)
{
    return (rows + NNSM_PANEL_ROWS - 1) / NNSM_PANEL_ROWS * NNSM_PANEL_ROWS;
}

nnsm_status nnsm_panels_create(nnsm_panels *out, const nnsm_staircase *matrix, const float *w, nnsm_error *error)
{
    size_t count = nnsm_panel_rows(matrix->rows) / NNSM_PANEL_ROWS, size = 0;
    *out = (nnsm_panels){.rows = matrix->rows, .columns = matrix->columns, .panels = count};
    nnsm_status status = NNSM_NEW(&out->width, count, "scan weights", error);
    if (!status)
        status = NNSM_NEW(&out->offset, count, "scan weights", error);
    for (size_t p = 0; p < count && !status; p++) {
        size_t last = (p + 1) * NNSM_PANEL_ROWS < matrix->rows ? (p + 1) * NNSM_PANEL_ROWS - 1 : matrix->rows - 1;
        out->width[p] = matrix->extent[last];
        out->offset[p] = size;
        size += out->width[p] * NNSM_PANEL_ROWS;
    }
    if (!status)
        status = NNSM_NEW(&out->weights, size, "scan weights", error);
    if (status) {
        nnsm_panels_destroy(out);
        return status;
    }
    for (size_t r = 0; r < matrix->rows; r++)
        for (size_t i = 0; i < matrix->extent[r]; i++)
            out->weights[out->offset[r / NNSM_PANEL_ROWS] + i * NNSM_PANEL_ROWS + r % NNSM_PANEL_ROWS] =
                w[nnsm_staircase_row(matrix, r) + i];
    return NNSM_OK;
}

void nnsm_panels_destroy(nnsm_panels *panels)
{
    if (!panels)
        return;
    nnsm_release(panels->width);
    nnsm_release(panels->offset);
    nnsm_release(panels->weights);
    *panels = (nnsm_panels){0};
}

#define LANES 16
#define ROWS 8
#define VECTORS 2
#include "made/panel_part.h"
#define LANES 8
#define ROWS 4
#define VECTORS 2
#include "made/panel_part.h"
#define LANES 4
#define ROWS 4
#define VECTORS 2
#include "made/panel_part.h"

NNSM_MULTIVERSION
void nnsm_panels_multiply(const nnsm_panels *panels, size_t first_row, size_t first_column, const float *d,
                          const nnsm_input_change *changes, size_t count, const float *base, float *out)
{
    int lanes = nnsm_register_floats();
    for (size_t p = first_row / NNSM_PANEL_ROWS; p < panels->panels; p++) {
        size_t shift = p * NNSM_PANEL_ROWS * NNSM_TILE, width = panels->width[p];
        nnsm_input_change matrix = {NULL, NNSM_PANEL_ROWS, NULL, 0};
        if (width > first_column) {
            matrix.w = panels->weights + panels->offset[p] + first_column * NNSM_PANEL_ROWS;
            matrix.step = d + first_column * NNSM_TILE;
            matrix.inputs = width - first_column;
        }
        if (lanes == 16)
            panel_16(p, changes, count, &matrix, base + shift, out + shift);
        else if (lanes == 8)
            panel_8(p, changes, count, &matrix, base + shift, out + shift);
        else
            panel_4(p, changes, count, &matrix, base + shift, out + shift);
    }
}

/* Half a tile; compilers split it where registers are shorter. */
enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

NNSM_MULTIVERSION
void nnsm_panels_row(const nnsm_panels *panels, size_t row, const float *d, float *out)
{
    /* Four partial sums a chain: one would wait for each addition to finish. */
    enum { PARTS = 4 };
    const float *w = panels->weights + panels->offset[row / NNSM_PANEL_ROWS] + row % NNSM_PANEL_ROWS;
    size_t width = panels->width[row / NNSM_PANEL_ROWS];
    for (size_t half = 0; half < NNSM_TILE; half += LANES) {
        lanes sum[PARTS] = {0}, x;
        for (size_t i = 0; i < width; i++) {
            memcpy(&x, d + i * NNSM_TILE + half, sizeof x);
            sum[i % PARTS] += w[i * NNSM_PANEL_ROWS] * x;
        }
        memcpy(&x, out + half, sizeof x);
        x += (sum[0] + sum[1]) + (sum[2] + sum[3]);
        memcpy(out + half, &x, sizeof x);
    }
}

void nnsm_panels_multiply_reference(const nnsm_panels *panels, size_t first_row, size_t first_column, const float *d,
                                    const nnsm_input_change *changes, size_t count, const float *base, float *out)
{
    for (size_t r = first_row / NNSM_PANEL_ROWS * NNSM_PANEL_ROWS; r < nnsm_panel_rows(panels->rows); r++)
        for (size_t c = 0; c < NNSM_TILE; c++) {
            size_t p = r / NNSM_PANEL_ROWS;
            double sum = (double)base[r * NNSM_TILE + c];
            for (size_t j = 0; j < count; j++)
                for (size_t k = 0; k < changes[j].inputs; k++)
                    sum += (double)changes[j].w[k * changes[j].stride + r] * (double)changes[j].step[k * NNSM_TILE + c];
            for (size_t i = first_column; i < panels->width[p]; i++)
                sum += (double)panels->weights[panels->offset[p] + i * NNSM_PANEL_ROWS + r % NNSM_PANEL_ROWS] *
                       (double)d[i * NNSM_TILE + c];
            out[r * NNSM_TILE + c] = (float)sum;
        }
}
