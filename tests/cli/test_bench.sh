#!/bin/bash
# nnsm bench: a table and a JSON file that is whole, on one and two ranks and for every kind of network; nothing of it where
# it fails, and nothing of a run of the same name touched. Ranks with other kernels than rank 0 are told of.
. "$(dirname "$0")/common.sh"
cat >look.py <<'PY'
import json, math, sys
path, ranks, parts = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",")
b = json.load(open(path))
def positive(x, what):
    assert isinstance(x, (int, float)) and math.isfinite(x) and x > 0, f"{what} = {x}"
assert b["kind"] == "nnsm bench" and b["ranks"] == ranks, b["ranks"]
assert b["openblas_core"] in b["openblas_cores"], "the core type in use was not measured"
assert b["openblas_cores"][b["openblas_fastest"]] == max(b["openblas_cores"].values())
# Whether flips are screened depends on what the network has learned in the time there is.
assert sorted(set(b["parts"]) - {"screened_flip"}) == sorted(set(parts) - {"screened_flip"}), f"parts are {sorted(b['parts'])}"
assert "screened_flip" in b["parts"] or "screened_flip" not in parts, f"no screened flips: {sorted(b['parts'])}"
for name, part in b["parts"].items():
    for key in ("rate", "seconds", "work", "calls", "imbalance", "busy"):
        positive(part[key], f"{name}.{key}")
    assert part["spread"] >= 0 and len(part["rounds"]) == b["rounds"] >= 5
    assert math.isclose(part["rate"], part["work"] / part["seconds"], rel_tol=1e-6)
    assert part["imbalance"] > 1 - 1e-9
# Of what the masks leave there is less to do, so that it is done in a smaller share of the peak.
for name in ("gradient", "training", "ancestral", "single_flip", "screened_flip") if sys.argv[4] != "none" else ():
    if name in b["parts"]:
        assert 0 < b["parts"][name]["peak_needed"] < b["parts"][name]["peak_dense"], name
assert ("screened_flip" in b["parts"]) == (b["evaluated"] is not None and 0.05 < b["evaluated"] < 0.95), b["evaluated"]
for kind in ("allreduce", "gather", "reduce"):
    m = b["messages"][kind]
    assert len(m["bytes"]) == len(m["seconds"]) == 10 and all(x > 0 for x in m["seconds"]), kind
    assert m["latency"] >= 0 and m["seconds_a_byte"] >= (1e-13 if ranks > 1 else 0) and m["residual"] >= 0, kind
if "self_learning" in parts:
    positive(b["self_learning"]["effective_samples_per_second"], "effective samples")
    assert 0.05 < b["self_learning"]["acceptance"] <= 1, b["self_learning"]
PY
tiny="$small --seconds 0.5"
all=sgemm,generator,gradient,training,ancestral,single_flip,self_learning,scan,ensemble_write,ensemble_read,checkpoint_write
alone() { # alone NAME: of the benchmark there is nothing but its file
  local left
  left=$(cd results && echo *)
  [ "$left" = "$1.bench.json" ] || fail "files: $left"
}

dense="$source/input/quick.cfg $tiny"
"$nnsm" bench $dense --set 'scan.temperatures=[2.5,2.8]' --set scan.sampler=metropolis --seconds 4 >one.log
"$python" look.py results/quick.bench.json 1 $all,screened_flip dense
grep -q "screened flips at the scan's temperatures: the network is asked for 0" one.log || fail "no share: $(cat one.log)"
grep -q "^single-flip scan " one.log || fail "no table: $(cat one.log)"
alone quick
mpirun -n 2 "$nnsm" bench $dense >two.log
"$python" look.py results/quick.bench.json 2 $all dense
grep -q "^allreduce .*residual" two.log || fail "no line of messages: $(cat two.log)"
alone quick
echo "passed: dense, 1 and 2 ranks"

