/* blas.h: which kernels OpenBLAS uses. */
#ifndef NNSM_SETUP_BLAS_H
#define NNSM_SETUP_BLAS_H

/* OpenBLAS picks its kernels by the processor's model number, once, when it is loaded; a processor younger than the
 * library gets kernels of 2004 (measured with 0.3.21: 32 instead of 146 GF/s). Where that happened although the
 * processor has AVX2 or AVX-512, and the user has not chosen (OPENBLAS_CORETYPE), choose, and start this program again
 * in this process. Call first of all, before MPI_Init. Returns when nothing is to be done. Local. */
void nnsm_blas_choose_core(char **argv);

/* The core type that the user forces by OPENBLAS_CORETYPE, or NULL; what nnsm_blas_choose_core chose does not count.
 * Local. */
const char *nnsm_blas_forced(void);

/* A core type whose kernels have longer vectors than those in use, which this processor has too, or NULL. Local. */
const char *nnsm_blas_better(void);

#endif
