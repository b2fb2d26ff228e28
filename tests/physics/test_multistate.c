/* Sites of several states: energies by their definitions, identities between the models, exact values, and what the
 * generators make against enumeration, exact formulas and known critical temperatures. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lattice/exact.h"
#include "lattice/generator.h"

enum { CHAINS = NNSM_GENERATOR_CHAINS };

typedef struct {
    const char *name;
    nnsm_multistate_kind kind;
    int states;
    double coupling, crystal_field, field;
    int dimensions, extent[3];
    bool open;
} system_case;

typedef struct {
    nnsm_lattice lattice;
    nnsm_model model;
} fixture;

static void make(const system_case *c, fixture *f)
{
    static const nnsm_model_kind kind[] = {NNSM_MODEL_POTTS, NNSM_MODEL_CLOCK, NNSM_MODEL_BLUME_CAPEL};
    const nnsm_model_parameters p = {.kind = kind[c->kind],
                                     .coupling = c->coupling,
                                     .anisotropy = {1, 1, 1},
                                     .field = c->field,
                                     .states = c->states,
                                     .crystal_field = c->crystal_field};
    nnsm_error error;
    assert_int_equal(nnsm_lattice_create(&f->lattice, c->dimensions, c->extent, !c->open, NULL), NNSM_OK);
    if (nnsm_model_create(&f->model, &f->lattice, &p, &error))
        fail_msg("%s", error.message);
}

static void unmake(fixture *f)
{
    nnsm_model_destroy(&f->model);
    nnsm_lattice_destroy(&f->lattice);
}

static void random_states(int count, uint32_t stream, size_t sites, int8_t *s)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(6), NNSM_RNG_TEST, stream, 0);
    for (size_t i = 0; i < sites; i++)
        s[i] = nnsm_level_state(count, (int)nnsm_rng_below(&draw, (uint32_t)count));
}

static const system_case many[] = {
    {"potts 3", NNSM_POTTS, 3, 1, 0, 0, 2, {3, 2}, false},
    {"open potts 4 in a field", NNSM_POTTS, 4, 0.8, 0, 0.3, 2, {2, 3}, true},
    {"potts 5", NNSM_POTTS, 5, 1.2, 0, 0, 2, {2, 2}, false},
    {"antiferromagnetic potts 3 in a field", NNSM_POTTS, 3, -1, 0, -0.4, 2, {3, 2}, false},
    {"potts 2", NNSM_POTTS, 2, 1, 0, 0.2, 2, {3, 3}, false},
    {"cube of potts 3", NNSM_POTTS, 3, 0.5, 0, 0, 3, {2, 2, 2}, false},
    {"clock 4 in a field", NNSM_CLOCK, 4, 1, 0, 0.5, 2, {3, 2}, true},
    {"clock 5", NNSM_CLOCK, 5, 1, 0, 0, 2, {2, 2}, true},
    {"ring of clock 6", NNSM_CLOCK, 6, 1.3, 0, 0, 1, {4}, false},
    {"antiferromagnetic clock 5", NNSM_CLOCK, 5, -1, 0, 0.2, 2, {2, 2}, true},
    {"blume_capel", NNSM_BLUME_CAPEL, 3, 1, 0.7, 0, 2, {3, 2}, false},
    {"open blume_capel in a field", NNSM_BLUME_CAPEL, 3, 1, -0.4, 0.3, 2, {2, 3}, true},
    {"antiferromagnetic blume_capel", NNSM_BLUME_CAPEL, 3, -1, 0.5, 0.2, 2, {3, 2}, false},
};
enum { CASES = sizeof many / sizeof *many, MOST_SITES = 16 };

/* ---- energies */

/* By the formulas of the header, bonds counted by coordinates; bonds: out, how many. */
static double energy_by_definition(const system_case *c, const int8_t *states, int *bonds)
{
    double e = 0;
    int n = 1, q = c->states;
    for (int a = 0; a < c->dimensions; a++)
        n *= c->extent[a];
    *bonds = 0;
    for (int i = 0; i < n; i++) {
        int k = q == 2 ? (states[i] + 1) / 2 : states[i], stride = n, rest = i;
        e -= c->kind == NNSM_POTTS   ? c->field * (k == 0)
             : c->kind == NNSM_CLOCK ? c->field * cos(2 * M_PI * k / q)
                                     : c->field * (k - 1) - c->crystal_field * (k - 1) * (k - 1);
        for (int a = 0; a < c->dimensions; a++) {
            stride /= c->extent[a];
            int x = rest / stride;
            rest %= stride;
            if (c->open && x == c->extent[a] - 1)
                continue;
            int j = i + ((x + 1) % c->extent[a] - x) * stride, l = q == 2 ? (states[j] + 1) / 2 : states[j];
            e -= c->coupling * (c->kind == NNSM_POTTS   ? k == l
                                : c->kind == NNSM_CLOCK ? cos(2 * M_PI * (k - l) / q)
                                                        : (k - 1) * (l - 1));
            ++*bonds;
        }
    }
    return e;
}

