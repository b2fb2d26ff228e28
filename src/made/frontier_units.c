/* frontier_units.c: products of neighbouring frontier spins, then random shapes. */
#include "made/frontier_units.h"

#include <math.h>
#include <stdbool.h>

#include "made/frontier_geometry.h"
#include "nnsm/rng.h"

enum { NEAREST = 8 }; /* frontier sites that products beyond the reach are made of; 6 and 8 measured, little between */

/* ---- products */

/* Are two sites within the reach of the interaction? */
static bool near(const nnsm_frontier *f, int32_t a, int32_t b)
{
    int d[NNSM_MAX_DIMENSIONS] = {0};
    double square = 0;
    nnsm_frontier_displacement(&f->architecture, a, b, d);
    for (int axis = 0; axis < f->architecture.dimensions; axis++)
        square += (double)d[axis] * d[axis];
    return square <= f->architecture.reach * f->architecture.reach + 1e-9;
}

/* A unit with equal weights on sites i, j, and k if that is one of the frontier (F: none). With an offset a sum of two
 * has an even part; a sum of three needs none. */
static void make_product(nnsm_fit *fit, size_t unit, size_t i, size_t j, size_t k)
{
    float *w = fit->w + unit * fit->frontier;
    w[i] = w[j] = 1;
    if (k < fit->frontier)
        w[k] = 1;
    fit->offset[unit] = k < fit->frontier ? 0.f : 1.f;
}

/* Products of the frontier spin number j with nearer ones, those within the reach or the others; *made grows up to
 * `most`. */
static void join(const nnsm_frontier *f, size_t p, nnsm_fit *fit, size_t j, bool within, size_t most, size_t *made)
{
    const int32_t *s = f->output[p].sites;
    bool near_j = s[j] >= 0 && near(f, f->order[p], s[j]);
    for (size_t i = 0; i < j && s[j] >= 0; i++) {
        if (s[i] < 0)
            continue;
        bool near_ij = near_j && near(f, s[i], s[j]);
        if (!f->architecture.odd && near_ij == within && *made < most)
            make_product(fit, (*made)++, i, j, fit->frontier);
        for (size_t k = 0; k < i && *made < most; k++)
            if (s[k] >= 0 && (near_ij && near(f, s[k], s[i]) && near(f, s[k], s[j])) == within)
                make_product(fit, (*made)++, k, i, j);
    }
}

/* Products of two where the spin flip is no symmetry, and of three: all within the reach, and if there are such, those
 * of the nearest frontier sites that they lead to by way of unvisited spins. Sites are sorted by distance, so that the
 * nearest come first. Half of the units are left for shapes. Returns how many. */
static size_t make_products(const nnsm_frontier *f, size_t p, nnsm_fit *fit)
{
    size_t most = fit->units / 2, made = 0;
    for (size_t j = 1; j < fit->frontier; j++)
        join(f, p, fit, j, true, most, &made);
    for (size_t j = 1; j < fit->frontier && j < NEAREST && made; j++)
        join(f, p, fit, j, false, most, &made);
    return made;
}

/* ---- shapes */

