#include "base/timer.h"

#include <time.h>

static double read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double nnsm_seconds(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double nnsm_process_seconds(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static struct {
    int depth;
    double since, total;
} waiting;

void nnsm_wait_begin(void)
{
    if (waiting.depth++ == 0)
        waiting.since = nnsm_seconds();
}

void nnsm_wait_end(void)
{
    if (--waiting.depth == 0)
        waiting.total += nnsm_seconds() - waiting.since;
}

double nnsm_waited(void)
{
    return waiting.total + (waiting.depth ? nnsm_seconds() - waiting.since : 0);
}
