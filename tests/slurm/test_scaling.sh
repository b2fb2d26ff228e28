#!/bin/bash
# shellcheck disable=SC1091,SC2086,SC2154
# scaling.sh: a job for each number of ranks, then one that makes the table; a job that was cancelled is missing from it,
# whatever an earlier study has left.
. "$(dirname "$0")/common.sh"
cp input/quick.cfg small.cfg
export NNSM_BENCH_SECONDS=0.3
mkdir results
echo "of an earlier study" >results/small_strong2.results.h5
jobscripts/scaling.sh strong 1,2 small.cfg $small | tee study.log
table=$(sed -n 's/^then .*: job //p' study.log)
scancel "$(sed -n 's/^2 ranks: job //p' study.log)"
await 180 "the table's job" ended "$table"
is "$table" JobState FAILED || fail "the table's job: $(field "$table" JobState)"
grep -q "small_strong2.results.h5 is missing" "slurm-$table.out" || fail "$(cat "slurm-$table.out")"
[ "$(cut -d, -f1 results/small.scaling.csv | tail -n +2)" = small_strong1 ] || fail "$(cat results/small.scaling.csv)"
[ -s results/small.scaling.png ] || fail "no figure"
passed "a study whose second job was cancelled"
