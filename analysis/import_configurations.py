#!/usr/bin/python3
"""import_configurations.py OUTPUT.h5 INPUT... --temperature T [options]: make an ensemble file for nnsm of measured data.

INPUT, one or more, their configurations one after the other:
  .npy          array [configurations, L1, L2, ...], or [configurations, sites] with --shape
  .npz          the same under a name; --array NAME where there are several
  .csv .txt     one configuration a line, values separated by commas, semicolons or blanks; --shape for its lattice
  images        one configuration each, in shades of grey (png, tif, bmp, ...; needs Pillow); a file of several frames is a
                stack of configurations
Values: whole numbers stay as they are (floating-point ones without a fraction too). Others are a signal: with --threshold
or --levels it is cut here into levels -1 1, -2 0 2, ...; without, it is stored as it is and nnsm cuts it (ensemble.levels
or ensemble.thresholds in the configuration). Level k holds threshold[k - 1] <= x < threshold[k]. Other temperatures want
the same thresholds, since their own quantiles are others: --thresholds takes those of the first file."""
import argparse
import os
import sys

import h5py
import numpy as np

BLOCK = 1 << 22  # values that are converted at a time
MOST = 16  # different values that a site of nnsm can have


def fail(message):
    """One line to standard error, exit code 1."""
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


# ---- reading


def read_npy(path, _options):
    return np.load(path, mmap_mode="r", allow_pickle=False)


def read_npz(path, options):
    with np.load(path, allow_pickle=False) as archive:
        names = list(archive.files)
        if options.array is None and len(names) != 1:
            fail(f"{path}: has the arrays {', '.join(names) or 'none'}; choose one with --array")
        name = options.array or names[0]
        if name not in names:
            fail(f"{path}: has no array {name}; it has {', '.join(names)}")
        return archive[name]


def read_table(path, _options):
    rows, width = [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].replace(",", " ").replace(";", " ").split()
            if not words:
                continue
            try:
                row = np.array(words, dtype=float)
            except ValueError:
                fail(f"{path}:{number}: not a line of numbers: {line.strip()[:60]}")
            width = width or len(row)
            if len(row) != width:
                fail(f"{path}:{number}: {len(row)} values where the lines before have {width}")
            rows.append(row)
    return np.array(rows) if rows else fail(f"{path}: has no configurations")


def read_image(path, _options):
    try:
        from PIL import Image, ImageSequence
    except ImportError:
        fail(f"{path}: images need Pillow (Debian: python3-pil)")
    with Image.open(path) as image:
        frames = [np.array(frame if frame.mode in ("1", "L", "I", "F", "I;16") else frame.convert("L"))
                  for frame in ImageSequence.Iterator(image)]
    if len({frame.shape for frame in frames}) != 1:
        fail(f"{path}: its frames differ in size")
    return np.array(frames)


READERS = {".npy": read_npy, ".npz": read_npz, ".csv": read_table, ".txt": read_table}


def read(path, options):
    """[configurations, L1, ...] of one file, checked."""
    try:
        data = READERS.get(os.path.splitext(path)[1].lower(), read_image)(path, options)
    except (OSError, ValueError, EOFError) as problem:
        fail(f"{path}: cannot be read ({problem})")
    if data.dtype.kind not in "biuf":
        fail(f"{path}: holds values of type {data.dtype}, not real numbers")
    if data.ndim < 2:
        fail(f"{path}: has shape {data.shape}; configurations come first, then the sites: [n, L1, L2, ...]")
    if options.shape:
        sites = int(np.prod(options.shape))
        if int(np.prod(data.shape[1:])) != sites:
            fail(f"{path}: {int(np.prod(data.shape[1:]))} values a configuration do not fill the lattice of --shape, "
                 f"{sites} sites")
        data = data.reshape((data.shape[0], *options.shape))
    if data.ndim > 4 or 0 in data.shape:
        fail(f"{path}: has shape {data.shape}; a lattice has 1 to 3 axes, none of them empty (--shape gives another)")
    return data


