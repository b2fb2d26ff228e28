/* speed.c: training and scan of sites with 2 to 5 values, a second and per parameter: what more values cost beyond the
 * weights that they need. Rounds of all variants in turn, medians over the rounds of the processor's time, since other
 * programs may run. Usage: speed [rounds] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "nnsm/metropolis.h"
#include "nnsm/moves.h"
#include "setup/blas.h"

enum { VARIANTS = 4, ROWS = 59, MOST_ROUNDS = 99, SITES = 256 };

typedef struct {
    int values;
    nnsm_made *made;
    nnsm_made_workspace *workspace;
    nnsm_learned *learned;
    nnsm_tile tile;
    nnsm_lattice lattice;
    int8_t *rows;
    float *gradient;
    size_t parameters;
    double training[MOST_ROUNDS], scan[MOST_ROUNDS]; /* configurations, proposals a second */
} variant;

static bool create(variant *v, int values)
{
    nnsm_architecture a = {.dimensions = 2,
                           .extent = {16, 16, 1},
                           .periodic = true,
                           .layers = 2,
                           .hidden = {180, 120},
                           .direct = true,
                           .temperature = 2.5,
                           .alphabet = {.count = values}};
    for (int k = 0; k < values; k++)
        a.alphabet.value[k] = k;
    *v = (variant){.values = values};
    if (nnsm_made_create(&v->made, &a, NULL) || nnsm_lattice_create(&v->lattice, 2, a.extent, true, NULL) ||
        nnsm_made_workspace_create(&v->workspace, v->made, ROWS, NULL) ||
        NNSM_NEW(&v->rows, NNSM_TILE * 2 * SITES, "speed", NULL))
        return false;
    nnsm_made_initialize(v->made, nnsm_rng_key_from_seed(1));
    (void)nnsm_made_parameters(v->made, &v->parameters);
    if (NNSM_NEW(&v->gradient, v->parameters, "speed", NULL) || nnsm_learned_create(&v->learned, v->made, NULL) ||
        nnsm_learned_tile_create(&v->tile, v->learned, NULL))
        return false;
    for (uint32_t i = 0; i < 2; i++)
        nnsm_learned_sample(&v->tile, nnsm_rng_key_from_seed(2), i * NNSM_TILE, v->rows + i * NNSM_TILE * SITES);
    return true;
}

static void destroy(variant *v)
{
    nnsm_tile_destroy(&v->tile);
    nnsm_learned_destroy(v->learned);
    nnsm_made_workspace_destroy(v->workspace);
    nnsm_made_destroy(v->made);
    nnsm_lattice_destroy(&v->lattice);
    nnsm_release(v->rows);
    nnsm_release(v->gradient);
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(variant *v, int round)
{
    double beta[NNSM_TILE], start = cpu_seconds(), passes = 0;
    int64_t accepted[NNSM_TILE] = {0};
    nnsm_move_space space = nnsm_move_space_make(&v->lattice, v->values);
    nnsm_rng_key key = nnsm_rng_key_from_seed(3);
    for (size_t c = 0; c < NNSM_TILE; c++)
        beta[c] = 0.4;
    do {
        (void)nnsm_made_gradient(v->made, v->workspace, v->rows, ROWS, v->gradient);
        passes++;
    } while (cpu_seconds() - start < 0.1);
    v->training[round] = passes * ROWS / (cpu_seconds() - start);
    start = cpu_seconds();
    uint32_t sweep = 0;
    do {
        if (v->values == 2)
            nnsm_metropolis_sweep(&v->tile, key, 0, sweep++, beta, accepted);
        else
            nnsm_move_sweep(&v->tile, &space, NNSM_MOVE_SINGLE, key, 0, sweep++, beta, accepted);
    } while (cpu_seconds() - start < 0.1);
    v->scan[round] = sweep * (double)SITES * NNSM_TILE / (cpu_seconds() - start);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int count)
{
    qsort(x, (size_t)count, sizeof *x, compare);
    return x[count / 2];
}

int main(int argc, char **argv)
{
    static variant v[VARIANTS];
    nnsm_blas_choose_core(argv);
    int rounds = argc > 1 ? atoi(argv[1]) : 15;
    rounds = rounds < 1 ? 1 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
    bool good = true;
    for (int i = 0; i < VARIANTS; i++)
        good = create(&v[i], 2 + i) && good;
    for (int r = 0; r < rounds && good; r++)
        for (int i = 0; i < VARIANTS; i++)
            measure(&v[i], r);
    (void)puts(
        "values  parameters  configurations/s  x parameters  proposals/s  x parameters  (16 x 16, (180, 120), direct)");
    for (int i = 0; i < VARIANTS && good; i++) {
        double training = median(v[i].training, rounds), scan = median(v[i].scan, rounds), n = (double)v[i].parameters;
        (void)printf("%6d  %10zu  %16.0f  %12.3g  %11.3g  %12.3g\n", v[i].values, v[i].parameters, training,
                     training * n, scan, scan * n);
    }
    for (int i = 0; i < VARIANTS; i++)
        destroy(&v[i]);
    return good ? 0 : 1;
}
