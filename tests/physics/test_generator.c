/* Generators against exact energies, and symmetries against the model's energy. */
#include "check.h"
#include "lattice/exact.h"
#include "lattice/generator.h"
#include "lattice/multispin.h"
#include "lattice/symmetry.h"

static void compare(const nnsm_ising *model, double temperature, nnsm_algorithm algorithm, uint32_t thermalization,
                    uint32_t interval, int kept)
{
    static int8_t s[NNSM_GENERATOR_CHAINS * 256];
    double sum = 0, square = 0;
    enum { TILES = 4 };
    for (uint32_t tile = 0; tile < TILES; tile++) {
        nnsm_generator *g;
        double chain[NNSM_GENERATOR_CHAINS] = {0};
        assert_int_equal(nnsm_generator_create(&g, model, temperature, algorithm, nnsm_rng_key_from_seed(77),
                                               tile * NNSM_GENERATOR_CHAINS, NULL),
                         NNSM_OK);
        nnsm_generator_advance(g, thermalization);
        for (int k = 0; k < kept; k++) {
            nnsm_generator_advance(g, interval);
            nnsm_generator_read(g, s);
            for (size_t c = 0; c < NNSM_GENERATOR_CHAINS; c++)
                chain[c] +=
                    nnsm_ising_energy(model, s + c * model->lattice->sites) / (kept * (double)model->lattice->sites);
        }
        for (size_t c = 0; c < NNSM_GENERATOR_CHAINS; c++) {
            sum += chain[c];
            square += chain[c] * chain[c];
        }
        nnsm_generator_destroy(g);
    }
    double n = TILES * NNSM_GENERATOR_CHAINS, mean = sum / n, error = sqrt((square / n - mean * mean) / (n - 1));
    double exact = nnsm_exact_thermodynamics(model, temperature).energy;
    print_message("T = %g, %s: E/N = %.5f +- %.5f, exact %.5f, %.2f sigma\n", temperature,
                  algorithm == NNSM_WOLFF ? "Wolff" : "Metropolis", mean, error, exact, (mean - exact) / error);
    check_close(mean, exact, 3 * error);
}

/* Every bit of every sweep: the sweep of words against the sweep that compares one 32-bit number a spin. */
static void words_of_spins_decide_as_single_spins_do(void **state)
{
    (void)state;
    static const struct {
        int dimensions, extent[3];
        bool periodic;
        double coupling, field;
    } cases[] = {{2, {16, 16}, true, 1, 0},    {2, {5, 7}, true, 1, 0.3},        {2, {4, 6}, false, -1, 0.2},
                 {3, {2, 3, 4}, true, 0.7, 0}, {3, {3, 4, 5}, false, 0.4, -0.1}, {1, {9}, false, 1, 0}};
    static int8_t s[64 * 256], t[64 * 256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nnsm_lattice lattice;
        nnsm_multispin *words, *single;
        assert_int_equal(nnsm_lattice_create(&lattice, cases[i].dimensions, cases[i].extent, cases[i].periodic, NULL),
                         NNSM_OK);
        nnsm_ising model = {&lattice, cases[i].coupling, cases[i].field};
        nnsm_rng_key key = nnsm_rng_key_from_seed(5);
        assert_int_equal(nnsm_multispin_create(&words, &model, 2.1, 0.95, key, 64, NULL), NNSM_OK);
        assert_int_equal(nnsm_multispin_create(&single, &model, 2.1, 0.95, key, 64, NULL), NNSM_OK);
        for (uint32_t sweep = 0; sweep < 200; sweep++) {
            nnsm_multispin_sweep(words, sweep);
            nnsm_multispin_sweep_reference(single, sweep);
            nnsm_multispin_read(words, s);
            nnsm_multispin_read(single, t);
            assert_memory_equal(s, t, 64 * lattice.sites);
            nnsm_multispin_write(words, t); /* a copy of what was read: nothing changes */
        }
        nnsm_multispin_destroy(words);
        nnsm_multispin_destroy(single);
        nnsm_lattice_destroy(&lattice);
    }
}

