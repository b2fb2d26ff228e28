#include "durations.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lattice/symmetry.h"
#include "made/kernels.h"
#include "nnsm/metropolis.h"
#include "nnsm/self_learning.h"
#include "stage/learner.h"
#include "stage/starts.h"

/* The same on all ranks, set before any of them computes. */
static nnsm_durations seconds;
static size_t large; /* 0: compute as ever */

/* Returns false for a line that is none of these. */
static bool read_line(const char *line, nnsm_durations *d)
{
    char name[32];
    double value, seconds = 0;
    size_t first, end;
    if (d->layers < NNSM_TOLD && sscanf(line, "layer %zu %zu %lf", &first, &end, &seconds) == 3) {
        d->told[d->layers].first = first;
        d->told[d->layers].end = end;
        d->told[d->layers++].seconds = seconds;
        return first < end && seconds >= 0;
    }
    if (sscanf(line, "%31s %lf", name, &value) != 2)
        return line[0] == '#';
    double *to = strcmp(name, "gradient") == 0 ? &d->gradient
                 : strcmp(name, "add") == 0    ? &d->add
                 : strcmp(name, "sweep") == 0  ? &d->sweep
                                               : NULL;
    if (to)
        *to = value;
    return to || strcmp(name, "generator") == 0;
}

nnsm_status nnsm_durations_read(const char *path, nnsm_error *error)
{
    char line[256];
    bool good = true;
    nnsm_durations d = {NAN, NAN, NAN, {{0}}, 0};
    FILE *file = fopen(path, "r");
    if (!file)
        return nnsm_fail(error, NNSM_DATA, "%s: cannot be read", path);
    while (fgets(line, sizeof line, file))
        good = read_line(line, &d) && good;
    (void)fclose(file);
    double sum = 0;
    for (size_t l = 0; l < d.layers; l++)
        sum += d.told[l].seconds;
    if (!good || !(d.gradient > 0 && d.add > 0 && d.sweep > 0 && fabs(sum - d.gradient) < 1e-3 * d.gradient))
        return nnsm_fail(error, NNSM_DATA,
                         "%s: wants lines gradient, add and sweep, with seconds, and layers that add up to gradient",
                         path);
    seconds = d;
    return NNSM_OK;
}

void nnsm_durations_use(size_t shared_from)
{
    large = shared_from;
}

static void pass(double duration)
{
    double whole = floor(duration);
    struct timespec time = {(time_t)whole, (long)((duration - whole) * 1e9)};
    (void)nanosleep(&time, NULL); /* simulated, by smpicc */
}

/* ---- memory */

enum { LARGEST = 1 << 28 };

static void *shared;

nnsm_status __real_nnsm_allocate(void **out, size_t count, size_t size, const char *what, nnsm_error *error);
nnsm_status __wrap_nnsm_allocate(void **out, size_t count, size_t size, const char *what, nnsm_error *error);
nnsm_status __wrap_nnsm_allocate(void **out, size_t count, size_t size, const char *what, nnsm_error *error)
{
    if (!large || count * size < large || count * size > LARGEST)
        return __real_nnsm_allocate(out, count, size, what, error);
    if (!shared)
        shared = SMPI_SHARED_MALLOC(LARGEST);
    *out = shared;
    return NNSM_OK;
}

void __real_nnsm_release(void *block);
void __wrap_nnsm_release(void *block);
void __wrap_nnsm_release(void *block)
{
    if (!block || block != shared)
        __real_nnsm_release(block);
}

/* ---- training */

enum { PART = 1 << 16 }; /* what a backward pass tells of at once, as in made/batch.c */

static void compute_layers(const nnsm_listener *listener)
{
    for (size_t l = 0; l < seconds.layers; l++) {
        size_t all = seconds.told[l].end - seconds.told[l].first;
        for (size_t at = 0, floats; at < all; at += floats) {
            floats = all - at < PART ? all - at : PART;
            pass(seconds.told[l].seconds * (double)floats / (double)all);
            listener->tell(listener->context, seconds.told[l].first + at, seconds.told[l].first + at + floats);
        }
    }
}

double __wrap_nnsm_learner_sum(const nnsm_learner *learner, nnsm_network_workspace *workspace,
                               const int8_t *configurations, size_t count, float *sums, const nnsm_listener *listener);
double __wrap_nnsm_learner_sum(const nnsm_learner *learner, nnsm_network_workspace *workspace,
                               const int8_t *configurations, size_t count, float *sums, const nnsm_listener *listener)
{
    (void)learner, (void)workspace, (void)configurations, (void)count, (void)sums;
    if (listener)
        compute_layers(listener);
    else
        pass(seconds.gradient);
    return 0;
}

void __real_nnsm_kernel_add(float *restrict sum, const float *restrict term, size_t count);
void __wrap_nnsm_kernel_add(float *restrict sum, const float *restrict term, size_t count);
void __wrap_nnsm_kernel_add(float *restrict sum, const float *restrict term, size_t count)
{
    if (large)
        pass(seconds.add * (double)count);
    else
        __real_nnsm_kernel_add(sum, term, count);
}

/* Adam's passes, which seconds.add stands for. */
void __wrap_nnsm_kernel_adam(float *restrict parameters, float *restrict first, float *restrict second,
                             const float *restrict gradient, size_t count, float scale, float rate,
                             float root_correction);
