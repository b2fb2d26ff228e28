/* The search for a lattice with given sums, against enumeration of all lattices, and on what the stream allows. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lattice/support_find.h"
#include "nnsm/rng.h"

typedef struct {
    int dimensions, below[3], size[3], stride[3];
    bool periodic;
} geometry;

static const geometry small[] = {
    {1, {12}, {4}, {1}, false},         {1, {13}, {3}, {2}, false},         {1, {12}, {3}, {1}, true},
    {1, {12}, {5}, {3}, true},          {1, {14}, {6}, {4}, false},         {2, {4, 4}, {2, 2}, {1, 1}, false},
    {2, {4, 4}, {2, 2}, {1, 1}, true},  {2, {4, 4}, {3, 3}, {1, 1}, true},  {2, {4, 4}, {4, 4}, {2, 2}, true},
    {2, {4, 4}, {4, 4}, {1, 2}, true},  {2, {5, 3}, {3, 2}, {2, 1}, false}, {2, {3, 5}, {3, 3}, {1, 2}, false},
    {2, {4, 4}, {3, 3}, {2, 2}, true},  {2, {4, 4}, {2, 2}, {1, 2}, false}, {2, {4, 4}, {2, 2}, {2, 1}, false},
    {2, {4, 4}, {3, 2}, {1, 2}, true},  {2, {6, 3}, {3, 3}, {2, 1}, true},  {2, {3, 6}, {2, 3}, {1, 2}, true},
    {2, {5, 4}, {3, 3}, {2, 1}, false}, {2, {6, 2}, {5, 2}, {1, 1}, false},
};
static const geometry large[] = {
    {2, {12, 12}, {3, 3}, {2, 2}, true},  {2, {13, 13}, {3, 3}, {2, 2}, false}, {2, {12, 12}, {3, 3}, {1, 1}, true},
    {2, {12, 12}, {4, 4}, {2, 2}, false}, {2, {12, 12}, {4, 4}, {2, 2}, true},  {2, {8, 12}, {4, 4}, {1, 1}, false},
};
enum { SMALL = sizeof small / sizeof *small, LARGE = sizeof large / sizeof *large, MOST = 20, SITES = 169 };

typedef struct {
    nnsm_window window;
    nnsm_alphabet sums;
    nnsm_support *support;
    nnsm_support_finder *finder;
    char text[96];
} search;

static void setup(search *s, const geometry *g)
{
    nnsm_alphabet spins = nnsm_alphabet_spins();
    nnsm_error error;
    (void)sprintf(s->text, "%d x %d, windows %d x %d, stride %d %d, %s", g->below[0], g->below[1], g->size[0],
                  g->size[1], g->stride[0], g->stride[1], g->periodic ? "periodic" : "open");
    if (nnsm_window_create(&s->window, g->dimensions, g->below, g->size, g->stride, g->periodic, &error) ||
        nnsm_window_alphabet(&s->window, &spins, &s->sums, &error) ||
        nnsm_support_create(&s->support, &s->window, &error) ||
        nnsm_support_finder_create(&s->finder, s->support, &error))
        fail_msg("%s: %s", s->text, error.message);
}

static void teardown(search *s)
{
    nnsm_support_finder_destroy(s->finder);
    nnsm_support_destroy(s->support);
}

static void apply(const search *s, const int8_t *states, int8_t *upper)
{
    nnsm_alphabet spins = nnsm_alphabet_spins();
    nnsm_window_apply(&s->window, &spins, &s->sums, states, upper);
}

static void check_has(const search *s, const int8_t *states, const int8_t *upper)
{
    int8_t again[SITES];
    apply(s, states, again);
    if (memcmp(again, upper, s->window.sites) != 0)
        fail_msg("%s: what was found has other sums", s->text);
}

static int by_sums(const void *a, const void *b)
{
    return memcmp(a, b, MOST);
}

/* How often sums are in the sorted list, [count][MOST]. */
static size_t occurrences(const int8_t *list, size_t count, const int8_t *key)
{
    const int8_t *at = bsearch(key, list, count, MOST, by_sums);
    size_t n = 0;
    while (at && at > list && memcmp(at - MOST, key, MOST) == 0)
        at -= MOST;
    while (at && at + n * MOST < list + count * MOST && memcmp(at + n * MOST, key, MOST) == 0)
        n++;
    return n;
}

