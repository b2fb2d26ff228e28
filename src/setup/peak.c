#include "setup/peak.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/timer.h"

extern char **environ;

/* ---- products in this process */

static const size_t sizes[] = {512, 768, 1024};
enum { SIZES = sizeof sizes / sizeof *sizes };

void nnsm_peak_multiply(const nnsm_peak *peak)
{
    int n = (int)peak->size;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1.f, peak->a, n, peak->b, n, 0.f, peak->c, n);
}

double nnsm_peak_operations(const nnsm_peak *peak)
{
    return 2. * (double)peak->size * (double)peak->size * (double)peak->size;
}

/* The best of all repetitions within the time: everything else that the machine does only makes it slower. */
static double best_rate(const nnsm_peak *peak, double seconds)
{
    double begun = nnsm_process_seconds(), best = INFINITY;
    nnsm_peak_multiply(peak); /* pages and caches */
    do {
        double since = nnsm_process_seconds();
        nnsm_peak_multiply(peak);
        best = fmin(best, nnsm_process_seconds() - since);
    } while (nnsm_process_seconds() - begun < seconds);
    return nnsm_peak_operations(peak) / best;
}

nnsm_status nnsm_peak_create(nnsm_peak *peak, double seconds, nnsm_error *error)
{
    size_t largest = sizes[SIZES - 1] * sizes[SIZES - 1], chosen = 0;
    double rate, best = 0;
    *peak = (nnsm_peak){0};
    nnsm_status status = NNSM_NEW(&peak->a, largest, "matrix product", error);
    if (!status)
        status = NNSM_NEW(&peak->b, largest, "matrix product", error);
    if (!status)
        status = NNSM_NEW(&peak->c, largest, "matrix product", error);
    if (status) {
        nnsm_peak_destroy(peak);
        return status;
    }
    for (size_t i = 0; i < largest; i++)
        peak->a[i] = peak->b[i] = 1.f;
    for (size_t s = 0; s < SIZES; s++) {
        peak->size = sizes[s];
        rate = best_rate(peak, seconds / SIZES);
        chosen = rate > best ? s : chosen;
        best = fmax(rate, best);
    }
    peak->size = sizes[chosen];
    return NNSM_OK;
}

void nnsm_peak_destroy(nnsm_peak *peak)
{
    nnsm_release(peak->a);
    nnsm_release(peak->b);
    nnsm_release(peak->c);
    *peak = (nnsm_peak){0};
}

nnsm_status nnsm_peak_child(const char *argument, nnsm_error *error)
{
    nnsm_peak peak;
    double seconds = strtod(argument, NULL);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* to crash is an answer */
    openblas_set_num_threads(1);
    nnsm_status status = nnsm_peak_create(&peak, seconds / 2, error);
    if (status)
        return status;
    double rate = best_rate(&peak, seconds / 2);
    if (peak.c[0] != (float)peak.size) /* of ones; kernels of another processor need not crash to be wrong */
        status = nnsm_fail(error, NNSM_FAILURE, "the product of %zu ones is %g", peak.size, (double)peak.c[0]);
    else
        (void)printf("%s %.6g\n", openblas_get_corename(), rate);
    nnsm_peak_destroy(&peak);
    return status;
}

/* ---- other kernels, in children */

/* Names that OpenBLAS understands, of processors with at least SSE3 or ARMv8; others print another name, or nothing. */
static const char *const names[] = {
#if defined(__x86_64__)
    "Prescott", "Nehalem", "Sandybridge", "Piledriver", "Excavator",
    "Haswell",  "Zen",     "SkylakeX",    "Cooperlake", "SapphireRapids",
#elif defined(__aarch64__)
    "ARMV8", "CORTEXA57", "CORTEXA72", "NEOVERSEN1", "NEOVERSEV1", "NEOVERSEN2", "ARMV8SVE", "THUNDERX2T99",
#else
    "generic",
#endif
};
enum { NAMES = sizeof names / sizeof *names, TEXT = 160, REPETITIONS = 3 };

/* Our environment, the core type replaced; what is inside stays ours. The caller releases *out. */
static nnsm_status environment_of(char *setting, char *threads, char ***out, nnsm_error *error)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    nnsm_status status = NNSM_NEW(out, count + 3, "environment", error);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "OPENBLAS_CORETYPE=", 18) != 0 && strncmp(environ[i], "OPENBLAS_NUM_THREADS=", 21) != 0)
            (*out)[kept++] = environ[i];
    (*out)[kept++] = setting;
    (*out)[kept] = threads;
    return NNSM_OK;
}