static void energies_follow_their_definitions(void **state)
{
    (void)state;
    int8_t s[MOST_SITES];
    for (size_t i = 0; i < CASES; i++) {
        fixture f;
        int bonds, q = many[i].states;
        make(&many[i], &f);
        for (uint32_t k = 0; k < 20; k++) {
            random_states(q, k, f.lattice.sites, s);
            double before = energy_by_definition(&many[i], s, &bonds);
            check_close(nnsm_model_energy(&f.model, s), before, 1e-12);
            for (size_t site = 0; site < f.lattice.sites; site++)
                for (int level = 0; level < q; level++) {
                    int8_t old = s[site], new = nnsm_level_state(q, level);
                    double change = nnsm_multistate_change(&f.model.states, s, site, new);
                    s[site] = new;
                    check_close(change, energy_by_definition(&many[i], s, &bonds) - before, 1e-12);
                    s[site] = old;
                }
        }
        unmake(&f);
    }
}

/* In files the states have these values. */
static void models_state_their_alphabet(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        fixture f;
        make(&many[i], &f);
        bool spins = many[i].kind == NNSM_BLUME_CAPEL;
        assert_int_equal(f.model.alphabet.count, many[i].states);
        assert_int_equal(f.model.alphabet.labels, !spins);
        for (int k = 0; k < many[i].states; k++)
            assert_int_equal(f.model.alphabet.value[k], spins ? k - 1 : k);
        unmake(&f);
    }
}

static void order_parameters_are_one_in_order_and_zero_in_balance(void **state)
{
    (void)state;
    int8_t s[MOST_SITES];
    for (int kind = 0; kind < 3; kind++)
        for (int q = kind == NNSM_BLUME_CAPEL ? 3 : 2; q <= (kind == NNSM_BLUME_CAPEL ? 3 : 5); q++) {
            const system_case c = {
                .kind = (nnsm_multistate_kind)kind, .states = q, .coupling = 1, .dimensions = 2, .extent = {q, 2}};
            fixture f;
            make(&c, &f);
            for (int level = 0; level < q; level++) {
                memset(s, nnsm_level_state(q, level), sizeof s);
                check_close(nnsm_model_order(&f.model, s), kind == NNSM_BLUME_CAPEL && level == 1 ? 0 : 1, 1e-12);
            }
            for (int i = 0; i < 2 * q; i++)
                s[i] = nnsm_level_state(q, i % q);
            check_close(nnsm_model_order(&f.model, s), 0, 1e-12);
            s[0] = s[1]; /* one of 2 q sites from one label to another: max n_k = 3 */
            if (kind == NNSM_POTTS)
                check_close(nnsm_model_order(&f.model, s), 0.5 / (q - 1), 1e-12);
            if (kind == NNSM_CLOCK)
                check_close(nnsm_model_order(&f.model, s), 2 * sin(M_PI / q) / (2 * q), 1e-12);
            unmake(&f);
        }
    const system_case anti = {"", NNSM_BLUME_CAPEL, 3, -1, 0, 0, 1, {4}, false}; /* staggered */
    fixture f;
    make(&anti, &f);
    assert_true(nnsm_model_has_order(&f.model));
    check_close(nnsm_model_order(&f.model, (const int8_t[]){2, 0, 2, 0}), 1, 1e-12);
    check_close(nnsm_model_order(&f.model, (const int8_t[]){2, 1, 2, 0}), 0.75, 1e-12);
    unmake(&f);
}

static void reflections_leave_bonds_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        fixture f;
        make(&many[i], &f);
        const nnsm_multistate *m = &f.model.states;
        int q = many[i].states;
        for (int level = 0; level < q; level++)
            for (int choice = 0; choice < nnsm_multistate_reflections(m); choice++) {
                int8_t image[NNSM_MAX_VALUES];
                nnsm_multistate_reflect(m, level, choice, image);
                if (many[i].kind == NNSM_POTTS)
                    assert_int_not_equal(image[level], level);
                for (int a = 0; a < q; a++) {
                    assert_int_equal(image[image[a]], a);
                    for (int b = 0; b < q; b++)
                        check_close(m->bond[image[a]][image[b]], m->bond[a][b], 1e-14);
                }
            }
        unmake(&f);
    }
}

