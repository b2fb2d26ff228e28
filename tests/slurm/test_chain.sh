#!/bin/bash
# shellcheck disable=SC1091,SC2086,SC2154
# chain.sh: train is warned and queued again, and scan waits for its end; the same bits as one run. When a stage fails,
# those after it are cancelled.
. "$(dirname "$0")/common.sh"
config="$config --set network.hidden=[300,200] --set train.batch=750 --set train.epochs=400 --set scan.sweeps=100" # long enough to be warned
reference
# A checkpoint is there since generate; a warning before the ranks are there to hear it would be lost.
training() { is "$1" JobState RUNNING && grep -q "^ensemble:" "slurm-$1.out" 2>/dev/null; }
declare -A train scan
for launcher in $launchers; do
  use "$launcher"
  jobscripts/chain.sh $config --set run.name="$launcher" | tee chain.log
  train[$launcher]=$(sed -n 's/train: job //p' chain.log)
  scan[$launcher]=$(sed -n 's/scan: job //p' chain.log)
done
for launcher in $launchers; do
  await 90 "$launcher: train at work" training "${train[$launcher]}"
  scancel --batch --signal=USR1 "${train[$launcher]}"
done
for launcher in $launchers; do
  await 60 "$launcher: train queued again" requeued "${train[$launcher]}"
  is "${scan[$launcher]}" JobState PENDING || fail "$launcher: scan did not wait"
done
for launcher in $launchers; do
  await_done "${scan[$launcher]}" "$launcher"
  resumed "${train[$launcher]}"
  [[ ! "$(field "${scan[$launcher]}" StartTime)" < "$(field "${train[$launcher]}" EndTime)" ]] ||
    fail "$launcher: scan began before train had ended"
  passed "chain, train warned, under $launcher"
done

printf 'run : { name = "absent"; }; # generate\nensemble : { file = "absent.h5"; };\n' >measured.cfg
jobscripts/chain.sh measured.cfg | tee chain.log
! grep -q generate chain.log || fail "measured data: a job that generates"
for stage in train:FAILED scan:CANCELLED; do
  job=$(sed -n "s/${stage%:*}: job //p" chain.log)
  await 30 "${stage%:*}: ${stage#*:}" is "$job" JobState "${stage#*:}"
done
passed "measured data are not generated"

jobscripts/chain.sh absent.cfg | tee chain.log
for stage in generate:FAILED train:CANCELLED scan:CANCELLED; do
  job=$(sed -n "s/${stage%:*}: job //p" chain.log)
  await 30 "${stage%:*}: ${stage#*:}" is "$job" JobState "${stage#*:}"
done
passed "a failed stage cancels those after it"
