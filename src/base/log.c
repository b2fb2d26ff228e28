#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/timer.h"

void nnsm_say(const nnsm_log *log, const char *format, ...)
{
    if (!log->active)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
    (void)fflush(stdout);
}

void nnsm_warn(nnsm_log *log, const char *format, ...)
{
    if (!log->active)
        return;
    log->warnings++;
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("warning: ", stdout);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
    (void)fflush(stdout);
}

bool nnsm_progress_due(nnsm_log *log)
{
    double now = nnsm_seconds();
    if (!log->active || now - log->last < log->interval)
        return false;
    log->last = now;
    return true;
}
