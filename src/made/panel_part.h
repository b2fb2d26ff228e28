/* panel_part.h: sums of a panel in registers of LANES chains. Included by panel.c once for each length of register, as
 * GCC keeps vectors that are longer in memory; ROWS x VECTORS sums hide the latency of multiply-adds and leave
 * registers for the factors. Loops over them are unrolled, or they would live in memory too. Defines panel_LANES and
 * row_LANES. */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define VECTOR JOIN(vector_, LANES)
#define ADD JOIN(add_, LANES)
#define PANEL JOIN(panel_, LANES)
#define ROW JOIN(row_, LANES)

typedef float VECTOR __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

/* sum[rows][vectors] += the term of rows row, ... of its columns, for chains chain, ... */
static inline __attribute__((always_inline)) void ADD(const nnsm_input_change *term, size_t row, size_t chain,
                                                      size_t rows, size_t vectors, VECTOR *sum)
{
    const float *w = term->w + row, *x = term->step + chain;
    size_t stride = term->stride;
    for (size_t left = term->inputs; left > 0; left--, w += stride, x += NNSM_TILE)
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (size_t v = 0; v < vectors; v++)
                sum[r * vectors + v] += w[r] * ((const VECTOR *)x)[v];
}

/* out = base + changes + matrix, for one panel. changes: of whole columns; matrix: of the panel's own; base and out:
 * the panel's. */
static inline __attribute__((always_inline)) void PANEL(size_t panel, const nnsm_input_change *changes, size_t count,
                                                        const nnsm_input_change *matrix, const float *base, float *out)
{
    for (size_t row = 0; row < NNSM_PANEL_ROWS; row += ROWS)
        for (size_t chain = 0; chain < NNSM_TILE; chain += VECTORS * LANES) {
            VECTOR sum[ROWS * VECTORS];
#pragma GCC unroll 16
            for (size_t i = 0; i < ROWS * VECTORS; i++)
                sum[i] = ((const VECTOR *)(base + (row + i / VECTORS) * NNSM_TILE + chain))[i % VECTORS];
            for (size_t i = 0; i < count; i++)
                ADD(&changes[i], panel * NNSM_PANEL_ROWS + row, chain, ROWS, VECTORS, sum);
            ADD(matrix, row, chain, ROWS, VECTORS, sum);
#pragma GCC unroll 16
            for (size_t i = 0; i < ROWS * VECTORS; i++)
                ((VECTOR *)(out + (row + i / VECTORS) * NNSM_TILE + chain))[i % VECTORS] = sum[i];
        }
}

/* out[NNSM_TILE] += the term of one row of its columns. */
static inline __attribute__((always_inline)) void ROW(const nnsm_input_change *term, size_t row, float *out)
{
    VECTOR sum[NNSM_TILE / LANES];
#pragma GCC unroll 8
    for (size_t v = 0; v < NNSM_TILE / LANES; v++)
        sum[v] = ((const VECTOR *)out)[v];
    ADD(term, row, 0, 1, NNSM_TILE / LANES, sum);
#pragma GCC unroll 8
    for (size_t v = 0; v < NNSM_TILE / LANES; v++)
        ((VECTOR *)out)[v] = sum[v];
}

#undef JOIN_
#undef JOIN
#undef VECTOR
#undef ADD
#undef PANEL
#undef ROW
#undef LANES
#undef ROWS
#undef VECTORS
