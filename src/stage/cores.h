/* cores.h: do all ranks compute with the same kernels? Bits are the same on any number of ranks only then. */
#ifndef NNSM_STAGE_CORES_H
#define NNSM_STAGE_CORES_H

#include "stage/run.h"

/* Compares OpenBLAS's core type, and for what instruction set our own loops are compiled, over the ranks: run->kernels
 * on rank 0, "SkylakeX/x86-64-v4" or, with a warning, "SkylakeX/x86-64-v4, Haswell/x86-64-v3". Warns too where the user
 * forces kernels that are slower than this processor could have. Collective on run->world. */
nnsm_status nnsm_cores_compare(nnsm_run *run, nnsm_error *error);

#endif
