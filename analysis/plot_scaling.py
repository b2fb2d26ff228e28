#!/usr/bin/python3
"""A scaling study: speed-up and efficiency of the parts against ranks, time by part, and the curve of the performance model
where files of nnsm bench are given."""
import argparse
import csv
import os
import sys

import numpy as np
from performance_model import PARTS, Model, read
from results import fail, plt, save_figure

SHOWN = {"network": "until trained", "scan": "scan", "total": "whole run"}
COLOURS = {"network": "tab:blue", "members": "tab:purple", "couplings": "tab:green", "samples": "tab:cyan",
           "scan": "tab:orange", "reference": "tab:brown", "distilled": "tab:pink", "evaluation": "tab:gray",
           "trust": "tab:olive", "total": "black"}
LATER = ("samples", "evaluation")  # parts that tables of older versions do not have
TEXTS = ("run", "kind", "configuration")


def read_table(path):
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        rows = [{k: v if k in TEXTS else float(v) for k, v in row.items()} for row in rows]
        for row in rows:
            row.update({part: 0.0 for part in PARTS if part not in row and part in LATER})
        for name in (*TEXTS, *PARTS, "ranks", "total"):
            _ = [row[name] for row in rows]
        return rows
    except (OSError, ValueError, TypeError, KeyError) as problem:
        fail(f"{path}: not a table of scaling_table.py ({problem})")


def study(rows, kind):
    """Ranks and mean seconds by part, rank counts rising, of runs of one kind."""
    ranks = sorted({r["ranks"] for r in rows if r["kind"] == kind})
    seconds = {part: np.array([np.mean([r[part] for r in rows if r["kind"] == kind and r["ranks"] == p]) for p in ranks])
               for part in (*PARTS, "total")}
    return np.array(ranks), seconds


def plot_speed(axes, ranks, seconds, kind, model):
    """Strong: speed-up against the fewest ranks. Weak: efficiency, the time of the fewest ranks over the time."""
    for part, label in SHOWN.items():
        if not seconds[part].any():
            continue
        ratio = seconds[part][0] / np.maximum(seconds[part], 1e-12)
        axes.plot(ranks, ratio * ranks[0] if kind == "strong" else ratio, "o-", color=COLOURS[part], label=label)
    if kind == "strong" and model:
        grid = np.unique(np.round(np.geomspace(1, 8 * ranks[-1], 60)).astype(int))
        for part, time in (("network", model.network), ("scan", lambda p: sum(model.predict(p)["scan"]))):
            one = time(int(ranks[0])) * ranks[0]
            axes.plot(grid, [one / time(int(p)) for p in grid], ":", color=COLOURS[part], label=f"{SHOWN[part]}, model")
    if kind == "strong":
        last = 8 * ranks[-1] if model else ranks[-1]
        axes.plot([ranks[0], last], [ranks[0], last], color="0.6", linewidth=0.8,
                  label="ideal" if ranks[0] == 1 else f"ideal, from {int(ranks[0])} ranks")
        axes.set_yscale("log", base=2)
    else:
        axes.set_ylim(0, 1.1)
    axes.set_xscale("log", base=2)
    axes.set(xlabel="ranks", ylabel="speed-up" if kind == "strong" else "efficiency", title=f"{kind} scaling")
    axes.legend(fontsize=7)


def plot_efficiency(axes, ranks, seconds):
    for part, label in SHOWN.items():
        if seconds[part].any():
            axes.plot(ranks, seconds[part][0] * ranks[0] / np.maximum(seconds[part] * ranks, 1e-12), "o-",
                      color=COLOURS[part], label=label)
    axes.set_xscale("log", base=2)
    axes.set_ylim(0, 1.15)
    axes.set(xlabel="ranks", ylabel=f"efficiency, of {int(ranks[0])} ranks 1" if ranks[0] > 1 else "efficiency",
             title="strong scaling")
    axes.legend(fontsize=7)


def plot_parts(axes, ranks, seconds, kind):
    bottom, x = np.zeros(len(ranks)), np.arange(len(ranks))
    for part in PARTS:
        if seconds[part].any():
            axes.bar(x, seconds[part], bottom=bottom, color=COLOURS[part], label=SHOWN.get(part, part))
            bottom += seconds[part]
    axes.bar(x, np.maximum(seconds["total"] - bottom, 0), bottom=bottom, color="0.8", label="other")
    axes.set_xticks(x, [f"{int(r)}" for r in ranks])
    axes.set(xlabel="ranks", ylabel="time / s", title=f"time by part, {kind}")
    axes.legend(fontsize=7)


def make_model(paths):
    """None without benchmarks, and where they are of no use, which is said."""
    try:
        return Model([read(path) for path in paths]) if paths else None
    except SystemExit as problem:
        print(f"plot_scaling: no curve of the model: {problem}", file=sys.stderr)
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="NAME.scaling.csv of scaling_table.py")
    parser.add_argument("--bench", nargs="*", default=[], help="files NAME.bench.json of nnsm bench, for the model's curve")
    parser.add_argument("-o", "--output", help="directory of the figure (default: beside the table)")
    arguments = parser.parse_args()
    rows = read_table(arguments.table)
    kinds = [k for k in ("strong", "weak") if any(r["kind"] == k for r in rows)]
    if not kinds:
        fail(f"{arguments.table}: no runs in it")
    model = make_model(arguments.bench)
    if model and any(r["configuration"] != model.configuration for r in rows if r["kind"] == "strong"):
        fail(f"{arguments.bench[0]}: the benchmark of another configuration than that of {arguments.table}")
    figure, axes = plt.subplots(len(kinds), 3, figsize=(10.5, 3.4 * len(kinds)), squeeze=False)
    for line, kind in zip(axes, kinds):
        ranks, seconds = study(rows, kind)
        plot_speed(line[0], ranks, seconds, kind, model)
        plot_parts(line[2], ranks, seconds, kind)
        if kind == "strong":
            plot_efficiency(line[1], ranks, seconds)
        else:
            line[1].set_axis_off()
    save_figure(figure, os.path.join(arguments.output or os.path.dirname(arguments.table),
                                     os.path.basename(arguments.table).removesuffix(".csv")))


if __name__ == "__main__":
    main()
