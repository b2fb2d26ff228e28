/* Pseudo-likelihood of sites with more than two values: the loss and its derivatives by definition, couplings of known
 * models from their data alone, errors that cover the truth, and the reach of a frontier network chosen by it. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "hamiltonian/couplings_states.h"
#include "hamiltonian/pseudo_likelihood.h"
#include "hamiltonian/reach.h"
#include "lattice/generator.h"

enum { MOST = 64, EDGE = 8, SITES = EDGE * EDGE, ROWS = 16 };

typedef struct {
    const char *name;
    nnsm_model_parameters model;
    double temperature, range;
    bool odd, quartic;
} system_case;

static const system_case systems[] = {
    {"Potts, 3 states", {.kind = NNSM_MODEL_POTTS, .coupling = 1, .states = 3}, 1.2, 3, false, false},
    {"Potts, 5 states in a field",
     {.kind = NNSM_MODEL_POTTS, .coupling = 0.8, .field = 0.3, .states = 5},
     1.1,
     2,
     true,
     false},
    {"Blume-Capel",
     {.kind = NNSM_MODEL_BLUME_CAPEL, .coupling = 1, .crystal_field = 0.5, .states = 3},
     1.8,
     3,
     false,
     true},
    {"Blume-Capel in a field",
     {.kind = NNSM_MODEL_BLUME_CAPEL, .coupling = -0.7, .field = 0.2, .crystal_field = 0.3, .states = 3},
     2.0,
     2,
     true,
     true},
};
enum { SYSTEMS = sizeof systems / sizeof *systems };

/* One generator's 64 chains are the 64 blocks, snapshots their rows. */
typedef struct {
    const system_case *system;
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_operators operators;
    size_t rows;
    int8_t *configurations; /* [NNSM_BLOCKS][rows][SITES] */
    nnsm_pseudo *pseudo;
    double coupling[MOST], error[MOST], truth[MOST];
    bool converged, known;
} setting;

static void setup(setting *s, const system_case *system, uint64_t seed, size_t rows)
{
    *s = (setting){.system = system, .rows = rows};
    const nnsm_basis basis = {.field = system->odd,
                              .range = system->range,
                              .triples = system->odd && system->quartic,
                              .quadruples = system->quartic,
                              .translation = true,
                              .point_group = true};
    assert_int_equal(nnsm_lattice_create(&s->lattice, 2, (int[]){EDGE, EDGE}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_model_create(&s->model, &s->lattice, &system->model, NULL), NNSM_OK);
    assert_int_equal(nnsm_operators_create_states(&s->operators, &s->lattice, &basis, &s->model.alphabet, NULL),
                     NNSM_OK);
    assert_true(s->operators.classes <= MOST);
    assert_int_equal(nnsm_couplings_truth_of_states(&s->operators, &s->model.states, nnsm_rng_key_from_seed(3),
                                                    s->truth, &s->known, NULL),
                     NNSM_OK);
    assert_true(s->known);
    s->configurations = malloc(NNSM_BLOCKS * rows * SITES);
    int8_t *now = malloc(NNSM_GENERATOR_CHAINS * SITES);
    assert_true(s->configurations && now);
    nnsm_generator *g;
    assert_int_equal(nnsm_generator_create_model(&g, &s->model, system->temperature, NNSM_METROPOLIS,
                                                 nnsm_rng_key_from_seed(seed), 0, NULL),
                     NNSM_OK);
    nnsm_generator_advance(g, 200);
    for (size_t r = 0; r < rows; r++) {
        nnsm_generator_advance(g, 10);
        nnsm_generator_read(g, now);
        for (size_t b = 0; b < NNSM_BLOCKS; b++)
            memcpy(s->configurations + (b * rows + r) * SITES, now + b * SITES, SITES);
    }
    nnsm_generator_destroy(g);
    free(now);
    assert_int_equal(nnsm_pseudo_create(&s->pseudo, &s->operators, system->temperature, NULL), NNSM_OK);
}

static void teardown(setting *s)
{
    nnsm_pseudo_destroy(s->pseudo);
    nnsm_operators_destroy(&s->operators);
    nnsm_model_destroy(&s->model);
    nnsm_lattice_destroy(&s->lattice);
    free(s->configurations);
}

static nnsm_status sum_blocks(void *context, const nnsm_pseudo_request *request, nnsm_error *error)
{
    setting *s = context;
    size_t k = s->operators.classes, size = nnsm_pseudo_sums(s->pseudo);
    double *sums = malloc(size * sizeof *sums);
    (void)error;
    assert_non_null(sums);
    memset(request->total, 0, size * sizeof *sums);
    for (size_t b = 0; b < NNSM_BLOCKS / request->part; b++) {
        memset(sums, 0, size * sizeof *sums);
        nnsm_pseudo_add(s->pseudo, request->coupling, request->hessian, s->configurations + b * s->rows * SITES,
                        s->rows, sums);
        memcpy(request->pulls + b * k, sums, k * sizeof *sums);
        for (size_t i = 0; i < size; i++)
            request->total[i] += sums[i];
    }
    free(sums);
    return NNSM_OK;
}

static void maximise(setting *s)
{
    assert_int_equal(nnsm_pseudo_maximise(s->pseudo, NNSM_BLOCKS * s->rows, sum_blocks, s, s->coupling, s->error,
                                          &s->converged, NULL),
                     NNSM_OK);
    assert_true(s->converged);
}

/* ---- by definition */

/* -log of all sites' conditionals, from the operators of whole configurations. */
static double loss_of(const setting *s, const double *coupling, int8_t *c)
{
    double loss = 0;
    for (size_t i = 0; i < SITES; i++) {
        double weight[NNSM_MAX_VALUES], values[MOST], sum = 0, first = 0;
        int8_t own = c[i];
        for (int v = 0; v < s->operators.values; v++) {
            c[i] = (int8_t)v;
            nnsm_operators_values(&s->operators, c, values);
            weight[v] = 0;
            for (size_t k = 0; k < s->operators.classes; k++)
                weight[v] += coupling[k] * values[k] / s->system->temperature;
            first = v ? first : weight[0];
            sum += exp(weight[v] - first);
        }
        c[i] = own;
        loss -= weight[own] - first - log(sum);
    }
    return loss;
}

static void loss_and_pulls_are_those_of_the_conditionals(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    for (int n = 0; n < SYSTEMS; n++) {
        setting s;
        setup(&s, &systems[n], 4, 1);
        size_t k = s.operators.classes, size = nnsm_pseudo_sums(s.pseudo);
        double *sums = calloc(3 * size, sizeof *sums), *up = sums + size, *down = up + size, loss = 0;
        assert_non_null(sums);
        for (size_t c = 0; c < k; c++)
            s.coupling[c] = s.truth[c] + 0.1 * ((double)(c % 3) - 1);
        nnsm_pseudo_add(s.pseudo, s.coupling, true, s.configurations, COUNT, sums);
        for (size_t i = 0; i < COUNT; i++)
            loss += loss_of(&s, s.coupling, s.configurations + i * SITES);
        check_close(sums[k], loss, 2e-6 * loss);
        for (size_t c = 0; c < k; c++) {
            const double h = 0.02, kept = s.coupling[c];
            memset(up, 0, 2 * size * sizeof *up);
            s.coupling[c] = kept + h;
            nnsm_pseudo_add(s.pseudo, s.coupling, false, s.configurations, COUNT, up);
            s.coupling[c] = kept - h;
            nnsm_pseudo_add(s.pseudo, s.coupling, false, s.configurations, COUNT, down);
            s.coupling[c] = kept;
            check_close(sums[c], (down[k] - up[k]) / (2 * h), 0.02 + 2e-3 * fabs(sums[c]));
            double beta = 1 / systems[n].temperature; /* every site has all classes: one block of the Hessian */
            assert_int_equal(size, k + 1 + k * k);
            for (size_t d = 0; d <= c; d++)
                check_close(beta * beta * sums[k + 1 + c * k + d], (down[d] - up[d]) / (2 * h),
                            0.02 + 5e-3 * fabs(sums[k + 1 + c * k + d]));
        }
        free(sums);
        teardown(&s);
    }
}

/* ---- from data */

/* Every coupling within 4 of its standard errors; chi^2 of all of a system at most 5 sigma of its own width up. */
static void couplings_of_known_models_are_found(void **state)
{
    (void)state;
    for (int n = 0; n < SYSTEMS; n++) {
        setting s;
        double square = 0, largest = 0;
        setup(&s, &systems[n], 13, ROWS);
        maximise(&s);
        for (size_t c = 0; c < s.operators.classes; c++) {
            double pull = (s.coupling[c] - s.truth[c]) / s.error[c];
            print_message("%-28s %-28s %9.5f +- %.5f, true %g\n", systems[n].name, s.operators.class[c].name,
                          s.coupling[c], s.error[c], s.truth[c]);
            assert_true(fabs(pull) < 4.5);
            square += pull * pull;
            largest = fmax(largest, s.error[c]);
        }
        double classes = (double)s.operators.classes;
        assert_true(square < classes + 5 * sqrt(2 * classes) && largest < 0.25);
        teardown(&s);
    }
}

/* 16 data sets: the pulls' mean square is 1, by 4 standard deviations of the mean of so many, taken as independent in a
 * third of the couplings. */
static void errors_cover_the_truth(void **state)
{
    (void)state;
    enum { SETS = 16 };
    double square = 0, count = 0;
    for (uint64_t seed = 0; seed < SETS; seed++) {
        setting s;
        setup(&s, &systems[2], 100 + seed, 4);
        maximise(&s);
        for (size_t c = 0; c < s.operators.classes; c++, count++)
            square += pow((s.coupling[c] - s.truth[c]) / s.error[c], 2);
        teardown(&s);
    }
    print_message("mean square pull of %g couplings: %.3f\n", count, square / count);
    check_close(square / count, 1, 4 * sqrt(2 / (count / 3)));
}

/* Diagonals in waves of four, sums of neighbours of random spins: every site follows from those around it, as of sums
 * in windows that overlap. The likelihood rises towards infinite couplings; none that rounding stops at is an answer.
 */
static void sites_that_follow_from_the_others_have_no_couplings(void **state)
{
    (void)state;
    setting s;
    bool converged;
    setup(&s, &systems[2], 5, ROWS);
    for (size_t r = 0; r < NNSM_BLOCKS * ROWS; r++) {
        uint32_t random[4];
        nnsm_rng_block(nnsm_rng_key_from_seed(8), NNSM_RNG_TEST, (uint32_t)r, 0, 0, random);
        for (size_t i = 0; i < SITES; i++) {
            size_t d = i / EDGE + i % EDGE;
            s.configurations[r * SITES + i] = (int8_t)((random[0] >> d % 4 & 1) + (random[0] >> (d + 1) % 4 & 1));
        }
    }
    assert_int_equal(
        nnsm_pseudo_maximise(s.pseudo, NNSM_BLOCKS * ROWS, sum_blocks, &s, s.coupling, s.error, &converged, NULL),
        NNSM_OK);
    assert_false(converged);
    for (size_t c = 0; c < s.operators.classes; c++)
        assert_true(isnan(s.coupling[c]) && isnan(s.error[c]));
    teardown(&s);
}

static void the_reach_of_nearest_neighbours_is_one(void **state)
{
    (void)state;
    setting s;
    double extent[MOST];
    setup(&s, &systems[0], 21, ROWS);
    maximise(&s);
    for (size_t c = 0; c < s.operators.classes; c++)
        extent[c] = nnsm_operator_extent(&s.operators, &s.lattice, c);
    nnsm_reach_test test = nnsm_reach_examine(extent, s.coupling, s.error, s.operators.classes, NNSM_BLOCKS, 1);
    assert_true(test.operators > 3 && test.p > NNSM_REACH_LEVEL);
    /* a pair on the diagonal that is coupled is noticed */
    for (size_t c = 0; c < s.operators.classes; c++)
        s.coupling[c] += fabs(extent[c] - sqrt(2)) < 1e-6 ? 10 * s.error[c] : 0;
    test = nnsm_reach_examine(extent, s.coupling, s.error, s.operators.classes, NNSM_BLOCKS, 1);
    assert_true(test.p < NNSM_REACH_LEVEL);
    teardown(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_pulls_are_those_of_the_conditionals),
        cmocka_unit_test(couplings_of_known_models_are_found),
        cmocka_unit_test(errors_cover_the_truth),
        cmocka_unit_test(sites_that_follow_from_the_others_have_no_couplings),
        cmocka_unit_test(the_reach_of_nearest_neighbours_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