/* ---- tiles */

static void tiles_agree_with_energies(void **state)
{
    (void)state;
    static int8_t s[NNSM_TILE * MOST_SITES], before[NNSM_TILE * MOST_SITES];
    double change[NNSM_TILE], energy[NNSM_TILE];
    uint32_t accept[NNSM_TILE];
    for (size_t i = 0; i < CASES; i++) {
        fixture f;
        nnsm_tile tile;
        make(&many[i], &f);
        size_t n = f.lattice.sites;
        int q = many[i].states;
        random_states(q, 7, NNSM_TILE * n, s);
        assert_int_equal(nnsm_model_tile_create(&tile, &f.model, NULL), NNSM_OK);
        tile.methods->load(tile.state, s);
        for (uint32_t step = 0; step < 50; step++) {
            nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(8), NNSM_RNG_TEST, 0, step);
            nnsm_update update = {.count = q == 2 ? 1 : 1 + nnsm_rng_below(&draw, 4)};
            size_t start = nnsm_rng_below(&draw, (uint32_t)n);
            memcpy(before, s, sizeof s);
            for (size_t k = 0; k < update.count; k++) {
                update.site[k] = (start + k) % n; /* neighbours among them */
                for (size_t c = 0; c < NNSM_TILE; c++) {
                    int8_t *here = &s[c * n + update.site[k]];
                    *here = (int8_t)(q == 2 ? -*here : nnsm_level_state(q, (int)nnsm_rng_below(&draw, (uint32_t)q)));
                    update.state[k][c] = *here;
                }
            }
            if (q == 2)
                tile.methods->change(tile.state, start, NNSM_ALL_CHAINS, change);
            else
                tile.methods->propose(tile.state, &update, change);
            for (size_t c = 0; c < NNSM_TILE; c++) {
                double wanted = nnsm_model_energy(&f.model, s + c * n) - nnsm_model_energy(&f.model, before + c * n);
                check_close(change[c], wanted, 1e-12);
                accept[c] = nnsm_rng_next(&draw) % 2 ? UINT32_MAX : 0;
                if (!accept[c])
                    memcpy(s + c * n, before + c * n, n);
            }
            if (q == 2)
                tile.methods->commit(tile.state, start, accept);
            else
                tile.methods->settle(tile.state, &update, accept);
        }
        tile.methods->read(tile.state, before);
        assert_memory_equal(before, s, NNSM_TILE * n);
        for (int fresh = 0; fresh < 2; fresh++) {
            tile.methods->energy(tile.state, energy);
            for (size_t c = 0; c < NNSM_TILE; c++)
                check_close(energy[c], nnsm_model_energy(&f.model, s + c * n), 1e-11);
            tile.methods->refresh(tile.state);
        }
        if (q > 2) {
            int8_t seen[NNSM_TILE];
            tile.methods->look(tile.state, n - 1, seen);
            for (size_t c = 0; c < NNSM_TILE; c++)
                assert_int_equal(seen[c], s[c * n + n - 1]);
        }
        nnsm_tile_destroy(&tile);
        unmake(&f);
    }
}

/* ---- identities between the models */

