#!/usr/bin/python3
"""run_faults.py NNSM PRELOAD SOURCE: one call of one rank fails; all ranks must end with one status and one message.

Every command of a small run is first run with all calls counted (see preload.c). Then every distinct place of a call
fails once, in a run of its own: on one of the ranks that make it, in the first or in the last call from there; which, a
hash of the place says, so that ranks and ends take turns. With --every-rank, on each of these ranks and in both calls.
Demanded of such a run:
  - it ends by itself, with exit code 3 or 4 (2 while the configuration is read) and one line "nnsm: ...", or
  - with 0 and complete results, equal to those without a fault: what failed did not matter;
  - no *.part file is left, and what was there before is as it was, or whole and new.
A run that does not end in time, or does not come to the call, as what goes by the clock may (checkpoints, the rounds of
bench), is tried again alone, on a machine that is busy with nothing else of ours, before it counts as a failure. One line
a failing case; the last line counts. Exit 1 if any case failed."""
import argparse
import collections
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib

import h5py
import numpy as np

RANKS = 3
EARLIER = b"an earlier file\n"
NOT_REACHED = "the call was not reached: the count run differs"
CHANGING = ("provenance", "timing", "training/seconds")  # differ from run to run
CHANGING_ATTRIBUTES = ("total_seconds", "scan_proposals_per_second",
                       "checksum", "source_checksum")  # of a file that holds dates
MEASURED = """run : { name = "quick"; };
ensemble : { file = "measured.h5"; };
scan : { temperatures = { from = 1.0; to = 4.0; step = 0.25; }; };
"""

# As small as passes through all places: of the 0.7 s of processor time that a run takes, half is that processes start.
SMALL = """system.lattice=[4,4] generate.configurations=1200 generate.chains=192 generate.interval=5
    generate.thermalization=50 network.hidden=[20,12] train.epochs=2 train.batch=200 scan.sweeps=20
    scan.thermalization=20 couplings.samples=640 run.progress=100""".split()
STREAM = "--set train.data=stream"
FRONTIER = "--set network.kind=frontier --set network.units=2 --set network.reach=1"
TRUST = "--set network.kind=frontier --set network.units=4 --set trust.networks=4"
POTTS = """--set system.model=potts --set generate.algorithm=heat_bath --set train.augment=["translation","permutation"]
    --set scan.moves=["single"] --set scan.regenerate=true"""
MASKED = """--set window.size=[2] --set window.stride=[1] --set window.route="masked" --set train.augment=["spin_flip"]"""
LEVELS = """--set ensemble.levels=3 --set train.augment=["translation"] --set scan.moves=["neighbour","patch"]
    --set trust.compare=other.h5"""

# name: arguments, files it starts from, files it makes. Inputs are {name in its directory: (who made it, name there)}.
# Together they pass through every stage in every form: teams that write the ensemble with two ranks, a stream, a
# frontier network and single flips, networks on bootstrap samples, sites of several values, overlapping windows, single
# stages, a file of somebody else's of which no model is known, one of signals that are cut into levels, a second ensemble;
# then all that can be gone on from: a finished scan, and stops within every stage; and the commands that only look.
Command = collections.namedtuple("Command", "arguments inputs outputs")


def own(maker, *kinds):
    return {f"results/quick.{kind}.h5": (maker, f"results/quick.{kind}.h5") for kind in kinds}


