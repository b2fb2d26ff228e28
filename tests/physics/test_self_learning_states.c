/* Exactness of self-learning Monte Carlo of sites with more than two values by enumeration: the distribution of states
 * under p^(T0/T) on small lattices, whatever the surrogate; and of the heat bath alone. */
#include "end_states.h"
#include "nnsm/network.h"

enum { SITES = 6, MOST_STATES = 729, TILES = 500, STEPS = 60, MOST_CLASSES = 64 };
static const double T0 = 2.5;

typedef struct {
    size_t sites, states;
    int values;
    nnsm_alphabet alphabet;
    nnsm_lattice lattice;
    nnsm_network network;
    nnsm_learned *learned;
    double hamiltonian[MOST_STATES]; /* H of all states */
} world;

static void spell(const world *w, size_t k, int8_t *s)
{
    for (size_t i = 0; i < w->sites; i++, k /= (size_t)w->values)
        s[i] = (int8_t)(k % (size_t)w->values);
}

/* A frontier network of 3 labels on 2 x 3, or a dense one of 5 numbers on 2 x 2, with random weights. */
static void create(world *w, bool labels)
{
    *w = (world){.sites = labels ? 6 : 4, .states = labels ? 729 : 625, .values = labels ? 3 : 5};
    const int extent[] = {2, labels ? 3 : 2, 1};
    const int64_t value[] = {-4, -2, 0, 2, 4};
    nnsm_network_workspace workspace;
    size_t count;
    assert_int_equal(nnsm_alphabet_create(&w->alphabet, (size_t)w->values, value, labels, NULL), NNSM_OK);
    assert_int_equal(nnsm_lattice_create(&w->lattice, 2, extent, true, NULL), NNSM_OK);
    if (labels) {
        nnsm_frontier_architecture a = {.dimensions = 2,
                                        .extent = {2, 3, 1},
                                        .periodic = true,
                                        .reach = 1,
                                        .units = 9,
                                        .temperature = T0,
                                        .alphabet = w->alphabet};
        assert_int_equal(nnsm_frontier_create(&w->network.frontier, &a, NULL), NNSM_OK);
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(7), NNSM_RNG_TEST, 0, 0);
        for (size_t i = 0; i < nnsm_frontier_fits(w->network.frontier); i++) {
            nnsm_fit *fit = nnsm_frontier_fit(w->network.frontier, i);
            for (size_t k = 0; k < nnsm_fit_dimension(fit); k++)
                fit->weights[k] = (float)(0.8 * (nnsm_rng_uniform(&draw) - 0.5));
        }
    } else {
        nnsm_architecture a = {.dimensions = 2,
                               .extent = {2, 2, 1},
                               .periodic = true,
                               .layers = 1,
                               .hidden = {20},
                               .direct = true,
                               .temperature = T0,
                               .alphabet = w->alphabet};
        assert_int_equal(nnsm_made_create(&w->network.dense, &a, NULL), NNSM_OK);
        nnsm_made_initialize(w->network.dense, nnsm_rng_key_from_seed(21));
        float *v = nnsm_made_parameters(w->network.dense, &count);
        for (size_t i = 0; i < 20; i++)
            v[count - 1 - i] = 0.1f * (float)((int)(i % 5) - 2);
    }
    assert_int_equal(nnsm_network_learned(&w->learned, &w->network, NULL), NNSM_OK);
    assert_int_equal(nnsm_network_workspace_create(&workspace, &w->network, 1, NULL), NNSM_OK);
    for (size_t k = 0; k < w->states; k++) {
        int8_t s[SITES];
        spell(w, k, s);
        nnsm_network_log_probability(&w->network, &workspace, s, 1, &w->hamiltonian[k]);
        w->hamiltonian[k] *= -T0;
    }
    nnsm_network_workspace_destroy(&workspace);
}

static void destroy(world *w)
{
    nnsm_learned_destroy(w->learned);
    nnsm_network_destroy(&w->network);
    nnsm_lattice_destroy(&w->lattice);
}

/* Couplings of alternating sign, of the size that matters; numbers' functions are scaled by what they reach. */
static void couple(const nnsm_operators *o, double size, double *coupling)
{
    assert_true(o->classes <= MOST_CLASSES && o->classes > 1);
    for (size_t c = 0; c < o->classes; c++) {
        double largest = 0;
        for (int i = 0; i < o->values * o->values; i++)
            largest = fmax(largest, fabs(o->table[c * (size_t)(o->values * o->values) + (size_t)i]));
        coupling[c] = size * (c % 2 ? -1 : 1) * (1 + 0.2 * (double)(c % 3)) / largest;
    }
}

static end_subject subject_of(const world *w)
{
    return (end_subject){w->learned, w->sites, w->states, (size_t)w->values, w->hamiltonian, TILES, STEPS};
}

static void proposals_of_any_surrogate_give_the_learned_distribution(void **state)
{
    (void)state;
    const nnsm_basis basis = {.field = true, .range = 1.414, .triples = true, .quadruples = true, .translation = true};
    const end_variant variants[] = {{"heat bath", NNSM_HEAT_BATH, 1, 1, false},
                                    {"heat bath, exchange, other scale", NNSM_HEAT_BATH, 0.5, 1, true}};
    for (int labels = 0; labels < 2; labels++) {
        world w;
        nnsm_operators o;
        double coupling[MOST_CLASSES];
        create(&w, labels);
        assert_int_equal(nnsm_operators_create_states(&o, &w.lattice, &basis, &w.alphabet, NULL), NNSM_OK);
        couple(&o, labels ? 0.15 : 0.3, coupling);
        nnsm_local local = {&o, coupling};
        const end_subject subject = subject_of(&w);
        for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
            assert_true(end_smallest_p(&subject, &local, &variants[i]) > 1e-4);
        const end_variant wrong = {"beta wrong by a third", NNSM_HEAT_BATH, 1, 0.7, false};
        assert_true(end_smallest_p(&subject, &local, &wrong) < 1e-4);
        nnsm_operators_destroy(&o);
        destroy(&w);
    }
}

