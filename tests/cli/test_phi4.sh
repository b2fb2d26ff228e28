#!/bin/bash
# The README's example, smaller: the numpy code samples phi^4 (an exact identity holds), nnsm learns the signs from the
# imported file and reproduces |m| where it was trained, and the comparison prints and draws.
. "$(dirname "$0")/common.sh"
example() { "$python" "$source/analysis/example_phi4.py" "$@"; }
few="--size 8 --replicas 256 --thermalization 300"
example make t0.npy --temperature 1.4 --configurations 10240 --interval 10 $few
example make other.npy --temperature 1.7 --configurations 2560 --interval 10 --seed 2 $few
# Integration by parts: <phi_i dH/dphi_i> = T, at every site; errors from the replicas, which are independent. 5 sigma.
"$python" - <<'PY'
import numpy as np
for name, temperature in (("t0.npy", 1.4), ("other.npy", 1.7)):
    phi = np.load(name).astype(float)
    around = sum(np.roll(phi, s, a) for s in (1, -1) for a in (1, 2))
    force = phi * (-4 * phi + 4 * phi**3 + 4 * phi - around)
    each = force.mean(axis=(1, 2)).reshape(-1, 256).mean(axis=0)
    off = (each.mean() - temperature) / (each.std(ddof=1) / 16)
    print(f"{name}: <phi dH/dphi> = {each.mean():.4f}, {off:.1f} sigma from T")
    assert abs(off) < 5
PY
"$python" "$source/analysis/import_configurations.py" phi4.h5 t0.npy --temperature 1.4 --chains 256
sed 's/units = 64/units = 16/; s/batch = 8192/batch = 2048/; s/sweeps = 2000/sweeps = 600/; s/^    temperatures = .*/    temperatures = [1.4, 1.7];/' \
  "$source/input/phi4.cfg" >phi4.cfg
"$nnsm" run phi4.cfg --set train.epochs=6 --set couplings.samples=2048 >log || fail "$(tail -3 log)"
grep -q "a signal cut into 2 levels at 0" log || fail "no levels: $(cat log)"
example compare results/phi4.results.h5 t0.npy:1.4 other.npy:1.7 --replicas 256 >table
cat table
awk '$2 == "abs_magnetization" && $1 == 1.4 { found = 1; if ($NF > 5 || $NF < -5) exit 1 } END { if (!found) exit 1 }' table ||
  fail "|m| where it was trained"
[ -s results/phi4.phi4.png ] || fail "no figure"
