/* bench_clock.h: the parts of a benchmark, measured in rounds by all ranks together.
 *
 * A round measures every part once, so that what else the machine does, and how warm it is, changes all parts alike;
 * figures are medians over rounds, ratios of two parts are medians of the ratios within a round. A part for each rank
 * by itself (a kernel) is measured in processor time, which other programs disturb least; a part of all ranks together
 * (a stage, a message, a file) by the wall clock, since there waiting counts, but for a stage of a single rank, which
 * waits for nobody. All ranks make equally many calls. */
#ifndef NNSM_STAGE_BENCH_CLOCK_H
#define NNSM_STAGE_BENCH_CLOCK_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>

#include "nnsm/error.h"

enum { NNSM_BENCH_ROUNDS = 7 };

/* One call of a part. Parts of all ranks together are collective and return the same everywhere. */
typedef nnsm_status nnsm_bench_call(void *context, nnsm_error *error);

typedef struct {
    const char *name;    /* in the file */
    const char *title;   /* in the table */
    const char *units;   /* of the work, "configurations" */
    bool together, disk; /* all ranks; waits for a disk */
    double work;         /* of a call: of one rank, or of all together */
    double budget;       /* seconds in a round */
    nnsm_bench_call *call;
    void *context;
    /* measured */
    int calls;                       /* a round */
    double round[NNSM_BENCH_ROUNDS]; /* seconds a call: median over ranks; together: the slowest rank */
    double seconds;                  /* median of the rounds */
    double spread;                   /* half of the distance from their 16 to their 84 %, relative */
    double imbalance;                /* slowest rank over the mean of all, of medians over rounds */
    double busy;                     /* processor time over wall time, mean over ranks */
} nnsm_bench_part;

/* Measures all parts; `pause` is asked between two rounds whether to go on (NNSM_UNFINISHED: no). The same on all
 * ranks. Collective on comm. */
nnsm_status nnsm_bench_measure(nnsm_bench_part *parts, size_t count, MPI_Comm comm,
                               nnsm_status (*pause)(void *context, nnsm_error *error), void *context,
                               nnsm_error *error);

/* work / seconds. */
double nnsm_bench_rate(const nnsm_bench_part *part);

/* Median over rounds of the ratio of times, of a call of `part` to a call of `other`. Local. */
double nnsm_bench_ratio(const nnsm_bench_part *part, const nnsm_bench_part *other);

/* The least squares of the relative errors: seconds = latency + size * slope, neither negative. residual: their
 * root mean square. Local. */
typedef struct {
    double latency, slope, residual;
} nnsm_bench_line;
nnsm_bench_line nnsm_bench_fit(size_t count, const double *sizes, const double *seconds);

/* A quantile of values, which are sorted. Local. */
double nnsm_bench_quantile(double *values, size_t count, double share);

#endif
