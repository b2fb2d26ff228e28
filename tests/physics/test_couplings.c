/* Couplings: exact where H is local, errors that cover the truth, pseudo-likelihood against data of known models. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "hamiltonian/pseudo_likelihood.h"
#include "lattice/generator.h"
#include "nnsm/metropolis.h"

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

static nnsm_operators make_operators(const nnsm_lattice *lattice, nnsm_basis basis)
{
    nnsm_operators o;
    nnsm_error error;
    if (nnsm_operators_create(&o, lattice, &basis, &error))
        fail_msg("%s", error.message);
    return o;
}

static double *numbers(size_t count)
{
    double *block = calloc(count, sizeof *block);
    assert_non_null(block);
    return block;
}

static double normal_number(nnsm_rng_sequence *draw)
{
    double radius = sqrt(-2 * log(1 - nnsm_rng_uniform(draw)));
    return radius * cos(2 * acos(-1) * nnsm_rng_uniform(draw));
}

/* ---- a set of samples in blocks, and what the stage does with it */

typedef struct {
    const nnsm_operators *operators;
    size_t rows; /* of every block */
    int8_t *configurations;
    double *energy;
    nnsm_pseudo *pseudo;
} sample_set;

static sample_set make_samples(const nnsm_operators *operators, size_t rows)
{
    sample_set s = {.operators = operators, .rows = rows};
    s.configurations = calloc(NNSM_BLOCKS * rows, operators->sites);
    s.energy = numbers(NNSM_BLOCKS * rows);
    assert_non_null(s.configurations);
    return s;
}

static void free_samples(sample_set *s)
{
    free(s->configurations);
    free(s->energy);
}

static void random_samples(sample_set *s, uint32_t stream)
{
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(11), NNSM_RNG_TEST, stream, 0);
    for (size_t i = 0; i < NNSM_BLOCKS * s->rows * s->operators->sites; i++)
        s->configurations[i] = nnsm_rng_next(&draw) >> 31 ? 1 : -1;
}

typedef void adder(nnsm_projection *, const int8_t *, const double *, size_t, double *);

static void add_block(nnsm_projection *p, const sample_set *s, size_t block, adder *add, double *sums)
{
    for (size_t r = 0; r < s->rows; r += NNSM_TILE) {
        size_t at = block * s->rows + r, count = s->rows - r < NNSM_TILE ? s->rows - r : NNSM_TILE;
        add(p, s->configurations + at * s->operators->sites, s->energy + at, count, sums);
    }
}

/* J of *projection, which the caller destroys; error: [classes]. */
static void project(nnsm_projection *projection, const sample_set *s, double *error)
{
    size_t k = s->operators->classes;
    assert_int_equal(nnsm_projection_create(projection, s->operators, NULL), NNSM_OK);
    double *moments = numbers(nnsm_projection_moments(projection)), *pulls = numbers(NNSM_BLOCKS * (k + 2));
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        add_block(projection, s, b, nnsm_projection_add, moments);
    nnsm_projection_solve(projection, moments);
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        add_block(projection, s, b, nnsm_projection_pull, pulls + b * (k + 2));
    nnsm_projection_errors(projection, pulls, error);
    free(moments);
    free(pulls);
}

static nnsm_status sum_blocks(void *context, const nnsm_pseudo_request *request, nnsm_error *error)
{
    sample_set *s = context;
    size_t k = s->operators->classes, size = nnsm_pseudo_sums(s->pseudo);
    double *sums = numbers(size);
    (void)error;
    memset(request->total, 0, size * sizeof *sums);
    for (size_t b = 0; b < NNSM_BLOCKS / request->part; b++) {
        memset(sums, 0, size * sizeof *sums);
        nnsm_pseudo_add(s->pseudo, request->coupling, request->hessian,
                        s->configurations + b * s->rows * s->operators->sites, s->rows, sums);
        memcpy(request->pulls + b * k, sums, k * sizeof *sums);
        for (size_t i = 0; i < size; i++)
            request->total[i] += sums[i];
    }
    free(sums);
    return NNSM_OK;
}

