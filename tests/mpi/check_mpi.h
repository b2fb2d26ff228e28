/* check_mpi.h: the main function of a test under mpirun, which fails on all ranks where it fails on one. */
#ifndef NNSM_TESTS_CHECK_MPI_H
#define NNSM_TESTS_CHECK_MPI_H

#include "check.h"

#include <mpi.h>

#define CHECK_MPI_MAIN(...)                                                                                            \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                                               \
        (void)MPI_Init(&argc, &argv);                                                                                  \
        int failed = cmocka_run_group_tests(tests, NULL, NULL), worst = 0;                                             \
        (void)MPI_Allreduce(&failed, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);                                     \
        (void)MPI_Finalize();                                                                                          \
        return worst;                                                                                                  \
    }

#endif