static void check_found(search *s, const int8_t *list, size_t count, const int8_t *upper)
{
    int8_t first[MOST], last[MOST];
    bool sure;
    size_t ways = occurrences(list, count, upper);
    nnsm_support_found found = nnsm_support_find(s->finder, upper, first, last, &sure);
    if (found != (ways ? NNSM_SUPPORT_FOUND : NNSM_SUPPORT_NONE) || !sure)
        fail_msg("%s: answer %d of %zu lattices", s->text, (int)found, ways);
    if (!ways)
        return;
    check_has(s, first, upper);
    check_has(s, last, upper);
    if ((memcmp(first, last, s->window.sites_below) == 0) != (ways == 1))
        fail_msg("%s: %zu lattices, but the first and the last %s", s->text, ways,
                 ways == 1 ? "differ" : "are the same");
}

static void a_lattice_is_found_where_there_is_one_and_two_where_there_are_more(void **state)
{
    (void)state;
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(7), NNSM_RNG_TEST, 0, 0);
    for (size_t g = 0; g < SMALL; g++) {
        search s;
        int8_t states[MOST], upper[MOST] = {0};
        setup(&s, &small[g]);
        size_t count = (size_t)1 << s.window.sites_below, refused = 0;
        int8_t *list = calloc(count, MOST);
        assert_non_null(list);
        for (size_t n = 0; n < count; n++) {
            for (size_t i = 0; i < s.window.sites_below; i++)
                states[i] = n >> i & 1 ? 1 : -1;
            apply(&s, states, list + n * MOST);
        }
        qsort(list, count, MOST, by_sums);
        for (size_t n = 0; n < count; n += 1 + count / 5000)
            check_found(&s, list, count, list + n * MOST);
        for (size_t n = 0; n < 3000; n++) {
            memcpy(upper, list + nnsm_rng_below(&draw, (uint32_t)count) * MOST, MOST);
            for (size_t k = 0; k < 1 + n % 2; k++)
                upper[nnsm_rng_below(&draw, (uint32_t)s.window.sites)] =
                    (int8_t)nnsm_rng_below(&draw, (uint32_t)s.window.volume + 1);
            refused += occurrences(list, count, upper) == 0;
            check_found(&s, list, count, upper);
        }
        assert_true(refused > 100);
        free(list);
        teardown(&s);
    }
}

/* Lattices too large to enumerate: whatever the stream allows, window by window, is the image of one. */
static void what_the_stream_allows_has_a_lattice(void **state)
{
    (void)state;
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(8), NNSM_RNG_TEST, 0, 0);
    for (size_t g = 0; g < LARGE; g++) {
        search s;
        nnsm_support_stream *stream;
        nnsm_error error;
        int8_t upper[SITES], first[SITES], last[SITES];
        bool sure;
        setup(&s, &large[g]);
        assert_int_equal(nnsm_support_stream_create(&stream, s.support, &error), NNSM_OK);
        for (size_t n = 0; n < 20; n++) {
            nnsm_support_begin(stream);
            for (size_t w = 0; w < s.window.sites; w++) {
                uint32_t allowed = nnsm_support_next(stream, NULL), skip;
                if (!allowed)
                    fail_msg("%s: nothing is allowed for window %zu", s.text, w);
                skip = nnsm_rng_below(&draw, (uint32_t)__builtin_popcount(allowed));
                for (; skip; skip--)
                    allowed &= allowed - 1;
                upper[w] = (int8_t)__builtin_ctz(allowed);
                assert_true(nnsm_support_take(stream, (size_t)upper[w]));
            }
            assert_int_equal(nnsm_support_find(s.finder, upper, first, last, &sure), NNSM_SUPPORT_FOUND);
            check_has(&s, first, upper);
            check_has(&s, last, upper);
        }
        nnsm_support_stream_destroy(stream);
        teardown(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lattice_is_found_where_there_is_one_and_two_where_there_are_more),
        cmocka_unit_test(what_the_stream_allows_has_a_lattice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
