#include "setup/blas.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says to the program that is started again that the choice was ours. */
#define OWN_CHOICE "NNSM_CHOSE_CORETYPE"

#if defined(__x86_64__)
static int one_of(const char *core, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(core, names[i]) == 0)
            return 1;
    return 0;
}

/* 128-bit vectors: the kernels that OpenBLAS falls back to on x86-64 processors that it does not know. */
static int is_fallback(const char *core)
{
    static const char *const old[] = {"Prescott", "Core2", "Nehalem", "Penryn", "Dunnington"};
    return one_of(core, old, sizeof old / sizeof *old);
}

static int has_avx512(const char *core)
{
    static const char *const names[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    return one_of(core, names, sizeof names / sizeof *names);
}

static int has_avx2(const char *core)
{
    static const char *const names[] = {"Haswell", "Zen", "Excavator"};
    return has_avx512(core) || one_of(core, names, sizeof names / sizeof *names);
}
#endif

const char *nnsm_blas_forced(void)
{
    return getenv(OWN_CHOICE) ? NULL : getenv("OPENBLAS_CORETYPE");
}

const char *nnsm_blas_better(void)
{
#if defined(__x86_64__)
    const char *core = openblas_get_corename();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return has_avx512(core) ? NULL : "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return has_avx2(core) ? NULL : "Haswell";
#endif
    return NULL;
}

void nnsm_blas_choose_core(char **argv)
{
#if defined(__x86_64__)
    const char *better = nnsm_blas_better();
    if (getenv("OPENBLAS_CORETYPE") || !better || !is_fallback(openblas_get_corename()))
        return;
    if (setenv("OPENBLAS_CORETYPE", better, 1) == 0 && setenv(OWN_CHOICE, "1", 1) == 0)
        (void)execv("/proc/self/exe", argv); /* on failure we go on with what there is */
#else
    (void)argv;
#endif
}
