/* file_driver.c: runs commands of the program for fuzz_files.py, many a second.
 *
 * Starting MPI takes longer than reading a small file. So MPI starts once, and every command is main() of the program
 * in a forked child, on one rank. Requests are lines of words separated by tabs:
 *
 *   run LIMIT DIRECTORY OUTPUT WORD...   `nnsm WORD...` in DIRECTORY; what it says goes to the file OUTPUT; after LIMIT
 *                                        seconds it is killed
 *   seal PATH                            give a changed file a valid checksum
 *
 * Answers: "exit CODE", "signal NUMBER", "hang", "sealed" or "failed". `file_driver probe FILE` is the program's own
 * child process (io/probe.h). */
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MPI_Init(argc, argv) MPI_SUCCESS
#define MPI_Finalize() MPI_SUCCESS
#define main program
#include "main.c"
#undef MPI_Init
#undef MPI_Finalize
#undef main

#include "base/timer.h"
#include "io/seal.h"

enum { LINE = 65536, WORDS = 256 };

static int split(char *line, char **words)
{
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *word = strtok(line, "\t"); word && count < WORDS - 1; word = strtok(NULL, "\t"))
        words[count++] = word;
    words[count] = NULL;
    return count;
}

static void child(const char *directory, const char *output, int count, char **words)
{
    int descriptor = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    (void)setpgid(0, 0); /* with its own child, if any */
    if (descriptor < 0 || dup2(descriptor, STDOUT_FILENO) < 0 || dup2(descriptor, STDERR_FILENO) < 0 ||
        chdir(directory) != 0)
        _exit(99);
    int code = program(count, words);
    (void)fflush(NULL);
    _exit(code);
}

/* Returns false when the child had to be ended. */
static bool wait_for(pid_t pid, double limit, int *state)
{
    double start = nnsm_seconds();
    while (waitpid(pid, state, WNOHANG) == 0) {
        if (nnsm_seconds() - start > limit) {
            (void)kill(-pid, SIGKILL);
            (void)waitpid(pid, state, 0);
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

/* words: "run", limit, directory, output, arguments; the output's place serves as argv[0]. */
static void run(int count, char **words)
{
    int state = 0;
    pid_t pid = fork();
    if (pid == 0)
        child(words[2], words[3], count - 3, words + 3);
    if (pid < 0)
        (void)puts("failed");
    else if (!wait_for(pid, atof(words[1]), &state))
        (void)puts("hang");
    else if (WIFSIGNALED(state))
        (void)printf("signal %d\n", WTERMSIG(state));
    else
        (void)printf("exit %d\n", WEXITSTATUS(state));
}

/* Returns 0 or errno's value. */
static int seal(const char *path, uint64_t *checksum)
{
    int descriptor = open(path, O_RDWR);
    int code = descriptor < 0 ? errno : nnsm_seal_write(descriptor, checksum);
    return descriptor >= 0 && close(descriptor) != 0 && !code ? errno : code;
}

int main(int argc, char **argv)
{
    static char line[LINE];
    char *words[WORDS];
    uint64_t checksum;
    if (argc == 3 && strcmp(argv[1], "probe") == 0)
        return program(argc, argv);
    nnsm_blas_choose_core(argv); /* executes this program again; a command of the forked child must not */
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
        return 1;
    openblas_set_num_threads(1);
    while (fgets(line, sizeof line, stdin)) {
        int count = split(line, words);
        if (count > 4 && strcmp(words[0], "run") == 0)
            run(count, words);
        else
            (void)puts(count == 2 && seal(words[1], &checksum) == 0 ? "sealed" : "failed");
        (void)fflush(stdout);
    }
    (void)MPI_Finalize();
    return 0;
}
