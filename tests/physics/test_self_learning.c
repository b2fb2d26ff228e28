/* Exactness of self-learning Monte Carlo by enumeration: the distribution of states under p^(T0/T) on 3 x 3, whatever
 * the surrogate; and of its cluster moves alone. */
#include "end_states.h"
#include "nnsm/model.h"

enum { SITES = 9, STATES = 512, TILES = 700, STEPS = 150, MOST_CLASSES = 400 };

typedef struct {
    nnsm_lattice lattice;
    nnsm_made *made;
    nnsm_learned *learned;
    double hamiltonian[STATES]; /* H of all states; from here on a tile's float arithmetic is not looked at */
} world;

static void spell(uint32_t k, int8_t *s)
{
    for (size_t i = 0; i < SITES; i++)
        s[i] = k >> i & 1 ? 1 : -1;
}

static void create(world *w)
{
    nnsm_architecture a = {.dimensions = 2,
                           .extent = {3, 3, 1},
                           .periodic = true,
                           .layers = 1,
                           .hidden = {20},
                           .direct = true,
                           .order = NNSM_SNAKE,
                           .temperature = 2.5};
    nnsm_made_workspace *workspace;
    size_t count;
    assert_int_equal(nnsm_lattice_create(&w->lattice, 2, (int[]){3, 3}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_made_create(&w->made, &a, NULL), NNSM_OK);
    nnsm_made_initialize(w->made, nnsm_rng_key_from_seed(21));
    float *v = nnsm_made_parameters(w->made, &count);
    for (size_t i = 0; i < count; i++)
        v[i] *= 1.6f;
    for (size_t i = count - SITES; i < count; i++)
        v[i] = 0.1f * (float)((int)(i % 5) - 2);
    assert_int_equal(nnsm_learned_create(&w->learned, w->made, NULL), NNSM_OK);
    assert_int_equal(nnsm_made_workspace_create(&workspace, w->made, 1, NULL), NNSM_OK);
    for (uint32_t k = 0; k < STATES; k++) {
        int8_t s[SITES];
        spell(k, s);
        nnsm_made_log_probability(w->made, workspace, s, 1, &w->hamiltonian[k]);
        w->hamiltonian[k] *= -2.5;
    }
    nnsm_made_workspace_destroy(workspace);
}

static void destroy(world *w)
{
    nnsm_learned_destroy(w->learned);
    nnsm_made_destroy(w->made);
    nnsm_lattice_destroy(&w->lattice);
}

/* The best surrogate on a basis over all states alike: J_c = -<H O_c> / <O_c^2>, products being orthogonal. */
static void project(const world *w, const nnsm_operators *o, double *coupling)
{
    double product[MOST_CLASSES] = {0}, square[MOST_CLASSES] = {0}, values[MOST_CLASSES];
    assert_true(o->classes <= MOST_CLASSES);
    for (uint32_t k = 0; k < STATES; k++) {
        int8_t s[SITES];
        spell(k, s);
        nnsm_operators_values(o, s, values);
        for (size_t c = 0; c < o->classes; c++) {
            product[c] += w->hamiltonian[k] * values[c];
            square[c] += values[c] * values[c];
        }
    }
    for (size_t c = 0; c < o->classes; c++)
        coupling[c] = -product[c] / square[c];
}

static double smallest_p(const world *w, const nnsm_local *surrogate, const end_variant *v)
{
    const end_subject subject = {w->learned, SITES, STATES, 2, w->hamiltonian, TILES, STEPS};
    return end_smallest_p(&subject, surrogate, v);
}

static void clusters_give_the_learned_distribution(void **state)
{
    (void)state;
    world w;
    nnsm_model pairs;
    create(&w);
    nnsm_model_parameters ising = {.coupling = 0.15, .anisotropy = {1, 1, 1}};
    const end_variant variants[] = {{"pairs", NNSM_CLUSTERS, 1, 1, false},
                                    {"pairs, exchange", NNSM_CLUSTERS, 1, 1, true},
                                    {"pairs, wrong scale", NNSM_CLUSTERS, 1.4, 1, false}};
    for (int field = 0; field < 2; field++) {
        ising.field = -0.1 * field;
        assert_int_equal(nnsm_model_create(&pairs, &w.lattice, &ising, NULL), NNSM_OK);
        for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
            /* A class of no coupling is left out; its energy is too. */
            print_message("field %g: ", ising.field);
            assert_true(smallest_p(&w, &pairs.local, &variants[i]) > 1e-4);
        }
        nnsm_model_destroy(&pairs);
    }
    destroy(&w);
}

