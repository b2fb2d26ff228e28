#!/usr/bin/python3
"""example_phi4.py make OUT.npy --temperature T [options] | compare RESULTS.h5 DATA.npy:T ... : a user's data, for the README.

make: equilibrium configurations of the lattice phi^4 model (Milchev, Heermann and Binder, J. Stat. Phys. 44, 749 (1986)),
    H(phi) = sum_i [ -u/2 phi_i^2 + u/4 phi_i^4 ] + sum_<ij> 1/2 (phi_i - phi_j)^2,    weight exp(-H/T),
on a periodic square lattice, by Metropolis steps on all replicas at once; nothing of nnsm is used. u is the depth of the
wells at phi = +-1 in units of four. OUT.npy: float32 [configurations, L, L]; configuration k * replicas + c is number k of
replica c. The seed decides all of it.

compare: |m| and the susceptibility of the signs of phi in each DATA.npy, made at temperature T, against what a run of nnsm
predicts there (results/NAME.results.h5), in sigma; and both in a figure beside the results file."""
import argparse
import sys

import numpy as np


def sweep(half, temperature, u, step, rng):
    """One Metropolis step a site: first the even, then the odd ones. half: even and odd sites, each [L, L / 2, replicas];
    column j of row x is column 2 j + x % 2 of the even lattice, 2 j + 1 - x % 2 of the odd one. -> share accepted."""
    accepted = 0
    for own, other in ((0, 1), (1, 0)):
        phi, near = half[own], half[other]
        around = np.roll(near, 1, 0) + np.roll(near, -1, 0) + near
        around[own::2] += np.roll(near[own::2], 1, 1)  # rows whose sites have their partner on the left
        around[other::2] += np.roll(near[other::2], -1, 1)
        new = phi + np.float32(step) * (2 * rng.random(phi.shape, dtype=np.float32) - 1)
        # four bonds a site: 1/2 (phi - phi')^2 summed = 2 phi^2 - phi sum phi' + ...
        a, b = phi * phi, new * new
        change = (b - a) * (np.float32(2 - u / 2) + np.float32(u / 4) * (a + b)) - (new - phi) * around
        take = rng.random(phi.shape, dtype=np.float32) < np.exp(np.minimum(0, change * np.float32(-1 / temperature)))
        np.copyto(phi, new, where=take)
        accepted += take.mean() / 2
    return accepted


