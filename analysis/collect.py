#!/usr/bin/python3
"""One table of several runs: where the susceptibility peaks and |m| at a few temperatures, each with its error (of the
peak: with that of the grid of temperatures, which runs on the same grid share); mean and spread over runs that differ in
seed only; and what is unfinished. Exit code 1 when a run is unfinished."""
import argparse
import os
import sys
import time

import h5py
import numpy as np

import results as r


def few(temperature):
    """Five of the scanned temperatures, from the lowest to the highest."""
    return temperature[np.unique(np.linspace(0, len(temperature) - 1, 5).astype(int))]


def settings_but_seed(file):
    """The resolved configuration without what cannot change a distribution: name, seed, output, ranks, checkpoints."""
    config = file["provenance"].attrs["config"]
    lines = (config.decode() if isinstance(config, bytes) else config).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("run :", "checkpoint :", "teams :")))


def read(stem, hamiltonian, wanted):
    """A row of the table: seed, T0, and triples (value, error of its own, error that all runs on this grid share)."""
    with h5py.File(stem + ".results.h5", "r") as file:
        temperature = file["scan/temperature"][:]
        scan = file[f"scan/{hamiltonian}"]
        row = [r.peak(temperature, scan["susceptibility/mean"][:], scan["susceptibility/error"][:])]
        for t in wanted if wanted is not None else few(temperature):
            i = int(np.argmin(abs(temperature - t)))
            m = scan["abs_magnetization"]
            row.append((m["mean"][i], m["error"][i], 0) if np.isclose(temperature[i], t) else (np.nan,) * 3)
        return {"seed": int(file["provenance"].attrs["seed"]), "t0": float(file["ensemble"].attrs["temperature"]),
                "settings": settings_but_seed(file), "temperature": temperature, "row": np.array(row)}


def why_unfinished(stem):
    if os.path.exists(stem + ".results.h5"):
        return "the results file cannot be read"
    if not os.path.exists(stem + ".checkpoint.h5"):
        return "not begun, or failed before its first checkpoint"
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(os.path.getmtime(stem + ".checkpoint.h5")))
    return f"checkpoint of {written}; run it again to continue"


def line(head, pairs):
    return head + "".join(f"  {value:9.5f} {error:8.5f}" for value, error in pairs)


def total(row):
    """(value, error); no error of its own: a peak that is not inside the scan."""
    return [(value, np.hypot(np.nan_to_num(own), shared)) for value, own, shared in row]


def table(runs, unfinished, wanted):
    """The lines of the table; all but one line a run begin with '#'."""
    yield f"# {len(runs)} finished, {len(unfinished)} unfinished"
    for stem in unfinished:
        yield f"# unfinished: {stem}: {why_unfinished(stem)}"
    if not runs:
        return
    width = max(len(os.path.basename(stem)) for stem in runs)
    titles = ["T(max chi)"] + [f"|m|({t:.4g})" for t in wanted]
    yield f"# {'run':{width - 2}} {'seed':>8} {'T0':>7}" + "".join(f"  {title:>9} {'error':>8}" for title in titles)
    groups = {}
    for stem, run in runs.items():
        name = os.path.basename(stem)
        groups.setdefault(run["settings"], {}).setdefault(run["seed"], (name, run["row"]))  # a seed counts once
        yield line(f"{name:{width}} {run['seed']:8} {run['t0']:7.4g}", total(run["row"]))
    for members in (list(group.values()) for group in groups.values()):
        if len(members) < 2:
            continue
        rows = np.array([row for _, row in members])
        values, own, shared = rows[:, :, 0], rows[:, :, 1], np.sqrt((rows[:, :, 2]**2).mean(axis=0))
        spread = values.std(axis=0, ddof=1)
        yield f"# {len(members)} runs that differ in seed only: {', '.join(name for name, _ in members)}"
        yield line(f"# {'mean, error':{width + 15}}",
                   zip(values.mean(axis=0), np.hypot(spread / np.sqrt(len(members)), shared)))
        yield line(f"# {'spread, mean error':{width + 15}}", zip(spread, np.sqrt((own**2).mean(axis=0))))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", help="OUTPUT/NAME of a run (its file is OUTPUT/NAME.results.h5)")
    parser.add_argument("-t", "--temperatures", help="scanned temperatures of |m|, such as 1.5,2.25 (default: five)")
    parser.add_argument("--hamiltonian", choices=("learned", "true"), default="learned")
    parser.add_argument("-o", "--output", help="file to which the table is written too")
    arguments = parser.parse_args()
    wanted = arguments.temperatures and [float(t) for t in arguments.temperatures.split(",")]
    runs, unfinished = {}, []
    for stem in (name.removesuffix(".results.h5") for name in arguments.runs):
        try:
            runs[stem] = read(stem, arguments.hamiltonian, wanted)
        except (OSError, KeyError):
            unfinished.append(stem)
            continue
        if wanted is None:
            wanted = few(runs[stem]["temperature"])
    text = "\n".join(table(runs, unfinished, wanted)) + "\n"
    print(text, end="")
    if arguments.output:
        os.makedirs(os.path.dirname(arguments.output) or ".", exist_ok=True)
        with open(arguments.output, "w") as file:
            file.write(text)
    return bool(unfinished)


if __name__ == "__main__":
    sys.exit(main())