static bool maximise(sample_set *s, double temperature, double *coupling, double *error)
{
    bool converged;
    assert_int_equal(nnsm_pseudo_create(&s->pseudo, s->operators, temperature, NULL), NNSM_OK);
    assert_int_equal(
        nnsm_pseudo_maximise(s->pseudo, NNSM_BLOCKS * s->rows, sum_blocks, s, coupling, error, &converged, NULL),
        NNSM_OK);
    nnsm_pseudo_destroy(s->pseudo);
    return converged;
}

/* ---- least squares */

static void check_exact(const nnsm_lattice *lattice, nnsm_basis basis)
{
    nnsm_operators o = make_operators(lattice, basis);
    size_t k = o.classes;
    double *truth = numbers(k), *error = numbers(k), constant = -17.25;
    nnsm_tile tile;
    nnsm_projection p;
    sample_set s = make_samples(&o, (4 * k / NNSM_BLOCKS / NNSM_TILE + 4) * NNSM_TILE);
    for (size_t c = 0; c < k; c++)
        truth[c] = sin(1 + (double)c);
    random_samples(&s, 0);
    assert_int_equal(nnsm_local_tile_create(&tile, &(nnsm_local){&o, truth}, NULL), NNSM_OK);
    for (size_t i = 0; i < NNSM_BLOCKS * s.rows; i += NNSM_TILE) {
        tile.methods->load(tile.state, s.configurations + i * o.sites);
        tile.methods->energy(tile.state, s.energy + i);
        for (size_t r = 0; r < NNSM_TILE; r++)
            s.energy[i + r] += constant;
    }
    project(&p, &s, error);
    for (size_t c = 0; c < k; c++) {
        check_close(p.coupling[c], truth[c], 1e-6);
        check_close(error[c], 0, 1e-6);
    }
    check_close(p.constant, constant, 1e-6);
    check_close(p.r2, 1, 1e-9);
    check_close(p.residual, 0, 1e-6);
    (void)printf("%zu operators on %zu sites: exact\n", k, o.sites);
    nnsm_tile_destroy(&tile);
    nnsm_projection_destroy(&p);
    free_samples(&s);
    free(truth);
    free(error);
    nnsm_operators_destroy(&o);
}

static void a_local_hamiltonian_is_read_off_exactly(void **state)
{
    (void)state;
    static const int square[] = {6, 6}, chain[] = {12}, cube[] = {4, 4, 4};
    nnsm_lattice l = make_lattice(2, square, true);
    nnsm_basis bonds = everything;
    check_exact(&l, everything);
    bonds.translation = bonds.point_group = bonds.m2 = bonds.quadruples = false;
    bonds.range = 1;
    check_exact(&l, bonds);
    nnsm_lattice_destroy(&l);
    l = make_lattice(1, chain, true);
    check_exact(&l, everything);
    nnsm_lattice_destroy(&l);
    l = make_lattice(3, cube, false);
    check_exact(&l, everything);
    nnsm_lattice_destroy(&l);
}

/* Two classes of the same products, and one that never varies: the first of the twins gets it all. */
static void dependent_operators_are_told_apart(void **state)
{
    (void)state;
    static const int extent[] = {4, 4};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_operators pairs =
        make_operators(&l, (nnsm_basis){.range = 2, .translation = true, .point_group = true}); /* (1,0) (1,1) (2,0) */
    nnsm_operator class[5];
    int32_t site[512][NNSM_TERM_SITES], class_of[512];
    size_t terms = 0;
    for (size_t copy = 0; copy < 2; copy++)
        for (size_t t = 0; t < pairs.terms; t++)
            if (!copy || pairs.class_of[t] == 0) {
                memcpy(site[terms], pairs.site[t], sizeof site[terms]);
                class_of[terms++] = copy ? 3 : pairs.class_of[t];
            }
    memcpy(class, pairs.class, 3 * sizeof *class);
    class[3] = class[0];
    class[4] = (nnsm_operator){.name = "m^2", .order = 0};
    nnsm_operators o;
    assert_int_equal(
        nnsm_operators_assemble(&o, 16, 5, class, terms, (const int32_t(*)[NNSM_TERM_SITES])site, class_of, NULL),
        NNSM_OK);
    sample_set s = make_samples(&o, NNSM_TILE);
    random_samples(&s, 1);
    double error[5], j[5] = {1, 0.5, -0.25, 0.125, 0}, likelihood[5], likelihood_error[5];
    for (size_t i = 0; i < NNSM_BLOCKS * s.rows; i++) {
        for (size_t x = 0; x < 8; x++) /* no magnetization: m^2 = 0 */
            s.configurations[i * 16 + 8 + x] = (int8_t)-s.configurations[i * 16 + x];
        s.energy[i] = nnsm_local_energy(&(nnsm_local){&o, j}, s.configurations + i * 16);
    }
    nnsm_projection p;
    project(&p, &s, error);
    check_close(p.coupling[0], 1.125, 1e-9);
    check_close(p.coupling[3], 0, 0);
    check_close(p.coupling[4], 0, 0);
    assert_true(isnan(error[3]) && isnan(error[4]) && !isnan(error[0]));
    assert_false(nnsm_normal_determined(&p.normal, 3));
    nnsm_projection_destroy(&p);
    random_samples(&s, 2);
    assert_true(maximise(&s, 2, likelihood, likelihood_error));
    assert_true(isnan(likelihood[3]) && isnan(likelihood_error[3]) && isfinite(likelihood[0]));
    free_samples(&s);
    nnsm_operators_destroy(&o);
    nnsm_operators_destroy(&pairs);
    nnsm_lattice_destroy(&l);
}

