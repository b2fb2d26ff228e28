/* The images of a configuration under every symmetry operation, against coordinates that are permuted, mirrored and
 * shifted one by one. */
#include "check.h"

#include <string.h>

#include "lattice/symmetry.h"

enum { MOST_SITES = 64, D = NNSM_MAX_DIMENSIONS };

typedef struct {
    int dimensions, extent[D];
    bool periodic;
} shape;

static const shape shapes[] = {{1, {7}, true},       {1, {5}, false},       {2, {4, 4}, true},    {2, {5, 5}, false},
                               {2, {3, 5}, true},    {2, {2, 4}, true},     {2, {5, 1}, false},   {2, {1, 5}, false},
                               {3, {3, 3, 3}, true}, {3, {3, 3, 3}, false}, {3, {4, 3, 4}, true}, {3, {2, 3, 4}, true},
                               {3, {3, 3, 1}, false}};
static const int permutations[6][D] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* The site that operation (permutation, mirror, shift) takes to `site`; -1: no operation of this lattice. */
static int source(const nnsm_lattice *lattice, const int *permutation, int mirror, int shift, int site)
{
    const int *extent = lattice->extent;
    int to[D], from[D], by[D];
    for (int a = D - 1; a >= 0; a--) {
        to[a] = site % extent[a];
        site /= extent[a];
        by[a] = shift % extent[a];
        shift /= extent[a];
    }
    for (int a = 0; a < D; a++) {
        int before = (to[a] - by[a] + extent[a]) % extent[a];
        if (extent[permutation[a]] != extent[a])
            return -1;
        from[permutation[a]] = mirror >> a & 1 ? extent[a] - 1 - before : before;
    }
    return (from[0] * extent[1] + from[1]) * extent[2] + from[2];
}

static bool is_image(const nnsm_lattice *lattice, int operation, bool shifted, const int8_t *in, const int8_t *out)
{
    int sites = (int)lattice->sites, shift = operation / 48;
    for (int i = 0; i < sites; i++) {
        int from = source(lattice, permutations[operation % 6], operation / 6 % 8, shift, i);
        if (from < 0 || out[i] != in[from] || (shift && !shifted))
            return false;
    }
    return true;
}

static void images_are_those_of_coordinates(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const shape *s = &shapes[k];
        nnsm_lattice lattice;
        nnsm_symmetry *symmetry;
        int8_t in[MOST_SITES], out[MOST_SITES];
        assert_int_equal(nnsm_lattice_create(&lattice, s->dimensions, s->extent, s->periodic, NULL), NNSM_OK);
        assert_int_equal(nnsm_symmetry_create(&symmetry, &lattice, s->periodic, true, false, NULL), NNSM_OK);
        for (size_t i = 0; i < lattice.sites; i++)
            in[i] = (int8_t)(i + 1);
        bool seen[48 * MOST_SITES] = {false}, small = false;
        for (int a = 0; a < s->dimensions; a++)
            small = small || s->extent[a] < 3; /* there mirrors are shifts, or nothing */
        for (size_t e = 0; e < nnsm_symmetry_count(symmetry); e++) {
            int operation = 0, operations = 48 * (int)lattice.sites;
            nnsm_symmetry_apply(symmetry, e, in, out);
            while (operation < operations && !is_image(&lattice, operation, s->periodic, in, out))
                operation++;
            if (operation == operations)
                fail_msg("shape %zu: element %zu is no symmetry of the lattice", k, e);
            if (seen[operation] && !small)
                fail_msg("shape %zu: element %zu is another one again", k, e);
            seen[operation] = true;
            assert_true(e > 0 || operation == 0);
        }
        nnsm_symmetry_destroy(symmetry);
        nnsm_lattice_destroy(&lattice);
    }
}

/* What an operation does to the values comes last, and is the same on all sites. */
static void values_are_mapped_after_sites(void **state)
{
    (void)state;
    const int64_t value[] = {-1, 0, 1};
    for (int labels = 0; labels < 2; labels++) {
        nnsm_lattice lattice;
        nnsm_symmetry *symmetry, *spatial;
        nnsm_alphabet a;
        int8_t in[20], out[20], moved[20];
        assert_int_equal(nnsm_alphabet_create(&a, 3, value, labels, NULL), NNSM_OK);
        assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){4, 5}, true, NULL), NNSM_OK);
        assert_int_equal(nnsm_symmetry_create(&symmetry, &lattice, true, true, !labels, NULL), NNSM_OK);
        assert_int_equal(nnsm_symmetry_set_alphabet(symmetry, &a, labels, NULL), NNSM_OK);
        assert_int_equal(nnsm_symmetry_create(&spatial, &lattice, true, true, false, NULL), NNSM_OK);
        size_t places = nnsm_symmetry_count(spatial), count = nnsm_symmetry_count(symmetry);
        assert_int_equal(count, places * (labels ? 6 : 2));
        for (size_t i = 0; i < lattice.sites; i++)
            in[i] = (int8_t)(i * i % 7 % 3);
        for (size_t e = 0; e < count; e++) {
            int8_t to[3] = {-1, -1, -1};
            nnsm_symmetry_apply(symmetry, e, in, out);
            nnsm_symmetry_apply(spatial, e % places, in, moved);
            for (size_t i = 0; i < lattice.sites; i++) {
                assert_true(to[moved[i]] < 0 || to[moved[i]] == out[i]);
                to[moved[i]] = out[i];
            }
            assert_true(to[0] != to[1] && to[1] != to[2] && to[2] != to[0]);
            assert_true(e >= places || (to[0] == 0 && to[1] == 1));
            assert_true(labels || e < places || (to[0] == 2 && to[1] == 1));
        }
        nnsm_symmetry_destroy(symmetry);
        nnsm_symmetry_destroy(spatial);
        nnsm_lattice_destroy(&lattice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(images_are_those_of_coordinates),
                                       cmocka_unit_test(values_are_mapped_after_sites)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
