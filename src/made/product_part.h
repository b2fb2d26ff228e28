/* product_part.h: a block of nnsm_product_of in registers of LANES floats. Included by product.c once for each length,
 * as GCC keeps vectors that are longer than a register in memory; ROWS times the vectors of a line are the sums that
 * the registers hold beside one line of b and a number of a, enough to hide the latency of multiply-adds. Loops over
 * them are unrolled, or they would live in memory too. Defines product_LANES. */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define VECTOR JOIN(product_vector_, LANES)
#define BLOCK JOIN(product_block_, LANES)
#define PRODUCT JOIN(product_, LANES)
#define VECTORS (NNSM_PRODUCT_COLUMNS / LANES)

typedef float VECTOR __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

/* `rows` rows, all columns. */
static inline __attribute__((always_inline)) void BLOCK(const nnsm_product *p, size_t first, size_t rows, bool add,
                                                        float *out, size_t out_row)
{
    VECTOR sum[ROWS * VECTORS];
    const float *a = p->a + first * p->row, *b = p->b;
    size_t row = p->row, step = p->step;
    out += first * out_row;
#pragma GCC unroll 16
    for (size_t i = 0; i < rows * VECTORS; i++)
        sum[i] = add ? ((const VECTOR *)(out + i / VECTORS * out_row))[i % VECTORS] : (VECTOR){0};
    for (size_t left = p->terms; left > 0; left--, a += step, b += NNSM_PRODUCT_COLUMNS)
#pragma GCC unroll 16
        for (size_t m = 0; m < rows; m++)
#pragma GCC unroll 8
            for (size_t v = 0; v < VECTORS; v++)
                sum[m * VECTORS + v] += a[m * row] * ((const VECTOR *)b)[v];
#pragma GCC unroll 16
    for (size_t i = 0; i < rows * VECTORS; i++)
        ((VECTOR *)(out + i / VECTORS * out_row))[i % VECTORS] = sum[i];
}

/* Blocks as equal as can be: a small one would wait for its own sums. */
static inline __attribute__((always_inline)) void PRODUCT(const nnsm_product *p, size_t rows, bool add, float *out,
                                                          size_t out_row)
{
    size_t blocks = (rows + ROWS - 1) / ROWS;
    for (size_t b = 0, m = 0, end; b < blocks; b++, m = end) {
        end = rows * (b + 1) / blocks;
#pragma GCC unroll 16
        for (size_t count = 1; count <= ROWS; count++)
            if (end - m == count)
                BLOCK(p, m, count, add, out, out_row);
    }
}

#undef JOIN_
#undef JOIN
#undef VECTOR
#undef BLOCK
#undef PRODUCT
#undef VECTORS
#undef LANES
#undef ROWS
