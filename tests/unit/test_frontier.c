/* The frontier network: geometry by the Markov property, normalisation, derivatives, tiles, and the fit. */
#include "check.h"
#include "made/frontier_fit.h"
#include "made/frontier_geometry.h"
#include "nnsm/hamiltonian.h"
#include "nnsm/metropolis.h"

#include <stdlib.h>
#include <string.h>

static const nnsm_frontier_architecture cases[] = {
    {.dimensions = 2, .extent = {3, 4, 1}, .periodic = true, .order = NNSM_RASTER, .reach = 1, .units = 7, .odd = true},
    {.dimensions = 2, .extent = {4, 3, 1}, .periodic = false, .order = NNSM_SNAKE, .reach = 1.5, .units = 5},
    {.dimensions = 1,
     .extent = {11, 1, 1},
     .periodic = true,
     .order = NNSM_RANDOM,
     .reach = 2,
     .units = 6,
     .odd = true},
    {.dimensions = 3, .extent = {2, 3, 2}, .periodic = true, .order = NNSM_CHECKERBOARD, .reach = 1, .units = 9},
    {.dimensions = 2,
     .extent = {3, 4, 1},
     .periodic = true,
     .order = NNSM_RASTER,
     .reach = 1,
     .units = 0,
     .share = true},
    {.dimensions = 2, .extent = {2, 8, 1}, .periodic = true, .reach = 1, .units = 6, .odd = true, .share = true},
    {.dimensions = 2, .extent = {2, 8, 1}, .periodic = true, .reach = 1, .horizon = 2.5, .units = 6, .share = true},
};
enum { CASES = sizeof cases / sizeof *cases, SITES = 12, MOST_SITES = 16 };

/* A network with random weights. */
static nnsm_frontier *network(const nnsm_frontier_architecture *model)
{
    nnsm_frontier *f;
    nnsm_frontier_architecture a = *model;
    a.temperature = 1.7;
    a.seed = 5;
    assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(3), NNSM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++) {
        nnsm_fit *fit = nnsm_frontier_fit(f, i);
        for (size_t k = 0; k < fit->frontier + fit->units + 1; k++)
            fit->weights[k] = (float)(2 * nnsm_rng_uniform(&draw) - 1);
        if (a.odd)
            fit->weights[fit->frontier + fit->units] = 0.f;
        for (size_t k = 0; k < fit->frontier; k++)
            fit->sign[k] = nnsm_rng_uniform(&draw) < 0.5 ? -1.f : 1.f;
    }
    return f;
}

static void unpack(size_t k, size_t sites, int8_t *s)
{
    for (size_t i = 0; i < sites; i++)
        s[i] = k >> i & 1 ? 1 : -1;
}

static double log_p(const nnsm_frontier *f, const int8_t *s)
{
    nnsm_frontier_workspace *w;
    double value;
    assert_int_equal(nnsm_frontier_workspace_create(&w, f, 64, NULL), NNSM_OK);
    nnsm_frontier_log_probability(f, w, s, 1, &value);
    nnsm_frontier_workspace_destroy(w);
    return value;
}

static void probabilities_sum_to_one(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        nnsm_frontier *f = network(&cases[c]);
        nnsm_frontier_workspace *w;
        size_t sites = nnsm_frontier_sites(f), states = (size_t)1 << sites;
        int8_t *s = malloc(states * sites);
        double *value = malloc(states * sizeof *value), sum = 0;
        assert_int_equal(nnsm_frontier_workspace_create(&w, f, 512, NULL), NNSM_OK);
        for (size_t k = 0; k < states; k++)
            unpack(k, sites, s + k * sites);
        nnsm_frontier_log_probability(f, w, s, states, value);
        for (size_t k = 0; k < states; k++)
            sum += exp(value[k]);
        check_close(sum, 1, 1e-6);
        if (cases[c].odd)
            for (size_t k = 0; k < states; k += 7)
                check_close(value[k], value[states - 1 - k], 1e-5);
        nnsm_frontier_workspace_destroy(w);
        nnsm_frontier_destroy(f);
        free(s);
        free(value);
    }
}

