#!/usr/bin/python3
"""run_faults.py NNSM PRELOAD SOURCE: one call of one rank fails; all ranks must end with one status and one message.

Every command of a small run is first run with all calls counted (see preload.c). Then, for every distinct place of a
call and every rank that makes it, the first and the last call from there are made to fail, one in each run. Demanded of
such a run:
  - it ends by itself, with exit code 3 or 4 (2 while the configuration is read) and one line "nnsm: ...", or
  - with 0 and complete results, equal to those without a fault: what failed did not matter;
  - no *.part file is left, and what was there before is as it was, or whole and new.
One line a failing case; the last line counts. Exit 1 if any case failed."""
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

import h5py

RANKS = 3
EARLIER = b"an earlier file\n"
CHANGING = ("provenance", "timing", "training/seconds")  # differ from run to run
CHANGING_ATTRIBUTES = ("total_seconds", "scan_proposals_per_second", "checksum")  # the last: of a file that holds dates
MEASURED = 'run : { name = "quick"; };\nensemble : { file = "measured.h5"; };\n'

# name: arguments, files it starts from, files it makes. Together they pass through every stage in every form: teams that
# write the ensemble with two ranks, a stream, a frontier network and single flips, a finished scan that goes
# on from its checkpoint, single stages, a file of somebody else's of which no model is known.
Command = collections.namedtuple("Command", "arguments inputs outputs")
COMMANDS = {
    "run": Command("run CONFIG --set teams.generators=2", (), ("ensemble", "network", "results")),
    "stream": Command("run CONFIG --set teams.generators=1 --set train.data=stream", (),
                      ("ensemble", "network", "results")),
    "frontier": Command("run CONFIG --set teams.generators=1 --set network.kind=frontier --set network.units=2 --set "
                        "scan.sampler=metropolis", (), ("ensemble", "network", "results")),
    "extend": Command("run CONFIG --set teams.generators=2 --set scan.sweeps=30", ("ensemble", "network", "checkpoint"),
                      ("results",)),
    "trust": Command("run CONFIG --set teams.generators=1 --set trust.networks=3 --set network.kind=frontier --set network.units=4",
                     (), ("ensemble", "network", "results")),
    "generate": Command("generate CONFIG", (), ("ensemble",)),
    "train": Command("train CONFIG", ("ensemble",), ("network",)),
    "measured": Command("train measured.cfg", ("measured",), ("network",)),
    "scan": Command("scan CONFIG", ("network",), ("results",)),
}
MAY_BE_THERE = {"generate", "train", "scan"}  # commands that start with earlier files in the place of their outputs


