"""What all plot scripts share: opening a results file, reading observables, saving figures. No physics is computed here."""
import argparse
import os
import sys

import h5py
import matplotlib
import numpy as np  # noqa: F401, for the scripts

matplotlib.use("Agg")  # needs no display
import matplotlib.pyplot as plt  # noqa: E402

plt.rcParams.update({"font.size": 9, "axes.grid": True, "grid.alpha": 0.25, "figure.constrained_layout.use": True,
                     "lines.linewidth": 1.2, "lines.markersize": 3.5, "savefig.dpi": 160})
LEARNED = {"color": "tab:blue", "marker": "o", "linestyle": "-", "capsize": 2, "label": "learned"}
TRUE = {"color": "tab:orange", "marker": "s", "linestyle": "--", "capsize": 2, "label": "true model"}
DISTILLED = {"color": "tab:green", "marker": "^", "linestyle": "-.", "capsize": 2, "label": "distilled"}
EXACT = {"color": "black", "linestyle": "-", "linewidth": 0.8, "label": "exact"}


def fail(message):
    """One line to standard error, exit code 1."""
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


def open_results(path):
    """The open file, checked to be a results file."""
    try:
        results = h5py.File(path, "r")
    except OSError as problem:
        fail(f"{path}: cannot be read ({problem})")
    kind = results.attrs.get("kind", b"nothing")
    kind = kind.decode() if isinstance(kind, bytes) else kind
    if kind != "nnsm results":
        fail(f"{path}: not an nnsm results file (kind: {kind})")
    return results


def need(results, name):
    """A group or data set that the figure cannot do without."""
    if name not in results:
        fail(f"{results.filename}: {name} is missing; was the run finished?")
    return results[name]


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def curve(results, hamiltonian, observable):
    """(temperature, mean, error) of an observable under a Hamiltonian; None where the file does not have it."""
    name = f"scan/{hamiltonian}/{observable}"
    if name not in results:
        return None
    return need(results, "scan/temperature")[:], results[name + "/mean"][:], results[name + "/error"][:]


def plot_curves(axes, results, observable):
    """Learned, distilled and true curve of an observable with error bars."""
    for hamiltonian, style in (("true", TRUE), ("distilled", DISTILLED), ("learned", LEARNED)):
        found = curve(results, hamiltonian, observable)
        if found:
            axes.errorbar(found[0], found[1], yerr=found[2], **style)
            mark_starts(axes, results, hamiltonian, found[0], found[1])


STARTS = {"marker": "o", "markersize": 11, "markerfacecolor": "none", "markeredgecolor": "red", "markeredgewidth": 1.6,
          "linestyle": "none", "zorder": 6}


def mark_starts(axes, results, hamiltonian, temperature, value):
    """Red rings around the temperatures at which a scan depends on where its walkers started."""
    name = f"scan/{hamiltonian}/starts"
    if name not in results:
        return
    found = results[name + "/pull"][:] > results[name].attrs["limit"]
    label = f"{hamiltonian}: depends on its start"
    if label in axes.get_legend_handles_labels()[1]:
        label = None
    if found.any():
        axes.plot(temperature[found], value[found], **STARTS, label=label)


SUPPORT = 0.5  # below this share of energies seen in training, a prediction extrapolates


def plot_trust(axes, results, observable):
    """Band of the total error around the learned curve; grey where less than SUPPORT of the energies visited was seen in
    training. Returns whether there was anything to show."""
    found = curve(results, "learned", observable)
    if not found or f"trust/{observable}" not in results:
        return False
    temperature, mean, _ = found
    total = results[f"trust/{observable}/total"][:]
    axes.fill_between(temperature, mean - total, mean + total, color=LEARNED["color"], alpha=0.25, linewidth=0, zorder=1,
                      label="total error" if results["trust"].attrs["networks"] > 1 else "error without data noise")
    shade_support(axes, results)
    return True


