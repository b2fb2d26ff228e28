#!/usr/bin/python3
"""One table of several runs: where the susceptibility peaks and |m| at a few temperatures, each with its error; mean and
spread over runs that differ in seed only; and what is unfinished. Exit code 1 when a run is unfinished."""
import argparse
import os
import sys
import time

import h5py
import numpy as np


def peak(temperature, mean, error):
    """Vertex of the parabola through the highest point and its neighbours, with its statistical error; the highest point
    itself, with half a grid step, where it is the first or the last."""
    i = int(np.argmax(mean))
    if i in (0, len(mean) - 1):
        return temperature[i], abs(np.diff(temperature)[i - (i > 0)]) / 2 if len(mean) > 1 else np.nan

    def vertex(y):
        a, b, _ = np.polyfit(temperature[i - 1:i + 2] - temperature[i], y, 2)
        return temperature[i] - b / (2 * a)

    y, sigma = mean[i - 1:i + 2], error[i - 1:i + 2]
    shifts = [vertex(y + 1e-3 * sigma * unit) - vertex(y) for unit in np.eye(3)]
    return vertex(y), 1e3 * np.linalg.norm(shifts)


def few(temperature):
    """Five of the scanned temperatures, from the lowest to the highest."""
    return temperature[np.unique(np.linspace(0, len(temperature) - 1, 5).astype(int))]


def settings_but_seed(file):
    """The resolved configuration without what cannot change a distribution: name, seed, output, ranks, checkpoints."""
    config = file["provenance"].attrs["config"]
    lines = (config.decode() if isinstance(config, bytes) else config).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("run :", "checkpoint :", "teams :")))


def read(stem, hamiltonian, wanted):
    """A row of the table: seed, T0, and pairs (value, error)."""
    with h5py.File(stem + ".results.h5", "r") as file:
        temperature = file["scan/temperature"][:]
        scan = file[f"scan/{hamiltonian}"]
        row = [peak(temperature, scan["susceptibility/mean"][:], scan["susceptibility/error"][:])]
        for t in wanted if wanted is not None else few(temperature):
            i = int(np.argmin(abs(temperature - t)))
            m = scan["abs_magnetization"]
            row.append((m["mean"][i], m["error"][i]) if np.isclose(temperature[i], t) else (np.nan, np.nan))
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
        groups.setdefault(run["settings"], []).append((name, run["row"]))
        yield line(f"{name:{width}} {run['seed']:8} {run['t0']:7.4g}", run["row"])
    for members in groups.values():
        if len(members) < 2:
            continue
        values = np.array([row[:, 0] for _, row in members])
        spread = values.std(axis=0, ddof=1)
        yield f"# {len(members)} runs that differ in seed only: {', '.join(name for name, _ in members)}"
        yield line(f"# {'mean, error':{width + 15}}", zip(values.mean(axis=0), spread / np.sqrt(len(members))))
        yield line(f"# {'spread, mean error':{width + 15}}",
                   zip(spread, np.sqrt(np.mean([row[:, 1]**2 for _, row in members], axis=0))))


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
