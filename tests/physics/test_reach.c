/* The reach that the data choose: right for systems of short and of longer interactions, wrong no more often than the
 * level says. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "hamiltonian/pseudo_likelihood.h"
#include "hamiltonian/reach.h"
#include "lattice/generator.h"
#include "statistics/student.h"

/* ---- data: one generator's 64 chains are the 64 blocks, snapshots their rows */

typedef struct {
    const nnsm_operators *operators;
    size_t rows;
    int8_t *configurations; /* [NNSM_BLOCKS][rows][sites] */
    nnsm_pseudo *pseudo;
} data_set;

static void make_data(data_set *d, const nnsm_model *model, double temperature, uint64_t seed, size_t rows)
{
    size_t sites = model->lattice->sites;
    nnsm_generator *g;
    int8_t *now = malloc(NNSM_GENERATOR_CHAINS * sites);
    d->rows = rows;
    d->configurations = malloc(NNSM_BLOCKS * rows * sites);
    assert_true(now && d->configurations && (int)NNSM_GENERATOR_CHAINS == (int)NNSM_BLOCKS);
    assert_int_equal(
        nnsm_generator_create_model(&g, model, temperature, NNSM_METROPOLIS, nnsm_rng_key_from_seed(seed), 0, NULL),
        NNSM_OK);
    nnsm_generator_advance(g, 100);
    for (size_t r = 0; r < rows; r++) {
        nnsm_generator_advance(g, 10);
        nnsm_generator_read(g, now);
        for (size_t b = 0; b < NNSM_BLOCKS; b++)
            memcpy(d->configurations + (b * rows + r) * sites, now + b * sites, sites);
    }
    nnsm_generator_destroy(g);
    free(now);
}

static nnsm_status sum_blocks(void *context, const nnsm_pseudo_request *request, nnsm_error *error)
{
    data_set *d = context;
    size_t k = d->operators->classes, size = nnsm_pseudo_sums(d->pseudo);
    double *sums = malloc(size * sizeof *sums);
    (void)error;
    assert_non_null(sums);
    memset(request->total, 0, size * sizeof *sums);
    for (size_t b = 0; b < NNSM_BLOCKS / request->part; b++) {
        memset(sums, 0, size * sizeof *sums);
        nnsm_pseudo_add(d->pseudo, request->coupling, request->hessian,
                        d->configurations + b * d->rows * d->operators->sites, d->rows, sums);
        memcpy(request->pulls + b * k, sums, k * sizeof *sums);
        for (size_t i = 0; i < size; i++)
            request->total[i] += sums[i];
    }
    free(sums);
    return NNSM_OK;
}

/* ---- a system, and what is found in it */

typedef struct {
    const char *name;
    int dimensions, extent[NNSM_MAX_DIMENSIONS];
    bool flip, translation, point_group;
    nnsm_model_parameters model;
    double temperature, reach;
} system_case;

