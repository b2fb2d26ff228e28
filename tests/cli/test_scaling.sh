#!/bin/bash
# A scaling study without Slurm: runs on several numbers of ranks, one table of both kinds, one figure; the performance model
# agrees with itself and with the definition of its limits.
. "$(dirname "$0")/common.sh"
ln -s "$source/jobscripts" "$source/analysis" .
study() { NNSM=$nnsm NNSM_PYTHON=$python NNSM_BENCH_SECONDS=0.3 NNSM_HERE=1 jobscripts/scaling.sh "$@" >study.log 2>&1 || fail "$* $(tail -n 5 study.log)"; }
cp "$source/input/quick.cfg" small.cfg
study strong 1,2 small.cfg $small
(export SLURM_JOB_ID=1 SLURM_NTASKS=1; study strong 2 small.cfg $small) # here, also within an allocation: not its tasks
grep -q "done after .* on 2 ranks" study.log || fail "within an allocation: $(grep "done after" study.log)"
study weak 2 small.cfg $small --set train.batch=20
"$python" - "$source" <<'PY'
import csv, json, sys
sys.path.insert(0, sys.argv[1] + "/analysis")
from performance_model import Model, read
rows = list(csv.DictReader(open("results/small.scaling.csv")))
assert [(r["kind"], int(r["ranks"])) for r in rows] == [("strong", 1), ("strong", 2), ("weak", 2)], rows
for r in rows:
    assert all(float(r[c]) > 0 for c in ("network", "scan", "total")) and 0 < float(r["busy"]) <= 1.01, r
    assert float(r["total"]) > float(r["network"]) + float(r["scan"])
one, two = (read(f"results/small_strong{p}.bench.json") for p in (1, 2))
assert read("results/small_weak2.bench.json")["run"]["walkers"] == 16, "weak scaling did not multiply the walkers"
alone, model = Model([one]), Model([two, one])
for stage, (work, messages) in alone.predict(1).items():
    assert work > 0 and messages == 0, stage
    assert alone.predict(10**6)[stage][0] > 0
assert model.predict(1) == alone.predict(1)
# At the ranks of the benchmark the model of training and scan is the measurement, but for what is below a kernel's time.
train = alone.predict(1)["train"][0]
steps = one["run"]["epochs"] * -(-alone.training() // one["run"]["batch"])
measured = one["parts"]["training"]["seconds"] * one["run"]["batch"] / one["parts"]["training"]["work"] * steps
assert train >= measured * (1 - 1e-9), (train, measured)
# Work falls with ranks, as far as there are shards and tiles; messages do not.
for stage in ("train", "scan"):
    assert alone.predict(2)[stage][0] <= alone.predict(1)[stage][0]
    assert model.predict(64)[stage][1] > model.predict(2)[stage][1] > 0
assert alone.predict(8)["train"][0] == alone.predict(16)["train"][0], "eight shards keep eight ranks busy, no more"
PY
for kind in png pdf; do [ -s results/small.scaling.$kind ] || fail "no figure"; done
"$python" analysis/performance_model.py results/small_strong*.bench.json --ranks 1,2,16 --results results/small_strong2.results.h5 >model.log
grep -q "2 ranks: generate and train .* predicted" model.log || fail "$(cat model.log)"
if "$python" analysis/performance_model.py results/small_strong2.results.h5 2>err; then fail "a results file was taken for a benchmark"; fi
[ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
if "$python" analysis/plot_scaling.py err 2>err2; then fail "a text was taken for a table"; fi
status=0
jobscripts/scaling.sh strange 1 small.cfg >usage || status=$?
[ $status = 2 ] && grep -q "jobscripts/scaling.sh weak" usage || fail "usage: exit $status"
