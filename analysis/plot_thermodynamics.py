#!/usr/bin/python3
"""Energy, heat capacity, susceptibility and Binder cumulant against T: learned, true, and exact where known."""
import results as r

PANELS = (("energy", "E / N", "energy"), ("heat_capacity", "C / N", "heat_capacity"),
          ("susceptibility", r"$\chi$", None), ("binder", "U", None))


def draw(results):
    figure, panels = r.plt.subplots(2, 2, figsize=(7.2, 5.4), sharex=True)
    for axes, (observable, label, exact) in zip(panels.flat, PANELS):
        if observable == "energy" and "scan/learned/energy" not in results:
            observable, label = "learned_energy", "H / N (learned)"
        r.plot_curves(axes, results, observable)
        if exact and "exact" in results and observable != "learned_energy":
            axes.plot(results["exact/temperature"][:], results[f"exact/{exact}"][:], **r.EXACT)
        axes.set_ylabel(label)
        axes.axvline(results["ensemble"].attrs["temperature"], color="gray", linewidth=0.7, linestyle=":")
    for axes in panels[1]:
        axes.set_xlabel("T")
    panels[0, 0].legend()
    figure.suptitle(r.title(results))
    return figure


if __name__ == "__main__":
    r.main(draw, "thermodynamics", __doc__)