void __wrap_nnsm_kernel_adam(float *restrict parameters, float *restrict first, float *restrict second,
                             const float *restrict gradient, size_t count, float scale, float rate,
                             float root_correction)
{
    (void)parameters, (void)first, (void)second, (void)gradient, (void)scale, (void)rate, (void)root_correction;
    pass(seconds.add * (double)count);
}

void __wrap_nnsm_made_initialize(nnsm_made *made, nnsm_rng_key key);
void __wrap_nnsm_made_initialize(nnsm_made *made, nnsm_rng_key key)
{
    (void)made, (void)key;
}

/* Augmentation, for which seconds.add stands, too. */
void __wrap_nnsm_symmetry_apply(const nnsm_symmetry *symmetry, size_t index, const int8_t *from, int8_t *to);
void __wrap_nnsm_symmetry_apply(const nnsm_symmetry *symmetry, size_t index, const int8_t *from, int8_t *to)
{
    (void)symmetry, (void)index, (void)from, (void)to;
}

/* ---- the scan */

void __wrap_nnsm_metropolis_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep,
                                  const double *beta, int64_t *accepted);
void __wrap_nnsm_metropolis_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep,
                                  const double *beta, int64_t *accepted)
{
    (void)tile, (void)key, (void)stream, (void)sweep, (void)beta, (void)accepted;
    pass(seconds.sweep);
}

void __wrap_nnsm_learned_sample(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, int8_t *states);
void __wrap_nnsm_learned_sample(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, int8_t *states)
{
    (void)tile, (void)key, (void)stream, (void)states;
}

void __wrap_nnsm_starts_make(const nnsm_starts *starts, size_t walker, uint32_t stream, int8_t *states);
void __wrap_nnsm_starts_make(const nnsm_starts *starts, size_t walker, uint32_t stream, int8_t *states)
{
    (void)starts, (void)walker, (void)stream, (void)states;
}

/* What needs tiles, which are not there. Self-learning chains communicate as single flips do. */
nnsm_status __wrap_nnsm_self_learning_create(nnsm_self_learning **out, const nnsm_local *surrogate,
                                             const double *uncertainty, size_t temperatures, const double *beta,
                                             nnsm_tile *hamiltonian, nnsm_error *error);
nnsm_status __wrap_nnsm_self_learning_create(nnsm_self_learning **out, const nnsm_local *surrogate,
                                             const double *uncertainty, size_t temperatures, const double *beta,
                                             nnsm_tile *hamiltonian, nnsm_error *error)
{
    (void)out, (void)surrogate, (void)uncertainty, (void)temperatures, (void)beta, (void)hamiltonian;
    return nnsm_fail(error, NNSM_USAGE, "no proposals in a simulation");
}

nnsm_status __wrap_nnsm_screening_create(nnsm_screening *screening, const nnsm_run *run,
                                         const nnsm_couplings *couplings, size_t temperatures,
                                         const double *temperature, size_t tiles, nnsm_error *error);
nnsm_status __wrap_nnsm_screening_create(nnsm_screening *screening, const nnsm_run *run,
                                         const nnsm_couplings *couplings, size_t temperatures,
                                         const double *temperature, size_t tiles, nnsm_error *error)
{
    (void)screening, (void)run, (void)couplings, (void)temperatures, (void)temperature, (void)tiles;
    return nnsm_fail(error, NNSM_USAGE, "no screens in a simulation");
}

nnsm_status __wrap_nnsm_learned_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error);
nnsm_status __wrap_nnsm_learned_tile_create(nnsm_tile *out, const nnsm_learned *learned, nnsm_error *error)
{
    (void)out, (void)learned;
    return nnsm_fail(error, NNSM_USAGE, "no networks are scanned in a simulation");
}

void __wrap_nnsm_learned_redraw(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, uint32_t step, size_t from,
                                int8_t *configurations);
void __wrap_nnsm_learned_redraw(nnsm_tile *tile, nnsm_rng_key key, uint32_t first, uint32_t step, size_t from,
                                int8_t *configurations)
{
    (void)tile, (void)key, (void)first, (void)step, (void)from, (void)configurations;
}

/* Every rank exchanges its own ladders and then all: what that takes is measured here, the least of all calls a ladder.
 */
void __real_nnsm_ladders_exchange(nnsm_ladders *ladders, size_t first, size_t end, nnsm_rng_key key, uint32_t stream,
                                  uint32_t attempt, const double *energy);
void __wrap_nnsm_ladders_exchange(nnsm_ladders *ladders, size_t first, size_t end, nnsm_rng_key key, uint32_t stream,
                                  uint32_t attempt, const double *energy);
void __wrap_nnsm_ladders_exchange(nnsm_ladders *ladders, size_t first, size_t end, nnsm_rng_key key, uint32_t stream,
                                  uint32_t attempt, const double *energy)
{
    static double least = INFINITY;
    struct timespec from, to;
    (void)(clock_gettime)(CLOCK_THREAD_CPUTIME_ID, &from); /* the host's, not the simulated one */
    __real_nnsm_ladders_exchange(ladders, first, end, key, stream, attempt, energy);
    (void)(clock_gettime)(CLOCK_THREAD_CPUTIME_ID, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    least = fmin(least, seconds / (double)(end - first));
    pass(least * (double)(end - first));
}
