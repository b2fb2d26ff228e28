#!/bin/bash
# Self-learning Monte Carlo and screened flips in a run: all samplers agree on one network, the bits do not depend on ranks or on stops, and
# a surrogate that is of no use makes room for single flips.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
compare() { "$python" "$source/tests/cli/compare.py" "results/$1" "results/$2" same; }

echo "== on one network, self-learning with and without exchange, single flips and reweighting agree"
temperatures="scan.temperatures=[1.5,2.0,2.2,2.4,2.5,2.7,3.5]"
"$nnsm" run "$quick" --set run.name=net --set train.epochs=8 --set scan.sweeps=10 --set run.progress=100 >log
grep -q "the network is not at the distribution of its data: |m| .* sigma; E/N .* sigma" log || fail "eight epochs are called enough: $(cat log)"
for sampler in self_learning metropolis; do
  for exchange in true false; do
    [ $sampler.$exchange = metropolis.false ] && continue # stays in one phase
    "$nnsm" scan "$quick" --set network.file=results/net.network.h5 --set run.name=$sampler.$exchange --set "$temperatures" \
      --set scan.sampler=$sampler --set scan.exchange=$exchange --set scan.sweeps=4000 --set run.progress=100 >log || fail "$(tail -3 log)"
    [ $sampler != metropolis ] || grep -q "scan: single flips, screened by pair (1,0)" log || fail "not screened: $(cat log)"
    ! grep "disagree by more than" log || fail "$sampler: chains and reweighting"
  done
done
"$python" - <<'PY'
import h5py, numpy as np
files = [h5py.File(f"results/{n}.results.h5") for n in ("self_learning.true", "self_learning.false", "metropolis.true")]
assert [f["scan/learned"].attrs["sampler"].decode() for f in files] == ["self_learning"] * 2 + ["metropolis"]
assert np.isnan(files[2]["scan/learned/surrogate_scale"][:]).all()
flips = {k: files[2][f"scan/learned/{k}"][:] for k in ("acceptance", "evaluated", "unscreened_acceptance")}
assert all("evaluated" not in f["scan/learned"] for f in files[:2])
# What the screen rejects in vain is seen in every 64th sweep, 62 or 63 here of 8 walkers.
whole = 62 * 8 * files[2]["system"].attrs["lattice"].prod()
error = 2 * np.sqrt(flips["unscreened_acceptance"] / whole)
assert (flips["evaluated"] > flips["acceptance"]).all() and flips["evaluated"].mean() < 0.6, flips
assert (flips["acceptance"] < flips["unscreened_acceptance"] + 4 * error).all(), flips
assert (flips["acceptance"] > 0.85 * flips["unscreened_acceptance"] - 4 * error).all(), flips
pulls = []
for h in ("learned", "true", "distilled"):
    for what in ("abs_magnetization", "learned_energy", "energy", "heat_capacity", "susceptibility", "binder"):
        if h == "true" and what == "learned_energy":
            continue
        for a, b in ((0, 2), (1, 2), (0, 1)):
            x, y = (files[i][f"scan/{h}/{what}"] for i in (a, b))
            pull = (x["mean"][:] - y["mean"][:]) / np.hypot(x["error"][:], y["error"][:])
            assert (abs(pull) < 4.5).all(), (h, what, a, b, pull)
            pulls += list(pull)
width = np.sqrt(np.mean(np.square(pulls)))
assert 0.6 < width < 1.4, width  # about 20 independent ones at seven temperatures: 3 sigma are 0.5
seen = 0
for f in files:  # near T0 the reweighted samples have errors of their own
    r, n = f["scan/reweighted"], f["scan/reweighted/effective_samples"][:]
    assert n[4] == r.attrs["samples"] and (n <= r.attrs["samples"] * (1 + 1e-12)).all()
    for what in ("abs_magnetization", "learned_energy", "energy"):
        c, w = f[f"scan/learned/{what}"], r[what]
        good = n >= r.attrs["least_effective_samples"]
        assert (np.isfinite(w["mean"][:]) == good).all() and good.sum() >= 3
        pull = ((c["mean"][:] - w["mean"][:]) / np.hypot(c["error"][:], w["error"][:]))[good]
        assert (abs(pull) < 4.5).all(), (what, pull)
        seen += good.sum()
print(f"pulls of width {width:.2f}, {seen} reweighted values agree")
PY

echo "== the same bits on any number of ranks; after a stop; extended"
# On 4 x 4 every bond, triple and quadruple of a basis of its own: 528 operators (6 x 6 has 1224, ten times the time).
heat="--set system.lattice=[4,4] --set system.field=0.3 --set train.augment=[] --set couplings.per_bond=true --set couplings.range=1 --set couplings.samples=2048"
for variant in "" "$heat" "--set scan.exchange=false --set scan.exchange_interval=3"; do
  for ranks in 1 3; do
    mpirun -n $ranks "$nnsm" run "$quick" $small --fresh --set run.name=v$ranks $variant >log || fail "$variant on $ranks: $(tail -3 log)"
  done
  compare v1 v3
  [ "$variant" != "$heat" ] || grep -q "scan: self-learning, proposals by single sites of field 0" log || fail "no heat bath: $(cat log)"