/* log p(s_p | sites before p) of the nearest-neighbour Ising model with a field, by enumeration of the rest. */
static double exact_conditional(const nnsm_ising *model, const nnsm_frontier *f, size_t p, const int8_t *given)
{
    const int32_t *order = nnsm_frontier_order(f);
    size_t sites = model->lattice->sites, rest = sites - p;
    double sum[2] = {0};
    int8_t s[16];
    memcpy(s, given, sites);
    for (size_t k = 0; k < (size_t)1 << rest; k++) {
        for (size_t q = p; q < sites; q++)
            s[order[q]] = k >> (q - p) & 1 ? 1 : -1;
        sum[k & 1] += exp(-nnsm_ising_energy(model, s) / 1.7);
    }
    return log(sum[1] / sum[0]);
}

/* What lies behind the frontier does not matter, and everything on it does (here by more than 1e-6 in the logit). */
static void the_frontier_is_all_that_a_conditional_needs(void **state)
{
    (void)state;
    const nnsm_order orders[] = {NNSM_RASTER, NNSM_SNAKE, NNSM_CHECKERBOARD, NNSM_RANDOM};
    for (int variant = 0; variant < 8; variant++) {
        nnsm_frontier_architecture a = {.dimensions = 2,
                                        .extent = {4, 3, 1},
                                        .periodic = variant < 4,
                                        .order = orders[variant % 4],
                                        .order_seed = 4,
                                        .reach = 1,
                                        .temperature = 1.7};
        nnsm_frontier *f;
        nnsm_lattice lattice;
        assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
        assert_int_equal(nnsm_lattice_create(&lattice, 2, a.extent, a.periodic, NULL), NNSM_OK);
        nnsm_ising model = {&lattice, 0.8, 0.2};
        for (size_t p = 1; p < SITES; p++) {
            const int32_t *seen;
            const nnsm_fit *fit = nnsm_frontier_look(f, nnsm_frontier_output(f, p, &seen));
            int8_t s[SITES];
            unpack(0x5a3c96u >> p, SITES, s);
            double before = exact_conditional(&model, f, p, s);
            for (size_t q = 0; q < p; q++) {
                int32_t site = nnsm_frontier_order(f)[q];
                bool on = false;
                for (size_t i = 0; i < fit->frontier; i++)
                    on = on || seen[i] == site;
                s[site] = (int8_t)-s[site];
                double moved = fabs(exact_conditional(&model, f, p, s) - before);
                s[site] = (int8_t)-s[site];
                if (on)
                    assert_true(moved > 1e-6);
                else
                    assert_true(moved < 1e-12);
            }
        }
        nnsm_frontier_destroy(f);
        nnsm_lattice_destroy(&lattice);
    }
}

/* How many slots of the outputs from `first` to `end` are empty. Every output's sites are those of its frontier without
 * sharing, as far as the horizon, and lie in the slots of their displacements. */
static size_t check_slots(const nnsm_frontier_architecture *shared, size_t first, size_t end)
{
    nnsm_frontier_architecture alone = *shared;
    nnsm_frontier *f, *whole;
    size_t empty = 0;
    alone.share = false;
    alone.horizon = 0;
    assert_int_equal(nnsm_frontier_create(&f, shared, NULL), NNSM_OK);
    assert_int_equal(nnsm_frontier_create(&whole, &alone, NULL), NNSM_OK);
    for (size_t p = first; p < end; p++) {
        const int32_t *seen, *all;
        size_t fit = nnsm_frontier_output(f, p, &seen), found = 0, expected = 0;
        size_t count = nnsm_frontier_look(whole, nnsm_frontier_output(whole, p, &all))->frontier;
        for (size_t i = 0; i < nnsm_frontier_look(f, fit)->frontier; i++) {
            int own[NNSM_MAX_DIMENSIONS] = {0}, of_fit[NNSM_MAX_DIMENSIONS] = {0};
            nnsm_frontier_slot(f, fit, i, of_fit);
            if (seen[i] < 0) {
                empty++;
                continue;
            }
            nnsm_frontier_displacement(shared, nnsm_frontier_order(f)[p], seen[i], own);
            assert_memory_equal(own, of_fit, sizeof own);
            for (size_t k = 0; k < count; k++)
                found += all[k] == seen[i];
        }
        for (size_t k = 0; k < count; k++) {
            int d[NNSM_MAX_DIMENSIONS] = {0};
            nnsm_frontier_displacement(shared, nnsm_frontier_order(f)[p], all[k], d);
            double square = (double)d[0] * d[0] + (double)d[1] * d[1];
            expected += shared->horizon == 0 || square <= shared->horizon * shared->horizon;
        }
        assert_int_equal(found, expected);
    }
    nnsm_frontier_destroy(f);
    nnsm_frontier_destroy(whole);
    return empty;
}

