#include "statistics/free_energy.h"

#include <assert.h>
#include <math.h>
#include <string.h>

size_t nnsm_rows_count(const nnsm_rows *rows)
{
    return rows->chains * rows->bins + rows->batches;
}

double nnsm_rows_error(const nnsm_rows *rows, const double *deviation)
{
    const double *batch = deviation + rows->chains * rows->bins;
    double chains = rows->chains ? nnsm_series_error(deviation, rows->chains, rows->bins) : 0, sum = 0;
    double n = (double)rows->batches;
    for (size_t b = 0; b < rows->batches; b++)
        sum += batch[b] * batch[b];
    return rows->batches < 2 ? chains : sqrt(chains * chains + sum / (n * (n - 1)));
}

/* ---- measured nodes */

/* Fluctuations of the four columns about their values, to first order; x: H, H^2 and f of a bin, mean: of all. */
static void linearise(const double *x, const double *mean, double scale, double *const *row, size_t r)
{
    row[NNSM_NODE_H][r] += scale * (x[0] - mean[0]);
    row[NNSM_NODE_VARIANCE][r] += scale * (x[1] - mean[1] - 2 * mean[0] * (x[0] - mean[0]));
    for (int k = NNSM_NODE_DOWN; k <= NNSM_NODE_UP; k++)
        if (mean[k] > 0)
            row[k][r] += scale * (x[k] / mean[k] - 1);
}

static void set_values(nnsm_node *node, const double *mean)
{
    node->value[NNSM_NODE_H] = mean[0];
    node->value[NNSM_NODE_VARIANCE] = mean[1] - mean[0] * mean[0];
    for (int d = 0; d < 2; d++)
        node->value[NNSM_NODE_DOWN + d] = node->target[d] > 0 ? log(mean[2 + d]) : NAN;
}

static void columns_of(nnsm_node *node, const nnsm_rows *rows, double **row)
{
    for (size_t k = 0; k < NNSM_NODE_COLUMNS; k++)
        row[k] = node->deviation + k * nnsm_rows_count(rows);
}

void nnsm_node_measure(nnsm_node *node, const nnsm_rows *rows, nnsm_series *const *walkers, size_t count,
                       const size_t *quantity)
{
    double all[NNSM_SERIES_QUANTITY_LIMIT], mean[NNSM_NODE_COLUMNS], x[NNSM_NODE_COLUMNS], *row[NNSM_NODE_COLUMNS];
    nnsm_series_means(walkers, count, all);
    for (size_t k = 0; k < NNSM_NODE_COLUMNS; k++)
        mean[k] = all[quantity[k]];
    set_values(node, mean);
    columns_of(node, rows, row);
    for (size_t w = 0; w < count; w++) {
        assert(nnsm_series_bins(walkers[w]) == rows->bins);
        for (size_t b = 0; b < rows->bins; b++) {
            for (size_t k = 0; k < NNSM_NODE_COLUMNS; k++)
                x[k] = nnsm_series_bin_mean(walkers[w], b, quantity[k]);
            linearise(x, mean, (double)rows->chains / (double)count, row, w % rows->chains * rows->bins + b);
        }
    }
}

static double largest(size_t count, const double *x)
{
    double most = -INFINITY;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, x[i]);
    return most;
}

/* H, H^2 and f of one sample; H counts from `origin`, which keeps squares small. */
static void sample_columns(const nnsm_node *node, double energy, double origin, double *x)
{
    x[0] = energy - origin;
    x[1] = x[0] * x[0];
    for (int d = 0; d < 2; d++)
        x[2 + d] = node->target[d] > 0
                       ? nnsm_bennett_function(node->temperature, node->target[d], node->middle[d], energy)
                       : 0;
}