static void models_of_few_states_are_ising_models(void **state)
{
    (void)state;
    const int extent[] = {3, 4}, n = 12, bonds = 24;
    int8_t s[12], t[12], states[12];
    nnsm_lattice lattice;
    nnsm_multistate potts, clock2, clock3, clock4, potts3, capel;
    assert_int_equal(nnsm_lattice_create(&lattice, 2, extent, true, NULL), NNSM_OK);
    const nnsm_ising whole = {&lattice, 1.3, 0}, half = {&lattice, 0.65, 0};
    const double far = -1e3;
    assert_int_equal(nnsm_multistate_create(&potts, &lattice, NNSM_POTTS, 2, 1.3, 0, 0, NULL), NNSM_OK);
    assert_int_equal(nnsm_multistate_create(&potts3, &lattice, NNSM_POTTS, 3, 1.95, 0, 0, NULL), NNSM_OK);
    assert_int_equal(nnsm_multistate_create(&clock2, &lattice, NNSM_CLOCK, 2, 1.3, 0, 0, NULL), NNSM_OK);
    assert_int_equal(nnsm_multistate_create(&clock3, &lattice, NNSM_CLOCK, 3, 1.3, 0, 0, NULL), NNSM_OK);
    assert_int_equal(nnsm_multistate_create(&clock4, &lattice, NNSM_CLOCK, 4, 1.3, 0, 0, NULL), NNSM_OK);
    assert_int_equal(nnsm_multistate_create(&capel, &lattice, NNSM_BLUME_CAPEL, 3, 1.3, far, 0, NULL), NNSM_OK);
    for (uint32_t k = 0; k < 50; k++) {
        random_states(2, 2 * k, 12, s);
        random_states(2, 2 * k + 1, 12, t);
        check_close(nnsm_multistate_energy(&potts, s), nnsm_ising_energy(&half, s) - 0.65 * bonds, 1e-12);
        check_close(nnsm_multistate_energy(&clock2, s), nnsm_ising_energy(&whole, s), 1e-12);
        for (int i = 0; i < n; i++) /* the quadrant of (s, t) */
            states[i] = (int8_t)(s[i] > 0 ? (t[i] > 0 ? 0 : 3) : (t[i] > 0 ? 1 : 2));
        check_close(nnsm_multistate_energy(&clock4, states), nnsm_ising_energy(&half, s) + nnsm_ising_energy(&half, t),
                    1e-12);
        for (int i = 0; i < n; i++) /* without zeros */
            states[i] = (int8_t)(s[i] + 1);
        check_close(nnsm_multistate_energy(&capel, states), nnsm_ising_energy(&whole, s) + far * n, 1e-9);
        random_states(3, k, 12, states);
        check_close(nnsm_multistate_energy(&clock3, states), nnsm_multistate_energy(&potts3, states) + 0.65 * bonds,
                    1e-12);
    }
    nnsm_lattice_destroy(&lattice);
}

/* With D far below 0 the zeros are gone: ln Z of blume_capel is that of the Ising model, and - D / T a site. */
static void blume_capel_without_zeros_is_the_ising_model(void **state)
{
    (void)state;
    const system_case c = {"", NNSM_BLUME_CAPEL, 3, 1, -40, 0.2, 2, {3, 3}, false};
    fixture f;
    make(&c, &f);
    const nnsm_ising ising = {&f.lattice, 1, 0.2};
    nnsm_thermodynamics t = nnsm_exact_model(&f.model, 1), i = nnsm_exact_thermodynamics(&ising, 1);
    check_close(t.log_partition, i.log_partition + 40, 1e-12);
    check_close(t.energy, i.energy - 40, 1e-12);
    check_close(t.heat_capacity, i.heat_capacity, 1e-10);
    check_close(t.entropy, i.entropy, 1e-10);
    unmake(&f);
}

/* ---- exact values */

static size_t power(int base, size_t exponent)
{
    size_t p = 1;
    while (exponent--)
        p *= (size_t)base;
    return p;
}

static void states_of_number(int q, size_t number, size_t sites, int8_t *s)
{
    for (size_t i = 0; i < sites; i++, number /= (size_t)q)
        s[i] = nnsm_level_state(q, (int)(number % (size_t)q));
}

/* ln Z, <E> and C / k_B a site by the sum over all states, kept apart from the program's own. */
static nnsm_thermodynamics by_sum(const nnsm_model *model, double temperature)
{
    size_t n = model->lattice->sites;
    int q = model->alphabet.count;
    int8_t s[MOST_SITES];
    double z = 0, e1 = 0, e2 = 0;
    for (size_t k = 0; k < power(q, n); k++) {
        states_of_number(q, k, n, s);
        double e = nnsm_model_energy(model, s), w = exp(-e / temperature);
        z += w;
        e1 += w * e;
        e2 += w * e * e;
    }
    e1 /= z;
    e2 /= z;
    double each = (double)n;
    return (nnsm_thermodynamics){log(z) / each, e1 / each, (e2 - e1 * e1) / (temperature * temperature * each),
                                 (log(z) + e1 / temperature) / each};
}

static void compare_exact(const system_case *c, double temperature)
{
    fixture f;
    make(c, &f);
    assert_true(nnsm_exact_model_available(&f.model));
    nnsm_thermodynamics exact = nnsm_exact_model(&f.model, temperature), sum = by_sum(&f.model, temperature);
    check_close(exact.log_partition, sum.log_partition, 1e-11);
    check_close(exact.energy, sum.energy, 1e-11);
    check_close(exact.heat_capacity, sum.heat_capacity, 1e-9);
    check_close(exact.entropy, sum.entropy, 1e-11);
    unmake(&f);
}

