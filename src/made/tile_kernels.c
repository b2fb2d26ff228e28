#include "made/tile_kernels.h"

#include <math.h>
#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"

/* One input, as most often. */
static inline __attribute__((always_inline)) void add_input(const float *w, const float *step, size_t first, size_t end,
                                                            const float *base, float *out)
{
    for (size_t r = first; r < end; r++) {
        NNSM_INDEPENDENT
        for (size_t c = 0; c < NNSM_TILE; c++)
            out[r * NNSM_TILE + c] = base[r * NNSM_TILE + c] + w[r] * step[c];
    }
}

NNSM_MULTIVERSION
void nnsm_tile_add_inputs(const nnsm_input_change *changes, size_t count, size_t first, size_t end, const float *base,
                          float *out)
{
    if (!count && base != out)
        memcpy(out + first * NNSM_TILE, base + first * NNSM_TILE, (end - first) * NNSM_TILE * sizeof *out);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < changes[i].inputs; k++, base = out)
            add_input(changes[i].w + k * changes[i].stride, changes[i].step + k * NNSM_TILE, first, end, base, out);
}

static inline float relu(float z)
{
    return z < 0.f ? 0.f : z; /* this way round NaN stays NaN */
}

NNSM_MULTIVERSION
void nnsm_tile_activate(nnsm_activation activation, const float *restrict z, size_t rows, float *restrict a)
{
    if (activation == NNSM_RELU)
        for (size_t i = 0; i < rows * NNSM_TILE; i++)
            a[i] = relu(z[i]);
    else
        for (size_t i = 0; i < rows * NNSM_TILE; i++)
            a[i] = nnsm_tanh(z[i]);
}

NNSM_MULTIVERSION
void nnsm_tile_difference(nnsm_activation activation, const float *z_new, const float *z, size_t rows,
                          float *difference)
{
    if (activation == NNSM_RELU) {
        NNSM_INDEPENDENT
        for (size_t i = 0; i < rows * NNSM_TILE; i++)
            difference[i] = relu(z_new[i]) - relu(z[i]);
    } else {
        NNSM_INDEPENDENT
        for (size_t i = 0; i < rows * NNSM_TILE; i++)
            difference[i] = nnsm_tanh(z_new[i]) - nnsm_tanh(z[i]);
    }
}

/* Of one row; there is at least one change. */
static inline __attribute__((always_inline)) void row_difference(nnsm_activation activation,
                                                                 const nnsm_input_change *changes, size_t count,
                                                                 size_t row, const float *z, float *difference)
{
    float z_new[NNSM_TILE];
    const float *base = z;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < changes[i].inputs; k++, base = z_new) {
            float w = changes[i].w[k * changes[i].stride + row];
            NNSM_INDEPENDENT
            for (size_t c = 0; c < NNSM_TILE; c++)
                z_new[c] = base[c] + w * changes[i].step[k * NNSM_TILE + c];
        }
    NNSM_INDEPENDENT
    for (size_t c = 0; c < NNSM_TILE; c++)
        difference[c] = activation == NNSM_RELU ? relu(z_new[c]) - relu(z[c]) : nnsm_tanh(z_new[c]) - nnsm_tanh(z[c]);
}

NNSM_MULTIVERSION
void nnsm_tile_input_difference(nnsm_activation activation, const nnsm_input_change *changes, size_t count,
                                size_t first, size_t end, const float *z, float *difference)
{
    if (activation == NNSM_RELU)
        for (size_t r = first; r < end; r++)
            row_difference(NNSM_RELU, changes, count, r, z + r * NNSM_TILE, difference + r * NNSM_TILE);
    else
        for (size_t r = first; r < end; r++)
            row_difference(NNSM_TANH, changes, count, r, z + r * NNSM_TILE, difference + r * NNSM_TILE);
}

NNSM_MULTIVERSION
void nnsm_tile_terms(const float *restrict x, const float *restrict o_new, const float *restrict term, size_t rows,
                     float *restrict term_new, double *restrict sum)
{
    /* Differences of a few rows are summed in float before they enter the double sum: error below 1e-7 each. */
    enum { ROWS = 8 };
    for (size_t first = 0; first < rows; first += ROWS) {
        size_t end = first + ROWS < rows ? first + ROWS : rows;
        float part[NNSM_TILE] = {0};
        for (size_t r = first; r < end; r++)
            for (size_t c = 0; c < NNSM_TILE; c++) {
                size_t i = r * NNSM_TILE + c;
                term_new[i] = nnsm_softplus(-x[i] * o_new[i]);
                part[c] += term_new[i] - term[i];
            }
        for (size_t c = 0; c < NNSM_TILE; c++)
            sum[c] += (double)part[c];
    }
}

