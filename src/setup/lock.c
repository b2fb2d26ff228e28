#include "setup/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "base/late.h"

typedef struct {
    char host[256], job[64];
    long pid, restart;
} holder;

static void describe_self(holder *h)
{
    const char *job = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
    *h = (holder){.pid = (long)getpid(), .restart = restart ? atol(restart) : 0};
    nnsm_host_name(h->host, sizeof h->host);
    (void)snprintf(h->job, sizeof h->job, "%.60s", job && *job ? job : "none");
}

static bool read_holder(int descriptor, holder *h)
{
    char text[NNSM_LOCK_TEXT] = {0};
    *h = (holder){0};
    return pread(descriptor, text, sizeof text - 1, 0) > 0 &&
           sscanf(text, "host %255s pid %ld job %63s restart %ld", h->host, &h->pid, h->job, &h->restart) == 4;
}

static nnsm_status refuse(const nnsm_lock *lock, const holder *h, nnsm_error *error)
{
    return nnsm_fail(error, NNSM_FAILURE,
                     "%.300s: another run (host %s, process %ld, Slurm job %s) is writing these files; wait for it, or "
                     "choose another run.name",
                     lock->path, h->host, h->pid, h->job);
}

/* The age of the holder's last sign of life does not matter (clocks differ), only whether it gives a new one. */
static bool shows_life(int descriptor)
{
    struct stat first, now;
    if (fstat(descriptor, &first) != 0)
        return false;
    for (int i = 0; i < NNSM_LOCK_WATCH; i++) {
        (void)sleep(1);
        if (fstat(descriptor, &now) != 0 || now.st_nlink == 0)
            return false;
        if (now.st_mtim.tv_sec != first.st_mtim.tv_sec || now.st_mtim.tv_nsec != first.st_mtim.tv_nsec)
            return true;
    }
    return false;
}

static bool same_file(int descriptor, const char *path)
{
    struct stat open_one, named;
    return fstat(descriptor, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_ino == named.st_ino &&
           open_one.st_dev == named.st_dev;
}

/* NNSM_OK: the file is ours now, or *again is set because it was removed under our hands. */
static nnsm_status claim(nnsm_lock *lock, const holder *me, bool *again, nnsm_error *error)
{
    holder other;
    struct timespec now;
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int refused = fcntl(lock->descriptor, F_SETLK, &range) != 0 ? errno : 0;
    bool known = read_holder(lock->descriptor, &other);
    if (refused == EAGAIN || refused == EACCES)
        return refuse(lock, &other, error);
    bool here = known && strcmp(other.host, me->host) == 0 && !refused;
    bool requeued =
        known && strcmp(other.job, "none") != 0 && strcmp(other.job, me->job) == 0 && me->restart > other.restart;
    if (known && !here && !requeued && shows_life(lock->descriptor))
        return refuse(lock, &other, error);
    *again = !same_file(lock->descriptor, lock->path);
    if (*again)
        return NNSM_OK;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int length = snprintf(lock->text, sizeof lock->text, "host %s pid %ld job %s restart %ld since %lld.%09ld\n",
                          me->host, me->pid, me->job, me->restart, (long long)now.tv_sec, now.tv_nsec);
    if (ftruncate(lock->descriptor, 0) != 0 || pwrite(lock->descriptor, lock->text, (size_t)length, 0) != length ||
        fsync(lock->descriptor) != 0) /* other nodes look for it */
        return nnsm_fail(error, NNSM_FAILURE, "%.300s: cannot write the lock: %s", lock->path, strerror(errno));
    lock->held = true;
    return NNSM_OK;
}

static void *beat(void *argument)
{
    nnsm_lock *lock = argument;
    (void)pthread_mutex_lock(&lock->mutex);
    while (!lock->stopping) {
        struct timespec until;
        (void)futimens(lock->descriptor, NULL);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += NNSM_LOCK_BEAT;
        (void)pthread_cond_timedwait(&lock->stop, &lock->mutex, &until);
    }
    (void)pthread_mutex_unlock(&lock->mutex);
    return NULL;
}

/* Signals are for the main thread. */
static void start_heart(nnsm_lock *lock)
{
    sigset_t all, before;
    (void)pthread_mutex_init(&lock->mutex, NULL);
    (void)pthread_cond_init(&lock->stop, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    lock->beating = pthread_create(&lock->heart, NULL, beat, lock) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

nnsm_status nnsm_lock_take(nnsm_lock *lock, const char *path, nnsm_error *error)
{
    holder me;
    bool again = true;
    nnsm_status status = NNSM_OK;
    *lock = (nnsm_lock){.descriptor = -1};
    (void)snprintf(lock->path, sizeof lock->path, "%s", path);
    describe_self(&me);
    while (again && !status) {
        lock->descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (lock->descriptor < 0)
            return nnsm_fail(error, NNSM_FAILURE, "%.400s: cannot make the lock: %s; choose another run.output", path,
                             strerror(errno));
        status = claim(lock, &me, &again, error);
        if (status || again)
            (void)close(lock->descriptor);
    }
    if (!status)
        start_heart(lock);
    return status;
}

/* Returns 0, or errno's value; ENOENT for another lock, which the right one may replace. */
static int find_text(const char *path, const char *text)
{
    char found[NNSM_LOCK_TEXT] = {0};
    int descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), code = descriptor < 0 ? errno : 0;
    if (!code && pread(descriptor, found, sizeof found - 1, 0) < 0)
        code = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    return code == ESTALE || (!code && strcmp(found, text) != 0) ? ENOENT : code;
}

nnsm_status nnsm_lock_look(const char *path, const char *text, nnsm_error *error)
{
    char host[64], directory[NNSM_LOCK_PATH] = "unknown";
    nnsm_late late = {0};
    int code = find_text(path, text);
    while (code == ENOENT && nnsm_late_again(&late, path))
        code = find_text(path, text);
    nnsm_host_name(host, sizeof host);
    if (code == ENOENT)
        return nnsm_fail(error, NNSM_USAGE,
                         "run.output is not the same directory on all ranks: one on %s, in the directory %.300s, does "
                         "not see the lock of rank 0, %.300s; choose a directory on a file system that all nodes share",
                         host, getcwd(directory, sizeof directory) ? directory : "unknown", path);
    return code ? nnsm_fail(error, NNSM_FAILURE, "%.300s: %s cannot read the lock of rank 0: %s", path, host,
                            strerror(code))
                : NNSM_OK;
}

void nnsm_lock_release(nnsm_lock *lock)
{
    if (!lock->held)
        return;
    if (lock->beating) {
        (void)pthread_mutex_lock(&lock->mutex);
        lock->stopping = true;
        (void)pthread_cond_signal(&lock->stop);
        (void)pthread_mutex_unlock(&lock->mutex);
        (void)pthread_join(lock->heart, NULL);
        (void)pthread_cond_destroy(&lock->stop);
        (void)pthread_mutex_destroy(&lock->mutex);
    }
    (void)unlink(lock->path);
    (void)close(lock->descriptor);
    lock->held = false;
}
