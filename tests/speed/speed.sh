#!/bin/bash
# speed.sh NNSM SPEED SOURCE: trains the networks of input/paper_fig3.cfg and input/best_fig3.cfg, or takes what an earlier
# run left, and measures samplers on them (speed.c). Some minutes.
set -eu
nnsm=$1 speed=$2 source=$3
names=()
for name in paper_fig3 best_fig3; do
  for stage in generate train; do
    mpirun --use-hwthread-cpus -n "$(nproc)" "$nnsm" $stage "$source/input/$name.cfg"
  done
  names+=("results/$name.network.h5")
done
OPENBLAS_NUM_THREADS=1 exec "$speed" "${names[@]}"