ALL = ("ensemble", "network", "results")
COMMANDS = {
    "run": Command("run CONFIG --set teams.generators=2", {}, ALL),
    "stream": Command(f"run CONFIG --set teams.generators=1 {STREAM}", {}, ALL),
    "frontier": Command(f"run CONFIG --set teams.generators=1 {FRONTIER} --set system.lattice=[6,6] --set "
                        "scan.sampler=metropolis", {}, ALL),
    "extend": Command("run CONFIG --set teams.generators=2 --set scan.sweeps=30",
                      own("run", "ensemble", "network", "checkpoint"), ("results",)),
    "trust": Command(f"run CONFIG --set teams.generators=1 {TRUST}", {}, ALL),
    "generate": Command("generate CONFIG", {}, ("ensemble",)),
    "train": Command("train CONFIG", own("run", "ensemble"), ("network",)),
    "window": Command("window CONFIG --set window.size=[2] --set window.stride=[1]", own("run", "ensemble"),
                      ("blocks", "latent")),
    "measured": Command("train measured.cfg", {"measured.h5": ("run", "results/quick.ensemble.h5")}, ("network",)),
    "scratch": Command("train measured.cfg --set run.scratch=.", {"measured.h5": ("run", "results/quick.ensemble.h5")},
                       ("network",)),
    "potts": Command(f"run CONFIG --set teams.generators=2 {POTTS}", {}, ALL),
    "blocks": Command("run CONFIG --set teams.generators=2 --set window.size=[2] --set window.stride=[1]", {}, ALL),
    "masked": Command(f"run CONFIG --set teams.generators=2 {MASKED}", {}, ALL),
    "potts_frontier": Command(f"run CONFIG --set teams.generators=1 {FRONTIER} --set system.model=potts "
                              """--set generate.algorithm=heat_bath --set train.augment=["translation"]""", {}, ALL),
    "levels": Command(f"train measured.cfg {LEVELS}", {"measured.h5": ("signals", "2.5.h5"),
                                                       "other.h5": ("signals", "3.0.h5")}, ("network",)),
    "scan_levels": Command(f"scan measured.cfg {LEVELS}", {
        "measured.h5": ("signals", "2.5.h5"), "other.h5": ("signals", "3.0.h5"), **own("levels", "network")},
                           ("results",)),
    "scan": Command("scan CONFIG", own("run", "network"), ("results",)),
    "members": Command(f"scan CONFIG {TRUST} --set trust.compare=second.h5",
                       {**own("trust", "network", "member1.network", "member2.network", "member3.network"),
                        "second.h5": ("second", "results/quick.ensemble.h5")}, ("results",)),
    "projection": Command("scan CONFIG --set couplings.source=ensemble", own("run", "ensemble", "network"),
                          ("results",)),
    "generating": Command("run CONFIG --set teams.generators=2", own("stopped", "checkpoint"), ALL),
    "streaming": Command(f"run CONFIG --set teams.generators=1 {STREAM}", own("stopped_stream", "checkpoint"), ALL),
    "making": Command("generate CONFIG", own("stopped_generate", "checkpoint"), ("ensemble",)),
    "training": Command("train CONFIG", {**own("run", "ensemble"), **own("stopped_train", "checkpoint")}, ("network",)),
    "fitting": Command(f"train CONFIG {FRONTIER}", {**own("run", "ensemble"), **own("stopped_fit", "checkpoint")},
                       ("network",)),
    "together": Command(f"run CONFIG --set teams.generators=1 {TRUST}",
                        own("stopped_members", "checkpoint", "ensemble", "network", "member1.checkpoint",
                            "member2.checkpoint", "member3.checkpoint"), ("results",)),
    "check": Command("check CONFIG", {}, ()),
    "bench": Command("bench CONFIG --seconds 0.02", {}, ()),
    "bench_measured": Command("bench measured.cfg --seconds 0.02", {"measured.h5": ("run", "results/quick.ensemble.h5")}, ()),
    **{f"info_{kind}": Command(f"info results/quick.{kind}.h5", own("run", kind), ())
       for kind in ALL + ("checkpoint",)},
    "info_measured": Command("info foreign.h5", {"foreign.h5": ("second", "foreign.h5")}, ()),
}
MAY_BE_THERE = {"generate", "train", "scan"}  # commands that start with earlier files in the place of their outputs

# Runs that only make inputs. stop: kind and number of the call of rank 0 in which it gets SIGUSR1; stage: where that is.
Maker = collections.namedtuple("Maker", "arguments inputs stop stage")
MAKERS = {
    "second": Maker("generate CONFIG --set generate.temperature=3.0", {}, None, None),
    "stopped": Maker(COMMANDS["run"].arguments, {}, "MPI_Allreduce:8", "generate"),
    "stopped_stream": Maker(COMMANDS["stream"].arguments, {}, "MPI_Allreduce:12", "generate"),
    "stopped_generate": Maker("generate CONFIG", {}, "MPI_Allreduce:8", "generate"),
    "stopped_train": Maker("train CONFIG", own("run", "ensemble"), "nan:8", "train"),
    "stopped_members": Maker(COMMANDS["trust"].arguments, own("trust", "ensemble", "network", "checkpoint"),
                             "MPI_Allreduce:50", "scan"),
    "stopped_fit": Maker(f"train CONFIG {FRONTIER}", own("run", "ensemble"), "MPI_Allreduce:34", "train"),
}