/* ---- coverage: counts of |estimate - truth| < error, 68.27 % of them within three binomial sigmas */

enum { REPLICAS = 60, TRACKED = 3 };

static void check_coverage(const int *inside, const double *square, const char *what)
{
    double expected = 0.6827 * REPLICAS, sigma = sqrt(0.6827 * 0.3173 * REPLICAS);
    for (int c = 0; c < TRACKED; c++) {
        (void)printf("%s %d: %d of %d inside one error (%.1f +- %.1f), rms pull %.2f\n", what, c, inside[c], REPLICAS,
                     expected, sigma, sqrt(square[c] / REPLICAS));
        check_close(inside[c], expected, 3 * sigma);
        check_close(sqrt(square[c] / REPLICAS), 1, 4 / sqrt(2. * REPLICAS)); /* 4 sigma */
    }
}

static void count_inside(const double *found, const double *truth, const double *error, int *inside, double *square)
{
    for (int c = 0; c < TRACKED; c++) {
        double pull = (found[c] - truth[c]) / error[c];
        inside[c] += fabs(pull) < 1;
        square[c] += pull * pull;
    }
}

/* The rest of H is noise of single samples, and a part that the samples of a block share. */
static void errors_of_the_projection_cover_the_truth(void **state)
{
    (void)state;
    static const int extent[] = {4, 4};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_operators o =
        make_operators(&l, (nnsm_basis){.range = 2, .quadruples = true, .translation = true, .point_group = true});
    double *truth = numbers(o.classes), *error = numbers(o.classes), square[TRACKED] = {0};
    int inside[TRACKED] = {0};
    sample_set s = make_samples(&o, 24);
    for (size_t c = 0; c < o.classes; c++)
        truth[c] = 1 / (1. + (double)c);
    for (uint32_t replica = 0; replica < REPLICAS; replica++) {
        nnsm_projection p;
        random_samples(&s, 10 + replica);
        for (size_t b = 0; b < NNSM_BLOCKS; b++) {
            nnsm_rng_sequence draw =
                nnsm_rng_sequence_start(nnsm_rng_key_from_seed(12), NNSM_RNG_TEST, replica, (uint32_t)b);
            double tilt = 2 * normal_number(&draw); /* of the whole block, along the first operator */
            for (size_t r = 0; r < s.rows; r++) {
                const int8_t *x = s.configurations + (b * s.rows + r) * o.sites;
                double *values = numbers(o.classes);
                nnsm_operators_values(&o, x, values);
                s.energy[b * s.rows + r] =
                    nnsm_local_energy(&(nnsm_local){&o, truth}, x) + 3 * normal_number(&draw) + 0.1 * tilt * values[0];
                free(values);
            }
        }
        project(&p, &s, error);
        count_inside(p.coupling, truth, error, inside, square);
        nnsm_projection_destroy(&p);
    }
    check_coverage(inside, square, "least squares, operator");
    free_samples(&s);
    free(truth);
    free(error);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&l);
}

/* ---- pseudo-likelihood */

