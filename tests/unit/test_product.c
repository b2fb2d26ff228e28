/* The product that training is made of, and the masked matrices that it multiplies, against sums in double. */
#include "check.h"
#include "made/product.h"
#include "made/staircase.h"

#include <string.h>

#include "base/memory.h"
#include "nnsm/rng.h"

static void fill(float *x, size_t count, uint32_t stream)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(19), NNSM_RNG_TEST, stream, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(2 * nnsm_rng_uniform(&draw) - 1);
}

enum { MOST_ROWS = 31, MOST_TERMS = 70, OUT_ROW = 21 };

static float a[MOST_ROWS * MOST_TERMS], b[MOST_TERMS * NNSM_PRODUCT_COLUMNS];

static void product_equals_its_reference(void **state)
{
    (void)state;
    static const size_t terms[] = {0, 1, 5, MOST_TERMS}, columns[] = {1, 7, NNSM_PRODUCT_COLUMNS};
    static float before[MOST_ROWS * OUT_ROW], out[2][MOST_ROWS * OUT_ROW];
    fill(a, MOST_ROWS * MOST_TERMS, 1);
    fill(b, MOST_TERMS * NNSM_PRODUCT_COLUMNS, 2);
    fill(before, MOST_ROWS * OUT_ROW, 3);
    for (size_t rows = 0; rows <= MOST_ROWS; rows++)
        for (size_t i = 0; i < 4 * 3 * 2 * 2; i++) {
            bool add = i & 1, down = i & 2;
            size_t k = terms[i / 4 % 4], n = columns[i / 16];
            const nnsm_product p = {a, down ? 1 : MOST_TERMS, down ? MOST_ROWS : 1, b, k};
            memcpy(out[0], before, sizeof before);
            memcpy(out[1], before, sizeof before);
            nnsm_product_of(&p, rows, n, add, out[0], OUT_ROW);
            nnsm_product_reference(&p, rows, n, add, out[1], OUT_ROW);
            for (size_t j = 0; j < MOST_ROWS * OUT_ROW; j++) {
                bool written = j / OUT_ROW < rows && j % OUT_ROW < n;
                if (written)
                    assert_true(fabs((double)(out[0][j] - out[1][j])) < 1e-5);
                else
                    assert_true(out[0][j] == before[j]);
            }
        }
}

/* Rows by themselves, and a sum in two parts, give the same bits. */
static void bits_do_not_depend_on_cuts(void **state)
{
    (void)state;
    static float whole[MOST_ROWS * OUT_ROW], parts[MOST_ROWS * OUT_ROW];
    const nnsm_product p = {a, MOST_TERMS, 1, b, MOST_TERMS};
    fill(a, MOST_ROWS * MOST_TERMS, 1);
    fill(b, MOST_TERMS * NNSM_PRODUCT_COLUMNS, 2);
    nnsm_product_of(&p, MOST_ROWS, NNSM_PRODUCT_COLUMNS, false, whole, OUT_ROW);
    for (size_t cut = 0; cut <= MOST_TERMS; cut += 9)
        for (size_t rows = 1; rows <= 7; rows++) {
            for (size_t m = 0; m < MOST_ROWS; m += rows) {
                size_t count = MOST_ROWS - m < rows ? MOST_ROWS - m : rows;
                const float *row = a + m * MOST_TERMS;
                const nnsm_product first = {row, MOST_TERMS, 1, b, cut},
                                   second = {row + cut, MOST_TERMS, 1, b + cut * NNSM_PRODUCT_COLUMNS,
                                             MOST_TERMS - cut};
                nnsm_product_of(&first, count, NNSM_PRODUCT_COLUMNS, false, parts + m * OUT_ROW, OUT_ROW);
                nnsm_product_of(&second, count, NNSM_PRODUCT_COLUMNS, true, parts + m * OUT_ROW, OUT_ROW);
            }
            assert_memory_equal(whole, parts, sizeof whole);
        }
}

typedef struct {
    nnsm_staircase matrix;
    size_t batch;
    float *dense, *w, *x, *y, *got;
    double *want;
} stair;

