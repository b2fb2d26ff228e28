#!/bin/bash
# The table of couplings end to end: pseudo-likelihood against models that nobody tuned for, in the results file and in
# info; what happens without an ensemble, without couplings, and with a basis that is too large.
. "$(dirname "$0")/common.sh"
run() { # NAME [--set ...]: 8 x 8, a network without hidden layers, hardly any scan
  local name=$1
  shift
  "$nnsm" run "$source/input/quick.cfg" --set run.name="$name" --set generate.temperature=3.0 --set network.hidden=[] \
    --set 'train.augment=[]' --set train.epochs=5 --set train.learning_rate=1e-2 --set generate.interval=10 --set scan.sweeps=20 \
    --set scan.thermalization=5 --set 'scan.temperatures=[2.5,3.0]' "$@" >log || fail "$name: $(tail -3 log)"
}
check() { # NAME OPERATOR=J ...: these and no others are not zero
  "$python" - "$@" <<'PY'
import sys
import h5py, numpy as np

with h5py.File(f"results/{sys.argv[1]}.results.h5") as f:
    c = f["couplings"]
    name = [n.decode() for n in c["operator"][:]]
    true, found, error, learned = (c[k][:] for k in ("true", "pseudo_likelihood", "pseudo_likelihood_error", "coupling"))
    wanted = dict(a.rsplit("=", 1) for a in sys.argv[2:])
    assert {n for n, j in zip(name, true) if j} == set(wanted) or "any" in wanted, (name, true)
    for n, j in wanted.items():
        if n != "any":
            assert abs(true[name.index(n)] - float(j)) < 1e-12, (n, true)
    assert c.attrs["missing"] == 0, c.attrs["missing"]
    pull = (found - true) / error
    # The error of an error from 64 blocks is 9 %: a chi^2 per coupling within four of its standard deviations.
    width, allowed = np.mean(pull**2), 4 * np.sqrt(2 / len(pull)) + 0.2
    assert abs(pull).max() < 5 and abs(width - 1) < allowed, (width, allowed, dict(zip(name, pull)))
    assert np.isfinite(learned).all() and 0.5 < c.attrs["r2"] <= 1
    likely, bar = c["maximum_likelihood"][:], c["maximum_likelihood_error"][:]
    if np.isfinite(likely).all():  # weights of the network's samples allow it
        pull = (likely - true) / bar
        assert abs(pull).max() < 5 and np.mean(pull**2) < 1 + allowed, ("maximum likelihood", dict(zip(name, pull)))
    else:
        assert sys.argv[1] not in ("poor", "nnn", "axes"), "no maximum likelihood"
    print(f"{sys.argv[1]}: {len(pull)} couplings, largest pull {abs(pull).max():.1f}, mean square {width:.2f}, "
          f"rms error {np.sqrt(np.mean(error**2)):.4f}, R2 {c.attrs['r2']:.4f}")
PY
}
run nnn --set system.next_nearest=0.3 --set system.field=0.1 --set 'train.augment=["translation","point_group"]'
check nnn "field=0.1" "pair (1,0)=1" "pair (1,1)=0.3"
run axes --set 'system.anisotropy=[1.0,0.5]' --set 'train.augment=["translation","spin_flip"]'
check axes "pair (1,0)=1" "pair (0,1)=0.5"
run square --set system.plaquette=0.5 --set system.coupling=0.5 --set 'train.augment=["translation","point_group","spin_flip"]'
check square "pair (1,0)=0.5" "plaquette=0.5"
"$nnsm" run "$source/input/quick.cfg" --set run.name=poor --set scan.sweeps=20 --set scan.thermalization=5 >log || fail "$(tail -3 log)"
check poor "pair (1,0)=1" # learned 0.62: maximum likelihood is more than one step away
run triangles --set system.model=baxter_wu --set system.lattice=[6,6]
"$nnsm" info results/triangles.results.h5 >info
[ "$(grep -c "^  triple .* 1.00000$" info)" = 2 ] || fail "info shows no two true triples: $(cat info)"
grep -q "R2 = " info || fail "info shows no R2"
check triangles any=1
run glass --set system.model=spin_glass --set couplings.per_bond=true --set 'couplings.basis=["pairs"]' \
  --set couplings.range=1.5 --set 'train.augment=["spin_flip"]'
