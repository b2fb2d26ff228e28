#!/bin/bash
# How far to believe: networks on bootstrap samples, on any number of ranks and after stops; what the parts of an error
# are; a member's curve against a scan of its own; a second ensemble; single stages.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
trust="$small --set network.kind=frontier --set network.units=6 --set train.augment=[\"translation\",\"spin_flip\"] --set trust.networks=4
  --set scan.temperatures=[1.8,2.5,3.0,9.0] --set scan.sweeps=400"
compare() { # A B: results and members, bit by bit
  "$python" "$source/tests/cli/compare.py" "results/$1" "results/$2" same
  for k in 1 2 3; do
    "$python" - "results/$1.member$k.network.h5" "results/$2.member$k.network.h5" <<'PY'
import sys
import h5py
with h5py.File(sys.argv[1]) as a, h5py.File(sys.argv[2]) as b:
    names = []
    a.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    assert len(names) > 3, names
    for name in names:
        assert name == "training/seconds" or a[name][()].tobytes() == b[name][()].tobytes(), name
PY
  done
}
"$nnsm" run "$quick" $trust --set run.name=one >log || fail "$(tail -3 log)"
grep -q "^trust: |m| is least certain at" log || fail "no errors in the log"
grep -q "H under point_group: .*(not a symmetry that train.augment names)" log || fail "no audit of what is not claimed"

echo "== any number of ranks; single stages; members that are lost are trained again"
mpirun -n 3 "$nnsm" run "$quick" $trust --set run.name=three >log || fail "$(tail -3 log)"
grep -q "trust: networks 2 to 4 side by side, by groups of 1 ranks" log || fail "no groups: $(grep trust: log)"
compare one three
for stage in generate train scan; do "$nnsm" $stage "$quick" $trust --set run.name=stages >log || fail "$stage: $(tail -3 log)"; done
grep -q "warning: trust: 1 of 4 networks are there" log || fail "a scan without members does not say so"
"$nnsm" run "$quick" $trust --set run.name=stages --fresh >log
compare one stages
cp results/one.network.h5 copied.network.h5
for k in 1 2 3; do cp results/one.member$k.network.h5 copied.member$k.network.h5; done
"$nnsm" scan "$quick" $trust --set run.name=bare --set network.file=copied.network.h5 >log || fail "$(tail -3 log)"
cp results/one.ensemble.h5 results/copied.ensemble.h5 # chains start from it too
"$nnsm" scan "$quick" $trust --set run.name=copied --set network.file=copied.network.h5 >log || fail "$(tail -3 log)"
"$python" - <<'PY'
import h5py
with h5py.File("results/one.results.h5") as a, h5py.File("results/copied.results.h5") as b, \
        h5py.File("results/bare.results.h5") as c:
    for name in ("trust/abs_magnetization/networks", "trust/energy/spread", "couplings/spread"):
        assert a[name][()].tobytes() == b[name][()].tobytes(), name
    assert c["trust/abs_magnetization/networks"].shape == a["trust/abs_magnetization/networks"].shape
    assert c["trust/support"].attrs["range_of"] in (b"ancestral samples", "ancestral samples"), "no ensemble was there"
PY

echo "== networks of another ensemble, or another lattice, beside a network that was made anew: the scan is the one without them"
for other in "--set run.seed=2" "--set run.seed=2 --set system.lattice=[4,4]"; do
  for kind in ensemble network member{1..3}.network; do cp results/one.$kind.h5 results/stale.$kind.h5; done
  for stage in generate train; do "$nnsm" $stage "$quick" $trust $other --set run.name=stale --fresh >log || fail "$stage: $(tail -3 log)"; done
  for kind in ensemble network; do cp results/stale.$kind.h5 results/unshared.$kind.h5; done
  "$nnsm" scan "$quick" $trust $other --set run.name=unshared --fresh >log || fail "$(tail -3 log)"
  for ranks in 1 2; do
    timeout 120 mpirun -n $ranks "$nnsm" scan "$quick" $trust $other --set run.name=stale --fresh >log || fail "$ranks ranks: $(tail -3 log)"
    ! grep -q "not the ensemble that the network was trained on" log || fail "a stale network tells what the ensemble was"
    "$python" "$source/tests/cli/compare.py" results/unshared results/stale same
  done
done

echo "== networks that are added to a finished scan judge it by samples of their own, on any number of ranks"
for ranks in 1 3; do
  for networks in 1 4; do
    mpirun -n $ranks "$nnsm" run "$quick" $trust --set run.name=added$ranks --set trust.networks=$networks >log || fail "$networks: $(tail -3 log)"
  done
  grep -q "the networks are not those that judged the chains so far" log || fail "no word of the old samples: $(grep trust: log)"
  ! grep -q "^scan: .* proposals a second" log || fail "the chains began anew"
