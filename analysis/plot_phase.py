#!/usr/bin/python3
"""Phase summary: where susceptibility and heat capacity peak, how well the chains moved, how far H can be trusted."""
import results as r

T_C = 2.269185  # Onsager, infinite square lattice, J = 1


def onsager(results):
    system = results.get("system")
    if system is None or r.text(system.attrs["model"]) != "ising" or system.attrs["lattice"].size != 2:
        return None
    if any(other in system.attrs for other in ("anisotropy", "next_nearest", "plaquette")):
        return None
    return T_C * abs(system.attrs["coupling"]) if system.attrs["field"] == 0 else None


def draw_systematic(panels, results):
    """Learned minus distilled: the systematic error as the data alone tell it."""
    temperature = results["scan/temperature"][:]
    energy = "energy" if "scan/systematic/energy" in results else "learned_energy"
    for axes, observable, label in ((panels[0], "abs_magnetization", "|m|"), (panels[1], energy, "energy per site")):
        axes.axhline(0, color="gray", linewidth=0.7)
        axes.errorbar(temperature, results[f"scan/systematic/{observable}/difference"][:],
                      results[f"scan/systematic/{observable}/error"][:], color="tab:purple", marker="o", capsize=2)
        axes.set(ylabel=f"learned - distilled, {label}")


def draw(results):
    rows = 3 if "scan/systematic" in results else 2
    figure, panels = r.plt.subplots(rows, 2, figsize=(7.2, 2.7 * rows), sharex=True)
    critical = onsager(results)
    for axes, observable, label in ((panels[0, 0], "susceptibility", r"$\chi$"), (panels[0, 1], "heat_capacity", "C / N")):
        r.plot_curves(axes, results, observable)
        temperature, mean, _ = r.curve(results, "learned", observable) or r.fail(f"no learned {observable}")
        peak = temperature[mean.argmax()]
        axes.axvline(peak, color="tab:blue", linewidth=0.8, label=f"learned peak at T = {peak:.3g}")
        if critical:
            axes.axvline(critical, color="black", linewidth=0.8, linestyle=":", label="$T_c$, infinite lattice")
        axes.set_ylabel(label)
        axes.legend(fontsize=6, loc="upper right")
    temperature = results["scan/temperature"][:]
    rates = panels[1, 0]
    rates.plot(temperature, results["scan/learned/acceptance"][:], "o-", label="accepted flips")
    if "scan/learned/exchange_rate" in results:
        rates.plot((temperature[1:] + temperature[:-1]) / 2, results["scan/learned/exchange_rate"][:], "s--",
                   label="accepted exchanges")
    rates.set(ylabel="rate", ylim=(0, 1))
    rates.legend(fontsize=7)
    agreement = panels[1, 1]
    for observable in (r.order(results)[0], "learned_energy"):
        agreement.plot(temperature, results[f"scan/learned/{observable}/rhat"][:], "o-", label=observable)
    agreement.axhline(1.01, color="gray", linestyle=":")
    agreement.set(ylabel=r"$\hat R$ between walkers")
    agreement.legend(fontsize=7)
    if rows == 3:
        draw_systematic(panels[2], results)
    for axes in panels[-1]:
        axes.set_xlabel("T")
    figure.suptitle(r.title(results))
    return figure


if __name__ == "__main__":
    r.main(draw, "phase", __doc__)
