#!/usr/bin/python3
"""How long every stage of a run takes on any number of ranks, from what nnsm bench measured; beside measured runs.

With P ranks, s shards a batch, tiles of 64 chains (generate) or 32 (scan):
  generate  ceil(tiles / P) x updates x (a tile's update)
  train     steps x (ceil(s / P) x shard x f + messages), messages = sum of gradients + gather of parameters + vote; steps of a
            frontier network that want Hessians with shards and sums of their own
  scan      sweeps x (ceil(tiles / P) x (a tile's sweep or proposal) x g + gather of measurements, of as many sweeps at once
            as there is room for, and of energies among ranks that share ladders)
The ceilings are the imbalance of the work; that of the machine, the slowest rank over the mean as measured, multiplies
computation where there is more than one rank. f and g are what the stages take beyond their kernels, from the measured
stage. Messages are a + b n as measured at P0 ranks; at P, latencies grow as log2 P (a vote; sums and parameters, up and down
a tree) or P - 1 (measurements, taken for a ring), bytes as (P - 1) / P, what leaves a rank. Without a file of at least two
ranks messages cost nothing, and it says so. Sums and parameters of large networks pass beside the computation (stage/reduction.h):
what the model says of their messages is the most that they can take."""
import argparse
import hashlib
import json
import math
import re
import sys

STAGES = ("generate", "train", "scan")
# Parts of a run, each from the begin of its first stage to the end of its last one: `network` is all up to the trained network.
PARTS = {"network": ("generate", "window", "train"),
         **{name: (name,) for name in ("members", "couplings", "samples", "scan", "reference", "distilled", "evaluation", "trust")}}
BUSY = 0.9  # below this share of a processor's time others had the rest, as nnsm bench says it


def read(path):
    try:
        with open(path) as file:
            bench = json.load(file)
    except (OSError, ValueError) as problem:
        sys.exit(f"performance_model: {path}: {problem}")
    if not isinstance(bench, dict) or bench.get("kind") != "nnsm bench":
        sys.exit(f"performance_model: {path}: not a file of nnsm bench")
    whole = "config" in bench and isinstance(bench.get("parts"), dict) and "measurements_at_once" in bench.get("run", {})
    if not whole:
        sys.exit(f"performance_model: {path}: is not whole, or of an older version; measure again")
    least = min((part.get("busy", 1.0) for part in bench["parts"].values() if part.get("of") == "rank"), default=1.0)
    if least < BUSY:
        print(f"warning: {path}: its ranks had only {least:.0%} of a processor at worst: the machine was shared, or had fewer cores than "
              "ranks; what follows from it is as good as that", file=sys.stderr)
    return bench


def read_groups(text):
    """The configuration as nnsm writes it, {"train.batch": "128", ...}, without what does not change the work."""
    groups = {}
    for group, keys in re.findall(r"^(\w+) : \{ (.*) \};$", text, re.M):
        if group not in ("run", "teams", "checkpoint"):
            groups.update({f"{group}.{key}": value for key, value in re.findall(r'(\w+) = ("[^"]*"|\([^;]*\)|[^;]*);', keys)})
    return groups


def fingerprint(groups):
    return hashlib.sha1(repr(sorted(groups.items())).encode()).hexdigest()[:8]


def difference(one, other):
    """Names of the keys in which two configurations differ, as a text."""
    return ", ".join(sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key)))


def read_durations(path):
    """The durations of a simulated cluster (tests/scaling/durations.txt): seconds by name, and the parameters."""
    with open(path) as file:
        text = file.read()
    values = {name: float(value) for name, value in re.findall(r"^(\w+) ([\d.e+-]+)$", text, re.M)}
    values["parameters"] = int(re.search(r"parameters (\d+)", text)[1])
    return values


