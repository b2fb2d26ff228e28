/* Values that a window can have after those before it, and what is known of the sites, against enumeration of all
 * lattices. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lattice/support_state.h"
#include "nnsm/rng.h"

typedef struct {
    int dimensions, below[3], size[3], stride[3];
    bool periodic;
} geometry;

static const geometry geometries[] = {
    {1, {12}, {2}, {1}, false},         {1, {12}, {4}, {1}, false},         {1, {13}, {3}, {2}, false},
    {1, {14}, {6}, {4}, false},         {1, {12}, {3}, {1}, true},          {1, {12}, {2}, {1}, true},
    {1, {12}, {4}, {2}, true},          {1, {12}, {5}, {3}, true},          {2, {4, 4}, {2, 2}, {1, 1}, false},
    {2, {4, 4}, {2, 2}, {1, 1}, true},  {2, {2, 2}, {2, 2}, {1, 1}, true},  {2, {4, 4}, {3, 3}, {1, 1}, false},
    {2, {4, 4}, {3, 3}, {1, 1}, true},  {2, {5, 3}, {3, 2}, {2, 1}, false}, {2, {3, 5}, {2, 3}, {1, 2}, false},
    {2, {3, 5}, {3, 3}, {1, 2}, false}, {2, {4, 4}, {3, 3}, {2, 2}, true},  {2, {4, 4}, {2, 2}, {1, 2}, false},
    {2, {4, 4}, {2, 2}, {2, 1}, false}, {2, {4, 4}, {2, 3}, {2, 1}, true},  {2, {4, 4}, {3, 2}, {1, 2}, true},
    {2, {2, 8}, {2, 3}, {1, 1}, false}, {2, {8, 2}, {2, 1}, {1, 1}, false}, {2, {8, 2}, {3, 1}, {1, 1}, true},
    {2, {3, 5}, {2, 2}, {1, 1}, false}, {2, {6, 2}, {5, 2}, {1, 1}, false}, {2, {4, 4}, {4, 4}, {2, 2}, true},
    {2, {4, 4}, {3, 3}, {2, 1}, true},  {2, {6, 3}, {3, 3}, {2, 1}, true},  {2, {3, 6}, {3, 3}, {1, 2}, true},
    {2, {5, 4}, {3, 4}, {2, 1}, false}, {2, {4, 5}, {3, 3}, {1, 2}, false},
};
enum { GEOMETRIES = sizeof geometries / sizeof *geometries, MOST = 20 };

typedef struct {
    int8_t upper[MOST];
    uint32_t lattice;
} image;

typedef struct {
    const nnsm_support *support;
    nnsm_support_stream *stream;
    image *list; /* of all lattices, sorted by their sums */
    size_t windows, beliefs;
    uint32_t allowed[MOST];
    float belief[MOST][128], above[MOST][MOST]; /* without the numbers of sums */
    size_t images;
} enumeration;

static int by_sums(const void *a, const void *b)
{
    return memcmp(((const image *)a)->upper, ((const image *)b)->upper, MOST);
}

static void fill(const nnsm_window *w, size_t count, image *list)
{
    const nnsm_alphabet spins = nnsm_alphabet_spins();
    nnsm_alphabet sums;
    nnsm_error error;
    int8_t s[MOST], blocks[MOST];
    assert_int_equal(nnsm_window_alphabet(w, &spins, &sums, &error), NNSM_OK);
    for (uint32_t n = 0; n < count; n++) {
        for (size_t i = 0; i < w->sites_below; i++)
            s[i] = n >> i & 1 ? 1 : -1;
        nnsm_window_apply(w, &spins, &sums, s, blocks);
        memset(&list[n], 0, sizeof list[n]);
        memcpy(list[n].upper, blocks, w->sites);
        list[n].lattice = n;
    }
    qsort(list, count, sizeof *list, by_sums);
}

static float known(uint32_t all, uint32_t any, size_t site)
{
    return all >> site & 1 ? 1.f : any >> site & 1 ? 0.f : -1.f;
}

/* Beliefs before a window by all lattices that have the sums before it. */
static void believe(enumeration *e, size_t window, uint32_t all, uint32_t any, float *belief)
{
    float *above = e->above[window / e->support->across];
    const nnsm_support *s = e->support;
    size_t row = window / s->across, w = window % s->across;
    size_t done = w == 0 ? 0 : s->strips > 1 ? w * s->size2 : (w - 1) * s->stride2 + s->size2;
    for (size_t j = 0; j < s->columns; j++)
        for (size_t b = 0; b < s->shared; b++) {
            size_t last = j < done ? row * s->stride1 + s->size1 : row * s->stride1 + s->shared; /* rows seen */
            *belief++ = known(all, any, (last - 1 - b) % s->row_sites * s->columns + j);
            if (s->tracked)
                *belief++ = known(all, any, (s->shared - 1 - b) * s->columns + j);
        }
    if (window % s->across == 0) /* before any other of its row */
        for (size_t j = 0; j < s->columns; j++)
            for (size_t b = 0; b < s->shared; b++)
                *above++ = known(all, any, (row * s->stride1 + s->shared - 1 - b) % s->row_sites * s->columns + j);
}

