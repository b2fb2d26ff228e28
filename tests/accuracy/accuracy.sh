#!/bin/bash
# accuracy.sh NNSM ACCURACY SOURCE [CONFIGURATIONS [RUNS [option...]]]: input/best_fig3.cfg on RUNS (5) independent data sets
# of CONFIGURATIONS (60000) and units, then their predictions against the true model and the data's own floor (accuracy.c).
# Fewer configurations are seen more often: the draws of a training stay two million. Three minutes of processor time a
# run, and as much for the comparison.
set -eu
nnsm=$1 accuracy=$2 source=$3 configurations=${4:-60000} runs=${5:-5}
shift $(($# < 5 ? $# : 5))
training=$((configurations - configurations / 20))
batches=$(((training + 8142) / 8143))
samples=$((configurations < 60000 ? 16384 : 65536)) # the larger the errors, the less does their own error matter
names=()
for seed in $(seq "$runs"); do
  name=accuracy${configurations}_$seed
  mpirun --use-hwthread-cpus -n "$(nproc)" "$nnsm" run "$source/input/best_fig3.cfg" --set run.seed="$seed" --set run.name="$name" \
    --set generate.configurations="$configurations" --set train.batch=$(((training + batches - 1) / batches)) \
    --set train.epochs=$((2052000 / training)) \
    --set scan.temperatures=[2.5] --set scan.sweeps=100 --set scan.reference=false --set scan.distilled=false "$@"
  names+=("results/$name")
done
exec "$accuracy" -n $samples "${names[@]}"
