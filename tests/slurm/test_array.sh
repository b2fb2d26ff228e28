#!/bin/bash
# shellcheck disable=SC1091,SC2086,SC2154
# array.sh: every run of an array is made, one of them warned and queued again alone; then a table of what is finished, which
# names the rest. Submitted again it makes only what is missing.
. "$(dirname "$0")/common.sh"
lasting 3
reference
echo broken >first.cfg
cp "$source/input/quick.cfg" second.cfg
options=${config#input/quick.cfg}

submit_array() { # sets array[] and table[] of every launcher: the jobs
  for launcher in $launchers; do
    use $launcher
    NNSM_OUTPUT=results/$launcher jobscripts/array.sh 1,2007 first.cfg second.cfg -- $options | tee array.log
    array[$launcher]=$(sed -n 's/.*job array \([0-9]*\);.*/\1/p' array.log)
    table[$launcher]=$(sed -n 's/.*: job //p' array.log)
  done
}
await_table() { # await_table LAUNCHER STATE FINISHED UNFINISHED
  await 120 "$1: table" ended "${table[$1]}"
  is "${table[$1]}" JobState $2 || fail "$1: the collecting job: $(field "${table[$1]}" JobState)"
  head -n 1 results/$1/first.table.txt | grep -qx "# $3 finished, $4 unfinished" || fail "$(cat results/$1/first.table.txt)"
}

declare -A array table
submit_array
for launcher in $launchers; do
  await 60 "$launcher: at work" at_work ${array[$launcher]}_3 $launcher/second_seed2007
  scancel --batch --signal=USR1 ${array[$launcher]}_3
done
for launcher in $launchers; do
  await_done ${array[$launcher]}_3 $launcher/second_seed2007
  is ${array[$launcher]}_3 Restarts 1 || fail "$launcher: the warned task was not queued again"
  is ${array[$launcher]}_2 Restarts 0 || fail "$launcher: a task that was not warned was queued again"
  await_table $launcher FAILED 2 2
  cat results/$launcher/first.table.txt
  passed "array, one task warned, two failed, table, under $launcher"
done

cp second.cfg first.cfg
submit_array
for launcher in $launchers; do
  await_table $launcher COMPLETED 4 0
  passed "array submitted again under $launcher"
done
