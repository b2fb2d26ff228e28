/* support_tables.c: what all streams on the same windows share (support.h). */
#include "base/memory.h"
#include "lattice/support_state.h"

enum { MOST_SITES = 31 }; /* of a window: sums are the bits of 32 */

static void fill_tables(nnsm_support *s)
{
    size_t fresh = (size_t)1 << s->stride1;
    for (size_t from = 0; from < s->patterns; from++) {
        for (size_t n = 0; n < fresh; n++)
            s->to[nnsm_window_ones(from) + nnsm_window_ones(n)][from] |=
                UINT64_C(1) << ((from << s->stride1 | n) & (s->patterns - 1));
        for (size_t b = 0; b < s->shared; b++)
            s->upper[b] |= (uint64_t)(from >> b & 1) << from;
    }
    for (size_t around = 0; s->window.periodic && around <= s->shared; around++)
        for (size_t start = 0; start < s->patterns; start++)
            for (size_t p = 0; p < s->patterns; p++)
                if ((p & (((size_t)1 << around) - 1)) == start >> (s->shared - around))
                    s->agree[around][start] |= UINT64_C(1) << p;
    for (size_t from = 0; from < s->patterns; from++)
        for (size_t u = 0; u <= s->size1; u++) {
            s->can[0][0][from] |= (uint16_t)((s->to[u][from] != 0) << u);
            for (size_t around = 1; s->window.periodic && around <= s->shared; around++)
                for (size_t start = 0; start < s->patterns; start++)
                    s->can[around][start][from] |= (uint16_t)(((s->to[u][from] & s->agree[around][start]) != 0) << u);
        }
}

static void measure(nnsm_support *s)
{
    const nnsm_window *w = &s->window;
    s->rows = (size_t)w->extent[0];
    s->row_sites = (size_t)w->below[0];
    s->size1 = (size_t)w->size[0];
    s->stride1 = s->rows == 1 && !w->periodic ? s->size1 : (size_t)w->stride[0];
    s->across = (size_t)w->extent[1];
    s->columns = (size_t)w->below[1];
    s->size2 = (size_t)w->size[1];
    s->stride2 = (size_t)w->stride[1];
    s->shared = s->size1 - s->stride1;
    s->patterns = (size_t)1 << s->shared;
    s->tracked = w->periodic || s->shared <= 3;
    s->starts = s->tracked ? s->patterns : 1;
    s->words = (s->starts * s->patterns + 63) / 64;
    bool decouple = s->stride2 == s->size2;
    s->strips = decouple ? s->across : 1;
    s->strip_columns = decouple ? s->size2 : s->columns;
    s->wrapped = decouple ? 1 : (s->columns - s->size2) / s->stride2 + 1;
    s->beliefs = NNSM_SUPPORT_HEADS * (s->columns * s->shared * (s->tracked ? 3 : 2) + (size_t)w->volume + 1);
}

static nnsm_status list_touched(nnsm_support *s, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&s->touched, s->strip_columns * NNSM_TRELLIS_KEY, "support of sums", error);
    for (size_t w = 0; w < (s->strips > 1 ? 1 : s->across) && !status; w++)
        for (size_t k = 0; k < s->size2; k++) {
            size_t column = (w * s->stride2 + k) % s->strip_columns;
            ((uint8_t *)(s->touched + column * NNSM_TRELLIS_KEY))[nnsm_support_place_of(s, w)] = 1;
        }
    return status;
}

nnsm_status nnsm_support_create(nnsm_support **out, const nnsm_window *window, nnsm_error *error)
{
    nnsm_support *s = NULL;
    *out = NULL;
    if (!nnsm_window_overlaps(window))
        return nnsm_fail(error, NNSM_USAGE,
                         "windows that do not overlap allow every sum; take window.route = \"plain\"");
    if (window->volume > MOST_SITES)
        return nnsm_fail(error, NNSM_USAGE,
                         "windows of %llu sites are too large for a mask, %d are the most; take window.route = "
                         "\"plain\"",
                         (unsigned long long)window->volume, MOST_SITES);
    nnsm_status status = nnsm_preimage_check(window, error);
    if (!status)
        status = NNSM_NEW(&s, 1, "support of sums", error);
    if (status)
        return status;
    s->window = *window;
    measure(s);
    fill_tables(s);
    if (s->beliefs > NNSM_SUPPORT_FEATURES) {
        nnsm_release(s);
        return nnsm_fail(error, NNSM_USAGE,
                         "too many sites are shared by rows of windows; take window.route = \"plain\"");
    }
    status = list_touched(s, error);
    if (status)
        nnsm_support_destroy(s);
    else
        *out = s;
    return status;
}

void nnsm_support_destroy(nnsm_support *support)
{
    if (!support)
        return;
    nnsm_release(support->touched);
    nnsm_release(support);
}

size_t nnsm_support_beliefs(const nnsm_support *support)
{
    return support->beliefs;
}
