#include "made/product.h"

#include "base/vector.h"

#define LANES 16
#define ROWS 12
#include "made/product_part.h"
#define LANES 8
#define ROWS 6
#include "made/product_part.h"
#define LANES 4
#define ROWS 2
#include "made/product_part.h"

NNSM_MULTIVERSION
static void whole_lines(const nnsm_product *product, size_t rows, bool add, float *out, size_t out_row)
{
    int lanes = nnsm_register_floats();
    if (lanes == 16)
        product_16(product, rows, add, out, out_row);
    else if (lanes == 8)
        product_8(product, rows, add, out, out_row);
    else
        product_4(product, rows, add, out, out_row);
}

/* Lines of fewer columns, by way of whole ones. */
static void part_of_lines(const nnsm_product *product, size_t rows, size_t columns, bool add, float *out,
                          size_t out_row)
{
    enum { ROWS = 24 };
    float line[ROWS * NNSM_PRODUCT_COLUMNS] = {0};
    nnsm_product part = *product;
    for (size_t first = 0; first < rows; first += ROWS) {
        size_t count = rows - first < ROWS ? rows - first : ROWS;
        float *here = out + first * out_row;
        for (size_t m = 0; m < count && add; m++)
            for (size_t n = 0; n < columns; n++)
                line[m * NNSM_PRODUCT_COLUMNS + n] = here[m * out_row + n];
        part.a = product->a + first * product->row;
        whole_lines(&part, count, add, line, NNSM_PRODUCT_COLUMNS);
        for (size_t m = 0; m < count; m++)
            for (size_t n = 0; n < columns; n++)
                here[m * out_row + n] = line[m * NNSM_PRODUCT_COLUMNS + n];
    }
}

void nnsm_product_of(const nnsm_product *product, size_t rows, size_t columns, bool add, float *out, size_t out_row)
{
    if (columns == NNSM_PRODUCT_COLUMNS)
        whole_lines(product, rows, add, out, out_row);
    else
        part_of_lines(product, rows, columns, add, out, out_row);
}

void nnsm_product_reference(const nnsm_product *product, size_t rows, size_t columns, bool add, float *out,
                            size_t out_row)
{
    for (size_t m = 0; m < rows; m++)
        for (size_t n = 0; n < columns; n++) {
            double sum = add ? (double)out[m * out_row + n] : 0;
            for (size_t k = 0; k < product->terms; k++)
                sum += (double)product->a[m * product->row + k * product->step] *
                       (double)product->b[k * NNSM_PRODUCT_COLUMNS + n];
            out[m * out_row + n] = (float)sum;
        }
}
