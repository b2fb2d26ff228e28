/* Windows over a lattice and the filter that undoes them, against enumeration of all lattices. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lattice/preimage_state.h"
#include "nnsm/rng.h"

typedef struct {
    int dimensions, below[3], size[3], stride[3];
    bool periodic;
} geometry;

static const geometry geometries[] = {
    {1, {12}, {2}, {1}, false},         {1, {12}, {4}, {1}, false},         {1, {13}, {3}, {2}, false},
    {1, {14}, {6}, {4}, false},         {1, {12}, {3}, {1}, true},          {1, {12}, {2}, {1}, true},
    {1, {12}, {4}, {2}, true},          {1, {12}, {5}, {3}, true},          {1, {12}, {3}, {3}, false},
    {2, {4, 4}, {2, 2}, {1, 1}, false}, {2, {4, 4}, {2, 2}, {1, 1}, true},  {2, {2, 2}, {2, 2}, {1, 1}, true},
    {2, {4, 4}, {3, 3}, {1, 1}, false}, {2, {4, 4}, {3, 3}, {1, 1}, true},  {2, {4, 4}, {4, 4}, {1, 1}, false},
    {2, {5, 3}, {3, 2}, {2, 1}, false}, {2, {3, 5}, {2, 3}, {1, 2}, false}, {2, {3, 5}, {3, 3}, {1, 2}, false},
    {2, {4, 4}, {3, 3}, {2, 2}, true},  {2, {4, 4}, {2, 2}, {2, 2}, false}, {2, {4, 4}, {2, 2}, {1, 2}, false},
    {2, {4, 4}, {2, 2}, {2, 1}, false}, {2, {4, 4}, {2, 3}, {2, 1}, true},  {2, {4, 4}, {3, 2}, {1, 2}, true},
    {2, {2, 8}, {2, 3}, {1, 1}, false}, {2, {8, 2}, {1, 2}, {1, 1}, false}, {2, {8, 2}, {3, 1}, {1, 1}, true},
};
enum { GEOMETRIES = sizeof geometries / sizeof *geometries, MOST = 16 };

static nnsm_window window_of(const geometry *g)
{
    nnsm_window w;
    nnsm_error error;
    if (nnsm_window_create(&w, g->dimensions, g->below, g->size, g->stride, g->periodic, &error))
        fail_msg("%s", error.message);
    return w;
}

static void name(const geometry *g, char *text)
{
    (void)sprintf(text, "%d x %d, windows %d x %d, stride %d %d, %s", g->below[0], g->below[1], g->size[0], g->size[1],
                  g->stride[0], g->stride[1], g->periodic ? "periodic" : "open");
}

/* Sums by coordinates, window by window: the definition. */
static void count_upper(const geometry *g, const nnsm_window *w, const int8_t *s, int32_t *upper)
{
    int l2 = g->dimensions > 1 ? g->below[1] : 1, w2 = g->dimensions > 1 ? g->size[1] : 1;
    int d2 = g->dimensions > 1 ? g->stride[1] : 1;
    for (int I = 0; I < w->extent[0]; I++)
        for (int J = 0; J < w->extent[1]; J++) {
            int sum = 0;
            for (int i = 0; i < g->size[0]; i++)
                for (int j = 0; j < w2; j++)
                    sum += s[(I * g->stride[0] + i) % g->below[0] * l2 + (J * d2 + j) % l2] > 0;
            upper[I * w->extent[1] + J] = sum;
        }
}

static void lattice_number(uint32_t number, size_t sites, int8_t *s)
{
    for (size_t i = 0; i < sites; i++)
        s[i] = number >> i & 1 ? 1 : -1;
}

/* An array of sums as a number. */
static uint64_t key_of(const nnsm_window *w, const int32_t *upper)
{
    uint64_t key = 0;
    for (size_t b = 0; b < w->sites; b++)
        key = key * (w->volume + 1) + (uint64_t)upper[b];
    return key;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* How often a key is in the sorted list. */
static size_t occurrences(const uint64_t *keys, size_t count, uint64_t key)
{
    size_t low = 0, high = count, n = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low + n < count && keys[low + n] == key;)
        n++;
    return n;
}

/* ---- tests */

