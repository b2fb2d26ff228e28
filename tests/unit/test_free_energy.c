/* ln Z by acceptance ratios and by integration, against systems whose partition function is known. */
#include "base/memory.h"
#include "check.h"
#include "lattice/exact.h"
#include "nnsm/rng.h"
#include "statistics/free_energy.h"

#include <string.h>

/* ---- harmonic oscillators: H = sum x^2 / 2 over K coordinates, Z = (2 pi T)^(K/2) */

enum { K = 8, NODES = 6, WALKERS = 10, LENGTH = 600, SAMPLES = 2560, BATCHES = 64 };
static const double ladder[NODES] = {0.7, 1.0, 1.3, 1.7, 2.2, 2.9};
static const size_t quantity[NNSM_NODE_COLUMNS] = {0, 1, 2, 3};
enum { T0 = 2 }; /* the node where ln Z is known */

typedef struct {
    nnsm_series *series[NODES][WALKERS];
    nnsm_node node[NODES];
    nnsm_rows rows;
    nnsm_bennett bennett;
    double *deviation, *result;
    nnsm_log_partition out[NODES];
} experiment;

static double normal(nnsm_rng_sequence *draw)
{
    double u = 1 - nnsm_rng_uniform(draw), v = nnsm_rng_uniform(draw);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static void step(double *z, double rho, nnsm_rng_sequence *draw)
{
    for (int k = 0; k < K; k++)
        z[k] = rho * z[k] + sqrt(1 - rho * rho) * normal(draw);
}

static double energy_of(const double *z, double temperature)
{
    double sum = 0;
    for (int k = 0; k < K; k++)
        sum += 0.5 * temperature * z[k] * z[k];
    return sum;
}

/* AR(1) chains. common: one chain a walker stands, scaled, at all temperatures, the most that exchange could couple. */
static void fill(experiment *e, uint32_t stream, double rho, bool common)
{
    nnsm_rng_key key = nnsm_rng_key_from_seed(41);
    for (size_t w = 0; w < WALKERS; w++)
        for (size_t t = 0; t < NODES; t++) {
            nnsm_rng_sequence draw =
                nnsm_rng_sequence_start(key, NNSM_RNG_TEST, stream, (uint32_t)(common ? w : NODES * w + t));
            double z[K] = {0};
            step(z, 0, &draw);
            assert_int_equal(nnsm_series_create(&e->series[t][w], NNSM_NODE_COLUMNS, NULL), NNSM_OK);
            for (size_t i = 0; i < LENGTH; i++) {
                double h = energy_of(z, ladder[t]), x[NNSM_NODE_COLUMNS] = {h, h * h};
                nnsm_bennett_functions(&e->bennett, t, h, x + 2);
                nnsm_series_add(e->series[t][w], x);
                step(z, rho, &draw);
            }
        }
}

static void measure(experiment *e, size_t batches)
{
    e->rows = (nnsm_rows){8, nnsm_series_bins(e->series[0][0]), batches}; /* 8 chains of 10 walkers: some hold two */
    size_t size = nnsm_rows_count(&e->rows);
    assert_int_equal(NNSM_NEW(&e->deviation, NODES * NNSM_NODE_COLUMNS * size, "test", NULL), NNSM_OK);
    assert_int_equal(NNSM_NEW(&e->result, NODES * size, "test", NULL), NNSM_OK);
    for (size_t t = 0; t < NODES; t++) {
        nnsm_node *n = &e->node[t];
        *n = (nnsm_node){.temperature = ladder[t], .deviation = e->deviation + t * NNSM_NODE_COLUMNS * size};
        for (int d = NNSM_DOWN; d <= NNSM_UP; d++)
            (void)nnsm_bennett_target(&e->bennett, t, d, &n->target[d], &n->middle[d]);
        nnsm_node_measure(n, &e->rows, e->series[t], WALKERS, quantity);
    }
}

static void begin(experiment *e, uint32_t stream, double rho, bool common)
{
    double mean[NODES];
    memset(e, 0, sizeof *e);
    assert_int_equal(nnsm_bennett_create(&e->bennett, NODES, ladder, NULL), NNSM_OK);
    for (size_t t = 0; t < NODES; t++)
        mean[t] = 0.5 * K * ladder[t] * (t % 2 ? 1.1 : 0.9); /* a poor thermalization costs only precision */
    nnsm_bennett_centre(&e->bennett, mean);
    fill(e, stream, rho, common);
}

static void end(experiment *e)
{
    for (size_t t = 0; t < NODES; t++)
        for (size_t w = 0; w < WALKERS; w++)
            nnsm_series_destroy(e->series[t][w]);
    nnsm_bennett_destroy(&e->bennett);
    nnsm_release(e->deviation);
    nnsm_release(e->result);
}

static double exact_log_ratio(double t)
{
    return 0.5 * K * log(t / ladder[T0]);
}

static void go_on(experiment *e, size_t from, size_t to, nnsm_route route)
{
    size_t size = nnsm_rows_count(&e->rows);
    memcpy(e->result + to * size, e->result + from * size, size * sizeof(double));
    nnsm_log_partition_step(e->node, from, to, &e->rows, route, e->result + to * size);
}

/* z = (estimate - exact) / error at the ends of the ladder, of ln Z, and of S = <H> / T + ln Z at node 4. */
static void pulls(experiment *e, nnsm_route route, double *z)
{
    size_t size = nnsm_rows_count(&e->rows);
    e->out[T0] = (nnsm_log_partition){.known = true, .overlap = 0.5};
    memset(e->result + T0 * size, 0, size * sizeof(double));
    nnsm_log_partitions(e->node, NODES, T0, route, e->out);
    for (size_t t = T0; t + 1 < NODES; t++)
        go_on(e, t, t + 1, route);
    for (size_t t = T0; t > 0; t--)
        go_on(e, t, t - 1, route);
    for (int i = 0; i < 2; i++) {
        size_t t = i ? NODES - 1 : 0;
        double error = nnsm_rows_error(&e->rows, e->result + t * size);
        assert_true(e->out[t].known && error < 0.07);
        z[i] = (e->out[t].value - exact_log_ratio(ladder[t])) / hypot(error, e->out[t].systematic);
    }
    double *row = e->result + 4 * size, s = e->node[4].value[NNSM_NODE_H] / ladder[4] + e->out[4].value;
    for (size_t r = 0; r < size; r++)
        row[r] += e->node[4].deviation[NNSM_NODE_H * size + r] / ladder[4];
    z[2] = (s - 0.5 * K - exact_log_ratio(ladder[4])) / hypot(nnsm_rows_error(&e->rows, row), e->out[4].systematic);
}

static void errors_cover_the_truth_for_independent_and_for_coupled_chains(void **state)
{
    (void)state;
    enum { REPEATS = 200 };
    for (int common = 0; common < 2; common++) {
        int covered[2][3] = {{0}};
        double worst = 0;
        for (uint32_t r = 0; r < REPEATS; r++) {
            experiment e;
            begin(&e, 100 + r, 0.8, common);
            measure(&e, 0);
            for (int route = 0; route < 2; route++) {
                double z[3];
                pulls(&e, route ? NNSM_BY_INTEGRATION : NNSM_BY_RATIOS, z);
                for (int k = 0; k < 3; k++) {
                    covered[route][k] += fabs(z[k]) < 1;
                    worst = fmax(worst, fabs(z[k]));
                }
            }
            end(&e);
        }
        for (int route = 0; route < 2; route++) {
            print_message("%s, %s: 1 sigma covers %d, %d and %d of %d (68 %% = 137)\n", common ? "coupled" : "apart",
                          route ? "integration" : "ratios", covered[route][0], covered[route][1], covered[route][2],
                          REPEATS);
            for (int k = 0; k < 3; k++) /* 4 sigma, binomial */
                check_close(covered[route][k], 0.683 * REPEATS, 4 * sqrt(REPEATS * 0.683 * 0.317));
        }
        assert_true(worst < 4.5); /* 2400 values */
    }
}

/* Independent samples of T = 1.5 that weights turn into those of T = 1.3. */
static void weighted_samples_are_a_temperature_like_others(void **state)
{
    (void)state;
    enum { REPEATS = 100, SIZE = 8 * 256 + BATCHES };
    static double energy[SAMPLES], weight[SAMPLES], deviation[NNSM_NODE_COLUMNS * SIZE];
    const double from = 1.5, to = 1.3, target[2] = {1.0, 1.7}, middle[2] = {4.6, 6.3};
    nnsm_rows rows = {8, 256, BATCHES};
    int covered[5] = {0};
    for (uint32_t r = 0; r < REPEATS; r++) {
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(42), NNSM_RNG_TEST, 1, r);
        double z[K] = {0}, effective, row[SIZE], exact[NNSM_NODE_COLUMNS] = {0.5 * K * to, 0.5 * K * to * to};
        for (size_t i = 0; i < SAMPLES; i++) {
            step(z, 0, &draw);
            energy[i] = energy_of(z, from);
            weight[i] = energy[i] * (1 / from - 1 / to);
        }
        double log_ratio = nnsm_log_mean(&rows, SAMPLES, weight, row, &effective);
        covered[4] += fabs(log_ratio - 0.5 * K * log(to / from)) < nnsm_rows_error(&rows, row);
        assert_true(effective > 0.5 * SAMPLES && effective < SAMPLES);
        nnsm_node node = {.temperature = to,
                          .target = {target[0], target[1]},
                          .middle = {middle[0], middle[1]},
                          .deviation = deviation};
        memset(deviation, 0, sizeof deviation);
        nnsm_node_sample(&node, &rows, SAMPLES, energy, weight);
        /* ln <f> has no closed form: by a fine sum over the distribution of H, a Gamma distribution of shape K / 2. */
        for (int d = 0; d < 2; d++) {
            double sum = 0, norm = 0;
            for (double h = 0.001; h < 60; h += 0.002) {
                double p = pow(h, 0.5 * K - 1) * exp(-h / to);
                norm += p;
                sum += p * nnsm_bennett_function(to, target[d], middle[d], h);
            }
            exact[2 + d] = log(sum / norm);
        }
        for (size_t k = 0; k < NNSM_NODE_COLUMNS; k++) {
            double error = nnsm_rows_error(&rows, deviation + k * SIZE), z_k = (node.value[k] - exact[k]) / error;
            covered[k] += fabs(z_k) < 1;
            assert_true(fabs(z_k) < 4.5);
        }
    }
    print_message("1 sigma covers %d %d %d %d (H, var H, ln f), %d (ln Z) of %d\n", covered[0], covered[1], covered[2],
                  covered[3], covered[4], REPEATS);
    for (int k = 0; k < 5; k++)
        check_close(covered[k], 0.683 * REPEATS, 4 * sqrt(REPEATS * 0.683 * 0.317));
}