static void energies_agree_with_kaufman(void **state)
{
    (void)state;
    static const double temperature[] = {2.0, 2.269185, 2.5, 3.0};
    nnsm_lattice lattice;
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){16, 16}, true, NULL), NNSM_OK);
    nnsm_ising model = {&lattice, 1, 0};
    for (int i = 0; i < 4; i++) {
        /* Stripes of a random start at T = 2 live for thousands of sweeps: thermalize long. */
        compare(&model, temperature[i], NNSM_METROPOLIS, 20000, 20, 100);
        compare(&model, temperature[i], NNSM_WOLFF, 200, 5, 100);
    }
    nnsm_lattice_destroy(&lattice);
}

static void energies_agree_with_other_exact_solutions(void **state)
{
    (void)state;
    static const struct {
        int dimensions, extent[3];
        bool periodic;
        double coupling, field;
    } cases[] = {
        {1, {12}, true, 1, 0.2}, {2, {3, 3}, true, 1, 0.1}, {2, {3, 5}, false, -1, 0.3}, {3, {2, 2, 3}, true, 0.5, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nnsm_lattice lattice;
        assert_int_equal(nnsm_lattice_create(&lattice, cases[i].dimensions, cases[i].extent, cases[i].periodic, NULL),
                         NNSM_OK);
        nnsm_ising model = {&lattice, cases[i].coupling, cases[i].field};
        compare(&model, 2.3, NNSM_METROPOLIS, 500, 5, 400);
        compare(&model, 2.3, NNSM_WOLFF, 500, 5, 400);
        nnsm_lattice_destroy(&lattice);
    }
}

static void symmetries_preserve_the_energy_and_form_the_group(void **state)
{
    (void)state;
    static const struct {
        int dimensions, extent[3];
        size_t count;
    } cases[] = {{1, {7}, 2 * 7 * 2},
                 {2, {4, 4}, 8 * 16 * 2},
                 {2, {3, 5}, 4 * 15 * 2},
                 {3, {3, 3, 3}, 48 * 27 * 2},
                 {3, {2, 3, 3}, 16 * 18 * 2}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        nnsm_lattice lattice;
        nnsm_symmetry *symmetry;
        int8_t s[32], t[32], first[32];
        assert_int_equal(nnsm_lattice_create(&lattice, cases[k].dimensions, cases[k].extent, true, NULL), NNSM_OK);
        nnsm_ising model = {&lattice, 1, 0};
        assert_int_equal(nnsm_symmetry_create(&symmetry, &lattice, true, true, true, NULL), NNSM_OK);
        assert_int_equal(nnsm_symmetry_count(symmetry), cases[k].count);
        for (size_t i = 0; i < lattice.sites; i++)
            s[i] = (0x5a3c96e1u >> i & 1) ^ (i % 3 == 0) ? 1 : -1;
        for (size_t i = 0; i < lattice.sites; i++) {
            double before = nnsm_ising_energy(&model, s), change = nnsm_ising_flip_change(&model, s, i);
            s[i] = (int8_t)-s[i];
            check_close(nnsm_ising_energy(&model, s) - before, change, 1e-12);
            s[i] = (int8_t)-s[i];
        }
        for (size_t e = 0; e < cases[k].count; e++) {
            nnsm_symmetry_apply(symmetry, e, s, t);
            check_close(nnsm_ising_energy(&model, t), nnsm_ising_energy(&model, s), 0);
            if (e == 0)
                assert_memory_equal(s, t, lattice.sites);
        }
        /* Every site is carried to every site: translations act transitively. */
        for (size_t i = 0; i < lattice.sites; i++) {
            int hits = 0;
            for (size_t j = 0; j < lattice.sites; j++)
                first[j] = j == 0 ? 1 : -1;
            for (size_t e = 0; e < lattice.sites; e++) {
                nnsm_symmetry_apply(symmetry, e, first, t);
                hits += t[i] == 1;
            }
            assert_int_equal(hits, 1);
        }
        nnsm_symmetry_destroy(symmetry);
        nnsm_lattice_destroy(&lattice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_spins_decide_as_single_spins_do),
        cmocka_unit_test(energies_agree_with_kaufman),
        cmocka_unit_test(energies_agree_with_other_exact_solutions),
        cmocka_unit_test(symmetries_preserve_the_energy_and_form_the_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
