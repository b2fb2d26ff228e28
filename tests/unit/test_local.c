/* Local operators: which products share a class, and that values, flips and tiles agree with the definition. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lattice/symmetry.h"
#include "nnsm/local.h"

static const nnsm_basis everything = {.field = true,
                                      .range = 2.83,
                                      .triples = true,
                                      .quadruples = true,
                                      .m2 = true,
                                      .translation = true,
                                      .point_group = true};

static nnsm_lattice make_lattice(int dimensions, const int *extent, bool periodic)
{
    nnsm_lattice lattice;
    assert_int_equal(nnsm_lattice_create(&lattice, dimensions, extent, periodic, NULL), NNSM_OK);
    return lattice;
}

static void random_spins(uint32_t stream, size_t count, int8_t *spins)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(3), NNSM_RNG_TEST, stream, 0);
    for (size_t i = 0; i < count; i++)
        spins[i] = nnsm_rng_next(&draw) >> 31 ? 1 : -1;
}

/* ---- counts */

typedef struct {
    const char *name;
    size_t terms;
    double distance;
} expected;

static void expect_classes(int dimensions, const int *extent, bool periodic, nnsm_basis basis, size_t classes,
                           const expected *list)
{
    nnsm_lattice lattice = make_lattice(dimensions, extent, periodic);
    nnsm_operators o;
    nnsm_error error;
    size_t terms = 0;
    if (nnsm_operators_create(&o, &lattice, &basis, &error))
        fail_msg("%s", error.message);
    for (size_t c = 0; c < o.classes || c < classes; c++) {
        if (c >= o.classes || c >= classes || strcmp(o.class[c].name, list[c].name) != 0 ||
            o.class[c].terms != list[c].terms)
            fail_msg("%dx%dx%d, class %zu: %s with %zu terms, expected %s with %zu", lattice.extent[0],
                     lattice.extent[1], lattice.extent[2], c, c < o.classes ? o.class[c].name : "none",
                     c < o.classes ? o.class[c].terms : 0, c < classes ? list[c].name : "none",
                     c < classes ? list[c].terms : 0);
        check_close(o.class[c].distance, list[c].distance, 1e-12);
        terms += o.class[c].terms;
    }
    assert_int_equal(o.terms, terms);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&lattice);
}

static void square_lattices_have_the_classes_of_their_shapes(void **state)
{
    (void)state;
    double r2 = sqrt(2), r5 = sqrt(5), r8 = sqrt(8);
    /* On 4x4 two steps reach the same site both ways: half as many pairs (2,0), a quarter (2,2). */
    expect_classes(2, (int[]){4, 4}, true,
                   (nnsm_basis){.field = true, .range = 2.828, .m2 = true, .translation = true, .point_group = true}, 7,
                   (expected[]){{"field", 16, 0},
                                {"pair (1,0)", 32, 1},
                                {"pair (1,1)", 32, r2},
                                {"pair (2,0)", 16, 2},
                                {"pair (2,1)", 32, r5},
                                {"pair (2,2)", 8, r8},
                                {"m^2", 0, 0}});
    expect_classes(2, (int[]){8, 8}, true, everything, 14,
                   (expected[]){{"field", 64, 0},
                                {"pair (1,0)", 128, 1},
                                {"pair (1,1)", 128, r2},
                                {"pair (2,0)", 128, 2},
                                {"pair (2,1)", 256, r5},
                                {"pair (2,2)", 128, r8},
                                {"triple (0,0)(0,1)(1,0)", 256, 0},
                                {"plaquette", 64, 0},
                                {"quad (0,0)(0,1)(0,2)(1,1)", 256, 0},
                                {"quad (0,0)(0,1)(1,0)(1,-1)", 256, 0},
                                {"quad (0,0)(0,1)(0,2)(1,0)", 512, 0},
                                {"quad (0,0)(0,1)(1,0)(1,2)", 512, 0},
                                {"quad (0,0)(0,1)(2,0)(2,1)", 128, 0},
                                {"m^2", 0, 0}});
    /* Extent 2: a product is there once, though the periodic bond is there twice. */
    expect_classes(2, (int[]){2, 2}, true, (nnsm_basis){.range = 1.414, .translation = true, .point_group = true}, 2,
                   (expected[]){{"pair (1,0)", 4, 1}, {"pair (1,1)", 2, r2}});
    expect_classes(2, (int[]){4, 4}, false, (nnsm_basis){.range = 1.42, .translation = true, .point_group = true}, 2,
                   (expected[]){{"pair (1,0)", 24, 1}, {"pair (1,1)", 18, r2}});
    /* Unequal extents tell the axes apart. */
    expect_classes(2, (int[]){4, 6}, true, (nnsm_basis){.range = 1.42, .translation = true, .point_group = true}, 3,
                   (expected[]){{"pair (0,1)", 24, 1}, {"pair (1,0)", 24, 1}, {"pair (1,1)", 48, r2}});
}