static void an_anchor_between_two_temperatures_is_looked_at_by_both(void **state)
{
    (void)state;
    nnsm_bennett b;
    double to = 0, middle = 0;
    assert_int_equal(nnsm_bennett_create(&b, NODES, ladder, NULL), NNSM_OK);
    nnsm_bennett_centre(&b, ladder);
    b.anchor = 1.5;
    b.anchor_energy = 10;
    assert_true(nnsm_bennett_target(&b, 2, NNSM_UP, &to, &middle));
    check_close(to, 1.5, 0);
    check_close(middle, 0.5 * (ladder[2] + 10), 1e-15);
    assert_true(nnsm_bennett_target(&b, 3, NNSM_DOWN, &to, &middle));
    check_close(to, 1.5, 0);
    assert_true(nnsm_bennett_target(&b, 3, NNSM_UP, &to, &middle));
    check_close(to, ladder[4], 0);
    b.anchor = 1.3; /* a temperature of the list: nothing between */
    assert_true(nnsm_bennett_target(&b, 1, NNSM_UP, &to, &middle) && to == ladder[2]);
    assert_true(nnsm_bennett_target(&b, 2, NNSM_UP, &to, &middle) && to == ladder[3]);
    assert_false(nnsm_bennett_target(&b, NODES - 1, NNSM_UP, &to, &middle));
    b.anchor = 5; /* beyond the list */
    assert_true(nnsm_bennett_target(&b, NODES - 1, NNSM_UP, &to, &middle) && to == 5);
    assert_false(nnsm_bennett_target(&b, 0, NNSM_DOWN, &to, &middle));
    nnsm_bennett_destroy(&b);
}