def split(phi):
    """[L, L, replicas] into even and odd sites."""
    size = len(phi)
    x, j = np.indices((size, size // 2))
    return [np.ascontiguousarray(phi[x, 2 * j + (x + odd) % 2]) for odd in (0, 1)]


def join(half):
    """The inverse of split, replicas first: [replicas, L, L]."""
    size = len(half[0])
    x, j = np.indices((size, size // 2))
    phi = np.empty((size, size, half[0].shape[2]), np.float32)
    for odd in (0, 1):
        phi[x, 2 * j + (x + odd) % 2] = half[odd]
    return phi.transpose(2, 0, 1)


def make(options):
    rng = np.random.default_rng(options.seed)
    replicas, size = options.replicas, options.size
    phi = np.ones((size, size, replicas), np.float32) * rng.choice([-1, 1], replicas).astype(np.float32)
    phi[:, :, : replicas // 2] = rng.choice([-1, 1], (size, size, replicas // 2))  # half start random, half ordered
    half, step = split(phi), 1.0
    for t in range(options.thermalization):
        rate = sweep(half, options.temperature, options.u, step, rng)
        if t < options.thermalization // 2:
            step *= 1.02 if rate > 0.5 else 0.98
    out = np.empty((options.configurations, size, size), np.float32)
    for first in range(0, options.configurations, replicas):
        for _ in range(options.interval):
            sweep(half, options.temperature, options.u, step, rng)
        out[first:first + replicas] = join(half)[:options.configurations - first]
    m = np.abs(np.sign(join(half)).mean(axis=(1, 2)))
    halves = m[: replicas // 2], m[replicas // 2:]
    apart = abs(halves[0].mean() - halves[1].mean()) / np.hypot(*(h.std() / np.sqrt(h.size) for h in halves))
    print(f"{options.output}: {len(out)} configurations at T = {options.temperature:g}; random and ordered starts end "
          f"{apart:.1f} sigma apart; sites that are within 0.2 of the barrier: {(np.abs(out) < 0.2).mean():.3f}")
    np.save(options.output, out)


# ---- compare


def measured(path, replicas):
    """|m| and N (<m^2> - <|m|>^2) / T's numerator with errors from the replicas, which are independent."""
    data = np.load(path, mmap_mode="r")
    m = np.sign(np.asarray(data)).mean(axis=(1, 2))
    m = m[:len(m) // replicas * replicas].reshape(-1, replicas)
    a, b, n = np.abs(m).mean(axis=0), (m**2).mean(axis=0), data[0].size
    chi = n * (b.mean() - a.mean() ** 2)
    chi_of = n * (b - 2 * a.mean() * a)  # its linear part, replica by replica
    return a.mean(), a.std(ddof=1) / np.sqrt(replicas), chi, chi_of.std(ddof=1) / np.sqrt(replicas)


def compare(options):
    import results as shared  # needs matplotlib
    results = shared.open_results(options.results)
    figure, axes = shared.plt.subplots(1, 2, figsize=(7, 2.8))
    for axis, name in zip(axes, ("abs_magnetization", "susceptibility")):
        shared.plot_curves(axis, results, name)
        axis.set(xlabel="T", ylabel={"abs_magnetization": "|m| of the signs", "susceptibility": "susceptibility"}[name])
    print("        T            quantity     simulated             predicted             difference  sigma")
    for item in options.data:
        path, _, temperature = item.rpartition(":")
        temperature = float(temperature)
        m, m_error, chi, chi_error = measured(path, options.replicas)
        for axis, name, value, error in ((axes[0], "abs_magnetization", m, m_error),
                                         (axes[1], "susceptibility", chi / temperature, chi_error / temperature)):
            t, mean, its = shared.curve(results, "learned", name)
            k = int(np.argmin(np.abs(t - temperature)))
            if abs(t[k] - temperature) > 1e-9:
                shared.fail(f"{options.results}: T = {temperature:g} was not scanned")
            band = f"trust/{name}/total"
            if band in results:
                its = results[band][:]
            print(f"{temperature:9.4g}{name:>20}  {value:9.4f} +- {error:.4f}  {mean[k]:9.4f} +- {its[k]:.4f}  "
                  f"{mean[k] - value:11.4f}  {(mean[k] - value) / np.hypot(error, its[k]):5.1f}")
            axis.errorbar([temperature], [value], [error], color="black", marker="x", capsize=2, linestyle="none",
                          label="simulated" if item == options.data[0] else None)
    t0 = results["ensemble"].attrs["temperature"]
    for axis in axes:
        axis.axvline(t0, color="grey", linewidth=0.8, linestyle=":")
        axis.legend()
    path = options.results.removesuffix(".results.h5") + ".phi4.png"
    figure.savefig(path)
    print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    made = commands.add_parser("make")
    made.add_argument("output")
    made.add_argument("--temperature", type=float, required=True)
    made.add_argument("--configurations", type=int, default=40960)
    made.add_argument("--size", type=int, default=16)
    made.add_argument("--u", type=float, default=4.0)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--thermalization", type=int, default=1000, help="sweeps")
    made.add_argument("--interval", type=int, default=25, help="sweeps between two configurations of a replica")
    made.set_defaults(run=make)
    compared = commands.add_parser("compare")
    compared.add_argument("results")
    compared.add_argument("data", nargs="+", metavar="DATA.npy:T")
    compared.set_defaults(run=compare)
    for command in (made, compared):
        command.add_argument("--replicas", type=int, default=512)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    sys.exit(main())