/* One generator's 64 chains are the 64 blocks, snapshots `interval` sweeps apart their rows. */
static void generate(sample_set *s, const nnsm_ising *model, double temperature, uint32_t first_chain, size_t tiles,
                     uint32_t interval)
{
    size_t sites = s->operators->sites, snapshots = s->rows / tiles;
    int8_t *now = calloc(NNSM_GENERATOR_CHAINS, sites);
    assert_non_null(now);
    for (size_t t = 0; t < tiles; t++) {
        nnsm_generator *g;
        assert_int_equal(nnsm_generator_create(&g, model, temperature, NNSM_METROPOLIS, nnsm_rng_key_from_seed(13),
                                               first_chain + (uint32_t)t * NNSM_GENERATOR_CHAINS, NULL),
                         NNSM_OK);
        nnsm_generator_advance(g, 200);
        for (size_t k = 0; k < snapshots; k++) {
            nnsm_generator_advance(g, interval);
            nnsm_generator_read(g, now);
            for (size_t chain = 0; chain < NNSM_GENERATOR_CHAINS; chain++)
                memcpy(s->configurations + (chain * s->rows + t * snapshots + k) * sites, now + chain * sites, sites);
        }
        nnsm_generator_destroy(g);
    }
    free(now);
}

static double check_pulls(const nnsm_operators *o, const double *found, const double *truth, const double *error,
                          double most)
{
    double square = 0;
    for (size_t c = 0; c < o->classes; c++) {
        double pull = (found[c] - truth[c]) / error[c];
        square += pull * pull;
        if (!(fabs(pull) < most))
            fail_msg("%s: %.5f +- %.5f, true %.5f", o->class[c].name, found[c], error[c], truth[c]);
    }
    return square;
}

static void pseudo_likelihood_finds_the_couplings_of_the_generator(void **state)
{
    (void)state;
    static const int extent[] = {8, 8};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_ising model = {&l, 1.0, 0.1};
    nnsm_operators o = make_operators(&l, everything);
    double *truth = numbers(o.classes), *found = numbers(o.classes), *error = numbers(o.classes);
    truth[0] = model.field;
    truth[1] = model.coupling;
    sample_set s = make_samples(&o, 4 * 80);
    generate(&s, &model, 3, 0, 4, 10);
    assert_true(maximise(&s, 3, found, error));
    double square = check_pulls(&o, found, truth, error, 4);
    (void)printf("J = %.4f +- %.4f, h = %.4f +- %.4f, chi^2 of %zu couplings %.1f\n", found[1], error[1], found[0],
                 error[0], o.classes, square);
    assert_true(error[1] < 0.02 && error[0] < 0.02);
    free_samples(&s);
    free(truth);
    free(found);
    free(error);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&l);
}

/* Snapshots two sweeps apart are far from independent: only whole chains are. */
static void errors_of_the_pseudo_likelihood_cover_the_truth(void **state)
{
    (void)state;
    static const int extent[] = {6, 6};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_ising model = {&l, 1.0, 0.2};
    nnsm_operators o = make_operators(
        &l, (nnsm_basis){.field = true, .range = 1.5, .translation = true, .point_group = true}); /* h, (1,0), (1,1) */
    double truth[TRACKED] = {0.2, 1, 0}, found[TRACKED], error[TRACKED], square[TRACKED] = {0};
    int inside[TRACKED] = {0};
    assert_int_equal(o.classes, TRACKED);
    sample_set s = make_samples(&o, 30);
    for (uint32_t replica = 0; replica < REPLICAS; replica++) {
        generate(&s, &model, 3, 1000 + replica * NNSM_GENERATOR_CHAINS, 1, 2);
        assert_true(maximise(&s, 3, found, error));
        count_inside(found, truth, error, inside, square);
    }
    check_coverage(inside, square, "pseudo-likelihood, operator");
    free_samples(&s);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&l);
}

