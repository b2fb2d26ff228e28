/* accuracy.c [-n SAMPLES] RUN...: what the learned and the distilled Hamiltonians of finished runs on the Ising model
 * predict, against the truth, without the noise of a scan; and what the data themselves allow.
 *
 * RUN stands for RUN.network.h5, RUN.results.h5 and RUN.ensemble.h5. SAMPLES configurations of the true model at every
 * temperature, the same for all runs, are reweighted: <x>_H = <x w> / <w>, w = exp(-(H - E) / T), so that the
 * difference to <x> has a far smaller error than either. All runs must be on one lattice, J = 1, h = 0, and have one
 * size.
 *
 * The floor of a data set: H = J E, one parameter and the true form, J of maximum likelihood, <E>_J = mean E of the
 * data, with Kaufman's <E>. Nothing that knows less can be expected to predict better. What one sigma of J makes of
 * |m|, by Fisher's information of n independent configurations, 1/sigma^2(ln J) = n N c(T0), stands beside it: on few
 * data sets the floor itself is uncertain.
 *
 * Free energies: F_H - F = -T ln <exp(-(H - E) / T)>, and S = (<H> - F) / T; F up to its value at T0, which one
 * ensemble does not tell. Judged from T = 1.5 on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/ensemble_file.h"
#include "lattice/exact.h"
#include "lattice/generator.h"
#include "nnsm/local.h"
#include "nnsm/network.h"

enum { BLOCKS = 64, MOST = 64, TEMPERATURES = 31, ROWS = 512, CHAINS = NNSM_GENERATOR_CHAINS };

/* Whose predictions. */
enum { LEARNED, DISTILLED, FLOOR, KINDS };
static const char *const names[KINDS] = {"learned", "distilled", "floor"};

/* What is compared, the last three a site. */
enum { M, E, S, F, QUANTITIES };
enum { FIRST_ENTROPY = 5 }; /* T = 1.5 */

static size_t samples = 65536;

typedef struct {
    const char *name;
    nnsm_network network;
    nnsm_network_workspace workspace;
    nnsm_operators operators;
    double coupling[MOST];
    nnsm_local local;
    size_t configurations; /* of the data */
    double scale;          /* J of maximum likelihood */
    double worst_m[KINDS], sum_e[KINDS];
    double bias[KINDS][QUANTITIES][TEMPERATURES]; /* H's less the true model's */
} prediction;

static void check(nnsm_status status, const nnsm_error *error)
{
    if (!status)
        return;
    (void)fprintf(stderr, "accuracy: %s\n", error->message);
    exit((int)status);
}

/* The distilled couplings: pair classes of the results file in the order in which a basis lists them. */
static void read_run(prediction *p, const char *name)
{
    char path[1024];
    nnsm_error error;
    nnsm_h5 h5;
    nnsm_lattice lattice;
    size_t sizes[NNSM_H5_RANK] = {0};
    p->name = name;
    (void)snprintf(path, sizeof path, "%s.network.h5", name);
    check(nnsm_network_open(&p->network, path, &error), &error);
    check(nnsm_network_workspace_create(&p->workspace, &p->network, 512, &error), &error);
    nnsm_network_shape shape = nnsm_network_shape_of(&p->network);
    check(nnsm_lattice_create(&lattice, shape.dimensions, shape.extent, shape.periodic, &error), &error);
    (void)snprintf(path, sizeof path, "%s.results.h5", name);
    if (nnsm_h5_open(&h5, path, NNSM_H5_CHECK, "nnsm results", &error) == NNSM_OK)
        (void)nnsm_h5_sizes(&h5, "/couplings/coupling", sizes);
    if (sizes[0] && sizes[0] <= MOST)
        nnsm_h5_read_doubles(&h5, "/couplings/distilled", sizes[0], p->coupling);
    check(nnsm_h5_finish(&h5), &error);
    const nnsm_basis basis = {.range = 3.0, .translation = true, .point_group = true};
    check(nnsm_operators_create(&p->operators, &lattice, &basis, &error), &error);
    if (p->operators.classes != sizes[0]) {
        (void)fprintf(stderr, "accuracy: %s has other couplings than pairs up to 3 lattice spacings\n", name);
        exit(2);
    }
    p->local = (nnsm_local){&p->operators, p->coupling};
    nnsm_lattice_destroy(&lattice);
}