/* A local Hamiltonian that proposes for itself: every proposal is accepted, and the heat bath alone gives its
 * distribution, from one configuration on. */
static void the_heat_bath_alone_gives_the_distribution_of_its_surrogate(void **state)
{
    (void)state;
    enum { STARTS = 1200, MOVES = 8 };
    const double beta = 1 / 2.0;
    const nnsm_basis basis = {.field = true, .range = 1.414, .quadruples = true};
    for (int labels = 0; labels < 2; labels++) {
        static double count[MOST_STATES];
        world w;
        nnsm_operators o;
        nnsm_tile tile, own;
        nnsm_self_learning *s;
        double coupling[MOST_CLASSES], hamiltonian[MOST_STATES], accepted = 0, changed = 0;
        const int32_t at[NNSM_TILE] = {0};
        int8_t states[NNSM_TILE * SITES];
        memset(count, 0, sizeof count);
        create(&w, labels);
        assert_int_equal(nnsm_operators_create_states(&o, &w.lattice, &basis, &w.alphabet, NULL), NNSM_OK);
        couple(&o, 0.6, coupling);
        nnsm_local local = {&o, coupling};
        const end_subject subject = {NULL, w.sites, w.states, (size_t)w.values, hamiltonian, 0, 0};
        assert_int_equal(nnsm_local_tile_create(&own, &local, NULL), NNSM_OK);
        assert_int_equal(nnsm_self_learning_create(&s, &local, NULL, 1, &beta, &own, NULL), NNSM_OK);
        assert_int_equal(nnsm_self_learning_tile_create(&tile, s, NULL), NNSM_OK);
        for (size_t k = 0; k < w.states; k++) {
            spell(&w, k, states);
            hamiltonian[k] = nnsm_local_energy(&local, states);
        }
        for (uint32_t start = 0; start < STARTS; start++) {
            nnsm_self_learning_record record;
            memset(states, 1, sizeof states);
            tile.methods->load(tile.state, states);
            for (uint32_t step = 0; step < MOVES; step++) {
                nnsm_self_learning_step(&tile, nnsm_rng_key_from_seed(8), start * NNSM_TILE, step, at, &record);
                for (size_t c = 0; c < NNSM_TILE; c++) {
                    accepted += record.accepted[c];
                    changed += record.flips[c];
                }
            }
            tile.methods->read(tile.state, states);
            for (size_t c = 0; c < NNSM_TILE; c++)
                count[end_number(&subject, states + c * w.sites)]++;
        }
        double steps = (double)STARTS * MOVES * NNSM_TILE;
        double p = end_boltzmann_p(&subject, 1 / beta, count);
        print_message("acceptance %.6f, %.2f changes a proposal, p %.3g\n", accepted / steps, changed / steps, p);
        check_close(accepted / steps, 1, 1e-3); /* float rounding of nothing else */
        assert_true(p > 1e-4 && changed > steps);
        nnsm_tile_destroy(&tile);
        nnsm_self_learning_destroy(s);
        nnsm_operators_destroy(&o);
        destroy(&w);
    }
}

static void a_class_within_its_error_is_left_out(void **state)
{
    (void)state;
    const nnsm_basis basis = {.range = 1.414, .translation = true};
    world w;
    nnsm_operators o;
    nnsm_self_learning *s;
    nnsm_tile own;
    double coupling[MOST_CLASSES] = {0}, error[MOST_CLASSES], beta = 1;
    char text[200], wanted[200];
    create(&w, true);
    assert_int_equal(nnsm_operators_create_states(&o, &w.lattice, &basis, &w.alphabet, NULL), NNSM_OK);
    for (size_t c = 0; c < o.classes; c++) {
        coupling[c] = c == 1 ? 1 : 0.1;
        error[c] = 0.05;
    }
    nnsm_local local = {&o, coupling};
    for (int all_uncertain = 0; all_uncertain < 2; all_uncertain++) {
        error[1] = all_uncertain ? 0.5 : 0.05;
        assert_int_equal(nnsm_local_tile_create(&own, &local, NULL), NNSM_OK);
        assert_int_equal(nnsm_self_learning_create(&s, &local, error, 1, &beta, &own, NULL), NNSM_OK);
        nnsm_self_learning_describe(s, text, sizeof text);
        (void)snprintf(wanted, sizeof wanted, "single sites of %s", all_uncertain ? "" : o.class[1].name);
        assert_string_equal(text, wanted);
        assert_int_equal(nnsm_self_learning_kind(s), all_uncertain ? NNSM_NO_PROPOSALS : NNSM_HEAT_BATH);
        nnsm_self_learning_destroy(s);
    }
    nnsm_operators_destroy(&o);
    destroy(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proposals_of_any_surrogate_give_the_learned_distribution),
        cmocka_unit_test(the_heat_bath_alone_gives_the_distribution_of_its_surrogate),
        cmocka_unit_test(a_class_within_its_error_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
