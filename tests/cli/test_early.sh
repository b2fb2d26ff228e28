#!/bin/bash
# What would be found wrong late, or not at all, is said early: moves and second ensembles before anything is generated or
# trained, an ensemble that is not the network's when couplings are read, and the search for the values of a file in rounds.
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
"$python" - <<'PY'
import h5py
import numpy as np

rng = np.random.default_rng(11)


def write(name, data, temperature, **attributes):
    with h5py.File(name, "w") as f:
        f["configurations"] = data
        for key, value in dict(attributes, temperature=temperature).items():
            f["configurations"].attrs[key] = value


spins = lambda n: (2 * (rng.random((n, 6, 6)) < 0.5) - 1).astype(np.int8)
write("mine.h5", spins(3000), 2.0)
write("other.h5", spins(3000), 2.0)
write("cold.h5", spins(500), 1.5)
write("unscanned.h5", spins(500), 1.7)
write("long.h5", spins(150000), 1.5)  # two rounds of one rank; its values are not declared
write("few.h5", spins(100), 1.5)
write("wide.h5", spins(500)[:, :, :4], 1.5)
write("three.h5", spins(500) * rng.integers(0, 2, (500, 6, 6)), 1.5)
write("labels.h5", rng.integers(0, 3, (3000, 6, 6)), 2.0, labels=1)
PY
cat >mine.cfg <<'CFG'
run : { name = "mine"; };
ensemble : { file = "mine.h5"; };
network : { hidden = [10]; };
train : { epochs = 3; batch = 200; };
scan : { temperatures = [1.5, 2.0, 3.0]; sweeps = 60; thermalization = 20; };
couplings : { basis = ["pairs"]; range = 1.5; samples = 2048; };
CFG
nothing() { # no stage left a file
  local left
  left=$(find results -name "$1.*.h5" 2>/dev/null || :)
  [ -z "$left" ] || fail "it had begun: $left"
}

echo "== a second ensemble that cannot be compared with is refused before anything is made"
for ranks in 1 2; do
  refuse() { # CODE TEXT FILE
    expect "$1" "$2" mpirun -n $ranks "$nnsm" run "$quick" $small --set run.name=early --set 'scan.temperatures=[1.5, 2.5]' --set trust.compare="$3"
    nothing early
    expect "$1" "$2" mpirun -n $ranks "$nnsm" run mine.cfg --set run.name=early --set trust.compare="$3"
    nothing early
  }
  refuse 2 "not scanned; add it to scan.temperatures" unscanned.h5
  refuse 3 "its lattice is not that of the network" wide.h5
  refuse 3 "the values of its sites are not those of the network" three.h5
  refuse 3 "100 configurations are too few" few.h5
  refuse 3 "nowhere.h5" nowhere.h5
done
expect 0 "epoch" "$nnsm" train mine.cfg
expect 2 "not scanned; add it to scan.temperatures" "$nnsm" scan mine.cfg --set trust.compare=unscanned.h5
! grep -q "couplings:" out || fail "couplings were read first: $(cat out)"

echo "== so are moves that the sites do not have"
expect 2 'sites of two values know only "single"' mpirun -n 2 "$nnsm" run "$quick" $small --set run.name=early --set 'scan.moves=["patch"]'
nothing early
expect 2 'labels have no neighbouring values' "$nnsm" run mine.cfg --set run.name=early --set ensemble.file=labels.h5 --set 'scan.moves=["neighbour"]'
nothing early
expect 2 '"patch" alone keeps alternating sums' "$nnsm" run "$quick" $small --set run.name=early --set window.size=[2] \
  --set window.periodic=true --set 'scan.moves=["patch"]'
[ ! -e results/early.network.h5 ] || fail "a network was trained"

echo "== an ensemble that the network was not trained on is no witness of it"
expect 0 "pseudo-likelihood" "$nnsm" scan mine.cfg --set run.name=own --set network.file=results/mine.network.h5
! grep -q "is not the ensemble" out || fail "the network's own: $(cat out)"
cp mine.h5 kept.h5 && cp other.h5 mine.h5
for ranks in 1 2; do
  expect 0 "mine.h5 is not the ensemble that the network was trained on, its checksum differs: couplings are read" \
    mpirun -n $ranks "$nnsm" scan mine.cfg --set run.name=own --set network.file=results/mine.network.h5 --fresh
done
expect 0 "its checksum differs: walkers start from ancestral samples" "$nnsm" scan mine.cfg --set run.name=starts \
  --set network.file=results/mine.network.h5 --set couplings.enabled=false
! grep -q "couplings are read" out || fail "nobody wanted couplings: $(cat out)"
expect 3 'the ensemble of this network is not at hand' "$nnsm" scan mine.cfg --set run.name=own2 --set network.file=results/mine.network.h5 --set 'couplings.source=ensemble'
mv kept.h5 mine.h5

echo "== an ensemble that cannot be read stops a scan, which could do without; what is not there is not missed"
"$nnsm" generate "$quick" $small --set run.name=bad >/dev/null
expect 0 "epoch" "$nnsm" train "$quick" $small --set run.name=bad
cp results/bad.ensemble.h5 bad.ensemble.h5
printf x | dd of=results/bad.ensemble.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null
expect 3 "or move the file away: walkers start from ancestral samples" mpirun -n 2 "$nnsm" scan "$quick" $small --set run.name=bad --set couplings.enabled=false
expect 3 "or move the file away: couplings are read from the network alone" "$nnsm" scan "$quick" $small --set run.name=bad
rm results/bad.ensemble.h5
expect 0 "results: results/bad.results.h5" "$nnsm" scan "$quick" $small --set run.name=bad
! grep -q "nan\|spread of" out || fail "one network has no spread: $(grep trust out)"
"$python" - <<'PY'
import h5py
import numpy as np

with h5py.File("results/own.results.h5") as f:
    assert np.isnan(f["couplings/pseudo_likelihood"][:]).all() and np.isfinite(f["couplings/coupling"][:]).all()
PY

echo "== the values of a long file are looked for in rounds, by all ranks, between which a stop is heard"
expect 0 "trust.compare: configuration 116508 of 150000 is read" "$nnsm" run mine.cfg --set run.name=one --set trust.compare=long.h5 --set run.progress=0
[ "$(grep -c "configuration 116508 of 150000 is read" out)" = 3 ] || fail "not before the training, after the scan, and when it is measured: $(cat out)"
expect 0 "reach: " "$nnsm" run "$quick" $small --set run.name=reach --set network.kind=frontier --set network.units=6 \
  --set 'train.augment=["translation", "spin_flip"]' --set 'scan.temperatures=[1.5, 2.5]' --set trust.compare=long.h5 --set run.progress=0
[ "$(grep -c "configuration 116508 of 150000 is read" out)" = 3 ] || fail "looked at again before the training: $(cat out)"
expect 0 "trust: the ensemble at T = 1.5" mpirun -n 3 "$nnsm" run mine.cfg --set run.name=two --set trust.compare=long.h5
expect 85 "nothing is there to go on from yet" "$nnsm" run mine.cfg --set run.name=stopped --set trust.compare=long.h5 --set run.time_limit=1e-9
nothing stopped
"$python" - <<'PY'
import h5py

with h5py.File("results/one.results.h5") as a, h5py.File("results/two.results.h5") as b:
    for name in ("abs_magnetization", "own_hamiltonian"):
        for what in ("predicted", "measured", "measured_error", "p"):
            x, y = (f[f"trust/second/{name}/{what}"][0] for f in (a, b))
            assert x == y, (name, what, x, y)
PY
echo "all as it should be"