/* In a row of a 16 x 16 lattice the sites left of column 0 lie one row higher: outputs that agree on all that is near
 * share a fit, and have empty slots. */
static void shared_fits_keep_every_site_apart(void **state)
{
    (void)state;
    nnsm_frontier_architecture a = {.dimensions = 2,
                                    .extent = {16, 16, 1},
                                    .periodic = true,
                                    .reach = 1,
                                    .units = 8,
                                    .share = true,
                                    .temperature = 1};
    const int32_t *seen;
    nnsm_frontier *f;
    assert_true(check_slots(&a, 0, 256) > 0);
    assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
    for (size_t column = 4; column < 12; column++)
        assert_int_equal(nnsm_frontier_output(f, 8 * 16 + column, &seen), nnsm_frontier_output(f, 8 * 16 + 8, &seen));
    nnsm_frontier_destroy(f);
}

/* Far from all edges nothing tells rows and columns apart. */
static void with_a_horizon_rows_share_fits(void **state)
{
    (void)state;
    nnsm_frontier_architecture a = {.dimensions = 2,
                                    .extent = {24, 24, 1},
                                    .periodic = true,
                                    .reach = 1,
                                    .horizon = 5,
                                    .units = 8,
                                    .share = true,
                                    .temperature = 1};
    const int32_t *seen;
    nnsm_frontier *f;
    (void)check_slots(&a, 0, 576);
    assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
    size_t middle = nnsm_frontier_output(f, 12 * 24 + 12, &seen);
    for (size_t row = 1; row < 24; row++)
        for (size_t column = 0; column < 24; column++) {
            size_t fit = nnsm_frontier_output(f, row * 24 + column, &seen);
            bool sees_row_0 = row <= 5 || row >= 24 - 5; /* from one side or the other */
            if (!sees_row_0 && column >= 5 && column < 24 - 5)
                assert_int_equal(fit, middle);
            if (sees_row_0)
                assert_int_not_equal(fit, middle);
        }
    nnsm_frontier_destroy(f);
}

static void flips_on_tiles_equal_full_evaluations(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        nnsm_frontier *f = network(&cases[c]);
        nnsm_learned *learned;
        nnsm_tile tile;
        size_t sites = nnsm_frontier_sites(f);
        int8_t s[NNSM_TILE * MOST_SITES];
        double change[NNSM_TILE], energy[NNSM_TILE], beta[NNSM_TILE];
        int64_t accepted[NNSM_TILE] = {0};
        assert_int_equal(nnsm_learned_create_frontier(&learned, f, NULL), NNSM_OK);
        assert_int_equal(nnsm_learned_tile_create(&tile, learned, NULL), NNSM_OK);
        nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(2), 0, s);
        for (size_t i = 0; i < NNSM_TILE; i++)
            beta[i] = 1 / 1.7;
        for (uint32_t sweep = 0; sweep < 4; sweep++) {
            tile.methods->read(tile.state, s);
            for (size_t site = 0; site < sites; site++) {
                tile.methods->energy(tile.state, energy);
                tile.methods->change(tile.state, site, NNSM_ALL_CHAINS, change);
                for (size_t i = 0; i < NNSM_TILE; i += 7) {
                    double before = -1.7 * log_p(f, s + i * sites);
                    check_close(energy[i], before, 2e-5);
                    s[i * sites + site] = (int8_t)-s[i * sites + site];
                    check_close(change[i], -1.7 * log_p(f, s + i * sites) - before, 4e-5);
                    s[i * sites + site] = (int8_t)-s[i * sites + site];
                }
            }
            nnsm_metropolis_sweep(&tile, nnsm_rng_key_from_seed(9), 0, sweep, beta, accepted);
        }
        nnsm_tile_destroy(&tile);
        nnsm_learned_destroy(learned);
        nnsm_frontier_destroy(f);
    }
}

