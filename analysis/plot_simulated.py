#!/usr/bin/python3
"""Strong scaling on a simulated cluster (tests/scaling): the step of training and the sweep of the scan against ranks, their
efficiency, and the time of a whole run by part.

The whole is epochs x batches x step + (sweeps + thermalization) x sweep + generation, which is not simulated: ceil(tiles /
ranks) x updates x a tile's update. Efficiency: the computation that one rank would have, over ranks x time."""
import argparse
import csv
import math
import os
import re

from performance_model import read_durations
from results import fail, plt, save_figure

KEYS = ("configurations", "chains", "thermalization", "interval", "epochs", "batch", "sweeps", "walkers")


def read_config(path):
    """The numbers of each group of the configuration: {"train.batch": 8192, ...}."""
    with open(path) as file:
        text = re.sub(r"#.*", "", file.read())
    return {f"{group}.{key}": float(value) for group, body in re.findall(r"^(\w+) : \{(.*)\};$", text, re.M)
            for key, value in re.findall(r"(\w+) = ([\d.]+)", body) if key in KEYS}


def read_table(path):
    try:
        with open(path, newline="") as file:
            rows = [{k: v if k in ("label", "stage") else float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        return sorted(rows, key=lambda r: r["ranks"])
    except (OSError, ValueError, TypeError, KeyError) as problem:
        fail(f"{path}: not a table of simulate.py ({problem})")


def curve(rows, **wanted):
    chosen = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
    return [r["ranks"] for r in chosen], [r["seconds"] for r in chosen]


def draw(axes, ranks, seconds, style, colour, label):
    if ranks:
        axes.plot(ranks, seconds, style, color=colour, label=label)


def work_of(d, stage, shards):
    """Seconds of one rank that does it all."""
    return shards * (d["gradient"] + d["add"] * d["parameters"]) if stage == "train" else shards * d["sweep"]


STYLES = (("o-", "tab:blue"), ("s--", "tab:red"))


def plot_steps(axes, rows, d, labels):
    for (label, text), (style, colour) in zip(labels, STYLES):
        draw(axes, *curve(rows, label=label, stage="train", shards=1024, networks=1), style, colour,
             f"step, 1024 shards{text}")
    now = labels[0][0]
    draw(axes, *curve(rows, label=now, stage="train", shards=64), "^-", "tab:cyan", "step, 64 shards")
    ranks, seconds = curve(rows, label=now, stage="train", networks=4)
    draw(axes, ranks, [s / 4 for s in seconds], "D-", "tab:purple", "step, a fourth, of four networks")
    ranks, seconds = curve(rows, label=now, stage="scan")
    draw(axes, ranks, seconds, "o-", "tab:orange", "sweep, 1024 tiles")
    grid = [16, 1024]
    axes.plot(grid, [work_of(d, "train", 1024) / p for p in grid], color="0.6", linewidth=0.8, label="ideal")
    axes.plot(grid, [work_of(d, "scan", 1024) / p for p in grid], color="0.6", linewidth=0.8)
    axes.set(xlabel="ranks", ylabel="s", title="a step of training, a sweep of the scan")
    axes.set_yscale("log")


def plot_efficiency(axes, rows, d, labels):
    def efficiency(ranks, seconds, work):
        return ranks, [work / p / s for p, s in zip(ranks, seconds)]

    train, scan, now = work_of(d, "train", 1024), work_of(d, "scan", 1024), labels[0][0]
    for (label, text), (style, colour) in zip(labels, STYLES):
        draw(axes, *efficiency(*curve(rows, label=label, stage="train", shards=1024, networks=1), train), style, colour,
             f"training{text}")
    draw(axes, *efficiency(*curve(rows, label=now, stage="train", shards=64), work_of(d, "train", 64)), "^-", "tab:cyan",
         "training, 64 shards")
    draw(axes, *efficiency(*curve(rows, label=now, stage="train", networks=4), 4 * train), "D-", "tab:purple",
         "four networks at once")
    draw(axes, *efficiency(*curve(rows, label=now, stage="scan"), scan), "o-", "tab:orange", "scan")
    axes.set(xlabel="ranks", ylabel="efficiency", title="strong scaling", ylim=(0, 1.1))


def whole(rows, d, c, label):
    """Ranks, and seconds of generation, training and scan."""
    steps = c["train.epochs"] * math.ceil(c["generate.configurations"] / c["train.batch"])
    updates = c["generate.thermalization"] + \
        (math.ceil(c["generate.configurations"] / c["generate.chains"]) - 1) * c["generate.interval"]
    train = dict(zip(*curve(rows, label=label, stage="train", shards=1024, networks=1)))
    scan = dict(zip(*curve(rows, label=label, stage="scan")))
    ranks = [p for p in train if p in scan]
    return ranks, {"generate (not simulated)": [math.ceil(c["generate.chains"] / 64 / p) * updates * d["generator"]
                                                for p in ranks],
                   "train": [steps * train[p] for p in ranks],
                   "scan": [(c["scan.sweeps"] + c["scan.thermalization"]) * scan[p] for p in ranks]}


def plot_whole(axes, rows, d, c, label):
    ranks, parts = whole(rows, d, c, label)
    total = [sum(v) for v in zip(*parts.values())]
    for (name, seconds), colour in zip(parts.items(), ("tab:green", "tab:blue", "tab:orange")):
        axes.plot(ranks, seconds, "o-", color=colour, label=name)
    axes.plot(ranks, total, "ko-", label="whole")
    axes.plot(ranks, [total[0] * ranks[0] / p for p in ranks], color="0.6", linewidth=0.8, label="ideal")
    axes.set(xlabel="ranks", ylabel="s", title="a whole run")
    axes.set_yscale("log")
    for p, *row in zip(ranks, *parts.values(), total):
        print(f"{int(p):5} ranks: generate, train, scan, whole: " + ", ".join(f"{s:.1f}" for s in row) + " s")


def main():
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "scaling")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="simulated.csv of tests/scaling/simulate.py")
    parser.add_argument("--durations", default=os.path.join(here, "durations.txt"))
    parser.add_argument("--config", default=os.path.join(here, "dense64.cfg"))
    parser.add_argument("--before", help="label of the rows of an earlier version")
    parser.add_argument("--label", default="now")
    a = parser.parse_args()
    rows, d, c = read_table(a.table), read_durations(a.durations), read_config(a.config)
    labels = [(a.label, ", by halves")] + ([(a.before, ", slices to everybody")] if a.before else [])
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.6))
    plot_steps(axes[0], rows, d, labels)
    plot_efficiency(axes[1], rows, d, labels)
    plot_whole(axes[2], rows, d, c, a.label)
    ticks = sorted({r["ranks"] for r in rows})
    for one in axes:
        one.set_xscale("log", base=2)
        one.set_xticks(ticks, [f"{t:.0f}" for t in ticks])
        one.legend(fontsize=6.5)
    figure.tight_layout()
    save_figure(figure, a.table.removesuffix(".csv"))


if __name__ == "__main__":
    main()