static void fewer_symmetries_make_more_classes(void **state)
{
    (void)state;
    double r2 = sqrt(2);
    expect_classes(
        2, (int[]){6, 6}, true, (nnsm_basis){.range = 1.42, .translation = true}, 4,
        (expected[]){{"pair (0,1)", 36, 1}, {"pair (1,0)", 36, 1}, {"pair (1,1)", 36, r2}, {"pair (1,-1)", 36, r2}});
    expect_classes(1, (int[]){4}, true, (nnsm_basis){.field = true, .range = 1}, 8,
                   (expected[]){{"field 0", 1, 0},
                                {"field 1", 1, 0},
                                {"field 2", 1, 0},
                                {"field 3", 1, 0},
                                {"pair 0-1", 1, 1},
                                {"pair 0-3", 1, 1},
                                {"pair 1-2", 1, 1},
                                {"pair 2-3", 1, 1}});
    /* An open chain of four under reflection: the ends, the middle. */
    expect_classes(1, (int[]){4}, false, (nnsm_basis){.field = true, .range = 1, .point_group = true}, 4,
                   (expected[]){{"field 0", 2, 0}, {"field 1", 2, 0}, {"pair 0-1", 2, 1}, {"pair 1-2", 1, 1}});
}

static void chains_and_cubes_have_the_classes_of_their_shapes(void **state)
{
    (void)state;
    double r2 = sqrt(2), r3 = sqrt(3);
    nnsm_basis b = everything;
    b.range = 2;
    expect_classes(1, (int[]){12}, true, b, 6,
                   (expected[]){{"field", 12, 0},
                                {"pair (1)", 12, 1},
                                {"pair (2)", 12, 2},
                                {"triple (0)(1)(2)", 12, 0},
                                {"quad (0)(1)(2)(3)", 12, 0},
                                {"m^2", 0, 0}});
    expect_classes(1, (int[]){12}, false, b, 6,
                   (expected[]){{"field", 12, 0},
                                {"pair (1)", 11, 1},
                                {"pair (2)", 10, 2},
                                {"triple (0)(1)(2)", 10, 0},
                                {"quad (0)(1)(2)(3)", 9, 0},
                                {"m^2", 0, 0}});
    /* Of the 56 triples of a cube 24 are right angles in a face (shared by two cubes), 24 hold an edge and a diagonal
     * of the cube, 8 are equilateral. */
    b.range = 1.8;
    b.quadruples = false;
    expect_classes(3, (int[]){6, 6, 6}, true, b, 8,
                   (expected[]){{"field", 216, 0},
                                {"pair (1,0,0)", 648, 1},
                                {"pair (1,1,0)", 1296, r2},
                                {"pair (1,1,1)", 864, r3},
                                {"triple (0,0,0)(0,0,1)(0,1,0)", 2592, 0},
                                {"triple (0,0,0)(0,0,1)(1,1,0)", 5184, 0},
                                {"triple (0,0,0)(0,1,1)(1,0,1)", 1728, 0},
                                {"m^2", 0, 0}});
}

