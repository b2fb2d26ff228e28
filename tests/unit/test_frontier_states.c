/* The frontier network of sites with more than two values: normalisation, geometry, derivatives, the fit, tiles. */
#include "check.h"
#include "made/frontier_fit.h"
#include "made/frontier_geometry.h"
#include "nnsm/network.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SITES = 12, T = NNSM_TILE };
static const double T0 = 1.7;

static nnsm_alphabet alphabet_of(int values, bool labels)
{
    int64_t value[NNSM_MAX_VALUES];
    nnsm_alphabet alphabet;
    for (int k = 0; k < values; k++)
        value[k] = labels ? 5 + 2 * k : k * (k + 1) / 2 - 2; /* numbers with unequal steps */
    assert_int_equal(nnsm_alphabet_create(&alphabet, (size_t)values, value, labels, NULL), NNSM_OK);
    return alphabet;
}

static const struct {
    int values;
    bool labels;
    nnsm_frontier_architecture a;
} cases[] = {
    {3, true, {.dimensions = 2, .extent = {2, 4, 1}, .periodic = true, .order = NNSM_RASTER, .reach = 1, .units = 9}},
    {3,
     false,
     {.dimensions = 2, .extent = {4, 2, 1}, .periodic = false, .order = NNSM_SNAKE, .reach = 1.5, .units = 7}},
    {4, false, {.dimensions = 1, .extent = {6, 1, 1}, .periodic = true, .order = NNSM_RANDOM, .reach = 2, .units = 6}},
    {5, true, {.dimensions = 1, .extent = {5, 1, 1}, .periodic = true, .order = NNSM_RASTER, .reach = 1, .units = 13}},
    {3,
     true,
     {.dimensions = 3, .extent = {2, 2, 2}, .periodic = true, .order = NNSM_CHECKERBOARD, .reach = 1, .units = 6}},
    {4,
     false,
     {.dimensions = 2,
      .extent = {2, 3, 1},
      .periodic = true,
      .order = NNSM_RASTER,
      .reach = 1,
      .units = 0,
      .share = true}},
};
enum { CASES = sizeof cases / sizeof *cases };

static nnsm_frontier *network(size_t number, double size)
{
    nnsm_frontier *f;
    nnsm_frontier_architecture a = cases[number].a;
    a.temperature = T0;
    a.seed = 5;
    a.alphabet = alphabet_of(cases[number].values, cases[number].labels);
    assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(3), NNSM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++) {
        nnsm_fit *fit = nnsm_frontier_fit(f, i);
        for (size_t k = 0; k < nnsm_fit_dimension(fit); k++)
            fit->weights[k] = (float)(size * (2 * nnsm_rng_uniform(&draw) - 1));
        for (size_t k = 0; k < fit->frontier; k++)
            fit->sign[k] = nnsm_rng_uniform(&draw) < 0.5 ? -1.f : 1.f;
    }
    return f;
}

static void unpack(size_t number, size_t values, size_t sites, int8_t *s)
{
    for (size_t i = 0; i < sites; i++, number /= values)
        s[i] = (int8_t)(number % values);
}

static size_t states_of(const nnsm_frontier *f)
{
    size_t states = 1;
    for (size_t i = 0; i < nnsm_frontier_sites(f); i++)
        states *= (size_t)nnsm_frontier_architecture_of(f)->alphabet.count;
    return states;
}

/* log p of all states, by number. */
static double *all_log_p(const nnsm_frontier *f)
{
    size_t sites = nnsm_frontier_sites(f), states = states_of(f);
    size_t values = (size_t)nnsm_frontier_architecture_of(f)->alphabet.count;
    nnsm_frontier_workspace *w;
    int8_t *s = malloc(states * sites);
    double *log_p = malloc(states * sizeof *log_p);
    assert_int_equal(nnsm_frontier_workspace_create(&w, f, 512, NULL), NNSM_OK);
    for (size_t k = 0; k < states; k++)
        unpack(k, values, sites, s + k * sites);
    nnsm_frontier_log_probability(f, w, s, states, log_p);
    nnsm_frontier_workspace_destroy(w);
    free(s);
    return log_p;
}

