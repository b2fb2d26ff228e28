#!/usr/bin/python3
"""Figure 3 of arXiv:2007.01037: |m|, or the order parameter where that is another, against T, learned and true, with the energy distribution at T0 as inset."""
import numpy as np
import results as r

BOXES = {"upper right": (0.60, 0.50), "lower left": (0.10, 0.12), "lower right": (0.60, 0.12), "upper left": (0.10, 0.50)}
WIDTH, HEIGHT = 0.38, 0.47  # of the axes


def emptiest(axes, lines):
    """Two corners of the axes that hide the least of the lines [(x, y)]; where the first one hides any, room is made above."""
    axes.set_xlim(axes.get_xlim())  # settles the limits, which transData does not
    to_axes = axes.transData + axes.transAxes.inverted()
    points = np.concatenate([to_axes.transform(np.column_stack(
        [np.interp(np.linspace(0, len(x) - 1, 400), np.arange(len(x)), column) for column in (x, y)])) for x, y in lines])

    def hidden(corner):
        x, y = BOXES[corner]
        return int(((points > (x - 0.02, y - 0.05)) & (points < (x + WIDTH + 0.02, y + HEIGHT + 0.05))).all(axis=1).sum())

    corners = sorted(BOXES, key=hidden)  # of the same, the first
    if hidden(corners[0]) == 0:
        return corners[:2]
    low, high = axes.get_ylim()
    axes.set_ylim(low, low + 2.1 * (high - low))
    return "upper right", "upper left"


def draw(results):
    figure, axes = r.plt.subplots(figsize=(5.6, 4.2))
    observable, symbol = r.order(results)
    r.plot_curves(axes, results, observable)
    r.plot_trust(axes, results, observable)
    ensemble = results["ensemble"].attrs
    axes.errorbar(ensemble["temperature"], ensemble[observable + "_mean"], ensemble[observable + "_error"],
                  fmt="*", color="tab:orange", markersize=13, markeredgecolor="black", markeredgewidth=0.5, zorder=5,
                  label="training ensemble")
    lines = [found[:2] for found in (r.curve(results, h, observable) for h in ("learned", "distilled", "true")) if found]
    lines.append(([ensemble["temperature"]], [ensemble[observable + "_mean"]]))
    if "trust/second" in results and observable == "abs_magnetization":
        second = results["trust/second"]
        m = second["abs_magnetization"]
        lines.append(([second.attrs["temperature"]], [m["measured"][0]]))
        axes.errorbar(*lines[-1], m["measured_error"][0], fmt="D", color="tab:red", markeredgecolor="black",
                      markeredgewidth=0.5, zorder=5, label="second ensemble, measured")
    axes.set(xlabel="T", ylabel=symbol, ylim=(-0.02, 1.05), title=r.title(results))
    corners = emptiest(axes, lines)
    axes.legend(loc=corners[1], fontsize=7)
    if "distribution" in results:
        d = results["distribution"]
        inset = axes.inset_axes([*BOXES[corners[0]], WIDTH, HEIGHT])
        edges = d["energy_edges"][:]
        inset.stairs(d["data"][:], edges, fill=True, color="tab:orange", alpha=0.4, label="data")
        inset.stairs(d["ancestral"][:], edges, color="tab:blue", label="network")
        used = (d["data"][:] > 0) | (d["ancestral"][:] > 0)
        inset.set_xlim(edges[:-1][used].min(), edges[1:][used].max())
        inset.set(xlabel="E / N at T0", yticks=[], ylim=(0, 1.45 * max(d["data"][:].max(), d["ancestral"][:].max())))
        inset.legend(fontsize=7, loc="upper right")
    return figure


if __name__ == "__main__":
    r.main(draw, "fig3", __doc__)
