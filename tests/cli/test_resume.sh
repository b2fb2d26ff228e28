#!/bin/bash
# Stopping and going on: every way to stop, what a changed configuration may continue, the lock, damaged files.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
compare() { "$python" "$source/tests/cli/compare.py" "results/$1" "results/$2" same; }
expect() { # expect CODE TEXT COMMAND...: the exit code, and a text in what it says
  local code=$1 text=$2 status=0
  shift 2
  timeout 120 "$@" >out 2>&1 || status=$?
  [ "$status" = "$code" ] || fail "$*: exit $status, not $code: $(tail -5 out)"
  grep -qF -- "$text" out || fail "$*: no '$text' in: $(cat out)"
  echo "ok: $text"
}
await_lock() { # await_lock NAME: until the run has begun
  for _ in $(seq 200); do [ -s "results/$1.lock" ] && return; sleep 0.05; done
  fail "$1 does not begin"
}
# About three seconds on one core.
long="$small --set system.lattice=[8,8] --set train.epochs=60 --set generate.interval=100 --set scan.sweeps=1500
  --set scan.thermalization=100 --set couplings.samples=5120 --set checkpoint.interval=0.1 --set run.progress=0.2"
run() { local name=$1; shift; echo "$nnsm run $quick $long --set run.name=$name $*"; }
"$nnsm" run "$quick" $long --set run.name=whole >log

echo "== a run that is finished says so; what is missing is made again; --fresh starts anew"
expect 0 "nothing to do: results/whole.results.h5" $(run whole)
cp results/whole.results.h5 kept.h5
rm results/whole.results.h5
expect 0 "results: results/whole.results.h5" $(run whole)
cp results/whole.ensemble.h5 results/copy.ensemble.h5; cp results/whole.network.h5 results/copy.network.h5
cp kept.h5 results/copy.results.h5
compare whole copy
expect 0 "epoch " $(run whole --fresh)
compare whole copy

echo "== ways to stop: time limit, the job's end, a stop file, signals; each ends with 85 and the same bits"
expect 85 "stopped by the time limit" mpirun -n 2 $(run a --set run.time_limit=0.5)
NNSM_END_TIME=$(($(date +%s) + 3)) expect 85 "stopped by the coming end of the job" $(run a)
SLURM_JOB_END_TIME=$(($(date +%s) + 3)) expect 85 "stopped by the coming end of the job" mpirun -n 3 $(run a)
touch results/a.stop
expect 85 "stopped by the stop file" mpirun -n 2 $(run a)
[ ! -e results/a.stop ] || fail "the stop file is still there"
for signal in USR1 TERM INT HUP; do
  $(run a --fresh) >out 2>&1 & pid=$!
  await_lock a
  sleep 0.2
  kill -$signal $pid || fail "the run ended before SIG$signal: $(tail -3 out)"
  status=0; wait $pid || status=$?
  [ "$status" = 85 ] && grep -q "stopped by SIG$signal" out || fail "SIG$signal: exit $status: $(cat out)"
  rm -f results/a.checkpoint.h5
done
expect 85 "stopped by the time limit" $(run a --fresh --set run.time_limit=0.6)
expect 0 "found results/a.checkpoint.h5" mpirun -n 4 $(run a)
compare whole a

echo "== single stages go on too"
for stage in generate train scan; do
  status=85
  for limit in 0.05 0.2 0.4 600; do
    [ "$status" = 85 ] || break
    status=0
    "$nnsm" $stage "$quick" $long --set run.name=b --set run.time_limit=$limit >out 2>&1 || status=$?
  done
  [ "$status" = 0 ] || fail "$stage: exit $status: $(tail -3 out)"
  expect 0 "nothing to do" "$nnsm" $stage "$quick" $long --set run.name=b
done
compare whole b

echo "== a changed configuration"
expect 85 "stopped by" $(run c --set run.time_limit=0.6)
expect 2 "generate.temperature = 2.5, now 2.0" $(run c --set generate.temperature=2.0)
expect 2 "train.epochs = 60, now 50" $(run c --set train.epochs=50)
expect 2 "run.seed" $(run c --set run.seed=3)
expect 0 "done" $(run c --set checkpoint.interval=7 --set run.progress=1)
compare whole c
echo "more sweeps extend the scan to the bits of a longer one, also from an odd number of sweeps"
"$nnsm" run "$quick" $long --set run.name=longer --set scan.sweeps=2003 >log
expect 0 "the scan is extended: scan.sweeps = 1500, now 2003" mpirun -n 2 $(run c --set scan.sweeps=2003)
compare longer c
expect 0 "the scan starts anew with the network there is: scan.temperatures" $(run c --set scan.sweeps=2003 --set "scan.temperatures=[1.0,2.0]")
! grep -q "epoch " out || fail "the network was trained again"
echo "independent chains: more temperatures leave the others alone"
few="--set scan.exchange=false --set scan.temperatures=[1.0,2.5]"
more="--set scan.exchange=false --set scan.temperatures=[1.0,1.5,2.5,4.0]"
expect 0 "done" $(run d $few)
cp results/d.results.h5 few.h5
expect 0 "the scan is extended: scan.temperatures" mpirun -n 3 $(run d $more)
"$python" - <<'PY'
import h5py, numpy as np
with h5py.File("few.h5") as a, h5py.File("results/d.results.h5") as b:
    for what in ("mean", "error", "tau"):
        for h in ("learned", "true"):
            x, y = (f[f"scan/{h}/abs_magnetization/{what}"][:] for f in (a, b))
            assert (x == y[[0, 2]]).all(), (what, x, y)
            assert np.isfinite(y).all() and (np.diff(y) != 0).all(), y
