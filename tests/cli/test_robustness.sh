#!/bin/bash
# What may happen to a run from outside: names that would lead elsewhere, files and directories that vanish, limits on
# file sizes, a rank that is killed, a lock of a dead run on another node; and that long runs stay small and quiet.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
expect() { # expect CODE TEXT COMMAND...: the exit code, and a text in what it says
  local code=$1 text=$2 status=0
  shift 2
  timeout 120 "$@" >out 2>&1 || status=$?
  [ "$status" = "$code" ] || fail "$*: exit $status, not $code: $(tail -5 out)"
  grep -qF -- "$text" out || fail "$*: no '$text' in: $(cat out)"
  echo "ok: $text"
}
await() { # await FILE: until it is there and not empty
  for _ in $(seq 400); do [ -s "$1" ] && return; sleep 0.05; done
  fail "no $1"
}
long="$small --set system.lattice=[8,8] --set train.epochs=60 --set generate.interval=100 --set scan.sweeps=6000
  --set scan.thermalization=100 --set checkpoint.interval=0.1"
run() { local name=$1; shift; echo "$nnsm run $quick $long --set run.name=$name $*"; }

echo "== a dead run on another node: its lock shows no life for 15 s and is taken over (meanwhile the rest is tested)"
mkdir -p results
echo "host elsewhere pid 1 job none restart 0" >results/dead.lock
(
  began=$SECONDS status=0
  timeout 120 $(run dead --set run.time_limit=0.1) >dead.log 2>&1 || status=$?
  echo "exit $status after $((SECONDS - began)) s" >dead.end
) &
watching=$!

echo "== names that lead elsewhere"
mkdir cage
for name in ../out .. . .out a/b /out "$(pwd)/out" 'a b' 'a;b' ''; do
  expect 2 "run.name" "$nnsm" run "$quick" $small --set run.output=cage --set "run.name=$name"
done
[ -z "$(ls -A cage)" ] || fail "something was written: $(ls -A cage)"
echo precious >precious
for file in ensemble.h5 ensemble.h5.part network.h5.part results.h5.part checkpoint.h5.part; do
  ln -s "$scratch/elsewhere" "results/link.$file"
done
for file in network.h5.part checkpoint.h5.part; do ln -sf "$scratch/precious" "results/link.$file"; done
expect 0 "done" "$nnsm" run "$quick" $small --set run.name=link
[ ! -e elsewhere ] || fail "a link in the output directory was followed"
[ "$(cat precious)" = precious ] || fail "a file outside the output directory was overwritten through a link"
for file in results/link.*; do [ ! -L "$file" ] || fail "the link $file is still there"; done
ln -s "$scratch/precious" results/linked.lock
expect 4 "cannot make the lock" "$nnsm" run "$quick" $small --set run.name=linked
[ "$(cat precious)" = precious ] || fail "the lock was written through a link"

echo "== fewer sweeps than there are do not pass for the ones asked for"
expect 0 "done" "$nnsm" run "$quick" $small --set run.name=fewer --set scan.sweeps=90
expect 0 "the scan starts anew with the network there is: scan.sweeps = 90, now 60" "$nnsm" run "$quick" $small --set run.name=fewer
expect 0 "done" "$nnsm" run "$quick" $small --set run.name=sixty
"$python" "$source/tests/cli/compare.py" results/sixty results/fewer same

echo "== NaN in a network file, and a divergence: the epoch, the last good network, advice"
expect 4 "training diverged in epoch" "$nnsm" run "$quick" $small --set run.name=wild --set train.learning_rate=30 \
  --set train.schedule=constant --set train.epochs=400
grep -q "lower train.learning_rate (now 30)" out || fail "no advice: $(cat out)"
if grep -q "the network after epoch" out; then expect 0 "network on 6 x 6" "$nnsm" info results/wild.last_good.h5; fi
[ ! -e results/wild.network.h5 ] || fail "a diverged network was saved as the network"