check glass any=1

# A network alone: no pseudo-likelihood, the same couplings.
cp results/nnn.network.h5 .
network="--set run.name=alone --set system.next_nearest=0.3 --set system.field=0.1 --set network.file=nnn.network.h5 --set generate.temperature=3.0 --set scan.sweeps=20
  --set scan.thermalization=5 --set scan.temperatures=[2.5,3.0] --set train.augment=[\"translation\",\"point_group\"]"
"$nnsm" scan "$source/input/quick.cfg" $network >log || fail "$(tail -3 log)"
grep -q "no pseudo-likelihood" log || fail "not said that the ensemble is missing"
"$python" - <<'PY'
import h5py, numpy as np
with h5py.File("results/nnn.results.h5") as a, h5py.File("results/alone.results.h5") as b:
    assert np.isnan(b["couplings/pseudo_likelihood"][:]).all() and b["couplings"].attrs["configurations"] == 0
    assert b["couplings/operator"][:].tolist() == a["couplings/operator"][:].tolist()
    assert np.array_equal(b["couplings/coupling"][:], a["couplings/coupling"][:])
    assert "scan/distilled/abs_magnetization/mean" in b and "units" in b["couplings/error"].attrs
PY
status=0
"$nnsm" scan "$source/input/quick.cfg" $network --fresh --set couplings.source=ensemble >log 2>&1 || status=$?
[ $status = 3 ] && grep -q "not at hand" log || fail "couplings.source = ensemble without one: $status, $(tail -1 log)"

# A stop while the couplings are read leaves the checkpoint as it is; going on ends with the bits of a straight run.
"$nnsm" run "$source/input/quick.cfg" $small --set run.name=straight >log
"$nnsm" generate "$source/input/quick.cfg" $small --set run.name=stopped >log
"$nnsm" train "$source/input/quick.cfg" $small --set run.name=stopped >log
cp results/stopped.checkpoint.h5 before.h5
touch results/stopped.stop
status=0
"$nnsm" scan "$source/input/quick.cfg" $small --set run.name=stopped >log 2>&1 || status=$?
[ $status = 85 ] && grep -q "^couplings " log && ! grep -q "^scan " log || fail "not stopped in the couplings: $status, $(tail -3 log)"
cmp before.h5 results/stopped.checkpoint.h5 || fail "the stop touched the checkpoint"
"$nnsm" scan "$source/input/quick.cfg" $small --set run.name=stopped >log || fail "$(tail -3 log)"
"$python" "$source/tests/cli/compare.py" results/straight results/stopped same

# What is switched off, or cannot be, leaves the rest as it is.
"$nnsm" scan "$source/input/quick.cfg" $network --fresh --set couplings.enabled=false >log || fail "$(tail -3 log)"
"$nnsm" scan "$source/input/quick.cfg" $network --fresh --set run.name=large --set couplings.per_bond=true \
  --set couplings.range=9 >log || fail "$(tail -3 log)"
grep -q "warning: couplings: a basis of" log || fail "no warning of a large basis"
"$python" - <<'PY'
import h5py
for name in ("alone", "large"):
    with h5py.File(f"results/{name}.results.h5") as f:
        assert "couplings" not in f and "distilled" not in f["scan"] and "systematic" not in f["scan"]
        assert "scan/learned/abs_magnetization/mean" in f
PY
status=0
"$nnsm" check "$source/input/quick.cfg" --set 'couplings.basis=["field"]' 2>err || status=$?
[ $status = 2 ] && grep -q "couplings.basis has no operator that the symmetries" err || fail "an empty basis: $(cat err)"