static size_t number_of(const nnsm_frontier *f, const int8_t *s)
{
    size_t number = 0, values = (size_t)nnsm_frontier_architecture_of(f)->alphabet.count;
    for (size_t i = nnsm_frontier_sites(f); i-- > 0;)
        number = number * values + (size_t)s[i];
    return number;
}

static void probabilities_sum_to_one(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        nnsm_frontier *f = network(c, 1.5);
        double *log_p = all_log_p(f), sum = 0;
        for (size_t k = 0; k < states_of(f); k++)
            sum += exp(log_p[k]);
        check_close(sum, 1, 1e-5);
        free(log_p);
        nnsm_frontier_destroy(f);
    }
}

/* log p by the formula of the header, in doubles: -log of the softmax, every part of it written out. */
static double reference(const nnsm_frontier *f, const int8_t *s)
{
    size_t q = (size_t)nnsm_frontier_architecture_of(f)->alphabet.count;
    double log_p = 0;
    for (size_t p = 0; p < nnsm_frontier_sites(f); p++) {
        const int32_t *sites;
        const nnsm_fit *fit = nnsm_frontier_look(f, nnsm_frontier_output(f, p, &sites));
        double o[NNSM_MAX_VALUES] = {0}, x[MOST_SITES * NNSM_MAX_VALUES], sum = 0;
        for (size_t i = 0; i < fit->inputs; i++) {
            int32_t site = sites[i / (q - 1)];
            x[i] =
                site < 0 ? 0 : fit->sign[i / (q - 1)] * ((s[site] == (int)(i % (q - 1)) + 1 ? 1 : 0) - 1.0 / (double)q);
        }
        for (size_t k = 1; k < q; k++) {
            const float *a = fit->weights + (k - 1) * nnsm_fit_features(fit), *b = a + fit->inputs;
            o[k] = b[fit->units];
            for (size_t i = 0; i < fit->inputs; i++)
                o[k] += a[i] * x[i];
            for (size_t u = 0; u < fit->units; u++) {
                double h = fit->offset[u];
                for (size_t i = 0; i < fit->inputs; i++)
                    h += fit->w[u * fit->inputs + i] * x[i];
                o[k] += b[u] * tanh(h);
            }
        }
        for (size_t k = 0; k < q; k++)
            sum += exp(o[k]);
        log_p += o[(size_t)s[nnsm_frontier_order(f)[p]]] - log(sum);
    }
    return log_p;
}

static void log_p_is_what_the_header_says(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        nnsm_frontier *f = network(c, 1.5);
        double *log_p = all_log_p(f);
        int8_t s[MOST_SITES];
        for (size_t k = 0; k < states_of(f); k += 37) {
            unpack(k, (size_t)cases[c].values, nnsm_frontier_sites(f), s);
            check_close(log_p[k], reference(f, s), 2e-5);
        }
        free(log_p);
        nnsm_frontier_destroy(f);
    }
}

/* ---- units */

/* Every unit's function of a site's value has mean 0; those of labels take every label in turn with one shape, so that
 * the fields of q neighbouring units are permuted by permuting labels. */