/* J of <E>_J = the data's mean of E; <E> rises with the temperature T0 / J. */
static void find_floor(prediction *p, const nnsm_ising *model)
{
    char path[1024];
    nnsm_error error;
    nnsm_h5 h5;
    nnsm_ensemble_header header;
    double sum = 0, low = 0.5, high = 2, t0 = nnsm_network_shape_of(&p->network).temperature;
    (void)snprintf(path, sizeof path, "%s.ensemble.h5", p->name);
    check(nnsm_h5_open(&h5, path, NNSM_H5_CHECK, NNSM_ENSEMBLE_KIND, &error), &error);
    nnsm_ensemble_read_shape(&h5, &header);
    nnsm_ensemble_read_alphabet(&h5, &header);
    check(h5.status, &error);
    size_t sites = model->lattice->sites;
    int8_t *rows = malloc(ROWS * sites);
    for (size_t first = 0; first < header.configurations && header.sites == sites; first += ROWS) {
        size_t count = header.configurations - first < ROWS ? header.configurations - first : ROWS;
        nnsm_ensemble_read_rows(&h5, &header, first, count, rows);
        for (size_t i = 0; i < count; i++)
            sum += nnsm_ising_energy(model, rows + i * sites);
    }
    check(nnsm_h5_finish(&h5), &error);
    free(rows);
    p->configurations = header.configurations;
    for (int i = 0; i < 60; i++) {
        p->scale = (low + high) / 2;
        double energy = nnsm_exact_thermodynamics(model, t0 / p->scale).energy * (double)sites;
        *(energy > sum / (double)header.configurations ? &low : &high) = p->scale;
    }
}

/* Independent chains of the true model. */
static void sample(const nnsm_ising *model, double temperature, uint64_t seed, int8_t *configurations)
{
    bool clusters = temperature < 2.8;
    size_t sites = model->lattice->sites;
    nnsm_generator *g[8];
    nnsm_error error;
    for (uint32_t i = 0; i < 8; i++) {
        check(nnsm_generator_create(&g[i], model, temperature, clusters ? NNSM_WOLFF : NNSM_METROPOLIS,
                                    nnsm_rng_key_from_seed(seed), i * CHAINS, &error),
              &error);
        nnsm_generator_advance(g[i], 500);
    }
    for (size_t k = 0; k < samples; k += CHAINS) {
        nnsm_generator *here = g[k / CHAINS % 8];
        nnsm_generator_advance(here, clusters ? 10 : 20);
        nnsm_generator_read(here, configurations + k * sites);
    }
    for (int i = 0; i < 8; i++)
        nnsm_generator_destroy(g[i]);
}

/* <x>_H - <x> over a range of samples. d: H - E up to a constant. */
static double difference(const double *x, const double *d, size_t first, size_t end, double temperature)
{
    double lowest = INFINITY, sum_w = 0, sum_wx = 0, sum_x = 0;
    for (size_t i = first; i < end; i++)
        lowest = fmin(lowest, d[i]);
    for (size_t i = first; i < end; i++) {
        double w = exp(-(d[i] - lowest) / temperature);
        sum_w += w;
        sum_wx += w * x[i];
        sum_x += x[i];
    }
    return sum_wx / sum_w - sum_x / (double)(end - first);
}

static double error_of(const double *x, const double *d, double temperature)
{
    double sum = 0, square = 0;
    for (size_t b = 0; b < BLOCKS; b++) {
        double value = difference(x, d, b * samples / BLOCKS, (b + 1) * samples / BLOCKS, temperature);
        sum += value / BLOCKS;
        square += value * value / BLOCKS;
    }
    return sqrt((square - sum * sum) / (BLOCKS - 1));
}

