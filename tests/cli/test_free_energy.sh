#!/bin/bash
# Free energy and entropy of the learned Hamiltonian and of the true model, against the sum over all 65536 states of a 4 x 4
# lattice from the ground states to almost infinite temperature: T0 between the scan's temperatures, chains with and without
# exchange, scans that were extended; errors over seeds; no number where there can be none.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
four="--set system.lattice=[4,4] --set generate.configurations=6000 --set network.hidden=[24,16] --set train.epochs=10
  --set scan.sweeps=3000 --set scan.thermalization=101 --set run.progress=100"
all="--set scan.temperatures=[0.5,0.8,1.2,1.6,2.0,2.4,2.9,3.6,5.0,9.0,30.0,1000.0]"
"$nnsm" run "$quick" $four $all --set run.name=s1 >log || fail "$(tail -3 log)"
network="--set network.file=results/s1.network.h5"
for seed in $(seq 2 12); do
  "$nnsm" scan "$quick" $four $all $network --set run.seed=$seed --set run.name=s$seed >>log || fail "$(tail -3 log)"
done
echo "== the same on any number of ranks, also where some have no temperature; half of the temperatures come later"
mpirun -n 3 "$nnsm" scan "$quick" $four $all $network --set run.seed=2 --set run.name=r3 >log
apart="$four $network --set scan.exchange=false"
for ranks in 1 5; do
  mpirun -n $ranks "$nnsm" scan "$quick" $apart --set run.name=late$ranks --set "scan.temperatures=[1.6,2.4,3.6,9.0]" >log
  mpirun -n $ranks "$nnsm" scan "$quick" $apart --set run.name=late$ranks --set scan.sweeps=4001 \
    --set "scan.temperatures=[1.2,1.6,2.0,2.4,2.9,3.6,5.0,9.0]" >log
  grep -q "the scan is extended" log || fail "not extended: $(cat log)"
done
for run in s2 r3 late1 late5; do cp results/s1.ensemble.h5 results/$run.ensemble.h5; cp results/s1.network.h5 results/$run.network.h5; done
"$python" "$source/tests/cli/compare.py" results/s2 results/r3 same
"$python" "$source/tests/cli/compare.py" results/late1 results/late5 same
"$python" - <<'PY'
import h5py, numpy as np

n, T0 = 16, 2.5
states = 1.0 - 2.0 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1)
grid = states.reshape(-1, 4, 4)
energy = -sum((grid * np.roll(grid, 1, axis)).sum((1, 2)) for axis in (1, 2))
f = h5py.File("results/s1.network.h5")
a = x = states  # raster order: position = site
for l in (1, 2):
    a = np.maximum(a @ f[f"hidden_{l}/weight"][:].T.astype(float) + f[f"hidden_{l}/bias"][:], 0)
o = a @ f["output/weight"][:].T.astype(float) + f["output/bias"][:] + x @ f["direct/weight"][:].T.astype(float)
learned = T0 * np.log1p(np.exp(-x * o)).sum(1)


def log_partition(h, t):
    return -h.min() / t + np.log(np.exp(-(h - h.min()) / t).sum())


def exact(h, t):
    w = np.exp(-(h - h.min()) / t)
    return {"free_energy": (T0 * log_partition(h, T0) - t * log_partition(h, t)) / n,
            "entropy": ((w * h).sum() / w.sum() / t + log_partition(h, t)) / n}


def pulls(run):
    """z of all estimates at all temperatures: [hamiltonian][F, S, integrated, reweighted]."""
    results, found = h5py.File(f"results/{run}.results.h5"), {}
    for name, h in (("learned", learned), ("true", energy)):
        scan = results["scan/" + name]
        F, S = scan["free_energy"], scan["entropy"]
        for i, t in enumerate(results["scan/temperature"][:]):
            e = exact(h, t)
            assert F["error"][i] < 6e-3 * max(1, t) and S["error"][i] < 4e-3, (run, name, t, F["error"][i], S["error"][i])
            total = np.hypot(F["integrated_error"][i], 2.5 * F["integrated_systematic"][i])  # an estimate within 2.5
            z = [(F["mean"][i] - e["free_energy"]) / F["error"][i], (S["mean"][i] - e["entropy"]) / S["error"][i],
                 (F["integrated"][i] - e["free_energy"]) / total if np.isfinite(total) else 0]
            z.append((F["reweighted"][i] - e["free_energy"]) / F["reweighted_error"][i]
                     if F["reweighted_samples"][i] >= 1000 else 0)
            assert (F["reweighted_samples"][i] < 200) == np.isnan(F["reweighted"][i])
            found.setdefault(name, []).append(z)
            assert max(map(abs, z)) < 4.5, (run, name, t, z)
        found[name] = np.array(found[name])
    return found