PY

echo "== two runs on the same files"
$(run e) >first 2>&1 & pid=$!
await_lock e
expect 4 "another run (host" $(run e)
wait $pid || fail "the first run: $(tail -3 first)"
compare whole e
[ ! -e results/e.lock ] || fail "the lock is still there"
$(run f) >first 2>&1 & pid=$!
await_lock f
kill -9 $pid; wait $pid || :
[ -e results/f.lock ] || fail "no lock was there"
expect 0 "done" $(run f) # the holder is dead
compare whole f
echo "host elsewhere pid 1 job 77 restart 0" >results/g.lock
( for i in 1 2 3 4 5 6 7 8; do sleep 0.5; touch results/g.lock; done ) &
expect 4 "host elsewhere, process 1, Slurm job 77" $(run g)
wait
SLURM_JOB_ID=77 SLURM_RESTART_COUNT=1 expect 85 "stopped by" $(run g --set run.time_limit=0.1) # requeued: itself, earlier

echo "== damaged and foreign files"
expect 85 "stopped by the time limit" $(run h --set run.time_limit=0.6)
cp results/h.checkpoint.h5 kept.h5
truncate -s -100 results/h.checkpoint.h5
expect 3 "torn: " mpirun -n 2 $(run h)
printf x | dd of=results/h.checkpoint.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null
cp kept.h5 results/h.checkpoint.h5
printf x | dd of=results/h.checkpoint.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null
expect 3 "the checksum does not match" mpirun -n 2 $(run h)
sed 's/nnsm file 1/nnsm file 9/' kept.h5 >results/h.checkpoint.h5
expect 3 "written by a newer nnsm" $(run h)
echo "values that no configuration has, under a valid checksum"
cp results/whole.checkpoint.h5 results/k.checkpoint.h5
cp results/whole.network.h5 results/k.network.h5
cp results/whole.ensemble.h5 results/k.ensemble.h5
"$python" "$source/tests/cli/forge.py" results/k.checkpoint.h5 /scan/learned/0/configurations
expect 3 "its chains cannot be" mpirun -n 2 $(run k --set scan.sweeps=2000)
expect 85 "stopped by the time limit" $(run l --set run.time_limit=1e-9)
"$python" "$source/tests/cli/forge.py" results/l.checkpoint.h5 /generate/spins
expect 3 "its chains cannot be" mpirun -n 2 $(run l)
cp results/whole.network.h5 results/h.checkpoint.h5
expect 3 "not an nnsm checkpoint file (kind: nnsm network)" $(run h)
echo "not HDF5" >results/h.checkpoint.h5
expect 3 "not a file that nnsm wrote" $(run h)
cp kept.h5 results/h.checkpoint.h5
expect 0 "files:" "$nnsm" generate "$quick" $long --set run.name=j --set run.seed=11
cp results/j.ensemble.h5 other.ensemble.h5
expect 0 "files:" "$nnsm" generate "$quick" $long --set run.name=j --fresh
mv results/j.ensemble.h5 aside.h5
expect 3 "No such file" $(run j)
cp results/b.results.h5 results/j.ensemble.h5
expect 3 "results/j.ensemble.h5: data set /configurations is missing" mpirun -n 2 $(run j)
cp other.ensemble.h5 results/j.ensemble.h5
expect 3 "is not the ensemble that this run began with" mpirun -n 2 $(run j)
mv aside.h5 results/j.ensemble.h5
expect 0 "done" $(run j)
compare whole j
expect 0 "done" $(run h)
compare whole h
mv results/h.network.h5 aside.h5
expect 3 "No such file" $(run h --set scan.sweeps=2000)
cp results/longer.network.h5 results/h.network.h5
expect 3 "is not the file that this run made" $(run h --set scan.sweeps=2000)
mv aside.h5 results/h.network.h5
expect 0 "the scan is extended" $(run h --set scan.sweeps=2000)
expect 0 "checkpoint in stage scan" "$nnsm" info results/h.checkpoint.h5

echo "== no room, no right to write: the previous checkpoint stays"
if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=6m tmpfs disk 2>/dev/null; then
  expect 85 "stopped by the time limit" $(run i --set run.output=disk --set run.time_limit=0.1) # before the scan, whose state is large
  before=$(sha256sum <disk/i.checkpoint.h5)
  dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null || :
  expect 4 "No space left" mpirun -n 2 $(run i --set run.output=disk)
  [ "$before" = "$(sha256sum <disk/i.checkpoint.h5)" ] || fail "the checkpoint changed on a full disk"
  rm disk/filler
  mount -o remount,size=50m disk
  expect 0 "done" $(run i --set run.output=disk)
  "$python" "$source/tests/cli/compare.py" results/whole disk/i same
  mount -o remount,ro disk
  expect 4 "Read-only file system" mpirun -n 2 $(run i --set run.output=disk --fresh)
  umount disk
else
  echo "skipped: a full disk (needs root and the right to mount)"
fi
! ls results/*.part >/dev/null 2>&1 || fail "a half-written file is left"
echo "== ended at random moments"
"$python" "$source/tests/soak/soak.py" "$nnsm" "$source" --kills 4 --stops 3 --each 2
