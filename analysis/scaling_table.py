#!/usr/bin/python3
"""One table (CSV) of a scaling study: a row a run, seconds by part, from /timing of the results files. Of the parts,
`network` is generation and training, which overlap; `busy` is the share of the ranks' time in which they worked;
`configuration` is the same for all runs that do the same work. Exit code 1 where a file is missing or where runs of one
kind differ in more than their number of ranks (weak: and in the work that is in proportion to it)."""
import argparse
import csv
import os
import sys

from performance_model import difference, fingerprint, measured_parts

COLUMNS = ("run", "kind", "ranks", "network", "members", "couplings", "scan", "reference", "distilled", "trust", "total",
           "busy", "configuration")
IN_PROPORTION = ("generate.configurations", "generate.chains", "train.batch", "train.shards_per_batch", "scan.walkers")


def row(path):
    """The row of a run, and its configuration but for what may differ."""
    stem = os.path.basename(path).removesuffix(".results.h5")
    ranks, parts, groups = measured_parts(path)
    kind = next((k for k in ("strong", "weak") if f"_{k}" in stem), "strong")
    fixed = {k: v for k, v in groups.items() if kind == "strong" or k not in IN_PROPORTION}
    return {"run": stem, "kind": kind, "ranks": ranks, **{name: f"{value:.4f}" for name, value in parts.items()},
            "configuration": fingerprint(groups)}, fixed


def write(rows, path):
    try:
        with open(path + ".part", "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        os.replace(path + ".part", path)
    except OSError as problem:
        if os.path.exists(path + ".part"):
            os.remove(path + ".part")
        sys.exit(f"scaling_table: {path}: cannot be written ({problem.strerror})")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", help="results files NAME_strongP.results.h5, NAME_weakP.results.h5")
    parser.add_argument("-o", "--output", required=True, help="the table, NAME.scaling.csv")
    arguments = parser.parse_args()
    rows, first, missing = [], {}, []
    for path in arguments.results:
        if not os.path.exists(path):
            missing.append(path)
            continue
        line, fixed = row(path)
        kind = line["kind"]
        differing = difference(first.setdefault(kind, (path, fixed))[1], fixed)
        if differing:
            sys.exit(f"scaling_table: {path} and {first[kind][0]} differ in {differing}: not one study; remove the one that is not "
                     "wanted, or run it again")
        rows.append(line)
    rows.sort(key=lambda r: (r["kind"], r["ranks"]))
    if rows:
        write(rows, arguments.output)
        print(f"{arguments.output}: {len(rows)} runs")
    for path in missing:
        print(f"scaling_table: {path} is missing: that run has not come to its end", file=sys.stderr)
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
