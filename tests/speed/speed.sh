#!/bin/bash
# speed.sh NNSM SPEED SOURCE: trains the network of input/paper_fig3.cfg, or takes what an earlier run left, and measures
# samplers on it (speed.c). About three minutes.
set -eu
nnsm=$1 speed=$2 source=$3
for stage in generate train; do
  mpirun --use-hwthread-cpus -n "$(nproc)" "$nnsm" $stage "$source/input/paper_fig3.cfg"
done
OPENBLAS_NUM_THREADS=1 exec "$speed" results/paper_fig3.network.h5