static void sums_are_those_of_the_definition_and_of_their_alphabet(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        const geometry *g = &geometries[i];
        nnsm_window w = window_of(g);
        nnsm_alphabet spins = nnsm_alphabet_spins(), zero_one, sums, numbers;
        nnsm_error error;
        int8_t s[MOST], blocks[MOST], others[MOST];
        int32_t upper[MOST], count[MOST];
        char what[128];
        name(g, what);
        assert_int_equal(nnsm_alphabet_create(&zero_one, 2, (const int64_t[]){0, 1}, false, &error), NNSM_OK);
        if (nnsm_window_alphabet(&w, &spins, &sums, &error)) {
            assert_true(w.volume + 1 > NNSM_MAX_VALUES);
            continue;
        }
        assert_int_equal(sums.count, w.volume + 1);
        assert_int_equal(nnsm_window_alphabet(&w, &zero_one, &numbers, &error), NNSM_OK);
        nnsm_window_counts(&w, count);
        for (uint32_t n = 0; n < 200; n++) {
            int64_t total = 0, weighted = 0;
            lattice_number(n * 2654435761u >> 8, w.sites_below, s);
            count_upper(g, &w, s, upper);
            nnsm_window_apply(&w, &spins, &sums, s, blocks);
            nnsm_window_apply(&w, &zero_one, &numbers, s, others);
            for (size_t b = 0; b < w.sites; b++) {
                int32_t value = nnsm_alphabet_value(&sums, blocks[b]);
                if (value != 2 * upper[b] - (int32_t)w.volume || nnsm_alphabet_value(&numbers, others[b]) != upper[b])
                    fail_msg("%s: window %zu has %d, wanted %d upper sites", what, b, value, upper[b]);
                total += value;
            }
            for (size_t k = 0; k < w.sites_below; k++)
                weighted += count[k] * s[k];
            assert_int_equal(total, weighted);
        }
    }
}

/* Images are accepted with the number of their preimages, and one of them is returned; what is no image is refused. */
static void the_filter_agrees_with_enumeration(void **unused)
{
    (void)unused;
    nnsm_rng_key rng = nnsm_rng_key_from_seed(5);
    uint64_t *keys = malloc(sizeof *keys << MOST);
    assert_non_null(keys);
    for (size_t i = 0; i < GEOMETRIES; i++) {
        const geometry *g = &geometries[i];
        nnsm_window w = window_of(g);
        nnsm_preimage *filter;
        nnsm_error error;
        int8_t s[MOST];
        int32_t upper[MOST], again[MOST];
        size_t lattices = (size_t)1 << w.sites_below, refused = 0;
        char what[128];
        name(g, what);
        if (nnsm_preimage_create(&filter, &w, &error))
            fail_msg("%s: %s", what, error.message);
        for (size_t n = 0; n < lattices; n++) {
            lattice_number((uint32_t)n, w.sites_below, s);
            count_upper(g, &w, s, upper);
            keys[n] = key_of(&w, upper);
        }
        qsort(keys, lattices, sizeof *keys, compare);
        for (size_t n = 0; n < lattices; n += 1 + lattices / 3000) {
            lattice_number((uint32_t)n, w.sites_below, s);
            count_upper(g, &w, s, upper);
            double ways = (double)occurrences(keys, lattices, key_of(&w, upper));
            nnsm_preimages found = nnsm_preimage_find(filter, upper, s);
            if (found != (ways > 1 ? NNSM_PREIMAGES_SEVERAL : NNSM_PREIMAGES_ONE) ||
                nnsm_preimage_count(filter) != ways)
                fail_msg("%s, lattice %zu: answer %d, %g preimages, wanted %g", what, n, (int)found,
                         nnsm_preimage_count(filter), ways);
            count_upper(g, &w, s, again);
            if (memcmp(upper, again, w.sites * sizeof *upper) != 0)
                fail_msg("%s, lattice %zu: what was returned is no preimage", what, n);
        }
        for (uint32_t n = 0; n < 3000; n++) { /* one sum of an image changed; or all at random */
            nnsm_rng_sequence random = nnsm_rng_sequence_start(rng, NNSM_RNG_TEST, (uint32_t)i, n);
            lattice_number(nnsm_rng_next(&random), w.sites_below, s);
            count_upper(g, &w, s, upper);
            for (size_t b = 0; b < w.sites && n % 2; b++)
                upper[b] = (int32_t)nnsm_rng_below(&random, (uint32_t)w.volume + 1);
            if (n % 2 == 0)
                upper[nnsm_rng_below(&random, (uint32_t)w.sites)] =
                    (int32_t)nnsm_rng_below(&random, (uint32_t)w.volume + 1);
            size_t ways = occurrences(keys, lattices, key_of(&w, upper));
            nnsm_preimages found = nnsm_preimage_find(filter, upper, NULL);
            refused += ways == 0;
            if ((found == NNSM_PREIMAGES_NONE) != (ways == 0) || found == NNSM_PREIMAGES_UNDECIDED)
                fail_msg("%s, array %u: answer %d, wanted %zu preimages", what, n, (int)found, ways);
        }
        if (nnsm_window_overlaps(&w) && w.sites > 1 && refused < 100)
            fail_msg("%s: only %zu arrays without a preimage were tried", what, refused);
        nnsm_preimage_destroy(filter);
    }
    free(keys);
}

