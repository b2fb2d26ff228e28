#include "stage/cores.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "setup/blas.h"

enum { NAME = 64 };

/* As the clones of NNSM_MULTIVERSION are chosen. */
static const char *instructions(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
        return "x86-64-v4";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "x86-64-v3";
    return "x86-64";
#else
    return "one";
#endif
}

/* all: [ranks][NAME]. Returns how many different ones there are; odd: a rank that is not as rank 0. */
static int list_different(nnsm_run *run, const char *all, int *odd)
{
    int count = 0;
    run->kernels[0] = '\0';
    for (int r = 0; r < run->ranks; r++) {
        bool seen = false;
        for (int q = 0; q < r && !seen; q++)
            seen = strcmp(all + (size_t)q * NAME, all + (size_t)r * NAME) == 0;
        if (seen)
            continue;
        size_t used = strlen(run->kernels);
        (void)snprintf(run->kernels + used, sizeof run->kernels - used, "%s%s", used ? ", " : "",
                       all + (size_t)r * NAME);
        *odd = r;
        count++;
    }
    return count;
}

static void warn(nnsm_run *run, const char *all)
{
    int odd = 0;
    if (list_different(run, all, &odd) > 1)
        nnsm_warn(
            &run->log,
            "ranks compute with different kernels (rank 0 with %s, rank %d with %s): results are as good, but not "
            "the same bits as on another number of ranks; set OPENBLAS_CORETYPE, or use one kind of node",
            all, odd, all + (size_t)odd * NAME);
    if (nnsm_blas_forced() && nnsm_blas_better())
        nnsm_warn(&run->log,
                  "OPENBLAS_CORETYPE forces the kernels of %s, this processor could have those of %s, which are faster "
                  "(nnsm bench tells how much)",
                  openblas_get_corename(), nnsm_blas_better());
}

nnsm_status nnsm_cores_compare(nnsm_run *run, nnsm_error *error)
{
    char own[NAME] = "", *all = NULL;
    nnsm_status status = NNSM_OK;
    (void)snprintf(own, sizeof own, "%.30s/%.20s", openblas_get_corename(), instructions());
    if (run->rank == 0)
        status = NNSM_NEW(&all, (size_t)run->ranks * NAME, "names of kernels", error);
    status = nnsm_agree(run->world, status, error);
    if (!status) {
        NNSM_MPI(MPI_Gather(own, NAME, MPI_CHAR, all, NAME, MPI_CHAR, 0, run->world));
        if (run->rank == 0)
            warn(run, all);
    }
    nnsm_release(all);
    return status;
}
