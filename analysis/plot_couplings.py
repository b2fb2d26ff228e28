#!/usr/bin/python3
"""Couplings: learned, by maximum likelihood and by pseudo-likelihood, with the truth where it is known; a map of the bonds where they differ."""
import numpy as np
import results as r

LEARNED = {"color": "tab:blue", "marker": "o", "linestyle": "", "capsize": 2, "label": "learned"}
LIKELIHOOD = {"color": "tab:green", "marker": "^", "linestyle": "", "capsize": 2, "label": "pseudo-likelihood"}
REFINED = {"color": "tab:red", "marker": "s", "linestyle": "", "capsize": 2, "label": "maximum likelihood"}
TRUE = {"color": "black", "marker": "_", "markersize": 12, "linestyle": "", "label": "true model"}


def table(results):
    group = r.need(results, "couplings")
    found = {name: group[name][:] for name in ("coupling", "error", "pseudo_likelihood", "pseudo_likelihood_error",
                                               "maximum_likelihood", "maximum_likelihood_error",
                                               "true", "distance", "order", "terms", "sites")}
    found["operator"] = [r.text(name) for name in group["operator"][:]]
    return found


def draw_estimates(axes, t, chosen, x):
    """The estimates and the truth at positions x, side by side."""
    shift = 0.012 * max(np.ptp(x), 1)
    axes.axhline(0, color="gray", linewidth=0.7)
    axes.errorbar(x - shift, t["coupling"][chosen], t["error"][chosen], **LEARNED)
    if np.isfinite(t["maximum_likelihood"][chosen]).any():
        axes.errorbar(x, t["maximum_likelihood"][chosen], t["maximum_likelihood_error"][chosen], **REFINED)
    if np.isfinite(t["pseudo_likelihood"][chosen]).any():
        axes.errorbar(x + shift, t["pseudo_likelihood"][chosen], t["pseudo_likelihood_error"][chosen], **LIKELIHOOD)
    if np.isfinite(t["true"][chosen]).any():
        axes.plot(x, t["true"][chosen], **TRUE)
    axes.set_ylabel("J")


def draw_by_distance(axes, t):
    pairs = np.flatnonzero(t["order"] == 2)
    draw_estimates(axes, t, pairs, t["distance"][pairs])
    largest, error = np.abs(t["coupling"][pairs]).max(initial=0), np.nanmedian(t["error"][pairs])
    if largest > 30 * error > 0:  # linear where noise is, logarithmic above
        axes.set_yscale("symlog", linthresh=10 * error)
    axes.set(xlabel="distance of the pair", title="pairs")
    axes.legend(fontsize=7)
    return axes


def draw_by_name(axes, t, chosen):
    """Operators that are no pairs, one row each."""
    y = np.arange(chosen.size)[::-1]
    axes.axvline(0, color="gray", linewidth=0.7)
    axes.errorbar(t["coupling"][chosen], y + 0.2, xerr=t["error"][chosen], **LEARNED)
    if np.isfinite(t["maximum_likelihood"][chosen]).any():
        axes.errorbar(t["maximum_likelihood"][chosen], y, xerr=t["maximum_likelihood_error"][chosen], **REFINED)
    if np.isfinite(t["pseudo_likelihood"][chosen]).any():
        axes.errorbar(t["pseudo_likelihood"][chosen], y - 0.2, xerr=t["pseudo_likelihood_error"][chosen], **LIKELIHOOD)
    if np.isfinite(t["true"][chosen]).any():
        axes.plot(t["true"][chosen], y, **{**TRUE, "marker": "|"})
    axes.set_yticks(y, [t["operator"][c] for c in chosen], fontsize=6)
    axes.set(xlabel="J", title="other operators")


def draw_against(axes, t):
    """Learned against pseudo-likelihood, every operator a point."""
    known = np.isfinite(t["pseudo_likelihood"])
    other, label = (t["pseudo_likelihood"], "pseudo-likelihood") if known.any() else (t["true"], "true model")
    axes.errorbar(other, t["coupling"], t["error"], fmt=".", color="tab:blue", alpha=0.5, elinewidth=0.5)
    if np.isfinite(other).any():
        ends = [np.nanmin(other), np.nanmax(other)]
        axes.plot(ends, ends, color="black", linewidth=0.7)
    axes.set(xlabel=f"J, {label}", ylabel="J, learned", title=f"{len(other)} couplings")


def draw_map(figure, axes, t, extent):
    """Bonds between neighbours of a plane lattice; those across the boundary are drawn as two halves."""
    bonds = np.flatnonzero((t["order"] == 2) & (t["distance"] < 1.01))
    largest = np.abs(t["coupling"][bonds]).max(initial=1e-12)
    colour = r.plt.cm.ScalarMappable(r.plt.Normalize(-largest, largest), "RdBu_r")
    for b in bonds:
        (y0, x0), (y1, x1) = (divmod(int(site), extent[1]) for site in t["sites"][b, :2])
        for start, end in (((x0, y0), (x1, y1)), ((x1, y1), (x0, y0))):
            step = [(d if abs(d) <= 1 else -np.sign(d)) / 2 for d in (end[0] - start[0], end[1] - start[1])]
            axes.plot([start[0], start[0] + step[0]], [start[1], start[1] + step[1]], linewidth=3, solid_capstyle="butt",
                      color=colour.to_rgba(t["coupling"][b]))
    fields = np.flatnonzero(t["order"] == 1)
    if fields.size > 1:
        rows, columns = np.divmod(t["sites"][fields, 0], extent[1])
        axes.scatter(columns, rows, c=t["coupling"][fields], cmap="RdBu_r", norm=colour.norm, s=20, edgecolors="gray",
                     linewidths=0.4, zorder=3)
    figure.colorbar(colour, ax=axes, label="J, learned")
    axes.set(xlabel="column", ylabel="row", title="bonds of neighbours", aspect="equal")
    axes.invert_yaxis()
    axes.grid(False)


def draw(results):
    t = table(results)
    extent = results["couplings"].attrs["extent"].flatten()
    single = (t["terms"].max(initial=0) <= 1) and (t["order"] == 2).sum() > 1
    figure, axes = r.plt.subplots(1, 2, figsize=(8.4, 3.8))
    others = np.flatnonzero(t["order"] != 2)
    if single and extent.size == 2:
        draw_map(figure, axes[0], t, extent)
        draw_against(axes[1], t)
    else:
        draw_by_distance(axes[0], t)
        if others.size and others.size <= 40:
            draw_by_name(axes[1], t, others)
        else:
            draw_against(axes[1], t)
    figure.suptitle(f"{r.title(results)}; R² = {results['couplings'].attrs['r2']:.6f}")
    return figure


if __name__ == "__main__":
    r.main(draw, "couplings", __doc__)