def shade_support(axes, results):
    temperature, known = results["scan/temperature"][:], results["trust/support"][:] >= SUPPORT
    edges = np.concatenate(([temperature[0]], (temperature[1:] + temperature[:-1]) / 2, [temperature[-1]]))
    label = f"fewer than {100 * SUPPORT:.0f} % of energies seen"
    for i in np.flatnonzero(~known):
        axes.axvspan(edges[i], edges[i + 1], color="0.85", linewidth=0, zorder=0, label=label)
        label = None


def order(results):
    """The observable that shows the order of the system, and its symbol."""
    if "scan/learned/order_parameter" in results:
        return "order_parameter", "order parameter"
    return "abs_magnetization", r"$\langle|m|\rangle$"


def peak(temperature, mean, error):
    """Where a curve is highest: (T, its statistical error, that of the grid). The vertex of the parabola through the highest
    point and its neighbours; the grid's error is how far the maximum of a cubic lies from it, through these points and the
    next one on either side, the farther of the two. Where the first or the last point is the highest: that point, NaN, half a
    grid step; the peak may be anywhere beyond."""
    i = int(np.argmax(mean))
    if i in (0, len(mean) - 1):
        return temperature[i], np.nan, abs(np.diff(temperature)[i - (i > 0)]) / 2 if len(mean) > 1 else np.nan

    def vertex(y):
        a, b, _ = np.polyfit(temperature[i - 1:i + 2] - temperature[i], y, 2)
        return temperature[i] - b / (2 * a)

    y, sigma = mean[i - 1:i + 2], error[i - 1:i + 2]
    shifts = [vertex(y + 1e-3 * sigma * unit) - vertex(y) for unit in np.eye(3)]
    fine = np.linspace(temperature[i - 1], temperature[i + 1], 2001)
    found = [fine[np.argmax(np.polyval(np.polyfit(temperature[four] - temperature[i], mean[four], 3), fine - temperature[i]))]
             for four in (slice(i - 2, i + 2), slice(i - 1, i + 3)) if four.start >= 0 and four.stop <= len(mean)]
    grid = max(abs(t - vertex(y)) for t in found) if found else (temperature[i + 1] - temperature[i - 1]) / 4
    return vertex(y), 1e3 * np.linalg.norm(shifts), grid


def inside(results, observable, hamiltonian="learned"):
    """The peak of an observable as (T, error), None where it is not inside the scan."""
    value, statistical, grid = peak(*(curve(results, hamiltonian, observable) or fail(f"no {hamiltonian} {observable}")))
    return None if np.isnan(statistical) else (value, np.hypot(statistical, grid))


def title(results):
    system = results.get("system")
    name = text(results.attrs["name"])
    if system is None:
        return name
    lattice = " x ".join(str(n) for n in system.attrs["lattice"].flatten())
    return f"{name}: {text(system.attrs['model'])}, {lattice}, T0 = {results['ensemble'].attrs['temperature']:g}"


def main(draw, suffix, description):
    """Command line of a plot script: draw(results) returns a figure."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("results", help="results file written by nnsm run or nnsm scan")
    parser.add_argument("-o", "--output", help="directory of the figures (default: beside the results file)")
    arguments = parser.parse_args()
    save(draw, suffix, arguments.results, arguments.output)


def save(draw, suffix, path, output):
    with open_results(path) as results:
        figure = draw(results)
        save_figure(figure, os.path.join(output or os.path.dirname(path), f"{text(results.attrs['name'])}.{suffix}"))


def save_figure(figure, stem):
    """STEM.png and STEM.pdf; where one cannot be written whole, what was there stays."""
    for kind in ("png", "pdf"):
        part = f"{stem}.part.{kind}"
        try:
            os.makedirs(os.path.dirname(stem) or ".", exist_ok=True)
            figure.savefig(part)
            os.replace(part, f"{stem}.{kind}")
        except OSError as problem:
            if os.path.exists(part):
                os.remove(part)
            fail(f"{stem}.{kind}: cannot be written ({problem.strerror}); make room, or choose another directory")
    plt.close(figure)
    print(f"{stem}.png and .pdf")