/* The reach that is chosen; at_one: out, the test of nearest neighbours. */
static double find_reach(const system_case *s, uint64_t seed, size_t rows, nnsm_reach_test *at_one)
{
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_operators o;
    nnsm_error error;
    bool converged;
    data_set d = {.operators = &o};
    assert_int_equal(nnsm_lattice_create(&lattice, s->dimensions, s->extent, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_model_create(&model, &lattice, &s->model, NULL), NNSM_OK);
    nnsm_basis basis = {.field = !s->flip,
                        .range = s->translation ? 3 : 1.5,
                        .triples = !s->flip && s->translation,
                        .quadruples = s->translation,
                        .translation = s->translation,
                        .point_group = s->point_group};
    if (nnsm_operators_create(&o, &lattice, &basis, &error))
        fail_msg("%s", error.message);
    size_t k = o.classes;
    double *extent = calloc(3 * k, sizeof *extent), *coupling = extent + k, *bars = coupling + k;
    assert_non_null(extent);
    make_data(&d, &model, s->temperature, seed, rows);
    assert_int_equal(nnsm_pseudo_create(&d.pseudo, &o, s->temperature, NULL), NNSM_OK);
    assert_int_equal(
        nnsm_pseudo_maximise(d.pseudo, NNSM_BLOCKS * rows, sum_blocks, &d, coupling, bars, &converged, NULL), NNSM_OK);
    assert_true(converged);
    for (size_t c = 0; c < k; c++)
        extent[c] = nnsm_operator_extent(&o, &lattice, c);
    double reach = 1;
    *at_one = nnsm_reach_examine(extent, coupling, bars, k, NNSM_BLOCKS, reach);
    for (nnsm_reach_test test = *at_one; test.p < NNSM_REACH_LEVEL;) {
        reach = nnsm_reach_next(extent, k, reach);
        test = nnsm_reach_examine(extent, coupling, bars, k, NNSM_BLOCKS, reach);
    }
    nnsm_pseudo_destroy(d.pseudo);
    nnsm_operators_destroy(&o);
    nnsm_model_destroy(&model);
    nnsm_lattice_destroy(&lattice);
    free(d.configurations);
    free(extent);
    return reach;
}

#define ISING .kind = NNSM_MODEL_ISING, .anisotropy = {1, 1, 1}

/* Never too short; one in a hundred may be too long, as the level says, then another data set decides. */
static void the_reach_of_known_systems_is_found(void **state)
{
    (void)state;
    static const system_case cases[] = {
        {"Ising", 2, {8, 8, 1}, true, true, true, {ISING, .coupling = 1}, 2.5, 1},
        {"Ising, bond by bond", 2, {6, 6, 1}, true, false, false, {ISING, .coupling = 1}, 2.6, 1},
        {"antiferromagnet", 2, {8, 8, 1}, true, true, true, {ISING, .coupling = -1}, 2.5, 1},
        {"field", 2, {8, 8, 1}, false, true, true, {ISING, .coupling = 1, .field = 0.1}, 2.7, 1},
        {"cube", 3, {4, 4, 4}, true, true, true, {ISING, .coupling = 1}, 5, 1},
        {"spin glass", 2, {8, 8, 1}, true, false, false, {.kind = NNSM_MODEL_SPIN_GLASS, .coupling = 1}, 2, 1},
        {"next-nearest 0.3", 2, {8, 8, 1}, true, true, true, {ISING, .coupling = 1, .next_nearest = 0.3}, 4, 1.4142136},
        {"next-nearest, bonds",
         2,
         {6, 6, 1},
         true,
         false,
         false,
         {ISING, .coupling = 1, .next_nearest = 0.3},
         4,
         1.4142136},
        {"plaquette 0.5", 2, {8, 8, 1}, true, true, true, {ISING, .coupling = 1, .plaquette = 0.5}, 3.5, 1.4142136},
        {"Baxter-Wu", 2, {6, 6, 1}, false, true, false, {.kind = NNSM_MODEL_BAXTER_WU, .coupling = 1}, 3.5, 1.4142136},
        {"chain, next-nearest", 1, {32, 1, 1}, true, true, true, {ISING, .coupling = 1, .next_nearest = 0.3}, 2, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double reach = 0;
        for (uint64_t seed = 0; seed < 2 && fabs(reach - cases[i].reach) > 1e-6; seed++) {
            nnsm_reach_test test;
            reach = find_reach(&cases[i], 500 + 100 * seed + i, 60, &test);
            print_message("%-22s reach %.4f; beyond 1: %zu operators, %.1f sigma, p = %.2g\n", cases[i].name, reach,
                          test.operators, test.sigma, test.p);
            assert_true(reach > cases[i].reach - 1e-6);
        }
        check_close(reach, cases[i].reach, 1e-6);
    }
}

/* 6400 configurations. Of 120 data sets one or two may be rejected at level 0.01, six with probability 2e-3; and
 * the p-values must be spread as they should, or the test would have no power: 24 below 0.2 are expected (a few less,
 * as Bonferroni's bound is no equality), 10 and 41 are 4 sigma away. */
static void the_rate_of_false_alarms_is_the_level(void **state)
{
    (void)state;
    enum { SETS = 120 };
    static const system_case ising = {"Ising", 2, {6, 6, 1}, true, true, true, {ISING, .coupling = 1}, 2.6, 1};
    size_t below[2] = {0};
    for (uint64_t seed = 0; seed < SETS; seed++) {
        nnsm_reach_test test;
        (void)find_reach(&ising, 1000 + seed, 20, &test);
        below[0] += test.p < NNSM_REACH_LEVEL;
        below[1] += test.p < 0.2;
    }
    print_message("%zu of %d rejected at level %g, %zu at level 0.2\n", below[0], SETS, NNSM_REACH_LEVEL, below[1]);
    assert_true(below[0] <= 5);
    assert_true(below[1] >= 7 && below[1] <= 41);
}

/* ---- the pieces */

static void probabilities_of_student_s_t(void **state)
{
    (void)state;
    check_close(nnsm_student_p(1, 1), 0.5, 1e-12);
    check_close(nnsm_student_p(2, 2), 1 - 2 / sqrt(6), 1e-12);
    check_close(nnsm_student_p(2.353363, 3), 0.1, 1e-6); /* tables */
    check_close(nnsm_student_p(-2.228139, 10), 0.05, 1e-6);
    check_close(nnsm_student_p(2.656145, 63), 0.01, 1e-6);
    check_close(nnsm_student_p(0, 63), 1, 1e-12);
    assert_true(nnsm_student_p(200, 63) >= 0 && nnsm_student_p(200, 63) < 1e-12);
}

static void extents_are_the_largest_distance_of_two_sites(void **state)
{
    (void)state;
    nnsm_lattice lattice;
    nnsm_operators o;
    const nnsm_basis basis = {.field = true,
                              .range = 2.9,
                              .triples = true,
                              .quadruples = true,
                              .m2 = true,
                              .translation = true,
                              .point_group = true};
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){6, 6}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_operators_create(&o, &lattice, &basis, NULL), NNSM_OK);
    size_t seen = 0;
    for (size_t c = 0; c < o.classes; c++) {
        double extent = nnsm_operator_extent(&o, &lattice, c);
        if (o.class[c].order == 2)
            check_close(extent, o.class[c].distance, 1e-9);
        if (o.class[c].order < 2)
            check_close(extent, 0, 0);
        if (strcmp(o.class[c].name, "plaquette") == 0 || o.class[c].order == 3) {
            check_close(extent, sqrt(2), 1e-9);
            seen++;
        }
    }
    assert_true(seen >= 2);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&lattice);
}