/* Start a child whose standard output comes through *reading. */
static nnsm_status start(const char *name, double seconds, pid_t *child, int *reading, nnsm_error *error)
{
    char amount[32], setting[TEXT], threads[] = "OPENBLAS_NUM_THREADS=1";
    char *arguments[] = {"nnsm", "peak", amount, NULL}, **environment = NULL;
    int ends[2];
    posix_spawn_file_actions_t actions;
    (void)snprintf(amount, sizeof amount, "%g", seconds);
    (void)snprintf(setting, sizeof setting, "OPENBLAS_CORETYPE=%s", name);
    nnsm_status status = environment_of(setting, threads, &environment, error);
    if (status)
        return status;
    if (pipe(ends) != 0) {
        nnsm_release(environment);
        return nnsm_fail(error, NNSM_FAILURE, "bench: no pipe to another process: %s", strerror(errno));
    }
    int code = posix_spawn_file_actions_init(&actions);
    if (!code) {
        (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
        (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1 /* O_WRONLY */, 0);
        code = posix_spawn(child, "/proc/self/exe", &actions, NULL, arguments, environment);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    nnsm_release(environment);
    (void)close(ends[1]);
    *reading = ends[0];
    if (!code)
        return NNSM_OK;
    (void)close(ends[0]);
    return nnsm_fail(error, NNSM_FAILURE, "bench: cannot start a process to measure other kernels: %s", strerror(code));
}

/* One measurement of one core type; core->rate = 0 where it does not run here. */
static nnsm_status measure(const char *name, double seconds, nnsm_core *core, nnsm_error *error)
{
    char text[TEXT] = "";
    size_t length = 0;
    pid_t child = -1;
    int reading = -1, state = 0;
    *core = (nnsm_core){0};
    nnsm_status status = start(name, seconds, &child, &reading, error);
    if (status)
        return status;
    for (ssize_t got; length < sizeof text - 1 && (got = read(reading, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    (void)close(reading);
    while (waitpid(child, &state, 0) < 0 && errno == EINTR)
        continue;
    text[length] = '\0';
    char *space = strchr(text, ' ');
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0 || !space)
        return NNSM_OK;
    (void)snprintf(core->name, sizeof core->name, "%.*s", (int)(space - text), text);
    core->rate = strtod(space, NULL);
    return NNSM_OK;
}

static int slower_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int faster_first(const void *a, const void *b)
{
    double x = ((const nnsm_core *)a)->rate, y = ((const nnsm_core *)b)->rate;
    return (x < y) - (x > y);
}

nnsm_status nnsm_peak_survey(double seconds, nnsm_core *cores, size_t *count, nnsm_error *error)
{
    double rate[NAMES][REPETITIONS] = {{0}};
    nnsm_core core[NAMES] = {{{0}, 0}};
    double fastest = 0;
    *count = 0;
    for (int r = 0; r < REPETITIONS; r++)
        for (size_t i = 0; i < NAMES; i++) {
            bool known = false;                      /* the same kernels under another name, or none */
            if (r > 0 && core[i].rate < fastest / 2) /* far from the question, and slow to answer */
                continue;
            nnsm_core found;
            nnsm_status status = measure(names[i], seconds, &found, error);
            if (status)
                return status;
            for (size_t k = 0; k < i && r == 0; k++)
                known = known || strcmp(core[k].name, found.name) == 0;
            if (r == 0 && !known)
                core[i] = found;
            rate[i][r] = known ? 0 : found.rate;
            fastest = fmax(fastest, rate[i][r]);
        }
    for (size_t i = 0; i < NAMES && *count < NNSM_CORES; i++) {
        int measured = rate[i][1] > 0 ? REPETITIONS : 1;
        qsort(rate[i], (size_t)measured, sizeof(double), slower_first);
        core[i].rate = rate[i][measured / 2];
        if (core[i].rate > 0)
            cores[(*count)++] = core[i];
    }
    qsort(cores, *count, sizeof *cores, faster_first);
    return NNSM_OK;
}
