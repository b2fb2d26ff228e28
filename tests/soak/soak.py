"""soak.py NNSM SOURCE [--kills 100] [--stops 30] [--seed 1] [--variants N...]: end runs at random moments, again and again.

Each campaign runs a small configuration to its end through sessions on a random number of ranks (1 to 4). A session is
ended at a random time, by SIGKILL to one random rank (the job must come down by itself within seconds, with a non-zero
code) or by SIGUSR1 (it must write a checkpoint and exit 85). Finished campaigns must hold the same bits as a run that was
never stopped. Campaigns take turns over fixed and streamed data, replica exchange and none, Wolff, early stopping, a
frontier network, windows, a Potts model, and a file of continuous measurements that is made here. All read couplings; those
of two values scan by self-learning, but two that take single flips, screened, one of them with exchange. The closing lines
say which stages were interrupted, as far as the log tells; every stage must have been. --variants takes some of them, by
their number from 0."""
import argparse
import collections
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

VARIANTS = [
    [],
    ["train.data=stream", "train.epochs=12", "couplings.per_bond=true", "couplings.source=ensemble"],
    ["scan.exchange=false", "generate.algorithm=wolff", "scan.sampler=metropolis", "scan.regenerate=true",
     # H as cheap as the true model, whose scan is met too
     "network.hidden=[]", "scan.sweeps=8000", "generate.thermalization=200", "generate.interval=20"],
    ["scan.sampler=metropolis", "scan.temperatures=[1.0,1.4,1.8,2.2,2.6,3.0]"],  # screened
    ["system.model=baxter_wu", "system.lattice=[9,9]", 'train.augment=["translation"]'],
    ["train.patience=5", "train.validation=0.4", "teams.generators=0", "scan.exchange_interval=3"],
    ["window.size=[2]", "window.stride=[1]"],
    ["network.kind=frontier", "network.units=8", "train.epochs=4", "scan.sweeps=500", "trust.networks=3"],
    ["system.model=potts", "generate.algorithm=heat_bath", "generate.temperature=1.2", "scan.sweeps=160",
     'train.augment=["translation","point_group","permutation"]', 'scan.moves=["single"]', "scan.regenerate=true"],
    ["ensemble.file=measured.h5", "ensemble.levels=3", 'train.augment=["translation","point_group","spin_flip"]',
     "scan.temperatures=[1.0,1.5,2.0,3.0,4.0]", 'scan.moves=["single","neighbour"]', "scan.regenerate=true", "scan.sweeps=160"],
]
# Large enough to last about three seconds on one core and to be met in every stage.
SETTINGS = [
    "system.lattice=[8,8]", "generate.configurations=6000", "generate.chains=192", "generate.interval=200",
    "generate.thermalization=2000", "network.hidden=[48,32]", "train.epochs=30", "train.batch=100", "scan.sweeps=1500",
    "scan.thermalization=101", "scan.walkers=8", "run.progress=0", "checkpoint.interval=0.05",
]
# What a session was at after a line of its log.
AFTER = (("found .*stage generate|generate:", "generate"), ("found .*stage train|ensemble:|epoch", "train"),
         ("found .*stage scan|train:", "couplings"), ("couplings:|  ", "couplings and ancestral samples"),
         ("scan: sweep|/scan/learned", "scan"), ("reference: sweep|/scan/true", "reference"),
         ("distilled: sweep|/scan/distilled", "distilled"))
MOST_TO_COME_DOWN = 20  # seconds; measured: mpirun takes about 4


def is_measured(variant):
    return any(setting.startswith("ensemble.file") for setting in variant)


def make_measured():
    """Continuous, symmetric, correlated between neighbours; stored as users store: in compressed chunks."""
    noise = np.random.default_rng(3).normal(size=(6000, 8, 8))
    field = noise + 0.5 * sum(np.roll(noise, step, axis) for axis in (1, 2) for step in (1, -1))
    with h5py.File("measured.h5", "w") as file:
        data = file.create_dataset("configurations", data=field.astype(np.float32), chunks=(500, 4, 8), compression="gzip")
        data.attrs["temperature"] = 2.0
    with open("measured.cfg", "w", encoding="utf-8") as file:
        file.write('run : { name = "measured"; };\nensemble : { file = "measured.h5"; };\n')


def command(options, name, variant, ranks):
    config = "measured.cfg" if is_measured(variant) else options.source + "/input/quick.cfg"
    words = [options.nnsm, "run", config, "--set", f"run.name={name}"]
    for setting in SETTINGS + variant:
        if ranks == 1 and setting.startswith("teams.generators"):
            continue
        if is_measured(variant) and setting.startswith(("system.", "generate.")):
            continue
        words += ["--set", setting]
    return (["mpirun", "-n", str(ranks)] if ranks > 1 else []) + words


