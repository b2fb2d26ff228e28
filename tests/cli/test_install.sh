#!/bin/bash
# Install, build an outside program against the package, evaluate H of a network file; the values against numpy's own
# forward pass from the same file.
. "$(dirname "$0")/common.sh"
"$nnsm" run "$source/input/quick.cfg" $small --set run.name=small >log
cmake --install "$(dirname "$nnsm")" --prefix "$scratch/prefix" >/dev/null
cmake -G Ninja -S "$source/tests/install" -B outside -DCMAKE_PREFIX_PATH="$scratch/prefix" >cmake.log 2>&1 || { cat cmake.log; fail "configure"; }
cmake --build outside >build.log 2>&1 || { cat build.log; fail "build"; }
./outside/outside results/small.network.h5 | tee values
"$python" - <<'PY'
import h5py, numpy as np
f = h5py.File("results/small.network.h5")
n = f["output/bias"].size
x = np.ones((2, n)); x[1, ::2] = -1
a = x
for l in (1, 2):
    a = np.maximum(a @ f[f"hidden_{l}/weight"][:].T.astype(float) + f[f"hidden_{l}/bias"][:], 0)
o = a @ f["output/weight"][:].T.astype(float) + f["output/bias"][:] + x @ f["direct/weight"][:].T.astype(float)
h = f.attrs["temperature"] * np.log1p(np.exp(-x * o)).sum(1)
found = np.loadtxt("values")
assert np.allclose(found, h, atol=2e-3), (found, h)
print("H agrees with numpy:", h)
PY