class Symbols:
    """Return addresses in the program -> [(function, file:line)], inlined functions first."""

    def __init__(self, program):
        self.program, self.known = program, {}

    def look_up(self, addresses):
        new = sorted(set(addresses) - self.known.keys())
        if not new:
            return
        before = [hex(int(a, 16) - 1) for a in new]  # the call itself
        text = subprocess.run(["addr2line", "-a", "-f", "-i", "-e", self.program], input="\n".join(before),
                              capture_output=True, text=True, check=True).stdout.splitlines()
        heads = [i for i, line in enumerate(text) if line.startswith("0x")] + [len(text)]
        for address, at, end in zip(new, heads, heads[1:]):
            pairs = [(text[i], re.sub(r" \(.*", "", text[i + 1])) for i in range(at + 1, end, 2)]
            self.known[address] = [(f, re.sub(r"^.*/(?=src/)", "", where)) for f, where in pairs]

    def frames(self, stack):
        """[(function, file:line)] of the program's own sources, innermost first."""
        self.look_up(stack)
        return [frame for address in stack for frame in self.known[address] if "src/" in frame[1]]


def place_of(kind, frames, whole):
    """Calls of one place fail the same way: one kind, the same chain of functions below the command, the same line of
    the innermost. With `whole` every return address counts."""
    if whole:
        return (kind, tuple(frames))
    chain = [f for f, where in frames if "src/command/" not in where and "src/main.c" not in where]
    return (kind, tuple(chain), frames[0][1] if frames else "")


def contents(path):
    found = {}

    def visit(name, item):
        if name.startswith(CHANGING):
            return
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()
        for key, value in item.attrs.items():
            if key not in CHANGING_ATTRIBUTES:
                found[f"{name}@{key}"] = repr(value)

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return found


Outcome = collections.namedtuple("Outcome", "code stdout stderr log stuck")