static double normal(nnsm_rng_sequence *draw)
{
    double u = nnsm_rng_uniform(draw) + 0x1p-33, v = nnsm_rng_uniform(draw);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* The side of the output on which a frontier site lies: before it or beyond it along every axis, an orthant. What is
 * unvisited on different sides answers to different frontier spins: a unit that sees one side only can tell them apart.
 */
static int side_of(const nnsm_frontier_architecture *a, const int *d)
{
    int side = 0;
    for (int axis = 0; axis < a->dimensions; axis++)
        side |= (axis ? d[axis] < 0 : d[axis] > 0) << axis;
    return side;
}

/* Weights of one shape: amplitude exp(-distance / length) on each side, scaled to a total of `gain`. Small gains give
 * nearly linear units, large ones switches. Three quarters of the amplitudes are 1. Rough: an
 * amplitude for every site, which tells many-spin functions of the frontier apart. */
static void draw_shape(const nnsm_frontier *f, size_t index, nnsm_fit *fit, size_t unit, bool rough,
                       nnsm_rng_sequence *draw)
{
    enum { SIDES = 1 << NNSM_MAX_DIMENSIONS };
    const nnsm_frontier_architecture *a = &f->architecture;
    double amplitude[SIDES], length[SIDES], sum = 0;
    for (int s = 0; s < SIDES; s++) {
        amplitude[s] = nnsm_rng_uniform(draw) < 0.625 ? 1 : normal(draw);
        length[s] = exp(-0.7 + 2.5 * nnsm_rng_uniform(draw));
    }
    double gain = exp(-0.3 + 2.3 * nnsm_rng_uniform(draw));
    float *w = fit->w + unit * fit->inputs;
    for (size_t i = 0; i < fit->frontier; i++) {
        int d[NNSM_MAX_DIMENSIONS] = {0};
        nnsm_frontier_slot(f, index, i, d);
        int side = side_of(a, d), steps = -1;
        for (int axis = 0; axis < a->dimensions; axis++)
            steps += d[axis] < 0 ? -d[axis] : d[axis];
        double value = (rough ? normal(draw) : amplitude[side]) * exp(-steps / length[side]);
        w[i] = (float)value;
        sum += fabs(value);
    }
    for (size_t i = 0; i < fit->frontier; i++)
        w[i] = (float)(w[i] * gain / sum);
    fit->offset[unit] = a->odd ? 0.f : (float)(normal(draw));
}

/* ---- what a unit sees of more than two values */

/* Mean 0 and variance 1 over the values. */
static void normalize(double *g, size_t values)
{
    double mean = 0, square = 0;
    for (size_t v = 0; v < values; v++)
        mean += g[v] / (double)values;
    for (size_t v = 0; v < values; v++) {
        g[v] -= mean;
        square += g[v] * g[v] / (double)values;
    }
    for (size_t v = 0; v < values && square > 0; v++)
        g[v] /= sqrt(square);
}

static void view_numbers(const nnsm_alphabet *alphabet, bool mixed, nnsm_rng_sequence *draw, double *g)
{
    size_t q = (size_t)alphabet->count;
    double linear[NNSM_MAX_VALUES], square[NNSM_MAX_VALUES], along = 0;
    double phi = 2 * M_PI * nnsm_rng_uniform(draw);
    for (size_t v = 0; v < q; v++)
        linear[v] = alphabet->value[v];
    normalize(linear, q);
    for (size_t v = 0; v < q; v++)
        square[v] = linear[v] * linear[v];
    normalize(square, q);
    for (size_t v = 0; v < q; v++)
        along += linear[v] * square[v] / (double)q;
    for (size_t v = 0; v < q; v++)
        square[v] -= along * linear[v];
    normalize(square, q);
    for (size_t v = 0; v < q; v++)
        g[v] = mixed ? cos(phi) * linear[v] + sin(phi) * square[v] : linear[v];
}

/* A shape over sites into weights of the inputs: x_v g_v summed over the values but the first gives g (of mean 0) with
 * weights g_v - g_0. In place, from the last site on. */
static void spread(nnsm_fit *fit, size_t unit, const double *g)
{
    float *w = fit->w + unit * fit->inputs;
    for (size_t i = fit->frontier; i-- > 0;) {
        double shape = w[i];
        for (size_t k = 0; k < fit->outputs; k++)
            w[i * fit->outputs + k] = (float)(shape * (g[k + 1] - g[0]));
    }
}

/* Sites of more than two values have q^F functions, F (q - 1) + 1 of them linear. */
static size_t units_of_states(const nnsm_frontier_architecture *a, size_t frontier)
{
    size_t q = (size_t)a->alphabet.count, functions = 1, units = a->units;
    for (size_t i = 0; i < frontier && functions <= units + frontier * q; i++)
        functions *= q;
    size_t most = functions - frontier * (q - 1) - 1;
    units = units < most ? units : most;
    return a->alphabet.labels ? units / q * q : units;
}

static void draw_states(const nnsm_frontier *frontier, size_t index, nnsm_fit *fit)
{
    const nnsm_frontier_architecture *a = &frontier->architecture;
    size_t q = (size_t)a->alphabet.count;
    for (size_t u = 0; u < fit->units; u++) {
        size_t shape = a->alphabet.labels ? u / q : u;
        double g[NNSM_MAX_VALUES] = {0};
        nnsm_rng_sequence draw =
            nnsm_rng_sequence_start(nnsm_rng_key_from_seed(a->seed), NNSM_RNG_UNITS, (uint32_t)index, (uint32_t)shape);
        draw_shape(frontier, index, fit, u, a->reach > 1 && shape % 2, &draw);
        if (a->alphabet.labels) {
            g[u % q] = 1;
            normalize(g, q);
        } else {
            view_numbers(&a->alphabet, shape / 2 % 2, &draw, g);
        }
        spread(fit, u, g);
    }
}

/* ---- all units */

/* F spins have 2^F functions, half of them odd; the linear ones (and 1) are there without units. */
size_t nnsm_frontier_units(const nnsm_frontier_architecture *architecture, size_t frontier)
{
    if (frontier < 2)
        return 0;
    if (architecture->alphabet.count > 2)
        return units_of_states(architecture, frontier);
    if (frontier > 12)
        return architecture->units;
    size_t functions = (size_t)1 << (architecture->odd ? frontier - 1 : frontier),
           most = functions - frontier - !architecture->odd;
    return architecture->units < most ? architecture->units : most;
}

void nnsm_frontier_draw(const nnsm_frontier *frontier, size_t index, size_t p, nnsm_fit *fit)
{
    if (fit->outputs > 1) {
        draw_states(frontier, index, fit);
        return;
    }
    size_t products = make_products(frontier, p, fit);
    for (size_t u = products; u < fit->units; u++) {
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(frontier->architecture.seed),
                                                         NNSM_RNG_UNITS, (uint32_t)index, (uint32_t)u);
        draw_shape(frontier, index, fit, u, products && u % 2, &draw);
    }
}
