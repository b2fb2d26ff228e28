/* The known models: energies by their definitions, and what their generators make against enumeration and exact
 * formulas. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lattice/exact.h"
#include "lattice/generator.h"

enum { CHAINS = NNSM_GENERATOR_CHAINS };

typedef struct {
    nnsm_model_parameters parameters;
    int dimensions, extent[3];
    bool open;
} system_case;

#define ALIKE                                                                                                          \
    {                                                                                                                  \
        1, 1, 1                                                                                                        \
    }

static void make(const system_case *c, nnsm_lattice *lattice, nnsm_model *model)
{
    nnsm_error error;
    assert_int_equal(nnsm_lattice_create(lattice, c->dimensions, c->extent, !c->open, NULL), NNSM_OK);
    if (nnsm_model_create(model, lattice, &c->parameters, &error))
        fail_msg("%s", error.message);
}

static void unmake(nnsm_lattice *lattice, nnsm_model *model)
{
    nnsm_model_destroy(model);
    nnsm_lattice_destroy(lattice);
}

static void random_spins(uint32_t stream, size_t count, int8_t *spins)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(5), NNSM_RNG_TEST, stream, 0);
    for (size_t i = 0; i < count; i++)
        spins[i] = nnsm_rng_next(&draw) >> 31 ? 1 : -1;
}

/* ---- energies by definition */

static int at(const int8_t *s, int x, int y)
{
    return s[(x + 6) % 6 * 6 + (y + 6) % 6];
}

static void energies_follow_their_definitions(void **state)
{
    (void)state;
    const system_case ising = {
        {.coupling = -0.7, .anisotropy = {1, 0.4, 1}, .next_nearest = 0.3, .plaquette = 0.25, .field = 0.1},
        2,
        {6, 6},
        false};
    const system_case triangular = {
        {.kind = NNSM_MODEL_BAXTER_WU, .coupling = 1.3, .anisotropy = ALIKE, .field = 0.2}, 2, {6, 6}, false};
    int8_t s[36];
    for (uint32_t k = 0; k < 20; k++) {
        nnsm_lattice lattice;
        nnsm_model model;
        double e = 0, t = 0;
        random_spins(k, 36, s);
        for (int x = 0; x < 6; x++)
            for (int y = 0; y < 6; y++) {
                int here = at(s, x, y);
                e -= -0.7 * here * at(s, x + 1, y) - 0.28 * here * at(s, x, y + 1) + 0.1 * here;
                e -= 0.3 * here * (at(s, x + 1, y + 1) + at(s, x + 1, y - 1));
                e -= 0.25 * here * at(s, x + 1, y) * at(s, x, y + 1) * at(s, x + 1, y + 1);
                t -= 1.3 * here * (at(s, x + 1, y) * at(s, x, y + 1) + at(s, x - 1, y) * at(s, x, y - 1)) + 0.2 * here;
            }
        make(&ising, &lattice, &model);
        check_close(nnsm_model_energy(&model, s), e, 1e-12);
        unmake(&lattice, &model);
        make(&triangular, &lattice, &model);
        check_close(nnsm_model_energy(&model, s), t, 1e-12);
        unmake(&lattice, &model);
    }
}

/* Periodic bonds across an extent of 2 are there twice in both forms. */
static void the_plain_model_is_the_same_in_local_form(void **state)
{
    (void)state;
    const system_case cases[] = {{{.coupling = 1.1, .anisotropy = ALIKE, .field = 0.3}, 2, {2, 5}, false},
                                 {{.coupling = -1, .anisotropy = ALIKE}, 3, {2, 3, 4}, true},
                                 {{.coupling = 1, .anisotropy = {2, 2, 2}}, 1, {7}, false}};
    int8_t s[24];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nnsm_lattice lattice;
        nnsm_model model;
        make(&cases[i], &lattice, &model);
        assert_true(model.nearest);
        for (uint32_t k = 0; k < 10; k++) {
            random_spins(k, lattice.sites, s);
            check_close(nnsm_local_energy(&model.local, s), nnsm_ising_energy(&model.ising, s), 1e-12);
        }
        unmake(&lattice, &model);
    }
}

