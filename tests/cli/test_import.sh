#!/bin/bash
# analysis/import_configurations.py: arrays, tables and images become files that train; what cannot is refused in a line.
. "$(dirname "$0")/common.sh"
import() { "$python" "$source/analysis/import_configurations.py" "$@"; }
refused() { # TEXT ARGUMENTS...
  local text=$1
  shift
  ! import "$@" >out 2>err || fail "import $*: not refused"
  [ "$(wc -l <err)" = 1 ] || fail "import $*: not one line: $(cat err)"
  grep -qF -- "$text" err || fail "import $*: no '$text' in: $(cat err)"
  [ ! -e x.h5 ] && [ ! -e x.h5.part ] || fail "import $*: a file is left"
  echo "ok: $(cat err)"
}
"$python" - <<'PY'
import numpy as np
from PIL import Image
rng = np.random.default_rng(7)
spins = np.where(rng.random((600, 4, 6)) < 0.5, -1, 1)
signal = spins + 0.2 * rng.standard_normal(spins.shape)
np.save("spins.npy", spins.astype(">i4"))
np.save("whole.npy", spins.astype(float))
np.save("flat.npy", spins.reshape(600, 24).astype(np.int8))
np.save("signal.npy", signal.astype(np.float32))
np.save("hotter.npy", (2 * signal).astype(np.float32))
np.save("lower.npy", np.minimum(signal, 0).astype(np.float32))
np.savez("two.npz", first=spins, second=signal)
np.savetxt("spins.csv", spins.reshape(600, 24), fmt="%d", delimiter=",")
np.savetxt("blank.txt", spins.reshape(600, 24), fmt="%d")
with open("words.csv", "w") as file:
    file.write("1,-1\n1,up\n")
with open("ragged.csv", "w") as file:
    file.write("1,-1\n1,-1,1\n")
open("empty.csv", "w").close()
gray = np.where(spins > 0, 200, 30) + rng.integers(-20, 20, spins.shape)
for k in range(3):
    Image.fromarray(gray[k].astype(np.uint8)).save(f"frame{k}.png")
stack = [Image.fromarray(g.astype(np.uint8)) for g in gray]
stack[0].save("stack.tif", save_all=True, append_images=stack[1:])
Image.fromarray(gray[:1, :3, :3].astype(np.uint8)[0]).save("small.png")
bad = signal.copy()
bad[17, 2, 5] = np.nan
np.save("nan.npy", bad)
np.save("complex.npy", spins * 1j)
np.save("same.npy", np.ones((50, 4, 4)))
np.save("line.npy", np.ones(50))
np.save("none.npy", np.ones((0, 4, 4)))
np.save("objects.npy", np.array([{}]), allow_pickle=True)
PY
t="--temperature 2.5"
import spins.h5 spins.npy $t --boundary open --chains 4
import whole.h5 whole.npy $t
import flat.h5 flat.npy $t --shape 4,6
import csv.h5 spins.csv $t --shape 4x6
import blank.h5 blank.txt $t --shape 4,6
import both.h5 spins.npy whole.npy $t
import cut.h5 signal.npy $t --threshold 0
import npz.h5 two.npz $t --array second --levels 2
import five.h5 signal.npy $t --levels 5
import again.h5 signal.npy --temperature 3 --thresholds five.h5
import colder.h5 signal.npy hotter.npy --temperature 2 --thresholds five.h5 >log
grep -q "shares .* 0.0000" log && fail "no level is empty: $(cat log)"
import ground.h5 lower.npy --temperature 1 --thresholds five.h5 >log
grep -q "shares .* 0.0000" log || fail "an empty level is not said: $(cat log)"
import frames.h5 frame0.png frame1.png frame2.png $t --threshold 128
import stack.h5 stack.tif $t --threshold 128
import raw.h5 signal.npy $t >log
grep -q "nnsm needs ensemble.levels" log || fail "no advice for a signal"
"$python" - <<'PY'
import h5py, numpy as np
spins = np.load("spins.npy")
def data(name):
    with h5py.File(name) as f:
        return f["configurations"][()], dict(f["configurations"].attrs)
for name in ("spins", "whole", "flat", "csv", "blank", "cut", "stack"):
    got, attributes = data(name + ".h5")
    assert got.dtype == np.int8 and (got == spins).all(), name
    assert attributes["temperature"] == 2.5, name