echo "== a rank killed: the job ends by itself within seconds, and the next run goes on"
mpirun -n 3 $(run killed) >out 2>&1 & job=$!
await results/killed.checkpoint.h5
victim=$(pgrep -P $job | tail -n 1) || fail "no rank to kill: $(cat out)"
kill -KILL "$victim"
began=$SECONDS status=0
wait $job || status=$?
[ $status != 0 ] && [ $status != 85 ] || fail "exit $status after a killed rank"
[ $((SECONDS - began)) -lt 15 ] || fail "$((SECONDS - began)) s until the job ended"
expect 0 "found results/killed.checkpoint.h5" mpirun -n 2 $(run killed)

echo "== vanishing: the output directory, and the files of a stopped run"
$(run gone --set run.output=vanishing --set scan.sweeps=60000) >out 2>&1 & pid=$!
await vanishing/gone.checkpoint.h5
rm -r vanishing
status=0; wait $pid || status=$?
[ $status = 4 ] && grep -q "^nnsm: vanishing/gone.*No such file" out || fail "exit $status: $(tail -3 out)"
expect 85 "stopped by the time limit" $(run lost --set run.time_limit=0.4)
rm results/lost.checkpoint.h5
expect 0 "done" $(run lost) # nothing is known of it any more: anew

echo "== a limit on file sizes is a failure, not a crash"
# Open MPI's own files are 16 MB and smaller.
expect 4 "File too large" bash -c 'ulimit -f 20000; exec "$@"' - $(run limited --set generate.configurations=400000 \
  --set generate.interval=1)
large=$(run limited); large="${large/ run / generate } --set system.lattice=[16,16] --set generate.configurations=120000 --set generate.interval=1"
expect 4 "cannot write the configurations on $(hostname): File too large" mpirun -n 1 $large : \
  -n 1 bash -c 'ulimit -f 20000; exec "$@"' - $large # of the second rank, in the middle of the file
! ls results/*.part results/limited.* >/dev/null 2>&1 || fail "something is left: $(ls results)"

echo "== a long run: the same memory, bounded files, a progress line an interval"
$(run steady --set scan.sweeps=4000000 --set run.progress=0.5 --set scan.exchange_interval=20) >steady.log 2>&1 & pid=$!
memory() { awk '/^VmRSS/ { print $2 }' /proc/$pid/status; }
until grep -q "^scan: sweep" steady.log; do sleep 0.1; done
in_scan='import h5py; raise SystemExit("scan/learned/0" not in h5py.File("results/steady.checkpoint.h5", "r"))'
until "$python" -c "$in_scan" 2>/dev/null; do sleep 0.1; done # those before the first batch of chains are smaller
# The allocator raises its limit for blocks of their own at the first checkpoints; then nothing may be added.
size=$(stat -c %s results/steady.checkpoint.h5) lines=$(wc -l <steady.log) began=$EPOCHREALTIME
for _ in $(seq 12); do
  first=$(memory)
  sleep 5
  last=$(memory)
  [ $((last - first)) -ge 512 ] || break
done
more=$(($(wc -l <steady.log) - lines))
elapsed=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
kill -USR1 $pid
status=0; wait $pid || status=$?
[ $status = 85 ] || fail "exit $status: $(tail -3 steady.log)"
[ $((last - first)) -lt 512 ] || fail "memory still grew from $first to $last kB within 5 s, a minute after the start"
[ "$(stat -c %s results/steady.checkpoint.h5)" = "$size" ] || fail "the checkpoint grows"
[ $more -ge 3 ] && [ $more -le $((elapsed / 500 + 1)) ] || fail "$more lines in $elapsed ms: $(cat steady.log)"
! grep -q $'\r' steady.log || fail "carriage returns in a log"
grep -q "the longest step took" steady.log || fail "the longest step is not reported"
echo "ok: $first kB, then $last kB; $more lines in $elapsed ms"

wait $watching
grep -q "exit 85 after 1[4-9] s" dead.end || fail "the dead run's lock: $(cat dead.end dead.log)"
