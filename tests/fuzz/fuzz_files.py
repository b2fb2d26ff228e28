"""fuzz_files.py DRIVER SOURCE [--cases 5000] [--seed 1] [--jobs 1]: mutated files to every reader of the program.

DRIVER is file_driver.c, built with the address and undefined sanitizers. A small run leaves one file of each kind. Every
case spoils a copy of one of them in one of four ways and hands it to `nnsm info` and to the command that reads it:
  sealed    bytes of a file of ours: where anything behind the seal changed, the seal must refuse it
  forged    bytes too, but with a valid checksum afterwards, so that what lies behind the seal is tried
  contents  h5py changes shapes, types, values, attributes, links; then sealed again
  foreign   bytes or contents of a file that somebody else made, without a seal: first read by a child process
A case must end in time, with a documented exit code (0, 2, 3, 4) and one message that names the file, no sanitizer
report, no part file, and its inputs unchanged. Faults within libhdf5 (its frames come first in the report, and the memory
is its own) are counted apart: `foreign` ones must end as exit 3; those behind a forged seal are only counted."""
import argparse
import collections
import concurrent.futures
import glob
import hashlib
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

import mutate

SETTINGS = """system.lattice=[4,4] generate.configurations=256 generate.chains=64 generate.interval=2
generate.thermalization=5 network.hidden=[6,4] train.epochs=8 train.batch=64 scan.sweeps=300 scan.thermalization=300
scan.walkers=2 scan.temperatures=[1.0,2.0,4.0] couplings.basis=["pairs"] couplings.range=1 couplings.samples=512
run.progress=100 run.output=o""".split()
LARGEST = 1 << 30  # bytes of a file
LIMIT = 30  # seconds; the slowest command takes about one
MEASURED = 'run : {{ name = "m"; output = "o"; }};\nensemble : {{ file = "{}"; }};\n'
RUN = "run quick.cfg --set run.name=r".split()
FRONTIER = "--set network.kind=frontier --set network.units=4 --set network.reach=1 --set network.ridge=0.1".split()
FLIPS = "--set scan.sampler=metropolis".split()


def settings(*pairs):
    return [w for s in pairs for w in ("--set", s)]


POTTS = settings("system.model=potts", 'train.augment=["translation","permutation"]', 'scan.moves=["single"]',
                 "scan.regenerate=true", "scan.thermalization=10", "scan.sweeps=250")  # 16 sites: saved every 256
BLOCKS = settings("window.size=[2]", 'train.augment=["spin_flip"]', 'scan.moves=["single","neighbour"]',
                  "scan.sweeps=3000")  # chains of 4 sites are saved every 1024
UNDONE = settings("window.size=[2]", "window.stride=[1]")
BARE = "scan bare.cfg --set network.file=n.h5 --set scan.sweeps=50".split()
MODEL = settings(*"system.anisotropy=(1,0.5) system.next_nearest=0.3 system.plaquette=0.2 train.augment=()".split())
TRAIN = "train m.cfg --set train.epochs=1 --set train.batch=32 --set network.hidden=[5]".split()

