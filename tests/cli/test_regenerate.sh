#!/bin/bash
# Suffixes redrawn from the network, in a run: results agree with those of other moves on the same network, acceptance
# is one at T0, and the bits depend neither on ranks nor on stops.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
compare() { "$python" "$source/tests/cli/compare.py" "results/$1" "results/$2" same; }

echo "== on one network of each kind, with single flips or self-learning, the same predictions"
settings="--set scan.temperatures=[1.5,2.0,2.2,2.4,2.5,2.7,3.5] --set scan.sweeps=4000 --set scan.reference=false --set scan.distilled=false --set run.progress=100"
for kind in dense frontier; do
  "$nnsm" run "$quick" --set run.name=$kind --set network.kind=$kind --set network.units=16 --set train.epochs=6 --set scan.sweeps=10 --set run.progress=100 >log
  scan() { "$nnsm" scan "$quick" $settings --set network.file=results/$kind.network.h5 --set run.name="$kind.$1" "${@:2}" >log || fail "$(tail -3 log)"; }
  scan flips --set scan.sampler=metropolis
  scan mixed --set scan.sampler=metropolis --set scan.regenerate=true
  scan both --set scan.regenerate=true
  grep -q "of the regenerated suffixes .* 1.000 (T = 2.5) are accepted" log || fail "$(cat log)"
done
"$python" - <<'PY'
import h5py, numpy as np
pulls = []
for kind in ("dense", "frontier"):
    files = [h5py.File(f"results/{kind}.{n}.results.h5") for n in ("flips", "mixed", "both")]
    assert "regeneration_acceptance" not in files[0]["scan/learned"]
    for f in files[1:]:
        a = f["scan/learned/regeneration_acceptance"][:]
        print(kind, f["scan/learned"].attrs["sampler"].decode(), "suffixes accepted", a.round(3))
        assert a[4] > 0.99999 and (np.diff(a[:5]) > 0).all() and (np.diff(a[4:]) < 0).all() and a.min() > 0.02
    for what in ("abs_magnetization", "learned_energy", "energy", "heat_capacity", "susceptibility", "binder"):
        for a, b in ((0, 1), (0, 2), (1, 2)):
            x, y = (files[i][f"scan/learned/{what}"] for i in (a, b))
            pull = (x["mean"][:] - y["mean"][:]) / np.hypot(x["error"][:], y["error"][:])
            assert (abs(pull) < 4.5).all(), (kind, what, a, b, pull)
            pulls += list(pull)
    # What it is for: near T0 samples are worth more.
    tau = [f["scan/learned/abs_magnetization/tau"][4] for f in files[:2]]
    print(kind, "tau of |m| at T0 by single flips", tau[0].round(2), "with suffixes", tau[1].round(2))
    assert tau[1] < tau[0]
width = np.sqrt(np.mean(np.square(pulls)))
assert 0.6 < width < 1.4, width
PY

echo "== the same bits on any number of ranks; after stops; extended"
for variant in "--set scan.sampler=metropolis" "--set scan.exchange=false" "--set scan.sampler=metropolis --set network.kind=frontier --set network.units=8"; do
  for ranks in 1 3; do
    mpirun -n $ranks "$nnsm" run "$quick" $small --fresh --set run.name=v$ranks --set scan.regenerate=true $variant >log || fail "$variant on $ranks: $(tail -3 log)"
  done
  compare v1 v3
done
for sampler in metropolis self_learning; do
  long="$small --set scan.sampler=$sampler --set scan.regenerate=true --set scan.sweeps=1500 --set scan.thermalization=300
    --set checkpoint.interval=0.05 --set scan.distilled=false"
  "$nnsm" run "$quick" $long --fresh --set run.name=whole >log
  stops=0
  for limit in 0.4 0.6 0.8 1 1.5 2 3 600; do
    status=0
    mpirun -n $((stops % 3 + 1)) "$nnsm" run "$quick" $long --set run.name=$sampler --set run.time_limit=$limit >log 2>&1 || status=$?
    [ $status = 85 ] || break
    stops=$((stops + 1))
  done
  [ $status = 0 ] && [ $stops -gt 0 ] || fail "exit $status after $stops stops: $(tail -3 log)"
  echo "$sampler: $stops stops"
  compare whole $sampler
  "$nnsm" run "$quick" $long --fresh --set run.name=longer --set scan.sweeps=1777 >log
  mpirun -n 2 "$nnsm" run "$quick" $long --set run.name=$sampler --set scan.sweeps=1777 >log
  grep -q "the scan is extended" log || fail "not extended: $(cat log)"
  compare longer $sampler
done
echo ok