done
compare added1 added3
"$python" - <<'PY'
import h5py, numpy as np
with h5py.File("results/one.results.h5") as a, h5py.File("results/added1.results.h5") as b:
    t = b["trust"]
    assert t.attrs["networks"] == 4 and t.attrs["samples"] == 2048, dict(t.attrs)  # 256 sweeps of 8 walkers more
    assert (t["effective_samples"][:] >= t.attrs["least_effective_samples"]).all() and (t["energy/spread"][:] > 0).all()
    assert np.array_equal(a["scan/learned/energy/mean"][:], b["scan/learned/energy/mean"][:]), "the scan is the same"
    own = a["trust/energy/networks"][:] - b["trust/energy/networks"][:]
    print("other samples, in errors of the scan:", abs(own / a["scan/learned/energy/error"][:]).max(axis=1))
    assert (abs(own) <= 2 * a["scan/learned/energy/error"][:]).all(), own  # the same curves from other samples: at most 0.75
PY

echo "== as many Hamiltonians, but another one in the last place: its samples are not taken for those of the old one"
for kind in ensemble network checkpoint member{1..3}.network; do cp results/one.$kind.h5 results/inherited.$kind.h5; done
"$nnsm" run "$quick" $trust --set run.name=inherited --set trust.networks=5 --set scan.distilled=false >log || fail "$(tail -3 log)"
grep -q "the networks are not those that judged the chains so far" log || fail "a network inherits the samples of the distilled H"

echo "== a member that cannot be read is named; it does not pass for none, to be replaced or left out"
cp results/one.checkpoint.h5 results/damaged.checkpoint.h5
for kind in ensemble network member1.network member2.network; do cp results/one.$kind.h5 results/damaged.$kind.h5; done
printf x | dd of=results/damaged.member2.network.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null
before=$(sha256sum <results/damaged.member2.network.h5)
for command in run scan; do
  status=0
  mpirun -n 2 "$nnsm" $command "$quick" $trust --set run.name=damaged >out 2>&1 || status=$?
  [ $status = 3 ] && grep -q "^nnsm: results/damaged.member2.network.h5: .*checksum" out || fail "$command: exit $status: $(tail -3 out)"
done
[ "$before" = "$(sha256sum <results/damaged.member2.network.h5)" ] || fail "a damaged member was replaced"

echo "== side by side: what is under way at a stop, or when another group fails, is saved, and any group goes on with it"
long="$trust --set train.epochs=80 --set scan.reference=false"
"$nnsm" run "$quick" $long --set run.name=alone >log || fail "$(tail -3 log)"
! grep -q "side by side" log || fail "one rank cannot be two groups"
mpirun -n 3 "$nnsm" run "$quick" $long --set run.name=side --set run.progress=0 >out & pid=$!
for _ in $(seq 3000); do grep -q "network 3, epoch   40:" out && break; sleep 0.02; done
kill -USR1 $pid
status=0; wait $pid || status=$?
[ $status = 85 ] || fail "not stopped among the members: $status, $(tail -3 out)"
for k in 1 2 3; do [ -s results/side.member$k.checkpoint.h5 ] || fail "network $((k + 1)) is not saved: $(tail -3 out)"; done
cp results/side.member2.checkpoint.h5 kept.h5
printf x | dd of=results/side.member2.checkpoint.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null
status=0; mpirun -n 2 "$nnsm" run "$quick" $long --set run.name=side >out 2>&1 || status=$?
[ $status = 3 ] && grep -q "^nnsm: results/side.member2.checkpoint.h5: .*checksum.* or remove this file alone" out || fail "exit $status: $(tail -3 out)"
mv kept.h5 results/side.member2.checkpoint.h5
# The first group begins anew and is far behind when the second one has trained its network and cannot write it.
rm results/side.member1.checkpoint.h5
mkdir results/side.member2.network.h5.part
status=0; timeout 120 mpirun -n 2 "$nnsm" run "$quick" $long --set run.name=side >out 2>&1 || status=$?
[ $status = 4 ] && grep -q "^nnsm: results/side.member2.network.h5: " out || fail "a group failed: exit $status: $(tail -3 out)"
grep -q "trust: network 3 goes on in epoch" out || fail "it began anew: $(grep trust: out)"
[ ! -e results/side.member1.network.h5 ] && [ -s results/side.member1.checkpoint.h5 ] || fail "work of the other group is lost"
rmdir results/side.member2.network.h5.part
mpirun -n 4 "$nnsm" run "$quick" $long --set run.name=side >log || fail "$(tail -3 log)"
[ "$(grep -c "trust: network . goes on in epoch" log)" = 3 ] || fail "not all went on: $(grep trust: log)"
! ls results/side.member?.checkpoint.h5 >/dev/null 2>&1 || fail "a checkpoint is left"
compare alone side

