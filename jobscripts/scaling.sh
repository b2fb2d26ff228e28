#!/bin/bash
# A scaling study: one configuration on several numbers of ranks, each a job of its own that benchmarks and runs; then a job
# that makes one table and one figure. From the repository root, on a login node, without sbatch (without Slurm, or
# with NNSM_HERE=1, the runs follow each other here):
#   jobscripts/scaling.sh strong RANKS CONFIG [nnsm options]    the same run on all of them
#   jobscripts/scaling.sh weak   RANKS CONFIG [nnsm options]    work in proportion to the ranks, as stated below
#   jobscripts/scaling.sh strong 1,2,4,8 input/quick.cfg        -> results/quick.scaling.{csv,png,pdf}
# Both kinds go into the same table: the runs of this call, and what there is of the same configuration and options, so that a
# run that failed can be measured alone. Stages scale apart from each other: see the columns of the table. A study measures, so
# nothing is saved to go on from: the same command does all of it again. Earlier benchmarks, results and tables become FILE.before.
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

options_of() { # options_of RANKS: sets `options`
  local key
  options=("${given[@]:3}" --set run.output="$output" --set run.name="${name}_$kind$1")
  [ "$kind" = strong ] || for key in "${!of_one_rank[@]}"; do options+=(--set "$key=$((${of_one_rank[$key]} * $1))"); done
}
set_aside() { # set_aside FILE...: to FILE.before; what an earlier study left would be taken for what fails in this one
  local file
  for file; do [ ! -e "$file" ] || mv -f "$file" "$file.before" || exit 4; done
}
forget() { set_aside "$output/${name}_$kind$1".{bench.json,results.h5}; }
measure() { # measure RANKS [launcher's option]: the benchmark, and also where that failed the run
  local code=0
  options_of "$1"
  # shellcheck disable=SC2086 # a launcher has options
  $launcher ${2:-} "$nnsm" bench "$config" "${options[@]}" --seconds "$seconds" || code=$?
  case $code in 0) ;; 85 | 130 | 143) return $code ;; *) echo "$1 ranks: the benchmark failed with exit code $code; now the run" >&2 ;; esac
  # shellcheck disable=SC2086
  $launcher ${2:-} "$nnsm" run "$config" "${options[@]}" --fresh
}
collect() {
  local ranks run status=0 table="$output/$name.scaling" runs=() strong=() bench=()
  for ranks in "${counts[@]}"; do runs+=("$output/${name}_$kind$ranks.results.h5"); done
  set_aside "$table".{csv,png,pdf}
  "$python" analysis/scaling_table.py "${runs[@]}" --others "$output/${name}_"{strong,weak}[1-9]*.results.h5 \
    --proportional "${!of_one_rank[@]}" -o "$table.csv" || status=$?
  [ -e "$table.csv" ] || return $status
  mapfile -t strong < <(sed -n 's/,strong,.*//p' "$table.csv")
  for run in "${strong[@]}"; do
    [ ! -e "$output/$run.bench.json" ] || bench+=("$output/$run.bench.json")
  done
  [ ${#bench[@]} = 0 ] || bench=(--bench "${bench[@]}")
  "$python" analysis/plot_scaling.py "$table.csv" "${bench[@]}" || status=$?
  return $status
}
plan() { # before anything is measured: what each run will take; a configuration that is wrong ends it here
  local ranks code out key
  for key in run.name run.output $([ "$kind" = strong ] || echo "${!of_one_rank[@]}"); do
    [[ " ${given[*]:3}" != *" $key="* ]] || { echo "$key is set by this script; see its top" >&2; exit 2; }
  done
  for ranks in "${counts[@]}"; do
    code=0
    options_of "$ranks"
    out=$("$nnsm" check "$config" "${options[@]}" --ranks "$ranks") || code=$?
    [ $code != 3 ] || exit 3
    if [ $code = 2 ]; then
      [ "$kind" = strong ] || echo "weak scaling multiplies what a run generates: ${!of_one_rank[*]} (see the top of the script)" >&2
      exit 2
    fi
    [ $code = 0 ] || out="  time not foreseen here (exit code $code)"
    echo "$ranks ranks: $(sed -n 's/^  \(memory\|time\)  *//p' <<<"$out" | paste -sd ';')"
  done
}

shopt -s nullglob
if [ "${SLURM_JOB_NAME:-}" = nnsm-scaling-table ]; then
  collect
elif [ -n "${SLURM_JOB_ID:-}" ] && [ -z "${NNSM_HERE:-}" ]; then
  [[ $0 == */slurm_script ]] || { echo "within an allocation set NNSM_HERE=1" >&2; exit 2; }
  measure "$SLURM_NTASKS"
elif [ -z "${NNSM_HERE:-}" ] && command -v sbatch >/dev/null; then # the login node
  plan
  jobs=""
  for ranks in "${counts[@]}"; do
    forget "$ranks"
    job=$(sbatch --parsable --ntasks="$ranks" --nodes=$(((ranks + per_node - 1) / per_node)) --exclusive "$0" "${given[@]}") || {
      echo "not submitted: $ranks ranks and what follows${jobs:+; there will be no table; scancel ${jobs//:/ }}" >&2
      exit 4
    }
    echo "$ranks ranks: job ${job%%;*}"
    jobs+=:${job%%;*}
  done
  job=$(sbatch --parsable --dependency="afterany$jobs" --job-name=nnsm-scaling-table --ntasks=1 "$0" "${given[@]}") || exit
  echo "then $output/$name.scaling.csv: job ${job%%;*}"
else
  plan
  for ranks in "${counts[@]}"; do
    code=0
    forget "$ranks"
    measure "$ranks" "-n $ranks" || code=$?
    case $code in 85 | 130 | 143) echo "stopped at $ranks ranks; the table was not made" >&2; exit $code ;; esac
    [ $code = 0 ] || echo "$ranks ranks: exit code $code" >&2
  done
  collect
fi