void nnsm_node_sample(nnsm_node *node, const nnsm_rows *rows, size_t samples, const double *energy,
                      const double *log_weight)
{
    double mean[NNSM_NODE_COLUMNS] = {0}, x[NNSM_NODE_COLUMNS], *row[NNSM_NODE_COLUMNS], weights = 0;
    double most = log_weight ? largest(samples, log_weight) : 0, origin = energy[0];
    size_t batch = samples / rows->batches, first = rows->chains * rows->bins;
    for (size_t i = 0; i < samples; i++) {
        double w = log_weight ? exp(log_weight[i] - most) : 1;
        weights += w;
        sample_columns(node, energy[i], origin, x);
        for (size_t k = 0; k < NNSM_NODE_COLUMNS; k++)
            mean[k] += w * x[k];
    }
    for (size_t k = 0; k < NNSM_NODE_COLUMNS; k++)
        mean[k] /= weights;
    set_values(node, mean);
    node->value[NNSM_NODE_H] += origin;
    columns_of(node, rows, row);
    for (size_t i = 0; i < samples; i++) {
        double w = log_weight ? exp(log_weight[i] - most) : 1;
        sample_columns(node, energy[i], origin, x);
        linearise(x, mean, w * (double)rows->batches / weights, row, first + i / batch);
    }
}

double nnsm_log_mean(const nnsm_rows *rows, size_t samples, const double *x, double *deviation, double *effective)
{
    double most = largest(samples, x), sum = 0, squares = 0, n = (double)samples;
    size_t batch = samples / rows->batches, first = rows->chains * rows->bins;
    memset(deviation, 0, nnsm_rows_count(rows) * sizeof *deviation);
    for (size_t i = 0; i < samples; i++) {
        double w = exp(x[i] - most);
        sum += w;
        squares += w * w;
    }
    for (size_t i = 0; i < samples; i++)
        deviation[first + i / batch] += (exp(x[i] - most) * n / sum - 1) / (double)batch;
    *effective = sum * sum / squares;
    return most + log(sum / n);
}

/* ---- links between neighbouring nodes */

typedef struct {
    bool known;
    double value, systematic, overlap; /* ln Z_b / Z_a */
} link;

static bool look_at_each_other(const nnsm_node *a, const nnsm_node *b)
{
    return nnsm_same_temperature(a->target[NNSM_UP], b->temperature) &&
           nnsm_same_temperature(b->target[NNSM_DOWN], a->temperature);
}

static link ratio_link(const nnsm_node *a, const nnsm_node *b)
{
    double up = a->value[NNSM_NODE_UP], down = b->value[NNSM_NODE_DOWN];
    link l = {.overlap = exp(fmin(up, down))};
    l.known = l.overlap >= NNSM_LEAST_OVERLAP;
    if (l.known)
        l.value = up - down - (1 / b->temperature - 1 / a->temperature) * a->middle[NNSM_UP];
    return l;
}

/* Integral from x[0] to x[1] of the quintic with values u and slopes v at x[0 ... 2]: divided differences, Gauss. */
static double quintic_integral(const double *x, const double *u, const double *v)
{
    static const double gauss[3] = {-0.7745966692414834, 0, 0.7745966692414834}, weight[3] = {5 / 9., 8 / 9., 5 / 9.};
    double z[6], d[6], sum = 0;
    for (int i = 0; i < 6; i++) {
        z[i] = x[i / 2];
        d[i] = u[i / 2];
    }
    for (int order = 1; order < 6; order++)
        for (int i = 5; i >= order; i--)
            d[i] = order == 1 && i % 2 ? v[i / 2] : (d[i] - d[i - 1]) / (z[i] - z[i - order]);
    for (int g = 0; g < 3; g++) {
        double at = 0.5 * (x[0] + x[1]) + 0.5 * (x[1] - x[0]) * gauss[g], value = d[5];
        for (int i = 4; i >= 0; i--)
            value = value * (at - z[i]) + d[i];
        sum += 0.5 * (x[1] - x[0]) * weight[g] * value;
    }
    return sum;
}

/* What a third node, below or above, would change at the integral from node i to i + 1. It must not be so close that
 * the difference of two noisy slopes decides. */
