#!/bin/bash
# usage: down.sh DIR    Cancel the jobs of the Slurm that up.sh started in DIR, and end its daemons.
dir=$(cd "$1" 2>/dev/null && pwd -P) || exit 0
export SLURM_CONF=$dir/slurm.conf
pids=$(cat "$dir"/slurmd.*.pid "$dir"/slurmctld.pid "$dir"/munge/munged.pid 2>/dev/null)
[ -n "$pids" ] || exit 0
scancel --state=PENDING -u "$(id -un)" 2>/dev/null # first, or they would take the place of those that run
scancel -u "$(id -un)" 2>/dev/null
for _ in $(seq 200); do # a slurmstepd outlives its slurmd
  [ -n "$(squeue -h 2>/dev/null)" ] || break
  sleep 0.1
done
# shellcheck disable=SC2086 # several
kill $pids 2>/dev/null
for _ in $(seq 100); do
  # shellcheck disable=SC2086
  kill -0 $pids 2>/dev/null || break
  sleep 0.1
done
# shellcheck disable=SC2086
kill -9 $pids 2>/dev/null
:
