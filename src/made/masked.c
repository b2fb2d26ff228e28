#include "made/masked.h"

#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

/* Sixteen partial sums: vectorised, always in one order. */
NNSM_MULTIVERSION
static float product(const float *restrict a, const float *restrict b, size_t count)
{
    float lanes[16] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (size_t j = 0; j < 16; j++)
            lanes[j] += a[i + j] * b[i + j];
    for (size_t j = 0; i + j < count; j++)
        lanes[j] += a[i + j] * b[i + j];
    for (size_t j = 0; j < 16; j++)
        sum += lanes[j];
    return sum;
}

void nnsm_masked_terms(const nnsm_made *made, size_t site, uint32_t allowed, const float *belief, float *add)
{
    size_t f = made->beliefs;
    const float *w = made->parameters + made->belief_weights + site * made->width * f;
    for (size_t k = 0; k < made->width; k++)
        add[k] = product(w + k * f, belief, f) + (!allowed || allowed >> k & 1 ? 0.f : NNSM_MASK);
}

nnsm_status nnsm_masked_rows_create(nnsm_masked_rows *masked, const nnsm_made *made, size_t rows, nnsm_error *error)
{
    *masked = (nnsm_masked_rows){0};
    nnsm_status status = nnsm_support_stream_create(&masked->stream, made->support, error);
    if (!status)
        status = NNSM_NEW(&masked->allowed, made->sites, "training workspace", error);
    if (!status)
        status = NNSM_NEW(&masked->belief, rows * made->sites * made->beliefs, "training workspace", error);
    if (!status)
        status = NNSM_NEW(&masked->inside, rows, "training workspace", error);
    return status;
}

void nnsm_masked_rows_destroy(nnsm_masked_rows *masked)
{
    nnsm_support_stream_destroy(masked->stream);
    nnsm_release(masked->allowed);
    nnsm_release(masked->belief);
    nnsm_release(masked->inside);
    *masked = (nnsm_masked_rows){0};
}

void nnsm_masked_rows_add(nnsm_masked_rows *masked, const nnsm_made *made, const int8_t *configurations, size_t count,
                          float *logits)
{
    size_t n = made->sites, f = made->beliefs;
    float add[NNSM_MAX_VALUES];
    for (size_t r = 0; r < count; r++) {
        float *belief = masked->belief + r * n * f, *o = logits + r * made->outputs;
        masked->inside[r] = nnsm_support_follow(masked->stream, configurations + r * n, masked->allowed, belief);
        for (size_t p = 0; p < n; p++, o += made->width) {
            nnsm_masked_terms(made, p, masked->allowed[p], belief + p * f, add);
            for (size_t k = 0; k < made->width; k++)
                o[k] += add[k];
        }
    }
}

NNSM_MULTIVERSION
static void add_scaled(float *restrict to, const float *restrict from, float factor, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += factor * from[i];
}

void nnsm_masked_rows_gradient(const nnsm_masked_rows *masked, const nnsm_made *made, size_t count,
                               const float *derivative, float *gradient)
{
    size_t f = made->beliefs;
    memset(gradient, 0, made->outputs * f * sizeof *gradient);
    for (size_t p = 0; p < made->sites; p++)
        for (size_t r = 0; r < count; r++)
            for (size_t k = 0; k < made->width; k++) {
                size_t o = p * made->width + k;
                float d = derivative[r * made->outputs + o];
                if (d != 0)
                    add_scaled(gradient + o * f, masked->belief + (r * made->sites + p) * f, d, f);
            }
}
