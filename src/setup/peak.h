/* peak.h: how fast this processor multiplies matrices: the measure for everything that is made of such products.
 *
 * The peak is that of the largest of several square single-precision products through OpenBLAS on one thread, none so
 * small that it is not a large one. Which kernels OpenBLAS has is fixed when it is loaded (setup/blas.h), so those of
 * other core types are measured by a child process each: "nnsm peak SECONDS" with OPENBLAS_CORETYPE set, which prints
 * the name that OpenBLAS then gives itself and the operations per second. A child that crashes was given kernels that
 * this processor cannot run. Local. */
#ifndef NNSM_SETUP_PEAK_H
#define NNSM_SETUP_PEAK_H

#include <stdbool.h>
#include <stddef.h>

#include "nnsm/error.h"

enum { NNSM_CORES = 16, NNSM_CORE_NAME = 64 };

/* A product that can be repeated. */
typedef struct {
    size_t size;      /* rows and columns; may be changed to another one that nnsm_peak_create has chosen elsewhere */
    float *a, *b, *c; /* [size][size] */
} nnsm_peak;

/* The size that is fastest here, which takes about `seconds`. */
nnsm_status nnsm_peak_create(nnsm_peak *peak, double seconds, nnsm_error *error);
void nnsm_peak_destroy(nnsm_peak *peak);
void nnsm_peak_multiply(const nnsm_peak *peak);
double nnsm_peak_operations(const nnsm_peak *peak); /* of one product */

typedef struct {
    char name[NNSM_CORE_NAME];
    double rate; /* operations per second */
} nnsm_core;

/* All core types of OpenBLAS that run here, each once, fastest first; medians of three interleaved rounds of `seconds`
 * a child, of one round where a type has not half of the best speed. cores: out, [NNSM_CORES]. NNSM_FAILURE where no
 * child can be started. */
nnsm_status nnsm_peak_survey(double seconds, nnsm_core *cores, size_t *count, nnsm_error *error);

/* The child's part: measure and print; `argument` in seconds. */
nnsm_status nnsm_peak_child(const char *argument, nnsm_error *error);

#endif