static void units_tell_no_label_from_another(void **state)
{
    (void)state;
    nnsm_frontier *f = network(3, 1);
    const nnsm_fit *fit = NULL;
    const size_t q = 5;
    for (size_t i = 0; i < nnsm_frontier_fits(f); i++)
        fit = nnsm_frontier_look(f, i)->units ? nnsm_frontier_look(f, i) : fit;
    assert_non_null(fit);
    assert_true(fit->units == 10); /* of 13, whole groups */
    for (size_t i = 0; i < fit->frontier; i++)
        for (size_t u = 0; u < fit->units; u++) {
            const float *w = fit->w + u * fit->inputs + i * (q - 1),
                        *first = fit->w + u / q * q * fit->inputs + i * (q - 1);
            /* g_v - g_0: of label 0 all the same, of label u that one alone */
            for (size_t v = 1; v < q; v++)
                check_close(w[v - 1], u % q == 0 ? first[0] : u % q == v ? -first[0] : 0, 1e-6);
            check_close(fit->offset[u], fit->offset[u / q * q], 0);
        }
    assert_true(fabsf(fit->w[0]) > 1e-3f);
    nnsm_frontier_destroy(f);
}

/* ---- tiles */

/* Updates of one to four sites, accepted in some chains, against full passes. */
static void updates_on_tiles_equal_full_evaluations(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        nnsm_frontier *f = network(c, 1);
        nnsm_learned *learned;
        nnsm_tile tile;
        double *log_p = all_log_p(f), change[T], energy[T];
        size_t sites = nnsm_frontier_sites(f);
        uint32_t q = (uint32_t)cases[c].values;
        int8_t s[T * MOST_SITES], seen[T];
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(8), NNSM_RNG_TEST, 0, 0);
        assert_int_equal(nnsm_learned_create_frontier(&learned, f, NULL), NNSM_OK);
        assert_int_equal(nnsm_learned_tile_create(&tile, learned, NULL), NNSM_OK);
        nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(2), 0, s);
        for (int step = 0; step < 60; step++) {
            nnsm_update update = {.count = 1 + nnsm_rng_below(&draw, 4)};
            uint32_t accept[T];
            size_t from = nnsm_rng_below(&draw, (uint32_t)sites);
            for (size_t i = 0; i < update.count; i++) {
                update.site[i] = (from + 2 * i + (sites % 2 == 0 && 2 * i >= sites)) % sites;
                tile.methods->look(tile.state, update.site[i], seen);
                for (size_t k = 0; k < T; k++) {
                    assert_int_equal(seen[k], s[k * sites + update.site[i]]);
                    update.state[i][k] = k % 5 ? (int8_t)nnsm_rng_below(&draw, q) : seen[k];
                }
            }
            tile.methods->propose(tile.state, &update, change);
            tile.methods->energy(tile.state, energy);
            for (size_t k = 0; k < T; k++) {
                int8_t *own = s + k * sites, next[MOST_SITES];
                memcpy(next, own, sites);
                for (size_t i = 0; i < update.count; i++)
                    next[update.site[i]] = update.state[i][k];
                check_close(energy[k], -T0 * log_p[number_of(f, own)], 1e-4);
                check_close(change[k], -T0 * (log_p[number_of(f, next)] - log_p[number_of(f, own)]), 1e-4);
                if (memcmp(next, own, sites) == 0)
                    check_close(change[k], 0, 0);
                accept[k] = (k + (size_t)step) % 3 ? UINT32_MAX : 0;
                if (accept[k])
                    memcpy(own, next, sites);
            }
            tile.methods->settle(tile.state, &update, accept);
            if (step % 17 == 0)
                tile.methods->refresh(tile.state);
        }
        free(log_p);
        nnsm_tile_destroy(&tile);
        nnsm_learned_destroy(learned);
        nnsm_frontier_destroy(f);
    }
}

/* chi^2 of 32000 ancestral samples over all states that are expected 5 times and more, the others together; and after
 * their suffixes are redrawn, which must leave the prefixes. 5 sigma. */
