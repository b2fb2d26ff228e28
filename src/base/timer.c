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
