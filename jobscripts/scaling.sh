#!/bin/bash
# A scaling study: one configuration on several numbers of ranks, each a job of its own that benchmarks and runs; then a job
# that makes one table and one figure. From the repository root, on a login node, without sbatch (without Slurm, or
# with NNSM_HERE=1, the runs follow each other here):
#   jobscripts/scaling.sh strong RANKS CONFIG [nnsm options]    the same run on all of them
#   jobscripts/scaling.sh weak   RANKS CONFIG [nnsm options]    work in proportion to the ranks, as stated below
#   jobscripts/scaling.sh strong 1,2,4,8 input/quick.cfg        -> results/quick.scaling.{csv,png,pdf}
# Both kinds go into the same table. Stages scale apart from each other: see the columns of the table.
#
# ==== edit here: what differs between clusters =======================================================================
#SBATCH --job-name=nnsm-scaling
#SBATCH --time=02:00:00
##SBATCH --partition=standard
##SBATCH --account=project
per_node=${NNSM_PER_NODE:-64}                 # ranks that a node takes, one a core
# module purge; module load gcc openmpi hdf5
launcher=${NNSM_LAUNCHER:-mpirun}             # or: srun --mpi=pmix
nnsm=${NNSM:-build/release/nnsm}
python=${NNSM_PYTHON:-/usr/bin/python3}       # with h5py, numpy, matplotlib
output=${NNSM_OUTPUT:-results}                # in place of the configuration's run.output
seconds=${NNSM_BENCH_SECONDS:-30}             # of each benchmark
declare -A of_one_rank=( # weak scaling: these times the number of ranks
  [generate.configurations]=10000 [generate.chains]=128 [train.batch]=256 [train.shards_per_batch]=4 [scan.walkers]=8
)
# =====================================================================================================================

. jobscripts/functions.sh || exit 2
[[ $# -ge 3 && $1 =~ ^(strong|weak)$ && $2 =~ ^[0-9]+(,[0-9]+)*$ ]] || { sed -n '2,9s/^# //p' "$0"; exit 2; }
given=("$@") kind=$1 config=$3
IFS=, read -ra counts <<<"$2"
shift 3
name=$(basename "$config" .cfg)

measure() { # measure RANKS [launcher's option]: the benchmark and the run
  local options=(--set run.output="$output" --set run.name="${name}_$kind$1") key
  [ "$kind" = strong ] || for key in "${!of_one_rank[@]}"; do options+=(--set "$key=$((${of_one_rank[$key]} * $1))"); done
  # shellcheck disable=SC2086 # a launcher has options
  $launcher ${2:-} "$nnsm" bench "$config" "${given[@]:3}" "${options[@]}" --seconds "$seconds" &&
    $launcher ${2:-} "$nnsm" run "$config" "${given[@]:3}" "${options[@]}" --fresh
}
collect() {
  local strong=("$output/${name}"_strong*.bench.json) bench=()
  [ ! -e "${strong[0]}" ] || bench=(--bench "${strong[@]}")
  "$python" analysis/scaling_table.py "$output/${name}"_{strong,weak}[0-9]*.results.h5 -o "$output/$name.scaling.csv" &&
    "$python" analysis/plot_scaling.py "$output/$name.scaling.csv" "${bench[@]}"
}

shopt -s nullglob
if [ "${SLURM_JOB_NAME:-}" = nnsm-scaling-table ]; then
  collect
elif [ -n "${SLURM_JOB_ID:-}" ] && [ -z "${NNSM_HERE:-}" ]; then
  measure "$SLURM_NTASKS"
elif [ -z "${NNSM_HERE:-}" ] && command -v sbatch >/dev/null; then # the login node
  jobs=""
  for ranks in "${counts[@]}"; do
    job=$(sbatch --parsable --ntasks="$ranks" --nodes=$(((ranks + per_node - 1) / per_node)) --exclusive "$0" "${given[@]}") || exit
    echo "$ranks ranks: job ${job%%;*}"
    jobs+=:${job%%;*}
  done
  job=$(sbatch --parsable --dependency="afterany$jobs" --job-name=nnsm-scaling-table --ntasks=1 "$0" "${given[@]}") || exit
  echo "then $output/$name.scaling.csv: job ${job%%;*}"
else
  for ranks in "${counts[@]}"; do measure "$ranks" "-n $ranks" || exit; done
  collect
fi
