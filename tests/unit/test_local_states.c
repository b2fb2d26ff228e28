/* Local operators of sites with more than two values: known models lie in their basis; tiles; values by definition. */
#include "check.h"
#include "hamiltonian/couplings_states.h"

#include <string.h>

enum { SITES = 20 };

typedef struct {
    nnsm_lattice lattice;
    nnsm_multistate model;
    nnsm_operators operators;
} setting;

static void setup(setting *s, nnsm_multistate_kind kind, int states, bool field)
{
    const nnsm_basis basis = {
        .field = field, .range = 2, .triples = field, .quadruples = true, .translation = true, .point_group = false};
    assert_int_equal(nnsm_lattice_create(&s->lattice, 2, (int[]){4, 5}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_multistate_create(&s->model, &s->lattice, kind, states, 1.25, 0.7, field ? 0.4 : 0, NULL),
                     NNSM_OK);
    assert_int_equal(nnsm_operators_create_states(&s->operators, &s->lattice, &basis, &s->model.alphabet, NULL),
                     NNSM_OK);
}

static void teardown(setting *s)
{
    nnsm_operators_destroy(&s->operators);
    nnsm_lattice_destroy(&s->lattice);
}

static void random_states(nnsm_rng_sequence *draw, int values, size_t count, int8_t *s)
{
    for (size_t i = 0; i < count; i++)
        s[i] = (int8_t)nnsm_rng_below(draw, (uint32_t)values);
}

/* The coupling that a class must have when E of the model is projected. */
static double expected(const setting *s, const nnsm_operator *class)
{
    bool potts = s->model.kind == NNSM_POTTS, nearest = class->order == 2 && fabs(class->distance - 1) < 1e-9;
    if (class->order == 1 && potts)
        return -s->model.field; /* delta(s, 0) = 1 - sum of the others */
    if (strcmp(class->name, "field") == 0)
        return s->model.field;
    if (strcmp(class->name, "field v^2") == 0)
        return -s->model.crystal_field;
    return nearest && !strchr(class->name, '^') ? s->model.coupling : 0;
}

static void known_models_are_read_off_exactly(void **state)
{
    (void)state;
    for (int variant = 0; variant < 6; variant++) {
        setting s;
        double truth[64];
        bool known;
        nnsm_multistate_kind kind = variant < 2 ? NNSM_POTTS : variant < 4 ? NNSM_BLUME_CAPEL : NNSM_CLOCK;
        setup(&s, kind, variant < 2 ? 4 : variant < 4 ? 3 : 5, variant % 2);
        assert_true(s.operators.classes <= 64);
        assert_int_equal(
            nnsm_couplings_truth_of_states(&s.operators, &s.model, nnsm_rng_key_from_seed(3), truth, &known, NULL),
            NNSM_OK);
        assert_int_equal(known, kind != NNSM_CLOCK); /* its cosines are no functions of the basis */
        for (size_t k = 0; k < s.operators.classes && known; k++) {
            print_message("%d %-28s J = %9.6f, expected %g\n", variant, s.operators.class[k].name, truth[k],
                          expected(&s, &s.operators.class[k]));
            check_close(truth[k], expected(&s, &s.operators.class[k]), 1e-9);
        }
        teardown(&s);
    }
}

static void tiles_follow_the_energy(void **state)
{
    (void)state;
    for (int variant = 0; variant < 2; variant++) {
        setting s;
        nnsm_tile tile;
        double coupling[64], before[NNSM_TILE], change[NNSM_TILE];
        int8_t c[NNSM_TILE * SITES], seen[NNSM_TILE * SITES];
        uint32_t accept[NNSM_TILE];
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(5), NNSM_RNG_TEST, 0, 0);
        setup(&s, variant ? NNSM_BLUME_CAPEL : NNSM_POTTS, variant ? 3 : 5, true);
        for (size_t k = 0; k < s.operators.classes; k++)
            coupling[k] = nnsm_rng_uniform(&draw) - 0.5;
        nnsm_local local = {&s.operators, coupling};
        assert_int_equal(nnsm_local_tile_create(&tile, &local, NULL), NNSM_OK);
        random_states(&draw, s.model.alphabet.count, NNSM_TILE * SITES, c);
        tile.methods->load(tile.state, c);
        for (size_t step = 0; step < 50; step++) {
            nnsm_update update = {.count = 1 + step % 4};
            tile.methods->energy(tile.state, before);
            for (size_t i = 0; i < NNSM_TILE; i++)
                check_close(before[i], nnsm_local_energy(&local, c + i * SITES), 1e-9);
            for (size_t k = 0; k < update.count; k++) {
                update.site[k] = (step * 3 + k * 7) % SITES;
                random_states(&draw, s.model.alphabet.count, NNSM_TILE, update.state[k]);
            }
            tile.methods->propose(tile.state, &update, change);
            for (size_t i = 0; i < NNSM_TILE; i++) {
                int8_t after[SITES];
                memcpy(after, c + i * SITES, SITES);
                for (size_t k = 0; k < update.count; k++)
                    after[update.site[k]] = update.state[k][i];
                check_close(change[i], nnsm_local_energy(&local, after) - before[i], 1e-9);
                accept[i] = nnsm_rng_below(&draw, 2) ? UINT32_MAX : 0;
                if (accept[i])
                    memcpy(c + i * SITES, after, SITES);
            }
            tile.methods->settle(tile.state, &update, accept);
            tile.methods->read(tile.state, seen);
            assert_memory_equal(seen, c, sizeof c);
        }
        nnsm_tile_destroy(&tile);
        teardown(&s);
    }
}

/* A chain of three sites with the values -4 0 2: O by hand. */
static void values_are_what_the_header_says(void **state)
{
    (void)state;
    const int64_t value[] = {-4, 0, 2};
    const int8_t s[] = {0, 2, 2};
    for (int labels = 0; labels < 2; labels++) {
        nnsm_alphabet a;
        nnsm_lattice lattice;
        nnsm_operators o;
        double values[16];
        const nnsm_basis basis = {
            .field = true, .range = 1, .triples = true, .quadruples = true, .translation = true, .point_group = true};
        assert_int_equal(nnsm_alphabet_create(&a, 3, value, labels, NULL), NNSM_OK);
        assert_int_equal(nnsm_lattice_create(&lattice, 1, (int[]){3}, false, NULL), NNSM_OK);
        assert_int_equal(nnsm_operators_create_states(&o, &lattice, &basis, &a, NULL), NNSM_OK);
        nnsm_operators_values(&o, s, values);
        /* Classes of one site: on an open chain one of all sites. Sums over -4, 2, 2 and over the pairs -4 2, 2 2. */
        const double numbers[] = {0, 24, -8 + 4, 32 - 16 + 16, 64 + 16}, names[] = {0, 2, 1};
        assert_int_equal(o.classes, labels ? 3 : 5);
        for (size_t k = 0; k < o.classes; k++) {
            print_message("%s: %g\n", o.class[k].name, values[k]);
            check_close(values[k], labels ? names[k] : numbers[k], 1e-12);
        }
        nnsm_operators_destroy(&o);
        nnsm_lattice_destroy(&lattice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_models_are_read_off_exactly),
        cmocka_unit_test(tiles_follow_the_energy),
        cmocka_unit_test(values_are_what_the_header_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
