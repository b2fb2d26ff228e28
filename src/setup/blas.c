#include "setup/blas.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernels that OpenBLAS falls back to on x86-64 processors that it does not know. */
static int is_fallback(const char *core)
{
    static const char *const old[] = {"Prescott", "Core2", "Nehalem", "Penryn", "Dunnington"};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (strcmp(core, old[i]) == 0)
            return 1;
    return 0;
}

void nnsm_blas_choose_core(char **argv)
{
#if defined(__x86_64__)
    const char *better = NULL;
    if (getenv("OPENBLAS_CORETYPE") || !is_fallback(openblas_get_corename()))
        return;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        better = "SkylakeX";
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        better = "Haswell";
    if (better && setenv("OPENBLAS_CORETYPE", better, 1) == 0)
        (void)execv("/proc/self/exe", argv); /* on failure we go on with what there is */
#else
    (void)argv;
#endif
}
