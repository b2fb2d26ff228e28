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


PARTS = (("total", "black", "-"), ("statistical", "tab:blue", ":"), ("spread", "tab:red", "--"),
         ("systematic", "tab:purple", "-."))


def draw_errors(panels, results):
    """The parts of a prediction's error, and below them how much of the energies was seen in training."""
    temperature = results["scan/temperature"][:]
    energy = "energy" if "trust/energy" in results else "learned_energy"
    order = r.order(results)[0]
    for axes, observable in ((panels[0, 0], order), (panels[0, 1], energy)):
        for part, color, line in PARTS:
            value = abs(results[f"trust/{observable}/{part}"][:])
            if r.np.isfinite(value).any():
                axes.plot(temperature, value, line, color=color, marker=".",
                          label="|learned - distilled|" if part == "systematic" else part)
        axes.set(ylabel=f"error of {observable.replace('_', ' ')}", ylim=(0, 1.6 * axes.get_ylim()[1]))
        r.shade_support(axes, results)
        axes.legend(fontsize=6, loc="upper left")
    support = panels[1, 0]
    support.plot(temperature, results["trust/support"][:], "o-", color="tab:brown")
    support.axhline(r.SUPPORT, color="gray", linestyle=":")
    support.set(ylabel="energies seen in training", ylim=(-0.02, 1.05))
    symmetry = panels[1, 1]
    symmetry.grid(False)
    symmetry.set_axis_off()
    lines = ["rms change of H / std of H:", "one copy | mean of 8"]
    if "trust/symmetry" in results:
        s = results["trust/symmetry"]
        lines += [f"{r.text(n).replace('_', ' ')}{'' if c else ' (not claimed)'}: {a:.3f} | {b:.3f}".replace("nan", "-")
                  for n, a, b, c in zip(s["name"][:], s["residual"][:], s["averaged"][:], s["claimed"][:])]
    symmetry.text(0.05, 0.9, "\n".join(lines), va="top", fontsize=8, transform=symmetry.transAxes)


def draw(results):
    rows = 4 if "trust" in results else 2
    figure, panels = r.plt.subplots(rows, 2, figsize=(7.2, 2.7 * rows), sharex=True)
    critical = onsager(results)
    for axes, observable, label in ((panels[0, 0], "susceptibility", r"$\chi$"), (panels[0, 1], "heat_capacity", "C / N")):
        r.plot_curves(axes, results, observable)
        r.plot_trust(axes, results, observable)
        peak = r.inside(results, observable)
        if peak:
            axes.axvline(peak[0], color="tab:blue", linewidth=0.8, label=f"learned peak at T = {peak[0]:.3f} $\\pm$ {peak[1]:.3f}")
        else:
            axes.plot([], [], " ", label="no peak inside the scan")
        if critical:
            axes.axvline(critical, color="black", linewidth=0.8, linestyle=":", label="$T_c$, infinite lattice")
        axes.set(ylabel=label, ylim=(axes.get_ylim()[0], 1.7 * axes.get_ylim()[1]))  # room for the legend
        axes.legend(fontsize=6, loc="upper right")
    temperature = results["scan/temperature"][:]
    rates = panels[1, 0]
    rates.plot(temperature, results["scan/learned/acceptance"][:], "o-", label="accepted moves")
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
    if rows == 4:
        draw_errors(panels[2:], results)
    for axes in (panels[-1, 0], panels[-2, 1] if rows == 4 else panels[-1, 1]):
        axes.set_xlabel("T")
    figure.suptitle(r.title(results))
    return figure


if __name__ == "__main__":
    r.main(draw, "phase", __doc__)
