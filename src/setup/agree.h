/* agree.h: what all ranks come to know together: one rank's failure becomes everybody's status before the next
 * collective call (design invariant 4), one rank's numbers become everybody's. */
#ifndef NNSM_SETUP_AGREE_H
#define NNSM_SETUP_AGREE_H

#include <mpi.h>

#include "base/timer.h"
#include "nnsm/error.h"

/* A broken MPI call leaves a rank that cannot go on alone: name it and abort the job. The time in a call counts as
 * waiting for others (base/timer.h), unless it is one that never waits, as MPI_Isend and MPI_Test. */
#define NNSM_MPI(call) (nnsm_wait_begin(), nnsm_mpi_check(nnsm_mpi_waited(call), #call, __FILE__, __LINE__))
#define NNSM_MPI_PROMPT(call) nnsm_mpi_check((call), #call, __FILE__, __LINE__)
static inline int nnsm_mpi_waited(int code)
{
    nnsm_wait_end();
    return code;
}
void nnsm_mpi_job(MPI_Comm job); /* what is aborted; once, by main */
void nnsm_mpi_check(int code, const char *call, const char *file, int line);

/* Returns the worst status of all ranks, with the message of the first rank that has it; a failure is worse than
 * NNSM_UNFINISHED. Where this rank lacked memory where nothing could be returned (nnsm_memory_take), that is its
 * status. Collective on comm. */
nnsm_status nnsm_agree(MPI_Comm comm, nnsm_status status, nnsm_error *error);

/* Numbers of which each is zero on all ranks but one: on all ranks. They have the same bits for any number of ranks, so
 * -0 becomes 0; NaN and infinities pass. value: in and out, [count], at most INT_MAX. Collective on comm. */
void nnsm_share(MPI_Comm comm, size_t count, double *value);

#endif
