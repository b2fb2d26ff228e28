/* nnsm/error.h: the status codes and the error record that every fallible function fills.
 *
 * A function that can fail because of the user's input, a file or the machine returns an nnsm_status and writes one
 * message (what, where, what to do) into the caller's nnsm_error. A bug of ours is an assert. Local, never prints. */
#ifndef NNSM_ERROR_H
#define NNSM_ERROR_H

/* The values are the exit codes of the program. */
typedef enum {
    NNSM_OK = 0,
    NNSM_USAGE = 2,       /* command line or configuration */
    NNSM_DATA = 3,        /* an input file: missing, foreign, torn, contradictory */
    NNSM_FAILURE = 4,     /* output, lock, memory, numerical or other run-time failure */
    NNSM_UNFINISHED = 85, /* stopped cleanly; the same command goes on */
} nnsm_status;

enum { NNSM_MESSAGE_LENGTH = 1024 };

typedef struct {
    nnsm_status status;
    char message[NNSM_MESSAGE_LENGTH];
} nnsm_error;

/* Record a failure: printf-style message into *error (may be NULL), and return status, so that a caller writes
 * `return nnsm_fail(error, NNSM_DATA, "...")`. Local. */
nnsm_status nnsm_fail(nnsm_error *error, nnsm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