echo "== stopped while members train and while their errors are evaluated, on other ranks"
status=85 stops=0 ranks=1
rm -f results/stopped.*
"$nnsm" run "$quick" $long --set run.name=stopped >out & pid=$!
for _ in $(seq 400); do grep -q "trust: network 2 of 4" out && break; sleep 0.02; done
touch results/stopped.stop
status=0; wait $pid || status=$?
[ $status = 85 ] && [ -e results/stopped.member1.network.h5 ] || fail "not stopped among the members: $status, $(tail -3 out)"
before=$(stat -c %Y.%i results/stopped.member1.network.h5)
mpirun -n 3 "$nnsm" run "$quick" $long --set run.name=stopped >log || fail "$(tail -3 log)"
[ "$before" = "$(stat -c %Y.%i results/stopped.member1.network.h5)" ] || fail "a finished member was trained again"
compare alone stopped
cp results/stopped.results.h5 kept.h5
rm results/stopped.results.h5
for limit in 0.03 0.06 0.1 0.15 600; do
  status=0
  "$nnsm" run "$quick" $long --set run.name=stopped --set run.time_limit=$limit >log || status=$?
  [ $status = 85 ] || break
done
[ $status = 0 ] || fail "$(tail -3 log)"
compare alone stopped

echo "== what the numbers are"
"$nnsm" scan "$quick" $trust --set run.name=member --set network.file=copied.member2.network.h5 --set trust.networks=1 --set scan.sweeps=4000 >log || fail "$(tail -3 log)"
"$python" - <<'PY'
import h5py, numpy as np
with h5py.File("results/one.results.h5") as f, h5py.File("results/member.results.h5") as own:
    t = f["trust"]
    assert t.attrs["networks"] == 4 and t["effective_samples"].shape == (5, 4)
    assert (t["effective_samples"][0] == t.attrs["samples"]).all()
    for o in ("abs_magnetization", "energy", "learned_energy", "heat_capacity", "susceptibility", "binder", "entropy", "free_energy"):
        g = t[o]
        for part in g:
            assert "units" in g[part].attrs and "description" in g[part].attrs, (o, part)
        curves = g["networks"][:]
        assert np.allclose(curves[0], f[f"scan/learned/{o}/mean"][:], atol=1e-12), o
        assert np.allclose(g["spread"][:], curves[1:].std(0, ddof=1), rtol=1e-9, atol=1e-12), o
        assert np.allclose(g["shift"][:], curves[1:].mean(0) - curves[0], atol=1e-12), o
        assert np.array_equal(g["systematic"][:], f[f"scan/systematic/{o}/difference"][:]), o
        assert np.allclose(g["total"][:], np.sqrt(g["statistical"][:]**2 + g["spread"][:]**2 + g["systematic"][:]**2)), o
        # A member's curve by reweighting against a scan of its own; its noise is that of the run's scan, and smaller.
        # F(T0) = 0 has no error in a scan; by reweighting it has that of ln <w>: 0.3 / sqrt(3000) T0 / 64 sites and less.
        floor = 2.2e-4 if o == "free_energy" else 1e-4
        noise = np.hypot(1.5 * f[f"scan/learned/{o}/error"][:], own[f"scan/learned/{o}/error"][:]) + floor
        pull = (curves[2] - own[f"scan/learned/{o}/mean"][:]) / noise
        assert (abs(pull) < 5).all(), (o, pull)
    s = t["support"][:]
    assert ((0 <= s) & (s <= 1)).all() and s[1] > 0.99 and 0.01 < s[3] < 0.9, s
    a = t["symmetry"]
    assert [n.decode() for n in a["name"][:]] == ["spin_flip", "translation", "point_group"]
    assert a["claimed"][:].tolist() == [1, 1, 0]
    r = a["residual"][:]
    assert r[0] < 1e-3 and 0.01 < r[1] < 1 and 0.01 < r[2] < 1, r  # its units are odd; its sites stand in an order
    assert a["averaged"][:][1] < 0.7 * r[1], a["averaged"][:]
    spread, error = f["couplings/spread"][:], f["couplings/error"][:]
    assert (spread > 0).all() and spread[0] > error[0] / 10, (spread, error)