static void single_sites_give_the_learned_distribution(void **state)
{
    (void)state;
    world w;
    create(&w);
    const nnsm_basis bases[] = {
        {.field = true, .range = 1.414}, /* per bond, signs at random: frustrated */
        {.quadruples = true, .m2 = true} /* four-spin products and m^2 */
    };
    const end_variant variants[] = {{"heat bath", NNSM_HEAT_BATH, 1, 1, false},
                                    {"heat bath, exchange, wrong scale", NNSM_HEAT_BATH, 0.6, 1, true}};
    for (size_t b = 0; b < 2; b++) {
        nnsm_operators o;
        double coupling[MOST_CLASSES] = {0};
        assert_int_equal(nnsm_operators_create(&o, &w.lattice, &bases[b], NULL), NNSM_OK);
        project(&w, &o, coupling);
        double largest = 0;
        for (size_t c = 0; c < o.classes; c++)
            largest = fmax(largest, fabs(coupling[c]) * sqrt((double)o.class[c].terms));
        for (size_t c = 0; c < o.classes; c++) /* what would be left out */
            coupling[c] = fabs(coupling[c]) * sqrt((double)o.class[c].terms) < 0.06 * largest ? 0 : coupling[c];
        nnsm_local local = {&o, coupling};
        for (size_t i = 0; i < 2; i++)
            assert_true(smallest_p(&w, &local, &variants[i]) > 1e-4);
        nnsm_operators_destroy(&o);
    }
    destroy(&w);
}

static void a_wrong_temperature_is_noticed(void **state)
{
    (void)state;
    world w;
    nnsm_model pairs;
    create(&w);
    nnsm_model_parameters ising = {.coupling = 0.15, .anisotropy = {1, 1, 1}};
    const end_variant v = {"beta wrong by a tenth", NNSM_CLUSTERS, 1, 0.9, false};
    assert_int_equal(nnsm_model_create(&pairs, &w.lattice, &ising, NULL), NNSM_OK);
    assert_true(smallest_p(&w, &pairs.local, &v) < 1e-4);
    nnsm_model_destroy(&pairs);
    destroy(&w);
}

/* A local Hamiltonian that proposes for itself: every proposal is accepted, and the moves alone give its distribution.
 */
static double own_p(const nnsm_local *local, nnsm_proposals kind, double *acceptance)
{
    static double count[STATES];
    enum { STARTS = 3000, MOVES = 12 };
    const double beta = 1 / 2.0;
    double hamiltonian[STATES];
    nnsm_tile tile, own;
    nnsm_self_learning *s;
    const int32_t at[NNSM_TILE] = {0};
    const end_subject subject = {NULL, SITES, STATES, 2, hamiltonian, 0, 0};
    memset(count, 0, sizeof count);
    assert_int_equal(nnsm_local_tile_create(&own, local, NULL), NNSM_OK);
    assert_int_equal(nnsm_self_learning_create(&s, local, NULL, 1, &beta, &own, NULL), NNSM_OK);
    assert_int_equal(nnsm_self_learning_kind(s), kind);
    assert_int_equal(nnsm_self_learning_tile_create(&tile, s, NULL), NNSM_OK);
    *acceptance = 0;
    for (uint32_t k = 0; k < STATES; k++) {
        int8_t spins[SITES];
        spell(k, spins);
        hamiltonian[k] = nnsm_local_energy(local, spins);
    }
    for (uint32_t start = 0; start < STARTS; start++) {
        int8_t spins[NNSM_TILE * SITES];
        nnsm_self_learning_record record;
        memset(spins, 1, sizeof spins);
        tile.methods->load(tile.state, spins);
        for (uint32_t step = 0; step < MOVES; step++) {
            nnsm_self_learning_step(&tile, nnsm_rng_key_from_seed(8), start * NNSM_TILE, step, at, &record);
            for (size_t c = 0; c < NNSM_TILE; c++)
                *acceptance += record.accepted[c];
        }
        tile.methods->read(tile.state, spins);
        for (size_t c = 0; c < NNSM_TILE; c++)
            count[end_number(&subject, spins + c * SITES)]++;
    }
    *acceptance /= (double)NNSM_TILE * STARTS * MOVES;
    nnsm_tile_destroy(&tile);
    nnsm_self_learning_destroy(s);
    return end_boltzmann_p(&subject, 1 / beta, count);
}

static void a_local_hamiltonian_accepts_its_own_proposals(void **state)
{
    (void)state;
    static const struct {
        double coupling, field;
        bool periodic;
        nnsm_proposals kind;
    } cases[] = {{0.6, 0, true, NNSM_CLUSTERS},   {0.6, 0.3, true, NNSM_CLUSTERS}, {0.6, -0.3, false, NNSM_CLUSTERS},
                 {-0.8, 0, false, NNSM_CLUSTERS}, {-0.8, 0, true, NNSM_HEAT_BATH}, {-0.8, 0.6, true, NNSM_HEAT_BATH}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double acceptance;
        nnsm_lattice lattice;
        nnsm_model local;
        assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){3, 3}, cases[i].periodic, NULL), NNSM_OK);
        nnsm_model_parameters ising = {.coupling = cases[i].coupling, .anisotropy = {1, 1, 1}, .field = cases[i].field};
        assert_int_equal(nnsm_model_create(&local, &lattice, &ising, NULL), NNSM_OK);
        double p = own_p(&local.local, cases[i].kind, &acceptance);
        print_message("J = %g, h = %g: acceptance %.6f, p = %.3g\n", ising.coupling, ising.field, acceptance, p);
        assert_true(p > 1e-4);
        check_close(acceptance, 1, 1e-9);
        nnsm_model_destroy(&local);
        nnsm_lattice_destroy(&lattice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_give_the_learned_distribution),
        cmocka_unit_test(single_sites_give_the_learned_distribution),
        cmocka_unit_test(a_wrong_temperature_is_noticed),
        cmocka_unit_test(a_local_hamiltonian_accepts_its_own_proposals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
