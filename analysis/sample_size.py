#!/usr/bin/python3
"""How many configurations does it take? Error of the predicted |m|(T) against the number of configurations.

  sample_size.py run NNSM SOURCE STEM   all runs: an ensemble of SOURCE/input/paper_fig4.cfg, its first configurations, of
                                        spins and of sums, with and without augmentation, by SOURCE/input/sample_size.cfg
  sample_size.py plot STEM              the table, and STEM.png and .pdf

Errors: largest and root mean square, over the temperatures of the scan, of predicted minus true |m|. H(S) = -T0 log p(S) of
sums that do not overlap contains the entropy within a block at T0, so that its curve tends to another one than the true one
(analysis/block_limit.py: exactly, on small lattices). For the sums the difference from the run with most configurations,
augmented, is stated too: what the number of configurations does."""
import argparse
import os
import subprocess

import numpy as np
import results as r

SIZES = (60000, 10000, 3000, 1000)
ALL = '["translation", "point_group", "spin_flip"]'
# With stride 2 on an even lattice windows that go around it are the same ones; as periodic they may be translated.
KINDS = {"spins": [], "stride2": ["window.size=[2]", "window.periodic=true"]}
AUGMENT = {"plain": "[]", "augmented": ALL}
BATCH, LARGE_BATCH, UPDATES = 234, 469, 3650
TRUTH = ("spins", max(SIZES), "augmented")  # the run that scans the true model too
LIMIT = ("stride2", max(SIZES), "augmented")  # the run that those on fewer sums are compared with
TRUE_SCAN = ["scan.reference=true", "scan.walkers=32"]
STYLE = {"spins": ("tab:blue", "o"), "stride2": ("tab:red", "s")}


# ---- runs


def nnsm(options, stage, config, name, *settings):
    words = [options.nnsm, stage, f"{options.source}/input/{config}.cfg", "--set", f"run.name={name}"]
    words += ["--set", f"run.output={os.path.dirname(options.stem) or '.'}"]
    for setting in settings:
        words += ["--set", setting]
    print("== nnsm " + " ".join(words[1:]), flush=True)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def cut(source, path, size):
    """The first configurations, as a user would store them."""
    with r.h5py.File(source, "r") as file, r.h5py.File(path + ".part", "w") as copy:
        data = file["configurations"]
        part = copy.create_dataset("configurations", data=data[:size])
        for key in ("temperature", "values", "chains"):
            part.attrs[key] = data.attrs[key]
    os.replace(path + ".part", path)


def schedule(size):
    """As many mini-batches for all: more epochs of fewer configurations."""
    batch = LARGE_BATCH if size == max(SIZES) else BATCH
    epochs = max(1, round(UPDATES * batch / (0.9 * size)))
    return [f"train.batch={batch}", f"train.epochs={epochs}", f"train.patience={max(5, epochs // 6)}"]


def run(options):
    stem, base = options.stem, os.path.basename(options.stem)
    nnsm(options, "generate", "paper_fig4", base, f"generate.configurations={max(SIZES)}")
    for size in SIZES:
        cut(f"{stem}.ensemble.h5", f"{stem}.{size}.h5", size)
        for kind, windows in KINDS.items():
            for augment, symmetries in AUGMENT.items():
                truth = (kind, size, augment) == TRUTH
                nnsm(options, "run", "sample_size", f"{base}_{kind}_{size}_{augment}", f"ensemble.file={stem}.{size}.h5",
                     *windows, *schedule(size), f"train.augment={symmetries}", *(TRUE_SCAN if truth else []))


# ---- figure


def load(path):
    """(temperature, |m|, error), that of the energy or None, epochs that were trained, KL at the best of them or NaN."""
    with r.open_results(path) as found:
        training = r.need(found, "training")
        kl = training["kl"][:].min() if "kl" in training else np.nan
        return (*(r.curve(found, "learned", o) for o in ("abs_magnetization", "energy")), len(training["epoch"]), kl)


