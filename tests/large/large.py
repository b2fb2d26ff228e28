#!/usr/bin/python3
"""Large lattices: input/large.cfg on 64 x 64 and 128 x 128, learned at T0 = 2.5 from at most 1e5 draws, against Kaufman's
energies and the magnetization of the true model by Wolff clusters, at the scan's temperatures.

    large.py NNSM SOURCE [--size 64 128] [--ranks 2] [--set KEY=VALUE ...]

One line a temperature and one a lattice; exit 1 where E/N is farther than 0.005 or |m| farther than 0.01 from the truth.
In results/ it finds what an earlier call finished, and goes on from there."""
import argparse
import pathlib
import subprocess
import sys

import h5py
import numpy as np

MOST_ENERGY, MOST_M, MOST_DRAWS, T_C = 0.005, 0.01, 1e5, 2 / np.log(1 + np.sqrt(2))


def run(options, size):
    name = f"large{size}"
    command = ["mpirun", "--use-hwthread-cpus", "-n", str(options.ranks), options.nnsm, "run",
               f"{options.source}/input/large.cfg", "--set", f"system.lattice=[{size},{size}]", "--set", f"run.name={name}"]
    for setting in options.set:
        command += ["--set", setting]
    subprocess.run(command, check=True)
    return pathlib.Path(f"results/{name}.results.h5")


def judge(path, size):
    """-> whether all is within the bounds"""
    with h5py.File(path, "r") as file:
        temperature = file["scan/temperature"][()]
        exact = np.interp(temperature, file["exact/temperature"][()], file["exact/energy"][()])  # in steps of 0.007
        energy, m, true_m = (file[f"scan/{who}/{what}"] for who, what in (
            ("learned", "energy"), ("learned", "abs_magnetization"), ("true", "abs_magnetization")))
        d_energy, d_m = energy["mean"][()] - exact, m["mean"][()] - true_m["mean"][()]
        e_energy, e_m = energy["error"][()], np.hypot(m["error"][()], true_m["error"][()])
        kl, seconds = file["training/kl"][-1], file["timing"].attrs["total_seconds"]
        draws = file["training/epoch"][-1] * file["ensemble"].attrs["configurations"]  # and 5 % fewer: those held out
    print(f"{size} x {size}   T     E/N learned - exact    |m| learned - Wolff")
    for row in zip(temperature, d_energy, e_energy, d_m, e_m):
        print("        %6.3f    %+.5f +- %.5f    %+.5f +- %.5f" % row)
    asked = abs(temperature - T_C) >= 0.15
    worst = [np.max(np.abs(d[asked])) for d in (d_energy, d_m)]
    good = worst[0] <= MOST_ENERGY and worst[1] <= MOST_M and draws <= MOST_DRAWS
    print(f"{size} x {size}: {draws:.0f} draws, KL {kl:.3f} nats ({kl / size ** 2:.2e} a site), {seconds:.0f} s; largest |T - T_c| >= "
          f"0.15 error of E/N {worst[0]:.4f} (asked {MOST_ENERGY}), of |m| {worst[1]:.4f} (asked {MOST_M})"
          f"{'' if good else ': FAILED'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nnsm")
    parser.add_argument("source")
    parser.add_argument("--size", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    good = [judge(run(options, size), size) for size in options.size]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
