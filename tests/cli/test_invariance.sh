#!/bin/bash
# The same ensemble, network and results on 1, 2, 3, 4 and 7 ranks, bit by bit; other seeds differ; single stages equal run.
. "$(dirname "$0")/common.sh"
for ranks in 1 2 3 4 7; do
  mpirun -n "$ranks" "$nnsm" run "$source/input/quick.cfg" $small --set run.name=r"$ranks" >log || fail "run on $ranks ranks: $(tail -3 log)"
  "$python" "$source/tests/cli/compare.py" results/r1 results/r"$ranks" same
done
mpirun -n 3 "$nnsm" run "$source/input/quick.cfg" $small --set run.name=teams --set teams.generators=2 >log
"$python" "$source/tests/cli/compare.py" results/r1 results/teams same
# A long generation is shared by all ranks before they train: the same bits, also where another number of ranks goes on.
long="$small --set generate.interval=60000 --set generate.thermalization=60000"
"$nnsm" check "$source/input/quick.cfg" $long --ranks 2 | grep -q "on 2 of 2 ranks" || fail "not by all ranks"
"$nnsm" check "$source/input/quick.cfg" $long --ranks 8 | grep -q "no chains for more ranks" || fail "three tiles for eight ranks, not said"
"$nnsm" run "$source/input/quick.cfg" $long --set run.name=long1 >log
status=0
mpirun -n 2 "$nnsm" run "$source/input/quick.cfg" $long --set run.name=long2 --set run.time_limit=0.4 >log || status=$?
[ $status = 85 ] || fail "not stopped while it generates: exit $status, $(tail -3 log)"
! grep -q "teams:" log || fail "not by all ranks: $(cat log)"
status=0
"$nnsm" run "$source/input/quick.cfg" $long --set run.name=long2 --set run.time_limit=0.4 >log || status=$?
[ $status = 85 ] || fail "not stopped a second time: exit $status, $(tail -3 log)"
mpirun -n 3 "$nnsm" run "$source/input/quick.cfg" $long --set run.name=long2 >log || fail "on 3 ranks: $(tail -3 log)"
"$python" "$source/tests/cli/compare.py" results/long1 results/long2 same
"$nnsm" run "$source/input/quick.cfg" $small --set run.name=other --set run.seed=5 >log
"$python" "$source/tests/cli/compare.py" results/r1 results/other different
for ranks in 1 3; do
  for stage in generate train scan; do
    mpirun -n "$ranks" "$nnsm" "$stage" "$source/input/quick.cfg" $small --set run.name=stages"$ranks" >log || fail "$stage on $ranks"
  done
  "$python" "$source/tests/cli/compare.py" results/r1 results/stages"$ranks" same
done
# A stream has no fixed ensemble to shuffle; open boundaries and a field switch symmetries off; Wolff; no exchange.
# Three ranks are more than two shards.
for variant in "train.data=stream" "generate.algorithm=wolff" "scan.exchange=false" "train.patience=1" "network.order=random" \
  "train.shards_per_batch=2" "couplings.source=ensemble" "scan.sampler=metropolis" "network.kind=frontier --set network.reach=1 --set network.units=12"; do
  for ranks in 1 3; do
    # shellcheck disable=SC2086
    mpirun -n "$ranks" "$nnsm" run "$source/input/quick.cfg" $small --fresh --set run.name=v"$ranks" --set $variant >log || fail "$variant on $ranks: $(tail -3 log)"
  done
  "$python" "$source/tests/cli/compare.py" results/v1 results/v3 same
done
# Of the last variant, the frontier network: single stages, from file to file.
for stage in generate train scan; do
  mpirun -n 4 "$nnsm" "$stage" "$source/input/quick.cfg" $small --set network.kind=frontier --set network.reach=1 --set network.units=12 --set run.name=frontier >log || fail "$stage of a frontier network"
done
"$python" "$source/tests/cli/compare.py" results/v1 results/frontier same
for ranks in 1 2 3; do # a coupling for every bond: other sums, in blocks of the sites
  mpirun -n "$ranks" "$nnsm" run "$source/input/quick.cfg" $small --set run.name=bonds"$ranks" --set couplings.per_bond=true \
    --set 'couplings.basis=["pairs"]' --set couplings.range=2 >log || fail "couplings of bonds on $ranks: $(tail -3 log)"
  "$python" "$source/tests/cli/compare.py" results/bonds1 results/bonds"$ranks" same
done
# A long ensemble, of which the trust report reads the first blocks only.
for ranks in 1 3; do
  mpirun -n "$ranks" "$nnsm" run "$source/input/quick.cfg" $small --set run.name=many"$ranks" --set generate.configurations=70000 \
    --set generate.interval=1 --set train.batch=1000 --set train.epochs=1 >log || fail "many configurations on $ranks: $(tail -3 log)"
done
"$python" "$source/tests/cli/compare.py" results/many1 results/many3 same
"$python" - <<'PY'
import h5py

with h5py.File("results/many3.results.h5") as f:
    assert f["trust/support"].attrs["configurations"] == 20480, dict(f["trust/support"].attrs)
PY
echo "all equal"