def blocks(arrays):
    """All data piece by piece, with the file and the number of the first configuration."""
    for path, data in arrays:
        rows = max(1, BLOCK // int(np.prod(data.shape[1:])))
        for first in range(0, len(data), rows):
            yield path, first, np.asarray(data[first:first + rows])


# ---- values


def survey(arrays):
    """(whole numbers only, the different values or None where they are many); refuses what is no number."""
    values, whole = set(), True
    for path, first, piece in blocks(arrays):
        if piece.dtype.kind == "f" and not np.isfinite(piece).all():
            where = np.argwhere(~np.isfinite(piece))[0]
            fail(f"{path}: configuration {first + where[0]} has the value {piece[tuple(where)]} at site "
                 f"{tuple(int(x) for x in where[1:])}; mend it or leave it out")
        whole = whole and (piece.dtype.kind != "f" or bool((piece == np.floor(piece)).all()))
        if values is not None:
            values |= set(np.unique(piece).tolist())
            values = values if len(values) <= MOST else None
    return whole, values


def quantiles(arrays, levels):
    """Order statistics, as nnsm takes them."""
    everything = np.concatenate([np.asarray(data).reshape(-1) for _, data in arrays])
    ranks = [everything.size * k // levels for k in range(1, levels)]
    return [float(x) for x in np.partition(everything, ranks)[ranks]]


def thresholds_of(path):
    """Those that another file was cut at, by this script."""
    try:
        with h5py.File(path, "r") as file:
            stored = file["configurations"].attrs.get("thresholds") if "configurations" in file else None
    except OSError as problem:
        fail(f"--thresholds {path}: cannot be read ({problem})")
    cuts = [] if stored is None else [float(x) for x in np.atleast_1d(stored)]
    if not 0 < len(cuts) < MOST or not np.isfinite(cuts).all():
        fail(f"--thresholds {path}: it says no thresholds; it must be a file that this script cut by --levels or --threshold")
    return cuts


def choose_thresholds(options, arrays):
    if sum(bool(x) for x in (options.threshold, options.thresholds, options.levels)) > 1:
        fail("--threshold, --thresholds and --levels exclude each other")
    if options.thresholds:
        return thresholds_of(options.thresholds)
    cuts = options.threshold or (quantiles(arrays, options.levels) if options.levels else [])
    if any(b <= a for a, b in zip(cuts, cuts[1:])):
        fail(f"the thresholds {cuts} do not rise strictly" + ("; take fewer --levels" if options.levels else ""))
    return cuts


def report(cuts, arrays, given):
    """What the levels keep of the signal. Levels that another file was cut into may be empty here."""
    count, total, square = np.zeros(len(cuts) + 1), np.zeros(len(cuts) + 1), 0.0
    for _, _, piece in blocks(arrays):
        level = np.searchsorted(cuts, piece, side="right")
        count += np.bincount(level.reshape(-1), minlength=len(cuts) + 1)
        total += np.bincount(level.reshape(-1), weights=piece.reshape(-1), minlength=len(cuts) + 1)
        square += float((piece.astype(float) ** 2).sum())
    share, n = count / count.sum(), count.sum()
    if share.max() == 1:
        fail(f"the thresholds {cuts} leave all values in one level")
    if share.min() == 0 and not given:
        fail(f"level {int(share.argmin()) + 1} of {share.size} is empty with the thresholds {cuts}; take fewer")
    mean = total.sum() / n
    between = ((total / np.maximum(count, 1)) ** 2 * share).sum() - mean ** 2
    print(f"levels at {', '.join(f'{x:.6g}' for x in cuts)}; shares {', '.join(f'{x:.4f}' for x in share)}; they keep "
          f"{between / (square / n - mean ** 2):.2f} of the variance")


# ---- writing


def write(options, arrays, kind, cuts):
    shape = (sum(len(data) for _, data in arrays), *arrays[0][1].shape[1:])
    part, done, levels = options.output + ".part", 0, len(cuts) + 1
    with h5py.File(part, "w") as file:
        stored = file.create_dataset("configurations", shape=shape, dtype=kind)
        for _, _, piece in blocks(arrays):
            if cuts:
                piece = 2 * np.searchsorted(cuts, piece, side="right") - (levels - 1)
            stored[done:done + len(piece)] = piece
            done += len(piece)
        stored.attrs["temperature"] = options.temperature
        stored.attrs["boundary"] = np.bytes_(options.boundary)
        stored.attrs["chains"] = options.chains
        if options.labels:
            stored.attrs["labels"] = 1
        if cuts:
            stored.attrs["values"] = np.arange(levels) * 2 - (levels - 1)
            stored.attrs["thresholds"] = cuts
    os.replace(part, options.output)
    print(f"{options.output}: {shape[0]} configurations on {' x '.join(map(str, shape[1:]))} sites at T = "
          f"{options.temperature:g}, {kind}")


def choose_kind(arrays, whole, values):
    """The type that is stored: the smallest that holds all values, of a signal its own."""
    if values is not None and len(values) == 1:
        fail(f"every site of every configuration has the value {values.pop():g}: there is nothing to learn")
    if whole and values is not None:
        if len(values) == 2 and sum(values) != 0:
            print(f"values {min(values):g} and {max(values):g}: nnsm takes m as their mean, which shows no order of spins; "
                  f"--threshold {sum(values) / 2:g} makes them -1 and 1")
        return next(np.dtype(k) for k in (np.int8, np.int16, np.int32, np.int64)
                    if np.iinfo(k).min <= min(values) and max(values) <= np.iinfo(k).max)
    print("a signal: nnsm needs ensemble.levels or ensemble.thresholds to cut it (or give --levels or --threshold here)")
    kind = np.result_type(*(data.dtype for _, data in arrays))
    return np.dtype(np.float32) if kind == np.float16 else kind


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("input", nargs="+")
    parser.add_argument("--temperature", type=float, required=True, help="at which all of it was measured")
    parser.add_argument("--threshold", type=float, nargs="+", help="cut the signal at these values")
    parser.add_argument("--levels", type=int, help="cut it into so many levels of equal shares")
    parser.add_argument("--thresholds", metavar="FILE.h5", help="cut it where FILE.h5 was cut, which this script made of another temperature")
    parser.add_argument("--shape", help="lattice of a configuration, as 16,16")
    parser.add_argument("--boundary", choices=("periodic", "open"), default="periodic")
    parser.add_argument("--chains", type=int, default=1, help="independent series that the configurations alternate between")
    parser.add_argument("--labels", action="store_true", help="the whole numbers are names without order (Potts)")
    parser.add_argument("--array", help="name in a .npz file")
    options = parser.parse_args()
    if not (0 < options.temperature < float("inf")):
        fail(f"--temperature {options.temperature:g} must be positive and finite")
    if options.levels is not None and not 2 <= options.levels <= MOST:
        fail(f"--levels {options.levels} must be 2 to {MOST}")
    if options.threshold and len(options.threshold) >= MOST:
        fail(f"--threshold has {len(options.threshold)} values; at most {MOST - 1} are possible")
    if options.shape:
        try:
            options.shape = [int(x) for x in options.shape.replace("x", ",").split(",")]
        except ValueError:
            fail(f"--shape {options.shape}: give whole numbers, as 16,16")
        if not 1 <= len(options.shape) <= 3 or min(options.shape) < 1:
            fail(f"--shape {options.shape}: a lattice has 1 to 3 axes of at least one site")
    return options


def main():
    options = parse()
    arrays = [(path, read(path, options)) for path in options.input]
    for path, data in arrays[1:]:
        if data.shape[1:] != arrays[0][1].shape[1:]:
            fail(f"{path}: lattice {data.shape[1:]}, but {arrays[0][0]} has {arrays[0][1].shape[1:]}")
    if sum(len(data) for _, data in arrays) < 2:
        fail("one configuration is no ensemble; give at least 2, better thousands")
    if options.chains < 1:
        fail(f"--chains {options.chains} must be at least 1")
    whole, values = survey(arrays)
    cuts = choose_thresholds(options, arrays)
    if options.labels and (cuts or not whole or values is None):
        fail(f"--labels is for whole numbers of at most {MOST} different values, without --threshold, --thresholds and --levels")
    kind = np.dtype(np.int8) if cuts else choose_kind(arrays, whole, values)
    if cuts:
        report(cuts, arrays, bool(options.thresholds))
    try:
        write(options, arrays, kind, cuts)
    except OSError as problem:
        fail(f"{options.output}: cannot be written ({problem})")


if __name__ == "__main__":
    main()