# kind of file: where it lies, what it needs beside it, the command that reads it
Target = collections.namedtuple("Target", "path beside command")
TARGETS = {
    "ensemble": Target("o/r.ensemble.h5", (), "train quick.cfg --set run.name=r".split()),
    "network": Target("n.h5", (), "scan quick.cfg --set network.file=n.h5 --set run.name=s".split()),
    "results": Target("results.h5", (), None),
    "generating": Target("o/r.checkpoint.h5", (), RUN),
    "training": Target("o/r.checkpoint.h5", ("ensemble",), RUN),
    "scanning": Target("o/r.checkpoint.h5", ("ensemble", "own_network"), RUN),
    "finished": Target("o/r.checkpoint.h5", ("ensemble", "own_network"), RUN + ["--set", "scan.sweeps=400"]),
    "flipping": Target("o/r.checkpoint.h5", ("ensemble", "own_network"), RUN + FLIPS),
    "frontier_training": Target("o/r.checkpoint.h5", ("ensemble",), RUN + FRONTIER),
    "frontier_network": Target("n.h5", (), BARE),
    "model_network": Target("n.h5", (), BARE),
    "measured": Target("m.h5", (), TRAIN),
    "packed": Target("m.h5", (), TRAIN),
    "foreign_network": Target("n.h5", (), BARE),
    "potts_ensemble": Target("o/r.ensemble.h5", (), "train quick.cfg --set run.name=r".split() + POTTS),
    "potts_network": Target("n.h5", (), BARE + settings("scan.regenerate=true", "scan.thermalization=20")),
    "potts_training": Target("o/r.checkpoint.h5", ("potts_ensemble",), RUN + POTTS),
    "potts_scanning": Target("o/r.checkpoint.h5", ("potts_ensemble", "potts_own_network"), RUN + POTTS),
    "blocks": Target("o/r.blocks.h5", ("ensemble",), "train quick.cfg --set run.name=r".split() + BLOCKS),
    "latent": Target("o/r.latent.h5", ("ensemble",), "train quick.cfg --set run.name=r".split() + UNDONE),
    "blocks_network": Target("n.h5", (), BARE),
    "blocks_training": Target("o/r.checkpoint.h5", ("ensemble",), RUN + BLOCKS),
    "blocks_scanning": Target("o/r.checkpoint.h5", ("ensemble", "blocks_own_network"), RUN + BLOCKS),
    "signal": Target("m.h5", (), TRAIN + settings("ensemble.levels=3")),
    "sums": Target("m.h5", (), TRAIN + UNDONE + settings("window.data=windows")),
    "compared": Target("c.h5", ("own_n",), BARE + settings("trust.compare=c.h5")),
}
# Where what lies beside a target goes, if it is no target itself.
BESIDE = {name: "o/r.network.h5" for name in ("own_network", "potts_own_network", "blocks_own_network")} | {"own_n": "n.h5"}
FOREIGN = ("measured", "packed", "foreign_network", "signal", "sums", "compared")
REMADE = ("blocks", "latent")  # a damaged one is made anew from the ensemble


