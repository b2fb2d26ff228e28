#!/bin/bash
# Generate, train and scan as three jobs, each with its own resources. Each begins when the one before is finished,
# however often that had to be queued again; when one fails, those after it are cancelled. From the repository root, on
# a login node, without sbatch:
#   jobscripts/chain.sh CONFIG [nnsm options]
# Measured data (a group "ensemble" in the configuration) need no job that generates.
#
# ==== edit here: sbatch options of each stage; all else is taken from run.sh, as edited there ========================
declare -A options=(
  [generate]="--nodes=1 --ntasks-per-node=4 --time=01:00:00"
  [train]="--nodes=1 --ntasks-per-node=4 --time=12:00:00"
  [scan]="--nodes=1 --ntasks-per-node=4 --time=12:00:00"
)
# =====================================================================================================================

after=()
stages="generate train scan"
if sed 's/#.*//; s#//.*##' "${1:-/dev/null}" | grep -qE '(^|[;}[:space:]])ensemble[[:space:]]*[:=]' || [[ " $*" == *" ensemble."* ]]; then
  stages="train scan"
fi
for stage in $stages; do
  # shellcheck disable=SC2086 # several options
  job=$(sbatch --parsable --job-name="nnsm-$stage" ${options[$stage]} "${after[@]}" jobscripts/run.sh "$stage" "$@") ||
    exit
  job=${job%%;*} # a federation adds the cluster's name
  echo "$stage: job $job"
  after=(--dependency="afterok:$job" --kill-on-invalid-dep=yes)
done