static void ground_states_have_order_one(void **state)
{
    (void)state;
    const system_case anti = {{.coupling = -1, .anisotropy = {1, -1, 1}}, 2, {4, 3}, false};
    const system_case triangular = {
        {.kind = NNSM_MODEL_BAXTER_WU, .coupling = 1, .anisotropy = ALIKE}, 2, {6, 3}, false};
    const system_case frustrated = {{.coupling = -1, .anisotropy = ALIKE}, 2, {3, 3}, false};
    nnsm_lattice lattice;
    nnsm_model model;
    int8_t s[18];
    make(&anti, &lattice, &model); /* antiferromagnetic along the first axis only */
    for (int i = 0; i < 12; i++)
        s[i] = i / 3 % 2 ? 1 : -1;
    check_close(nnsm_model_energy(&model, s), -24, 1e-12);
    check_close(nnsm_model_order(&model, s), 1, 1e-12);
    s[0] = (int8_t)-s[0];
    check_close(nnsm_model_order(&model, s), 10 / 12., 1e-12);
    unmake(&lattice, &model);
    make(&triangular, &lattice, &model); /* all up, or two of three sublattices down: energy -2 J a site */
    for (int up = 0; up < 4; up++) {
        for (int i = 0; i < 18; i++)
            s[i] = up == 3 || (i / 3 + 2 * (i % 3)) % 3 == up ? 1 : -1;
        check_close(nnsm_model_energy(&model, s), -36, 1e-12);
        check_close(nnsm_model_order(&model, s), 1, 1e-12);
    }
    unmake(&lattice, &model);
    make(&frustrated, &lattice, &model);
    assert_null(model.sublattice);
    unmake(&lattice, &model);
}

static void a_glass_belongs_to_its_seed(void **state)
{
    (void)state;
    system_case glass = {
        {.kind = NNSM_MODEL_SPIN_GLASS, .coupling = 1, .anisotropy = ALIKE, .disorder = 4}, 2, {16, 16}, false};
    nnsm_lattice lattice, other_lattice;
    nnsm_model model, other;
    make(&glass, &lattice, &model);
    make(&glass, &other_lattice, &other);
    assert_int_equal(model.operators.terms, 512);
    assert_memory_equal(model.operators.site, other.operators.site, 512 * sizeof *model.operators.site);
    check_close((double)model.operators.class[0].terms, 256, 4 * sqrt(128)); /* 4 sigma of fair signs */
    unmake(&other_lattice, &other);
    glass.parameters.disorder = 5;
    make(&glass, &other_lattice, &other);
    assert_memory_not_equal(model.operators.site, other.operators.site, 512 * sizeof *model.operators.site);
    unmake(&other_lattice, &other);
    unmake(&lattice, &model);
}

/* ---- exact formulas */

/* On an open chain with next-nearest coupling the bonds s_i s_(i+1) are an open Ising chain of N - 1 sites with
 * coupling J2 in a field J1. Independent plaquettes of an open square lattice: Z = 2^N cosh(K / T)^plaquettes. */
static nnsm_thermodynamics chain_of_bonds(int sites, double j1, double j2, double temperature)
{
    nnsm_lattice lattice;
    int bonds = sites - 1;
    assert_int_equal(nnsm_lattice_create(&lattice, 1, &bonds, false, NULL), NNSM_OK);
    nnsm_ising dual = {&lattice, j2, j1};
    nnsm_thermodynamics t = nnsm_exact_thermodynamics(&dual, temperature);
    t.log_partition = (t.log_partition * bonds + log(2)) / sites;
    t.energy *= (double)bonds / sites;
    t.heat_capacity *= (double)bonds / sites;
    nnsm_lattice_destroy(&lattice);
    return t;
}

static void enumeration_agrees_with_exact_formulas(void **state)
{
    (void)state;
    const system_case chain = {{.coupling = 0.8, .anisotropy = ALIKE, .next_nearest = -0.5}, 1, {13}, true};
    const system_case squares = {{.coupling = 0, .anisotropy = ALIKE, .plaquette = 1.5}, 2, {4, 4}, true};
    nnsm_lattice lattice;
    nnsm_model model;
    make(&chain, &lattice, &model);
    assert_true(nnsm_exact_model_available(&model));
    nnsm_thermodynamics t = nnsm_exact_model(&model, 1.7), formula = chain_of_bonds(13, 0.8, -0.5, 1.7);
    check_close(t.log_partition, formula.log_partition, 1e-12);
    check_close(t.energy, formula.energy, 1e-12);
    check_close(t.heat_capacity, formula.heat_capacity, 1e-11);
    unmake(&lattice, &model);
    make(&squares, &lattice, &model);
    t = nnsm_exact_model(&model, 2);
    check_close(t.log_partition, log(2) + 9 * log(cosh(0.75)) / 16, 1e-12);
    check_close(t.energy, -9 * 1.5 * tanh(0.75) / 16, 1e-12);
    check_close(t.entropy, t.log_partition + t.energy / 2, 1e-12);
    unmake(&lattice, &model);
}