/* Sums beyond the window's volume or below 0 have no preimage, and are no trouble. */
static void impossible_sums_are_refused(void **unused)
{
    (void)unused;
    nnsm_window w = window_of(&geometries[9]);
    nnsm_preimage *filter;
    nnsm_error error;
    int32_t upper[MOST];
    assert_int_equal(nnsm_preimage_create(&filter, &w, &error), NNSM_OK);
    for (int32_t value = -3; value < 9; value++) {
        for (size_t b = 0; b < w.sites; b++)
            upper[b] = value;
        assert_int_equal(nnsm_preimage_find(filter, upper, NULL) != NNSM_PREIMAGES_NONE, value >= 0 && value <= 4);
    }
    nnsm_preimage_destroy(filter);
}

/* A long chain with stride 2 has exponentially many preimages: counted all the same, in the range of double. */
static void long_chains_do_not_branch(void **unused)
{
    (void)unused;
    enum { SITES = 201, WINDOWS = 100 };
    nnsm_window w;
    nnsm_preimage *filter;
    nnsm_error error;
    int32_t upper[WINDOWS];
    double odd = 1, even = 1; /* ways by the last site: 0, 1 */
    assert_int_equal(nnsm_window_create(&w, 1, (const int[]){SITES}, (const int[]){3}, (const int[]){2}, false, &error),
                     NNSM_OK);
    assert_int_equal(w.sites, WINDOWS);
    assert_int_equal(nnsm_preimage_create(&filter, &w, &error), NNSM_OK);
    for (size_t b = 0; b < WINDOWS; b++) {
        upper[b] = 1 + (b % 3 == 0);
        double zero = upper[b] == 1 ? even + odd : odd; /* 0 1 0, 1 0 0; 1 1 0 */
        double one = upper[b] == 1 ? even : odd + even; /* 0 0 1; 1 0 1, 0 1 1 */
        even = zero;
        odd = one;
    }
    assert_int_equal(nnsm_preimage_find(filter, upper, NULL), NNSM_PREIMAGES_SEVERAL);
    assert_true(even + odd > 1e15);
    check_close(nnsm_preimage_count(filter) / (even + odd), 1, 1e-12);
    nnsm_preimage_destroy(filter);
}

static void what_cannot_be_is_refused_with_advice(void **unused)
{
    (void)unused;
    nnsm_window w;
    nnsm_preimage *filter;
    nnsm_alphabet labels, sums, spins = nnsm_alphabet_spins();
    nnsm_error error;
    const int below[] = {16, 16, 16}, two[] = {2, 2, 2}, three[] = {3, 3, 3}, one[] = {1, 1, 1}, wide[] = {17, 2, 2};
    assert_int_equal(nnsm_window_create(&w, 2, below, two, three, false, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "leave 2 of the 16 sites"));
    assert_int_equal(w.sites, 0);
    assert_int_equal(nnsm_window_create(&w, 2, below, three, three, true, &error), NNSM_USAGE);
    assert_int_equal(nnsm_window_create(&w, 2, below, wide, one, false, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "do not fit axis 1"));
    assert_int_equal(nnsm_window_create(&w, 3, below, two, one, false, &error), NNSM_OK);
    assert_int_equal(nnsm_preimage_create(&filter, &w, &error), NNSM_USAGE);
    assert_int_equal(nnsm_window_create(&w, 2, below, one, two, true, &error), NNSM_OK);
    assert_false(nnsm_window_covers(&w));
    assert_int_equal(nnsm_preimage_create(&filter, &w, &error), NNSM_USAGE);
    assert_int_equal(nnsm_alphabet_create(&labels, 3, (const int64_t[]){0, 1, 2}, true, &error), NNSM_OK);
    assert_int_equal(nnsm_window_alphabet(&w, &labels, &sums, &error), NNSM_USAGE);
    assert_int_equal(nnsm_window_create(&w, 2, below, (const int[]){5, 5}, one, false, &error), NNSM_OK);
    assert_int_equal(nnsm_window_alphabet(&w, &spins, &sums, &error), NNSM_OK);
    assert_int_equal(nnsm_window_create(&w, 2, below, (const int[]){6, 6}, one, false, &error), NNSM_OK);
    assert_int_equal(nnsm_window_alphabet(&w, &spins, &sums, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "more than 32 different sums"));
}

