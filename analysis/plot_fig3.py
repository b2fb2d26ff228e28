#!/usr/bin/python3
"""Figure 3 of arXiv:2007.01037: |m|, or the order parameter where that is another, against T, learned and true, with the energy distribution at T0 as inset."""
import results as r


def draw(results):
    figure, axes = r.plt.subplots(figsize=(5.6, 4.2))
    observable, symbol = r.order(results)
    r.plot_curves(axes, results, observable)
    r.plot_trust(axes, results, observable)
    ensemble = results["ensemble"].attrs
    axes.errorbar(ensemble["temperature"], ensemble[observable + "_mean"], ensemble[observable + "_error"],
                  fmt="*", color="tab:orange", markersize=13, markeredgecolor="black", markeredgewidth=0.5, zorder=5,
                  label="training ensemble")
    axes.set(xlabel="T", ylabel=symbol, ylim=(-0.02, 1.05), title=r.title(results))
    axes.legend(loc="lower left", fontsize=7)
    if "distribution" in results:
        d = results["distribution"]
        inset = axes.inset_axes([0.60, 0.50, 0.38, 0.47])
        edges = d["energy_edges"][:]
        inset.stairs(d["data"][:], edges, fill=True, color="tab:orange", alpha=0.4, label="data")
        inset.stairs(d["ancestral"][:], edges, color="tab:blue", label="network")
        used = (d["data"][:] > 0) | (d["ancestral"][:] > 0)
        inset.set_xlim(edges[:-1][used].min(), edges[1:][used].max())
        inset.set(xlabel="E / N at T0", yticks=[])
        inset.legend(fontsize=7, loc="upper right")
    return figure


if __name__ == "__main__":
    r.main(draw, "fig3", __doc__)
