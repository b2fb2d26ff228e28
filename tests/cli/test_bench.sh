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
assert sorted(b["parts"]) == sorted(parts), f"parts are {sorted(b['parts'])}"
for name, part in b["parts"].items():
    for key in ("rate", "seconds", "work", "calls", "imbalance", "busy"):
        positive(part[key], f"{name}.{key}")
    assert part["spread"] >= 0 and len(part["rounds"]) == b["rounds"] >= 5
    assert math.isclose(part["rate"], part["work"] / part["seconds"], rel_tol=1e-6)
    assert part["imbalance"] > 1 - 1e-9
# Of what the masks leave there is less to do, so that it is done in a smaller share of the peak.
for name in ("gradient", "training", "ancestral", "single_flip") if b["run"]["parameters"] == int(sys.argv[4]) else ():
    assert 0 < b["parts"][name]["peak_needed"] < b["parts"][name]["peak_dense"], name
for kind in ("allreduce", "gather", "reduce"):
    m = b["messages"][kind]
    assert len(m["bytes"]) == len(m["seconds"]) == 10 and all(x > 0 for x in m["seconds"]), kind
    assert m["latency"] >= 0 and m["seconds_a_byte"] > 0 and m["residual"] >= 0, kind
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
"$nnsm" bench $dense >one.log
"$python" look.py results/quick.bench.json 1 $all 1842
grep -q "^single-flip scan " one.log || fail "no table: $(cat one.log)"
alone quick
mpirun -n 2 "$nnsm" bench $dense >two.log
"$python" look.py results/quick.bench.json 2 $all 1842
grep -q "^allreduce .*residual" two.log || fail "no line of messages: $(cat two.log)"
alone quick
echo "passed: dense, 1 and 2 ranks"

rm results/*
"$nnsm" bench "$source/input/best_fig3.cfg" $small --set run.name=f --set couplings.samples=2000 --seconds 0.5 >frontier.log
"$python" look.py results/f.bench.json 1 $all none
"$nnsm" bench "$source/input/potts3.cfg" $small --set run.name=p --seconds 0.5 >potts.log
"$python" look.py results/p.bench.json 1 ${all/self_learning,/} none
rm results/*
"$nnsm" generate $small "$source/input/quick.cfg" --set run.name=measured >/dev/null
cp results/measured.ensemble.h5 .
rm results/*
grep -v "^generate" "$source/input/quick.cfg" | sed '/temperature = 2.5/,/^};/d' >own.cfg
echo 'ensemble : { file = "measured.ensemble.h5"; };' >>own.cfg
"$nnsm" bench own.cfg ${small//--set generate.*([a-z])=*([0-9])/} --set run.name=u --seconds 0.5 >own.log
PY=1
