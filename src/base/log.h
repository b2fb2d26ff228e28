/* log.h: what a run tells its user, one line at a time, from one rank. Local.
 *
 * Ordinary lines go to standard output, warnings to standard output too (marked, and counted for the closing report);
 * the one error message of a failed run goes to standard error from main. */
#ifndef NNSM_BASE_LOG_H
#define NNSM_BASE_LOG_H

#include <stdbool.h>

typedef struct {
    bool active;     /* this rank speaks */
    double interval; /* seconds between two progress lines */
    double last;     /* when the last progress line was printed */
    int warnings;    /* how many warnings were printed */
} nnsm_log;

/* One line. Silent on ranks that do not speak. */
void nnsm_say(const nnsm_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line that starts with "warning: "; counted. */
void nnsm_warn(nnsm_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True at most once an interval, so that progress lines stay readable in a file. */
bool nnsm_progress_due(nnsm_log *log);

#endif
