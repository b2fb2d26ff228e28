#!/usr/bin/python3
"""The limit that block spins set to the principle itself, without any network: exact curves on small lattices.

A network that has learned the block spins S at T0 perfectly holds p(S) = Z_T0(S) / Z, where
Z_T(S) = sum over all spins with these sums of exp(-E / T). Its H(S) = -T0 log p(S) is a free energy: it contains the
entropy of the spins within the blocks at T0. The scan then weighs S with p(S)^(T0 / T), the truth with Z_T(S):

    principle  <|M|> = sum_S |M(S)| Z_T0(S)^(T0 / T) / sum_S Z_T0(S)^(T0 / T)
    true       <|M|> = sum_S |M(S)| Z_T(S)           / sum_S Z_T(S)

Where every S has one preimage only (overlapping windows, nearly) both are the same. Ising model, J = 1, periodic; 2 x 2
windows. 4 x 4 spins by enumeration; 6 x 6 to 3 x 3 by transfer matrices: for the sums S_I of one row of blocks

    A(S_I)[top, top'] = sum over the two rows of spins of I that have these sums, the upper one being `top`, of
                        exp(-E / T), with the bonds to the next row `top'`,     Z_T(S) = Tr A(S_1) A(S_2) A(S_3)."""
import argparse

import h5py
import numpy as np

T0 = 2.5


def spins_of(count):
    """[2^count][count] all states of so many spins."""
    return 1 - 2 * ((np.arange(1 << count)[:, None] >> np.arange(count)) & 1).astype(np.int8)


def window_sums(spins, stride):
    """[n][windows] sums in open 2 x 2 windows of configurations [n][L][L]."""
    s = spins.astype(np.int64)
    sums = s[:, :-1, :-1] + s[:, 1:, :-1] + s[:, :-1, 1:] + s[:, 1:, 1:]
    return sums[:, ::stride, ::stride].reshape(len(s), -1)


class Enumerated:
    """4 x 4 spins, windows with a stride."""

    def __init__(self, stride):
        s = spins_of(16).reshape(-1, 4, 4)
        self.energy = -sum((s * np.roll(s, 1, axis)).sum((1, 2), dtype=np.int64) for axis in (1, 2))
        sums = window_sums(s, stride)
        _, first, self.label = np.unique(sums, axis=0, return_index=True, return_inverse=True)
        self.label = self.label.reshape(-1)
        self.order = np.abs(sums[first].sum(1)) / (4 * sums.shape[1])

    def log_partition(self, temperature):
        """ln Z_T(S) of all S, up to a constant."""
        weight = np.exp(-(self.energy - self.energy.min()) / temperature)
        return np.log(np.bincount(self.label, weight))


class Transferred:
    """6 x 6 spins, 3 x 3 blocks."""

    def __init__(self):
        row = spins_of(6).astype(np.int64)
        self.within = (row * np.roll(row, 1, 1)).sum(1)  # bonds of a row of spins
        self.between = row @ row.T  # [row][next row]
        pair = row[:, ::2] + row[:, 1::2]
        sums = pair[:, None, :] + pair[None, :, :]  # [top][bottom][block]
        self.label = ((sums + 4) // 2 @ np.array([25, 5, 1]))
        digits = np.arange(125)[:, None] // np.array([25, 5, 1]) % 5
        total = (2 * digits - 4).sum(1)
        self.order = np.abs(total[:, None, None] + total[:, None] + total).reshape(-1) / 36

    def log_partition(self, temperature):
        inside = np.exp((self.within[:, None] + self.within + self.between) / temperature)
        outside = np.exp(self.between / temperature)
        a = np.array([np.where(self.label == k, inside, 0) @ outside for k in range(125)])
        right = a.transpose(0, 2, 1).reshape(125, -1).T  # Tr B A = sum_ij B_ij A_ji
        wide = a.transpose(1, 0, 2).reshape(64, -1)  # all A side by side: one large product instead of many small ones
        z = np.array([(b @ wide).reshape(64, 125, 64).transpose(1, 0, 2).reshape(125, -1) @ right for b in a])
        return np.log(z).reshape(-1)


def mean_order(log_weight, order):
    weight = np.exp(log_weight - log_weight.max())
    return (weight * order).sum() / weight.sum()


def curves(system, temperatures):
    """[temperature] <|M|> of the principle and true."""
    log_p = system.log_partition(T0)
    principle = [mean_order(log_p * T0 / t, system.order) for t in temperatures]
    true = [mean_order(system.log_partition(t), system.order) for t in temperatures]
    return np.array(principle), np.array(true)


CASES = {
    "4x4_stride2": (lambda: Enumerated(2), "4 x 4 spins, 2 x 2 blocks (stride 2)"),
    "4x4_stride1": (lambda: Enumerated(1), "4 x 4 spins, 3 x 3 open windows (stride 1)"),
    "6x6_stride2": (Transferred, "6 x 6 spins, 3 x 3 blocks (stride 2)"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="HDF5 file that plot_fig4.py reads")
    arguments = parser.parse_args()
    temperatures = np.sort(np.concatenate((np.arange(1.0, 4.01, 0.5), [1.8, 2.2, 2.3, 2.4, 2.6])))
    with h5py.File(arguments.output, "w") as f:
        f.attrs["kind"] = "block spin limit"
        f.attrs["T0"] = T0
        for name, (make, what) in CASES.items():
            principle, true = curves(make(), temperatures)
            group = f.create_group(name)
            group.attrs["description"] = what
            for key, values in (("temperature", temperatures), ("principle", principle), ("true", true)):
                group.create_dataset(key, data=values).attrs["units"] = "energy / k_B" if key == "temperature" else "1"
            worst = np.abs(principle - true).argmax()
            print(f"{what}: principle - true is {principle[worst] - true[worst]:+.4f} at T = {temperatures[worst]:g}, "
                  f"the largest")
    print(arguments.output)


if __name__ == "__main__":
    main()