/* One head's place is used; it ends with the possible numbers of upper sites in columns that are shared. */
static void check_belief(const enumeration *e, size_t window, const float *belief)
{
    const nnsm_support *s = e->support;
    size_t size = e->beliefs / NNSM_SUPPORT_HEADS, sums = (size_t)s->window.volume + 1, sites = s->columns * s->shared;
    size_t possible = 0, used = 0;
    for (size_t k = 0; k < e->beliefs; k++)
        if (k % size >= size - sums && belief[k] == 1) {
            possible++;
            used = k / size;
        }
    assert_int_equal(used, possible > 1 ? 2 : __builtin_popcount(e->allowed[window]) > 2);
    for (size_t k = 0; k < e->beliefs; k++)
        assert_true(k / size == used || belief[k] == 0);
    belief += used * size;
    assert_memory_equal(belief, e->belief[window], (size - sums - sites) * sizeof *belief);
    assert_memory_equal(belief + size - sums - sites, e->above[window / s->across], sites * sizeof *belief);
}

/* All lattices [first, end) have the same sums before window `depth`. */
static void descend(enumeration *e, size_t first, size_t end, size_t depth)
{
    if (depth == e->windows) {
        uint32_t allowed[MOST];
        float belief[MOST * 384];
        e->images++;
        assert_true(nnsm_support_follow(e->stream, e->list[first].upper, allowed, belief));
        assert_memory_equal(allowed, e->allowed, e->windows * sizeof *allowed);
        for (size_t w = 0; w < e->windows; w++)
            check_belief(e, w, belief + w * e->beliefs);
        return;
    }
    uint32_t all = UINT32_MAX, any = 0;
    e->allowed[depth] = 0;
    for (size_t i = first; i < end; i++) {
        e->allowed[depth] |= UINT32_C(1) << e->list[i].upper[depth];
        all &= e->list[i].lattice;
        any |= e->list[i].lattice;
    }
    believe(e, depth, all, any, e->belief[depth]);
    for (size_t i = first; i < end;) {
        size_t next = i;
        while (next < end && e->list[next].upper[depth] == e->list[i].upper[depth])
            next++;
        descend(e, i, next, depth + 1);
        i = next;
    }
}

/* Random sums are followed to the end if and only if some lattice has them. */
static void try_others(enumeration *e, size_t lattices)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(3), NNSM_RNG_TEST, 0, 0);
    size_t volume = (size_t)e->support->window.volume;
    uint32_t allowed[MOST];
    for (int k = 0; k < 3000; k++) {
        image other = e->list[nnsm_rng_below(&draw, (uint32_t)lattices)];
        for (int i = 0; i < 1 + k % 2; i++)
            other.upper[nnsm_rng_below(&draw, (uint32_t)e->windows)] =
                (int8_t)nnsm_rng_below(&draw, (uint32_t)volume + 1);
        bool is_image = bsearch(&other, e->list, lattices, sizeof other, by_sums) != NULL;
        assert_int_equal(nnsm_support_follow(e->stream, other.upper, allowed, NULL), is_image);
        assert_int_equal(allowed[e->windows - 1] != 0 && (allowed[e->windows - 1] >> other.upper[e->windows - 1] & 1),
                         is_image);
    }
}

static void values_are_allowed_where_some_lattice_has_them(void **state)
{
    (void)state;
    for (size_t g = 0; g < GEOMETRIES; g++) {
        const geometry *q = &geometries[g];
        nnsm_window w;
        nnsm_error error;
        nnsm_support *support;
        enumeration *e = calloc(1, sizeof *e);
        assert_int_equal(nnsm_window_create(&w, q->dimensions, q->below, q->size, q->stride, q->periodic, &error), 0);
        if (nnsm_support_create(&support, &w, &error))
            fail_msg("%s", error.message);
        assert_int_equal(nnsm_support_stream_create(&e->stream, support, &error), NNSM_OK);
        size_t lattices = (size_t)1 << w.sites_below;
        e->support = support;
        e->windows = w.sites;
        e->beliefs = nnsm_support_beliefs(support);
        e->list = malloc(lattices * sizeof *e->list);
        fill(&w, lattices, e->list);
        descend(e, 0, lattices, 0);
        try_others(e, lattices);
        print_message("%d x %d, windows %d x %d, stride %d %d, %s: %zu images\n", q->below[0], q->below[1], q->size[0],
                      q->size[1], q->stride[0], q->stride[1], q->periodic ? "periodic" : "open", e->images);
        nnsm_support_stream_destroy(e->stream);
        nnsm_support_destroy(support);
        free(e->list);
        free(e);
    }
}

static void what_allows_every_sum_or_cannot_be_followed_is_refused(void **state)
{
    (void)state;
    nnsm_window w;
    nnsm_error error;
    nnsm_support *support;
    assert_int_equal(nnsm_window_create(&w, 2, (int[]){4, 4}, (int[]){2, 2}, (int[]){2, 2}, false, &error), NNSM_OK);
    assert_int_equal(nnsm_support_create(&support, &w, &error), NNSM_USAGE);
    assert_int_equal(nnsm_window_create(&w, 3, (int[]){4, 4, 4}, (int[]){2, 2, 2}, (int[]){1, 1, 1}, true, &error), 0);
    assert_int_equal(nnsm_support_create(&support, &w, &error), NNSM_USAGE);
    assert_null(support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_allowed_where_some_lattice_has_them),
        cmocka_unit_test(what_allows_every_sum_or_cannot_be_followed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