rm results/*
"$nnsm" bench "$source/input/best_fig3.cfg" $small --set run.name=f --set couplings.samples=2000 --seconds 0.5 >frontier.log
"$python" look.py results/f.bench.json 1 $all,hessian none
"$python" "$source/analysis/performance_model.py" results/f.bench.json --ranks 1 >model.log
"$python" - <<'PY' || fail "steps with Hessians are not in the model: $(cat model.log)"
import json
b = json.load(open("results/f.bench.json"))
run, parts = b["run"], b["parts"]
assert 0 < run["hessian_draws"] < run["epochs"] * run["configurations"], run
assert run["floats_of_a_hessian"] > run["floats_of_a_gradient"] > 0, run
# On one rank: each draw costs at least its sums.
draws = run["epochs"] * (run["configurations"] - int(run["validation"] * run["configurations"]))
least = run["hessian_draws"] / parts["hessian"]["rate"] + (draws - run["hessian_draws"]) / parts["gradient"]["rate"]
row = [line.split() for line in open("model.log") if not line.startswith("#")][0]
assert least * 0.99 < float(row[3]), (least, row)
PY
"$nnsm" bench "$source/input/potts3.cfg" $small --set run.name=p --seconds 0.5 >potts.log
"$python" look.py results/p.bench.json 1 $all none
passed() { echo "passed: $*"; }
passed frontier network, sites of three states

# Measured data: nothing to generate, and nothing to write but the checkpoint.
rm results/*
"$nnsm" generate "$source/input/quick.cfg" $small --set run.name=measured >/dev/null
mv results/measured.ensemble.h5 measured.h5
rm results/*
cat >own.cfg <<'CFG'
run : { name = "own"; output = "results"; seed = 1; };
ensemble : { file = "measured.h5"; };
network : { hidden = [20, 12]; };
train : { batch = 200; };
scan : { temperatures = [2.0, 2.5]; };
CFG
"$nnsm" bench own.cfg --seconds 0.5 >own.log
"$python" look.py results/own.bench.json 1 "$(echo $all | sed 's/generator,//; s/ensemble_write,//')" dense
alone own
"$python" - "$nnsm" <<'PY' || fail "a long file: not in seconds, or not all of it counted"
import json, subprocess, sys, time, h5py
with h5py.File("measured.h5") as few, h5py.File("many.h5", "w") as many:
    rows = few["configurations"][:]
    times = 400000 // len(rows) + 1
    data = many.create_dataset("configurations", (times * len(rows), *rows.shape[1:]), "i1")
    for k in range(times):
        data[k * len(rows):(k + 1) * len(rows)] = rows
    data.attrs["temperature"] = 2.5
    data.attrs["values"] = [-1, 1]
subprocess.run([sys.argv[1], "bench", "own.cfg", "--set", "ensemble.file=many.h5", "--set", "run.name=many", "--seconds", "0.5"],
               check=True, stdout=subprocess.DEVNULL)
b = json.load(open("results/many.bench.json"))
assert b["run"]["configurations"] == times * len(rows), b["run"]["configurations"]
assert b["parts"]["training"]["work"] < 20000, b["parts"]["training"]["work"]
plan = subprocess.run([sys.argv[1], "check", "own.cfg", "--set", "ensemble.file=many.h5"], check=True, capture_output=True, text=True)
assert f"{times * len(rows)} configurations of many.h5" in plan.stdout and "true model" not in plan.stdout, plan.stdout
PY
passed measured data

# Windows that the network does not look below.
"$nnsm" bench "$source/input/quick.cfg" $small --set run.name=w --set window.size=[2] --set 'train.augment=["spin_flip"]' \
  --seconds 0.5 >w.log
"$python" look.py results/w.bench.json 1 ${all/ensemble_write,/} none
rm results/*
passed windows

refuse() { # refuse CODE TEXT COMMAND...
  local code=$1 text=$2 status=0
  shift 2
  "$@" >out 2>err || status=$?
  [ $status = $code ] || fail "$*: exit $status, not $code: $(cat out err)"
  grep -q -- "$text" err || fail "$*: no '$text': $(cat err)"
  [ "$(grep -c '^nnsm: ' err)" = 1 ] || fail "$*: not one message: $(cat err)"
}
refuse 2 "did you mean train.batch" mpirun -n 2 "$nnsm" bench $dense --set train.batchs=3
refuse 2 "give a number above 0" "$nnsm" bench $dense --seconds nothing
refuse 2 "needs a configuration file" "$nnsm" bench
refuse 3 "fewer than train.batch" "$nnsm" check own.cfg --set train.batch=100000 # as the run would
"$nnsm" check own.cfg --set 'window.size=[2]' --set window.data=windows | grep -q "no plan is made" || fail "windows planned as sites"
refuse 3 "absent.h5" "$nnsm" bench own.cfg --set ensemble.file=absent.h5
[ -z "$(ls results)" ] || fail "a refused benchmark left $(ls results)"

# A run of the same name, half done, is as it was; a benchmark that cannot write leaves the earlier file.
mkdir -p results/quick.bench.json.part
refuse 4 "bench.json.part" "$nnsm" bench $dense
[ "$(ls -A results)" = quick.bench.json.part ] || fail "left: $(ls -A results)"
rmdir results/quick.bench.json.part
"$nnsm" run "$source/input/quick.cfg" $small >/dev/null
sha256sum results/* >before
"$nnsm" bench $dense --fresh >/dev/null
sha256sum --quiet -c before || fail "the benchmark changed a file of the run"
"$nnsm" run "$source/input/quick.cfg" $small >again.log
grep -q "nothing to do" again.log || fail "after a benchmark the run began again: $(cat again.log)"
passed refusals, a run of the same name

# Stopped: exit code 85, nothing kept.
rm -r results
"$nnsm" bench "$source/input/quick.cfg" $small --seconds 100 >stopped.log 2>&1 &
bench=$!
for _ in $(seq 1200); do [ -e results/quick.bench.ensemble.h5 ] && break; sleep 0.1; done
kill -TERM $bench
status=0
wait $bench || status=$?
[ $status = 85 ] && grep -q "nothing of it is kept" stopped.log || fail "stopped: exit $status: $(cat stopped.log)"
[ -z "$(ls results)" ] || fail "a stopped benchmark left $(ls results)"
passed stop

# Kernels: told of when ranks differ, and when slow ones are forced. Processors without AVX2 have nothing to differ in.
core=$("$nnsm" --version | sed -n 's/.*core //p')
if [ "$core" != Nehalem ] && [ "$core" != Prescott ] && [ "$(uname -m)" = x86_64 ]; then
  mpirun -n 1 "$nnsm" generate "$source/input/quick.cfg" $small --set run.name=m : \
    -n 1 -x OPENBLAS_CORETYPE=Nehalem "$nnsm" generate "$source/input/quick.cfg" $small --set run.name=m >mixed.log
  grep -q "ranks compute with different kernels (rank 0 with $core/.*, rank 1 with Nehalem/" mixed.log ||
    fail "ranks with other kernels were not told of: $(cat mixed.log)"
  "$python" - "$core" <<'PY'
import h5py, sys
kernels = h5py.File("results/m.ensemble.h5")["provenance"].attrs["kernels_of_ranks"].decode().split(", ")
assert [k.split("/")[0] for k in kernels] == [sys.argv[1], "Nehalem"], kernels
PY
  rm -r results
  OPENBLAS_CORETYPE=Nehalem "$nnsm" generate "$source/input/quick.cfg" $small >forced.log
  grep -q "OPENBLAS_CORETYPE forces the kernels of Nehalem" forced.log || fail "forced: $(cat forced.log)"
  OPENBLAS_CORETYPE=Nehalem "$nnsm" bench $dense >forced.log
  grep -q "OPENBLAS_CORETYPE forces the kernels of Nehalem: 0\." forced.log || fail "forced: $(cat forced.log)"
  "$python" look.py results/quick.bench.json 1 $all dense
  passed kernels
fi