class Driver:
    """One process that forks a child for every command."""

    def __init__(self, options):
        self.reports = tempfile.mkdtemp(prefix="reports-", dir=options.scratch)
        common = f"log_path={self.reports}/r:handle_abort=0"
        environment = dict(
            os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1",
            OMPI_MCA_btl_vader_single_copy_mechanism="none", UBSAN_OPTIONS=f"{common}:print_stacktrace=1",
            ASAN_OPTIONS=f"{common}:detect_leaks=0:max_allocation_size_mb=256:abort_on_error=1:allocator_may_return_null=0")
        self.process = subprocess.Popen([options.driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment, cwd=options.scratch)

    def ask(self, *words):
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit("the driver is gone")
        return answer

    def take_reports(self):
        texts = []
        for path in glob.glob(f"{self.reports}/*"):
            with open(path, errors="replace") as file:
                texts.append(file.read())
            os.unlink(path)
        return texts


def first_frame(stack):
    """The innermost frame that is no function of libc or of the sanitizer."""
    for frame in re.findall(r"#\d+ 0x\w+ +(.*)", stack):
        if not re.search(r"libasan|sanitizer|interceptor|libc\.so|sysdeps/", frame):
            return frame
    return ""


def in_library(report):
    """Is it libhdf5 that failed, on memory of its own?"""
    if "ERROR: AddressSanitizer" not in report or re.search(r"in frame <\d+>\n *#0 .*/src/|in frame.*\n.*/src/", report):
        return False
    fault, *allocation = re.split(r"(?:allocated|freed) by thread", report)
    return all("libhdf5" in first_frame(stack) for stack in [fault] + allocation)


# ---- files to start from


def command(driver, directory, words, limit=LIMIT):
    """Every command in a directory of its own; `cd` would change the driver's."""
    settings = [w for s in SETTINGS for w in ("--set", s)] if words[0] != "info" and "m.cfg" not in words else []
    if "bare.cfg" in words:
        settings = [w for s in SETTINGS if s.startswith(("scan", "run", "couplings")) for w in ("--set", s)]
    return driver.ask("run", str(limit), directory, f"{directory}/said", *words[:2], *settings, *words[2:])


def said(directory):
    with open(f"{directory}/said", errors="replace") as file:
        return file.read()


def prepare(driver, options):
    """One file of each kind, from short runs that are stopped in different stages."""
    base, seeds = f"{options.scratch}/base", f"{options.scratch}/seeds"
    os.makedirs(f"{base}/o")
    os.makedirs(seeds)
    write_configurations(base, options)

    def session(words, wanted, file, kind, more=()):
        answer = command(driver, base, words.split() + ["--set", "run.name=r", *more])
        if answer != f"exit {wanted}":
            sys.exit(f"{words}: {answer}, not {wanted}: {said(base)}")
        shutil.copy(f"{base}/o/r.{file}.h5", f"{seeds}/{kind}")

    session("run quick.cfg --set run.time_limit=1e-9", 85, "checkpoint", "generating")
    session("generate quick.cfg", 0, "ensemble", "ensemble")
    for kind, more in (("frontier_training", FRONTIER), ("training", [])):
        session("train quick.cfg --fresh --set run.time_limit=1e-9", 85, "checkpoint", kind, more)
        within(driver, base, ["train", *more], "train", "train", f"{seeds}/{kind}")
        session("train quick.cfg", 0, "network", kind.replace("training", "network"), more)
    shutil.copy(f"{seeds}/network", f"{seeds}/own_network")
    within(driver, base, ["run"], "scan", "scan/learned/0/surrogate", f"{seeds}/scanning")
    session("run quick.cfg", 0, "results", "results")
    shutil.copy(f"{base}/o/r.checkpoint.h5", f"{seeds}/finished")
    within(driver, base, ["run", *FLIPS], "scan", "scan/learned/0", f"{seeds}/flipping")
    shutil.copy(f"{seeds}/network", f"{seeds}/own_n")
    session("train quick.cfg --fresh", 0, "latent", "latent", UNDONE)
    several(session, driver, base, seeds, "blocks", BLOCKS)
    shutil.copy(f"{base}/o/r.blocks.h5", f"{seeds}/blocks")
    session("generate quick.cfg --fresh", 0, "ensemble", "potts_ensemble", POTTS)
    several(session, driver, base, seeds, "potts", POTTS)
    session("generate quick.cfg --fresh", 0, "ensemble", "model_ensemble", MODEL)
    session("train quick.cfg --fresh", 0, "network", "model_network", MODEL)
    make_foreign(seeds)
    return base, seeds


def several(session, driver, base, seeds, name, more):
    """Network and checkpoints of sites of several values, on the ensemble that lies there."""
    session("train quick.cfg --fresh --set run.time_limit=1e-9", 85, "checkpoint", f"{name}_training", more)
    within(driver, base, ["train", *more], "train", "train", f"{seeds}/{name}_training")
    session("train quick.cfg", 0, "network", f"{name}_network", more)
    shutil.copy(f"{seeds}/{name}_network", f"{seeds}/{name}_own_network")
    within(driver, base, ["run", *more], "scan", "scan/learned/0", f"{seeds}/{name}_scanning")


def within(driver, base, words, stage, needed, copy):
    """Stop in the middle of a stage, which is a question of time; every session goes on from the one before."""
    path, limit, more = f"{base}/o/r.checkpoint.h5", 0.02, 2.0
    shutil.copy(path, f"{base}/before")
    for _ in range(80):
        answer = command(driver, base, [words[0], "quick.cfg", "--set", "run.name=r", "--set",
                                        f"run.time_limit={limit}", *words[1:]])
        with h5py.File(path) as file:
            if answer == "exit 85" and needed in file and file.attrs["stage"] == stage.encode() and file.attrs["step"]:
                shutil.copy(path, copy)
                return
        if answer != "exit 0":
            limit *= more
        else:
            shutil.copy(f"{base}/before", path)
            if os.path.exists(f"{base}/o/r.results.h5"):  # else there is nothing to do
                os.unlink(f"{base}/o/r.results.h5")
            limit *= 0.5
            more = 1.1  # on a busy machine the stage may be a small part of what comes before it
    sys.exit(f"no checkpoint in the middle of {stage}: {answer}: {said(base)}")


def write_configurations(base, options):
    shutil.copy(f"{options.source}/input/quick.cfg", f"{base}/quick.cfg")
    with open(f"{base}/m.cfg", "w") as file:
        file.write(MEASURED.format("m.h5"))
    with open(f"{base}/bare.cfg", "w") as file:
        file.write('run : { name = "b"; };\n')


def make_foreign(seeds):
    spins = np.where(np.random.default_rng(1).random((200, 4, 4)) < 0.5, -1, 1)
    for name, kind, options in (("measured", np.int8, {}),
                                ("packed", np.int32, {"chunks": (20, 4, 4), "compression": "gzip", "shuffle": True})):
        with h5py.File(f"{seeds}/{name}", "w") as file:
            data = file.create_dataset("configurations", data=spins.astype(kind), **options)
            data.attrs["temperature"] = 2.0
    fields = np.random.default_rng(2).normal(size=(200, 4, 4)).astype(np.float32)
    sums = sum(np.roll(spins, (i, j), (1, 2)) for i in (0, -1) for j in (0, -1))[:, :3, :3]  # of open 2 x 2 windows
    for name, values, options in (("signal", fields, {"chunks": (30, 2, 4), "compression": "gzip"}),
                                  ("sums", sums.astype(np.int8), {}), ("compared", spins.astype(np.int64), {})):
        with h5py.File(f"{seeds}/{name}", "w") as file:
            data = file.create_dataset("configurations", data=values, **options)
            data.attrs["temperature"] = 2.0
    with open(f"{seeds}/own_network", "rb") as source, open(f"{seeds}/foreign_network", "wb") as copy:
        copy.write(bytes(mutate.USER_BLOCK) + source.read()[mutate.USER_BLOCK:])


# ---- one case


class Case:
    def __init__(self, number, options):
        self.rng = random.Random(f"{options.seed} {number}")
        self.number = number
        self.kind = self.rng.choice(options.targets)
        self.way = "foreign" if self.kind in FOREIGN else self.rng.choice(("sealed", "forged", "forged", "contents",
                                                                          "contents"))
        self.what = ""

    def spoil(self, path, driver):
        rng = self.rng
        if self.way == "sealed":
            low = 0 if rng.random() < 0.3 else mutate.USER_BLOCK
            self.what = mutate.spoil_bytes(rng, path, low)
        elif self.way == "forged" or (self.way == "foreign" and rng.random() < 0.6):
            low = mutate.USER_BLOCK if self.way == "forged" or self.kind == "foreign_network" else 0
            self.what = mutate.spoil_bytes(rng, path, low)
        else:
            self.what = mutate.spoil_contents(rng, path)
        if self.way in ("forged", "contents"):
            driver.ask("seal", path)

    def text(self):
        return f"case {self.number}: {self.way} {self.kind}: {self.what}"


def must_refuse(before, after):
    """Did anything change that the seal covers?"""
    line = before.index(b"\n")
    return after[:len(mutate.MAGIC)] == mutate.MAGIC and after != before and (
        after[:line] != before[:line] or after[mutate.USER_BLOCK:] != before[mutate.USER_BLOCK:])


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def judge(answer, text, names, refuse):
    """-> what is wrong, [] if nothing."""
    messages = [line for line in text.splitlines() if line.startswith("nnsm: ")]
    if answer == "hang" or answer.startswith("signal") or answer == "failed":
        return [answer]
    code = int(answer.split()[1])
    wrong = []
    if code not in (0, 2, 3, 4):
        wrong.append(f"{answer}: {text[-200:]}")
    elif len(messages) != (code != 0):
        wrong.append(f"{answer} with {len(messages)} messages: {text[-300:]}")
    elif code == 3 and not any(name in messages[0] for name in names):
        wrong.append(f"no file is named: {messages[0]}")
    if refuse and (code != 3 or not re.search("torn|damaged|newer|cannot read", text)):
        wrong.append(f"the seal did not refuse it: {answer}: {text[-200:]}")
    return wrong


def lay_out(kind, driver, options, base, seeds):
    """A directory with a file of this kind and all that its command needs; -> directory, path of the file."""
    directory = f"{options.scratch}/work-{driver.process.pid}"
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(f"{directory}/o")
    for name in ("quick.cfg", "m.cfg", "bare.cfg"):
        shutil.copy(f"{base}/{name}", directory)
    target = TARGETS[kind]
    for name in target.beside:
        shutil.copy(f"{seeds}/{name}", f"{directory}/{BESIDE.get(name) or TARGETS[name].path}")
    path = f"{directory}/{target.path}"
    shutil.copy(f"{seeds}/{kind}", path)
    return directory, path


def try_unspoiled(targets, driver, options, base, seeds):
    """A file that is refused as it is would test nothing."""
    for kind in targets:
        directory, _ = lay_out(kind, driver, options, base, seeds)
        answer = command(driver, directory, TARGETS[kind].command or ["info", TARGETS[kind].path])
        reports = driver.take_reports()
        if answer != "exit 0" or reports:
            sys.exit(f"{kind}, not spoiled: {answer}: {said(directory)}{''.join(reports)[:6000]}")


def try_case(case, driver, options, base, seeds):
    """-> (what is wrong, faults of libhdf5, answers)."""
    target = TARGETS[case.kind]
    directory, path = lay_out(case.kind, driver, options, base, seeds)
    case.spoil(path, driver)
    with open(f"{seeds}/{case.kind}", "rb") as one, open(path, "rb") as other:
        refuse = case.way == "sealed" and must_refuse(one.read(), other.read())
    wrong, library, answers = [], 0, []
    for words in [["info", target.path]] + ([target.command] if target.command else []):
        before = digest(path)
        answer = command(driver, directory, words)
        reports = driver.take_reports()
        theirs = [r for r in reports if in_library(r)]
        library += bool(theirs)
        wrong += ["report: " + r[:6000] for r in reports if r not in theirs]
        forgiven = theirs and case.way in ("forged", "contents") and answer.startswith(("signal", "exit 1"))
        remade = case.kind in REMADE and words[0] != "info"
        names = [os.path.basename(p) for p in [target.path] + [BESIDE.get(n) or TARGETS[n].path for n in target.beside]]
        text = said(directory)
        if "HDF5 crashed" in text or "HDF5 did not come back" in text:
            library += not theirs
        wrong += [] if forgiven else [f"{words[0]}: {w}" for w in judge(answer, text, names, refuse and not remade)]
        wrong += [f"{words[0]} left {p}" for p in glob.glob(f"{directory}/**/*.part", recursive=True)]
        if answer not in ("exit 0",) and os.path.exists(path) and digest(path) != before:
            wrong.append(f"{words[0]} failed and changed its input")
        answers.append("crash of libhdf5" if forgiven else answer)
    return wrong, library, answers


# ---- all cases


def worker(first, options, base, seeds):
    driver = Driver(options)
    try_unspoiled(options.targets[first::options.jobs], driver, options, base, seeds)
    ends, failed, library, longest = collections.Counter(), [], 0, 0.0
    for number in range(options.first + first, options.first + options.cases, options.jobs):
        case, start = Case(number, options), time.monotonic()
        wrong, faults, answers = try_case(case, driver, options, base, seeds)
        seconds = time.monotonic() - start
        longest = max(longest, seconds)
        library += faults
        ends.update((case.way, answer) for answer in answers)
        if wrong:
            failed.append(case)
            shutil.copytree(f"{options.scratch}/work-{driver.process.pid}", f"failed-{options.seed}-{number}",
                            dirs_exist_ok=True)
            print("\n    ".join([f"FAILED: {case.text()}"] + wrong), flush=True)
        elif options.verbose:
            print(f"{case.text()}: {', '.join(answers)}, {seconds:.1f} s", flush=True)
    driver.process.stdin.close()
    driver.process.wait()
    return ends, failed, library, longest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("source")
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case; --first N --cases 1 repeats one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--targets", nargs="+", default=sorted(TARGETS), choices=sorted(TARGETS), help="these only")
    parser.add_argument("--verbose", action="store_true", help="a line for every case")
    parser.add_argument("--keep", action="store_true", help="keep the scratch directory")
    options = parser.parse_args()
    options.driver, options.source = map(os.path.abspath, (options.driver, options.source))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))  # a mutation must not fill the machine
    room = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    options.scratch = tempfile.mkdtemp(prefix="nnsm-fuzz-", dir=room)
    start = time.monotonic()
    ends, failed, library, longest = collections.Counter(), [], 0, 0.0
    try:
        driver = Driver(options)
        base, seeds = prepare(driver, options)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for result in pool.map(lambda j: worker(j, options, base, seeds), range(options.jobs)):
                ends.update(result[0])
                failed, library, longest = failed + result[1], library + result[2], max(longest, result[3])
    finally:
        if not options.keep:
            shutil.rmtree(options.scratch, ignore_errors=True)
    for way in sorted({way for way, _ in ends}):
        print(f"{way}: " + ", ".join(f"{n} {answer}" for (w, answer), n in sorted(ends.items()) if w == way))
    print(f"seed {options.seed}: {options.cases} files, {sum(ends.values())} commands, {len(failed)} failed, {library} "
          f"faults within libhdf5, longest {longest:.1f} s, {time.monotonic() - start:.0f} s in all")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
