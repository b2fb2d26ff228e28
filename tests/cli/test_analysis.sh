#!/bin/bash
# Every figure of a small run, as PNG and PDF; clear errors for files that are none.
. "$(dirname "$0")/common.sh"
"$nnsm" run "$source/input/quick.cfg" $small --set run.name=small >log
"$python" "$source/analysis/plot_all.py" results/small.results.h5 -o figures
for figure in fig3 thermodynamics phase training couplings; do
  for kind in png pdf; do [ -s figures/small.$figure.$kind ] || fail "figures/small.$figure.$kind"; done
  "$python" "$source/analysis/plot_$figure.py" --help >/dev/null
done
for file in absent.h5 results/small.network.h5; do
  if "$python" "$source/analysis/plot_fig3.py" $file 2>err; then fail "$file was accepted"; fi
  [ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
done
# A peak by a coarse grid: its error holds the grid's. Where it is not inside the scan none is named. A seed counts once.
"$python" - "$source" <<'PY'
import sys
import numpy as np
sys.path.insert(0, sys.argv[1] + "/analysis")
import results as r
def skewed(t):  # as chi is
    x = (t - 2.4) / (0.35 + 0.15 * np.tanh((t - 2.4) / 0.5))
    return 1 / (0.3 + x**2)
fine = np.linspace(1, 4, 300001)
true, ratios = fine[skewed(fine).argmax()], []
for step in (0.1, 0.2, 0.3):
    for shift in np.linspace(0, step, 20, endpoint=False):
        t = np.arange(1 + shift, 4, step)
        value, own, grid = r.peak(t, skewed(t), 0.01 * skewed(t))
        assert own > 0 and grid < step, (step, shift, own, grid)
        ratios.append((value - true) / grid)
print("error of a coarse grid, found over stated: rms", np.sqrt(np.mean(np.square(ratios))), "largest", np.abs(ratios).max())
assert 0.3 < np.sqrt(np.mean(np.square(ratios))) < 1.5 and np.abs(ratios).max() < 4, ratios
for y in (np.exp(-t), np.exp(t)):
    assert np.isnan(r.peak(t, y, y)[1]), "a peak at an end"
PY
cp results/small.results.h5 results/twin.results.h5
"$python" "$source/analysis/collect.py" results/small results/twin >table
! grep -q "differ in seed only" table || fail "one seed was counted twice: $(cat table)"
# A coupling for every bond has a map; without couplings there is no figure of them.
"$nnsm" run "$source/input/quick.cfg" $small --set run.name=small --set couplings.per_bond=true --set 'couplings.basis=["pairs"]' >log
"$python" "$source/analysis/plot_couplings.py" results/small.results.h5 -o bonds
[ -s bonds/small.couplings.png ] || fail "no map of the bonds"
"$nnsm" run "$source/input/quick.cfg" $small --set run.name=small --set couplings.enabled=false >log
"$python" "$source/analysis/plot_all.py" results/small.results.h5 -o without
[ ! -e without/small.couplings.png ] || fail "a figure of couplings that there are not"
# Data of which nothing is known have no true curve and no exact one.
cat >measured.cfg <<'CFG'
run : { name = "unknown"; };
ensemble : { file = "results/small.ensemble.h5"; };
CFG
"$nnsm" run measured.cfg --set network.hidden=[20] --set train.epochs=2 --set train.batch=200 --set scan.sweeps=60 >log
"$python" "$source/analysis/plot_all.py" results/unknown.results.h5 -o figures