def small_settings(source):
    """The settings of tests/cli/common.sh, and fewer epochs and sweeps."""
    text = open(f"{source}/tests/cli/common.sh").read()
    found = re.search(r'^small="(.*?)"', text, re.M | re.S)
    return found.group(1).split() + "--set train.epochs=2 --set scan.sweeps=20".split()


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
        self.settings = small_settings(options.source)
        self.symbols = Symbols(options.nnsm)
        self.whole = {}  # (command, kind of file) -> contents without a fault
        self.environment = dict(
            os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
            OMPI_MCA_mpi_yield_when_idle="1", OMPI_MCA_hwloc_base_binding_policy="none",
            OMPI_MCA_btl_vader_single_copy_mechanism="none")

    def prepare(self, command, directory, earlier):
        os.makedirs(f"{directory}/results")
        for name in COMMANDS[command].inputs:
            target = "measured.h5" if name == "measured" else f"results/quick.{name}.h5"
            made = "ensemble" if name == "measured" else name
            shutil.copy(f"{self.scratch}/run/results/quick.{made}.h5", f"{directory}/{target}")
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
        arguments = COMMANDS[command].arguments.replace("CONFIG", f"{self.options.source}/input/quick.cfg").split()
        settings = self.settings
        if command == "measured":  # what is generated is not the configuration's
            settings = [w for s in settings if s.startswith(("network", "train", "run")) for w in ("--set", s)]
        line = ["mpirun", "-n", str(RANKS), "--oversubscribe"]
        for key, value in variables.items():
            line += ["-x", f"{key}={value}"]
        process = subprocess.Popen(line + [self.options.nnsm] + arguments + settings, cwd=directory, text=True,
                                   env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        code, stuck = None, []
        try:
            out, err = process.communicate(timeout=self.options.timeout)
            code = process.returncode
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGUSR1)  # mpirun passes it on; the ranks write where they are
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

    def count(self, command):
        """-> {(place, rank): (kind, first, last, frames)}; keeps the complete files."""
        directory = f"{self.scratch}/{command}"
        self.prepare(command, directory, False)
        outcome = self.launch(command, directory, _COUNT=f"{directory}/count")
        if outcome.code:
            sys.exit(f"{command} without a fault: exit {outcome.code}: {outcome.stderr}")
        for name in COMMANDS[command].outputs:
            self.whole[command, name] = contents(f"{directory}/results/quick.{name}.h5")
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
            wrong.append(f"exit {outcome.code}: {outcome.stderr.strip()[:200]!r}")
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
        for name in COMMANDS[command].inputs:
            at = "measured.h5" if name == "measured" else f"results/quick.{name}.h5"
            made = "ensemble" if name == "measured" else name
            if name == "checkpoint":  # which is written anew; contents() opens a whole file only
                if not contents(f"{directory}/{at}").get("@complete"):
                    wrong.append("the checkpoint is not whole")
            elif open(f"{directory}/{at}", "rb").read() != \
                    open(f"{self.scratch}/run/results/quick.{made}.h5", "rb").read():
                wrong.append(f"changed its input {name}")
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
        by_the_clock = frames and "setup/stop.c" in frames[0][1]  # a loaded machine looks for the stop file less often
        if not outcome.log and not by_the_clock:
            wrong = ["the call was not reached: the count run differs"]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nnsm")
    parser.add_argument("preload")
    parser.add_argument("source")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every N-th case only")
    parser.add_argument("--all", action="store_true", help="every distinct stack, not every distinct chain of functions")
    parser.add_argument("--only", metavar="REGEX", help="cases whose 'command kind rank site' matches")
    parser.add_argument("--timeout", type=float, default=60, help="seconds after which a run hangs")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--list", action="store_true", help="list the cases, run none")
    parser.add_argument("--verbose", action="store_true", help="a line for every case")
    parser.add_argument("--keep", action="store_true", help="keep the directories of all cases")
    options = parser.parse_args()
    options.nnsm, options.preload, options.source = map(os.path.abspath,
                                                        (options.nnsm, options.preload, options.source))
    start = time.time()
    harness = Harness(options)
    cases, seen, kinds = [], set(), collections.Counter()
    for command in COMMANDS:
        for (place, rank), (kind, first, last, frames) in harness.count(command).items():
            if (place, rank) in seen:
                continue
            seen.add((place, rank))
            kinds[kind] += 1
            cases += [(command, rank, kind, number, frames) for number in sorted({first, last})]
    sites = len({place for place, rank in seen})
    if options.only:
        cases = [c for c in cases if re.search(options.only, f"{c[0]} {c[2]} {c[1]} {describe(c[4])}")]
    cases = cases[options.sample // 2::options.sample]
    if options.list:
        for command, rank, kind, number, frames in cases:
            print(f"{command}: {kind} {number} on rank {rank}: {describe(frames)}")
    failed, ends = 0, collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for case, code, wrong, said, directory in pool.map(harness.try_case, [] if options.list else cases):
            command, rank, kind, number, frames = case
            ends["hang" if code is None else f"exit {code}"] += 1
            failed += bool(wrong)
            if wrong or options.verbose:
                what = "; ".join(wrong) or f"exit {code}: {said}"
                print(f"{'FAILED' if wrong else 'ok'}: {command}: {kind} {number} on rank {rank}: "
                      f"{describe(frames)}: {what}{' in ' + directory if options.keep else ''}", flush=True)
    if not options.keep:
        shutil.rmtree(harness.scratch, ignore_errors=True)
    print(f"{sites} sites of {len(kinds)} kinds, {len(cases)} cases, {failed} failed "
          f"({', '.join(f'{v} {k}' for k, v in sorted(ends.items()))}), {time.time() - start:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