/* ---- the 4 x 4 Ising model by its density of states: no noise */

enum { LEVELS = 33 };
static double states_at[LEVELS]; /* E = 2 i - 32 */

static void count_states(nnsm_ising *model, nnsm_lattice *lattice)
{
    memset(states_at, 0, sizeof states_at);
    assert_int_equal(nnsm_lattice_create(lattice, 2, (int[]){4, 4}, true, NULL), NNSM_OK);
    *model = (nnsm_ising){lattice, 1, 0};
    for (uint32_t k = 0; k < 1u << 16; k++) {
        int8_t s[16];
        for (int i = 0; i < 16; i++)
            s[i] = k >> i & 1 ? 1 : -1;
        states_at[(int)(nnsm_ising_energy(model, s) + 32) / 2] += 1;
    }
}

/* Exact means at one temperature. */
static void exact_node(nnsm_node *n)
{
    double z = 0, mean[4] = {0};
    for (int i = 0; i < LEVELS; i++) {
        double e = 2 * i - 32, p = states_at[i] * exp(-(e + 32) / n->temperature);
        z += p;
        mean[0] += p * e;
        mean[1] += p * e * e;
        for (int d = 0; d < 2; d++)
            mean[2 + d] +=
                n->target[d] > 0 ? p * nnsm_bennett_function(n->temperature, n->target[d], n->middle[d], e) : 0;
    }
    n->value[NNSM_NODE_H] = mean[0] / z;
    n->value[NNSM_NODE_VARIANCE] = mean[1] / z - mean[0] / z * mean[0] / z;
    for (int d = 0; d < 2; d++)
        n->value[NNSM_NODE_DOWN + d] = n->target[d] > 0 ? log(mean[2 + d] / z) : NAN;
}