static void exact_values_agree_with_sums_over_states(void **state)
{
    (void)state;
    const system_case more[] = {
        {"", NNSM_POTTS, 3, 1, 0, 0.3, 1, {7}, false},          {"", NNSM_POTTS, 5, -0.7, 0, 0.2, 1, {5}, true},
        {"", NNSM_CLOCK, 6, 1, 0, 0.4, 1, {5}, true},           {"", NNSM_CLOCK, 5, 1, 0, 0, 1, {2}, false},
        {"", NNSM_BLUME_CAPEL, 3, 1, 0.6, -0.3, 1, {8}, false}, {"", NNSM_BLUME_CAPEL, 3, -1, -0.6, 0.3, 1, {7}, true},
        {"", NNSM_POTTS, 4, 1, 0, 0.3, 1, {1}, true},   /* one site */
        {"", NNSM_POTTS, 2, 1, 0, 0, 2, {3, 4}, false}, /* Ising models in disguise: Kaufman */
        {"", NNSM_POTTS, 2, -1, 0, 0, 2, {2, 4}, false},        {"", NNSM_CLOCK, 2, 1, 0, 0, 2, {3, 4}, false},
        {"", NNSM_CLOCK, 4, 1, 0, 0, 2, {2, 4}, false},         {"", NNSM_CLOCK, 4, -1, 0, 0, 2, {2, 4}, false},
        {"", NNSM_CLOCK, 4, 1, 0, 0.3, 2, {2, 3}, false},       {"", NNSM_CLOCK, 4, 1, 0, 0, 2, {2, 4}, true},
    };
    for (int t = 0; t < 3; t++) {
        for (size_t i = 0; i < sizeof more / sizeof *more; i++)
            compare_exact(&more[i], 0.6 + 0.7 * t);
        for (size_t i = 0; i < CASES; i++)
            compare_exact(&many[i], 0.6 + 0.7 * t);
    }
}

/* Z = (e^K + q - 1)^N + (q - 1) (e^K - 1)^N, K = J / T: Wu's review, Eq. 1.9, of a ring. */
static void long_rings_agree_with_their_formula(void **state)
{
    (void)state;
    for (int q = 2; q <= 16; q += 7)
        for (int n = 3; n <= 3000; n *= 10) {
            const system_case c = {"", NNSM_POTTS, q, 1, 0, 0, 1, {n}, false};
            fixture f;
            double temperature = 0.8, k = 1 / temperature, large = exp(k) + q - 1;
            make(&c, &f);
            nnsm_thermodynamics t = nnsm_exact_model(&f.model, temperature);
            double ratio = (exp(k) - 1) / large;
            check_close(t.log_partition, log(large) + log1p((q - 1) * pow(ratio, n)) / n, 1e-11);
            if (pow(ratio, n) < 1e-14) {
                check_close(t.energy, -exp(k) / large, 1e-11);
                check_close(t.heat_capacity, k * k * exp(k) * (q - 1) / (large * large), 1e-8);
            }
            unmake(&f);
        }
}

/* ---- generators: every state of a small lattice */

static const char *const algorithms[] = {"Metropolis", "clusters", "heat bath"};

/* Chi-square of the visits of all q^N states. */
static void compare_states(const system_case *k, double temperature, nnsm_algorithm algorithm)
{
    enum { TILES = 4, KEPT = 150, MOST = 8192 };
    static double weight[MOST], seen[MOST];
    static int8_t s[CHAINS * MOST_SITES];
    fixture f;
    make(k, &f);
    size_t sites = f.lattice.sites, states = power(k->states, sites);
    const uint32_t interval = algorithm == NNSM_WOLFF ? 60 : 40; /* long enough for visits to be independent */
    assert_true(states <= MOST);
    for (size_t i = 0; i < states; i++) {
        states_of_number(k->states, i, sites, s);
        weight[i] = exp(-nnsm_model_energy(&f.model, s) / temperature);
        seen[i] = 0;
    }
    for (uint32_t tile = 0; tile < TILES; tile++) {
        nnsm_generator *g;
        assert_int_equal(nnsm_generator_create_model(&g, &f.model, temperature, algorithm, nnsm_rng_key_from_seed(10),
                                                     tile * CHAINS, NULL),
                         NNSM_OK);
        nnsm_generator_advance(g, 200);
        for (int kept = 0; kept < KEPT; kept++) {
            nnsm_generator_advance(g, interval);
            nnsm_generator_read(g, s);
            for (size_t c = 0; c < CHAINS; c++) {
                size_t code = 0;
                for (size_t i = sites; i-- > 0;) {
                    assert_true(nnsm_alphabet_holds(&f.model.alphabet, s[c * sites + i]));
                    code = code * (size_t)k->states + (size_t)nnsm_level(k->states, s[c * sites + i]);
                }
                seen[code]++;
            }
        }
        nnsm_generator_destroy(g);
    }
    double p = check_visits_p(weight, seen, states);
    print_message("%s, %s: p = %.3f\n", k->name, algorithms[algorithm], p);
    if (p < 1e-4)
        fail_msg("%s: the states are not visited as often as they should", k->name);
    unmake(&f);
}