def ranks_of(name):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"run.name={name}".encode() in words and b"mpirun" not in words[0]:
            found.append(int(entry.name))
    return found


def stage_of(output, variant):
    stage = "reading a file" if is_measured(variant) else "generate"
    for line in output.split("\nstage  ")[0].splitlines():
        stage = next((name for pattern, name in AFTER if re.match(pattern, line)), stage)
    return stage


def session(options, name, variant, ranks, moment, how):
    """One session; returns its exit code, how long it took to end after the signal, and what it said."""
    process = subprocess.Popen(command(options, name, variant, ranks), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    sent = None
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        pids = ranks_of(name)
        if pids:
            try:
                os.kill(random.choice(pids), how)
                sent = time.monotonic()
            except ProcessLookupError:
                pass
    try:
        output = process.communicate(timeout=120)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        left = [f"{pid} {pathlib.Path(f'/proc/{pid}/stat').read_text().split(') ')[1][0]}" for pid in ranks_of(name)]
        process.kill()
        sys.exit(f"{name}: a session on {ranks} ranks hangs, signal {how} {'sent' if sent else 'not sent'}; ranks left: {left}")
    return process.returncode, time.monotonic() - sent if sent else 0.0, output, sent is not None


def campaign(options, number, how, wanted, length):
    """Run to the end through interruptions; returns the stages at which there were some and the times to come down."""
    kind = options.variants[number % len(options.variants)]
    variant = VARIANTS[kind]
    name, stages, times = f"c{number}_{'kill' if how == signal.SIGKILL else 'stop'}", [], []
    while True:
        ranks = random.randint(1, 4)
        moment = random.uniform(0, length) if len(stages) < wanted else 600
        code, seconds, output, hit = session(options, name, variant, ranks, moment, how)
        if code == 0:
            break
        if how == signal.SIGUSR1 and code != 85 and not (hit and code in (138, -10)):
            sys.exit(f"{name}: exit {code} after SIGUSR1 on {ranks} ranks:\n{output}")
        if how == signal.SIGKILL and (code in (0, 2, 3, 4, 85) or not hit):
            sys.exit(f"{name}: exit {code} on {ranks} ranks after SIGKILL or at resume:\n{output}")
        if seconds > MOST_TO_COME_DOWN:
            sys.exit(f"{name}: {seconds:.1f} s to come down on {ranks} ranks")
        if code in (138, -10):  # the signal came before the handlers were installed
            continue
        times.append(seconds)
        stages.append(stage_of(output, variant))
    compare = [sys.executable, options.source + "/tests/cli/compare.py"]
    subprocess.run(compare + [f"results/reference{kind}", f"results/{name}", "same"], check=True)
    print(f"  {len(stages)} interruptions, variant {variant}", flush=True)
    return stages, times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nnsm")
    parser.add_argument("source")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--stops", type=int, default=30)
    parser.add_argument("--each", type=int, default=8, help="interruptions of a campaign")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variants", type=int, nargs="+", choices=range(len(VARIANTS)))
    options = parser.parse_args()
    random.seed(options.seed)
    print(f"seed {options.seed}")
    begin = time.monotonic()
    variants = options.variants = (options.variants or
                                   range(min(len(VARIANTS), max(1, (options.kills + options.stops) // options.each))))
    make_measured()
    lengths = []
    for v in variants:
        start = time.monotonic()
        subprocess.run(command(options, f"reference{v}", VARIANTS[v], 1), check=True, stdout=subprocess.DEVNULL)
        lengths.append(time.monotonic() - start)
    print("unbroken runs take " + ", ".join(f"{s:.1f}" for s in lengths) + " s on one rank", flush=True)
    number, met = 0, collections.Counter()
    for how, total in ((signal.SIGKILL, options.kills), (signal.SIGUSR1, options.stops)):
        done, times = 0, []
        while done < total:
            length = lengths[number % len(variants)] * 0.6
            stages, more = campaign(options, number, how, min(options.each, total - done), length)
            number, done, times = number + 1, done + len(stages), times + more
            met.update(stages)
        times.sort()
        if times:
            print(f"{signal.Signals(how).name}: {done} interruptions, all resumed to the same bits; to the end of the "
                  f"job median {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s", flush=True)
    print("interrupted: " + ", ".join(f"{n} {stage}" for stage, n in met.most_common()))
    print(f"{time.monotonic() - begin:.0f} s in all")
    missed = sorted({stage for _, stage in AFTER} - met.keys())
    if missed and options.kills + options.stops >= 100:
        sys.exit(f"never interrupted: {missed}")


main()