/* Independent chains of single flips under a local Hamiltonian, 32 a tile. */
static void sample_local(sample_set *s, const nnsm_local *local, double temperature, uint32_t sweeps)
{
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    nnsm_tile tile;
    assert_int_equal(nnsm_local_tile_create(&tile, local, NULL), NNSM_OK);
    for (size_t c = 0; c < NNSM_TILE; c++)
        beta[c] = 1 / temperature;
    random_samples(s, 3);
    for (size_t i = 0; i < NNSM_BLOCKS * s->rows; i += NNSM_TILE) {
        int8_t *x = s->configurations + i * s->operators->sites;
        tile.methods->load(tile.state, x);
        for (uint32_t sweep = 0; sweep < sweeps; sweep++)
            nnsm_metropolis_sweep(&tile, nnsm_rng_key_from_seed(14), (uint32_t)i, sweep, beta, accepted);
        tile.methods->read(tile.state, x);
    }
    nnsm_tile_destroy(&tile);
}

/* Every bond on its own: 128 of a +-J glass on 8 x 8, and the 512 that are absent. */
static void pseudo_likelihood_finds_every_bond_of_a_spin_glass(void **state)
{
    (void)state;
    static const int extent[] = {8, 8};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_operators o = make_operators(&l, (nnsm_basis){.range = 2.3});
    size_t k = o.classes;
    double *truth = numbers(k), *found = numbers(k), *error = numbers(k);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(15), NNSM_RNG_TEST, 0, 0);
    for (size_t c = 0; c < k; c++)
        truth[c] = o.class[c].distance < 1.1 ? (nnsm_rng_next(&draw) >> 31 ? 1 : -1) : 0;
    sample_set s = make_samples(&o, 160);
    sample_local(&s, &(nnsm_local){&o, truth}, 2, 150);
    assert_true(maximise(&s, 2, found, error));
    double square = check_pulls(&o, found, truth, error, 5), p = check_chi_square_p(square, (double)k);
    (void)printf("%zu bonds: chi^2 %.1f, p = %.3f, error of the first %.4f\n", k, square, p, error[0]);
    assert_true(p > 1e-4 && p < 1 - 1e-4);
    for (size_t c = 0; c < k; c++)
        assert_true(truth[c] == 0 ? fabs(found[c]) < 0.5 : found[c] * truth[c] > 0.5);
    free_samples(&s);
    free(truth);
    free(found);
    free(error);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&l);
}

/* The long-ranged operator and products of three and four spins, all of them at work. */
static void pseudo_likelihood_finds_couplings_of_every_order(void **state)
{
    (void)state;
    static const int extent[] = {5, 5};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_basis basis = everything;
    basis.range = 1;
    nnsm_operators o = make_operators(&l, basis);
    double *truth = numbers(o.classes), *found = numbers(o.classes), *error = numbers(o.classes);
    sample_set s = make_samples(&o, 160);
    for (size_t c = 0; c < o.classes; c++) {
        static const double of_order[] = {0.8, 0.1, 0.4, 0.1, -0.1}; /* m^2, fields, pairs, ... */
        truth[c] = of_order[o.class[c].order];
    }
    sample_local(&s, &(nnsm_local){&o, truth}, 3, 100);
    assert_true(maximise(&s, 3, found, error));
    (void)check_pulls(&o, found, truth, error, 4);
    (void)printf("m^2: %.4f +- %.4f, true %.1f\n", found[o.classes - 1], error[o.classes - 1], truth[o.classes - 1]);
    assert_true(error[o.classes - 1] < 0.2); /* its sign and its size are seen */
    free_samples(&s);
    free(truth);
    free(found);
    free(error);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&l);
}

/* No finite field explains spins that are all up. */
static void frozen_data_have_no_couplings(void **state)
{
    (void)state;
    static const int extent[] = {4, 4};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_operators o =
        make_operators(&l, (nnsm_basis){.field = true, .range = 1, .translation = true, .point_group = true});
    double found[2], error[2];
    sample_set s = make_samples(&o, 8);
    memset(s.configurations, 1, NNSM_BLOCKS * 8 * o.sites);
    assert_false(maximise(&s, 1, found, error));
    assert_true(isnan(found[0]) && isnan(found[1]) && isnan(error[0]));
    free_samples(&s);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&l);
}

/* On 2 x 2 a site with two neighbours up and the diagonal one down is up in all data without a checkerboard: then a
 * plaquette coupling and two pair couplings grow together without end. With a checkerboard they are finite. */