/* The terms of a block that begins at x and o, `start` the value its product starts with. Three loops whose rounds are
 * independent, as one long chain of dependent operations would leave the processor waiting. */
static inline __attribute__((always_inline)) void block_terms(const float *restrict x, const float *restrict o,
                                                              float start, float *restrict term)
{
    float power[NNSM_TERM_ROWS * NNSM_TILE], product[NNSM_TILE], linear[NNSM_TILE];
    for (size_t i = 0; i < NNSM_TERM_ROWS * NNSM_TILE; i++)
        power[i] = nnsm_exp_minus_size(x[i] * o[i]);
    for (size_t c = 0; c < NNSM_TILE; c++) {
        float factors = start, negative = 0.f;
#pragma GCC unroll 8
        for (size_t i = c; i < NNSM_TERM_ROWS * NNSM_TILE; i += NNSM_TILE) {
            float y = x[i] * o[i];
            factors += factors * power[i];
            negative += y - fabsf(y);
        }
        product[c] = factors;
        linear[c] = 0.5f * negative;
    }
    for (size_t c = 0; c < NNSM_TILE; c++)
        term[c] = nnsm_log_above_one(product[c]) - linear[c];
}

NNSM_MULTIVERSION
void nnsm_tile_blocks(const float *restrict x, const float *restrict o_new, const float *restrict term, size_t rows,
                      float *restrict term_new, double *restrict sum)
{
    enum { SIZE = NNSM_TERM_ROWS * NNSM_TILE };
    for (size_t b = 0; b < nnsm_tile_term_blocks(rows); b++) {
        /* A row behind the last one is a factor of two, taken out here. */
        size_t behind = (b + 1) * NNSM_TERM_ROWS > rows ? (b + 1) * NNSM_TERM_ROWS - rows : 0;
        float *next = term_new + b * NNSM_TILE;
        block_terms(x + b * SIZE, o_new + b * SIZE, 1.f / (float)(1u << behind), next);
        for (size_t c = 0; c < NNSM_TILE; c++)
            sum[c] += (double)(next[c] - term[b * NNSM_TILE + c]);
    }
}

NNSM_MULTIVERSION
void nnsm_tile_softmax_terms(size_t values, const float *restrict s, const float *restrict o_new,
                             const float *restrict term, size_t sites, float *restrict term_new, double *restrict sum)
{
    for (size_t i = 0; i < sites; i++) {
        const float *o = o_new + i * values * NNSM_TILE, *state = s + i * NNSM_TILE;
        float top[NNSM_TILE], total[NNSM_TILE] = {0}, own[NNSM_TILE] = {0};
        memcpy(top, o, sizeof top);
        for (size_t k = 1; k < values; k++)
            for (size_t c = 0; c < NNSM_TILE; c++)
                top[c] = o[k * NNSM_TILE + c] > top[c] ? o[k * NNSM_TILE + c] : top[c];
        for (size_t k = 0; k < values; k++)
            for (size_t c = 0; c < NNSM_TILE; c++) {
                float y = o[k * NNSM_TILE + c];
                total[c] += nnsm_exp_negative(y - top[c]);
                own[c] = state[c] == (float)k ? y : own[c];
            }
        for (size_t c = 0; c < NNSM_TILE; c++) {
            float next = top[c] + nnsm_log_above_one(total[c]) - own[c];
            sum[c] += (double)(next - term[i * NNSM_TILE + c]);
            term_new[i * NNSM_TILE + c] = next;
        }
    }
}

typedef uint32_t __attribute__((may_alias)) bits;

NNSM_MULTIVERSION
void nnsm_tile_select(const uint32_t *restrict accept, const float *restrict from, size_t rows, float *restrict to)
{
    enum { LINE = 16 }; /* chains of a cache line, which stays where it is if none of them accepts */
    for (size_t first = 0; first < NNSM_TILE; first += LINE) {
        uint32_t mask[LINE], any = 0;
        for (size_t c = 0; c < LINE; c++)
            any |= mask[c] = accept[first + c];
        /* Bits, not a choice of floats, which GCC would read and write under a mask of its own. */
        const bits *in = (const bits *)from + first;
        bits *out = (bits *)to + first;
        for (size_t r = 0; r < rows && any; r++, in += NNSM_TILE, out += NNSM_TILE) {
            NNSM_INDEPENDENT
            for (size_t c = 0; c < LINE; c++)
                out[c] ^= (out[c] ^ in[c]) & mask[c];
        }
    }
}
