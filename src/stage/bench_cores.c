/* bench_cores.c: how fast the kernels are that OpenBLAS could have had. */
#include <math.h>
#include <time.h>

#include "setup/agree.h"
#include "stage/bench.h"

nnsm_status nnsm_bench_cores(nnsm_bench *bench, nnsm_error *error)
{
    nnsm_bench *b = bench;
    MPI_Request done;
    int arrived = 0;
    nnsm_status status = NNSM_OK;
    if (b->run->rank == 0)
        status = nnsm_peak_survey(fmin(b->seconds / 500, 0.3), b->cores, &b->core_count, error);
    NNSM_MPI_PROMPT(MPI_Ibarrier(b->run->world, &done));
    while (!arrived) { /* a rank that waits in MPI would keep its processor busy */
        NNSM_MPI_PROMPT(MPI_Test(&done, &arrived, MPI_STATUS_IGNORE));
        if (!arrived)
            (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return nnsm_agree(b->run->world, status, error);
}