static void certain_conditionals_have_no_couplings(void **state)
{
    (void)state;
    static const int extent[] = {2, 2};
    enum { ROWS = 1000 };
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_operators o = make_operators(
        &l, (nnsm_basis){.range = M_SQRT2, .quadruples = true, .translation = true, .point_group = true});
    assert_int_equal(o.classes, 3);
    double found[3], error[3];
    sample_set s = make_samples(&o, ROWS);
    for (int checkerboard = 0; checkerboard < 2; checkerboard++) {
        for (size_t b = 0; b < NNSM_BLOCKS; b++)
            for (size_t r = 0; r < ROWS; r++) { /* all up, one down, two neighbours down */
                int8_t *spins = s.configurations + (b * ROWS + r) * o.sites;
                memset(spins, 1, o.sites);
                if (r >= ROWS / 2)
                    spins[r % 4] = -1;
                if (r >= ROWS - ROWS / 8)
                    spins[r % 4 ^ 1] = -1;
                if (checkerboard && r == 0)
                    spins[0] = spins[3] = -1;
            }
        assert_int_equal(maximise(&s, 1, found, error), checkerboard);
        for (size_t c = 0; c < 3; c++)
            assert_int_equal(isfinite(found[c]) && isfinite(error[c]), checkerboard);
    }
    free_samples(&s);
    nnsm_operators_destroy(&o);
    nnsm_lattice_destroy(&l);
}

/* ---- the truth in the terms of a basis */

static void true_couplings_are_those_of_the_same_sites(void **state)
{
    (void)state;
    static const int extent[] = {2, 5};
    nnsm_lattice l = make_lattice(2, extent, true);
    nnsm_operators bonds = make_operators(&l, (nnsm_basis){.field = true, .range = 1}),
                   means = make_operators(
                       &l,
                       (nnsm_basis){.field = true, .range = 1, .m2 = true, .translation = true, .point_group = true});
    double *j = numbers(bonds.classes), *same = numbers(bonds.classes), truth[4], missing;
    for (size_t c = 0; c < bonds.classes; c++)
        j[c] = 1 + (double)c;
    nnsm_local model = {&bonds, j};
    assert_int_equal(nnsm_couplings_truth(&bonds, &model, same, &missing, NULL), NNSM_OK);
    for (size_t c = 0; c < bonds.classes; c++)
        check_close(same[c], j[c], 0);
    check_close(missing, 0, 0);
    /* 10 fields, 5 bonds along the short axis and 10 along the long one: classes keep their means. */
    assert_int_equal(means.classes, 4);
    assert_int_equal(nnsm_couplings_truth(&means, &model, truth, &missing, NULL), NNSM_OK);
    check_close(truth[0], 5.5, 1e-12);
    check_close(truth[1] * (double)means.class[1].terms + truth[2] * (double)means.class[2].terms, (25 * 26 - 110) / 2.,
                1e-9);
    check_close(truth[3], 0, 0);
    assert_true(missing > 4.4);
    /* A model outside the basis. */
    nnsm_operators fields = make_operators(&l, (nnsm_basis){.field = true});
    double *h = numbers(fields.classes);
    assert_int_equal(nnsm_couplings_truth(&fields, &model, h, &missing, NULL), NNSM_OK);
    check_close(missing, 25, 0);
    check_close(h[3], 4, 0);
    free(j);
    free(same);
    free(h);
    nnsm_operators_destroy(&bonds);
    nnsm_operators_destroy(&means);
    nnsm_operators_destroy(&fields);
    nnsm_lattice_destroy(&l);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_hamiltonian_is_read_off_exactly),
        cmocka_unit_test(dependent_operators_are_told_apart),
        cmocka_unit_test(errors_of_the_projection_cover_the_truth),
        cmocka_unit_test(pseudo_likelihood_finds_the_couplings_of_the_generator),
        cmocka_unit_test(errors_of_the_pseudo_likelihood_cover_the_truth),
        cmocka_unit_test(pseudo_likelihood_finds_every_bond_of_a_spin_glass),
        cmocka_unit_test(pseudo_likelihood_finds_couplings_of_every_order),
        cmocka_unit_test(frozen_data_have_no_couplings),
        cmocka_unit_test(certain_conditionals_have_no_couplings),
        cmocka_unit_test(true_couplings_are_those_of_the_same_sites),
    };
    return cmocka_run_group_tests_name("couplings", tests, NULL, NULL);
}