enum { MOST = 64 };

/* Nodes at rising temperatures, H* anywhere between the neighbours' energies. */
static void exact_nodes(nnsm_node *node, size_t count, const double *temperature)
{
    for (size_t i = 0; i < count; i++) {
        node[i] = (nnsm_node){.temperature = temperature[i]};
        exact_node(&node[i]);
    }
    for (size_t i = 0; i + 1 < count; i++) {
        double between = 0.3 + 0.4 * (double)(i % 3) / 2;
        node[i].target[NNSM_UP] = temperature[i + 1];
        node[i + 1].target[NNSM_DOWN] = temperature[i];
        node[i].middle[NNSM_UP] = node[i + 1].middle[NNSM_DOWN] =
            (1 - between) * node[i].value[NNSM_NODE_H] + between * node[i + 1].value[NNSM_NODE_H];
    }
    for (size_t i = 0; i < count; i++)
        exact_node(&node[i]);
}

static void acceptance_ratios_are_exact_from_zero_to_infinite_temperature(void **state)
{
    (void)state;
    static const double temperature[] = {0.2, 0.4, 0.7, 1, 1.3, 1.6, 1.9, 2.2, 2.5, 2.9, 3.5, 4.5, 7, 15, 80, 1e4, 1e9};
    enum { COUNT = sizeof temperature / sizeof *temperature, START = 8 };
    nnsm_ising model;
    nnsm_lattice lattice;
    nnsm_node node[COUNT];
    nnsm_log_partition out[COUNT] = {{0}};
    count_states(&model, &lattice);
    exact_nodes(node, COUNT, temperature);
    out[START] = (nnsm_log_partition){
        .known = true, .value = 16 * nnsm_exact_thermodynamics(&model, temperature[START]).log_partition};
    nnsm_log_partitions(node, COUNT, START, NNSM_BY_RATIOS, out);
    for (size_t i = 0; i < COUNT; i++) {
        nnsm_thermodynamics exact = nnsm_exact_thermodynamics(&model, temperature[i]);
        double entropy = node[i].value[NNSM_NODE_H] / temperature[i] + out[i].value;
        assert_true(out[i].known);
        check_close(out[i].value, 16 * exact.log_partition, 1e-10);
        check_close(entropy, 16 * exact.entropy, 1e-10);
        if (i == 0)
            check_close(entropy, log(2), 1e-10); /* two ground states */
        if (i == COUNT - 1)
            check_close(entropy, 16 * log(2), 1e-10);
    }
    nnsm_lattice_destroy(&lattice);
}