static void generators_visit_every_state_as_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        for (int algorithm = 0; algorithm < 3; algorithm++)
            compare_states(&many[i], 1.2, (nnsm_algorithm)algorithm);
}

/* ---- generators on larger lattices */

typedef struct {
    double mean, error;
} estimate;

/* Mean of a function of configurations, and its error, over independent chains. */
static estimate over_chains(const double *chain, size_t count)
{
    double sum = 0, square = 0;
    for (size_t c = 0; c < count; c++) {
        sum += chain[c] / (double)count;
        square += chain[c] * chain[c] / (double)count;
    }
    return (estimate){sum, sqrt((square - sum * sum) / (double)(count - 1))};
}

static void compare_energy(const system_case *k, double temperature, nnsm_algorithm algorithm, uint32_t thermalization,
                           uint32_t interval)
{
    enum { TILES = 2, KEPT = 40 };
    static int8_t s[CHAINS * 256];
    double chain[TILES * CHAINS] = {0};
    fixture f;
    make(k, &f);
    for (uint32_t tile = 0; tile < TILES; tile++) {
        nnsm_generator *g;
        assert_int_equal(nnsm_generator_create_model(&g, &f.model, temperature, algorithm, nnsm_rng_key_from_seed(79),
                                                     tile * CHAINS, NULL),
                         NNSM_OK);
        nnsm_generator_advance(g, thermalization);
        for (int kept = 0; kept < KEPT; kept++) {
            nnsm_generator_advance(g, interval);
            nnsm_generator_read(g, s);
            for (size_t c = 0; c < CHAINS; c++)
                chain[tile * CHAINS + c] += nnsm_model_energy(&f.model, s + c * f.lattice.sites) / KEPT;
        }
        nnsm_generator_destroy(g);
    }
    estimate e = over_chains(chain, TILES * CHAINS);
    double n = (double)f.lattice.sites, exact = nnsm_exact_model(&f.model, temperature).energy;
    print_message("%s, T = %g, %s: E/N = %.5f +- %.5f, exact %.5f, %.2f sigma\n", k->name, temperature,
                  algorithms[algorithm], e.mean / n, e.error / n, exact, (e.mean / n - exact) / (e.error / n));
    check_close(e.mean / n, exact, 3.5 * e.error / n);
    unmake(&f);
}

static void energies_agree_with_exact_values(void **state)
{
    (void)state;
    const system_case large[] = {
        {"ring of potts 5", NNSM_POTTS, 5, 1, 0, 0.2, 1, {200}, false},
        {"chain of clock 7", NNSM_CLOCK, 7, 1, 0, 0, 1, {200}, true},
        {"ring of blume_capel", NNSM_BLUME_CAPEL, 3, 1, 0.4, 0.1, 1, {200}, false},
        {"16 x 16 potts 2", NNSM_POTTS, 2, 2, 0, 0, 2, {16, 16}, false},
        {"16 x 16 clock 4", NNSM_CLOCK, 4, 2, 0, 0, 2, {16, 16}, false},
    };
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        for (int algorithm = 0; algorithm < 3; algorithm++) {
            bool chain = large[i].dimensions == 1;
            uint32_t small = chain && algorithm == NNSM_WOLFF ? 10 : 1; /* clusters of a few sites */
            compare_energy(&large[i], chain ? 0.7 : 2.5, (nnsm_algorithm)algorithm, 600 * small, 10 * small);
        }
    for (size_t i = 0; i < CASES; i++) /* over temperatures, by enumeration */
        for (int t = 0; t < 3; t++)
            compare_energy(&many[i], 0.8 + 0.8 * t, (nnsm_algorithm)(t % 3), 200, 15);
}

/* ---- critical temperatures */

