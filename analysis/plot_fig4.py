#!/usr/bin/python3
"""Figure 4 of arXiv:2007.01037: |m| against T of Hamiltonians learned on the spins and on their sums in windows, beside the true model; second panel: their errors, and the limit that blocks set to the principle itself."""
import argparse
import os

import numpy as np
import results as r

RUNS = (("", "learned on spins", "tab:blue", "o"), ("_stride1", "2 x 2 windows, stride 1", "tab:green", "^"),
        ("_stride2", "2 x 2 windows, stride 2", "tab:red", "s"))
LIMITS = (("4x4_stride2", "4 x 4, stride 2", ":"), ("6x6_stride2", "6 x 6, stride 2", "--"),
          ("4x4_stride1", "4 x 4, stride 1", "-."))


def truth_for(found, spins):
    """The true model's curve seen through the same windows: its own where the network works below them; blocks that do
    not overlap have the spins' own mean."""
    return r.curve(found, "true", "abs_magnetization") or r.curve(spins, "true", "abs_magnetization")


def draw(stem, limit):
    figure, (left, right) = r.plt.subplots(1, 2, figsize=(9.6, 4.2))
    spins = r.open_results(f"{stem}.results.h5")
    temperature, mean, error = r.curve(spins, "true", "abs_magnetization") or r.fail(f"{stem}: no true model was scanned")
    left.errorbar(temperature, mean, yerr=error, color="black", linestyle="-", linewidth=0.8, label="true model")
    for suffix, label, color, marker in RUNS:
        path = f"{stem}{suffix}.results.h5"
        if not os.path.exists(path):
            continue
        with r.open_results(path) as found:
            t, m, e = r.curve(found, "learned", "abs_magnetization")
            truth = truth_for(found, spins)
            left.errorbar(t, m, yerr=e, color=color, marker=marker, linestyle="none", capsize=2, label=label)
            r.mark_starts(left, found, "learned", t, m)
            if np.array_equal(t, truth[0]):
                right.errorbar(t, m - truth[1], yerr=np.hypot(e, truth[2]), color=color, marker=marker, linestyle="none",
                               capsize=2, label=label)
                r.mark_starts(right, found, "learned", t, m - truth[1])
    for name, label, line in LIMITS:
        if limit is not None and name in limit:
            group = limit[name]
            right.plot(group["temperature"][:], group["principle"][:] - group["true"][:], color="0.3", linestyle=line,
                       label=f"principle's limit, exact: {label}")
    t0 = spins["ensemble"].attrs["temperature"]
    for axes in (left, right):
        axes.axvline(t0, color="0.6", linewidth=0.8)
    left.set(xlabel="T", ylabel=r"$\langle|m|\rangle$", ylim=(-0.02, 1.05), title=r.title(spins))
    right.set(xlabel="T", ylabel=r"$\langle|m|\rangle$ minus true", title="errors, and what is the principle's own")
    left.legend(loc="lower left", fontsize=7)
    right.legend(loc="upper left", fontsize=7)
    spins.close()
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stem", help="OUTPUT/NAME of the run on spins; those on windows are NAME_stride1, NAME_stride2")
    parser.add_argument("--limit", help="what block_limit.py wrote (default: STEM.limit.h5 where it is there)")
    arguments = parser.parse_args()
    path = arguments.limit or f"{arguments.stem}.limit.h5"
    limit = r.h5py.File(path, "r") if arguments.limit or os.path.exists(path) else None
    r.save_figure(draw(arguments.stem, limit), f"{arguments.stem}.fig4")


if __name__ == "__main__":
    main()
