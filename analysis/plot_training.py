#!/usr/bin/python3
"""Training history: likelihood against epoch with its floor, KL where the truth is known, learning rate."""
import results as r


def draw(results):
    training = r.need(results, "training")
    epoch = training["epoch"][:]
    figure, (top, bottom) = r.plt.subplots(2, 1, figsize=(5.6, 5), sharex=True)
    top.plot(epoch, training["train_nll"][:], color="tab:blue", label="training")
    held_out = training["validation_nll"][:]
    if not r.np.isnan(held_out).all():
        top.plot(epoch, held_out, color="tab:red", label="held out")
    else:
        held_out = training["train_nll"][:]
    if "floor_nll" in training.attrs:
        top.axhline(training.attrs["floor_nll"], color="black", linewidth=0.8, linestyle="--",
                    label="entropy of the true model")
    values = held_out[1:] if len(epoch) > 3 else held_out
    low = min(values.min(), training.attrs.get("floor_nll", values.min()))
    top.set_ylim(low - 0.1 * (values.max() - low), values.max() + 0.1 * (values.max() - low))
    top.set(ylabel="-log p, nats a configuration", title=r.title(results))
    top.legend()
    if "kl" in training and not r.np.isnan(training["kl"][:]).all():
        bottom.semilogy(epoch, training["kl"][:], color="tab:red", label="KL (held out)")
    bottom.semilogy(epoch, training["learning_rate"][:], color="gray", linestyle=":", label="learning rate")
    bottom.set(xlabel="epoch", ylabel="nats a configuration; rate")
    bottom.legend()
    return figure


if __name__ == "__main__":
    r.main(draw, "training", __doc__)