/* Several times the largest |J / error| counts as often as there are operators; what is not determined does not. */
static void the_test_corrects_for_the_number_of_operators(void **state)
{
    (void)state;
    const double extent[] = {1, sqrt(2), sqrt(2), 2, 2.5, 3}, coupling[] = {9, 0.2, -0.35, 0.1, NAN, 0.1};
    const double error[] = {0.1, 0.1, 0.1, 0.1, NAN, 0.1};
    nnsm_reach_test test = nnsm_reach_examine(extent, coupling, error, 6, 64, 1);
    assert_int_equal(test.operators, 4);
    assert_int_equal(test.strongest, 2);
    check_close(test.sigma, -3.5, 1e-9);
    check_close(test.p, 4 * nnsm_student_p(3.5, 63), 1e-12);
    test = nnsm_reach_examine(extent, coupling, error, 6, 64, sqrt(2));
    assert_int_equal(test.operators, 2);
    check_close(test.p, fmin(1, 2 * nnsm_student_p(1, 63)), 1e-12);
    check_close(nnsm_reach_examine(extent, coupling, error, 6, 64, 3).p, 1, 0);
    check_close(nnsm_reach_next(extent, 6, 1), sqrt(2), 1e-12);
    check_close(nnsm_reach_next(extent, 6, 3), 3, 0);
}

/* Thirty operators of extents 1, 1.1, 1.2, ...; those up to a number stand out by ten sigma. */
static void the_search_ends_at_the_first_reach_that_holds_or_for_want_of_room_rejected(void **state)
{
    enum { CLASSES = 30, MOST = 16 };
    double extent[CLASSES], coupling[CLASSES], error[CLASSES];
    nnsm_reach_test test[MOST];
    (void)state;
    for (size_t strong = 0; strong <= CLASSES; strong += 5) {
        for (size_t c = 0; c < CLASSES; c++) {
            extent[c] = 1 + 0.1 * (double)c;
            coupling[c] = c < strong ? 1 : 0.01;
            error[c] = 0.1;
        }
        size_t tests = nnsm_reach_search(extent, coupling, error, CLASSES, 64, MOST, test);
        size_t wanted = strong == 0 ? 1 : strong;
        assert_int_equal(tests, wanted < MOST ? wanted : MOST);
        assert_int_equal(test[tests - 1].p<NNSM_REACH_LEVEL, wanted> MOST);
        for (size_t i = 0; i < tests; i++)
            check_close(test[i].reach, 1 + 0.1 * (double)i, 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_of_student_s_t),
        cmocka_unit_test(extents_are_the_largest_distance_of_two_sites),
        cmocka_unit_test(the_test_corrects_for_the_number_of_operators),
        cmocka_unit_test(the_search_ends_at_the_first_reach_that_holds_or_for_want_of_room_rejected),
        cmocka_unit_test(the_reach_of_known_systems_is_found),
        cmocka_unit_test(the_rate_of_false_alarms_is_the_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
