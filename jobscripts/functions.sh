# shellcheck shell=bash disable=SC2154 # nnsm and launcher are set by the script that sources this file
# Sourced by the job scripts beside it, from the repository root.

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # one rank, one core
# Options of srun. When one rank is killed, those on other nodes would wait for it until the time limit: --wait ends
# them after 10 s. --kill-on-bad-exit would be quicker, but turns exit code 85 into 143.
export SLURM_WAIT=10 SLURM_KILL_BAD_EXIT=0

# The last task of an array has the JobId of the whole array: to scontrol only ARRAY_TASK means that task alone.
this_job=${SLURM_JOB_ID:-}
[ -z "${SLURM_ARRAY_TASK_ID:-}" ] || this_job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

# This job's end in seconds since 1970. (Slurm 22.05 sets no SLURM_JOB_END_TIME.)
job_end() {
  date -d "$(scontrol -o show job "$this_job" | sed -n 's/.* EndTime=\([^ ]*\) .*/\1/p')" +%s
}

# Slurm's warning (--signal=B:USR1@...) comes to this script alone. mpirun and srun pass a USR1 on to every rank, but a
# launcher that is only starting would die of it.
warn_ranks() {
  warnings=$((warnings + 1))
  [ "$SECONDS" -ge 5 ] || sleep $((5 - SECONDS))
  [ -z "$ranks" ] || kill -USR1 "$ranks"
}

# nnsm_job COMMAND CONFIG [options]: run nnsm, end this script with its exit code. At code 85, unfinished, the job
# queues itself again if the time was up, and ends if it was stopped otherwise (NAME.stop, run.time_limit).
nnsm_job() {
  warnings=0 ranks=""
  trap warn_ranks USR1
  NNSM_END_TIME=$(job_end)
  export NNSM_END_TIME
  # In the background: bash runs a trap between commands or in wait, not while it runs a command.
  # shellcheck disable=SC2086 # a launcher has options
  $launcher "$nnsm" "$@" &
  ranks=$!
  local status seen=""
  until [ "$seen" = "$warnings" ]; do # a warning cuts wait short: wait again
    seen=$warnings
    wait "$ranks"
    status=$?
  done
  if [ "$status" = 85 ]; then
    if [ "$warnings" = 0 ] && [ $((NNSM_END_TIME - $(date +%s))) -gt 300 ]; then
      echo "stopped before the job's time was up; submit again to continue"
    elif [ "${SLURM_RESTART_COUNT:-0}" -lt 100 ]; then # an end to it, if nothing ever gets done
      echo "unfinished: queueing job $this_job again"
      scontrol requeue "$this_job" && sleep 30 # within which Slurm ends this script
    fi
  fi
  exit "$status"
}