static void the_integration_knows_what_its_steps_cost(void **state)
{
    (void)state;
    static const double step[] = {0.1, 0.25, 0.5};
    nnsm_ising model;
    nnsm_lattice lattice;
    count_states(&model, &lattice);
    for (int i = 0; i < 3; i++) {
        nnsm_node node[MOST];
        nnsm_log_partition out[MOST] = {{0}};
        double temperature[MOST], worst = 0, estimate = 0;
        size_t count = 0;
        for (double t = 1; t < 4.01; t += step[i])
            temperature[count++] = t;
        exact_nodes(node, count, temperature);
        out[0] = (nnsm_log_partition){.known = true,
                                      .value = 16 * nnsm_exact_thermodynamics(&model, temperature[0]).log_partition};
        nnsm_log_partitions(node, count, 0, NNSM_BY_INTEGRATION, out);
        for (size_t t = 1; t < count; t++) {
            double off = fabs(out[t].value - 16 * nnsm_exact_thermodynamics(&model, temperature[t]).log_partition);
            assert_true(off < 2.5 * out[t].systematic + 1e-12);
            worst = fmax(worst, off);
            estimate = out[t].systematic;
        }
        print_message("step %.2f: ln Z off by at most %.2e, estimated %.2e\n", step[i], worst, estimate);
        assert_true(estimate < 4 * worst); /* an estimate, not an excuse */
        assert_true(i || worst < 1e-4);
    }
    nnsm_lattice_destroy(&lattice);
}

/* A two-level system, the upper level 2 above the lower and a million times as wide: frozen in either on the two sides
 * of T = 2 / ln 1e6 = 0.145, as at a transition of first order. */
static void there_is_no_number_beyond_a_gap(void **state)
{
    (void)state;
    static const double temperature[] = {0.05, 0.08, 0.2, 0.24};
    nnsm_node node[4];
    nnsm_log_partition out[4] = {{0}};
    memset(states_at, 0, sizeof states_at);
    states_at[0] = 1;
    states_at[1] = 1e6;
    exact_nodes(node, 4, temperature);
    out[2] = (nnsm_log_partition){.known = true, .overlap = 0.5};
    for (int route = 0; route < 2; route++) {
        nnsm_log_partitions(node, 4, 2, route ? NNSM_BY_INTEGRATION : NNSM_BY_RATIOS, out);
        assert_true(out[3].known);
        assert_false(out[1].known);
        assert_false(out[0].known);
        print_message("across the transition: overlap %.4f, integration off by %.2f\n", out[1].overlap,
                      out[1].systematic);
        assert_true(route || (out[3].overlap > 0.3 && out[1].overlap < NNSM_LEAST_OVERLAP));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_cover_the_truth_for_independent_and_for_coupled_chains),
        cmocka_unit_test(weighted_samples_are_a_temperature_like_others),
        cmocka_unit_test(an_anchor_between_two_temperatures_is_looked_at_by_both),
        cmocka_unit_test(acceptance_ratios_are_exact_from_zero_to_infinite_temperature),
        cmocka_unit_test(the_integration_knows_what_its_steps_cost),
        cmocka_unit_test(there_is_no_number_beyond_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