/* (m . m) of the vector order parameter: of N and of sites in every state. */
static double square_of_order(const nnsm_multistate *m, const int8_t *s)
{
    double at[NNSM_MAX_VALUES] = {0}, n = (double)m->lattice->sites, sum = 0;
    int q = m->alphabet.count;
    if (m->kind != NNSM_POTTS)
        return nnsm_multistate_order(m, s) * nnsm_multistate_order(m, s);
    for (size_t i = 0; i < m->lattice->sites; i++)
        at[nnsm_level(q, s[i])] += 1 / n;
    for (int k = 0; k < q; k++)
        sum += (at[k] - 1. / q) * (at[k] - 1. / q) * q / (q - 1);
    return sum;
}

/* Q = <m^2>^2 / <m^4> of clusters on an L x L lattice; jackknife over 16 groups of chains. */
static estimate moment_ratio(const system_case *k, int extent, double temperature, uint32_t interval)
{
    enum { TILES = 4, KEPT = 50, GROUPS = 16 };
    static int8_t s[CHAINS * 1024];
    double m2[GROUPS] = {0}, m4[GROUPS] = {0}, all2 = 0, all4 = 0, square = 0;
    system_case c = *k;
    fixture f;
    c.extent[0] = c.extent[1] = extent;
    make(&c, &f);
    for (uint32_t tile = 0; tile < TILES; tile++) {
        nnsm_generator *g;
        assert_int_equal(nnsm_generator_create_model(&g, &f.model, temperature, NNSM_WOLFF, nnsm_rng_key_from_seed(4),
                                                     tile * CHAINS, NULL),
                         NNSM_OK);
        nnsm_generator_advance(g, 10 * interval);
        for (int kept = 0; kept < KEPT; kept++) {
            nnsm_generator_advance(g, interval);
            nnsm_generator_read(g, s);
            for (size_t i = 0; i < CHAINS; i++) {
                double m = square_of_order(&f.model.states, s + i * f.lattice.sites);
                m2[(tile * CHAINS + i) % GROUPS] += m / KEPT / TILES / CHAINS;
                m4[(tile * CHAINS + i) % GROUPS] += m * m / KEPT / TILES / CHAINS;
            }
        }
        nnsm_generator_destroy(g);
    }
    for (int i = 0; i < GROUPS; i++) {
        all2 += m2[i];
        all4 += m4[i];
    }
    double ratio = all2 * all2 / all4;
    for (int i = 0; i < GROUPS; i++) {
        double without = (all2 - m2[i]) * (all2 - m2[i]) / (all4 - m4[i]) * GROUPS / (GROUPS - 1);
        square += (without - ratio) * (without - ratio) * (GROUPS - 1) / GROUPS;
    }
    unmake(&f);
    return (estimate){ratio, sqrt(square)};
}

/* Where the ratios of two sizes cross, by a straight line between T_c (1 - width) and T_c (1 + width). The tolerance is
 * 4 errors and 1 % of T_c for the line and the finite size (measured: 0.8 % at most). */
static void ratios_cross_at(const system_case *k, double critical, uint32_t interval)
{
    const double width = 0.01;
    double difference[2], error[2];
    for (int side = 0; side < 2; side++) {
        double temperature = critical * (1 + (side ? width : -width));
        estimate small = moment_ratio(k, 8, temperature, interval), large = moment_ratio(k, 16, temperature, interval);
        difference[side] = large.mean - small.mean;
        error[side] = hypot(large.error, small.error);
    }
    double slope = difference[0] - difference[1], share = difference[0] / slope;
    double crossing = critical * (1 + width * (2 * share - 1));
    double sigma = 2 * width * critical * hypot((1 - share) * error[0], share * error[1]) / slope;
    print_message("%s: sizes 8 and 16 cross at T = %.4f +- %.4f, T_c = %.4f; differences %.4f +- %.4f, %.4f +- %.4f\n",
                  k->name, crossing, sigma, critical, difference[0], error[0], difference[1], error[1]);
    assert_true(slope > 5 * hypot(error[0], error[1])); /* order grows with the size on the cold side */
    check_close(crossing, critical, 0.01 * critical + 4 * sigma);
}

