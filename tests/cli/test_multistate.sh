#!/bin/bash
# Models of several states through all stages on a small lattice: the ensemble and the scan of the true model against the
# sum over all states, with energies that numpy computes from /system alone; bits on other numbers of ranks and after
# stops; files that hold the model, and refusals.
. "$(dirname "$0")/common.sh"
. "$source/tests/cli/models.sh"
tiny="--set generate.configurations=4000 --set generate.chains=256 --set generate.interval=20
  --set generate.thermalization=200 --set network.hidden=[16] --set train.epochs=3 --set train.batch=200
  --set train.augment=[] --set scan.temperatures=[0.8,1.2,3.0] --set scan.sweeps=6000 --set scan.thermalization=200
  --set generate.temperature=1.2 --set run.progress=100"

model() { # NAME LATTICE KEYS...
  local name=$1 lattice=$2 algorithm
  shift 2
  for algorithm in metropolis heat_bath wolff; do
    mpirun -n 2 "$nnsm" run "$source/input/quick.cfg" $tiny --set "system.lattice=$lattice" "$@" \
      --set generate.algorithm="$algorithm" --set run.name="$name" --fresh >log || fail "$name, $algorithm: $(tail -3 log)"
    "$python" - results/"$name" "$algorithm" <<'PY'
import sys

import h5py
import numpy as np

stem, algorithm = sys.argv[1:]
results = h5py.File(stem + ".results.h5")
system = {k: v.decode() if isinstance(v, bytes) else v for k, v in results["system"].attrs.items()}
shape, kind, q = [int(n) for n in system["lattice"].flatten()], system["model"], int(system["states"])
J, h, D = system["coupling"], system["field"], system.get("crystal_field", 0)
n = int(np.prod(shape))
k = (np.arange(q**n)[:, None] // q ** np.arange(n)) % q
s = k.reshape([-1] + shape)
if kind == "potts":
    bond, site = -J * np.eye(q), -h * (np.arange(q) == 0)
elif kind == "clock":
    angle = 2 * np.pi * np.arange(q) / q
    bond, site = -J * np.cos(angle[:, None] - angle), -h * np.cos(angle)
else:
    spin = np.arange(3) - 1
    bond, site = -J * np.outer(spin, spin), D * spin**2 - h * spin
energy = site[s].reshape(len(s), -1).sum(1)
for a in range(len(shape)):
    t = np.roll(s, -1, a + 1)
    e = bond[s, t]
    if system["boundary"] == "open":
        e = np.delete(e, -1, a + 1)
    energy = energy + e.reshape(len(s), -1).sum(1)
count = np.stack([(k == level).sum(1) for level in range(q)], 1)
largest = (q * count.max(1) / n - 1) / (q - 1)
m = abs((k - 1).mean(1)) if kind == "blume_capel" else largest
order = {"potts": largest, "clock": abs(np.exp(2j * np.pi * k / q).mean(1)), "blume_capel": None}[kind]

with h5py.File(stem + ".ensemble.h5") as file:
    rows = file["configurations"]
    values = np.arange(q) - (kind == "blume_capel")
    assert (rows.attrs["values"].flatten() == values).all() and ("labels" in rows.attrs) == (kind != "blume_capel")
    assert set(np.unique(rows[:])) <= set(values)
wanted = {"energy": energy / n, "abs_magnetization": m}
assert ("order_parameter" in results["scan/true"]) == (order is not None)
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


attributes = results["ensemble"].attrs
w = weights(attributes["temperature"])
for what, each in wanted.items():
    compare("ensemble " + what, attributes[what + "_mean"], attributes[what + "_error"], (w * each).sum())
for i, t in enumerate(results["scan/temperature"][:]):
    w = weights(t)
    for what, each in wanted.items():
        cell = results[f"scan/true/{what}"]
        compare(f"{what} at T = {t}", cell["mean"][i], cell["error"][i], (w * each).sum())
    assert abs(results["exact/energy"][i] - (w * energy).sum() / n) < 1e-9
    assert abs(results["exact/entropy"][i] + (w * np.log(np.maximum(w, 1e-300))).sum() / n) < 1e-9
# The known entropy makes KL a number that must not be negative beyond its noise.
assert np.isfinite(results["training/kl"][:]).all() and results["training/kl"][-1] > -0.2
# Bins hold whole steps of the energy, where it has steps: the histogram is that of the states, to 6 sigma, in every bin.
edges = results["distribution/energy_edges"][:]
w = weights(attributes["temperature"])
share = np.histogram(energy / n, edges, weights=w)[0]
seen = results["distribution/data"][:] * np.diff(edges)
effective = attributes["effective_configurations"]
assert abs(seen.sum() - 1) < 1e-9 and (abs(seen - share) < 6 * np.sqrt(share / effective) + 3 / effective).all()
print(f"{stem}, {algorithm}: within {worst:.1f} sigma")
PY
  done
}

model potts2 "[3,4]" --set system.model=potts --set system.states=2
model potts3 "[2,4]" --set system.model=potts --set system.boundary=open --set system.field=0.2
model potts4 "[6]" --set system.model=potts --set system.states=4 --set system.coupling=-0.5
model clock4 "[2,3]" --set system.model=clock --set system.states=4
model capel "[3,3]" --set system.model=blume_capel --set system.crystal_field=0.5 --set system.boundary=open

# The same bits on other numbers of ranks, and by single stages, of which the later two learn the model from the files.
set -- $tiny --set system.lattice=[6,6] --set scan.sweeps=200 --set system.model=potts
"$nnsm" run "$source/input/quick.cfg" "$@" --set run.name=one >log || fail "$(tail -3 log)"
mpirun -n 3 "$nnsm" run "$source/input/quick.cfg" "$@" --set run.name=three >log || fail "$(tail -3 log)"
"$python" "$source/tests/cli/compare.py" results/one results/three same

same_after_stops "generate.algorithm=heat_bath" "$@"
same_after_stops "system.model=blume_capel --set generate.algorithm=wolff" "$@"
# shellcheck disable=SC2086
same_from_files $tiny --set scan.sweeps=200

refused "its model is potts with coupling 1, 3 states and field 0, system is clock with coupling 1, 3 states" \
  "$nnsm" train follow.cfg --fresh --set system.lattice=[6,6] --set system.model=clock --set run.name=wrong
refused "system is potts with coupling 1, 4 states" "$nnsm" train follow.cfg --fresh \
  --set system.lattice=[6,6] --set system.model=potts --set system.states=4 --set run.name=wrong
refused "crystal field 0.5 and field 0, system is blume_capel with coupling 1, crystal field 0 " "$nnsm" train \
  follow.cfg --fresh --set ensemble.file=results/capel.ensemble.h5 --set system.lattice=[3,3] \
  --set system.boundary=open --set system.model=blume_capel --set run.name=wrong
"$python" - <<'PY'
import h5py

with h5py.File("results/one.ensemble.h5") as one, h5py.File("results/many.ensemble.h5", "w") as many:
    for name in ("configurations", "system"):  # a file of others: without the seal
        one.copy(name, many)
    many["system"].attrs["states"] = 99
PY
refused "99 states; a site has 2 to 32" "$nnsm" train follow.cfg --fresh --set ensemble.file=results/many.ensemble.h5 \
  --set run.name=wrong
echo "all models of several states agree"
