#include "setup/agree.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/memory.h"

static MPI_Comm all;
static bool all_known; /* MPI_COMM_SELF need not be a constant of the compiler */

void nnsm_mpi_job(MPI_Comm job)
{
    all = job;
    all_known = true;
}

void nnsm_mpi_check(int code, const char *call, const char *file, int line)
{
    if (code == MPI_SUCCESS)
        return;
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length;
    (void)MPI_Error_string(code, text, &length);
    (void)fprintf(stderr, "nnsm: %s:%d: %s failed: %s; the job is aborted\n", file, line, call, text);
    (void)MPI_Abort(all_known ? all : MPI_COMM_SELF, NNSM_FAILURE);
}

nnsm_status nnsm_agree(MPI_Comm comm, nnsm_status status, nnsm_error *error)
{
    struct {
        int status, rank;
    } mine, worst;
    int rank;
    if (status == NNSM_OK)
        status = nnsm_memory_status(error);
    NNSM_MPI(MPI_Comm_rank(comm, &rank));
    mine.status = status == NNSM_UNFINISHED ? 1 : (int)status;
    mine.rank = rank;
    NNSM_MPI(MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, comm));
    if (worst.status != NNSM_OK)
        NNSM_MPI(MPI_Bcast(error, (int)sizeof *error, MPI_BYTE, worst.rank, comm));
    return worst.status == 1 ? NNSM_UNFINISHED : (nnsm_status)worst.status;
}

void nnsm_share(MPI_Comm comm, size_t count, double *value)
{
    assert(count <= INT_MAX);
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, value, (int)count, MPI_DOUBLE, MPI_SUM, comm));
    for (size_t i = 0; i < count; i++)
        value[i] += 0.; /* one rank adds nothing */
}
