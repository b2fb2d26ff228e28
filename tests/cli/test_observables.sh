#!/bin/bash
# Every observable of a scan, of the true model and of the learned and the distilled Hamiltonian, and its couplings, against the sum over all 65536 states of a
# 4 x 4 lattice; numpy evaluates the network from its file.
. "$(dirname "$0")/common.sh"
for exchange in true false; do for sampler in self_learning metropolis; do
  mpirun -n 2 "$nnsm" run "$source/input/quick.cfg" --set system.lattice=[4,4] --set generate.configurations=6000 \
    --set network.hidden=[24,16] --set train.epochs=10 --set scan.sweeps=20000 --set scan.thermalization=200 \
    --set "scan.temperatures=[1.5,2.0,2.5,3.0,5.0,40.0]" --set scan.exchange=$exchange \
    --set scan.sampler=$sampler --set run.name=small_${exchange}_$sampler >log || fail "$(tail -3 log)"
  "$python" - results/small_${exchange}_$sampler <<'PY'
import sys
import h5py, numpy as np

n, J = 16, 1.0
states = 1.0 - 2.0 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1)
grid = states.reshape(-1, 4, 4)
energy = -J * sum((grid * np.roll(grid, 1, axis)).sum((1, 2)) for axis in (1, 2))
m = states.mean(1)
f = h5py.File(sys.argv[1] + ".network.h5")
a = x = states  # raster order: position = site
for l in (1, 2):
    a = np.maximum(a @ f[f"hidden_{l}/weight"][:].T.astype(float) + f[f"hidden_{l}/bias"][:], 0)
o = a @ f["output/weight"][:].T.astype(float) + f["output/bias"][:] + x @ f["direct/weight"][:].T.astype(float)
learned = f.attrs["temperature"] * np.log1p(np.exp(-x * o)).sum(1)
assert abs(np.exp(-learned / f.attrs["temperature"]).sum() - 1) < 1e-5


def log_partition(h, t):
    return -h.min() / t + np.log(np.exp(-(h - h.min()) / t).sum())
results = h5py.File(sys.argv[1] + ".results.h5")


def operator(sites):
    """The sum over all products that translations, reflections and rotations make of one."""
    place = np.arange(n).reshape(4, 4)
    images = set()
    for turn in range(4):
        for mirror in (1, -1):
            for shift in range(n):
                image = np.roll(np.rot90(place, turn)[:, ::mirror], divmod(shift, 4), (0, 1)).ravel()
                images.add(tuple(sorted(image[s] for s in sites)))
    return sum(states[:, list(image)].prod(1) for image in images)


# Couplings: the projection on all states with their probabilities; the distilled Hamiltonian is what the table says.
couplings = results["couplings"]
basis = np.array([operator([int(s) for s in sites if s >= 0]) for sites in couplings["sites"][:]])
p = np.exp(-learned / f.attrs["temperature"])
design = np.vstack([np.ones(len(states)), -basis])
ideal = np.linalg.solve((design * p) @ design.T, (design * p) @ learned)
pulls = (couplings["coupling"][:] - ideal[1:]) / couplings["error"][:]
assert len(pulls) > 5 and max(abs(pulls)) < 4.5, pulls
rest = learned - ideal @ design
assert abs(couplings.attrs["r2"] - 1 + (p * rest**2).sum() / (p * (learned - (p * learned).sum()) ** 2).sum()) < 0.01
distilled = couplings.attrs["distilled_constant"] - couplings["distilled"][:] @ basis
print(f"{len(pulls)} couplings within {max(abs(pulls)):.1f} sigma of the projection on all states")


def exact(h, t):
    w = np.exp(-(h - h.min()) / t)
    w /= w.sum()
    mean = lambda v: (w * v).sum()
    m2, m4, am = mean(m**2), mean(m**4), mean(abs(m))
    return {"abs_magnetization": am, "magnetization": mean(m), "magnetization2": m2, "magnetization4": m4,
            "energy": mean(energy) / n, "learned_energy": mean(h) / n,
            "heat_capacity": (mean(h**2) - mean(h) ** 2) / (n * t**2), "susceptibility": n * (m2 - am**2) / t,
            "binder": 1 - m4 / (3 * m2**2), "entropy": (mean(h) / t + log_partition(h, t)) / n,
            "free_energy": (2.5 * log_partition(h, 2.5) - t * log_partition(h, t)) / n}


pulls = []
for name, h in (("learned", learned), ("true", energy), ("distilled", distilled)):
    for i, t in enumerate(results["scan/temperature"][:]):
        for what, value in exact(h, t).items():
            if what == "learned_energy" and name == "true":
                continue
            mean, error = (results[f"scan/{name}/{what}/{k}"][i] for k in ("mean", "error"))
            if what == "free_energy" and t == 2.5:
                assert mean == 0 and error == 0  # by definition
                continue
            pull = (mean - value) / error
            pulls.append(pull)
            if what != "magnetization":  # flips sign rarely at low T without exchange; its error says so
                assert error < 0.05 * max(abs(value), 0.2), (name, t, what, error)
            assert abs(pull) < 5, f"{name} {what} at T = {t}: {mean} +- {error}, exact {value}"
for what in exact(learned, 1):
    # On common samples or of two scans, whichever is less noisy: the exact difference within 5 sigma.
    difference, error = (results[f"scan/systematic/{what}/{k}"][:] for k in ("difference", "error"))
    scans = np.hypot(*(results[f"scan/{name}/{what}/error"][:] for name in ("learned", "distilled")))
    for i, t in enumerate(results["scan/temperature"][:]):
        wanted = exact(learned, t)[what] - exact(distilled, t)[what]
        assert abs(difference[i] - wanted) < 5 * error[i] + 1e-9, (what, t, difference[i], wanted, error[i])
    assert (error <= scans).all(), (what, error, scans)
# Errors are honest: pulls of unit width (neighbours are correlated: half as many counted, 4 sigma).
width = np.sqrt(np.mean(np.square(pulls)))
assert abs(width - 1) < 4 / np.sqrt(len(pulls)), width
exact_energy = np.interp(2.5, results["exact/temperature"][:], results["exact/energy"][:])
assert abs(exact_energy - exact(energy, 2.5)["energy"]) < 1e-6
print(f"{len(pulls)} values within {max(map(abs, pulls)):.1f} sigma, width {width:.2f}")
PY
done; done
