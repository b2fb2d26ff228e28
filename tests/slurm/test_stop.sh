#!/bin/bash
# shellcheck disable=SC1091,SC2086,SC2154
# Stopped by hand, by scancel or NAME.stop: the job is not queued again; the next one continues to the same bits.
. "$(dirname "$0")/common.sh"
lasting 5
reference
declare -A job
for launcher in $launchers; do
  use "$launcher"
  job[$launcher]=$(submit "$launcher")
done
for launcher in $launchers; do await 60 "$launcher: at work" at_work "${job[$launcher]}" "$launcher"; done
sleep 2 # into the scan
for launcher in $launchers; do scancel "${job[$launcher]}"; done
for launcher in $launchers; do
  await 30 "$launcher: cancelled" is "${job[$launcher]}" JobState CANCELLED
  use "$launcher"
  job[$launcher]=$(submit "$launcher")
done
for launcher in $launchers; do
  await_done "${job[$launcher]}" "$launcher"
  resumed "${job[$launcher]}"
  passed "scancel, submitted again under $launcher"
done

stopped=$(submit stopped)
await 60 "at work" at_work "$stopped" stopped
touch results/stopped.stop
await 30 "stopped" ended "$stopped"
is "$stopped" ExitCode 85:0 || fail "stopped by NAME.stop: exit $(field "$stopped" ExitCode)"
is "$stopped" Restarts 0 || fail "queued again although stopped by hand"
rm -f results/stopped.stop
stopped=$(submit stopped)
await_done "$stopped" stopped
resumed "$stopped"
passed "NAME.stop, submitted again"
