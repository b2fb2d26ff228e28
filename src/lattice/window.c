#include "lattice/window.h"

#include <assert.h>
#include <string.h>

/* ---- geometry */

static nnsm_status check_axis(int axis, int below, int size, int stride, bool periodic, nnsm_error *error)
{
    if (size < 1 || stride < 1 || size > below || stride > below)
        return nnsm_fail(error, NNSM_USAGE,
                         "window: %d sites with stride %d do not fit axis %d of %d sites; take 1 to %d", size, stride,
                         axis + 1, below, below);
    int rest = periodic ? below % stride : (below - size) % stride;
    if (rest)
        return nnsm_fail(
            error, NNSM_USAGE,
            "window: %s windows of %d sites with stride %d leave %d of the %d sites of axis %d over; take another "
            "size or stride",
            periodic ? "periodic" : "open", size, stride, rest, below, axis + 1);
    return NNSM_OK;
}

nnsm_status nnsm_window_create(nnsm_window *window, int dimensions, const int *below, const int *size,
                               const int *stride, bool periodic, nnsm_error *error)
{
    nnsm_window w;
    memset(&w, 0, sizeof w); /* padding too: it is sent and compared as bytes */
    w.dimensions = dimensions;
    w.periodic = periodic;
    w.sites_below = w.sites = w.volume = 1;
    *window = w;
    window->sites = 0;
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++) {
        bool used = a < dimensions;
        nnsm_status status = used ? check_axis(a, below[a], size[a], stride[a], periodic, error) : NNSM_OK;
        if (status) {
            memset(window, 0, sizeof *window);
            return status;
        }
        w.below[a] = used ? below[a] : 1;
        w.size[a] = used ? size[a] : 1;
        w.stride[a] = used ? stride[a] : 1;
        w.extent[a] = periodic ? w.below[a] / w.stride[a] : (w.below[a] - w.size[a]) / w.stride[a] + 1;
        w.sites_below *= (uint64_t)w.below[a];
        w.sites *= (uint64_t)w.extent[a];
        w.volume *= (uint64_t)w.size[a];
    }
    *window = w;
    return NNSM_OK;
}

void nnsm_window_extents_below(int dimensions, const int *extent, const int *size, const int *stride, bool periodic,
                               int *below)
{
    for (int a = 0; a < dimensions; a++)
        below[a] = periodic ? extent[a] * stride[a] : (extent[a] - 1) * stride[a] + size[a];
}

bool nnsm_window_equal(const nnsm_window *a, const nnsm_window *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool nnsm_window_overlaps(const nnsm_window *window)
{
    for (int a = 0; a < window->dimensions; a++)
        if (window->stride[a] < window->size[a] && window->extent[a] > 1)
            return true;
    return false;
}

bool nnsm_window_covers(const nnsm_window *window)
{
    for (int a = 0; a < window->dimensions; a++)
        if (window->stride[a] > window->size[a] && window->below[a] > window->size[a])
            return false;
    return true;
}

/* ---- sums */

nnsm_status nnsm_window_alphabet(const nnsm_window *window, const nnsm_alphabet *values, nnsm_alphabet *sums,
                                 nnsm_error *error)
{
    int64_t sum[NNSM_MAX_VALUES * NNSM_MAX_VALUES] = {0};
    size_t count = 1;
    if (values->labels)
        return nnsm_fail(error, NNSM_USAGE,
                         "the values of its sites are labels, which have no sums; windows need "
                         "numbers");
    for (uint64_t n = 0; n < window->volume; n++) {
        int64_t next[NNSM_MAX_VALUES * NNSM_MAX_VALUES];
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
            for (int k = 0; k < values->count; k++) {
                size_t j = 0;
                while (j < found && next[j] != sum[i] + values->value[k])
                    j++;
                if (j == found)
                    next[found++] = sum[i] + values->value[k];
            }
        if (found > NNSM_MAX_VALUES)
            return nnsm_fail(error, NNSM_USAGE,
                             "windows of %llu sites have more than %d different sums; take smaller windows",
                             (unsigned long long)window->volume, NNSM_MAX_VALUES);
        memcpy(sum, next, found * sizeof *sum);
        count = found;
    }
    return nnsm_alphabet_create(sums, count, sum, false, error);
}

static int around(int site, int extent)
{
    return site < extent ? site : site - extent;
}

/* Calls visit(context, window, site) for every site of every window, windows and sites row-major. */
typedef void visitor(void *context, size_t window, size_t site);

static void visit_sites(const nnsm_window *w, visitor *visit, void *context)
{
    for (size_t block = 0; block < w->sites; block++) {
        int at[NNSM_MAX_DIMENSIONS];
        size_t rest = block;
        for (int a = NNSM_MAX_DIMENSIONS - 1; a >= 0; a--) {
            at[a] = (int)(rest % (size_t)w->extent[a]) * w->stride[a];
            rest /= (size_t)w->extent[a];
        }
        for (int i = 0; i < w->size[0]; i++)
            for (int j = 0; j < w->size[1]; j++)
                for (int k = 0; k < w->size[2]; k++) {
                    int row = around(at[0] + i, w->below[0]) * w->below[1] + around(at[1] + j, w->below[1]);
                    visit(context, block, (size_t)row * (size_t)w->below[2] + (size_t)around(at[2] + k, w->below[2]));
                }
    }
}

typedef struct {
    const nnsm_window *window;
    const nnsm_alphabet *values, *sums;
    const int8_t *states;
    int8_t *blocks;
    size_t seen; /* sites of the present window */
    int64_t sum;
} summation;

static void add_site(void *context, size_t block, size_t site)
{
    summation *s = context;
    s->sum += nnsm_alphabet_value(s->values, s->states[site]);
    if (++s->seen < s->window->volume)
        return;
    bool known = nnsm_alphabet_state(s->sums, s->sum, &s->blocks[block]);
    assert(known && "the alphabet holds all sums");
    (void)known;
    s->sum = 0;
    s->seen = 0;
}

void nnsm_window_apply(const nnsm_window *window, const nnsm_alphabet *values, const nnsm_alphabet *sums,
                       const int8_t *states, int8_t *blocks)
{
    summation s = {.window = window, .values = values, .sums = sums, .states = states, .blocks = blocks};
    visit_sites(window, add_site, &s);
}

static void count_site(void *context, size_t block, size_t site)
{
    (void)block;
    ((int32_t *)context)[site]++;
}

void nnsm_window_counts(const nnsm_window *window, int32_t *count)
{
    memset(count, 0, window->sites_below * sizeof *count);
    visit_sites(window, count_site, count);
}