/* Mean energy and error over chains, against the exact value: 3.5 sigma. */
static void compare_energy(const nnsm_model *model, double temperature, nnsm_algorithm algorithm,
                           uint32_t thermalization, uint32_t interval, int kept, double exact)
{
    enum { TILES = 4 };
    size_t sites = model->lattice->sites;
    int8_t *s = malloc(CHAINS * sites);
    double sum = 0, square = 0;
    for (uint32_t tile = 0; tile < TILES; tile++) {
        nnsm_generator *g;
        double chain[CHAINS] = {0};
        assert_int_equal(nnsm_generator_create_local(&g, &model->local, temperature, algorithm,
                                                     nnsm_rng_key_from_seed(78), tile * CHAINS, NULL),
                         NNSM_OK);
        nnsm_generator_advance(g, thermalization);
        for (int k = 0; k < kept; k++) {
            nnsm_generator_advance(g, interval);
            nnsm_generator_read(g, s);
            for (size_t c = 0; c < CHAINS; c++)
                chain[c] += nnsm_model_energy(model, s + c * sites) / (kept * (double)sites);
        }
        for (size_t c = 0; c < CHAINS; c++) {
            sum += chain[c];
            square += chain[c] * chain[c];
        }
        nnsm_generator_destroy(g);
    }
    double n = TILES * CHAINS, mean = sum / n, error = sqrt((square / n - mean * mean) / (n - 1));
    print_message("%s %zu sites, T = %g, %s: E/N = %.5f +- %.5f, exact %.5f, %.2f sigma\n",
                  nnsm_model_name(model->parameters.kind), sites, temperature,
                  algorithm == NNSM_WOLFF ? "Wolff" : "Metropolis", mean, error, exact, (mean - exact) / error);
    check_close(mean, exact, 3.5 * error);
    free(s);
}

static void generators_agree_with_exact_formulas_on_large_lattices(void **state)
{
    (void)state;
    const system_case chain = {{.coupling = 0.8, .anisotropy = ALIKE, .next_nearest = 0.5}, 1, {200}, true};
    const system_case squares = {{.coupling = 0, .anisotropy = ALIKE, .plaquette = 1}, 2, {12, 12}, true};
    const system_case plain = {{.coupling = 1, .anisotropy = ALIKE}, 2, {16, 16}, false};
    nnsm_lattice lattice;
    nnsm_model model;
    make(&chain, &lattice, &model);
    double exact = chain_of_bonds(200, 0.8, 0.5, 1.5).energy;
    compare_energy(&model, 1.5, NNSM_METROPOLIS, 1000, 20, 50, exact);
    compare_energy(&model, 1.5, NNSM_WOLFF, 500, 10, 50, exact);
    unmake(&lattice, &model);
    make(&squares, &lattice, &model);
    compare_energy(&model, 1, NNSM_METROPOLIS, 1000, 20, 50, -121 * tanh(1) / 144);
    unmake(&lattice, &model);
    make(&plain, &lattice, &model);
    exact = nnsm_exact_model(&model, 2.5).energy;
    compare_energy(&model, 2.5, NNSM_METROPOLIS, 2000, 20, 50, exact);
    compare_energy(&model, 2.5, NNSM_WOLFF, 300, 10, 50, exact);
    unmake(&lattice, &model);
}

/* ---- every state of a small lattice */

static double energy_of_state(const nnsm_local *local, uint32_t state, int8_t *s)
{
    for (size_t i = 0; i < local->operators->sites; i++)
        s[i] = state >> i & 1 ? 1 : -1;
    return nnsm_local_energy(local, s);
}

