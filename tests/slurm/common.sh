# shellcheck shell=bash disable=SC2086,SC1091,SC2154,SC2016,SC2034
# Sourced by the tests of this folder: $1 is the program, $2 the source directory. A private Slurm, in whose jobs the job
# scripts run as they are shipped. Exit code 77: skipped, because Slurm cannot start here.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../cli/common.sh"
PATH=$PATH:/usr/sbin:/sbin
nnsm=$(readlink -f "$nnsm")
ln -s "$source/jobscripts" "$source/input" "$source/analysis" .
fail() {
  echo "FAILED: $*" >&2
  tail -n 15 slurm-*.out >&2 || :
  squeue >&2 || :
  exit 1
}
skip() { echo "skipped: $*"; exit 77; }

for command in munged slurmctld slurmd sbatch srun; do
  command -v $command >/dev/null || skip "no $command; .ci/setup slurmctld slurmd slurm-client munge installs it"
done
export TMPDIR=$scratch # short, for Open MPI's sockets
slurm=$scratch/slurm
trap 'bash "$here/down.sh" "$slurm"; rm -rf "$scratch"' EXIT
# The trap does not run when this script is killed (ctest at its time limit): then another process brings Slurm down.
setsid bash -c 'while kill -0 "$1"; do sleep 1; done; bash "$2/down.sh" "$3/slurm"; rm -rf "$3"' \
  - $$ "$here" "$scratch" </dev/null >/dev/null 2>&1 &
# Two ranks a job, on two nodes where the machine lets us make nodes that look like two.
ranks="--nodes=2 --ntasks-per-node=1"
if ! bash "$here/up.sh" "$slurm" 2 8 >up.log 2>&1; then
  bash "$here/down.sh" "$slurm"
  ranks="--nodes=1 --ntasks-per-node=2"
  UTS=0 bash "$here/up.sh" "$slurm" 1 16 >>up.log 2>&1 || { cat up.log; skip "Slurm does not start here"; }
  echo "one node only: no right to make host names"
fi
export SLURM_CONF=$slurm/slurm.conf NNSM=$nnsm NNSM_PYTHON=$python
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
launchers="mpirun srun"
# Few exchanges: ranks that share cores with others would only wait for each other.
config="input/quick.cfg $small --set checkpoint.interval=1 --set scan.exchange_interval=20 --set scan.sweeps=10000"

# use LAUNCHER: what the job scripts start the program with from now on.
use() { case $1 in srun) export NNSM_LAUNCHER="srun --mpi=pmix" ;; *) export NNSM_LAUNCHER=$1 ;; esac; }

# submit NAME [sbatch options]: prints the job.
submit() {
  local name=$1
  shift
  sbatch --parsable $ranks "$@" jobscripts/run.sh $config --set run.name="$name"
}

field() { scontrol -o show job "$1" | sed -n "1s/.*[ ^]$2=\([^ ]*\).*/\1/p"; } # field JOB NAME
is() { [ "$(field "$1" "$2")" = "$3" ]; }                                      # is JOB NAME VALUE
ended() { [[ "$(field "$1" JobState)" =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)$ ]]; }
at_work() { is "$1" JobState RUNNING && [ -s "results/$2.checkpoint.h5" ]; } # at_work JOB NAME
requeued() { [ "$(field "$1" Restarts)" -ge 1 ]; }

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "this did not happen in time: $what"
    sleep 0.1
  done
}

# await_done JOB NAME: the job succeeds, and its files are those of the unbroken run.
await_done() {
  await 300 "job $1 ($2) ends" ended "$1"
  is "$1" JobState COMPLETED || fail "job $1 ($2): $(field "$1" JobState), exit $(field "$1" ExitCode)"
  "$python" "$source/tests/cli/compare.py" results/reference results/"$2" same
}

# resumed JOB: the program says that it did not begin anew.
resumed() { grep -qE "^found results/.*checkpoint.h5" "slurm-$1.out" || fail "job $1 began anew"; }

# unbroken NAME LAUNCHER...: a run outside Slurm.
unbroken() {
  local name=$1
  shift
  "$@" "$nnsm" run $config --set run.name="$name" >unbroken.log 2>&1 || fail "unbroken run: $(tail -n 3 unbroken.log)"
}

# lasting SECONDS: from now on so many sweeps that two ranks on two idle cores take about this long. In CPU time, which
# does not depend on what else this machine does; beside other tests, and other jobs, they last longer.
lasting() {
  local cpu TIMEFORMAT=%U
  cpu=$({ time unbroken measured env; } 2>&1)
  config="$config --set scan.sweeps=$((10000 * $1 * 2000 / 10#${cpu/./}))"
}
reference() { unbroken reference mpirun -n 2; }

passed() { echo "passed: $* ($SECONDS s)"; }
