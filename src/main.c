/* main.c: arguments -> one command. The only place that knows MPI_COMM_WORLD and ends the program. */
#include <cblas.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "setup/agree.h"
#include "setup/blas.h"
#include "setup/peak.h"
#include "stage/checkpoint.h"
#include "stage/cores.h"
#include "stage/report.h"

enum { MAX_SETTINGS = 64, MAX_RANKS = 1000000 };

typedef struct {
    const char *command, *operand;
    const char *settings[MAX_SETTINGS];
    size_t count;
    int ranks;
    double seconds; /* of a benchmark */
    bool fresh;
} arguments;

static nnsm_status parse(int argc, char **argv, arguments *a, nnsm_error *error)
{
    *a = (arguments){.command = argc > 1 ? argv[1] : "--help", .seconds = 30};
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--set") == 0 && i + 1 < argc && a->count < MAX_SETTINGS)
            a->settings[a->count++] = argv[++i];
        else if (strcmp(argv[i], "--ranks") == 0 && i + 1 < argc && strcmp(a->command, "check") == 0) {
            char *end;
            long ranks = strtol(argv[++i], &end, 10);
            if (*end || ranks < 1 || ranks > MAX_RANKS)
                return nnsm_fail(error, NNSM_USAGE, "--ranks %s: give one whole number from 1 to %d", argv[i],
                                 MAX_RANKS);
            a->ranks = (int)ranks;
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc && strcmp(a->command, "bench") == 0) {
            a->seconds = strtod(argv[++i], NULL);
            if (!(a->seconds > 0 && a->seconds <= 86400))
                return nnsm_fail(error, NNSM_USAGE, "--seconds %s: give a number above 0", argv[i]);
        } else if (strcmp(argv[i], "--fresh") == 0)
            a->fresh = true;
        else if (argv[i][0] != '-' && !a->operand)
            a->operand = argv[i];
        else
            return nnsm_fail(error, NNSM_USAGE, "argument %s is not understood; see nnsm --help", argv[i]);
    }
    return NNSM_OK;
}

static nnsm_command *find_command(const char *name)
{
    static const struct {
        const char *name;
        nnsm_command *command;
    } table[] = {{"run", nnsm_command_run},
                 {"generate", nnsm_command_generate},
                 {"window", nnsm_command_window},
                 {"train", nnsm_command_train},
                 {"scan", nnsm_command_scan}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].command;
    return NULL;
}

/* Rank 0 reads the configuration; all get it or its error. */
static nnsm_status read_configuration(const arguments *a, int rank, nnsm_config *config, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    if (rank == 0 && !a->operand)
        status = nnsm_fail(error, NNSM_USAGE, "nnsm %s needs a configuration file; see nnsm --help", a->command);
    else if (rank == 0)
        status = nnsm_config_read(config, a->operand, a->settings, a->count, error);
    status = nnsm_agree(MPI_COMM_WORLD, status, error);
    if (!status)
        NNSM_MPI(MPI_Bcast(config, (int)sizeof *config, MPI_BYTE, 0, MPI_COMM_WORLD));
    return status;
}

static nnsm_status run_stages(const arguments *a, nnsm_command *command, int rank, nnsm_config *config,
                              nnsm_error *error)
{
    nnsm_run run;
    nnsm_status status = read_configuration(a, rank, config, error);
    if (status)
        return status;
    status = nnsm_run_create(&run, config, MPI_COMM_WORLD, error);
    if (!status)
        status = nnsm_cores_compare(&run, error);
    if (!status)
        status = nnsm_checkpoint_find(&run, a->fresh, error);
    if (!status)
        status = command(&run, error);
    if (!status || status == NNSM_UNFINISHED)
        nnsm_report_times(&run, status);
    nnsm_run_destroy(&run);
    return status;
}

/* Leaves a run of the same name, and its checkpoint, alone. */
static nnsm_status run_bench(const arguments *a, int rank, nnsm_config *config, nnsm_error *error)
{
    nnsm_run run;
    nnsm_status status = read_configuration(a, rank, config, error);
    if (status)
        return status;
    status = nnsm_run_create(&run, config, MPI_COMM_WORLD, error);
    if (!status)
        status = nnsm_command_bench(&run, a->seconds, error);
    nnsm_run_destroy(&run);
    return status;
}

/* Commands that one rank carries out alone. */
static nnsm_status run_locally(const arguments *a, int ranks, nnsm_config *config, nnsm_error *error)
{
    if (strcmp(a->command, "check") == 0 && a->operand) {
        nnsm_status status = nnsm_config_read(config, a->operand, a->settings, a->count, error);
        return status ? status : nnsm_command_check(config, a->ranks ? a->ranks : ranks, error);
    }
    if (strcmp(a->command, "info") == 0 && a->operand)
        return nnsm_command_info(a->operand, error);
    if (strcmp(a->command, "--version") == 0)
        nnsm_command_version();
    else if (strcmp(a->command, "--help") == 0)
        nnsm_command_help(a->operand);
    else
        return nnsm_fail(error, NNSM_USAGE, "nnsm %s: unknown command or missing file; see nnsm --help", a->command);
    return NNSM_OK;
}

int main(int argc, char **argv)
{
    int rank, ranks;
    arguments a;
    nnsm_error error = {0};
    if (argc == 3 && strcmp(argv[1], "probe") == 0) /* started by ourselves, see io/probe.h */
        return (int)nnsm_command_probe(argv[2], &error);
    if (argc == 3 && strcmp(argv[1], "peak") == 0) /* see setup/peak.h */
        return (int)nnsm_peak_child(argv[2], &error);
    nnsm_blas_choose_core(argv);
    nnsm_stop_install();
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
        return NNSM_FAILURE;
    nnsm_mpi_job(MPI_COMM_WORLD);
    NNSM_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    NNSM_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    NNSM_MPI(MPI_Comm_size(MPI_COMM_WORLD, &ranks));
    openblas_set_num_threads(1); /* ranks are the parallelism */
    nnsm_config *config = calloc(1, sizeof *config);
    nnsm_status status =
        config ? parse(argc, argv, &a, &error) : nnsm_fail(&error, NNSM_FAILURE, "no memory for the configuration");
    status = nnsm_agree(MPI_COMM_WORLD, status, &error);
    if (!status) {
        nnsm_command *command = find_command(a.command);
        if (command)
            status = run_stages(&a, command, rank, config, &error);
        else if (strcmp(a.command, "bench") == 0)
            status = run_bench(&a, rank, config, &error);
        else
            status = nnsm_agree(MPI_COMM_WORLD, rank == 0 ? run_locally(&a, ranks, config, &error) : NNSM_OK, &error);
    }
    if (status && rank == 0)
        (void)fprintf(stderr, "nnsm: %s\n", error.message);
    free(config);
    /* Open MPI kills ranks that are still in MPI_Finalize when one has left with a non-zero code. */
    NNSM_MPI(MPI_Barrier(MPI_COMM_WORLD));
    (void)MPI_Finalize();
    return (int)status;
}