/* chi^2 of 32000 ancestral samples over the first 7 spins in order; 5 sigma. */
static void ancestral_samples_follow_p(void **state)
{
    (void)state;
    enum { BINS = 128, TILES = 1000 };
    nnsm_frontier *f = network(&cases[0]);
    nnsm_learned *learned;
    nnsm_tile tile;
    size_t sites = nnsm_frontier_sites(f);
    int8_t s[NNSM_TILE * SITES];
    double expected[BINS] = {0}, found[BINS] = {0}, chi = 0;
    assert_int_equal(nnsm_learned_create_frontier(&learned, f, NULL), NNSM_OK);
    assert_int_equal(nnsm_learned_tile_create(&tile, learned, NULL), NNSM_OK);
    for (size_t k = 0; k < (size_t)1 << sites; k++) {
        unpack(k, sites, s);
        expected[k % BINS] += exp(log_p(f, s)) * TILES * NNSM_TILE;
    }
    for (uint32_t t = 0; t < TILES; t++) {
        nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(12), t * NNSM_TILE, s);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            size_t bin = 0;
            for (size_t i = 0; i < 7; i++)
                bin |= (size_t)(s[c * sites + i] > 0) << i;
            found[bin] += 1;
        }
    }
    for (size_t b = 0; b < BINS; b++)
        chi += (found[b] - expected[b]) * (found[b] - expected[b]) / expected[b];
    assert_true(fabs(chi - (BINS - 1)) < 5 * sqrt(2.0 * (BINS - 1)));
    nnsm_tile_destroy(&tile);
    nnsm_learned_destroy(learned);
    nnsm_frontier_destroy(f);
}

/* ---- fitting */

typedef struct {
    nnsm_frontier *f;
    nnsm_frontier_layout layout;
    nnsm_frontier_workspace *w;
    float *parameters, *sums, *factor;
} fitting;

static fitting begin_fitting(const nnsm_frontier_architecture *a, size_t rows)
{
    fitting t = {.f = network(a)};
    assert_int_equal(nnsm_frontier_layout_create(&t.layout, t.f, NULL), NNSM_OK);
    assert_int_equal(nnsm_frontier_workspace_create(&t.w, t.f, rows, NULL), NNSM_OK);
    size_t fits = t.layout.fits;
    t.parameters = calloc(t.layout.parameters[fits], sizeof(float));
    t.sums = calloc(t.layout.hessian[fits], sizeof(float));
    t.factor = calloc(t.layout.factor[fits], sizeof(float));
    return t;
}

static void end_fitting(fitting *t)
{
    nnsm_frontier_workspace_destroy(t->w);
    nnsm_frontier_layout_destroy(&t->layout);
    nnsm_frontier_destroy(t->f);
    free(t->parameters);
    free(t->sums);
    free(t->factor);
}

static void standardize(fitting *t, const int8_t *s, size_t rows)
{
    double nll = nnsm_frontier_sums(t->f, &t->layout, t->w, NNSM_FIT_MOMENTS, t->parameters, s, rows, t->sums);
    check_close(nll, (double)rows * SITES * log(2), 1e-9 * nll); /* before the first step p is uniform */
    for (size_t i = 0; i < t->layout.fits; i++)
        nnsm_fit_standardize(nnsm_frontier_look(t->f, i), t->sums + t->layout.hessian[i], (double)rows,
                             t->parameters + t->layout.parameters[i]);
}

static double loss(fitting *t, const int8_t *s, size_t rows)
{
    return nnsm_frontier_sums(t->f, &t->layout, t->w, NNSM_FIT_GRADIENT, t->parameters, s, rows, t->sums);
}

