#!/bin/bash
# Walkers start from data, ordered and random: a scan that depends on that says so in log, results and figure; one that
# does not is not accused; the same bits on any number of ranks.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
run() { "$nnsm" run "$quick" $small --set run.name="$1" --set scan.sampler=metropolis "${@:2}" >log || fail "$(tail -3 log)"; }
again() { # again NAME SETTINGS: another scan of the same network
  "$nnsm" scan "$quick" $small --set run.name="$1" --set network.file=results/whole.network.h5 --set scan.sampler=metropolis \
    --set scan.distilled=false "${@:2}" >log || fail "$(tail -3 log)"
}
run whole --set scan.sweeps=3000 --set scan.thermalization=200 --set "scan.temperatures=[1.0,1.5,2.0,2.5,3.0,4.0]"
[ "$(grep -c 'starts from data, ordered and random agree' log)" = 3 ] || fail "accused: $(grep start log)"
settings="--set scan.exchange=false --set scan.thermalization=0 --set scan.sweeps=20"
# Quenched, some walkers freeze where no ordered one is: in stripes.
again cold $settings --set "scan.temperatures=[0.05,2.5]" --set scan.walkers=60 --set scan.thermalization=50 --set scan.sweeps=200
grep -q "warning: scan: depends on its start at T = 0.05; largest difference" log || fail "not seen: $(cat log)"
again pair --set scan.walkers=2
grep -q "starts from data and ordered agree" log || fail "$(cat log)"
again one --set scan.walkers=1
grep -q "scan: whether it depends on its start cannot be told; take 3 walkers or more" log || fail "$(cat log)"
again frozen --set "scan.temperatures=[0.01]" --set scan.thermalization=0 --set scan.sweeps=1 --set scan.exchange_interval=1 --set scan.exchange=false --set scan.walkers=30
PYTHONPATH="$source/analysis" "$python" - <<'PY'
import h5py
import numpy as np

names = ("data", "ordered", "random")
of = lambda name: h5py.File(f"results/{name}.results.h5")["scan/learned"]
whole = of("whole")
share = np.array([3, 3, 2]) / 8
for q, observable in (("abs_magnetization", "abs_magnetization"), ("hamiltonian", "learned_energy")):
    mean = np.array([whole[f"starts/{s}/{q}/mean"][:] for s in names])
    assert np.allclose(share @ mean, whole[f"{observable}/mean"][:], rtol=1e-12)
    # Converged: the spread within walkers is all there is, so that both errors of a start agree.
    ratio = np.array([whole[f"starts/{s}/{q}/within"][:] / whole[f"starts/{s}/{q}/error"][:] for s in names])
    assert (0.4 < ratio).all() and (ratio < 2.5).all() and 0.8 < np.median(ratio) < 1.2, ratio
for name in ("whole", "cold"):
    s, pull = of(name)["starts"], 0
    for q in ("abs_magnetization", "hamiltonian"):
        for a, b in (("data", "ordered"), ("data", "random"), ("ordered", "random")):
            mean, within = ([s[f"{x}/{q}/{k}"][:] for x in (a, b)] for k in ("mean", "within"))
            pull = np.maximum(pull, abs(mean[0] - mean[1]) / np.hypot(*within))
    assert np.allclose(np.minimum(pull, 1000), s["pull"][:], rtol=1e-9), (pull, s["pull"][:])
    assert s.attrs["depends_on_start"] == (pull > s.attrs["limit"]).sum() == (name == "cold"), pull
assert np.isnan(of("pair")["starts/random/hamiltonian/mean"][:]).all() and np.isnan(of("one")["starts/pull"][:]).all()
# Nothing but descent at T = 0.01: ordered walkers stay, random ones begin far above.
start = {s: of("frozen")[f"starts/{s}/abs_magnetization/mean"][0] for s in names}
assert start["ordered"] == 1 and start["random"] < 0.95, start
import matplotlib
import results as r
for name, wanted in (("whole", 0), ("cold", 1)):
    axes = r.plt.subplots()[1]
    r.plot_curves(axes, r.open_results(f"results/{name}.results.h5"), "abs_magnetization")
    rings = [line for line in axes.lines if line.get_label() == "learned: depends on its start"]
    assert len(rings) == wanted and all(list(line.get_xdata()) == [0.05] for line in rings), name
PY

echo "== the same bits on two ranks; without data, from the network's own samples"
mpirun -n 2 "$nnsm" run "$quick" $small --set run.name=ranks --set scan.sampler=metropolis --set scan.sweeps=3000 \
  --set scan.thermalization=200 --set "scan.temperatures=[1.0,1.5,2.0,2.5,3.0,4.0]" >log
"$python" "$source/tests/cli/compare.py" results/whole results/ranks same
cp results/whole.ensemble.h5 results/with.ensemble.h5
for name in with without; do
  again $name $settings --set scan.sweeps=4 --set "scan.temperatures=[0.01,2.5]"
done
"$python" - <<'PY'
import h5py

a, b = (h5py.File(f"results/{name}.results.h5")["scan/learned/starts"] for name in ("with", "without"))
for start in ("data", "ordered", "random"):
    same = (a[start]["hamiltonian/mean"][:] == b[start]["hamiltonian/mean"][:]).all()
    assert same == (start != "data"), start
PY
echo ok