class Harness:
    def __init__(self, options):
        self.options = options
        self.scratch = tempfile.mkdtemp(prefix="nnsm-faults-")
        self.symbols = Symbols(options.nnsm)
        self.whole = {}  # (command, kind of file) -> contents without a fault
        self.environment = dict(
            os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
            OMPI_MCA_mpi_yield_when_idle="1", OMPI_MCA_hwloc_base_binding_policy="none",
            OMPI_MCA_btl_vader_single_copy_mechanism="none", OMPI_MCA_pml="ob1", OMPI_MCA_btl="self,vader",
            OMPI_MCA_plm="isolated", OPENBLAS_NUM_THREADS="1")  # and no search for networks that one machine does not need
        version = subprocess.run([options.nnsm, "--version"], env=self.environment, capture_output=True, text=True)
        self.environment["OPENBLAS_CORETYPE"] = re.search(r"core (\w+)$", version.stdout, re.M).group(1)

    def prepare(self, command, directory, earlier):
        os.makedirs(f"{directory}/results")
        for target, (maker, name) in (COMMANDS.get(command) or MAKERS[command]).inputs.items():
            shutil.copy(f"{self.scratch}/{maker}/{name}", f"{directory}/{target}")
        with open(f"{directory}/measured.cfg", "w") as file:
            file.write(MEASURED)
        if earlier:
            for name in COMMANDS[command].outputs:
                with open(f"{directory}/results/quick.{name}.h5", "wb") as file:
                    file.write(EARLIER)

    def launch(self, command, directory, **fault):
        """fault: variables of preload.c, without NNSM_FAULT."""
        log = f"{directory}/fault.log"
        variables = {"LD_PRELOAD": self.options.preload, "NNSM_FAULT_LOG": log}
        variables.update({f"NNSM_FAULT{key}": str(value) for key, value in fault.items()})
        arguments = (COMMANDS.get(command) or MAKERS[command]).arguments
        settings = [word for setting in SMALL for word in ("--set", setting)]
        if "measured.cfg" in arguments:  # what is generated is not the configuration's
            settings = [w for s in SMALL if s.startswith(("network", "train", "run", "scan", "couplings"))
                        for w in ("--set", s)]
        elif arguments.startswith("info"):
            settings = []
        arguments = arguments.replace("CONFIG", f"{self.options.source}/input/quick.cfg").split()
        arguments = arguments[:2] + settings + arguments[2:]  # the last word counts
        line = ["mpirun", "-n", str(RANKS), "--oversubscribe"]
        for key, value in variables.items():
            line += ["-x", f"{key}={value}"]
        process = subprocess.Popen(line + [self.options.nnsm] + arguments, cwd=directory, text=True,
                                   env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        code, stuck = None, []
        try:
            out, err = process.communicate(timeout=self.options.timeout)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGUSR2)  # mpirun passes it on; the ranks write where they are
            time.sleep(1)
            process.send_signal(signal.SIGTERM)
            try:
                out, err = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
            for rank in range(RANKS):
                if os.path.exists(f"{log}.{rank}"):
                    stack = open(f"{log}.{rank}").readline().split()
                    frames = self.symbols.frames(stack[1].split(",")) if len(stack) > 1 else []
                    stuck.append(f"rank {rank} in {frames[0][0]} at {frames[0][1]}" if frames else f"rank {rank} ?")
        reached = open(log).readline().split() if os.path.exists(log) else []
        return Outcome(code, out, err, reached, stuck)

    def make_inputs(self, command):
        """What the command starts from and no command before it has made."""
        for name, _ in COMMANDS[command].inputs.values():
            directory = f"{self.scratch}/{name}"
            if os.path.exists(directory):
                continue
            if name == "signals":
                self.make_signals(directory)
                continue
            maker = MAKERS[name]
            self.prepare(name, directory, False)
            stop = {"": maker.stop, "_RANK": 0, "_STOP": 1} if maker.stop else {}
            outcome = self.launch(name, directory, **stop)
            if outcome.code != (85 if maker.stop else 0):
                sys.exit(f"{name}: exit {outcome.code}: {outcome.stderr}")
            if maker.stop:
                with h5py.File(f"{directory}/results/quick.checkpoint.h5", "r") as file:
                    stage, step = file.attrs["stage"], file.attrs["step"]
                stage = stage.decode() if isinstance(stage, bytes) else stage
                if stage != maker.stage or (stage == "train" and step == 0):
                    sys.exit(f"{name}: stopped in stage {stage}, step {step}; another call must be chosen for it")
            else:
                self.make_foreign(directory)

    @staticmethod
    def make_foreign(directory):
        """An ensemble without our attributes and checksum, as h5py writes one."""
        with h5py.File(f"{directory}/results/quick.ensemble.h5", "r") as ours, \
                h5py.File(f"{directory}/foreign.h5", "w") as file:
            data = file.create_dataset("configurations", data=ours["configurations"][()])
            data.attrs["temperature"] = ours["configurations"].attrs["temperature"]

    @staticmethod
    def make_signals(directory):
        """Ensembles of a continuous signal at two temperatures as instruments leave them: chunked and compressed."""
        os.makedirs(directory)
        rng = np.random.default_rng(7)
        for temperature in (2.5, 3.0):
            with h5py.File(f"{directory}/{temperature}.h5", "w") as file:
                data = file.create_dataset("configurations", data=rng.normal(size=(1200, 4, 4)), chunks=(100, 4, 4),
                                           compression="gzip")
                data.attrs["temperature"] = temperature

    def count(self, command):
        """-> {(place, rank): (kind, first, last, frames)}; keeps the complete files."""
        directory = f"{self.scratch}/{command}"
        self.make_inputs(command)
        self.prepare(command, directory, False)
        outcome = self.launch(command, directory, _COUNT=f"{directory}/count")
        if outcome.code:
            sys.exit(f"{command} without a fault: exit {outcome.code}: {outcome.stderr}")
        for name in COMMANDS[command].outputs:
            self.whole[command, name] = contents(f"{directory}/results/quick.{name}.h5")
        self.whole[command, "stdout"] = outcome.stdout
        places = {}
        for rank in range(RANKS):
            lines = [line.split() for line in open(f"{directory}/count.{rank}")]
            self.symbols.look_up([a for line in lines if len(line) > 4 for a in line[4].split(",")])
            for line in sorted(lines, key=lambda line: int(line[1])):
                kind, first, last = line[0], int(line[1]), int(line[2])
                frames = self.symbols.frames(line[4].split(",")) if len(line) > 4 else []
                key = (place_of(kind, frames, self.options.all), rank)
                if key in places:
                    first, last, frames = places[key][1], max(last, places[key][2]), places[key][3]
                places[key] = (kind, first, last, frames)
        return places

    def judge(self, command, directory, outcome, earlier, reading_configuration):
        """-> what is wrong, [] if nothing."""
        if outcome.code is None:
            return ["hangs: " + "; ".join(outcome.stuck)]
        wrong = []
        said = [line for line in outcome.stderr.splitlines() if line.startswith("nnsm: ")]
        first = said[0] if said else ""
        if outcome.code not in (0, 3, 4) + (2,) * reading_configuration:
            told = outcome.stderr.strip()  # all of it where a rank died: the stack is what there is to find out why
            wrong.append(f"exit {outcome.code}: {told[:200]!r}" if outcome.code < 128 else f"exit {outcome.code}: {told}")
        elif outcome.code and len(said) != 1:
            wrong.append(f"{len(said)} messages: {said}")
        elif outcome.code and not first[6:].strip():
            wrong.append("the message is empty")
        elif not outcome.code and said:
            wrong.append(f"exit 0, but: {first}")
        if "MPI_ABORT" in outcome.stderr:
            wrong.append("the job was aborted")
        wrong += [f"left {os.path.basename(p)}" for p in glob.glob(f"{directory}/results/*.part*")]
        for name in COMMANDS[command].outputs:
            wrong += self.judge_file(command, name, f"{directory}/results/quick.{name}.h5", earlier, outcome.code == 0)
        for at, (maker, name) in COMMANDS[command].inputs.items():
            if "member" in at and "checkpoint" in at and not os.path.exists(f"{directory}/{at}"):
                continue  # the member is trained, or was to be
            with open(f"{directory}/{at}", "rb") as is_there, open(f"{self.scratch}/{maker}/{name}", "rb") as was_there:
                same = is_there.read() == was_there.read()
            if "checkpoint" in at and not command.startswith("info"):  # which is written anew
                if not contents(f"{directory}/{at}").get("@complete"):
                    wrong.append("the checkpoint is not whole")
            elif not same:
                wrong.append(f"changed its input {at}")
        if command.startswith("info") and not outcome.code and outcome.stdout != self.whole[command, "stdout"]:
            wrong.append("exit 0, but it says something else")
        return wrong

    def judge_file(self, command, name, path, earlier, needed):
        if not os.path.exists(path):
            if earlier:
                return [f"destroyed the earlier {name} file"]
            return [f"exit 0 without the {name} file"] if needed else []
        with open(path, "rb") as file:
            if earlier and file.read() == EARLIER:
                return [f"exit 0, but the {name} file is the earlier one"] if needed else []
        try:
            found, whole = contents(path), self.whole[command, name]
        except (OSError, KeyError, RuntimeError) as problem:
            return [f"the {name} file is not whole: {problem}"]
        differ = sorted(key for key in found.keys() | whole.keys() if found.get(key) != whole.get(key))
        if differ:
            return [f"{'exit 0, but ' if needed else ''}{len(differ)} things in the {name} file differ, such as "
                    f"{differ[0]}"]
        return []

    def try_case(self, case):
        command, rank, kind, number, frames = case
        directory = tempfile.mkdtemp(dir=self.scratch)
        os.rmdir(directory)
        earlier = command in MAY_BE_THERE
        self.prepare(command, directory, earlier)
        outcome = self.launch(command, directory, **{"": f"{kind}:{number}", "_RANK": rank})
        by_the_clock = kind == "access"  # the stop file is looked for once a second, which counts with the others
        if not outcome.log and not by_the_clock:
            wrong = [NOT_REACHED]
        else:
            wrong = self.judge(command, directory, outcome, earlier,
                               any(where.startswith("src/setup/config") for _, where in frames))
        if not self.options.keep:
            shutil.rmtree(directory, ignore_errors=True)
        said = [line[6:] for line in outcome.stderr.splitlines() if line.startswith("nnsm: ")]
        return case, outcome.code, wrong, said[0] if said else "", directory


