#!/usr/bin/python3
"""One table (CSV) of a scaling study: a row a run, seconds by part, from /timing of the results files. Of the parts,
`network` is all up to the trained network; `busy` is the share of the ranks' time in which they worked;
`configuration` is the same for all runs that do the same work. Runs of one kind may differ in nothing but their number of
ranks (weak: and in the work that is in proportion to it). Exit code 1 where a file is missing or differs; with --others
such a file is only left out, and said to be."""
import argparse
import csv
import os
import re
import sys

from performance_model import PARTS, difference, fingerprint, measured_parts, proposals

COLUMNS = ("run", "kind", "ranks", *PARTS, "total", "busy", "configuration")


def row(path, proportional):
    """The row of a run, and its configuration, a rank's share of what is in proportion."""
    stem = os.path.basename(path).removesuffix(".results.h5")
    ranks, parts, groups = measured_parts(path)
    kind = re.search(r"_(strong|weak)\d+$", stem)
    kind = kind[1] if kind else "strong"
    fixed = {k: float(v) / ranks if kind == "weak" and k in proportional else v for k, v in groups.items()}
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
    parser.add_argument("--others", nargs="*", default=[], help="more of them, where they belong to the same study")
    parser.add_argument("--proportional", nargs="*", help="keys that weak scaling multiplies by the ranks", default=[
        "generate.configurations", "generate.chains", "train.batch", "train.shards_per_batch", "scan.walkers"])
    parser.add_argument("-o", "--output", required=True, help="the table, NAME.scaling.csv")
    arguments = parser.parse_args()
    rows, first, sampled, missing = [], {}, {}, []
    for path in list(dict.fromkeys(arguments.results + arguments.others)):
        if not os.path.exists(path):
            missing.append(path)
            continue
        try:
            line, fixed = row(path, arguments.proportional)
        except SystemExit as problem: # what cannot be read
            if path in arguments.results:
                raise
            print(f"scaling_table: {path} is left out: {problem}", file=sys.stderr)
            continue
        kind = line["kind"]
        differing = difference(first.setdefault(kind, (path, fixed))[1], fixed)
        if differing and path in arguments.results:
            sys.exit(f"scaling_table: {path} and {first[kind][0]} differ in {differing}: not one study; remove the one that is not "
                     "wanted, or run it again")
        if differing:
            print(f"scaling_table: {path} is left out: it differs from {first[kind][0]} in {differing}", file=sys.stderr)
            continue
        rows.append(line)
        how = proposals(path)
        before = sampled.setdefault(kind, (path, how))
        for scan in sorted(how.keys() & before[1].keys()):
            if how[scan] != before[1][scan]:
                print(f"scaling_table: warning: the {scan} scan of {path} moves by {how[scan]}, that of {before[0]} by "
                      f"{before[1][scan]}: their times are not of the same work; scan.sampler = \"metropolis\" would be",
                      file=sys.stderr)
    rows.sort(key=lambda r: (r["kind"], r["ranks"]))
    if rows:
        write(rows, arguments.output)
        print(f"{arguments.output}: {len(rows)} runs")
    for path in missing:
        print(f"scaling_table: {path} is missing: that run has not come to its end", file=sys.stderr)
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
