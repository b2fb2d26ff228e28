#!/bin/bash
# Every configuration with every seed as one job array, and a job after it that makes one table. Submitted again, it
# finishes what is unfinished. From the repository root, on a login node, without sbatch:
#   jobscripts/array.sh SEEDS CONFIG... [-- nnsm options]
#   jobscripts/array.sh 1-8 input/quick.cfg              -> results/quick_seed{1..8}.*, results/quick.table.txt
#   jobscripts/array.sh 1,7 input/hot.cfg input/cold.cfg -- --set scan.sweeps=10000
#SBATCH --requeue --open-mode=append --signal=B:USR1@300
#
# ==== edit here: what differs between clusters =======================================================================
##SBATCH --partition=standard
##SBATCH --account=project
#SBATCH --job-name=nnsm-array
#SBATCH --time=12:00:00
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
# module purge; module load gcc openmpi hdf5
launcher=${NNSM_LAUNCHER:-mpirun}             # or: srun --mpi=pmix
nnsm=${NNSM:-build/release/nnsm}
python=${NNSM_PYTHON:-/usr/bin/python3}       # with h5py
output=${NNSM_OUTPUT:-results}                # in place of the configuration's run.output
at_once=100                                   # most tasks that run at the same time
# =====================================================================================================================

. jobscripts/functions.sh || { echo "submit from the repository root" >&2; exit 2; }
[ $# -ge 2 ] || { sed -n '2,7s/^# //p' "$0"; exit 2; }
given=("$@")
seeds=() config=() seed=() name=() # the last three: of every task
for range in ${1//,/ }; do mapfile -t -O ${#seeds[@]} seeds < <(seq "${range%-*}" "${range#*-}"); done
shift
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  for s in "${seeds[@]}"; do config+=("$1") seed+=("$s") name+=("$(basename "$1" .cfg)_seed$s"); done
  shift
done
shift $(($# > 0)) # "$@" are the options for nnsm now
table=$output/$(basename "${config[0]}" .cfg).table.txt

if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then # a task of the array
  i=$SLURM_ARRAY_TASK_ID
  nnsm_job run "${config[i]}" "$@" --set run.output="$output" --set run.seed="${seed[i]}" --set run.name="${name[i]}"
elif [ "${SLURM_JOB_NAME:-}" = nnsm-collect ]; then # the job after it
  "$python" analysis/collect.py "${name[@]/#/$output/}" -o "$table"
else # the login node. afterany: a table of what there is, even when one run failed
  doubled=$(printf '%s\n' "${name[@]}" | sort | uniq -d)
  [ -z "$doubled" ] || { echo "two runs with the same name: $doubled" >&2; exit 2; }
  array=$(sbatch --parsable --array="0-$((${#name[@]} - 1))%$at_once" "$0" "${given[@]}") || exit
  collect=$(sbatch --parsable --dependency="afterany:${array%%;*}" --job-name=nnsm-collect --nodes=1 \
    --ntasks-per-node=1 --time=00:10:00 "$0" "${given[@]}") || exit
  echo "${#name[@]} runs: job array ${array%%;*}; then $table: job ${collect%%;*}"
fi
