#!/usr/bin/python3
"""Training and scan of one configuration on a described cluster, by SimGrid's SMPI: the program's own communication code,
computation replaced by measured durations (tests/scaling/durations.h). Leaves a table, DIRECTORY/simulated.csv, a row a
simulation; rows that are there are not simulated again.

    simulate.py SOURCE DIRECTORY [--bench NAME.bench.json] [--label L] [--stages train,scan] [--ranks 16,64,256,1024]
    simulate.py SOURCE DIRECTORY --short          # 16 and 64 ranks, and compares: the bits of a sum, times with the model

Without --bench the durations are those of tests/scaling/durations.txt. SOURCE may be another checkout of the program, whose
rows get another label: before and after a change."""
import argparse
import csv
import json
import math
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "analysis"))
from performance_model import read_durations  # noqa: E402

COLUMNS = ("label", "stage", "ranks", "shards", "networks", "seconds")
# The collectives of Open MPI, but votes always by recursive doubling and broadcasts by a binomial tree: SMPI's stand-in for
# what Open MPI chooses at 1024 ranks begins with messages of every rank around a ring, once a communicator. Half a
# microsecond of processor time a message, at either end, and a look for messages that have arrived.
FLAGS = ["--cfg=smpi/allreduce:rdb", "--cfg=smpi/bcast:binomial_tree", "--cfg=smpi/privatization:no",
         "--cfg=smpi/simulate-computation:no", "--cfg=smpi/coll-selector:ompi", "--cfg=smpi/host-speed:100Gf",
         "--cfg=smpi/os:0:5e-7:0", "--cfg=smpi/or:0:5e-7:0", "--cfg=smpi/test:5e-7",
         "--cfg=smpi/grow-injected-times:no", "--cfg=smpi/display-timing:no",
         "--cfg=smpi/shared-malloc-blocksize:16777216", "--cfg=contexts/stack-size:512", "--log=root.thres:error"]
# Small numbers of what is only repeated.
SETTINGS = {"train": [], "scan": ["scan.thermalization=1", "scan.sweeps=7"], "sum": []}


def durations_of(path):
    """Durations from a file of nnsm bench, as text. At one rank they add up to the training and scan that were measured."""
    with open(path) as file:
        bench = json.load(file)
    run, parts = bench["run"], bench["parts"]
    batch = parts["training"]["seconds"] * run["batch"] / parts["training"]["work"]
    gradient, shards = parts["gradient"]["seconds"], run["shards"]
    add = max(0.0, batch - shards * gradient) / (shards * run["parameters"])
    tiles = math.ceil(run["temperatures"] * run["walkers"] / run["chains_of_a_scan_tile"])
    flips = "screened_flip" if "screened_flip" in parts else "single_flip"
    kernel = parts["self_learning" if run["self_learning"] else flips]["seconds"]
    sweep = max(kernel, parts["scan"]["seconds"] / run["period"] / tiles)
    layers = bench["layers"]
    scale = gradient / sum(layers["seconds"])
    told = "".join(f"layer {first:.0f} {end:.0f} {seconds * scale:.6g}\n"
                   for first, end, seconds in zip(layers["first"], layers["end"], layers["seconds"]))
    with open("/proc/cpuinfo") as file:
        processor = re.search(r"model name\s*: (.*)", file.read())
    return (f"# nnsm bench of {bench['date'][:10]}, one rank: {processor[1] if processor else 'unknown processor'}, OpenBLAS "
            f"{bench['openblas_core']}; a tile's update, a shard's gradient, a float's share of\n"
            f"# what else training does, a tile's sweep or proposal; parameters {run['parameters']:.0f}\n"
            f"generator {parts['generator']['seconds']:.6g}\ngradient {gradient:.6g}\nadd {add:.6g}\nsweep {sweep:.6g}\n"
            "# the gradient by layers, as the backward pass tells of them: floats, seconds; first the forward pass and a part\n" + told)


