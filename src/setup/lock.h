/* lock.h: one run at a time on the same output files.
 *
 * The lock is a file with host, process, Slurm job and restart count of its holder. It is held by an fcntl lock, which
 * the system drops when the holder dies, and by a sign of life: the holder touches the file every few seconds. A second
 * run is refused while either stands. On the same node the fcntl lock alone decides. On another node of a shared file
 * system, where fcntl locks may not reach, the file is watched: a holder that shows no life for NNSM_LOCK_WATCH seconds
 * is dead; so is an earlier incarnation of the same requeued job, at once. Rank 0 holds the lock for all; that the
 * others see it tells that the directory is the same one on all nodes. All functions are local. */
#ifndef NNSM_SETUP_LOCK_H
#define NNSM_SETUP_LOCK_H

#include <pthread.h>
#include <stdbool.h>

#include "nnsm/error.h"

enum { NNSM_LOCK_PATH = 2048, NNSM_LOCK_TEXT = 512, NNSM_LOCK_BEAT = 3, NNSM_LOCK_WATCH = 15 };

typedef struct {
    char path[NNSM_LOCK_PATH];
    char text[NNSM_LOCK_TEXT]; /* what the file holds, and no other lock */
    int descriptor;
    bool held, beating;
    pthread_t heart;
    pthread_mutex_t mutex;
    pthread_cond_t stop;
    bool stopping;
} nnsm_lock;

/* Take the lock, or fail with NNSM_FAILURE and the holder's name. lock must stay where it is until the release. */
nnsm_status nnsm_lock_take(nnsm_lock *lock, const char *path, nnsm_error *error);

/* Does this rank see the lock that another one has taken, of that text, perhaps late (base/late.h)? NNSM_USAGE where it
 * does not. Not for the holder: closing a second descriptor would drop its lock. */
nnsm_status nnsm_lock_look(const char *path, const char *text, nnsm_error *error);

/* Give it back and remove the file; accepts a zeroed lock. */
void nnsm_lock_release(nnsm_lock *lock);

#endif