class Model:
    """Of one configuration: the file of fewest ranks tells of the kernels, that of most ranks of messages."""

    def __init__(self, benches):
        benches = sorted(benches, key=lambda b: b["ranks"])
        self.groups = read_groups(benches[0]["config"])
        self.configuration = fingerprint(self.groups)
        for bench in benches[1:]:
            differing = difference(self.groups, read_groups(bench["config"]))
            if differing:
                sys.exit(f"performance_model: the benchmarks of {benches[0]['name']} and {bench['name']} differ in {differing}: "
                         "give files of one configuration")
        self.kernels, self.net = benches[0], benches[-1]
        self.run, self.parts = self.kernels["run"], self.kernels["parts"]
        self.knows_messages = self.net["ranks"] > 1
        flips = "screened_flip" if "screened_flip" in self.parts else "single_flip"
        self.kernel = "self_learning" if self.run["self_learning"] else flips
        self.tile = self.parts.get(self.kernel)

    # ---- messages

    def message(self, kind, ranks, size, ring=False):
        if ranks == 1 or not self.knows_messages:
            return 0.0
        measured, at = self.net["messages"][kind], self.net["ranks"]
        rounds = (ranks - 1 if ring else math.log2(ranks)) / math.log2(at)
        if kind == "allreduce":
            return rounds * (measured["latency"] + measured["seconds_a_byte"] * size)
        return rounds * measured["latency"] + measured["seconds_a_byte"] * size * ((ranks - 1) / ranks) / ((at - 1) / at)

    def step_messages(self, ranks, sums="floats_of_a_gradient"):
        size = 4 * self.run["parameters"]
        workers = min(ranks, int(self.run["shards"]))
        return (self.message("reduce", workers, 4 * self.run.get(sums, self.run["parameters"])) +
                self.message("gather", workers, size) + self.message("allreduce", ranks, 16))

    def groups_of_ranks(self, ranks):
        """Among which replicas are exchanged, as stage/placing.c chooses them: blocks of ladders that fill tiles, and as many
        groups as leave no rank with more tiles than it would have in one group."""
        t, w, chains = (int(self.run[k]) for k in ("temperatures", "walkers", "chains_of_a_scan_tile"))

        def parts(whole, count):
            return [whole * (k + 1) // count - whole * k // count for k in range(count)]

        blocks = w
        while sum(-(-t * own // chains) for own in parts(w, blocks)) > self.scan_tiles():
            blocks -= 1
        tiles = [-(-t * own // chains) for own in parts(w, blocks)]
        groups = min(ranks, blocks)
        while True:
            most, first = 0, 0
            for own, ladders in zip(parts(ranks, groups), parts(blocks, groups)):
                most = max(most, -(-sum(tiles[first:first + ladders]) // own))
                first += ladders
            if most <= -(-self.scan_tiles() // ranks):
                return groups
            groups -= 1

    def scan_messages(self, ranks):
        """Of a sweep (stage/chains_measure.c)."""
        interval, chains = int(self.run["exchange_interval"]), self.scan_tiles() * int(self.run["chains_of_a_scan_tile"])
        measurements = max(1, min(int(self.run["measurements_at_once"]), int(self.run["sweeps"]) // interval))
        size = chains * self.run["bytes_of_a_measurement"]
        gather = self.message("gather", ranks, size * measurements, ring=True) / (measurements * interval)
        exchange = 0.0
        if self.groups.get("scan.exchange") == "true":
            groups = self.groups_of_ranks(ranks)
            exchange = self.message("gather", math.ceil(ranks / groups), 8 * chains / groups, ring=True) / interval
        return gather + exchange

    # ---- work

    def imbalance(self, part, ranks):
        slower = self.net["parts"].get(part, {}).get("imbalance", 1.0)
        return slower if ranks > 1 and self.knows_messages else 1.0

    def scan_tiles(self):
        return math.ceil(self.run["temperatures"] * self.run["walkers"] / self.run["chains_of_a_scan_tile"])

    def training(self):
        """Configurations that an epoch trains on."""
        return self.run["configurations"] - int(self.run["validation"] * self.run["configurations"])

    def factor(self, measured, kernel, messages):
        """What a stage takes beyond its kernel; at least nothing."""
        return max(1.0, (measured - messages) / kernel)

    def predict(self, ranks):
        """Seconds of every stage: {stage: (computation, messages)}."""
        run, at = self.run, self.kernels["ranks"]
        result = {}
        if run["generated"] and "generator" in self.parts:
            tiles = run["chains"] / run["chains_of_a_tile"]
            updates = run["generate_thermalization"] + \
                (math.ceil(run["configurations"] / run["chains"]) - 1) * run["interval"]
            result["generate"] = (math.ceil(tiles / ranks) * updates * self.parts["generator"]["seconds"] *
                                  self.imbalance("generator", ranks), 0.0)
        shard = self.parts["gradient"]["seconds"]
        measured = self.parts["training"]["seconds"] * run["batch"] / self.parts["training"]["work"]
        f = self.factor(measured, math.ceil(run["shards"] / at) * shard, self.step_messages(at))
        steps = run["epochs"] * math.ceil(self.training() / run["batch"])
        hessians = run.get("hessian_draws", 0) / run["batch"]  # steps that want them
        shares = math.ceil(run["shards"] / ranks) * f
        work, messages = (steps - hessians) * shard * self.imbalance("gradient", ranks), \
            (steps - hessians) * self.step_messages(ranks)
        if hessians:
            work += hessians * self.parts["hessian"]["seconds"] * self.imbalance("hessian", ranks)
            messages += hessians * self.step_messages(ranks, "floats_of_a_hessian")
        result["train"] = (shares * work, messages)
        sweep = self.tile["seconds"]
        measured = self.parts["scan"]["seconds"] / run["period"]
        g = self.factor(measured, math.ceil(self.scan_tiles() / at) * sweep, self.scan_messages(at))
        sweeps = run["sweeps"] + run["scan_thermalization"]
        result["scan"] = (sweeps * math.ceil(self.scan_tiles() / ranks) * sweep * g *
                          self.imbalance(self.kernel, ranks),
                          sweeps * self.scan_messages(ranks))
        return result

    def network(self, ranks):
        """Generation and training, which overlap in a run: the work of both, by all ranks."""
        stages = self.predict(ranks)
        return sum(sum(stages[s]) for s in ("generate", "train") if s in stages)


def proposals(path):
    """How the scans of a run sample: {scan: "clusters of pair (1,0)", or single flips}; without scans of older files, which do
    not say it."""
    from results import need, open_results, text
    with open_results(path) as file:
        scans = {name: scan.attrs for name, scan in need(file, "scan").items() if "sampler" in scan.attrs}
        return {name: text(a.get("proposals", "single flips")) for name, a in scans.items()
                if "proposals" in a or not text(a["sampler"]).startswith("self_learning")}


def measured_parts(path):
    """Ranks, seconds of the parts (from the first rank's begin to the last's end) and configuration of a run that wrote a
    results file."""
    from results import need, open_results, text
    with open_results(path) as file:
        ranks = int(need(file, "provenance").attrs["ranks"])
        groups = read_groups(text(file["provenance"].attrs["config"]))
        timing = need(file, "timing")  # an older version may lack a stage
        rows = {name: timing[name][:] if name in timing else [] for stages in PARTS.values() for name in stages}
        parts = {}
        for name, stages in PARTS.items():
            used = [row for stage in stages for row in rows[stage] if row[1] > 0]
            parts[name] = max(row[1] for row in used) - min(row[0] for row in used) if used else 0.0
        busy = sum(row[1] - row[0] - row[2] for stage in rows.values() for row in stage if row[1] > 0)
        busy -= sum(max(0.0, min(g[1], t[1]) - max(g[0], t[0])) for g, t in zip(rows["generate"], rows["train"]))  # one rank did both
        parts["total"] = float(file["timing"].attrs["total_seconds"])
        parts["busy"] = busy / ranks / parts["total"]
        sessions = int(file["provenance"].attrs.get("sessions", 1))
        if sessions > 1 or not parts["network"]:
            print(f"warning: {path}: its times are not those of a whole run, only of the last of its sessions or stages; measure one "
                  "that went through", file=sys.stderr)
        return ranks, parts, groups


def rank_counts(text):
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", text):
        raise argparse.ArgumentTypeError(f"{text}: give numbers of ranks as 1,2,4")
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", nargs="+", help="files NAME.bench.json of one configuration, at one or more rank counts")
    parser.add_argument("--ranks", type=rank_counts, default="1,2,4,8,16,32,64,128", help="rank counts to predict for")
    parser.add_argument("--results", nargs="*", default=[], help="results files of runs of that configuration")
    arguments = parser.parse_args()
    model = Model([read(path) for path in arguments.bench])
    if not model.knows_messages:
        print("# no file of two or more ranks: messages are taken to cost nothing")
    print(f"# {'ranks':>5}" + "".join(f" {stage + ' s':>12} {'messages':>9}" for stage in STAGES))
    for ranks in arguments.ranks:
        stages = model.predict(ranks)
        print(f"{ranks:7}" + "".join(f" {sum(stages[s]):12.3f} {stages[s][1] / sum(stages[s]):8.1%}" if s in stages
                                     else f" {'-':>12} {'-':>9}" for s in STAGES))
    for path in arguments.results:
        ranks, parts, groups = measured_parts(path)
        differing = difference(model.groups, groups)
        if differing:
            sys.exit(f"performance_model: {path} differs from the benchmark in {differing}: a run of another configuration")
        scan = sum(model.predict(ranks)["scan"])
        print(f"# {path}: {ranks} ranks: generate and train {parts['network']:.2f} s, predicted {model.network(ranks):.2f}; "
              f"scan {parts['scan']:.2f} s, predicted {scan:.2f}")


if __name__ == "__main__":
    main()