/* H - E of all samples. */
static void differ(prediction *p, int kind, const nnsm_ising *model, const int8_t *configurations, const double *e,
                   double *d)
{
    size_t sites = model->lattice->sites;
    double t0 = nnsm_network_shape_of(&p->network).temperature;
    for (size_t first = 0; first < samples && kind == LEARNED; first += ROWS)
        nnsm_network_log_probability(&p->network, &p->workspace, configurations + first * sites, ROWS, d + first);
    for (size_t i = 0; i < samples; i++) {
        double true_energy = e[i] * (double)sites;
        d[i] = kind == LEARNED     ? -t0 * d[i] - true_energy
               : kind == DISTILLED ? nnsm_local_energy(&p->local, configurations + i * sites) - true_energy
                                   : (p->scale - 1) * true_energy;
    }
}

/* -ln <exp(-d / T)> T. */
static double free_energy_of(const double *d, double temperature)
{
    double lowest = INFINITY, sum = 0;
    for (size_t i = 0; i < samples; i++)
        lowest = fmin(lowest, d[i]);
    for (size_t i = 0; i < samples; i++)
        sum += exp(-(d[i] - lowest) / temperature) / (double)samples;
    return lowest - temperature * log(sum);
}

static void compare(prediction *p, int t, double temperature, const nnsm_ising *model, const int8_t *configurations,
                    const double *m, const double *e, double *d)
{
    double sites = (double)model->lattice->sites;
    (void)printf("%s T %.1f", p->name, temperature);
    for (int kind = 0; kind < KINDS; kind++) {
        differ(p, kind, model, configurations, e, d);
        double bias_m = difference(m, d, 0, samples, temperature), bias_e = difference(e, d, 0, samples, temperature);
        double free_energy = free_energy_of(d, temperature) / sites;
        double own = difference(d, d, 0, samples, temperature); /* <H - E>_H */
        for (size_t i = 0; i < samples; i++)
            own += d[i] / (double)samples;
        p->bias[kind][M][t] = bias_m;
        p->bias[kind][E][t] = bias_e;
        p->bias[kind][F][t] = free_energy;
        p->bias[kind][S][t] = (bias_e + own / sites - free_energy) / temperature;
        p->worst_m[kind] = fmax(p->worst_m[kind], fabs(bias_m));
        p->sum_e[kind] += bias_e * bias_e;
        (void)printf("  %s |m| %+.5f(%.0f) E/N %+.5f(%.0f)", names[kind], bias_m, error_of(m, d, temperature) * 1e5,
                     bias_e, error_of(e, d, temperature) * 1e5);
    }
    (void)printf("\n");
}

/* d<|m|>/d ln J = -(<|m| E> - <|m|> <E>) / T. */
static double slope_of(const double *m, const double *e, size_t sites, double temperature)
{
    double sum_m = 0, sum_e = 0, sum = 0, n = (double)samples;
    for (size_t i = 0; i < samples; i++) {
        sum_m += m[i] / n;
        sum_e += e[i] / n;
        sum += m[i] * e[i] / n;
    }
    return -(sum - sum_m * sum_e) * (double)sites / temperature;
}