static void the_lattice_below_is_found_from_the_windows(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        nnsm_window w = window_of(&geometries[i]);
        int below[3];
        nnsm_window_extents_below(w.dimensions, w.extent, geometries[i].size, geometries[i].stride, w.periodic, below);
        for (int a = 0; a < w.dimensions; a++)
            assert_int_equal(below[a], w.below[a]);
    }
}

/* Upper sites of the columns of the filter in its rows of windows, by coordinates; returns how many numbers. */
static size_t count_columns(const geometry *g, const nnsm_preimage *p, const int8_t *s, int *table)
{
    int l2 = g->dimensions > 1 ? g->below[1] : 1, down = p->transposed;
    int extent = down ? l2 : g->below[0], columns = down ? g->below[0] : l2;
    int rows = p->window.extent[down], size = g->dimensions > down ? g->size[down] : 1;
    int stride = g->dimensions > down ? g->stride[down] : 1;
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < columns; j++) {
            table[r * columns + j] = 0;
            for (int k = 0; k < size; k++) {
                int i = (r * stride + k) % extent;
                table[r * columns + j] += s[down ? j * l2 + i : i * l2 + j] > 0;
            }
        }
    return (size_t)(rows * columns);
}

/* The lower bound where preimages are not counted: all lattices whose columns have the same numbers. */
static void lattices_alike_are_counted(void **unused)
{
    (void)unused;
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(17), NNSM_RNG_TEST, 0, 0);
    size_t several = 0;
    for (size_t i = 0; i < GEOMETRIES; i++) {
        nnsm_window w = window_of(&geometries[i]);
        nnsm_preimage *p;
        char text[96];
        name(&geometries[i], text);
        assert_int_equal(nnsm_preimage_create(&p, &w, NULL), NNSM_OK);
        for (int n = 0; n < 6; n++) {
            int8_t one[MOST], other[MOST];
            int table[2][MOST * MOST];
            double alike = 0;
            lattice_number(nnsm_rng_below(&draw, 1u << w.sites_below), w.sites_below, one);
            size_t numbers = count_columns(&geometries[i], p, one, table[0]);
            for (uint32_t k = 0; k < 1u << w.sites_below; k++) {
                lattice_number(k, w.sites_below, other);
                (void)count_columns(&geometries[i], p, other, table[1]);
                bool same = memcmp(table[0], table[1], numbers * sizeof **table) == 0;
                if (same != nnsm_preimage_are_alike(p, one, other))
                    fail_msg("%s: lattice %u is %salike", text, k, same ? "" : "not ");
                alike += same;
            }
            if (alike != nnsm_preimage_alike(p, one))
                fail_msg("%s: %g lattices are alike, not %g", text, alike, nnsm_preimage_alike(p, one));
            several += alike > 1;
        }
        nnsm_preimage_destroy(p);
    }
    assert_true(several > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_the_definition_and_of_their_alphabet),
        cmocka_unit_test(the_filter_agrees_with_enumeration),
        cmocka_unit_test(impossible_sums_are_refused),
        cmocka_unit_test(long_chains_do_not_branch),
        cmocka_unit_test(what_cannot_be_is_refused_with_advice),
        cmocka_unit_test(the_lattice_below_is_found_from_the_windows),
        cmocka_unit_test(lattices_alike_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
