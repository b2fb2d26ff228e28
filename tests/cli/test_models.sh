#!/bin/bash
# Every model through all stages on a small lattice: the ensemble and the scan of the true model against the sum over all
# states, with energies that numpy computes from /system alone; then files that hold the model, and refusals.
. "$(dirname "$0")/common.sh"
. "$source/tests/cli/models.sh"
tiny="--set generate.configurations=4000 --set generate.chains=256 --set generate.interval=20
  --set generate.thermalization=200 --set network.hidden=[16] --set train.epochs=3 --set train.batch=200
  --set train.augment=[] --set scan.temperatures=[1.5,2.5,6.0] --set scan.sweeps=6000 --set scan.thermalization=200
  --set run.progress=100"

model() { # NAME LATTICE WOLFF KEYS...
  local name=$1 lattice=$2 wolff=$3 algorithm
  shift 3
  for algorithm in metropolis $wolff; do
    mpirun -n 2 "$nnsm" run "$source/input/quick.cfg" $tiny --set "system.lattice=$lattice" "$@" \
      --set generate.algorithm="$algorithm" --set run.name="$name" --fresh >log || fail "$name, $algorithm: $(tail -3 log)"
    "$python" - results/"$name" "$algorithm" <<'PY'
import sys
from itertools import combinations

import h5py
import numpy as np

stem, algorithm = sys.argv[1:]
results = h5py.File(stem + ".results.h5")
system = dict(results["system"].attrs)
shape = [int(n) for n in system["lattice"].flatten()]
kind, open_ = (v.decode() if isinstance(v, bytes) else v for v in (system["model"], system["boundary"]))
open_ = open_ == "open"
n, axes, J = int(np.prod(shape)), range(len(shape)), system["coupling"]
states = (1 - 2 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1)).astype(np.int8)
s = states.reshape([-1] + shape)


def moved(steps):
    """The spin at r + steps for every r; 0 beyond an open edge."""
    t = s
    for a, step in enumerate(steps):
        t = np.roll(t, -step, a + 1)
        if open_ and step:
            edge = [slice(None)] * t.ndim
            edge[a + 1] = slice(-step, None) if step > 0 else slice(None, -step)
            t = t.copy()
            t[tuple(edge)] = 0
    return t


def unit(*along):
    return tuple(sum(sign for b, sign in along if a == b) for a in axes)


def products(*steps):
    t = s
    for step in steps:
        t = t * moved(step)
    return t.reshape(len(s), -1).sum(1, dtype=np.int64)


energy = -system["field"] * states.sum(1, dtype=np.int64)
if kind == "baxter_wu":
    energy = energy - J * sum(products(unit((0, d)), unit((1, d))) for d in (1, -1))
elif kind == "spin_glass":
    bonds = results["system/bonds"][:]
    assert set(np.unique(bonds)) <= {-J, 0, J}
    for a in axes:
        energy = energy - ((s * moved(unit((a, 1)))).reshape(len(s), -1) * bonds[:, a]).sum(1)
else:
    ratio = system.get("anisotropy", np.ones(len(shape))).flatten()
    energy = energy - sum(J * ratio[a] * products(unit((a, 1))) for a in axes)
    pairs = list(combinations(axes, 2))
    diagonals = [unit((a, 1), (b, d)) for a, b in pairs for d in (1, -1)] or [(2,)]
    energy = energy - system.get("next_nearest", 0) * sum(products(d) for d in diagonals)
    energy = energy - system.get("plaquette", 0) * sum(
        products(unit((a, 1)), unit((b, 1)), unit((a, 1), (b, 1))) for a, b in pairs)
place = np.indices(shape).reshape(len(shape), -1)
order = None
if kind == "baxter_wu":
    part = (place[0] + 2 * place[1]) % 3
    order = np.sqrt(sum(states[:, part == k].mean(1) ** 2 for k in range(3)) / 3)
elif kind == "ising" and (J * ratio < 0).any() and (open_ or all(x % 2 == 0 for x in np.array(shape)[J * ratio < 0])):
    order = abs((states * (-1) ** place[J * ratio < 0].sum(0)).mean(1))
assert ("order_parameter" in results["scan/true"]) == (order is not None)

wanted = {"energy": energy / n, "abs_magnetization": abs(states.mean(1))}
if order is not None:
    wanted["order_parameter"] = order
