#include "made/panel.h"

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
                w[nnsm_staircase_entry(matrix, r, i)];
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
#define ROWS 6
#define VECTORS 2
#include "made/panel_part.h"
#define LANES 8
#define ROWS 3
#define VECTORS 4
#include "made/panel_part.h"
#define LANES 4
#define ROWS 3
#define VECTORS 2
#include "made/panel_part.h"

/* One panel in the registers that there are. */
static inline __attribute__((always_inline)) void multiply(int lanes, size_t panel, const nnsm_input_change *changes,
                                                           size_t count, const nnsm_input_change *matrix,
                                                           const float *base, float *out)
{
    if (lanes == 16)
        panel_16(panel, changes, count, matrix, base, out);
    else if (lanes == 8)
        panel_8(panel, changes, count, matrix, base, out);
    else
        panel_4(panel, changes, count, matrix, base, out);
}

/* Columns first ... end - 1 of a panel as an input that changes. */
static inline nnsm_input_change part_of(const nnsm_panels *panels, size_t panel, size_t first, size_t end,
                                        const float *d)
{
    if (first >= end)
        return (nnsm_input_change){panels->weights, NNSM_PANEL_ROWS, panels->weights, 0};
    return (nnsm_input_change){panels->weights + panels->offset[panel] + first * NNSM_PANEL_ROWS, NNSM_PANEL_ROWS,
                               d + first * NNSM_TILE, end - first};
}

NNSM_MULTIVERSION
void nnsm_panels_multiply(const nnsm_panels *panels, size_t first_row, size_t first_column, const float *d,
                          const nnsm_input_change *changes, size_t count, const float *base, float *out)
{
    int lanes = nnsm_register_floats();
    for (size_t p = first_row / NNSM_PANEL_ROWS; p < panels->panels; p++) {
        size_t shift = p * NNSM_PANEL_ROWS * NNSM_TILE;
        const nnsm_input_change matrix = part_of(panels, p, first_column, panels->width[p], d);
        multiply(lanes, p, changes, count, &matrix, base + shift, out + shift);
    }
}

NNSM_MULTIVERSION
void nnsm_panels_full(const float *w, size_t panels, size_t columns, const float *x, float *out)
{
    static const float zero[NNSM_PANEL_ROWS * NNSM_TILE];
    int lanes = nnsm_register_floats();
    for (size_t p = 0; p < panels; p++, w += columns * NNSM_PANEL_ROWS, out += NNSM_PANEL_ROWS * NNSM_TILE) {
        const nnsm_input_change matrix = {w, NNSM_PANEL_ROWS, x, columns};
        multiply(lanes, 0, NULL, 0, &matrix, zero, out);
    }
}

NNSM_MULTIVERSION
void nnsm_panels_begin(const nnsm_panels *panels, size_t panel, size_t columns, const float *d, float *out)
{
    int lanes = nnsm_register_floats();
    size_t width = panels->width[panel];
    const nnsm_input_change matrix = part_of(panels, panel, 0, columns < width ? columns : width, d);
    out += panel * NNSM_PANEL_ROWS * NNSM_TILE;
    multiply(lanes, panel, NULL, 0, &matrix, out, out);
}

NNSM_MULTIVERSION
void nnsm_panels_end(const nnsm_panels *panels, size_t row, size_t columns, const float *d, float *out)
{
    int lanes = nnsm_register_floats();
    size_t panel = row / NNSM_PANEL_ROWS;
    const nnsm_input_change rest = part_of(panels, panel, columns, panels->width[panel], d);
    out += row * NNSM_TILE;
    if (lanes == 16)
        row_16(&rest, row % NNSM_PANEL_ROWS, out);
    else if (lanes == 8)
        row_8(&rest, row % NNSM_PANEL_ROWS, out);
    else
        row_4(&rest, row % NNSM_PANEL_ROWS, out);
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
