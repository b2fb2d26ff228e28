#include "made/tile_kernels.h"

#include <string.h>

#include "base/vector.h"
#include "base/vector_math.h"

NNSM_MULTIVERSION
void nnsm_tile_rank_one(const float *restrict w, const float *restrict step, size_t rows, const float *restrict base,
                        float *restrict out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            out[r * NNSM_TILE + c] = base[r * NNSM_TILE + c] + w[r] * step[c];
}

/* Half a tile, as in panel.c. */
enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

NNSM_MULTIVERSION
void nnsm_tile_rank_many(const float *w, size_t stride, const float *step, size_t inputs, size_t rows,
                         const float *base, float *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t half = 0; half < NNSM_TILE; half += LANES) {
            lanes sum, x;
            memcpy(&sum, base + r * NNSM_TILE + half, sizeof sum);
            for (size_t k = 0; k < inputs; k++) {
                memcpy(&x, step + k * NNSM_TILE + half, sizeof x);
                sum += w[k * stride + r] * x;
            }
            memcpy(out + r * NNSM_TILE + half, &sum, sizeof sum);
        }
}

NNSM_MULTIVERSION
void nnsm_tile_activate(nnsm_activation activation, const float *restrict z_new, const float *restrict a, size_t rows,
                        float *restrict a_new, float *restrict difference)
{
    if (activation == NNSM_RELU)
        for (size_t i = 0; i < rows * NNSM_TILE; i++) {
            a_new[i] = z_new[i] < 0.f ? 0.f : z_new[i]; /* this way round NaN stays NaN */
            difference[i] = a_new[i] - a[i];
        }
    else
        for (size_t i = 0; i < rows * NNSM_TILE; i++) {
            a_new[i] = nnsm_tanh(z_new[i]);
            difference[i] = a_new[i] - a[i];
        }
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

NNSM_MULTIVERSION
void nnsm_tile_select(const uint32_t *restrict accept, const float *restrict from, size_t rows, float *restrict to)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            to[r * NNSM_TILE + c] = accept[c] ? from[r * NNSM_TILE + c] : to[r * NNSM_TILE + c];
}