worst = 0


def compare(what, mean, error, exact):
    global worst
    pull = abs(mean - exact) / error
    worst = max(worst, pull)
    assert pull < 5 and error < 0.05, f"{stem} {algorithm} {what}: {mean} +- {error}, exact {exact}"


def weights(t):
    w = np.exp(-(energy - energy.min()) / t)
    return w / w.sum()


w = weights(results["ensemble"].attrs["temperature"])
for what, values in wanted.items():
    attributes = results["ensemble"].attrs
    compare("ensemble " + what, attributes[what + "_mean"], attributes[what + "_error"], (w * values).sum())
for i, t in enumerate(results["scan/temperature"][:]):
    w = weights(t)
    for what, values in wanted.items():
        cell = results[f"scan/true/{what}"]
        compare(f"{what} at T = {t}", cell["mean"][i], cell["error"][i], (w * values).sum())
    assert abs(results["exact/energy"][i] - (w * energy).sum() / n) < 1e-9
    assert abs(results["exact/entropy"][i] + (w * np.log(np.maximum(w, 1e-300))).sum() / n) < 1e-9
# The known entropy makes KL a number that must not be negative beyond its noise.
assert np.isfinite(results["training/kl"][:]).all() and results["training/kl"][-1] > -0.2
# Bins hold whole steps of the energy: the histogram is that of the states, to 6 sigma, in every bin.
edges = results["distribution/energy_edges"][:]
w = weights(results["ensemble"].attrs["temperature"])
share = np.histogram(energy / n, edges, weights=w)[0]
seen = results["distribution/data"][:] * np.diff(edges)
effective = results["ensemble"].attrs["effective_configurations"]
assert (abs(seen - share) < 6 * np.sqrt(share / effective) + 3 / effective).all() and abs(seen.sum() - 1) < 1e-9
print(f"{stem}, {algorithm}: within {worst:.1f} sigma")
PY
  done
}

model next_nearest "[4,4]" wolff --set system.next_nearest=0.3
model antiferromagnet "[4,4]" wolff --set system.coupling=-1 --set system.field=0.5
model anisotropic "[4,4]" wolff --set "system.anisotropy=(1, -0.5)" --set system.boundary=open
model plaquette "[4,4]" "" --set system.plaquette=0.5
model glass "[4,4]" wolff --set system.model=spin_glass --set system.disorder=3
model open_glass "[3,5]" wolff --set system.model=spin_glass --set system.boundary=open --set system.field=0.1
model baxter_wu "[6,3]" "" --set system.model=baxter_wu
model chain "[14]" wolff --set system.next_nearest=-0.4
model cube "[2,2,4]" "" --set system.next_nearest=0.2 --set system.plaquette=-0.3

# The same bits on other numbers of ranks, and by single stages, of which the later two learn the model from the files.
set -- $tiny --set system.lattice=[6,6] --set scan.sweeps=200
"$nnsm" run "$source/input/quick.cfg" "$@" --set system.model=baxter_wu --set run.name=one >log || fail "$(tail -3 log)"
mpirun -n 3 "$nnsm" run "$source/input/quick.cfg" "$@" --set system.model=baxter_wu --set run.name=three >log || fail "$(tail -3 log)"
"$python" "$source/tests/cli/compare.py" results/one results/three same

same_after_stops "system.model=baxter_wu" "$@"
same_after_stops "system.next_nearest=0.3 --set generate.algorithm=wolff" "$@"
# shellcheck disable=SC2086
same_from_files $tiny --set scan.sweeps=200

refused "its model is baxter_wu with coupling 1 and field 0, system is ising" "$nnsm" train follow.cfg --fresh \
  --set system.lattice=[6,6] --set run.name=wrong
refused "coupling 1 and field 0, system is baxter_wu with coupling 2" "$nnsm" train follow.cfg --fresh \
  --set system.lattice=[6,6] --set system.model=baxter_wu --set system.coupling=2 --set run.name=wrong
refused "disorder 3 and field 0, system is spin_glass with coupling 1, disorder 4" "$nnsm" train follow.cfg --fresh \
  --set ensemble.file=results/glass.ensemble.h5 --set system.lattice=[4,4] --set system.model=spin_glass \
  --set system.disorder=4 --set run.name=wrong
echo "all models agree"
