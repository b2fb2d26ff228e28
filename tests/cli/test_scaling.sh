#!/bin/bash
# A scaling study without Slurm: runs on several numbers of ranks, one table of both kinds, one figure; the performance model
# agrees with itself and with the definition of its limits. What does not belong together is refused, what is missing named.
. "$(dirname "$0")/common.sh"
ln -s "$source/jobscripts" "$source/analysis" .
study() { NNSM=$nnsm NNSM_PYTHON=$python NNSM_BENCH_SECONDS=0.3 NNSM_HERE=1 jobscripts/scaling.sh "$@" >study.log 2>&1 || fail "$* $(tail -n 5 study.log)"; }
cp "$source/input/quick.cfg" small.cfg
study strong 1,2 small.cfg $small
(export SLURM_JOB_ID=1 SLURM_NTASKS=1; study strong 2 small.cfg $small) # here, also within an allocation: not its tasks
grep -q "done after .* on 2 ranks" study.log || fail "within an allocation: $(grep "done after" study.log)"
fixed=$(sed 's/--set \(generate.configurations\|generate.chains\|train.batch\)=[0-9]*//g' <<<"$small") # the script sets these
study weak 2 small.cfg $fixed
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
# Groups as nnsm_placing_create makes them (temperatures, walkers, ranks, groups; a program that prints them was run once).
for t, w, ranks, groups in ((64, 512, 6, 3), (64, 512, 1024, 512), (31, 64, 3, 1), (40, 16, 6, 2), (7, 5, 3, 2), (31, 8, 16, 8)):
    alone.run.update(temperatures=t, walkers=w)
    assert alone.groups_of_ranks(ranks) == groups, (t, w, ranks, alone.groups_of_ranks(ranks))
