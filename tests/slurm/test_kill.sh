#!/bin/bash
# shellcheck disable=SC1091,SC2086,SC2154
# One rank is killed: the job ends with a failure within seconds; submitted again it continues to the same bits.
. "$(dirname "$0")/common.sh"
# rank_of JOB RANK: its process
rank_of() {
  local p
  for p in /proc/[0-9]*; do
    [ "$(readlink "$p/exe" 2>/dev/null)" = "$nnsm" ] || continue
    tr '\0' '\n' <"$p/environ" | grep -cxE "SLURM_JOB_ID=$1|PMIX_RANK=$2" | grep -qx 2 && echo "${p#/proc/}" && return
  done
}
lasting 5
reference
declare -A job
for launcher in $launchers; do
  use "$launcher"
  job[$launcher]=$(submit "$launcher")
done
for launcher in $launchers; do await 60 "$launcher: at work" at_work "${job[$launcher]}" "$launcher"; done
sleep 2 # into the scan
for launcher in $launchers; do
  victim=$(rank_of "${job[$launcher]}" 1) || fail "$launcher: no rank 1 to be killed"
  kill -KILL "$victim"
done
killed=$SECONDS
for launcher in $launchers; do
  await 20 "$launcher: the job ends" ended "${job[$launcher]}"
  is "${job[$launcher]}" JobState FAILED || fail "$launcher: $(field "${job[$launcher]}" JobState)"
  echo "$launcher: ended after $((SECONDS - killed)) s with exit $(field "${job[$launcher]}" ExitCode)"
  use "$launcher"
  job[$launcher]=$(submit "$launcher")
done
for launcher in $launchers; do
  await_done "${job[$launcher]}" "$launcher"
  resumed "${job[$launcher]}"
  passed "one rank killed, submitted again under $launcher"
done
