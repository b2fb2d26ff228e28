/* Refinement of couplings to maximum likelihood, against the exact means of a 4 x 4 lattice. */
#include "check.h"
#include "hamiltonian/refinement.h"
#include "nnsm/rng.h"

#include <stdlib.h>
#include <string.h>

enum { SITES = 16, STATES = 1 << SITES, DRAWS = 100 * NNSM_BLOCKS };
static const double temperature = 2.5, truth[] = {0.9, -0.2, 0.15}; /* neighbours, diagonals, plaquettes */

typedef struct {
    nnsm_lattice lattice;
    nnsm_operators operators;
    nnsm_refinement r;
    double *sums, *weight;
    int8_t *state; /* [STATES][SITES] */
} exact;

static void create(exact *e)
{
    const nnsm_basis basis = {.range = 1.5, .quadruples = true, .translation = true, .point_group = true};
    assert_int_equal(nnsm_lattice_create(&e->lattice, 2, (const int[]){4, 4, 1}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_operators_create(&e->operators, &e->lattice, &basis, NULL), NNSM_OK);
    assert_true(e->operators.classes >= 3);
    assert_int_equal(nnsm_refinement_create(&e->r, &e->operators, temperature, NULL), NNSM_OK);
    e->sums = calloc(nnsm_refinement_sums(&e->r), sizeof *e->sums);
    e->weight = malloc(STATES * sizeof *e->weight);
    e->state = malloc((size_t)STATES * SITES);
    for (size_t k = 0; k < STATES; k++)
        for (size_t i = 0; i < SITES; i++)
            e->state[k * SITES + i] = k >> i & 1 ? 1 : -1;
}

static void destroy(exact *e)
{
    nnsm_refinement_destroy(&e->r);
    nnsm_operators_destroy(&e->operators);
    nnsm_lattice_destroy(&e->lattice);
    free(e->sums);
    free(e->weight);
    free(e->state);
}

/* exp(-H / T0), normalised, for the true couplings; other operators of the basis have none. */
static void fill_weights(exact *e)
{
    double values[16], z = 0;
    for (size_t k = 0; k < STATES; k++) {
        double h = 0;
        nnsm_operators_values(&e->operators, e->state + k * SITES, values);
        for (size_t c = 0; c < 3; c++)
            h -= truth[c] * values[c];
        z += e->weight[k] = exp(-h / temperature);
    }
    for (size_t k = 0; k < STATES; k++)
        e->weight[k] /= z;
}

/* With every state once as the samples of a network that knows nothing (H = 0), means under H_J are exact, and the
 * steps are Newton's on the likelihood of data with the true means. */
static void steps_reach_the_maximum_of_the_likelihood(void **state)
{
    (void)state;
    static double energy[STATES];
    exact e = {0};
    double values[16], mean[16] = {0}, coupling[16] = {0.7, 0.05, 0.0};
    create(&e);
    fill_weights(&e);
    size_t k = e.operators.classes;
    assert_true(k <= 16);
    for (size_t s = 0; s < STATES; s++) {
        nnsm_operators_values(&e.operators, e.state + s * SITES, values);
        for (size_t c = 0; c < k; c++)
            mean[c] += e.weight[s] * values[c];
    }
    nnsm_refinement_data(&e.r, mean, 1);
    for (int step = 0; step < 6; step++) {
        memset(e.sums, 0, nnsm_refinement_sums(&e.r) * sizeof *e.sums);
        nnsm_refinement_add(&e.r, coupling, 0, e.state, energy, STATES, e.sums);
        nnsm_refinement_step(&e.r, e.sums, coupling);
    }
    for (size_t c = 0; c < k; c++)
        check_close(coupling[c], c < 3 ? truth[c] : 0, 1e-6);
    destroy(&e);
}

/* Independent draws: the error is Fisher's, T0 sqrt(C^-1 / n). From 64 blocks an error has one of 9 %; four of those.
 */
static void errors_are_fisher_s(void **state)
{
    (void)state;
    static double energy[STATES], table[NNSM_BLOCKS * 16];
    exact e = {0};
    double sums[16] = {0}, coupling[16] = {0}, error[16], unit[16];
    size_t rows[NNSM_BLOCKS], at = 0;
    create(&e);
    fill_weights(&e);
    size_t k = e.operators.classes;
    for (size_t c = 0; c < 3; c++)
        coupling[c] = truth[c];
    for (size_t s = 1; s < STATES; s++)
        e.weight[s] += e.weight[s - 1];
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(31), NNSM_RNG_TEST, 0, 0);
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        rows[b] = DRAWS / NNSM_BLOCKS;
        for (size_t i = 0; i < rows[b]; i++) {
            double u = nnsm_rng_uniform(&draw);
            size_t low = 0, high = STATES - 1;
            while (low < high) {
                at = (low + high) / 2;
                if (e.weight[at] < u)
                    low = at + 1;
                else
                    high = at;
            }
            nnsm_refinement_add_data(&e.r, e.state + low * SITES, 1, table + b * k);
        }
        for (size_t c = 0; c < k; c++)
            sums[c] += table[b * k + c];
    }
    nnsm_refinement_data(&e.r, sums, DRAWS);
    nnsm_refinement_add(&e.r, coupling, 0, e.state, energy, STATES, e.sums);
    nnsm_refinement_step(&e.r, e.sums, coupling);
    nnsm_refinement_errors(&e.r, rows, table, error);
    for (size_t c = 0; c < k; c++) {
        memset(unit, 0, sizeof unit);
        unit[c] = 1;
        nnsm_normal_solve(&e.r.normal, unit);
        double fisher = temperature * sqrt(unit[c] * (1.0 / DRAWS + 1 / e.r.effective));
        check_close(error[c] / fisher, 1, 0.36);
        check_close((coupling[c] - (c < 3 ? truth[c] : 0)) / error[c], 0, 4.5); /* sigma */
    }
    destroy(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_reach_the_maximum_of_the_likelihood),
        cmocka_unit_test(errors_are_fisher_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
