#!/bin/bash
# accuracy.sh NNSM ACCURACY SOURCE [RUNS [option...]]: input/best_fig3.cfg on RUNS (5) independent data sets and units, then
# their predictions against the true model (accuracy.c). About two minutes a run on two cores.
set -eu
nnsm=$1 accuracy=$2 source=$3 runs=${4:-5}
shift $(($# < 4 ? $# : 4))
names=()
for seed in $(seq "$runs"); do
  mpirun --use-hwthread-cpus -n "$(nproc)" "$nnsm" run "$source/input/best_fig3.cfg" --set run.seed="$seed" --set run.name=accuracy"$seed" \
    --set scan.temperatures=[2.5] --set scan.sweeps=100 --set scan.reference=false --set scan.distilled=false "$@"
  names+=("results/accuracy$seed")
done
exec "$accuracy" "${names[@]}"
