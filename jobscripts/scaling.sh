#!/bin/bash
# A scaling study: one configuration on several numbers of ranks, each a job of its own that benchmarks and runs; then a job
# that makes one table and one figure. From the repository root, on a login node, without sbatch (without Slurm, or
# with NNSM_HERE=1, the runs follow each other here):
#   jobscripts/scaling.sh strong RANKS CONFIG [nnsm options]    the same run on all of them
#   jobscripts/scaling.sh weak   RANKS CONFIG [nnsm options]    work in proportion to the ranks, as stated below
#   jobscripts/scaling.sh strong 1,2,4,8 input/quick.cfg        -> results/quick.scaling.{csv,png,pdf}
# Both kinds go into the same table: of this kind the runs of this call, of the other what there is. All of one kind must have
# been given the same options. Stages scale apart from each other: see the columns of the table. A study measures, so nothing is
# saved to go on from: the same command does all of it again.
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
declare -A of_one_rank=( # weak scaling: these times the number of ranks, in place of what CONFIG says (walkers: at most 1024)
  [generate.configurations]=10000 [generate.chains]=128 [train.batch]=256 [train.shards_per_batch]=4 [scan.walkers]=8
)
# =====================================================================================================================

. jobscripts/functions.sh || { echo "submit from the repository root" >&2; exit 2; }
[[ $# -ge 3 && $1 =~ ^(strong|weak)$ && $2 =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || { sed -n '2,11s/^# //p' "$0"; exit 2; }
given=("$@") kind=$1 config=$3
IFS=, read -ra counts <<<"$2"
shift 3
name=$(basename "$config" .cfg)
[ "$kind" = strong ] && other=weak || other=strong

options_of() { # options_of RANKS: sets `options`
  local key
  options=("${given[@]:3}" --set run.output="$output" --set run.name="${name}_$kind$1")
  [ "$kind" = strong ] || for key in "${!of_one_rank[@]}"; do options+=(--set "$key=$((${of_one_rank[$key]} * $1))"); done
}
measure() { # measure RANKS [launcher's option]: the benchmark and the run; nothing of an earlier study is taken for theirs
  options_of "$1"
  rm -f "$output/${name}_$kind$1".{bench.json,results.h5}
  # shellcheck disable=SC2086 # a launcher has options
  $launcher ${2:-} "$nnsm" bench "$config" "${options[@]}" --seconds "$seconds" &&
    $launcher ${2:-} "$nnsm" run "$config" "${options[@]}" --fresh
}
collect() {
  local ranks status=0 runs=() bench=()
  for ranks in "${counts[@]}"; do runs+=("$output/${name}_$kind$ranks.results.h5"); done
  runs+=("$output/${name}_$other"[1-9]*.results.h5)
  for ranks in "${runs[@]//.results.h5/.bench.json}"; do [[ $ranks == *_weak* || ! -e $ranks ]] || bench+=("$ranks"); done
  [ ${#bench[@]} = 0 ] || bench=(--bench "${bench[@]}")
  "$python" analysis/scaling_table.py "${runs[@]}" -o "$output/$name.scaling.csv" || status=$?
  [ ! -e "$output/$name.scaling.csv" ] || "$python" analysis/plot_scaling.py "$output/$name.scaling.csv" "${bench[@]}" || status=$?
  return $status
}
plan() { # before anything is measured: can the largest run be?
  local most=0 ranks
  for ranks in "${counts[@]}"; do ((ranks <= most)) || most=$ranks; done
  options_of "$most"
  "$nnsm" check "$config" "${options[@]}" --ranks "$most" >/dev/null && return
  [ "$kind" = strong ] || echo "weak scaling multiplies what a run generates: $(printf '%s ' "${!of_one_rank[@]}")(see the top of $0)" >&2
  exit 2
}

shopt -s nullglob
if [ "${SLURM_JOB_NAME:-}" = nnsm-scaling-table ]; then
  collect
elif [ -n "${SLURM_JOB_ID:-}" ] && [ -z "${NNSM_HERE:-}" ]; then
  measure "$SLURM_NTASKS"
elif [ -z "${NNSM_HERE:-}" ] && command -v sbatch >/dev/null; then # the login node
  plan
  jobs=""
  for ranks in "${counts[@]}"; do
    job=$(sbatch --parsable --ntasks="$ranks" --nodes=$(((ranks + per_node - 1) / per_node)) --exclusive "$0" "${given[@]}") || exit
    echo "$ranks ranks: job ${job%%;*}"
    jobs+=:${job%%;*}
  done
  job=$(sbatch --parsable --dependency="afterany$jobs" --job-name=nnsm-scaling-table --ntasks=1 "$0" "${given[@]}") || exit
  echo "then $output/$name.scaling.csv: job ${job%%;*}"
else
  plan
  for ranks in "${counts[@]}"; do
    code=0
    measure "$ranks" "-n $ranks" || code=$?
    if [ $code = 85 ] || [ $code -gt 128 ]; then exit $code; fi # somebody wants it to end
    [ $code = 0 ] || echo "$ranks ranks: exit code $code" >&2
  done
  collect
fi