static void impossible_bases_are_refused(void **state)
{
    (void)state;
    nnsm_operators o;
    nnsm_error error;
    nnsm_lattice lattice = make_lattice(2, (int[]){4, 4}, true);
    assert_int_equal(nnsm_operators_create(&o, &lattice, &(nnsm_basis){.range = 3}, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "2.828"));
    assert_null(o.site);
    nnsm_lattice_destroy(&lattice);
    lattice = make_lattice(2, (int[]){512, 512}, true);
    assert_int_equal(nnsm_operators_create(&o, &lattice,
                                           &(nnsm_basis){.range = 8, .translation = true, .point_group = true}, &error),
                     NNSM_USAGE);
    assert_non_null(strstr(error.message, "lower the range"));
    nnsm_lattice_destroy(&lattice);
    nnsm_operator class = {.name = "bad", .order = 2};
    assert_int_equal(nnsm_operators_assemble(&o, 4, 1, &class, 1, (const int32_t[1][4]){{2, 2, -1, -1}},
                                             (const int32_t[1]){0}, &error),
                     NNSM_USAGE);
    assert_int_equal(nnsm_operators_assemble(&o, 4, 1, &class, 1, (const int32_t[1][4]){{2, 4, -1, -1}},
                                             (const int32_t[1]){0}, &error),
                     NNSM_USAGE);
    assert_int_equal(nnsm_operators_assemble(&o, 4, 1, &class, 1, (const int32_t[1][4]){{2, 1, -1, -1}},
                                             (const int32_t[1]){1}, &error),
                     NNSM_USAGE);
}

/* ---- classes are orbits */

static size_t find_term(const nnsm_operators *o, const int32_t *site)
{
    for (size_t t = 0; t < o->terms; t++)
        if (memcmp(o->site[t], site, sizeof o->site[t]) == 0)
            return t;
    fail_msg("a symmetry carries a product out of the basis");
    return 0;
}

static int compare_sites(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

static size_t root(size_t *parent, size_t t)
{
    while (parent[t] != t)
        t = parent[t] = parent[parent[t]];
    return t;
}

/* Unite what the operations of lattice/symmetry.h carry into each other; a configuration of labels shows where a site
 * goes. */
static void check_orbits(int dimensions, const int *extent, bool periodic, bool translation, bool point_group)
{
    nnsm_basis b = everything;
    nnsm_lattice lattice = make_lattice(dimensions, extent, periodic);
    nnsm_symmetry *symmetry;
    nnsm_operators o;
    int8_t label[64], image[64];
    int32_t goes[64];
    b.range = dimensions == 3 ? 1.42 : 2;
    b.quadruples = dimensions < 3;
    b.translation = translation;
    b.point_group = point_group;
    assert_int_equal(nnsm_operators_create(&o, &lattice, &b, NULL), NNSM_OK);
    assert_int_equal(nnsm_symmetry_create(&symmetry, &lattice, translation, point_group, false, NULL), NNSM_OK);
    size_t *parent = calloc(o.terms, sizeof *parent);
    for (size_t t = 0; t < o.terms; t++)
        parent[t] = t;
    for (size_t i = 0; i < lattice.sites; i++)
        label[i] = (int8_t)i;
    for (size_t e = 0; e < nnsm_symmetry_count(symmetry); e++) {
        nnsm_symmetry_apply(symmetry, e, label, image);
        for (size_t i = 0; i < lattice.sites; i++)
            goes[image[i]] = (int32_t)i;
        for (size_t t = 0; t < o.terms; t++) {
            int32_t site[NNSM_TERM_SITES] = {-1, -1, -1, -1};
            int order = o.class[o.class_of[t]].order;
            for (int k = 0; k < order; k++)
                site[k] = goes[o.site[t][k]];
            qsort(site, (size_t)order, sizeof *site, compare_sites);
            parent[root(parent, t)] = root(parent, find_term(&o, site));
        }
    }
    for (size_t t = 1; t < o.terms; t++) {
        bool same = root(parent, t) == root(parent, t - 1);
        assert_int_equal(same, o.class_of[t] == o.class_of[t - 1]);
    }
    free(parent);
    nnsm_symmetry_destroy(symmetry);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&lattice);
}

