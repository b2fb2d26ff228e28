#!/bin/bash
# Builds fuzz_config with clang in a scratch directory and runs its fixed mutations. $1: the source directory. Exit code
# 77 (skipped) without clang or its runtime.
set -eu
source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
skip() { echo "skipped: $*; install clang and libclang-rt-14-dev"; exit 77; }
compiler=$(command -v clang || command -v clang-14) || skip "there is no clang"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return n && d[0] && 0; }' >"$scratch/try.c"
"$compiler" -fsanitize=fuzzer,address,undefined "$scratch/try.c" -o "$scratch/try" 2>/dev/null ||
  skip "$compiler has no libFuzzer"
cmake -S "$source" -B "$scratch/build" -G Ninja -DCMAKE_C_COMPILER="$compiler" -DNNSM_FUZZ=ON >"$scratch/log" 2>&1 ||
  { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build" --target fuzz_short
