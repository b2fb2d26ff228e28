#!/usr/bin/python3
"""Do the stated errors cover the truth? The whole run (ensemble, networks, scan, errors) is repeated with other seeds on a
6 x 6 lattice whose |m| and E are known exactly, with so little data that the data's own noise dominates. For |m| and E at
every temperature the 68 % band (/trust/<observable>/total around the learned curve) must hold the truth as often as it
says, within binomial limits, and must not be wider than twice the rms error: wide bars are no answer.

    calibration.py NNSM SOURCE [--repetitions 40] [--first 1] [--jobs 1] [--set KEY=VALUE ...] [--keep]"""
import argparse
import concurrent.futures
import math
import pathlib
import subprocess
import sys

import h5py
import numpy as np

OBSERVABLES = ("abs_magnetization", "energy")
LENGTH = 6
COVERED = math.erf(1 / math.sqrt(2))
CERTAIN = 1e-3  # probability of a correct program to fail, of one comparison; all together: times their number


def exact(temperature):
    """<|m|> and <E>/N of the periodic Ising model by the transfer matrix, row by row, resolved by magnetization."""
    n, states = LENGTH, 1 << LENGTH
    spin = 1 - 2 * (np.arange(states)[:, None] >> np.arange(n) & 1)
    up = ((spin + 1) // 2).sum(1)
    row = (spin * np.roll(spin, 1, 1)).sum(1)
    between = spin @ spin.T

    def distribution(beta):
        step = np.exp(beta * (between + row[None, :] - 4 * n))
        counts = np.zeros(n * n + 1)
        for first in range(states):
            z = np.zeros((states, n * n + 1))
            z[first, up[first]] = math.exp(beta * (row[first] - 2 * n))
            for _ in range(n - 1):
                moved = step.T @ z
                z = np.zeros_like(moved)
                for s in range(states):
                    z[s, up[s]:] = moved[s, :n * n + 1 - up[s]]
            counts += np.exp(beta * (between[:, first] - n)) @ z
        return counts

    beta, h = 1 / temperature, 1e-4
    counts = distribution(beta)
    m = np.abs(2 * np.arange(n * n + 1) / (n * n) - 1) @ counts / counts.sum()
    # The constants taken out are 4n + (n-1) 4n.. of the exponents: added back as the derivative they have.
    constant = (n - 1) * 4 * n + 2 * n + n
    slope = (math.log(distribution(beta + h).sum()) - math.log(distribution(beta - h).sum())) / (2 * h)
    return m, -(slope + constant) / (n * n)


def repeat(arguments, seed):
    name = f"c{seed}"
    command = [arguments.nnsm, "run", f"{arguments.source}/tests/calibration/calibration.cfg", "--set", f"run.seed={seed}",
               "--set", f"run.name={name}"]
    for setting in arguments.set:
        command += ["--set", setting]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"FAILED: {' '.join(command)}: exit {done.returncode}\n{done.stdout[-2000:]}")
    with h5py.File(f"results/{name}.results.h5") as f:
        temperature = f["scan/temperature"][:]
        row = {o: {k: f[f"trust/{o}/{k}"][:] for k in ("statistical", "spread", "shift", "systematic", "total")}
               for o in OBSERVABLES}
        for o in OBSERVABLES:
            row[o]["mean"] = f[f"scan/learned/{o}/mean"][:]
            row[o]["distilled"] = f[f"scan/distilled/{o}/mean"][:]
    if not arguments.keep:
        for path in pathlib.Path("results").glob(f"{name}.*"):
            path.unlink()
    return temperature, row


def binomial_limits(n, p):
    """Numbers of successes that a binomial variable leaves on either side with probability CERTAIN / 2 at most."""
    mass = np.array([math.comb(n, k) * p**k * (1 - p)**(n - k) for k in range(n + 1)])
    below = np.cumsum(mass)
    return int(np.argmax(below > CERTAIN / 2)), int(np.argmax(below >= 1 - CERTAIN / 2))


def judge(observable, temperature, truth, rows):
    columns = {k: np.array([r[observable][k] for r in rows]) for k in rows[0][observable]}
    off = columns["mean"] - truth
    inside = np.abs(off) <= columns["total"]
    low, high = binomial_limits(len(rows), COVERED)
    passed = True
    print(f"{observable}: {len(rows)} repetitions, {low} to {high} must be covered")
    print("      T    truth covered  rms error  rms band  ratio |     bias  chains  spread  learned-distilled   shift |"
          " distilled: bias, rms error")
    for t, value in enumerate(temperature):
        rms = {k: np.sqrt(np.mean(c[:, t]**2)) for k, c in columns.items()}
        error, covered = np.sqrt(np.mean(off[:, t]**2)), inside[:, t].sum()
        ok = low <= covered <= high and rms["total"] <= 2 * error
        passed &= bool(ok)
        apart = columns["distilled"][:, t] - truth[t]
        print(f"{value:7.3f} {truth[t]:8.5f} {covered / len(rows):7.2f} {error:10.5f} {rms['total']:9.5f} "
              f"{rms['total'] / error:6.2f} | {off[:, t].mean():+8.5f} {rms['statistical']:7.5f} {rms['spread']:7.5f} "
              f"{columns['systematic'][:, t].mean():+9.5f} ({rms['systematic']:.5f}) {columns['shift'][:, t].mean():+8.5f} |"
              f" {apart.mean():+8.5f} {np.sqrt(np.mean(apart**2)):8.5f} {'' if ok else '  FAILED'}")
    print(f"  all temperatures: {inside.mean():.3f} covered, {COVERED:.3f} stated; rms band over rms error "
          f"{np.sqrt(np.mean(columns['total']**2) / np.mean(off**2)):.2f}")
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nnsm")
    parser.add_argument("source")
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--first", type=int, default=1, help="seed of the first repetition")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--keep", action="store_true", help="leave the files of every repetition")
    arguments = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        seeds = range(arguments.first, arguments.first + arguments.repetitions)
        found = list(pool.map(lambda seed: repeat(arguments, seed), seeds))
    temperature, rows = found[0][0], [row for _, row in found]
    truth = np.array([exact(t) for t in temperature]).T
    passed = [judge(o, temperature, truth[i], rows) for i, o in enumerate(OBSERVABLES)]
    if not all(passed):
        sys.exit("FAILED: the stated errors are not those that the predictions have")


if __name__ == "__main__":
    main()