static void classes_are_the_orbits_of_the_symmetries(void **state)
{
    (void)state;
    check_orbits(2, (int[]){4, 4}, true, true, true);
    check_orbits(2, (int[]){4, 4}, true, true, false);
    check_orbits(2, (int[]){5, 5}, true, false, true);
    check_orbits(2, (int[]){4, 6}, true, true, true);
    check_orbits(2, (int[]){5, 4}, false, false, true);
    check_orbits(2, (int[]){4, 4}, false, false, false);
    check_orbits(1, (int[]){9}, true, true, true);
    check_orbits(3, (int[]){3, 3, 3}, true, true, true);
    check_orbits(3, (int[]){2, 3, 3}, true, true, true);
}

static void names_tell_classes_apart(void **state)
{
    (void)state;
    for (int symmetries = 0; symmetries < 4; symmetries++) {
        nnsm_lattice lattice = make_lattice(3, (int[]){3, 4, 3}, true);
        nnsm_operators o;
        nnsm_basis b = everything;
        b.translation = symmetries & 1;
        b.point_group = symmetries & 2;
        b.range = 2;
        assert_int_equal(nnsm_operators_create(&o, &lattice, &b, NULL), NNSM_OK);
        for (size_t c = 0; c < o.classes && (symmetries & 1); c++)
            for (size_t d = 0; d < c; d++)
                assert_string_not_equal(o.class[c].name, o.class[d].name);
        nnsm_operators_destroy(&o);
        nnsm_lattice_destroy(&lattice);
    }
}

/* ---- values, flips, tiles */

static void check_changes(const nnsm_lattice *lattice, const nnsm_basis *basis)
{
    enum { MOST = 4096 };
    nnsm_operators o;
    assert_int_equal(nnsm_operators_create(&o, lattice, basis, NULL), NNSM_OK);
    double *before = calloc(o.classes, sizeof *before), *after = calloc(o.classes, sizeof *after),
           *change = calloc(o.classes, sizeof *change), *coupling = calloc(o.classes, sizeof *coupling);
    int8_t s[NNSM_TILE * 64], back[NNSM_TILE * 64];
    double tile_energy[NNSM_TILE], tile_change[NNSM_TILE];
    uint32_t accept[NNSM_TILE];
    nnsm_tile tile;
    for (size_t c = 0; c < o.classes; c++)
        coupling[c] = c % 5 == 4 ? 0 : 0.3 + 0.1 * (double)(c % 7) * (c % 2 ? -1 : 1);
    nnsm_local local = {&o, coupling};
    assert_int_equal(nnsm_local_tile_create(&tile, &local, NULL), NNSM_OK);
    random_spins(7, NNSM_TILE * lattice->sites, s);
    tile.methods->load(tile.state, s);
    for (size_t i = 0; i < lattice->sites; i++) {
        tile.methods->energy(tile.state, tile_energy);
        tile.methods->change(tile.state, i, NNSM_ALL_CHAINS, tile_change);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            int8_t *spins = s + c * lattice->sites;
            double energy = nnsm_local_energy(&local, spins), definition = 0;
            nnsm_operators_values(&o, spins, before);
            nnsm_operators_flip(&o, spins, i, change);
            check_close(nnsm_local_flip_change(&local, spins, i), tile_change[c], 1e-10);
            check_close(energy, tile_energy[c], 1e-9);
            for (size_t k = 0; k < o.classes; k++)
                definition -= coupling[k] * before[k];
            check_close(energy, definition, 1e-10);
            spins[i] = (int8_t)-spins[i];
            nnsm_operators_values(&o, spins, after);
            for (size_t k = 0; k < o.classes; k++)
                check_close(after[k] - before[k], change[k], 1e-10);
            check_close(nnsm_local_energy(&local, spins) - energy, tile_change[c], 1e-9);
            accept[c] = (c + i) % 3 ? UINT32_MAX : 0;
            spins[i] = (int8_t)(accept[c] ? spins[i] : -spins[i]);
        }
        tile.methods->commit(tile.state, i, accept);
    }
    tile.methods->read(tile.state, back);
    assert_memory_equal(back, s, NNSM_TILE * lattice->sites);
    tile.methods->refresh(tile.state);
    tile.methods->energy(tile.state, tile_energy);
    for (size_t c = 0; c < NNSM_TILE; c++)
        check_close(tile_energy[c], nnsm_local_energy(&local, s + c * lattice->sites), 1e-10);
    nnsm_tile_destroy(&tile);
    nnsm_operators_destroy(&o);
    free(before);
    free(after);
    free(change);
    free(coupling);
}