/* Over the runs: the largest over temperatures of the rms |m| error, the rms E/N error. */
static void conclude(const prediction *p, size_t runs, double fisher)
{
    double worst[KINDS] = {0}, square[KINDS] = {0};
    int t0 = (int)lround((nnsm_network_shape_of(&p[0].network).temperature - 1) * 10);
    for (int kind = 0; kind < KINDS; kind++) {
        for (int t = 0; t < TEMPERATURES; t++) {
            double sum = 0;
            for (size_t r = 0; r < runs; r++) {
                sum += p[r].bias[kind][M][t] * p[r].bias[kind][M][t] / (double)runs;
                square[kind] += p[r].bias[kind][E][t] * p[r].bias[kind][E][t] / (double)(runs * TEMPERATURES);
            }
            worst[kind] = fmax(worst[kind], sqrt(sum));
        }
        (void)printf(
            "%zu runs, %zu configurations, %-9s: largest over T of the rms |m| error %.5f; rms E/N error %.5f\n", runs,
            p[0].configurations, names[kind], worst[kind], sqrt(square[kind]));
    }
    for (int kind = 0; kind < KINDS; kind++) {
        double most[2] = {0}, rms[2] = {0};
        for (int t = FIRST_ENTROPY; t < TEMPERATURES; t++) {
            double sum[2] = {0};
            for (size_t r = 0; r < runs; r++) {
                const double error[2] = {p[r].bias[kind][S][t], p[r].bias[kind][F][t] - p[r].bias[kind][F][t0]};
                for (int i = 0; i < 2; i++) {
                    most[i] = fmax(most[i], fabs(error[i]));
                    sum[i] += error[i] * error[i] / (double)runs;
                }
            }
            for (int i = 0; i < 2; i++)
                rms[i] = fmax(rms[i], sqrt(sum[i]));
        }
        (void)printf("%-9s: T = 1.5 to 4: S a site: largest rms error %.5f, largest %.5f; F(T) - F(T0) a site: %.5f, "
                     "%.5f\n",
                     names[kind], rms[0], most[0], rms[1], most[1]);
    }
    (void)printf(
        "one sigma of J by Fisher's information: |m| %.5f; rms error of learned %.2f, of distilled %.2f times the "
        "floor of these data\n",
        fisher, worst[LEARNED] / worst[FLOOR], worst[DISTILLED] / worst[FLOOR]);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        samples = (size_t)atol(argv[2]) / (CHAINS * BLOCKS) * (CHAINS * BLOCKS);
        argc -= 2;
        argv += 2;
    }
    size_t runs = (size_t)argc - 1;
    prediction *p = calloc(runs ? runs : 1, sizeof *p);
    double *x = calloc(3 * samples, sizeof *x), *m = x, *e = x + samples, steepest = 0;
    nnsm_lattice lattice;
    nnsm_error error;
    if (!runs || !p || !x || !samples) {
        (void)fprintf(stderr, "usage: accuracy [-n SAMPLES] RUN...\n");
        return 2;
    }
    for (size_t r = 0; r < runs; r++)
        read_run(&p[r], argv[r + 1]);
    nnsm_network_shape shape = nnsm_network_shape_of(&p[0].network);
    check(nnsm_lattice_create(&lattice, shape.dimensions, shape.extent, shape.periodic, &error), &error);
    nnsm_ising model = {&lattice, 1.0, 0.0};
    for (size_t r = 0; r < runs; r++)
        find_floor(&p[r], &model);
    int8_t *configurations = malloc(samples * lattice.sites);
    for (int t = 0; t < TEMPERATURES; t++) {
        double temperature = 1.0 + 0.1 * t;
        sample(&model, temperature, 4000 + (uint64_t)t, configurations);
        for (size_t i = 0; i < samples; i++) {
            m[i] = fabs(nnsm_magnetization(&lattice, configurations + i * lattice.sites));
            e[i] = nnsm_ising_energy(&model, configurations + i * lattice.sites) / (double)lattice.sites;
        }
        steepest = fmax(steepest, fabs(slope_of(m, e, lattice.sites, temperature)));
        for (size_t r = 0; r < runs; r++)
            compare(&p[r], t, temperature, &model, configurations, m, e, x + 2 * samples);
        (void)fflush(stdout);
    }
    for (size_t r = 0; r < runs; r++)
        (void)printf(
            "%s: largest |m| error learned %.4f distilled %.4f floor %.4f; rms E/N error learned %.4f distilled "
            "%.4f floor %.4f; J_nn %.4f, of the floor %.4f\n",
            p[r].name, p[r].worst_m[LEARNED], p[r].worst_m[DISTILLED], p[r].worst_m[FLOOR],
            sqrt(p[r].sum_e[LEARNED] / TEMPERATURES), sqrt(p[r].sum_e[DISTILLED] / TEMPERATURES),
            sqrt(p[r].sum_e[FLOOR] / TEMPERATURES), p[r].coupling[0], p[r].scale);
    double capacity = nnsm_exact_thermodynamics(&model, shape.temperature).heat_capacity;
    conclude(p, runs, steepest / sqrt((double)p[0].configurations * (double)lattice.sites * capacity));
    for (size_t r = 0; r < runs; r++) {
        nnsm_network_destroy(&p[r].network);
        nnsm_network_workspace_destroy(&p[r].workspace);
        nnsm_operators_destroy(&p[r].operators);
    }
    nnsm_lattice_destroy(&lattice);
    free(configurations);
    free(p);
    free(x);
    return 0;
}
