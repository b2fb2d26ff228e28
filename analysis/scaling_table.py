#!/usr/bin/python3
"""One table (CSV) of a scaling study: a row a run, seconds by part, from /timing of the results files. Of the parts,
`network` is generation and training, which overlap; `busy` is the share of the ranks' time in which they worked."""
import argparse
import csv
import os
import sys

from performance_model import measured_parts

COLUMNS = ("run", "kind", "ranks", "network", "members", "couplings", "scan", "reference", "distilled", "trust", "total",
           "busy")


def row(path):
    stem = os.path.basename(path).removesuffix(".results.h5")
    ranks, parts = measured_parts(path)
    kind = next((k for k in ("strong", "weak") if f"_{k}" in stem), "strong")
    return {"run": stem, "kind": kind, "ranks": ranks, **{name: f"{value:.4f}" for name, value in parts.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", help="results files NAME_strongP.results.h5, NAME_weakP.results.h5")
    parser.add_argument("-o", "--output", required=True, help="the table, NAME.scaling.csv")
    arguments = parser.parse_args()
    rows, missing = [], 0
    for path in arguments.results:
        try:
            rows.append(row(path))
        except (OSError, KeyError) as problem:
            print(f"scaling_table: {path}: {problem}", file=sys.stderr)
            missing += 1
    rows.sort(key=lambda r: (r["kind"], r["ranks"]))
    with open(arguments.output + ".part", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(arguments.output + ".part", arguments.output)
    print(f"{arguments.output}: {len(rows)} runs, {missing} missing")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