class Simulation:
    def __init__(self, source, directory, durations):
        self.directory, self.durations = directory, durations
        self.config = os.path.join(HERE, "dense64.cfg")
        subprocess.run([os.path.join(HERE, "build.sh"), source, directory], check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(directory, "hosts"), "w") as file:
            file.writelines(f"node{i}\n" for i in range(4096))

    def run(self, stage, ranks, settings=()):
        """Seconds of a step or sweep, or "equal" or "differ"."""
        command = ["smpirun", "-np", str(ranks), "-platform", os.path.join(HERE, "cluster.xml"), "-hostfile",
                   os.path.join(self.directory, "hosts"), *FLAGS, os.path.join(self.directory, "simulate"), self.config,
                   self.durations, stage, *SETTINGS[stage], *settings]
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        found = re.search(r"^(seconds|bits) (\S+)$", done.stdout, re.M)
        if done.returncode or not found:
            sys.exit(f"simulate: {' '.join(command)}\n{done.stdout[-2000:]}")
        return found[2] if found[1] == "bits" else float(found[2])


def study(simulation, label, stages, ranks, table):
    rows = []
    if os.path.exists(table):
        with open(table, newline="") as file:
            rows = list(csv.DictReader(file))
    done = {tuple(r[c] for c in COLUMNS[:-1]) for r in rows}
    plan = []
    for p in ranks:
        if "train" in stages and p <= 64:
            plan.append(("train", p, 64, 1, ["train.batch=512", "train.shards_per_batch=64"]))
        if "train" in stages and p <= 1024:
            plan.append(("train", p, 1024, 1, []))
        if "scan" in stages and p <= 1024:
            plan.append(("scan", p, 1024, 1, []))
        if "networks" in stages:
            plan.append(("train", p, 1024, 4, ["trust.networks=4"]))
    for stage, p, shards, networks, settings in plan:
        key = (label, stage, str(p), str(shards), str(networks))
        if key in done:
            continue
        seconds = simulation.run(stage, p, settings)
        print(*key, f"{seconds:.6g}", flush=True)
        with open(table, "a", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(COLUMNS)
            writer.writerow([*key, f"{seconds:.9g}"])


def compare(simulation, durations):
    """The sum has the bits of the tree; a step takes its computation and little more, less than half of what its bytes need:
    most messages pass beside computation."""
    d = read_durations(durations)
    small = ["train.batch=512", "train.shards_per_batch=64"]
    times = {}
    for p in (16, 64):
        if simulation.run("sum", p, ["train.shards_per_batch=100"]) != "equal":
            sys.exit(f"simulate: the sum of 100 shards on {p} ranks has other bits than the tree")
        times[p] = simulation.run("train", p, small)
        n, s = d["parameters"], 64 // p
        work = s * d["gradient"] + d["add"] * n * (s - 1 + (1 - 1 / p) + 1 / p)  # shards; own nodes, halves, Adam's slice
        bytes_time = 2 * 4 * n * (1 - 1 / p) / 12.5e9  # sums up the tree, parameters down
        print(f"{p} ranks: {times[p]:.5f} s a step; computation {work:.5f}, bytes at full bandwidth {bytes_time:.5f}")
        if not work <= times[p] * 1.001 or times[p] > 1.05 * work + 0.4 * bytes_time:
            sys.exit(f"simulate: a step on {p} ranks takes {times[p]:.5f} s, not what computation and bytes say")
    if not times[64] < times[16]:
        sys.exit("simulate: 64 ranks are not faster than 16")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("directory")
    parser.add_argument("--bench")
    parser.add_argument("--label", default="now")
    parser.add_argument("--stages", default="train,scan,networks")
    parser.add_argument("--ranks", default="16,64,256,1024,4096")
    parser.add_argument("--table", help="default: DIRECTORY/simulated.csv")
    parser.add_argument("--short", action="store_true")
    a = parser.parse_args()
    os.makedirs(a.directory, exist_ok=True)
    durations = os.path.join(HERE, "durations.txt")
    if a.bench:
        durations = os.path.join(a.directory, "durations.txt")
        with open(durations, "w") as file:
            file.write(durations_of(a.bench))
    simulation = Simulation(os.path.abspath(a.source), os.path.abspath(a.directory), os.path.abspath(durations))
    if a.short:
        compare(simulation, durations)
    else:
        study(simulation, a.label, a.stages.split(","), [int(p) for p in a.ranks.split(",")],
              a.table or os.path.join(a.directory, "simulated.csv"))


if __name__ == "__main__":
    main()
