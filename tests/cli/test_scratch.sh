#!/bin/bash
# Configurations that do not fit into memory: run.scratch keeps them in files without a name, to the same bits.
. "$(dirname "$0")/common.sh"

# ---- the same bits, on any number of ranks, and nothing left behind
mkdir disk
mpirun -n 2 "$nnsm" run "$source/input/quick.cfg" $small --set run.name=memory >log 2>&1 || fail "in memory: $(tail -3 log)"
for ranks in 1 3; do
  mpirun -n $ranks "$nnsm" run "$source/input/quick.cfg" $small --set run.name=disk$ranks --set run.scratch=disk >log 2>&1 ||
    fail "on $ranks ranks with run.scratch: $(tail -3 log)"
  "$python" "$source/tests/cli/compare.py" results/memory results/disk$ranks same || fail "other bits on $ranks ranks"
done
[ -z "$(ls disk)" ] || fail "left in run.scratch: $(ls disk)"

"$nnsm" check "$source/input/quick.cfg" $small --set run.scratch=disk | grep -q "scratch    about .* MB a rank in disk" || fail "check says nothing"

# ---- 256 MB of configurations where a process may have 240 MB of its own
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(3)
with h5py.File("large.h5", "w") as f:
    data = f.create_dataset("configurations", (1000000, 16, 16), "i1", chunks=(1000, 16, 16))
    data.attrs["temperature"] = 2.5
    for k in range(0, len(data), 100000):
        data[k:k + 100000] = 1 - 2 * (rng.integers(0, 256, (100000, 16, 16), dtype="u1") < 120).astype("i1")
PY
cat >large.cfg <<'CFG'
run : { name = "large"; progress = 100.0; };
ensemble : { file = "large.h5"; };
network : { hidden = []; };
train : { epochs = 1; batch = 8000; };
CFG
train() { (
  ulimit -d 240000 # kB; mapped files do not count
  OPENBLAS_NUM_THREADS=1 "$nnsm" train large.cfg --fresh "$@" >log 2>&1
); }
train && fail "240 MB were enough for 256 MB in memory"
grep -q "no memory for .* MB" log || fail "not said that there is no memory: $(tail -3 log)"
grep -q "run.scratch" log || fail "not said what to do: $(tail -3 log)"
train --set run.scratch=disk || fail "with run.scratch: $(tail -3 log)"
[ -z "$(ls disk)" ] || fail "left in run.scratch: $(ls disk)"

# ---- the same where they are generated: 160 MB, and 320 MB of numbers of theirs
generate() { (
  ulimit -d 240000
  OPENBLAS_NUM_THREADS=1 "$nnsm" generate "$source/input/quick.cfg" --set system.lattice=[4,4] --set run.name=made \
    --set generate.configurations=10000000 --set generate.interval=1 --fresh "$@" >log 2>&1
); }
generate && fail "240 MB were enough to generate in memory"
grep -q "run.scratch" log || fail "not said what to do: $(tail -3 log)"
generate --set run.scratch=disk || fail "generated with run.scratch: $(tail -3 log)"
[ -z "$(ls disk)" ] || fail "left in run.scratch: $(ls disk)"

# ---- a directory that is none
code=0
train --set run.scratch=nowhere || code=$?
[ $code = 4 ] || fail "exit $code where run.scratch is no directory: $(tail -3 log)"
grep -q "nowhere (run.scratch): No such file" log || fail "message: $(tail -3 log)"
echo "run.scratch: same bits, less memory, nothing left"