static double third_node_change(const nnsm_node *nodes, size_t count, size_t i, int direction, double integral)
{
    double x[3], u[3], v[3], h = fabs(1 / nodes[i + 1].temperature - 1 / nodes[i].temperature);
    size_t edge = direction == NNSM_UP ? i + 1 : i, third = edge;
    do {
        if (direction == NNSM_UP ? third + 1 == count : third == 0)
            return NAN;
        third += direction == NNSM_UP ? 1 : (size_t)-1;
    } while (fabs(1 / nodes[third].temperature - 1 / nodes[edge].temperature) < 0.5 * h);
    const nnsm_node *at[3] = {&nodes[i], &nodes[i + 1], &nodes[third]};
    for (int k = 0; k < 3; k++) {
        x[k] = 1 / at[k]->temperature;
        u[k] = at[k]->value[NNSM_NODE_H];
        v[k] = -at[k]->value[NNSM_NODE_VARIANCE];
    }
    return fabs(quintic_integral(x, u, v) - integral);
}

static link integral_link(const nnsm_node *nodes, size_t count, size_t i)
{
    const nnsm_node *a = &nodes[i], *b = &nodes[i + 1];
    double h = 1 / b->temperature - 1 / a->temperature;
    double variance[2] = {a->value[NNSM_NODE_VARIANCE], b->value[NNSM_NODE_VARIANCE]};
    double integral = 0.5 * h * (a->value[NNSM_NODE_H] + b->value[NNSM_NODE_H]);
    double correction = h * h / 12 * (variance[1] - variance[0]);
    link l = {.overlap = NAN, .value = -integral - correction};
    double change[2] = {third_node_change(nodes, count, i, NNSM_DOWN, integral + correction),
                        third_node_change(nodes, count, i, NNSM_UP, integral + correction)};
    l.systematic = isnan(change[0]) && isnan(change[1]) ? fabs(correction) : fmax(change[0], change[1]);
    l.known = h * h * 0.5 * (variance[0] + variance[1]) <= NNSM_MOST_APART * NNSM_MOST_APART &&
              l.systematic <= NNSM_MOST_SYSTEMATIC;
    return l;
}

static bool by_ratio(const nnsm_node *nodes, size_t low, nnsm_route route)
{
    return route == NNSM_BY_RATIOS && look_at_each_other(&nodes[low], &nodes[low + 1]);
}

/* From a node whose ln Z is known to its neighbour. */
static void go_on(const nnsm_node *nodes, size_t count, size_t from, size_t to, nnsm_route route,
                  nnsm_log_partition *out)
{
    size_t low = from < to ? from : to;
    link l = by_ratio(nodes, low, route) ? ratio_link(&nodes[low], &nodes[low + 1]) : integral_link(nodes, count, low);
    out[to] = (nnsm_log_partition){.known = l.known && out[from].known,
                                   .value = out[from].value + (from < to ? l.value : -l.value),
                                   .systematic = out[from].systematic + l.systematic,
                                   .overlap = l.overlap};
}

void nnsm_log_partitions(const nnsm_node *nodes, size_t count, size_t start, nnsm_route route, nnsm_log_partition *out)
{
    for (size_t i = start; i + 1 < count; i++)
        go_on(nodes, count, i, i + 1, route, out);
    for (size_t i = start; i > 0; i--)
        go_on(nodes, count, i, i - 1, route, out);
}

/* ---- their fluctuations */

static void add_column(const nnsm_node *node, int column, double weight, size_t rows, double *deviation)
{
    for (size_t r = 0; r < rows; r++)
        deviation[r] += weight * node->deviation[(size_t)column * rows + r];
}

void nnsm_log_partition_step(const nnsm_node *nodes, size_t from, size_t to, const nnsm_rows *rows, nnsm_route route,
                             double *deviation)
{
    size_t low = from < to ? from : to, size = nnsm_rows_count(rows);
    const nnsm_node *a = &nodes[low], *b = &nodes[low + 1];
    double sign = from < to ? 1 : -1, h = 1 / b->temperature - 1 / a->temperature;
    if (by_ratio(nodes, low, route)) {
        add_column(a, NNSM_NODE_UP, sign, size, deviation);
        add_column(b, NNSM_NODE_DOWN, -sign, size, deviation);
        return;
    }
    for (int k = 0; k < 2; k++) {
        add_column(k ? b : a, NNSM_NODE_H, -sign * 0.5 * h, size, deviation);
        add_column(k ? b : a, NNSM_NODE_VARIANCE, (k ? -1 : 1) * sign * h * h / 12, size, deviation);
    }
}