done
grep -q "self-learning, proposals by" log || fail "no self-learning: $(cat log)"
long="$small --set scan.sweeps=2500 --set scan.thermalization=600 --set checkpoint.interval=0.05 --set scan.distilled=false"
"$nnsm" run "$quick" $long --set run.name=whole >log
stops=0
for limit in 0.4 0.6 0.8 1 1.5 2 3 600; do # the more, the faster the machine; some of them stop in the scan
  status=0
  mpirun -n $((stops % 3 + 1)) "$nnsm" run "$quick" $long --set run.name=parts --set run.time_limit=$limit >log 2>&1 || status=$?
  [ $status = 85 ] || break
  stops=$((stops + 1))
done
[ $status = 0 ] && [ $stops -gt 0 ] || fail "exit $status after $stops stops: $(tail -3 log)"
echo "$stops stops"
compare whole parts
"$nnsm" run "$quick" $long --set run.name=longer --set scan.sweeps=2777 >log
mpirun -n 2 "$nnsm" run "$quick" $long --set run.name=parts --set scan.sweeps=2777 >log
grep -q "the scan is extended" log || fail "not extended: $(cat log)"
compare longer parts

echo "== screens: none where nothing stands out, where most flips pass, where the couplings miss too much; groups with and without"
screened() { # screened NAME TEXT SETTINGS...: what the log says
  local name=$1 text=$2
  shift 2
  "$nnsm" scan "$quick" --set network.file=results/net.network.h5 --set run.name=$name --set scan.sampler=metropolis \
    --set scan.sweeps=200 --set run.progress=100 "$@" >log || fail "$name: $(tail -3 log)"
  grep -q -- "scan: single flips, $text" log || fail "$name: no '$text': $(cat log)"
}
screened warm "not screened: 0.[6-9]. of them would pass" --set "scan.temperatures=[5,8]"
screened far "not screened: the couplings miss about .* T in a flip at T = 0.01" --set "scan.temperatures=[0.01,2.5]"
screened mixed "screened by pair (1,0)" --set scan.exchange=false --set "scan.temperatures=[2.0,2.5]"
screened mixed "not screened: 0.[6-9]. of them would pass" --set scan.exchange=false --set "scan.temperatures=[2.0,2.5,6.0]"
grep -q "of those that were screened evaluated" log || fail "the share is not said: $(cat log)"
"$nnsm" run "$quick" $small --set run.name=noise --set system.coupling=0 --set scan.sampler=metropolis \
  --set network.hidden=[] --set network.direct=false --set 'train.augment=["spin_flip"]' --set 'couplings.basis=["pairs"]' >log
grep -q "scan: single flips, not screened: no coupling stands out of its error" log || fail "noise: $(cat log)"
"$python" - <<'PY'
import h5py, numpy as np
mixed, warm = (h5py.File(f"results/{n}.results.h5")["scan/learned"] for n in ("mixed", "warm"))
for k in ("evaluated", "unscreened_acceptance"):
    assert (np.isnan(mixed[k][:]) == [False, False, True]).all() and k not in warm, mixed[k][:]
PY

echo "== surrogates of no use: single flips instead, said so, with the bits of single flips"
useless="$small --set system.lattice=[12,12] --set system.field=0.1 --set train.augment=[] --set couplings.basis=[\"field\"]"
"$nnsm" run "$quick" $useless --set run.name=useless >log
grep -q "of the self-learning proposals are accepted at some temperature, less than 0.1; single flips" log || fail "$(cat log)"
mpirun -n 3 "$nnsm" run "$quick" $useless --set run.name=useless3 >log
compare useless useless3
"$nnsm" run "$quick" $useless --set run.name=useless_states --set system.model=blume_capel --set generate.temperature=1.6 >log
grep -q "of the self-learning proposals are accepted at some temperature, less than 0.1; Metropolis moves" log || fail "$(cat log)"
"$nnsm" run "$quick" $useless --set run.name=flips --set scan.sampler=metropolis >log
triangles="$small --set system.model=baxter_wu --set train.epochs=30 --set generate.configurations=8000 --set train.augment=[\"translation\"]"
"$nnsm" run "$quick" $triangles --set run.name=triangles >log
grep -q "scan: self-learning, proposals by single sites" log || fail "$(cat log)"
grep -q "reference: its couplings make no clusters; single flips" log || fail "$(cat log)"
mpirun -n 3 "$nnsm" run "$quick" $triangles --set run.name=triangles3 >log
compare triangles triangles3
"$nnsm" run "$quick" $small --set run.name=off --set couplings.enabled=false >log
grep -q "self-learning needs couplings" log || fail "$(cat log)"
"$python" - <<'PY'
import h5py
a, b, c = (h5py.File(f"results/{n}.results.h5") for n in ("useless", "flips", "off"))
assert (a["scan/learned/abs_magnetization/mean"][:] == b["scan/learned/abs_magnetization/mean"][:]).all()
for f in (a, b, c):
    assert f["scan/learned"].attrs["sampler"] == b"metropolis"
PY
