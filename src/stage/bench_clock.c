#include "stage/bench_clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"

/* ---- numbers */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double nnsm_bench_quantile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, ascending);
    double at = share * (double)(count - 1);
    size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    return values[below] + (at - (double)below) * (values[above] - values[below]);
}

double nnsm_bench_rate(const nnsm_bench_part *part)
{
    return part->work / part->seconds;
}

double nnsm_bench_ratio(const nnsm_bench_part *part, const nnsm_bench_part *other)
{
    double ratio[NNSM_BENCH_ROUNDS];
    for (int r = 0; r < NNSM_BENCH_ROUNDS; r++)
        ratio[r] = part->round[r] / other->round[r];
    return nnsm_bench_quantile(ratio, NNSM_BENCH_ROUNDS, 0.5);
}

/* Minimises sum ((a + b n) / t - 1)^2. */
nnsm_bench_line nnsm_bench_fit(size_t count, const double *sizes, const double *seconds)
{
    double aa = 0, ab = 0, bb = 0, ay = 0, by = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        double one = 1 / seconds[i], size = sizes[i] / seconds[i];
        aa += one * one;
        ab += one * size;
        bb += size * size;
        ay += one;
        by += size;
    }
    double determinant = aa * bb - ab * ab;
    nnsm_bench_line line = {(ay * bb - by * ab) / determinant, (aa * by - ab * ay) / determinant, 0};
    if (line.latency < 0)
        line = (nnsm_bench_line){0, by / bb, 0};
    else if (line.slope < 0)
        line = (nnsm_bench_line){ay / aa, 0, 0};
    for (size_t i = 0; i < count; i++)
        sum += pow((line.latency + line.slope * sizes[i]) / seconds[i] - 1, 2);
    line.residual = sqrt(sum / (double)count);
    return line;
}

/* ---- rounds */

typedef struct {
    double wall, processor;
} interval;

static bool by_wall(const nnsm_bench_part *part, MPI_Comm comm)
{
    int ranks;
    NNSM_MPI(MPI_Comm_size(comm, &ranks));
    return part->disk || (part->together && ranks > 1);
}

/* `calls` calls; the first failure ends them. */
static nnsm_status run_calls(const nnsm_bench_part *part, int calls, MPI_Comm comm, interval *took, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    NNSM_MPI(MPI_Barrier(comm));
    double wall = nnsm_seconds(), processor = nnsm_process_seconds();
    for (int c = 0; c < calls && !status; c++)
        status = part->call(part->context, error);
    took->wall = (nnsm_seconds() - wall) / calls;
    took->processor = (nnsm_process_seconds() - processor) / calls;
    return nnsm_agree(comm, status, error);
}

/* A first call warms up; then rank 0 decides how many make a round, so that all make equally many. */
static nnsm_status choose_calls(nnsm_bench_part *part, MPI_Comm comm, nnsm_error *error)
{
    enum { MOST = 1000000 };
    interval took;
    part->calls = 1;
    nnsm_status status = run_calls(part, 1, comm, &took, error);
    for (int tries = 0; tries < 2 && !status; tries++) { /* the first call may have been a slow one */
        double calls = part->budget / fmax(by_wall(part, comm) ? took.wall : took.processor, 1e-9);
        part->calls = calls > MOST ? MOST : calls > 1 ? (int)calls : 1;
        if (tries == 0)
            part->calls = (part->calls + 9) / 10;
        NNSM_MPI(MPI_Bcast(&part->calls, 1, MPI_INT, 0, comm));
        if (tries == 0)
            status = run_calls(part, part->calls, comm, &took, error);
    }
    return status;
}

/* all: [rounds][ranks]. */
static nnsm_status evaluate(nnsm_bench_part *part, bool wall_clock, const interval *all, size_t ranks,
                            nnsm_error *error)
{
    double *value = NULL, slowest = 0, sum = 0, wall = 0, processor = 0, rounds[NNSM_BENCH_ROUNDS];
    nnsm_status status = NNSM_NEW(&value, ranks > NNSM_BENCH_ROUNDS ? ranks : NNSM_BENCH_ROUNDS, "benchmark", error);
    if (status)
        return status;
    for (size_t r = 0; r < NNSM_BENCH_ROUNDS; r++) {
        for (size_t q = 0; q < ranks; q++) {
            const interval *i = &all[r * ranks + q];
            value[q] = wall_clock ? i->wall : i->processor;
            wall += i->wall;
            processor += i->processor;
        }
        part->round[r] = nnsm_bench_quantile(value, ranks, part->together ? 1 : 0.5);
    }
    for (size_t q = 0; q < ranks; q++) {
        for (size_t r = 0; r < NNSM_BENCH_ROUNDS; r++)
            value[r] = wall_clock ? all[r * ranks + q].wall : all[r * ranks + q].processor;
        double median = nnsm_bench_quantile(value, NNSM_BENCH_ROUNDS, 0.5);
        slowest = fmax(slowest, median);
        sum += median;
    }
    memcpy(rounds, part->round, sizeof rounds);
    part->seconds = nnsm_bench_quantile(rounds, NNSM_BENCH_ROUNDS, 0.5);
    part->spread =
        (nnsm_bench_quantile(rounds, NNSM_BENCH_ROUNDS, 0.84) - nnsm_bench_quantile(rounds, NNSM_BENCH_ROUNDS, 0.16)) /
        (2 * part->seconds);
    part->imbalance = slowest * (double)ranks / sum;
    part->busy = processor / wall;
    nnsm_release(value);
    return NNSM_OK;
}

/* mine: [parts][rounds] of this rank. */
static nnsm_status share(nnsm_bench_part *parts, size_t count, const interval *mine, MPI_Comm comm, nnsm_error *error)
{
    int ranks;
    interval *all = NULL;
    NNSM_MPI(MPI_Comm_size(comm, &ranks));
    nnsm_status status = NNSM_NEW(&all, (size_t)ranks * NNSM_BENCH_ROUNDS, "benchmark", error);
    status = nnsm_agree(comm, status, error);
    for (size_t p = 0; p < count && !status; p++) {
        for (size_t r = 0; r < NNSM_BENCH_ROUNDS; r++)
            NNSM_MPI(MPI_Allgather(&mine[p * NNSM_BENCH_ROUNDS + r], 2, MPI_DOUBLE, all + r * (size_t)ranks, 2,
                                   MPI_DOUBLE, comm));
        status = nnsm_agree(comm, evaluate(&parts[p], by_wall(&parts[p], comm), all, (size_t)ranks, error), error);
    }
    nnsm_release(all);
    return status;
}

nnsm_status nnsm_bench_measure(nnsm_bench_part *parts, size_t count, MPI_Comm comm,
                               nnsm_status (*pause)(void *context, nnsm_error *error), void *context, nnsm_error *error)
{
    interval *mine = NULL;
    nnsm_status status = nnsm_agree(comm, NNSM_NEW(&mine, count * NNSM_BENCH_ROUNDS, "benchmark", error), error);
    for (size_t p = 0; p < count && !status; p++)
        status = choose_calls(&parts[p], comm, error);
    for (size_t r = 0; r < NNSM_BENCH_ROUNDS && !status; r++) {
        for (size_t p = 0; p < count && !status; p++)
            status = run_calls(&parts[p], parts[p].calls, comm, &mine[p * NNSM_BENCH_ROUNDS + r], error);
        if (!status)
            status = pause(context, error);
    }
    if (!status)
        status = share(parts, count, mine, comm, error);
    nnsm_release(mine);
    return status;
}