seeds = [pulls(f"s{s}") for s in range(1, 13)]
for name in ("learned", "true"):
    z = np.array([s[name] for s in seeds])
    for k, what in enumerate(("F", "S")):
        width = np.sqrt((z[:, :, k] ** 2).mean())
        print(f"{name} {what}: pulls over 12 seeds have width {width:.2f}")
        # The temperatures of a seed go together: 4 sigma of at least 2 independent ones a seed.
        assert abs(width - 1) < 4 / np.sqrt(2 * 24), (name, what, width)
pulls("late1")
results = h5py.File("results/s1.results.h5")
for name, ground in (("learned", None), ("true", np.log(2))):
    S, dS = (results[f"scan/{name}/entropy/{k}"][:] * n for k in ("mean", "error"))
    print(f"{name}: S(1000) = {S[-1]:.4f} +- {dS[-1]:.4f} (16 ln 2 = {16 * np.log(2):.4f}), S(0.5) = {S[0]:.4f} +- {dS[0]:.4f}")
    assert abs(S[-1] - 16 * np.log(2)) < 4 * dS[-1] + 1e-4 and dS[-1] < 0.05
    if ground:
        assert abs(S[0] - ground) < 4 * dS[0] + 1e-4 and dS[0] < 0.05
anchor = results["scan/true/free_energy"].attrs
off = (anchor["log_partition_T0"] - log_partition(energy, T0) / n) / anchor["log_partition_T0_error"]
assert abs(off) < 4.5 and anchor["log_partition_T0_error"] < 3e-3, off
assert abs(results["exact"].attrs["log_partition_T0"] - log_partition(energy, T0) / n) < 1e-9
for i, t in enumerate(results["exact/temperature"][:]):
    assert abs(results["exact/free_energy"][i] - exact(energy, t)["free_energy"]) < 1e-9
PY
echo "== 8 x 8, to the two ground states; no number beyond a gap, and none from samples that are worth nothing"
eight="--set scan.sweeps=2000 --set scan.thermalization=200 --set run.progress=100"
"$nnsm" run "$quick" $eight --set run.name=low --set "scan.temperatures=[0.6,0.9,1.2,1.5,1.8,2.1,2.4,2.7]" >log
"$nnsm" scan "$quick" $eight --set network.file=results/low.network.h5 --set run.name=gap --set scan.reference=false \
  --set "scan.temperatures=[0.6,2.4,2.5]" >log
grep -q "warning: scan: no free energy and no entropy from T = 0.6 on" log || fail "no word of the gap: $(cat log)"
echo "== the same on more ranks: a gap between two of them; T0 = 2.5 at the edges of a scan and outside of it"
edge=0
for temperatures in 0.6,2.4,2.5 2.5,2.8,3.2 2.6,2.9,3.3 2.0,2.2,2.4; do
  edge=$((edge + 1))
  for ranks in 1 3; do
    mpirun -n $ranks "$nnsm" scan "$quick" $eight --set network.file=results/low.network.h5 --set run.name=edge$edge-$ranks \
      --set scan.reference=false --set scan.sweeps=300 --set "scan.temperatures=[$temperatures]" >log
    cp results/low.network.h5 results/edge$edge-$ranks.network.h5
  done
  "$python" "$source/tests/cli/compare.py" results/edge$edge-1 results/edge$edge-3 same
done
"$nnsm" run "$quick" $small --set run.name=worthless --set "network.hidden=()" --set network.direct=false >log
grep -q "warning: reference: the ancestral samples at T0 are worth only" log || fail "no word of worthless samples: $(cat log)"
"$python" - <<'PY'
import h5py, numpy as np
low, gap, worthless = (h5py.File(f"results/{n}.results.h5") for n in ("low", "gap", "worthless"))
S, dS = (low[f"scan/true/entropy/{k}"][0] * 64 for k in ("mean", "error"))
print(f"true: S(0.6) = {S:.4f} +- {dS:.4f}, ln 2 = {np.log(2):.4f}")
assert abs(S - np.log(2)) < 4 * dS and dS < 0.1
S, dS, exact = low["scan/true/entropy/mean"][:], low["scan/true/entropy/error"][:], low["exact/entropy"][:]
z = (S - np.interp(low["scan/temperature"][:], low["exact/temperature"][:], exact)) / dS
assert abs(z).max() < 4.5, z
for what in ("free_energy", "entropy"):
    assert (np.isnan(gap[f"scan/learned/{what}/mean"][:]) == [True, False, False]).all()
    assert np.isnan(worthless[f"scan/true/{what}/mean"][:]).all()
    assert np.isfinite(worthless[f"scan/learned/{what}/mean"][:]).all()
PY
