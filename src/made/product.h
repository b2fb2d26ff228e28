/* product.h: the dense product that all of training is made of, for matrices that are kept in panels.
 *
 * out[m][n] = sum_k a[m row + k step] b[k][n] for n < NNSM_PRODUCT_COLUMNS: an outer product of a few numbers of a and
 * one line of b at a time. Every sum runs upwards from k = 0 in one accumulator of its own, so that the bits depend
 * neither on how many rows are multiplied together, nor on where a sum is cut in two, nor on the length of the
 * registers, as long as multiply-adds round once. Local, cannot fail. */
#ifndef NNSM_MADE_PRODUCT_H
#define NNSM_MADE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

enum { NNSM_PRODUCT_COLUMNS = 16 };

typedef struct {
    const float *a; /* a(m, k) = a[m row + k step] */
    size_t row, step;
    const float *b; /* [terms][NNSM_PRODUCT_COLUMNS] */
    size_t terms;
} nnsm_product;

/* out[m out_row + n] for m < rows, n < columns <= NNSM_PRODUCT_COLUMNS; added to what is there where `add`. */
void nnsm_product_of(const nnsm_product *product, size_t rows, size_t columns, bool add, float *out, size_t out_row);

/* Its readable reference, in double. */
void nnsm_product_reference(const nnsm_product *product, size_t rows, size_t columns, bool add, float *out,
                            size_t out_row);

#endif
