/* accuracy.c RUN...: what the learned and the distilled Hamiltonians of finished runs on the Ising model predict,
 * against the truth, without the noise of a scan.
 *
 * RUN stands for RUN.network.h5 and RUN.results.h5. Configurations of the true model at every temperature, the same for
 * all runs, are reweighted: <x>_H = <x w> / <w>, w = exp(-(H - E) / T), so that the difference to <x> has a far smaller
 * error than either. All runs must be on one lattice, J = 1, h = 0. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/h5.h"
#include "lattice/generator.h"
#include "nnsm/local.h"
#include "nnsm/network.h"

enum { SAMPLES = 65536, BLOCKS = 64, MOST = 64, TEMPERATURES = 31, CHAINS = NNSM_GENERATOR_CHAINS };

typedef struct {
    const char *name;
    nnsm_network network;
    nnsm_network_workspace workspace;
    nnsm_operators operators;
    double coupling[MOST];
    nnsm_local local;
    double worst_m[2], sum_e[2], bias_m[2][TEMPERATURES], bias_e[2][TEMPERATURES]; /* learned, distilled */
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
        nnsm_h5_read_doubles(&h5, "/couplings/coupling", sizes[0], p->coupling);
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
    for (size_t k = 0; k < SAMPLES; k += CHAINS) {
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
        double value = difference(x, d, b * SAMPLES / BLOCKS, (b + 1) * SAMPLES / BLOCKS, temperature);
        sum += value / BLOCKS;
        square += value * value / BLOCKS;
    }
    return sqrt((square - sum * sum) / (BLOCKS - 1));
}

static void compare(prediction *p, int t, double temperature, const nnsm_ising *model, const int8_t *configurations,
                    const double *m, const double *e, double *d, double *scratch)
{
    size_t sites = model->lattice->sites;
    double t0 = nnsm_network_shape_of(&p->network).temperature, error[2][2];
    for (int kind = 0; kind < 2; kind++) {
        for (size_t first = 0; first < SAMPLES && kind == 0; first += 512)
            nnsm_network_log_probability(&p->network, &p->workspace, configurations + first * sites, 512,
                                         scratch + first);
        for (size_t i = 0; i < SAMPLES; i++)
            d[i] = (kind ? nnsm_local_energy(&p->local, configurations + i * sites) : -t0 * scratch[i]) -
                   e[i] * (double)sites;
        p->bias_m[kind][t] = difference(m, d, 0, SAMPLES, temperature);
        p->bias_e[kind][t] = difference(e, d, 0, SAMPLES, temperature);
        error[kind][0] = error_of(m, d, temperature);
        error[kind][1] = error_of(e, d, temperature);
        p->worst_m[kind] = fmax(p->worst_m[kind], fabs(p->bias_m[kind][t]));
        p->sum_e[kind] += p->bias_e[kind][t] * p->bias_e[kind][t];
    }
    (void)printf(
        "%s T %.1f  |m| learned %+.5f(%.0f) distilled %+.5f(%.0f)  E/N learned %+.5f(%.0f) distilled %+.5f(%.0f)\n",
        p->name, temperature, p->bias_m[0][t], error[0][0] * 1e5, p->bias_m[1][t], error[1][0] * 1e5, p->bias_e[0][t],
        error[0][1] * 1e5, p->bias_e[1][t], error[1][1] * 1e5);
}

int main(int argc, char **argv)
{
    size_t runs = (size_t)argc - 1;
    prediction *p = calloc(runs ? runs : 1, sizeof *p);
    double *x = calloc(4 * (size_t)SAMPLES, sizeof *x), rms[2] = {0};
    nnsm_lattice lattice;
    nnsm_error error;
    if (!runs || !p || !x) {
        (void)fprintf(stderr, "usage: accuracy RUN...\n");
        return 2;
    }
    for (size_t r = 0; r < runs; r++)
        read_run(&p[r], argv[r + 1]);
    nnsm_network_shape shape = nnsm_network_shape_of(&p[0].network);
    check(nnsm_lattice_create(&lattice, shape.dimensions, shape.extent, shape.periodic, &error), &error);
    nnsm_ising model = {&lattice, 1.0, 0.0};
    int8_t *configurations = malloc(SAMPLES * lattice.sites);
    for (int t = 0; t < TEMPERATURES; t++) {
        double temperature = 1.0 + 0.1 * t, *m = x, *e = x + SAMPLES;
        sample(&model, temperature, 4000 + (uint64_t)t, configurations);
        for (size_t i = 0; i < SAMPLES; i++) {
            m[i] = fabs(nnsm_magnetization(&lattice, configurations + i * lattice.sites));
            e[i] = nnsm_ising_energy(&model, configurations + i * lattice.sites) / (double)lattice.sites;
        }
        for (size_t r = 0; r < runs; r++)
            compare(&p[r], t, temperature, &model, configurations, m, e, x + 2 * SAMPLES, x + 3 * SAMPLES);
        (void)fflush(stdout);
    }
    for (size_t r = 0; r < runs; r++)
        (void)printf(
            "%s: largest |m| error learned %.4f distilled %.4f; rms E/N error learned %.4f distilled %.4f; J_nn %.4f\n",
            p[r].name, p[r].worst_m[0], p[r].worst_m[1], sqrt(p[r].sum_e[0] / TEMPERATURES),
            sqrt(p[r].sum_e[1] / TEMPERATURES), p[r].coupling[0]);
    for (int kind = 0; kind < 2; kind++) {
        double worst = 0, square = 0;
        for (int t = 0; t < TEMPERATURES; t++) {
            double sum = 0;
            for (size_t r = 0; r < runs; r++) {
                sum += p[r].bias_m[kind][t] * p[r].bias_m[kind][t] / (double)runs;
                square += p[r].bias_e[kind][t] * p[r].bias_e[kind][t] / (double)(runs * TEMPERATURES);
            }
            worst = fmax(worst, sqrt(sum));
        }
        rms[kind] = sqrt(square);
        (void)printf("%zu runs, %s: largest over T of the rms |m| error %.5f; rms E/N error %.5f\n", runs,
                     kind ? "distilled" : "learned", worst, rms[kind]);
    }
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
