#!/bin/bash
# shellcheck disable=SC1091,SC2086,SC2154
# At the time limit: warning, checkpoint, exit 85, back into the queue, resumed, and the same bits as an unbroken run.
# Without the warning the program knows the end from NNSM_END_TIME.
. "$(dirname "$0")/common.sh"
lasting $(($(nproc) > 2 ? 45 : 20)) # three jobs are at work until the warning comes, up to 30 s
reference
declare -A job
for launcher in $launchers; do
  use "$launcher"
  job[$launcher]=$(submit "$launcher" --signal=B:USR1@60)
done
# Longer than its limit of a minute; CONT is no warning to the script.
clock=$(config="$config --set scan.sweeps=100000000" && submit clock --time=1 --signal=B:CONT@60)
for launcher in $launchers; do
  await 60 "$launcher: at work" at_work "${job[$launcher]}" "$launcher"
  scontrol update JobId="${job[$launcher]}" EndTime=now+50 # Slurm looks every 30 s: the warning is due at once
done
for launcher in $launchers; do await 60 "$launcher: queued again" requeued "${job[$launcher]}"; done
await 90 "clock: queued again" requeued "$clock"
scancel "$clock"
passed "the program's own clock"
for launcher in $launchers; do
  await_done "${job[$launcher]}" "$launcher"
  resumed "${job[$launcher]}"
  passed "warning, requeue, resumed under $launcher"
done