/* Chi-square of the visits of all 2^N states. */
static void compare_states(const nnsm_local *local, double temperature, nnsm_algorithm algorithm, const char *name)
{
    enum { TILES = 4, KEPT = 400, MOST = 12 };
    const uint32_t interval = algorithm == NNSM_WOLFF ? 15 : 40; /* long enough for visits to be independent */
    static double weight[1 << MOST], seen[1 << MOST];
    static int8_t s[CHAINS * MOST];
    size_t sites = local->operators->sites, states = (size_t)1 << sites;
    for (uint32_t i = 0; i < states; i++) {
        weight[i] = exp(-energy_of_state(local, i, s) / temperature);
        seen[i] = 0;
    }
    for (uint32_t tile = 0; tile < TILES; tile++) {
        nnsm_generator *g;
        assert_int_equal(nnsm_generator_create_local(&g, local, temperature, algorithm, nnsm_rng_key_from_seed(9),
                                                     tile * CHAINS, NULL),
                         NNSM_OK);
        nnsm_generator_advance(g, 200);
        for (int k = 0; k < KEPT; k++) {
            nnsm_generator_advance(g, interval);
            nnsm_generator_read(g, s);
            for (size_t c = 0; c < CHAINS; c++) {
                uint32_t code = 0;
                for (size_t i = 0; i < sites; i++)
                    code |= (uint32_t)(s[c * sites + i] > 0) << i;
                seen[code]++;
            }
        }
        nnsm_generator_destroy(g);
    }
    double p = check_visits_p(weight, seen, states);
    print_message("%s, %s: p = %.3f\n", name, algorithm == NNSM_WOLFF ? "Wolff" : "Metropolis", p);
    if (p < 1e-4)
        fail_msg("%s: the states are not visited as often as they should", name);
}

static void generators_visit_every_state_as_they_should(void **state)
{
    (void)state;
    const struct {
        const char *name;
        double temperature;
        bool wolff;
        system_case system;
    } cases[] = {
        {"next-nearest", 3, true, {{.coupling = 1, .anisotropy = ALIKE, .next_nearest = 0.3}, 2, {3, 4}, false}},
        {"frustrated next-nearest in a field",
         2.5,
         true,
         {{.coupling = -1, .anisotropy = ALIKE, .next_nearest = -0.4, .field = 0.2}, 2, {3, 3}, false}},
        {"anisotropic", 2.5, true, {{.coupling = 1, .anisotropy = {1, -0.5, 1}, .field = -0.3}, 2, {3, 4}, true}},
        {"plaquettes", 2, false, {{.coupling = 0.2, .anisotropy = ALIKE, .plaquette = 0.8}, 2, {3, 4}, true}},
        {"glass in a field",
         2,
         true,
         {{.kind = NNSM_MODEL_SPIN_GLASS, .coupling = 1, .anisotropy = ALIKE, .field = 0.3, .disorder = 3},
          2,
          {3, 4},
          false}},
        {"Baxter-Wu in a field",
         4,
         false,
         {{.kind = NNSM_MODEL_BAXTER_WU, .coupling = 1, .anisotropy = ALIKE, .field = 0.2}, 2, {3, 3}, false}},
        {"open Baxter-Wu",
         2.5,
         false,
         {{.kind = NNSM_MODEL_BAXTER_WU, .coupling = -1, .anisotropy = ALIKE}, 2, {3, 4}, true}},
        {"chain", 2, true, {{.coupling = 1, .anisotropy = ALIKE, .next_nearest = -0.6, .field = 0.1}, 1, {11}, false}},
        {"cube", 5, true, {{.coupling = 1, .anisotropy = ALIKE, .next_nearest = 0.2}, 3, {2, 2, 3}, false}},
        {"cube with plaquettes",
         6,
         false,
         {{.coupling = 0.5, .anisotropy = {1, 1, 2}, .next_nearest = 0.2, .plaquette = -0.5}, 3, {2, 2, 3}, false}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nnsm_lattice lattice;
        nnsm_model model;
        make(&cases[i].system, &lattice, &model);
        compare_states(&model.local, cases[i].temperature, NNSM_METROPOLIS, cases[i].name);
        if (cases[i].wolff)
            compare_states(&model.local, cases[i].temperature, NNSM_WOLFF, cases[i].name);
        unmake(&lattice, &model);
    }
}

/* All kinds of operators at once, as a distilled Hamiltonian has them. */
static void any_local_hamiltonian_is_sampled(void **state)
{
    (void)state;
    const nnsm_basis basis = {.field = true,
                              .range = 1.5,
                              .triples = true,
                              .quadruples = true,
                              .m2 = true,
                              .translation = true,
                              .point_group = true};
    nnsm_lattice lattice;
    nnsm_operators o;
    double coupling[32];
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){3, 4}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_operators_create(&o, &lattice, &basis, NULL), NNSM_OK);
    assert_true(o.classes < 32);
    for (size_t c = 0; c < o.classes; c++)
        coupling[c] = o.class[c].order ? 0.1 + 0.05 * (double)(c % 3) * (c % 2 ? -1 : 1) : 0.4;
    compare_states(&(nnsm_local){&o, coupling}, 8, NNSM_METROPOLIS, "all kinds of operators");
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&lattice);
}

