#!/usr/bin/python3
"""What a run costs as it grows, on one core: seconds of stages and memory over the number of sites, chains, configurations
and temperatures, and the exponents x of seconds ~ amount^x between neighbouring sizes.

    cost.py NNSM [--quick]

Sites: `nnsm bench` on square lattices, seconds a flip attempt, a configuration of training, a sample, a sweep of a chain
by single flips, for a dense network of 180 and 120 units with direct connections (8 x 8 to 64 x 64) and for a frontier network
of 128 units with a horizon of 12 (to 128 x 128); and the largest memory of that benchmark, which holds more at once than a run. The
others: whole runs of cost.cfg with one number changed, processor time of a stage by /timing, with what a run of a smaller size
takes no matter what it is asked for in it."""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

import h5py

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "cost.cfg")
ENVIRONMENT = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

# title, setting, values, stages
RUNS = [
    ("chains that generate", "generate.chains", [256, 512, 1024, 2048], ["generate"]),
    ("configurations", "generate.configurations", [10000, 20000, 40000, 80000], ["generate", "train"]),
    ("temperatures", "scan.temperatures", [4, 8, 16, 32], ["scan"]),
    ("chains a temperature", "scan.walkers", [8, 16, 32, 64], ["scan"]),
]
NETWORKS = {
    "dense": ([8, 16, 32, 64], ["network.kind=dense", "network.hidden=[180,120]", "network.direct=true"]),
    "frontier": ([8, 16, 32, 64, 128], ["network.kind=frontier", "network.units=128", "network.reach=1",
                                        "network.horizon=12"]),
}
# part of the bench, what its rate counts, as sites to the power of
PARTS = [("generator", "flip attempt", 1, 0), ("gradient", "configuration trained", 1, 0), ("ancestral", "sample", 1, 0),
         ("single_flip", "sweep of a chain", 1, 1)]


def call(nnsm, command, directory, settings):
    """Its largest memory in MB."""
    arguments = [nnsm, command, CONFIG, "--set", f"run.output={directory}"]
    for setting in settings:
        arguments += ["--set", setting]
    log = os.path.join(directory, "log")
    with open(log, "w") as file:
        child = subprocess.Popen(arguments + (["--seconds", "3"] if command == "bench" else []), env=ENVIRONMENT,
                                 stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
    if status:
        with open(log) as file:
            sys.exit(f"cost: {' '.join(arguments)}\n{file.read()[-2000:]}")
    return usage.ru_maxrss / 1024


def temperatures(count):
    return "scan.temperatures=[" + ",".join(f"{2 + i / count:.4f}" for i in range(count)) + "]"


def stage_seconds(nnsm, settings, stages):
    with tempfile.TemporaryDirectory() as directory:
        call(nnsm, "run", directory, settings)
        with h5py.File(os.path.join(directory, "cost.results.h5")) as file:
            return [float((t[:, 1] - t[:, 0] - t[:, 2]).max()) for t in (file["timing"][s] for s in stages)]


def bench_cost(nnsm, settings, sites):
    """Seconds of PARTS, and memory."""
    with tempfile.TemporaryDirectory() as directory:
        memory = call(nnsm, "bench", directory, settings)
        with open(os.path.join(directory, "cost.bench.json")) as file:
            parts = json.load(file)["parts"]
    seconds = [sites ** power / parts[name]["rate"] if name in parts else math.nan for name, _, _, power in PARTS]
    return seconds + [memory]


def table(title, amounts, columns, measure):
    """columns: name and unit; measure(amount): every column."""
    before = None
    print(f"\n{title}")
    print(f"{'':>10}" + "".join(f"{name:>24}{'':>8}" for name, _ in columns))
    for i, amount in enumerate(amounts):
        line, costs = f"{amount:>10}", measure(amount)
        for c, (_, unit) in enumerate(columns):
            exponent = math.log(costs[c] / before[c]) / math.log(amount / amounts[i - 1]) if i else math.nan
            line += f"{costs[c]:>21.4g} {unit:<2}{f'x {exponent:.2f}' if i else '':>8}"
        before = costs
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nnsm")
    parser.add_argument("--quick", action="store_true", help="the two smallest sizes of each")
    a = parser.parse_args()
    few = 2 if a.quick else None
    for title, key, amounts, stages in RUNS:
        table(title, amounts[:few], [(stage, "s") for stage in stages], lambda v: stage_seconds(
            a.nnsm, [temperatures(v) if key == "scan.temperatures" else f"{key}={v}"], stages))
    for kind, (lengths, settings) in NETWORKS.items():
        table(f"sites, {kind} network", [length ** 2 for length in lengths[:few]],
              [(name, "s") for _, name, _, _ in PARTS] + [("memory", "MB")],
              lambda n: bench_cost(a.nnsm, settings + [f"system.lattice=[{math.isqrt(n)},{math.isqrt(n)}]"], n))


if __name__ == "__main__":
    main()