static void create(stair *s, size_t rows, size_t columns, size_t batch)
{
    size_t *extent, wide = rows > columns ? rows : columns, most = batch > wide ? batch : wide;
    assert_int_equal(NNSM_NEW(&extent, rows, "", NULL), NNSM_OK);
    for (size_t r = 0; r < rows; r++) /* the first are empty, the last full */
        extent[r] = r < 3 ? 0 : r + 2 >= rows ? columns : r * columns / rows;
    assert_int_equal(nnsm_staircase_create(&s->matrix, rows, columns, extent, NULL), NNSM_OK);
    nnsm_release(extent);
    s->batch = batch;
    float **arrays[] = {&s->dense, &s->w, &s->x, &s->y, &s->got};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        assert_int_equal(NNSM_NEW(arrays[i], most * (wide + NNSM_STAIRCASE_ROWS), "", NULL), NNSM_OK);
    assert_int_equal(NNSM_NEW(&s->want, most * wide, "", NULL), NNSM_OK);
    fill(s->dense, rows * columns, 4);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = s->matrix.extent[r]; i < columns; i++)
            s->dense[r * columns + i] = 0.f;
    nnsm_staircase_collect(&s->matrix, s->dense, s->w);
    fill(s->x, batch * columns, 5);
    fill(s->y, batch * rows, 6);
}

static void destroy(stair *s)
{
    nnsm_staircase_destroy(&s->matrix);
    float *arrays[] = {s->dense, s->w, s->x, s->y, s->got};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    nnsm_release(s->want);
}

/* Sums of `terms` products of numbers below 1. */
static void check(const float *got, const double *want, size_t count, size_t terms)
{
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)got[i] - want[i]) < 6e-8 * (double)terms);
}

static void multiply_forward(stair *s, bool add)
{
    size_t rows = s->matrix.rows, columns = s->matrix.columns;
    memcpy(s->got, s->y, s->batch * rows * sizeof *s->got);
    nnsm_staircase_forward(&s->matrix, s->w, s->batch, s->x, s->got, add);
    for (size_t c = 0; c < s->batch; c++)
        for (size_t r = 0; r < rows; r++) {
            double sum = add ? (double)s->y[c * rows + r] : 0;
            for (size_t i = 0; i < columns; i++)
                sum += (double)s->dense[r * columns + i] * (double)s->x[c * columns + i];
            s->want[c * rows + r] = sum;
        }
    check(s->got, s->want, s->batch * rows, columns + 10);
}

static void multiply_backward(stair *s)
{
    size_t rows = s->matrix.rows, columns = s->matrix.columns;
    nnsm_staircase_backward(&s->matrix, s->w, s->batch, s->y, s->got);
    for (size_t c = 0; c < s->batch; c++)
        for (size_t i = 0; i < columns; i++) {
            double sum = 0;
            for (size_t r = 0; r < rows; r++)
                sum += (double)s->dense[r * columns + i] * (double)s->y[c * rows + r];
            s->want[c * columns + i] = sum;
        }
    check(s->got, s->want, s->batch * columns, rows + 10);
}

static void multiply_gradient(stair *s)
{
    size_t rows = s->matrix.rows, columns = s->matrix.columns;
    memset(s->got, 0xff, s->matrix.size * sizeof *s->got); /* NaN, where nothing is written */
    nnsm_staircase_gradient(&s->matrix, 0, s->matrix.panels, s->batch, s->y, s->x, s->got);
    double stored = 0, kept = 0;
    for (size_t i = 0; i < s->matrix.size; i++)
        stored += fabs((double)s->got[i]);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < s->matrix.extent[r]; i++) {
            double sum = 0;
            for (size_t c = 0; c < s->batch; c++)
                sum += (double)s->y[c * rows + r] * (double)s->x[c * columns + i];
            float entry = s->got[nnsm_staircase_entry(&s->matrix, r, i)];
            kept += fabs((double)entry);
            check(&entry, &sum, 1, s->batch + 10);
        }
    assert_true(fabs(stored - kept) <= 1e-12 * kept); /* all other entries are zero */
}

static void masked_products_equal_sums(void **state)
{
    (void)state;
    static const size_t shape[][3] = {{300, 290, 13}, {20, 37, 300}, {16, 16, 1}, {5, 3, 6}, {1, 1, 1}, {64, 256, 59}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        stair s = {0};
        create(&s, shape[i][0], shape[i][1], shape[i][2]);
        multiply_forward(&s, false);
        multiply_forward(&s, true);
        multiply_backward(&s);
        multiply_gradient(&s);
        destroy(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(product_equals_its_reference),
        cmocka_unit_test(bits_do_not_depend_on_cuts),
        cmocka_unit_test(masked_products_equal_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