PY
# Runs whose scans propose in different ways are told of.
cp results/small_strong1.results.h5 other_strong1.results.h5
cp results/small_strong2.results.h5 other_strong2.results.h5
"$python" analysis/scaling_table.py other_strong?.results.h5 -o other.csv 2>err || fail "$(cat err)"
! grep -q "not of the same work" err || fail "the same proposals are warned of: $(cat err)"
"$python" -c 'import h5py
with h5py.File("other_strong2.results.h5", "r+") as f: f["scan/learned"].attrs["proposals"] = b"single sites of plaquette"'
"$python" analysis/scaling_table.py other_strong?.results.h5 -o other.csv 2>err || fail "$(cat err)"
grep -q "the learned scan of other_strong2.results.h5 moves by single sites of plaquette" err || fail "not warned of: $(cat err)"
for kind in png pdf; do [ -s results/small.scaling.$kind ] || fail "no figure"; done
"$python" analysis/performance_model.py results/small_strong*.bench.json --ranks 1,2,16 --results results/small_strong2.results.h5 >model.log
grep -q "2 ranks: generate and train .* predicted" model.log || fail "$(cat model.log)"
if "$python" analysis/performance_model.py results/small_strong2.results.h5 2>err; then fail "a results file was taken for a benchmark"; fi
[ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
if "$python" analysis/plot_scaling.py err 2>err2; then fail "a text was taken for a table"; fi
for wrong in "strange 1" "strong 0" "weak 2x"; do
  status=0
  # shellcheck disable=SC2086 # two arguments
  jobscripts/scaling.sh $wrong small.cfg >usage || status=$?
  [ $status = 2 ] && grep -q "jobscripts/scaling.sh weak" usage || fail "$wrong: exit $status"
done

refused() { # refused PATTERN COMMAND...: not 0, one line that says so
  local pattern=$1 status=0
  shift
  "$@" >out 2>err || status=$?
  [ $status != 0 ] || fail "$* was accepted"
  grep -q "$pattern" err || fail "$*: $(cat err)"
  if grep -q Traceback err; then fail "$*: $(cat err)"; fi
}
model() { "$python" analysis/performance_model.py "$@"; }
table() { SLURM_JOB_NAME=nnsm-scaling-table NNSM_PYTHON=$python jobscripts/scaling.sh "$@"; }
for ranks in 0 1-8; do refused "give numbers of ranks" model results/small_strong1.bench.json --ranks=$ranks; done
sed '/measurements_at_once/d' results/small_strong1.bench.json >old.bench.json
refused "of an older version; measure again" model old.bench.json
refused "cannot be read" model results/small_strong1.bench.json --results nothing.h5
refused "not an nnsm results file" model results/small_strong1.bench.json --results results/small_strong1.ensemble.h5
"$nnsm" bench small.cfg $small --set run.name=other --set train.batch=100 --set scan.walkers=4 --seconds 0.3 >/dev/null
refused "differ in scan.walkers, train.batch" model results/other.bench.json results/small_strong2.bench.json
refused "differs .* in scan.walkers, train.batch" model results/other.bench.json --results results/small_strong2.results.h5
refused "another configuration" "$python" analysis/plot_scaling.py results/small.scaling.csv --bench results/other.bench.json
refused "not a table" "$python" analysis/plot_scaling.py <(printf 'run,ranks\na,1\n')
# A run that is missing is named, and the table is made of the others; runs with other options are not one study.
refused "small_strong4.results.h5 is missing" table strong 1,2,4 small.cfg
[ "$(grep -c strong results/small.scaling.csv)" = 2 ] || fail "not the runs that are there: $(cat results/small.scaling.csv)"
NNSM=$nnsm NNSM_PYTHON=$python NNSM_BENCH_SECONDS=0.3 NNSM_HERE=1
export NNSM NNSM_PYTHON NNSM_BENCH_SECONDS NNSM_HERE
"$nnsm" run small.cfg $small --set run.name=small_strong1 --set train.epochs=2 --fresh >/dev/null
refused "differ in train.epochs" table strong 1,2 small.cfg
# A run that crashes does not end the study, and is missing from its table; a benchmark that crashes is only that.
cat >crashing <<SH
#!/bin/bash
case "\$1 \$*" in "bench "*strong2* | "run "*strong4*) kill -SEGV \$\$ ;; esac
exec "$nnsm" "\$@"
SH
chmod +x crashing
refused "small_strong4.results.h5 is missing" env NNSM="$PWD/crashing" jobscripts/scaling.sh strong 4,2 small.cfg $small
cat out err >study.log
grep -q "small_strong1.results.h5 is left out: .* train.epochs" study.log || fail "another study's run: $(cat study.log)"
[ "$(cut -d, -f1 results/small.scaling.csv | tail -n +2 | paste -sd,)" = small_strong2,small_weak2 ] || fail "$(cat results/small.scaling.csv)"
refused "weak scaling multiplies what a run generates" jobscripts/scaling.sh weak 200 small.cfg $fixed
refused "train.batch is set by this script" jobscripts/scaling.sh weak 2 small.cfg $small
refused "set NNSM_HERE=1" env SLURM_JOB_ID=1 NNSM_HERE= jobscripts/scaling.sh strong 2 small.cfg $small
# A study that is stopped leaves nothing of an earlier one that would be taken for its own.
status=0
jobscripts/scaling.sh strong 1 small.cfg $small --set train.epochs=100000 --set run.progress=0 >study.log 2>&1 &
until grep -q epoch study.log; do sleep 0.2; done
touch results/small_strong1.stop
wait $! || status=$?
[ $status = 85 ] && [ ! -e results/small_strong1.results.h5 ] || fail "stopped: exit $status, $(tail -n 3 study.log)"
[ -s results/small_strong1.results.h5.before ] || fail "what an earlier study measured is lost"
# Of other runs of the study those that cannot be read are left out; a run of several sessions has not all of its times.
cp results/small_strong2.results.h5 results/small_strong1.results.h5
rm results/small_strong1.bench.json # of the study that was stopped
echo garbage >results/small_strong8.results.h5
echo garbage >results/small_strong2.bench.json
table strong 1,2 small.cfg >out 2>err || fail "a broken file beside the study: $(cat out err)"
grep -q "small_strong8.results.h5 is left out" err || fail "not said: $(cat err)"
grep -q "no curve of the model: .*small_strong2.bench.json" err || fail "not said: $(cat err)"
"$python" - <<'PY'
import json
with open("results/other.bench.json") as file:
    bench = json.load(file)
bench["parts"]["sgemm"]["busy"] = 0.5
with open("results/other.bench.json", "w") as file:
    json.dump(bench, file)
PY
model results/other.bench.json >out 2>err && grep -q "only 50% of a processor" err || fail "disturbed, not said: $(cat err)"
"$python" -c 'import h5py
with h5py.File("results/small_strong1.results.h5", "r+") as f:
    f["provenance"].attrs["sessions"] = 2
    del f["timing/window"]'
table strong 1,2 small.cfg >out 2>err || fail "a stage that an older version does not have: $(cat err)"
grep -q "small_strong1.results.h5: its times are not those of a whole run" err || fail "not warned of: $(cat err)"