static void order_sets_in_at_the_critical_temperature(void **state)
{
    (void)state;
    const system_case potts3 = {"potts 3", NNSM_POTTS, 3, 1, 0, 0, 2, {0}, false};
    const system_case clock4 = {"clock 4", NNSM_CLOCK, 4, 1, 0, 0, 2, {0}, false};
    const system_case capel = {"blume_capel", NNSM_BLUME_CAPEL, 3, 1, 0, 0, 2, {0}, false};
    ratios_cross_at(&potts3, 1 / log(1 + sqrt(3)), 10); /* by duality, Wu's review, Eq. 2.13 */
    ratios_cross_at(&clock4, 1 / log(1 + sqrt(2)), 12); /* two Ising models of J / 2 */
    ratios_cross_at(&capel, 1.6935, 5); /* 1.693(3), A. Malakis et al., Phys. Rev. E 81, 041113 (2010) */
}

/* ---- going on, refusals */

static void generators_go_on_from_configurations_and_updates(void **state)
{
    (void)state;
    static int8_t s[CHAINS * MOST_SITES], t[CHAINS * MOST_SITES];
    for (size_t i = 0; i < CASES; i++)
        for (int algorithm = 0; algorithm < 3; algorithm++) {
            nnsm_generator *g, *h;
            fixture f;
            nnsm_rng_key key = nnsm_rng_key_from_seed(1);
            make(&many[i], &f);
            size_t size = CHAINS * f.lattice.sites;
            assert_int_equal(nnsm_generator_create_model(&g, &f.model, 1, (nnsm_algorithm)algorithm, key, 64, NULL),
                             NNSM_OK);
            assert_int_equal(nnsm_generator_create_model(&h, &f.model, 1, (nnsm_algorithm)algorithm, key, 64, NULL),
                             NNSM_OK);
            nnsm_generator_advance(g, 7);
            nnsm_generator_read(g, s);
            nnsm_generator_resume(h, s, nnsm_generator_updates(g));
            nnsm_generator_advance(g, 5);
            nnsm_generator_advance(h, 5);
            nnsm_generator_read(h, t);
            assert_memory_not_equal(s, t, size);
            nnsm_generator_read(g, s);
            assert_memory_equal(s, t, size);
            memset(s, 77, size); /* what a damaged checkpoint may hold ends as a state */
            nnsm_generator_resume(h, s, 7);
            nnsm_generator_advance(h, 1);
            nnsm_generator_read(h, t);
            for (size_t j = 0; j < size; j++)
                assert_true(nnsm_alphabet_holds(&f.model.alphabet, t[j]));
            nnsm_generator_destroy(g);
            nnsm_generator_destroy(h);
            unmake(&f);
        }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    const nnsm_model_parameters ising = {.coupling = 1, .anisotropy = {1, 1, 1}};
    nnsm_lattice lattice;
    nnsm_multistate m;
    nnsm_model model;
    nnsm_generator *g;
    nnsm_error error;
    assert_int_equal(nnsm_lattice_create(&lattice, 1, (int[]){4}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_multistate_create(&m, &lattice, NNSM_POTTS, 1, 1, 0, 0, &error), NNSM_USAGE);
    assert_int_equal(nnsm_multistate_create(&m, &lattice, NNSM_CLOCK, NNSM_MAX_VALUES + 1, 1, 0, 0, &error),
                     NNSM_USAGE);
    assert_int_equal(nnsm_multistate_create(&m, &lattice, NNSM_BLUME_CAPEL, 4, 1, 0, 0, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "blume_capel of 4 states"));
    assert_int_equal(nnsm_model_create(&model, &lattice, &ising, NULL), NNSM_OK);
    assert_int_equal(
        nnsm_generator_create_model(&g, &model, 1, NNSM_STATES_HEAT_BATH, nnsm_rng_key_from_seed(1), 0, &error),
        NNSM_USAGE);
    assert_null(g);
    nnsm_model_destroy(&model);
    nnsm_lattice_destroy(&lattice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energies_follow_their_definitions),
        cmocka_unit_test(models_state_their_alphabet),
        cmocka_unit_test(order_parameters_are_one_in_order_and_zero_in_balance),
        cmocka_unit_test(reflections_leave_bonds_what_they_are),
        cmocka_unit_test(tiles_agree_with_energies),
        cmocka_unit_test(models_of_few_states_are_ising_models),
        cmocka_unit_test(blume_capel_without_zeros_is_the_ising_model),
        cmocka_unit_test(exact_values_agree_with_sums_over_states),
        cmocka_unit_test(long_rings_agree_with_their_formula),
        cmocka_unit_test(generators_visit_every_state_as_they_should),
        cmocka_unit_test(energies_agree_with_exact_values),
        cmocka_unit_test(order_sets_in_at_the_critical_temperature),
        cmocka_unit_test(generators_go_on_from_configurations_and_updates),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
