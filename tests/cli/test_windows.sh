#!/bin/bash
# Block spins: sums against numpy, windows that are undone, all routes on any number of ranks and after a stop, files of
# others, refusals; the limit of the principle against its known values.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
expect() { # expect CODE TEXT COMMAND...: the exit code, and a text in what it says
  local code=$1 text=$2 status=0
  shift 2
  timeout 300 "$@" >out 2>&1 || status=$?
  [ "$status" = "$code" ] || fail "$*: exit $status, not $code: $(tail -5 out)"
  grep -qF -- "$text" out || fail "$*: no '$text' in: $(cat out)"
  echo "ok: $text"
}

echo "== sums are those of numpy, on lattices of one to three dimensions"
sums() { # sums NAME LATTICE SIZE STRIDE PERIODIC
  "$nnsm" generate "$quick" $small --set run.name="$1" --set system.lattice="$2" --set generate.configurations=500 --fresh >log
  "$nnsm" window "$quick" $small --set run.name="$1" --set system.lattice="$2" --set generate.configurations=500 \
    --set window.size="$3" --set window.stride="$4" --set window.periodic="$5" --set window.route=plain \
    --set train.augment=[] >log || fail "$*: $(tail -3 log)"
  "$python" - results/"$1" "$3" "$4" "$5" <<'PY'
import itertools
import sys

import h5py
import numpy as np

stem, size, stride, periodic = sys.argv[1], *map(eval, sys.argv[2:4]), sys.argv[4] == "true"
sites = h5py.File(stem + ".ensemble.h5")["configurations"][:].astype(int)
blocks = h5py.File(stem + ".blocks.h5")
axes = sites.ndim - 1
size, stride = (v * axes if len(v) == 1 else v for v in (size, stride))
counts = [L // d if periodic else (L - w) // d + 1 for L, w, d in zip(sites.shape[1:], size, stride)]
wanted = np.zeros([len(sites)] + counts, int)
for offset in itertools.product(*map(range, size)):
    index = np.ix_(range(len(sites)), *[(np.arange(n) * d + o) % L
                                        for n, d, o, L in zip(counts, stride, offset, sites.shape[1:])])
    wanted += sites[index]
assert (blocks["configurations"][:] == wanted).all()
values = blocks["configurations"].attrs["values"].flatten()
assert values.tolist() == list(range(-int(np.prod(size)), int(np.prod(size)) + 1, 2))
assert blocks["window"].attrs["block"].flatten().tolist() == list(size) and blocks["window"].attrs["stride"].flatten().tolist() == list(stride)
assert blocks["window"].attrs["micro_lattice"].flatten().tolist() == list(sites.shape[1:])
PY
  echo "ok: $*"
}
sums chain [12] [4] [2] true
sums square [6,6] [2] [2] false
sums overlap [6,6] [2] [1] false
sums around [6,8] "[3,2]" "[1,2]" true
sums cube [4,4,4] [2] [2] false
sums slabs [4,6,4] "[1,3,2]" "[1,1,2]" false

echo "== overlapping windows are undone, and the run is the same on any number of ranks, by stages, after a stop"
windows="--set window.size=[2] --set window.stride=[1]"
run() { local name=$1; shift; echo "$nnsm run $quick $small --set run.name=$name $windows $*"; }
expect 0 "overlapping windows undone" $(run whole)
expect 0 "1.0000 of the ancestral samples have a preimage" mpirun -n 2 $(run two)
"$python" "$source/tests/cli/compare.py" results/whole results/two same
for stage in generate window train scan; do
  mpirun -n 3 "$nnsm" "$stage" "$quick" $small $windows --set run.name=stages >log || fail "$stage: $(tail -3 log)"
done
"$python" "$source/tests/cli/compare.py" results/whole results/stages same
slow="--set train.epochs=300 --set checkpoint.interval=0.1"
expect 0 "results: results/slow.results.h5" $(run slow $slow)
expect 85 "stopped by the time limit" $(run again $slow --set run.time_limit=0.6)
expect 0 "results: results/again.results.h5" mpirun -n 2 $(run again $slow)
"$python" "$source/tests/cli/compare.py" results/slow results/again same
"$python" - <<'PY'
import h5py
import numpy as np

sites = h5py.File("results/whole.ensemble.h5")["configurations"][:].astype(int)
latent = h5py.File("results/whole.latent.h5")
found, window = latent["configurations"][:].astype(int), latent["window"].attrs
sums = lambda s: s[:, 1:, 1:] + s[:, :-1, 1:] + s[:, 1:, :-1] + s[:, :-1, :-1]
assert (sums(found) == sums(sites)).all()
other = (found != sites).any((1, 2)).sum()
assert other <= window["configurations_with_several_preimages"] < 0.02 * len(sites)
assert window["configurations_without_preimage"] == 0 and window["configurations_examined"] == len(sites)
# |m| is that of the windows: of the data, and in a scan of the true model (6 x 6, T = 2.5 is in its scan) by their weights.
results = h5py.File("results/whole.results.h5")
m = abs(sums(sites).mean((1, 2)) / 4)
assert abs(results["ensemble"].attrs["abs_magnetization_mean"] - m.mean()) < 1e-12
assert abs(results["ensemble"].attrs["energy_mean"] + (sites * (np.roll(sites, 1, 1) + np.roll(sites, 1, 2))).mean()) < 0.01
assert results["window"].attrs["ancestral_share_with_preimage"] == 1
t = int(abs(results["scan/temperature"][:] - results["ensemble"].attrs["temperature"]).argmin())
true = results["scan/true/abs_magnetization"]
pull = (true["mean"][t] - m.mean()) / np.hypot(true["error"][t], m.std() / np.sqrt(len(m) / 4))
assert abs(pull) < 5, pull
PY
mkdir elsewhere && cp results/whole.network.h5 elsewhere/x.h5
expect 0 "1.0000 of the ancestral samples have a preimage" "$nnsm" scan "$quick" $small --set run.name=far --set network.file=elsewhere/x.h5
expect 0 "seen through windows of 2 x 2, stride 1 x 1, open, on 6 x 6: 5 x 5 windows; these were undone" "$nnsm" info results/far.results.h5
expect 0 "of 3000 configurations of sums 0 have no preimage" "$nnsm" info results/whole.latent.h5

echo "== many configurations with several preimages are warned of, and KL is not that of such a choice"
few="--set system.lattice=[4,4] $windows"
expect 0 "of the configurations have several preimages" "$nnsm" run "$quick" $small --set run.name=several $few
if grep -q "KL [-0-9]" out; then fail "a KL where the sites are a choice of several: $(grep KL out)"; fi
expect 0 "busy s (min mean max)" "$nnsm" window "$quick" $small --set run.name=several $few --fresh

echo "== large windows leave more preimages than can be counted: none is refused, on any number of ranks"
large="--set train.augment=[] --set system.lattice=[16,16] --set window.size=[3] --set window.stride=[2] --set window.periodic=true --set generate.configurations=384"
for route in masked deconvolve; do
  "$nnsm" generate "$quick" $small $large --set run.name=large >log || fail "$(tail -3 log)"
  for ranks in 1 3; do
    expect 0 "384 (100.0 %) with several; half of all have at least 2^" mpirun -n $ranks "$nnsm" window "$quick" $small $large \
      --set run.name=large --set window.route=$route --fresh
    grep -o "2^[0-9]*, a lower bound" out >large.$route.$ranks || fail "they were counted: $(cat out)"
  done
  cmp large.$route.1 large.$route.3
done

echo "== a long file in several rounds: the same on any number of ranks; a stop between them leaves nothing half-written"
long="--set system.lattice=[8,8] --set generate.configurations=50000 --set generate.chains=192 --set generate.interval=3
  --set generate.thermalization=50 --set run.progress=0 $windows"
for name in long1 long3; do "$nnsm" generate "$quick" $long --set run.name=$name >log || fail "$(tail -3 log)"; done
for ranks in 1 2; do # one rank takes 16384 configurations a round
  expect 85 "stopped by the time limit" mpirun -n $ranks "$nnsm" window "$quick" $long --set run.name=long1 --set run.time_limit=1e-9
  left=$(find results -name 'long1.blocks*' -o -name 'long1.latent*')
  [ -z "$left" ] || fail "left by a stop: $left"
done
touch results/long1.stop
expect 85 "stopped by the stop file" "$nnsm" window "$quick" $long --set run.name=long1
expect 0 "window: configuration 32768 of 50000 is read" "$nnsm" window "$quick" $long --set run.name=long1
expect 0 "all with a preimage" mpirun -n 3 "$nnsm" window "$quick" $long --set run.name=long3
"$python" - <<'PY'
import h5py
import numpy as np

for kind in ("blocks", "latent"):
    with h5py.File(f"results/long1.{kind}.h5") as a, h5py.File(f"results/long3.{kind}.h5") as b:
        assert (a["configurations"][:] == b["configurations"][:]).all(), kind
        for key, value in a["window"].attrs.items():
            assert key == "source_checksum" or np.array_equal(value, b["window"].attrs[key]), (kind, key)
        assert a["window"].attrs["configurations_examined"] == 50000
PY

echo "== the sums themselves, apart and overlapping"
for variant in "apart 2" "over 1"; do
  set -- $variant
  for ranks in 1 2; do
    mpirun -n $ranks "$nnsm" run "$quick" $small --set run.name=$1$ranks --set window.size=[2] --set window.stride=[$2] \
      --set window.route=plain --set 'train.augment=["spin_flip"]' >log 2>&1 || fail "$variant on $ranks: $(tail -3 log)"
  done
  "$python" "$source/tests/cli/compare.py" results/${1}1 results/${1}2 same
done
grep -q "0.[0-9]* of the ancestral samples have a preimage" log || fail "no share of samples: $(cat log)"

echo "== the sums that have a preimage only: every sample has one, on any number of ranks, after a stop; two axes and one"
masked="--set window.route=masked --set scan.regenerate=true --set scan.temperatures=[2.0,2.5,3.0] --set network.hidden=[] --set network.direct=false --set train.learning_rate=2e-2"
plane="$windows $masked --set train.augment=[\"spin_flip\",\"point_group\"] --set train.epochs=20"
line="$masked --set system.lattice=[24] --set window.size=[3] --set window.stride=[1] --set train.augment=[\"spin_flip\"]"
for variant in plane line; do
  expect 0 "1.0000 of the ancestral samples have a preimage" "$nnsm" run "$quick" $small --set run.name=$variant ${!variant}
  [ "$(grep -c "couplings\|self-learning" out)" = 1 ] || fail "couplings of sums that have a support: $(cat out)"
  expect 0 "1.0000 of the ancestral samples have a preimage" mpirun -n 3 "$nnsm" run "$quick" $small --set run.name=$variant.3 ${!variant}
  "$python" "$source/tests/cli/compare.py" results/$variant results/$variant.3 same
done
expect 0 "results: results/whole_masked.results.h5" "$nnsm" run "$quick" $small $plane --set run.name=whole_masked --set scan.sweeps=700
for limit in 1 2 4 600; do
  status=0
  mpirun -n 2 "$nnsm" run "$quick" $small $plane --set run.name=stopped_masked --set scan.sweeps=700 --set run.time_limit=$limit >log 2>&1 || status=$?
  [ $status = 85 ] || break
done
[ $status = 0 ] || fail "exit $status: $(tail -3 log)"
"$python" "$source/tests/cli/compare.py" results/whole_masked results/stopped_masked same
"$python" - <<'PY'
import h5py
import numpy as np

# The sums of the data have the entropy of the sites below, but for the few that several sites share: KL by that.
sites, sums = (h5py.File(f"results/{name}.network.h5")["training"] for name in ("whole", "plane"))
plain = h5py.File("results/over1.network.h5")["training"]
entropy = sites["validation_nll"][-1] - sites["kl"][-1]
kl = sums["validation_nll"][-1] - entropy
print("KL masked", kl, "plain", plain["validation_nll"][-1] - entropy)
assert -0.1 < kl < 1 < plain["validation_nll"][-1] - entropy
results = h5py.File("results/whole_masked.results.h5")
assert results["window"].attrs["ancestral_share_with_preimage"] == 1
assert results["window"].attrs["route"].decode() == "masked"
assert h5py.File("results/plane.network.h5").attrs["version"] == 4
true = h5py.File("results/whole.results.h5")
t = [list(true["scan/temperature"][:]).index(x) for x in (2.0, 2.5, 3.0)]
off = results["scan/learned/abs_magnetization/mean"][:] - true["scan/true/abs_magnetization/mean"][t]
error = np.hypot(results["scan/learned/abs_magnetization/error"][:], true["scan/true/abs_magnetization/error"][t])
print("|m| masked minus true", off, error)
assert (abs(off) < 0.03 + 4 * error).all()
PY
mkdir -p elsewhere && cp results/plane.network.h5 elsewhere/p.h5
expect 0 "1.0000 of the ancestral samples have a preimage" "$nnsm" scan "$quick" $small $masked --set run.name=far_masked --set network.file=elsewhere/p.h5 $windows --set train.augment=[]
"$python" - <<'PY'
import h5py
import numpy as np

sites = h5py.File("results/apart1.ensemble.h5")["configurations"][:].astype(int)
results = h5py.File("results/apart1.results.h5")
assert abs(results["ensemble"].attrs["abs_magnetization_mean"] - abs(sites.mean((1, 2))).mean()) < 1e-12
assert "scan/true" not in results and "system" not in results
m = results["scan/learned/abs_magnetization/mean"][:]
assert (0 < m).all() and (m <= 1).all()
PY

echo "== files of others: sums of any integer type, without a word on windows; then what cannot be"
"$python" - <<'PY'
import h5py
import numpy as np

sites = h5py.File("results/whole.ensemble.h5")["configurations"][:]
sums = h5py.File("results/whole.blocks.h5")["configurations"][:]


def write(name, data, **attributes):
    with h5py.File(name, "w") as f:
        f["configurations"] = data
        f["configurations"].attrs["temperature"] = 2.5
        for key, value in attributes.items():
            f["configurations"].attrs[key] = value


write("sums.h5", sums.astype(">i2"))
write("zero.h5", (sums.astype(int) + 4) // 2)  # of sites 0 and 1
spoilt = sums.copy()
spoilt[1234, 2, 2] = -4 if sums[1234, 2, 2] > 0 else 4
spoilt[1234, 2, 3] = 4 if sums[1234, 2, 3] <= 0 else -4
write("spoilt.h5", spoilt)
write("spoilts.h5", np.tile(spoilt, (100, 1, 1)))  # in every round of any rank
write("three.h5", np.where(np.arange(sites.size).reshape(sites.shape) % 7 == 0, 0, sites))
write("labels.h5", (sites + 1) // 2 + (np.arange(sites.size).reshape(sites.shape) % 5 == 0), labels=1)
PY
mine="$small --set window.size=[2] --set window.stride=[1] --set window.data=windows"
cat >mine.cfg <<'CFG'
run : { name = "mine"; };
ensemble : { file = "sums.h5"; };
scan : { temperatures = [2.0, 2.5]; };
CFG
only() { echo "$mine" | sed 's/--set \(system\|generate\)[^ ]*//g; s/--set train.augment=[^ ]*//g'; }
expect 0 "open, on 6 x 6: 5 x 5 windows, values -4 -2 0 2 4" "$nnsm" window mine.cfg $(only)
"$python" -c "
import h5py
a, b = (h5py.File(f'results/{name}.latent.h5')['configurations'][:] for name in ('mine', 'whole'))
assert (a == b).all()"
expect 0 "all with a preimage" mpirun -n 2 "$nnsm" run mine.cfg $(only)
expect 3 "cannot be sums over 4 sites, which are -4 -2 0 2 4" "$nnsm" window mine.cfg $(only) --set ensemble.file=zero.h5
expect 0 "all with a preimage" "$nnsm" window mine.cfg $(only) --set ensemble.file=zero.h5 --set 'window.values=[0, 1]' --set run.name=zero
expect 3 "configuration 1234 cannot be sums over such windows of two-valued sites, and 1 of 3000 cannot" \
  "$nnsm" window mine.cfg $(only) --set ensemble.file=spoilt.h5 --set run.name=spoilt
expect 3 "configuration 1234 cannot be sums over such windows of two-valued sites, and 100 of 300000 cannot" \
  mpirun -n 3 "$nnsm" window mine.cfg $(only) --set ensemble.file=spoilts.h5 --set run.name=spoilt
expect 3 "configuration 1234 cannot be sums over such windows of two-valued sites, and 1 of 3000 cannot" \
  "$nnsm" window mine.cfg $(only) --set ensemble.file=spoilt.h5 --set run.name=spoilt --set window.route=masked
expect 0 "only sums that have a preimage; 3000 configurations, all with one" "$nnsm" window mine.cfg $(only) --set window.route=masked --set run.name=mine_masked
[ ! -e results/spoilt.blocks.h5 ] || fail "sums without a preimage are left"
[ ! -e results/spoilt.latent.h5 ] && [ ! -e results/spoilt.latent.h5.part ] || fail "a file of spoilt data is left"
expect 0 "1 of 3000 configurations cannot be sums over such windows" "$nnsm" window mine.cfg $(only) \
  --set ensemble.file=spoilt.h5 --set run.name=spoilt --set window.route=plain
expect 3 "windows are undone to two values only" "$nnsm" window mine.cfg $(only) --set ensemble.file=three.h5 --set window.data=sites --set run.name=three
expect 3 "labels, which have no sums" "$nnsm" window mine.cfg $(only) --set ensemble.file=labels.h5 --set window.data=sites --set run.name=labels
expect 3 "its lattice is not that of the windows" "$nnsm" window mine.cfg $(only) --set ensemble.file=results/whole.blocks.h5 --set window.periodic=true --set run.name=turned
expect 2 "has no window group" "$nnsm" window "$quick" $small

echo "== contradictions in the configuration"
check() { expect 2 "$1" "$nnsm" check "$quick" $small "${@:2}"; }
check "leave 1 of the 6 sites of axis 1 over" --set window.size=[3] --set window.stride=[2]
check "do not fit axis 1 of 6 sites" --set window.size=[7] --set train.augment=[]
check "open windows have no translations" --set window.size=[2]
check "windows cannot go around an open lattice" --set window.size=[2] --set window.periodic=true --set system.boundary=open --set train.augment=[]
check "axes along which windows differ cannot be exchanged" --set 'window.size=[2, 3]' --set 'train.augment=["point_group"]'
check "generated data are \"sites\"" --set window.size=[2] --set window.data=windows
expect 2 "not of levels" "$nnsm" check mine.cfg $(only) --set ensemble.levels=2
check "is for windows that overlap" --set window.size=[2] --set window.route=masked
check "take network.order = \"raster\"" --set window.size=[2] --set window.stride=[1] --set window.route=masked --set network.order=snake --set train.augment=[]
check "windows are laid on whole ensembles" --set window.size=[2] --set train.data=stream --set train.augment=[]
check "give the two different values of a site" --set window.size=[2] --set 'window.values=[1, 1]'
check "one size and stride for all, or one an axis" --set 'window.size=[2, 2, 2]'
expect 3 "its windows are not those of the configuration" "$nnsm" scan "$quick" $small --set run.name=far2 \
  --set network.file=results/stages.network.h5 --set window.size=[3] --set window.stride=[1]

echo "== the limit of the principle itself"
PYTHONPATH="$source/analysis" "$python" - <<'PY'
import block_limit as limit
import numpy as np

# Exact values that a prototype found by another program.
temperatures = [1.0, 1.5, 2.0, 2.25, 2.5, 3.0, 4.0]
principle, true = limit.curves(limit.Enumerated(2), temperatures)
assert np.allclose(principle - true, [-0.0056, -0.0272, -0.0432, -0.0291, 0, 0.0630, 0.1145], atol=6e-5)
principle, true = limit.curves(limit.Enumerated(1), temperatures)  # nearly one to one: nearly no limit
assert abs(principle - true)[:6].max() < 0.004
# 6 x 6: the sum over all blocks is the partition function, by transfer matrices of single rows.
system = limit.Transferred()
step = np.exp((system.within[:, None] + system.between) / 2.5)
wanted = np.log(np.trace(np.linalg.matrix_power(step, 6)))
z = system.log_partition(2.5)
assert abs(np.log(np.exp(z - z.max()).sum()) + z.max() - wanted) < 1e-9
PY
echo "all windows fit"