def differences(curve, reference):
    """Largest and rms difference of |m|, the largest one's error and temperature, at the reference's temperatures."""
    at = [int(np.abs(curve[0] - t).argmin()) for t in reference[0]]
    curve = [column[at] for column in curve]
    difference = curve[1] - reference[1]
    error = np.hypot(curve[2], reference[2])
    worst = int(np.abs(difference).argmax())
    return abs(difference[worst]), np.sqrt((difference ** 2).mean()), error[worst], curve[0][worst]


def table(stem):
    """Prints it; -> rows (kind, augment, size): (against the truth, against the LIMIT run or None)."""
    name = lambda run: f"{stem}_{'_'.join(map(str, run))}.results.h5"
    with r.open_results(name(TRUTH)) as found:
        truth = r.curve(found, "true", "abs_magnetization") or r.fail(f"{found.filename}: no true model was scanned")
        true_energy = r.curve(found, "true", "energy")
    limit = load(name(LIMIT))[0]
    rows = {}
    print("data     configurations  augment    epochs     KL   max error (at T)         rms   rms of E/N, or from most sums: max, rms")
    for kind in KINDS:
        for augment in AUGMENT:
            for size in SIZES:
                curve, energy, epochs, kl = load(name((kind, size, augment)))
                true = differences(curve, truth)
                own = differences(curve, limit) if kind == "stride2" and (kind, size, augment) != LIMIT else None
                rows[kind, augment, size] = (true, own)
                print(f"{kind:8s} {size:14d}  {augment:9s} {epochs:7d} {kl:6.2f}   {true[0]:.4f} +- {true[2]:.4f} ({true[3]:.1f})  "
                      f"{true[1]:.4f}   " + (f"{own[0]:.4f} +- {own[2]:.4f}, {own[1]:.4f}" if own else "-" if kind == "stride2" else
                                             f"{differences(energy, true_energy)[1]:.4f}"))
    return rows


def draw(stem):
    rows = table(stem)
    figure, axes = r.plt.subplots(1, 2, figsize=(9.6, 4.0), sharey=True)
    for panel, title, which in ((axes[0], "against the true model", 0), (axes[1], f"sums: against the curve of {max(SIZES)}, augmented", 1)):
        for kind in KINDS if which == 0 else ("stride2",):
            for augment, line in (("plain", ":"), ("augmented", "-")):
                color, marker = STYLE[kind]
                sizes = [size for size in SIZES if rows[kind, augment, size][which]]
                found = [rows[kind, augment, size][which] for size in sizes]
                label = f"{'spins' if kind == 'spins' else '2 x 2 sums, stride 2'}, {augment}"
                panel.errorbar(sizes, [f[0] for f in found], yerr=[f[2] for f in found], color=color, marker=marker,
                               linestyle=line, capsize=2, label=label + ": largest")
                panel.plot(sizes, [f[1] for f in found], color=color, marker=marker, linestyle=line, alpha=0.4,
                           markerfacecolor="none", label=label + ": rms")
        panel.set(xscale="log", yscale="log", xlabel="configurations at T0", title=title, ylim=(2e-3, None))
        panel.set_xticks(SIZES, [str(size) for size in SIZES])
        panel.minorticks_off()
    axes[0].set_ylabel(r"error of $\langle|m|\rangle$, T = 1 to 4")
    axes[0].legend(fontsize=6, ncols=2, loc="lower left")
    axes[1].legend(fontsize=6)
    r.save_figure(figure, stem)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    made = what.add_parser("run")
    made.add_argument("nnsm")
    made.add_argument("source")
    made.add_argument("stem")
    what.add_parser("plot").add_argument("stem", help="OUTPUT/NAME, as it was given to run")
    options = parser.parse_args()
    if options.what == "run":
        run(options)
    else:
        draw(options.stem)


if __name__ == "__main__":
    main()
