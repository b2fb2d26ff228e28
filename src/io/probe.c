#include "io/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/timer.h"
#include "io/seal.h"

extern char **environ;

static const double patience = 30, slowest = 20e6; /* s, and bytes/s on top of it */

/* Wait for the child until the limit, then end it. Returns false when it had to be ended. */
static bool wait_for(pid_t child, double limit, int *state)
{
    double start = nnsm_seconds();
    while (waitpid(child, state, WNOHANG) == 0) {
        if (nnsm_seconds() - start > limit) {
            (void)kill(child, SIGKILL);
            (void)waitpid(child, state, 0);
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return true;
}

/* posix_spawn and not fork: the child shares no pages with memory that a network card may be writing to. */
static int start_child(const char *path, pid_t *child)
{
    char *arguments[] = {"nnsm", "probe", (char *)path, NULL};
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        return code;
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    code = posix_spawn(child, "/proc/self/exe", &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

nnsm_status nnsm_probe(const char *path, uint64_t *checksum, nnsm_error *error)
{
    nnsm_seal seal;
    struct stat about;
    pid_t child;
    int state = 0;
    nnsm_status status = nnsm_seal_check(path, &seal, checksum, error);
    if (status || seal == NNSM_SEAL_INTACT)
        return status;
    double limit = patience + (stat(path, &about) == 0 ? (double)about.st_size / slowest : 0);
    int code = start_child(path, &child);
    if (code)
        return nnsm_fail(error, NNSM_FAILURE, "%.400s: cannot start a process to look at it: %s", path, strerror(code));
    if (!wait_for(child, limit, &state))
        return nnsm_fail(error, NNSM_DATA, "%.400s: HDF5 did not come back from reading it in %.0f s: it is damaged",
                         path, limit);
    if (WIFSIGNALED(state))
        return nnsm_fail(error, NNSM_DATA, "%.400s: HDF5 crashed reading it (%s): it is damaged", path,
                         strsignal(WTERMSIG(state)));
    int end = WEXITSTATUS(state);
    if (end != NNSM_OK && end != NNSM_USAGE && end != NNSM_DATA && end != NNSM_FAILURE)
        return nnsm_fail(error, NNSM_DATA, "%.400s: reading it ended with exit code %d: it is damaged", path, end);
    return NNSM_OK; /* what is wrong with its contents is found and told by the one who reads it */
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

nnsm_status nnsm_probe_once(const char *path, nnsm_probed *probed, uint64_t *checksum, nnsm_error *error)
{
    struct stat about;
    bool there = stat(path, &about) == 0;
    *checksum = probed->checksum;
    if (there && probed->about.st_ino && is_same(&about, &probed->about))
        return NNSM_OK;
    *probed = (nnsm_probed){0};
    nnsm_status status = nnsm_probe(path, checksum, error);
    if (status)
        return status;
    *probed = (nnsm_probed){.checksum = *checksum};
    if (!there || stat(path, &probed->about) != 0 || !is_same(&about, &probed->about))
        return nnsm_fail(error, NNSM_DATA, "%.400s: it is being changed while it is read; start when it is complete",
                         path);
    return NNSM_OK;
}
