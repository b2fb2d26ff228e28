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
