/* vector.h: how hot loops are compiled for several instruction sets in one binary.
 *
 * NNSM_MULTIVERSION before a function definition makes the compiler emit it for AVX-512, AVX2+FMA and plain x86-64; the
 * loader picks one at start. The choice is part of the bits of a result ("same kind of CPU"), never of its meaning. */
#ifndef NNSM_BASE_VECTOR_H
#define NNSM_BASE_VECTOR_H

/* GCC 12 only: clang 14 accepts the attribute but drops the x86-64-v3 clone; give it -march=native instead. */
#if defined(__x86_64__) && defined(__ELF__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(NNSM_NO_MULTIVERSION)
#define NNSM_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NNSM_MULTIVERSION
#endif

/* Before a loop whose arrays are the same or do not overlap: no element depends on another's. */
#if defined(__clang__)
#define NNSM_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define NNSM_INDEPENDENT _Pragma("GCC ivdep")
#else
#define NNSM_INDEPENDENT
#endif

/* How many floats fit into a register. Never part of a result's bits. */
static inline int nnsm_register_floats(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx512f") ? 16 : __builtin_cpu_supports("avx2") ? 8 : 4;
#else
    return 4;
#endif
}

#endif