PY

echo "== a second ensemble"
"$nnsm" generate "$quick" $small --set run.name=at3 --set generate.temperature=3.0 --set run.seed=5 >log
"$nnsm" generate "$quick" $small --set run.name=other --set generate.temperature=3.0 --set run.seed=5 --set system.coupling=1.3 >log
"$nnsm" generate "$quick" $small --set run.name=at27 --set generate.temperature=2.7 --set run.seed=5 >log
for e in at3 other; do
  "$nnsm" run "$quick" $trust --set run.name=one --set trust.compare=results/$e.ensemble.h5 >log || fail "$(tail -3 log)"
  ! grep -q "proposals a second\|epoch " log || fail "a comparison repeats the scan"
  grep "trust: the ensemble at T = 3" log
  cp results/one.results.h5 $e.h5
done
mpirun -n 3 "$nnsm" run "$quick" $trust --set run.name=three --set trust.compare=results/other.ensemble.h5 >log
"$python" "$source/tests/cli/compare.py" results/one results/three same
"$python" - <<'PY'
import h5py, numpy as np
from math import erfc, sqrt
for name, low, high in (("at3", 0.003, 1), ("other", 0, 1e-4)):
    with h5py.File(f"{name}.h5") as f, h5py.File(f"results/{name}.ensemble.h5") as e:
        second = f["trust/second"]
        assert second.attrs["temperature"] == 3.0 and second.attrs["configurations"] == 3000
        m = np.abs(e["configurations"][:].reshape(3000, -1).mean(1)).mean()
        assert abs(second["abs_magnetization/measured"][0] - m) < 1e-12
        for o in ("abs_magnetization", "energy", "own_hamiltonian"):
            a, da, b, db, p = (second[f"{o}/{k}"][0] for k in ("predicted", "predicted_error", "measured", "measured_error", "p"))
            assert abs(p - erfc(abs(a - b) / sqrt(2 * (da**2 + db**2)))) < 1e-12 and low <= p <= high, (name, o, a, da, b, db, p)
PY
"$nnsm" info at3.h5 >info || fail "info: $(cat info)"
"$python" - <<'PY'
import h5py
rows, tail = [], []
for line in open("info").read().split("how far to believe: ")[1].splitlines():
    (rows if line.split() and line.split()[0].replace(".", "").isdigit() else tail).append(line)
with h5py.File("at3.h5") as f:
    t = f["trust"]
    assert tail[0] == "spread of 3 networks on bootstrap samples of the data" and len(rows) == len(t["support"])
    for k, row in enumerate(rows):
        expected = [f["scan/temperature"][k], t["support"][k]]
        for o in ("abs_magnetization", "energy"):
            expected += [f[f"scan/learned/{o}/mean"][k]] + [t[f"{o}/{p}"][k] for p in ("total", "statistical", "spread", "systematic")]
        shown = [float(x.replace("-", "nan")) if x == "-" else float(x) for x in row.split()]
        assert len(shown) == len(expected), row
        for x, y in zip(shown, expected):
            assert x != x and y != y or abs(x - y) < 0.0051 * (1 if x == shown[1] else 0.01), (row, x, y)
    text = "\n".join(tail)
    for name, value in zip(t["symmetry/name"][:], t["symmetry/residual"][:]):
        assert f"H under {name.decode():12s} changes by {value:.4f}" in text, text
    assert "H under point_group" in text and text.count("not named in train.augment") == 1
    assert "second ensemble: 3000 configurations at T = 3" in text
    for o in ("abs_magnetization", "energy", "own_hamiltonian"):
        assert f"p = {t['second'][o]['p'][0]:.3g}" in text, text
PY
expect() { # CODE TEXT COMMAND...
  local code=$1 text=$2 status=0
  shift 2
  "$@" >out 2>&1 || status=$?
  [ $status = "$code" ] && grep -qF -- "$text" out || fail "$*: exit $status: $(tail -3 out)"
}
expect 2 "not scanned; add it to scan.temperatures" "$nnsm" run "$quick" $trust --set run.name=one --set trust.compare=results/at27.ensemble.h5
expect 3 "nowhere.h5" "$nnsm" run "$quick" $trust --set run.name=one --set trust.compare=nowhere.h5
expect 2 "a stream has no data to take bootstrap samples of" "$nnsm" check "$quick" $trust --set network.reach=1 --set train.data=stream
expect 2 "has no spread" "$nnsm" check "$quick" $trust --set trust.networks=2
echo "all as it should be"