def describe(frames):
    own = [f"{function} ({where.removeprefix('src/')})" for function, where in frames if "src/main.c" not in where]
    return " < ".join(own[:5])


def name_of(case):
    command, rank, kind, number, frames = case
    return f"{command}: {kind} {number} on rank {rank}: {describe(frames)}"


def choose(place, ranks, every_rank):
    """Cases of a place. ranks: {rank: (command, kind, first, last, frames)}."""
    cases = {rank: [(command, rank, kind, number, frames) for number in sorted({first, last})]
             for rank, (command, kind, first, last, frames) in ranks.items()}
    if every_rank:
        return [case for rank in sorted(cases) for case in cases[rank]]
    turn = zlib.crc32(repr(place[:2]).encode())  # without the line, which changes when something above it does
    of_rank = cases[sorted(cases)[turn % len(cases)]]
    return [of_rank[turn // 64 % len(of_rank)]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nnsm")
    parser.add_argument("preload")
    parser.add_argument("source")
    parser.add_argument("--every-rank", action="store_true",
                        help="every place on every rank that makes the call, in the first and in the last one")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every N-th case only")
    parser.add_argument("--first", type=int, default=0, metavar="N",
                        help="leave out N cases, which an earlier call that was cut short has tried")
    parser.add_argument("--all", action="store_true", help="every distinct stack, not every distinct chain of functions")
    parser.add_argument("--only", metavar="REGEX", help="cases whose 'command kind rank site' matches")
    parser.add_argument("--timeout", type=float, default=240, help="seconds after which a run hangs")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--list", action="store_true", help="list the cases, run none")
    parser.add_argument("--verbose", action="store_true", help="a line for every case")
    parser.add_argument("--keep", action="store_true", help="keep the directories of all cases")
    options = parser.parse_args()
    options.nnsm, options.preload, options.source = map(os.path.abspath,
                                                        (options.nnsm, options.preload, options.source))
    start = time.time()
    harness = Harness(options)
    places = {}
    for command in COMMANDS:
        for (place, rank), found in harness.count(command).items():
            places.setdefault(place, {}).setdefault(rank, (command, *found))
    kinds = {place[0] for place in places}
    cases = [case for place, ranks in places.items() for case in choose(place, ranks, options.every_rank)]
    if options.only:
        cases = [c for c in cases if re.search(options.only, f"{c[0]} {c[2]} {c[1]} {describe(c[4])}")]
    cases = cases[options.sample // 2::options.sample][options.first:]
    if options.list:
        for case in cases:
            print(name_of(case))
        cases = []
    done, failed, suspects, ends = 0, 0, [], collections.Counter()

    def conclude(case, code, wrong, said, directory):
        nonlocal failed
        ends["hang" if code is None else f"exit {code}"] += 1
        failed += bool(wrong)
        if wrong or options.verbose:
            what = "; ".join(wrong) or f"exit {code}: {said}"
            print(f"{'FAILED' if wrong else 'ok'}: {name_of(case)}: {what}"
                  f"{' in ' + directory if options.keep else ''}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for case, code, wrong, said, directory in pool.map(harness.try_case, cases):
            done += 1
            if code is None or NOT_REACHED in wrong:
                print(f"suspected: {name_of(case)}: {'; '.join(wrong)}", flush=True)
                suspects.append(case)
            else:
                conclude(case, code, wrong, said, directory)
            if done % 500 == 0:
                print(f"{done} of {len(cases)} cases, {failed} failed, {time.time() - start:.0f} s", flush=True)
    for case in suspects:
        conclude(*harness.try_case(case))
    if not options.keep:
        shutil.rmtree(harness.scratch, ignore_errors=True)
    print(f"{len(places)} places of {len(kinds)} kinds, {len(cases)} cases, {failed} failed "
          f"({', '.join(f'{v} {k}' for k, v in sorted(ends.items()))}), {time.time() - start:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