static void flips_change_what_values_and_tiles_say(void **state)
{
    (void)state;
    static const struct {
        int dimensions, extent[3];
        bool periodic;
    } cases[] = {{1, {9}, true},     {1, {9}, false},      {2, {4, 4}, true},    {2, {8, 8}, true},
                 {2, {5, 4}, false}, {3, {3, 3, 3}, true}, {3, {2, 4, 3}, true}, {2, {2, 2}, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int symmetries = 0; symmetries < 4; symmetries++) {
            nnsm_lattice lattice = make_lattice(cases[i].dimensions, cases[i].extent, cases[i].periodic);
            nnsm_basis basis = everything;
            basis.range = lattice.sites == 4 || lattice.dimensions == 3 ? 1.414 : 2;
            basis.translation = symmetries & 1;
            basis.point_group = symmetries & 2;
            check_changes(&lattice, &basis);
            nnsm_lattice_destroy(&lattice);
        }
}

/* The same bonds twice are two terms: O counts both. */
static void assembled_terms_may_repeat_and_come_in_any_order(void **state)
{
    (void)state;
    const nnsm_operator class[2] = {{.name = "a", .order = 2}, {.name = "b", .order = 3}};
    const int32_t site[4][NNSM_TERM_SITES] = {{2, 1, 0, -1}, {3, 0, -1, -1}, {0, 3, -1, -1}, {1, 3, 2, -1}};
    const int32_t class_of[4] = {1, 0, 0, 1};
    const int8_t s[4] = {1, -1, -1, -1};
    double values[2], change[2];
    nnsm_operators o;
    assert_int_equal(nnsm_operators_assemble(&o, 4, 2, class, 4, site, class_of, NULL), NNSM_OK);
    assert_int_equal(o.class[0].terms, 2);
    assert_memory_equal(o.site[0], ((const int32_t[]){0, 3, -1, -1}), sizeof o.site[0]);
    nnsm_operators_values(&o, s, values);
    check_close(values[0], -2, 0);
    check_close(values[1], 0, 0);
    nnsm_operators_flip(&o, s, 3, change);
    check_close(change[0], 4, 0);
    check_close(change[1], 2, 0);
    nnsm_operators_destroy(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(square_lattices_have_the_classes_of_their_shapes),
        cmocka_unit_test(fewer_symmetries_make_more_classes),
        cmocka_unit_test(chains_and_cubes_have_the_classes_of_their_shapes),
        cmocka_unit_test(impossible_bases_are_refused),
        cmocka_unit_test(classes_are_the_orbits_of_the_symmetries),
        cmocka_unit_test(names_tell_classes_apart),
        cmocka_unit_test(flips_change_what_values_and_tiles_say),
        cmocka_unit_test(assembled_terms_may_repeat_and_come_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
