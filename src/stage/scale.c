#include "stage/scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* A regression from fewer measurements, or one that is this far off, is not believed. */
static const double fewest = 16, smallest = 0.1, largest = 10;

nnsm_status nnsm_scale_create(nnsm_scale *scale, size_t temperatures, size_t sites, int64_t measurements, bool fit,
                              nnsm_error *error)
{
    *scale = (nnsm_scale){.temperatures = temperatures, .sites = sites, .fit = fit, .measurements = measurements};
    nnsm_status status = NNSM_NEW(&scale->sums, temperatures, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&scale->scale, temperatures, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&scale->palindromes, temperatures, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&scale->acceptance, temperatures, "surrogate", error);
    for (size_t t = 0; t < temperatures && !status; t++) {
        scale->scale[t] = scale->palindromes[t] = 1;
        scale->acceptance[t] = NAN;
    }
    return status;
}

void nnsm_scale_destroy(nnsm_scale *scale)
{
    nnsm_release(scale->sums);
    nnsm_release(scale->scale);
    nnsm_release(scale->palindromes);
    nnsm_release(scale->acceptance);
    *scale = (nnsm_scale){0};
}

void nnsm_scale_add(nnsm_scale *scale, size_t t, double hamiltonian, double surrogate, double accepted, double flips)
{
    nnsm_scale_sums *s = &scale->sums[t];
    s->count++;
    s->surrogate += surrogate;
    s->surrogate2 += surrogate * surrogate;
    s->hamiltonian += hamiltonian;
    s->product += hamiltonian * surrogate;
    s->accepted += accepted;
    s->flips += flips;
}

static void learn_one(nnsm_scale *scale, size_t t)
{
    const nnsm_scale_sums *s = &scale->sums[t];
    double variance = s->surrogate2 / s->count - s->surrogate / s->count * (s->surrogate / s->count);
    double covariance = s->product / s->count - s->hamiltonian / s->count * (s->surrogate / s->count);
    double slope = covariance / variance, flips = s->flips / s->count;
    /* Rounding of the sums is far below 1e-9 of their size; at low T all chains may be in the ground state. */
    bool moves = variance > 1e-9 * (1 + s->surrogate2 / s->count) && s->count >= fewest;
    if (scale->fit && moves && slope > smallest && slope < largest)
        scale->scale[t] = slope;
    if (flips > 0)
        scale->palindromes[t] =
            fmin(fmax(rint(scale->palindromes[t] * (double)scale->sites / flips), 1), NNSM_MOST_PALINDROMES);
    scale->acceptance[t] = s->accepted / s->count;
}

static void tell(const nnsm_scale *scale, nnsm_self_learning *sampler)
{
    for (size_t t = 0; t < scale->temperatures; t++)
        nnsm_self_learning_set(sampler, t, scale->scale[t], (int)scale->palindromes[t]);
}

size_t nnsm_scale_until(const nnsm_scale *scale)
{
    for (int64_t part = 8; part > 0; part /= 2)
        if (scale->measurements / part > scale->seen)
            return (size_t)(scale->measurements / part - scale->seen);
    return SIZE_MAX;
}

void nnsm_scale_learn(nnsm_scale *scale, nnsm_self_learning *sampler)
{
    bool due = nnsm_scale_until(scale) == 1;
    scale->seen++;
    if (!due)
        return;
    for (size_t t = 0; t < scale->temperatures; t++) {
        learn_one(scale, t);
        scale->sums[t] = (nnsm_scale_sums){0};
    }
    tell(scale, sampler);
}

double nnsm_scale_acceptance(const nnsm_scale *scale)
{
    double least = 1;
    for (size_t t = 0; t < scale->temperatures && scale->seen >= scale->measurements; t++)
        least = scale->acceptance[t] < least ? scale->acceptance[t] : least; /* NaN: nothing was measured */
    return least;
}

void nnsm_scale_state(nnsm_scale *scale, nnsm_self_learning *sampler, const char *group, nnsm_state *state)
{
    const size_t sums = sizeof *scale->sums / sizeof(double);
    struct {
        const char *name;
        size_t count;
        double *values;
    } list[] = {{"sums", sums * scale->temperatures, &scale->sums->count},
                {"scale", scale->temperatures, scale->scale},
                {"palindromes", scale->temperatures, scale->palindromes},
                {"acceptance", scale->temperatures, scale->acceptance}};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/surrogate/seen", group);
    nnsm_state_values(state, path, NNSM_H5_INTEGERS, 1, &scale->seen);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        (void)snprintf(path, sizeof path, "%s/surrogate/%s", group, list[i].name);
        nnsm_state_values(state, path, NNSM_H5_DOUBLES, list[i].count, list[i].values);
    }
    if (!state->writing)
        tell(scale, sampler);
}