assert data("spins.h5")[1]["boundary"] == b"open" and data("spins.h5")[1]["chains"] == 4
assert len(data("both.h5")[0]) == 1200 and (data("frames.h5")[0] == spins[:3]).all()
# equal shares, as far as whole numbers go; the thresholds are order statistics
signal = np.load("two.npz")["second"]
got, attributes = data("npz.h5")
assert (got == np.where(signal >= np.sort(signal.ravel())[signal.size // 2], 1, -1)).all()
got, attributes = data("five.h5")
assert list(attributes["values"]) == [-4, -2, 0, 2, 4] and len(attributes["thresholds"]) == 4
assert abs(np.unique(got, return_counts=True)[1] - signal.size / 5).max() <= 1
assert data("raw.h5")[0].dtype == np.float32
# another temperature is cut alike, bit by bit, not by its own quantiles, and has all values of the first in its alphabet
again, theirs = data("again.h5")
assert (again == got).all() and (theirs["thresholds"] == attributes["thresholds"]).all() and theirs["temperature"] == 3
colder, theirs = data("colder.h5")
wanted = np.searchsorted(attributes["thresholds"], np.concatenate([np.load("signal.npy"), np.load("hotter.npy")]), side="right")
assert (colder == 2 * wanted - 4).all() and (theirs["thresholds"] == attributes["thresholds"]).all()
assert abs(np.unique(colder, return_counts=True)[1] / colder.size - 0.2).max() > 0.05  # its own shares are not equal
ground, theirs = data("ground.h5")
assert ground.max() < 4 and list(theirs["values"]) == [-4, -2, 0, 2, 4]
PY
# nnsm takes its own quantiles of the raw signal where the script does.
cat >raw.cfg <<'CFG'
run : { name = "raw"; };
ensemble : { file = "raw.h5"; levels = 2; };
network : { hidden = [8]; };
train : { epochs = 1; batch = 50; };
CFG
"$nnsm" train raw.cfg >log
"$nnsm" train raw.cfg --set run.name=npz --set ensemble.file=npz.h5 --set ensemble.levels=0 >log
"$python" - <<'PY'
import h5py, numpy as np
with h5py.File("results/raw.network.h5") as a, h5py.File("npz.h5") as b:
    threshold, = np.atleast_1d(a["ensemble/levels"].attrs["thresholds"])
    stored, = b["configurations"].attrs["thresholds"]
    assert abs(threshold - stored) < 1e-6, (threshold, stored)  # float32 against double
PY
"$nnsm" info spins.h5 >log
grep -q "4 x 6 open sites at T = 2.5, 4 chains" log || fail "the boundary is lost"
"$nnsm" info stack.h5 >log

refused "cannot be read" x.h5 nothing.npy $t
refused "must be positive" x.h5 spins.npy --temperature -1
refused "must be positive" x.h5 spins.npy --temperature nan
refused "do not fill the lattice of --shape" x.h5 flat.npy $t --shape 5,5
refused "configuration 17 has the value nan at site (2, 5)" x.h5 nan.npy $t --threshold 0
refused "not real numbers" x.h5 complex.npy $t
refused "there is nothing to learn" x.h5 same.npy $t
refused "configurations come first" x.h5 line.npy $t
refused "none of them empty" x.h5 none.npy $t
refused "cannot be read" x.h5 objects.npy $t
refused "choose one with --array" x.h5 two.npz $t
refused "has no array third" x.h5 two.npz $t --array third
refused "words.csv:2: not a line of numbers" x.h5 words.csv $t
refused "ragged.csv:2: 3 values where the lines before have 2" x.h5 ragged.csv $t
refused "has no configurations" x.h5 empty.csv $t
refused "lattice (3, 3), but" x.h5 frame0.png small.png $t
refused "one configuration is no ensemble" x.h5 frame0.png $t --threshold 128
refused "exclude each other" x.h5 signal.npy $t --threshold 0 --levels 2
refused "exclude each other" x.h5 signal.npy $t --thresholds five.h5 --levels 2
refused "it says no thresholds" x.h5 signal.npy $t --thresholds spins.h5
refused "absent.h5: cannot be read" x.h5 signal.npy $t --thresholds absent.h5
refused "signal.npy: cannot be read" x.h5 signal.npy $t --thresholds signal.npy
refused "do not rise strictly" x.h5 signal.npy $t --threshold 1 0
refused "leave all values in one level" x.h5 signal.npy $t --threshold 99
refused "level 1 of 3 is empty" x.h5 spins.npy $t --levels 3