/* Gradients and Hessians against differences of losses and gradients; both kinds of sums give the same gradient. */
static void sums_are_derivatives_of_the_loss(void **state)
{
    (void)state;
    enum { ROWS = 200 };
    int8_t s[ROWS * SITES];
    for (int c = 0; c < 2; c++) {
        fitting t = begin_fitting(&cases[c], ROWS);
        for (size_t r = 0; r < ROWS; r++)
            unpack((r * 2654435761u >> 7) & 0xfff, SITES, s + r * SITES);
        standardize(&t, s, ROWS);
        for (size_t i = 0; i < t.layout.fits; i++) {
            const nnsm_fit *fit = nnsm_frontier_look(t.f, i);
            size_t d = fit->frontier + fit->units + 1;
            float *theta = t.parameters + t.layout.parameters[i];
            for (size_t k = 0; k < d; k++)
                theta[k] = 0.1f * (float)((int)((k + i) % 5) - 2);
            for (size_t k = 0; k < fit->frontier; k++)
                theta[d + 2 * fit->units + k] = k % 2 ? -1.f : 1.f;
        }
        (void)nnsm_frontier_sums(t.f, &t.layout, t.w, NNSM_FIT_HESSIAN, t.parameters, s, ROWS, t.sums);
        size_t fit_index = t.layout.fits / 2, at = t.layout.hessian[fit_index];
        const nnsm_fit *fit = nnsm_frontier_look(t.f, fit_index);
        size_t d = fit->frontier + fit->units + 1;
        float *hessian = malloc((d + d * (d + 1) / 2) * sizeof(float)),
              *theta = t.parameters + t.layout.parameters[fit_index];
        memcpy(hessian, t.sums + at, (d + d * (d + 1) / 2) * sizeof(float));
        for (size_t k = 0; k < d; k++) {
            const float h = 0.02f;
            float here = theta[k], *g = t.sums + t.layout.gradient[fit_index];
            double up, down, row[64];
            theta[k] = here + h;
            up = loss(&t, s, ROWS);
            for (size_t i = 0; i < d; i++)
                row[i] = g[i];
            theta[k] = here - h;
            down = loss(&t, s, ROWS);
            for (size_t i = 0; i <= k; i++)
                check_close(hessian[d + k * (k + 1) / 2 + i], (row[i] - g[i]) / (2 * h), 0.02 * ROWS * 0.25);
            theta[k] = here;
            (void)loss(&t, s, ROWS);
            check_close(g[k], (up - down) / (2 * h), 0.03);
            check_close(g[k], hessian[k], 2e-3);
        }
        free(hessian);
        end_fitting(&t);
    }
}

/* All states of an Ising lattice in numbers proportional to their weights: Newton steps find p. Returns KL. */
static double fit_all_states(const nnsm_frontier_architecture *a, double field, double temperature)
{
    enum { STATES = 1 << SITES, COPIES = 60000 };
    nnsm_lattice lattice;
    fitting t = begin_fitting(a, 512);
    nnsm_fit_options options = {.odd = a->odd, .ridge = 1e-5};
    int8_t *s = malloc((size_t)(COPIES + STATES) * SITES), one[SITES];
    double weight[STATES], z = 0, worst = 0;
    size_t rows = 0;
    assert_int_equal(nnsm_lattice_create(&lattice, a->dimensions, a->extent, true, NULL), NNSM_OK);
    nnsm_ising model = {&lattice, 1.0, field};
    for (size_t k = 0; k < STATES; k++) {
        unpack(k, SITES, one);
        z += weight[k] = exp(-nnsm_ising_energy(&model, one) / temperature);
    }
    for (size_t k = 0; k < STATES; k++)
        for (long n = lround(weight[k] / z * COPIES); n > 0; n--)
            unpack(k, SITES, s + rows++ * SITES);
    standardize(&t, s, rows);
    for (int step = 0; step < 8; step++) {
        (void)nnsm_frontier_sums(t.f, &t.layout, t.w, NNSM_FIT_HESSIAN, t.parameters, s, rows, t.sums);
        worst = 0;
        for (size_t i = 0; i < t.layout.fits; i++) {
            double noise;
            assert_int_equal(nnsm_fit_newton(nnsm_frontier_look(t.f, i), &options, t.sums + t.layout.hessian[i],
                                             (double)rows, t.parameters + t.layout.parameters[i],
                                             t.factor + t.layout.factor[i], &noise, NULL),
                             NNSM_OK);
            worst = noise > worst ? noise : worst;
        }
    }
    assert_true(worst < 0.1); /* converged far below the noise of so many draws */
    nnsm_frontier_apply(t.f, &t.layout, t.parameters);
    double kl = 0;
    for (size_t k = 0; k < STATES; k++) {
        unpack(k, SITES, one);
        kl += weight[k] / z * (log(weight[k] / z) - log_p(t.f, one));
    }
    free(s);
    nnsm_lattice_destroy(&lattice);
    end_fitting(&t);
    return kl;
}

