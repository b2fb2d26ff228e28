#!/usr/bin/python3
"""Energy, heat capacity, susceptibility, Binder cumulant, free energy and entropy against T: learned, true, and exact where
known, with bands of the total error; below, how far free energy and entropy are from the exact ones, with one
standard error (learned: the total error)."""
import results as r

PANELS = (("energy", "E / N", "energy"), ("heat_capacity", "C / N", "heat_capacity"),
          ("susceptibility", r"$\chi$", None), ("binder", "U", None),
          ("free_energy", "(F - F(T0)) / N", "free_energy"), ("entropy", "S / N", "entropy"))


def draw_differences(axes, results, observable, label):
    """The exact curve is ten times as fine as the scan: a straight line between its points is off by 1e-5 at most."""
    for hamiltonian, style in (("true", r.TRUE), ("learned", r.LEARNED)):
        found = r.curve(results, hamiltonian, observable)
        if found:
            temperature, mean, error = found
            off = mean - r.np.interp(temperature, results["exact/temperature"][:], results[f"exact/{observable}"][:])
            if hamiltonian == "learned" and f"trust/{observable}" in results:
                error = results[f"trust/{observable}/total"][:]
            axes.plot(temperature, off, **{k: v for k, v in style.items() if k != "capsize"})
            axes.fill_between(temperature, off - error, off + error, color=style["color"], alpha=0.25, linewidth=0)
    axes.axhline(0, **{k: v for k, v in r.EXACT.items() if k != "label"})
    axes.set_ylabel(label)


def draw(results):
    rows = 4 if "exact" in results else 3
    figure, panels = r.plt.subplots(rows, 2, figsize=(7.2, 2.5 * rows), sharex=True)
    for axes, (observable, label, exact) in zip(panels.flat, PANELS):
        if observable == "energy" and "scan/learned/energy" not in results:
            observable, label = "learned_energy", "H / N (learned)"
        r.plot_curves(axes, results, observable)
        r.plot_trust(axes, results, observable)
        if exact and "exact" in results and observable != "learned_energy":
            axes.plot(results["exact/temperature"][:], results[f"exact/{exact}"][:], **r.EXACT)
        axes.set_ylabel(label)
        axes.axvline(results["ensemble"].attrs["temperature"], color="gray", linewidth=0.7, linestyle=":")
    if rows == 4:
        draw_differences(panels[3, 0], results, "free_energy", "F / N - exact")
        draw_differences(panels[3, 1], results, "entropy", "S / N - exact")
    for axes in panels[-1]:
        axes.set_xlabel("T")
    panels[2, 0].legend(*panels[0, 0].get_legend_handles_labels(), fontsize=6, loc="lower left")  # F falls with T
    figure.suptitle(r.title(results))
    return figure


if __name__ == "__main__":
    r.main(draw, "thermodynamics", __doc__)
