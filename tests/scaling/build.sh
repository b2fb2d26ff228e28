#!/bin/bash
# Build the simulation: tests/scaling/build.sh SOURCE DIRECTORY. SimGrid's smpicc compiles the program's own sources.
# Tiles are
# replaced, commands and files not reached. HDF5 for Open MPI cannot be linked here, and need not be: functions that the simulation does not reach are dropped (--gc-sections),
# and what is left over must be complete (-z defs, which smpicc adds). Calls of computation go to durations.c (--wrap).
set -eu
source=$1 directory=$2
mkdir -p "$directory"
cd "$directory"
wrapped="nnsm_allocate nnsm_release nnsm_learner_sum nnsm_kernel_add nnsm_kernel_adam nnsm_made_initialize nnsm_symmetry_apply nnsm_metropolis_sweep
nnsm_learned_sample nnsm_starts_make nnsm_ladders_exchange nnsm_self_learning_create nnsm_screening_create nnsm_learned_tile_create nnsm_learned_redraw"
cat >Makefile <<'MAKE'
%.o: ; smpicc $(FLAGS) -c $(FILE_$*) -o $@
MAKE
objects="" link=""
left_out='_tile.c$|free_energy.c|^command/|^io/|^stage/(bench|trust|window|second|report)'
for file in $(cd "$source/src" && find -- * -name '*.c' | grep / | grep -vE "$left_out") simulate.c durations.c; do
  name=$(echo "${file%.c}" | tr / _) path=$source/src/$file
  [ -f "$path" ] || path=$source/tests/scaling/$file
  echo "FILE_$name = $path" >>Makefile
  echo "$name.o: $path $(echo "$source"/src/*/*.h "$source"/include/nnsm/*.h)" >>Makefile
  objects="$objects $name.o"
done
echo "simulate.o durations.o: $source/tests/scaling/durations.h" >>Makefile
for name in $wrapped; do link="$link -Wl,--wrap=$name"; done
cmake -DSOURCE="$source" -DOUTPUT="$directory/revision.h" -P "$source/src/setup/revision.cmake"
echo "{ global: main; smpi_simulated_main_; local: *; };" >exports
cat >>Makefile <<MAKE
FLAGS = -std=c17 -O2 -ffunction-sections -fdata-sections -fno-math-errno -ffp-contract=fast -D_GNU_SOURCE -DNNSM_NO_MULTIVERSION -DNNSM_VERSION='"simulated"' -I$source/include -I$source/src -I. -isystem ${HDF5_INCLUDE:-/usr/include/hdf5/openmpi}
simulate: $objects
	smpicc -o \$@ $objects -Wl,--gc-sections -Wl,--version-script=exports $link -lconfig -lxxhash -lopenblas -llapacke -lm
MAKE
make -s -k -j "$(nproc)" simulate