static void newton_steps_find_the_distribution(void **state)
{
    (void)state;
    const nnsm_frontier_architecture a = {
        .dimensions = 2, .extent = {3, 4, 1}, .periodic = true, .reach = 1, .units = 64};
    double kl = fit_all_states(&a, 0.15, 3.5);
    assert_true(kl > -1e-6 && kl < 2e-3); /* the counts are rounded; without units KL is above 5e-3 */
}

/* Outputs that share a fit but see the first site each in a slot of its own, from near and from far: what is nearly
 * linear in the middle of a ring is not at its ends. */
static void outputs_of_a_ring_share_a_fit(void **state)
{
    (void)state;
    nnsm_frontier_architecture a = {
        .dimensions = 1, .extent = {SITES, 1, 1}, .periodic = true, .reach = 1, .units = 64, .odd = true};
    double apart = fit_all_states(&a, 0, 4.0);
    a.share = true;
    double together = fit_all_states(&a, 0, 4.0);
    print_message("KL of a ring: %.1e, of outputs that share a fit %.1e\n", apart, together);
    assert_true(together < 1e-4);
    check_close(together, apart, 1e-6);
}

static void impossible_networks_are_refused(void **state)
{
    (void)state;
    nnsm_frontier *f;
    nnsm_error error;
    nnsm_frontier_architecture bad[] = {
        {.dimensions = 0, .extent = {3, 3, 1}, .reach = 1, .temperature = 1},
        {.dimensions = 2, .extent = {3, 0, 1}, .reach = 1, .temperature = 1},
        {.dimensions = 2, .extent = {3, 3, 1}, .reach = 0.5, .temperature = 1},
        {.dimensions = 2, .extent = {3, 3, 1}, .reach = 1, .temperature = 0},
        {.dimensions = 2, .extent = {3, 3, 1}, .reach = 2, .temperature = 1, .horizon = 1},
        {.dimensions = 2, .extent = {3, 3, 1}, .reach = 1, .temperature = 1, .units = 100000},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(nnsm_frontier_create(&f, &bad[i], &error), NNSM_USAGE);
}

static void no_more_units_are_made_than_a_file_holds(void **state)
{
    (void)state;
    nnsm_frontier *f = NULL;
    nnsm_error error;
    const nnsm_frontier_architecture a = {
        .dimensions = 2, .extent = {12, 12, 1}, .periodic = true, .reach = 1, .units = 40, .temperature = 1};
    size_t weights = 0;
    assert_int_equal(nnsm_frontier_create(&f, &a, &error), NNSM_OK);
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++)
        weights += nnsm_frontier_look(f, i)->units * nnsm_frontier_look(f, i)->frontier;
    nnsm_frontier_destroy(f);
    assert_int_equal(nnsm_frontier_create_within(&f, &a, weights, &error), NNSM_OK);
    nnsm_frontier_destroy(f);
    assert_int_equal(nnsm_frontier_create_within(&f, &a, weights - 1, &error), NNSM_USAGE);
    assert_null(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_sum_to_one),
        cmocka_unit_test(the_frontier_is_all_that_a_conditional_needs),
        cmocka_unit_test(shared_fits_keep_every_site_apart),
        cmocka_unit_test(with_a_horizon_rows_share_fits),
        cmocka_unit_test(flips_on_tiles_equal_full_evaluations),
        cmocka_unit_test(ancestral_samples_follow_p),
        cmocka_unit_test(sums_are_derivatives_of_the_loss),
        cmocka_unit_test(newton_steps_find_the_distribution),
        cmocka_unit_test(outputs_of_a_ring_share_a_fit),
        cmocka_unit_test(impossible_networks_are_refused),
        cmocka_unit_test(no_more_units_are_made_than_a_file_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