/* ---- going on, refusals */

static void generators_go_on_from_configurations_and_updates(void **state)
{
    (void)state;
    const system_case c = {{.coupling = 1, .anisotropy = ALIKE, .next_nearest = 0.3, .field = 0.1}, 2, {4, 5}, false};
    static int8_t s[CHAINS * 20], t[CHAINS * 20];
    nnsm_lattice lattice;
    nnsm_model model;
    make(&c, &lattice, &model);
    for (int algorithm = 0; algorithm < 2; algorithm++) {
        nnsm_generator *g, *h;
        nnsm_rng_key key = nnsm_rng_key_from_seed(1);
        assert_int_equal(nnsm_generator_create_model(&g, &model, 2, (nnsm_algorithm)algorithm, key, 64, NULL), NNSM_OK);
        assert_int_equal(nnsm_generator_create_model(&h, &model, 2, (nnsm_algorithm)algorithm, key, 64, NULL), NNSM_OK);
        nnsm_generator_advance(g, 7);
        nnsm_generator_read(g, s);
        nnsm_generator_resume(h, s, nnsm_generator_updates(g));
        nnsm_generator_advance(g, 5);
        nnsm_generator_advance(h, 5);
        nnsm_generator_read(g, s);
        nnsm_generator_read(h, t);
        assert_memory_equal(s, t, sizeof s);
        nnsm_generator_destroy(g);
        nnsm_generator_destroy(h);
    }
    unmake(&lattice, &model);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    const system_case squares = {{.coupling = 1, .anisotropy = ALIKE, .plaquette = 1}, 2, {4, 4}, false};
    const struct {
        const char *word;
        nnsm_model_parameters parameters;
        int dimensions, extent[3];
    } cases[] = {
        {"multiple of 3", {.kind = NNSM_MODEL_BAXTER_WU, .coupling = 1, .anisotropy = ALIKE}, 2, {6, 4}},
        {"two dimensions", {.kind = NNSM_MODEL_BAXTER_WU, .coupling = 1, .anisotropy = ALIKE}, 1, {6}},
        {"no plaquettes", {.coupling = 1, .anisotropy = ALIKE, .plaquette = 1}, 1, {6}},
        {"no next-nearest", {.coupling = 1, .anisotropy = ALIKE, .next_nearest = 1}, 1, {2}},
    };
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_generator *g;
    nnsm_error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nnsm_lattice_create(&lattice, cases[i].dimensions, cases[i].extent, true, NULL), NNSM_OK);
        assert_int_equal(nnsm_model_create(&model, &lattice, &cases[i].parameters, &error), NNSM_USAGE);
        assert_non_null(strstr(error.message, cases[i].word));
        nnsm_lattice_destroy(&lattice);
    }
    make(&squares, &lattice, &model);
    assert_int_equal(nnsm_generator_create_model(&g, &model, 2, NNSM_WOLFF, nnsm_rng_key_from_seed(1), 0, &error),
                     NNSM_USAGE);
    assert_non_null(strstr(error.message, "plaquette"));
    assert_null(g);
    unmake(&lattice, &model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energies_follow_their_definitions),
        cmocka_unit_test(the_plain_model_is_the_same_in_local_form),
        cmocka_unit_test(ground_states_have_order_one),
        cmocka_unit_test(a_glass_belongs_to_its_seed),
        cmocka_unit_test(enumeration_agrees_with_exact_formulas),
        cmocka_unit_test(generators_agree_with_exact_formulas_on_large_lattices),
        cmocka_unit_test(generators_visit_every_state_as_they_should),
        cmocka_unit_test(any_local_hamiltonian_is_sampled),
        cmocka_unit_test(generators_go_on_from_configurations_and_updates),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
