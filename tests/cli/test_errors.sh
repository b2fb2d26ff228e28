#!/bin/bash
# Bad input under mpirun with 4 ranks: the documented exit code, one clear message from one rank, no hang, nothing left.
. "$(dirname "$0")/common.sh"
expect() { # expect CODE TEXT COMMAND ARGUMENTS...
  local code=$1 text=$2 status=0
  shift 2
  timeout 60 mpirun -n 4 "$nnsm" "$@" >out 2>err || status=$?
  [ "$status" = "$code" ] || fail "nnsm $*: exit $status, not $code: $(cat err)"
  [ "$(grep -c '^nnsm: ' err)" = 1 ] || fail "nnsm $*: not one message: $(cat err)"
  grep -qF -- "$text" err || fail "nnsm $*: no '$text' in: $(cat err)"
  ! ls results/*.part >/dev/null 2>&1 || fail "nnsm $*: a half-written file is left"
  echo "ok: $(grep '^nnsm: ' err)"
}
apart() { # apart ARGUMENTS...: two ranks as on two nodes with disks of their own
  timeout 120 mpirun -n 1 -wdir "$PWD/node_a" "$nnsm" "$@" : -n 1 -wdir "$PWD/node_b" "$nnsm" "$@"
}
quick=$source/input/quick.cfg
mkdir -p node_a node_b/results # that the lock is not seen takes a minute: meanwhile the rest; an old lock does not count
echo "host elsewhere pid 1 job none restart 0 since 1.000000000" >node_b/results/quick.lock
(apart generate "$quick" >apart.out 2>apart.err && status=0 || status=$?; echo $status >apart.exit) &
trap 'pkill -P $! 2>/dev/null || :; rm -rf "$scratch"' EXIT
sed 's/batch = 256/batchs = 256/' "$quick" >unknown.cfg
line=$(grep -n batchs unknown.cfg | cut -d: -f1)
expect 2 "unknown.cfg:$line: unknown key train.batchs; did you mean train.batch?" run unknown.cfg
expect 2 "did you mean train?" run "$quick" --set trains.batch=3
expect 2 "cannot read the configuration" run nothing.cfg
expect 2 "must be a whole number" run "$quick" --set train.batch=many
expect 2 "out of range; from 1 to" run "$quick" --set train.epochs=0
expect 2 "must be one of periodic|open" run "$quick" --set system.boundary=closed
expect 2 "remove \"translation\"" run "$quick" --set system.boundary=open
expect 2 "a field breaks the spin flip" run "$quick" --set system.field=0.5
expect 2 "lower it" run "$quick" --set train.batch=30000
expect 2 "not a multiple of 64" run "$quick" --set generate.chains=100
expect 2 "leaves none of 4 ranks to train" run "$quick" --set teams.generators=4
expect 2 "exclude each other" run "$quick" --set ensemble.file=x.h5
expect 2 "unknown command" fly "$quick"
expect 2 "needs a configuration file" run
expect 2 "use letters, digits" run "$quick" --set run.name=a/b
printf 'run : { name = "x" system\n' >broken.cfg
expect 2 "syntax error" run broken.cfg
expect 3 "No such file" train "$quick" --set run.name=absent
expect 3 "No such file" scan "$quick" --set run.name=absent
mkdir -p results
echo "not HDF5" >results/torn.network.h5
expect 3 "not an HDF5 file" scan "$quick" --set run.name=torn
"$python" - <<'PY'
import h5py, numpy as np
def make(name, data, temperature=2.0):
    with h5py.File(name, "w") as f:
        d = f.create_dataset("configurations", data=data)
        if temperature is not None:
            d.attrs["temperature"] = temperature
good = np.where(np.random.default_rng(1).random((3000, 8, 8)) < 0.5, -1, 1).astype(np.int8)
make("no_temperature.h5", good, None)
make("negative.h5", good, -1.0)
make("seven.h5", np.where(good > 0, 7, -1).astype(np.int8))
with h5py.File("seven.h5", "a") as f:
    f["configurations"].attrs["values"] = [-1, 1]
make("flat.h5", good.reshape(-1))
make("few.h5", good[:20])
make("other.h5", good.reshape(3000, 4, 16))
PY
cat >measured.cfg <<'CFG'
run : { name = "measured"; };
ensemble : { file = "good.h5"; };
CFG
expect 3 "attribute temperature" run measured.cfg --set ensemble.file=no_temperature.h5
expect 3 "must be positive" run measured.cfg --set ensemble.file=negative.h5
expect 3 "the value 7; the values of a site are -1 1" run measured.cfg --set ensemble.file=seven.h5
expect 3 "needs 2 to 4 dimensions" run measured.cfg --set ensemble.file=flat.h5
expect 3 "lower train.batch" run measured.cfg --set ensemble.file=few.h5
expect 3 "not the one of system.lattice" run measured.cfg --set ensemble.file=other.h5 --set system.lattice=[8,8]
expect 4 "output directory" run "$quick" --set run.output=/proc/nowhere
touch afile
expect 4 "Not a directory" run "$quick" $small --set run.output=afile
if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=300k tmpfs disk 2>/dev/null; then
  expect 4 "No space left on device" run "$quick" --set run.output=disk
  umount disk
else
  echo "skipped: a full disk (needs root and the right to mount)"
fi
expect 4 "diverged" run "$quick" $small --set train.learning_rate=1000 --set train.schedule=constant --set train.epochs=200
# A file of a user trains with nothing else known.
"$python" - <<'PY'
import h5py, numpy as np
good = np.where(np.random.default_rng(1).random((3000, 8, 8)) < 0.5, -1, 1).astype(np.int16)
with h5py.File("good.h5", "w") as f:
    f.create_dataset("configurations", data=good, chunks=(100, 8, 8), compression="gzip").attrs["temperature"] = 2.0
PY
# Networks without a seal, whose contents contradict themselves.
"$nnsm" run "$quick" $small --set run.name=good >log
cp results/good.ensemble.h5 node_a/data.h5
"$nnsm" generate "$quick" $small --set run.name=other --set run.seed=8 >log && cp results/other.ensemble.h5 node_b/data.h5
cat >data.cfg <<CFG
run : { name = "apart"; output = "$PWD/results"; };
ensemble : { file = "data.h5"; };
CFG
status=0
apart train "$PWD/data.cfg" >out 2>err || status=$?
grep -q "data.h5: .* sees another file of that name" err && [ $status = 3 ] || fail "two files: exit $status, $(cat err)"
cp results/good.network.h5 node_a/net.h5
"$nnsm" train "$quick" $small --set run.name=other --set run.seed=8 --set network.hidden=[5] >log && cp results/other.network.h5 node_b/net.h5
status=0
apart scan "$quick" $small --set run.name=apart --set "run.output=$PWD/results" --set network.file=net.h5 >out 2>err || status=$?
grep -q "net.h5: .* sees another file of that name" err && [ $status = 3 ] || fail "two networks: exit $status, $(cat err)"
wait
grep -q "not the same directory on all ranks: .* does not see the lock" apart.err && [ "$(cat apart.exit)" = 2 ] ||
  fail "apart: exit $(cat apart.exit), $(cat apart.err)"
[ "$(find node_a/results node_b/results -type f)" = node_b/results/quick.lock ] || fail "apart: something is left"
"$python" - <<'PY'
import h5py, numpy as np
whole = open("results/good.network.h5", "rb").read()
def make(name, change):
    with open(name, "wb") as file:
        file.write(bytes(512) + whole[512:])
    with h5py.File(name, "r+") as f:
        change(f)
def put(where, name, value):
    return lambda f: f[where].attrs.__setitem__(name, value)
def alone(f):
    del f["hidden_1"], f["hidden_2"], f["direct"], f["output/weight"]
    f.attrs.update(layers=0, direct=0, lattice=np.array([4096, 4096]))
make("texts.h5", put("/", "activation", np.array(["relu"] * 50, "S60")))
make("variable.h5", put("/system", "boundary", np.array(["open"] * 9, h5py.string_dtype())))
make("width.h5", put("/ensemble", "histogram_width", np.nan))
make("coupling.h5", put("/system", "coupling", np.inf))
make("huge.h5", alone)
PY
bare() { echo "scan $quick $small --set run.name=bare --set network.file=$1"; }
expect 3 "attribute activation of / is not readable text" $(bare texts.h5)
expect 3 "attribute boundary of /system is not readable text" $(bare variable.h5)
expect 3 "the histogram below /ensemble cannot be" $(bare width.h5)
expect 3 "out of range" $(bare coupling.h5)
expect 3 "/output/bias is not [16777216] as the architecture says" $(bare huge.h5)
expect 3 "its temperature is 2.5, generate.temperature is 2; correct" $(bare results/good.network.h5) --set generate.temperature=2.0
mpirun -n 2 "$nnsm" run measured.cfg --set train.epochs=2 --set scan.sweeps=20 --set scan.thermalization=5 >log 2>&1 || fail "$(tail -3 log)"
"$nnsm" info results/measured.results.h5 && "$nnsm" info results/measured.network.h5 && "$nnsm" info good.h5
"$nnsm" check "$quick" --ranks 4 && "$nnsm" --help && "$nnsm" --version
