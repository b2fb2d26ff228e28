#!/usr/bin/python3
"""Our program against another one that does the same, side by side on one core.

The other program is a script with the commands (each prints a line "name value", in units of work a second)
    train --direct --batch B --n N      configurations, gradient and Adam step, of a MADE 256-(180, 120)-256
    scan --direct --chains C            single-flip proposals, each by a full pass over C chains
    sample --direct --chains C          ancestral samples
and --threads 1. Ours is nnsm bench on race.cfg. Both get one thread and the same OpenBLAS kernels. In every round each
workload is run by both, one right after the other, the first one by turns; ratios are taken within a round, and the
figure is their median. Wall time on a shared machine counts the time of others too, so both sides are rates per second of
processor time (ours as bench measures it; the other's own figure divided by its share of a processor); --wall leaves the
other's figure as it is, which only a quiet machine makes comparable. Exit code 1 where a --least ratio is missed."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# name, arguments of the other program, settings of ours, part of the bench, ratio asked for
WORKLOADS = [
    ("training, batch 128", ["train", "--batch", "128", "--n", "{n}"], ["train.batch=128", "train.shards_per_batch=1"],
     "training", 3),
    ("training, batch 1024", ["train", "--batch", "1024", "--n", "{n}"], ["train.batch=1024", "train.shards_per_batch=8"],
     "training", 2),
    ("single-flip scan", ["scan", "--chains", "256", "--seconds", "{seconds}"], ["train.batch=128"], "single_flip", 40),
    ("the same, screened", ["scan", "--chains", "256", "--seconds", "{seconds}"], ["train.batch=128"], "screened_flip", 40),
    ("ancestral sampling", ["sample", "--chains", "256"], ["train.batch=128"], "ancestral", 300),
]


def timed(command, environment, **options):
    """Standard output, and processor time over wall time."""
    begun = time.monotonic()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **options)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"race: {' '.join(command)}: exit code {child.returncode}")
    return out, (usage.ru_utime + usage.ru_stime) / (time.monotonic() - begun)


def run_other(peer, arguments, numbers, environment, wall):
    filled = [a.format(**numbers) for a in arguments]
    out, share = timed([sys.executable, peer, *filled, "--direct", "--threads", "1"], environment)
    rate = float(out.split()[-1])
    return rate if wall else rate / min(share, 1), share


def run_ours(nnsm, config, settings, part, seconds, environment):
    with tempfile.TemporaryDirectory() as directory:
        command = [nnsm, "bench", config, "--seconds", str(seconds), "--set", f"run.output={directory}"]
        for setting in settings:
            command += ["--set", setting]
        timed(command, environment)
        with open(os.path.join(directory, "race.bench.json")) as file:
            found = json.load(file)["parts"][part]
    return found["rate"], found["busy"]


def core_of(nnsm):
    version = subprocess.run([nnsm, "--version"], capture_output=True, text=True, check=True).stdout
    return next(line.rsplit("core ", 1)[1] for line in version.splitlines() if "core " in line)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nnsm")
    parser.add_argument("peer", help="the other program, a Python script")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of every measurement, about")
    parser.add_argument("--n", type=int, default=60000, help="configurations of an epoch of the other program")
    parser.add_argument("--wall", action="store_true", help="take the other's figures as they are: on a quiet machine")
    parser.add_argument("--least", action="store_true", help="fail where a ratio asked for is not reached")
    arguments = parser.parse_args()
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1",
                       OPENBLAS_CORETYPE=core_of(arguments.nnsm))
    numbers = {"n": arguments.n, "seconds": arguments.seconds}
    rows = {name: [] for name, *_ in WORKLOADS}
    shares = []
    for r in range(arguments.rounds):
        for name, other, settings, part, _ in WORKLOADS:
            sides = {
                "ours": lambda: run_ours(arguments.nnsm, os.path.join(here, "race.cfg"), settings, part, arguments.seconds,
                                         environment),
                "other": lambda: run_other(arguments.peer, other, numbers, environment, arguments.wall)}
            found = {side: sides[side]() for side in (("ours", "other") if r % 2 else ("other", "ours"))}
            rows[name].append((found["ours"][0], found["other"][0]))
            shares.append(found["other"][1])
            print(f"round {r + 1}: {name}: {found['ours'][0]:.4g} and {found['other'][0]:.4g} a second", flush=True)
    print(f"\n{arguments.rounds} rounds, one thread, OpenBLAS kernels of {environment['OPENBLAS_CORETYPE']}; medians")
    print(f"{'':22} {'ours /s':>12} {'other /s':>12} {'ratio':>8}  {'from':>8} {'to':>8}  {'asked':>6}")
    missed = False
    for name, *_, asked in WORKLOADS:
        ratios = [ours / other for ours, other in rows[name]]
        ratio = statistics.median(ratios)
        missed |= ratio < asked
        print(f"{name:22} {statistics.median(o for o, _ in rows[name]):12.4g} "
              f"{statistics.median(o for _, o in rows[name]):12.4g} {ratio:8.2f}  {min(ratios):8.2f} {max(ratios):8.2f}  "
              f"{asked:6g}")
    if min(shares) < 0.9:
        print(f"warning: the other program had only {min(shares):.2f} of a processor at worst: the machine is shared")
    return int(missed and arguments.least)


if __name__ == "__main__":
    sys.exit(main())
