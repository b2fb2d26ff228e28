#!/bin/bash
# Builds file_driver with the sanitizers in a scratch directory and runs the first cases of fuzz_files.py, the same every
# time. $1: the source directory.
set -eu
source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake -S "$source" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DNNSM_SANITIZE=ON >"$scratch/log" 2>&1 ||
  { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build" --target file_driver
cd "$scratch"
/usr/bin/python3 "$source/tests/fuzz/fuzz_files.py" build/tests/file_driver "$source" --cases 80 --jobs 2