static void ancestral_samples_and_suffixes_follow_p(void **state)
{
    (void)state;
    enum { TILES = 1000, MOST = 5000 };
    const nnsm_rng_key key = nnsm_rng_key_from_seed(12);
    nnsm_frontier *f = network(2, 1);
    nnsm_learned *learned;
    nnsm_tile tile;
    double *log_p = all_log_p(f);
    static double found[2][MOST];
    size_t sites = nnsm_frontier_sites(f), states = states_of(f);
    int8_t s[T * MOST_SITES], before[T * MOST_SITES];
    assert_int_equal(nnsm_learned_create_frontier(&learned, f, NULL), NNSM_OK);
    assert_int_equal(nnsm_learned_tile_create(&tile, learned, NULL), NNSM_OK);
    for (uint32_t t = 0; t < TILES; t++) {
        nnsm_learned_sample(&tile, key, t * T, s);
        for (size_t c = 0; c < T; c++)
            found[0][number_of(f, s + c * sites)]++;
        memcpy(before, s, sizeof s);
        nnsm_learned_redraw(&tile, key, t * T, 3, 2, s);
        for (size_t c = 0; c < T; c++) {
            found[1][number_of(f, s + c * sites)]++;
            for (size_t p = 0; p < 2; p++)
                assert_int_equal(s[c * sites + (size_t)nnsm_frontier_order(f)[p]],
                                 before[c * sites + (size_t)nnsm_frontier_order(f)[p]]);
        }
    }
    for (int k = 0; k < 2; k++) {
        double chi = 0, rest[2] = {0}, bins = 0;
        for (size_t i = 0; i < states; i++) {
            double expected = exp(log_p[i]) * TILES * T;
            if (expected < 5) {
                rest[0] += expected;
                rest[1] += found[k][i];
                continue;
            }
            chi += (found[k][i] - expected) * (found[k][i] - expected) / expected;
            bins++;
        }
        chi += (rest[1] - rest[0]) * (rest[1] - rest[0]) / rest[0];
        assert_true(bins > 300 && fabs(chi - bins) < 5 * sqrt(2 * bins));
    }
    free(log_p);
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

static fitting begin_fitting(nnsm_frontier *f, size_t rows)
{
    fitting t = {.f = f};
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

static double sum(fitting *t, nnsm_fit_sums kind, const int8_t *s, size_t rows)
{
    return nnsm_frontier_sums(t->f, &t->layout, t->w, kind, t->parameters, s, rows, t->sums);
}

static void standardize(fitting *t, const int8_t *s, size_t rows)
{
    (void)sum(t, NNSM_FIT_MOMENTS, s, rows);
    for (size_t i = 0; i < t->layout.fits; i++)
        nnsm_fit_standardize(nnsm_frontier_look(t->f, i), t->sums + t->layout.hessian[i], (double)rows,
                             t->parameters + t->layout.parameters[i]);
}

/* Gradients and Hessians against differences of losses and gradients; both kinds of sums give the same gradient, and
 * the network that the parameters make has that loss. */
static void sums_are_derivatives_of_the_loss(void **state)
{
    (void)state;
    enum { ROWS = 200 };
    static int8_t s[ROWS * MOST_SITES];
    for (size_t c = 0; c < 4; c++) {
        fitting t = begin_fitting(network(c, 1), ROWS);
        size_t sites = nnsm_frontier_sites(t.f), index = t.layout.fits / 2;
        for (size_t r = 0; r < ROWS; r++)
            unpack((r * 2654435761u >> 5) & 0xffffff, (size_t)cases[c].values, sites, s + r * sites);
        standardize(&t, s, ROWS);
        for (size_t i = 0; i < t.layout.fits; i++) {
            const nnsm_fit *fit = nnsm_frontier_look(t.f, i);
            size_t d = nnsm_fit_dimension(fit);
            float *theta = t.parameters + t.layout.parameters[i];
            for (size_t k = 0; k < d; k++)
                theta[k] = 0.1f * (float)((int)((k + i) % 5) - 2);
            for (size_t k = 0; k < fit->frontier; k++)
                theta[d + 2 * fit->units + k] = k % 2 ? -1.f : 1.f;
        }
        double loss = sum(&t, NNSM_FIT_HESSIAN, s, ROWS), log_p[ROWS];
        size_t d = nnsm_fit_dimension(nnsm_frontier_look(t.f, index)), floats = d + d * (d + 1) / 2;
        float *hessian = malloc(floats * sizeof *hessian), *theta = t.parameters + t.layout.parameters[index];
        double *row = malloc(d * sizeof *row);
        memcpy(hessian, t.sums + t.layout.hessian[index], floats * sizeof *hessian);
        nnsm_frontier_apply(t.f, &t.layout, t.parameters);
        nnsm_frontier_log_probability(t.f, t.w, s, ROWS, log_p);
        for (size_t r = 0; r < ROWS; r++)
            loss += log_p[r];
        check_close(loss, 0, 2e-3);
        for (size_t k = 0; k < d; k++) {
            const float h = 0.02f;
            float here = theta[k], *g = t.sums + t.layout.gradient[index];
            theta[k] = here + h;
            double up = sum(&t, NNSM_FIT_GRADIENT, s, ROWS);
            for (size_t i = 0; i < d; i++)
                row[i] = g[i];
            theta[k] = here - h;
            double down = sum(&t, NNSM_FIT_GRADIENT, s, ROWS);
            for (size_t i = 0; i <= k; i++)
                check_close(hessian[d + k * (k + 1) / 2 + i], (row[i] - g[i]) / (2 * h), 0.02 * ROWS * 0.25);
            theta[k] = here;
            (void)sum(&t, NNSM_FIT_GRADIENT, s, ROWS);
            check_close(g[k], (up - down) / (2 * h), 0.05);
            check_close(g[k], hessian[k], 4e-3);
        }
        free(hessian);
        free(row);
        end_fitting(&t);
    }
}

/* Potts, or numbers with a pair product and a field, at T0. */
static double energy_of(const int8_t *s, bool labels)
{
    double e = 0;
    for (size_t i = 0; i < 6; i++) { /* 2 x 3, open */
        size_t right = i % 3 < 2 ? i + 1 : i, down = i < 3 ? i + 3 : i;
        double a = s[i] - 1.0, b = s[right] - 1.0, c = s[down] - 1.0;
        if (labels)
            e -= 1.5 * ((right != i && s[i] == s[right]) + (down != i && s[i] == s[down]));
        else
            e -= (right != i) * a * b + (down != i) * a * c + 0.2 * a - 0.3 * a * a;
    }
    return e;
}

/* All states of a lattice in numbers proportional to their weights: Newton steps find p, and averaging steps stay. */
static void steps_find_the_distribution(void **state)
{
    (void)state;
    enum { STATES = 729, COPIES = 80000 };
    nnsm_fit_options options = {.odd = false, .ridge = 1e-6};
    for (int labels = 0; labels < 2; labels++) {
        nnsm_frontier *f;
        nnsm_frontier_architecture a = {.dimensions = 2,
                                        .extent = {2, 3, 1},
                                        .reach = 1,
                                        .units = 24,
                                        .seed = 5,
                                        .temperature = T0,
                                        .alphabet = alphabet_of(3, labels)};
        assert_int_equal(nnsm_frontier_create(&f, &a, NULL), NNSM_OK);
        fitting t = begin_fitting(f, 512);
        int8_t *s = malloc((COPIES + STATES) * 6), one[6];
        double weight[STATES], z = 0, worst = 0, kl = 0;
        size_t rows = 0;
        for (size_t k = 0; k < STATES; k++) {
            unpack(k, 3, 6, one);
            z += weight[k] = exp(-energy_of(one, labels) / T0);
        }
        for (size_t k = 0; k < STATES; k++)
            for (long n = lround(weight[k] / z * COPIES); n > 0; n--)
                unpack(k, 3, 6, s + rows++ * 6);
        (void)sum(&t, NNSM_FIT_SIGNS, s, rows);
        for (size_t i = 0; i < t.layout.fits; i++)
            nnsm_fit_orient(nnsm_frontier_look(f, i), t.sums + t.layout.hessian[i], (double)rows,
                            t.parameters + t.layout.parameters[i]);
        standardize(&t, s, rows);
        for (int step = 0; step < 10; step++) {
            double noise;
            (void)sum(&t, step < 8 ? NNSM_FIT_HESSIAN : NNSM_FIT_GRADIENT, s, rows);
            worst = step < 8 ? 0 : worst;
            for (size_t i = 0; i < t.layout.fits; i++) {
                float *theta = t.parameters + t.layout.parameters[i], *factor = t.factor + t.layout.factor[i];
                if (step < 8)
                    assert_int_equal(nnsm_fit_newton(nnsm_frontier_look(f, i), &options, t.sums + t.layout.hessian[i],
                                                     (double)rows, theta, factor, &noise, NULL),
                                     NNSM_OK);
                else
                    assert_int_equal(nnsm_fit_average(nnsm_frontier_look(f, i), &options, t.sums + t.layout.gradient[i],
                                                      (double)rows, 0.5, factor, theta, NULL),
                                     NNSM_OK);
                worst = step < 8 && noise > worst ? noise : worst;
            }
        }
        assert_true(worst < 0.1);
        nnsm_frontier_apply(f, &t.layout, t.parameters);
        double *log_p = all_log_p(f);
        for (size_t k = 0; k < STATES; k++)
            kl += weight[k] / z * (log(weight[k] / z) - log_p[k]);
        print_message("KL of the %s: %.2e\n", labels ? "labels" : "numbers", kl);
        assert_true(kl > -1e-6 && kl < 2e-4);
        free(log_p);
        free(s);
        end_fitting(&t);
    }
}

/* ---- files */

static void files_hold_what_was_saved(void **state)
{
    (void)state;
    char path[] = "/tmp/nnsm_test_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    for (size_t c = 0; c < CASES; c++) {
        nnsm_network saved = {.frontier = network(c, 1)}, read;
        assert_int_equal(nnsm_network_save(&saved, path, NULL), NNSM_OK);
        assert_int_equal(nnsm_network_open(&read, path, NULL), NNSM_OK);
        assert_non_null(read.frontier);
        nnsm_network_shape shape = nnsm_network_shape_of(&read);
        assert_true(nnsm_alphabet_equal(&shape.alphabet, &nnsm_frontier_architecture_of(saved.frontier)->alphabet));
        double *a = all_log_p(saved.frontier), *b = all_log_p(read.frontier);
        for (size_t k = 0; k < states_of(saved.frontier); k++)
            check_close(a[k], b[k], 0);
        free(a);
        free(b);
        nnsm_network_destroy(&saved);
        nnsm_network_destroy(&read);
    }
    (void)unlink(path);
}

static void conditionals_too_large_to_fit_are_refused(void **state)
{
    (void)state;
    nnsm_frontier *f;
    nnsm_error error;
    nnsm_frontier_architecture a = {.dimensions = 2,
                                    .extent = {16, 16, 1},
                                    .periodic = true,
                                    .reach = 1,
                                    .units = 512,
                                    .temperature = 1,
                                    .alphabet = alphabet_of(16, false)};
    assert_int_equal(nnsm_frontier_create(&f, &a, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "lower network.units"));
    a.units = 32;
    assert_int_equal(nnsm_frontier_create(&f, &a, &error), NNSM_OK);
    nnsm_frontier_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_sum_to_one),
        cmocka_unit_test(log_p_is_what_the_header_says),
        cmocka_unit_test(units_tell_no_label_from_another),
        cmocka_unit_test(updates_on_tiles_equal_full_evaluations),
        cmocka_unit_test(ancestral_samples_and_suffixes_follow_p),
        cmocka_unit_test(sums_are_derivatives_of_the_loss),
        cmocka_unit_test(steps_find_the_distribution),
        cmocka_unit_test(files_hold_what_was_saved),
        cmocka_unit_test(conditionals_too_large_to_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
