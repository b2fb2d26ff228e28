/* provenance.h: what made a result: versions of this program and of the libraries under it. Local. */
#ifndef NNSM_SETUP_PROVENANCE_H
#define NNSM_SETUP_PROVENANCE_H

#include <stddef.h>

enum { NNSM_PROVENANCE_TEXT = 512 };

typedef struct {
    char version[64], commit[64], date[64], host[256];
    char mpi[NNSM_PROVENANCE_TEXT], blas[NNSM_PROVENANCE_TEXT], blas_core[64], hdf5[64], libconfig[64];
} nnsm_provenance;

void nnsm_provenance_collect(nnsm_provenance *provenance);

#endif
