#!/bin/bash
# The reach of a frontier network chosen from the data: the same network and bits on any number of ranks, from single
# stages, after a stop; its members share it; a stated reach that the data contradict is warned of.
. "$(dirname "$0")/common.sh"
quick=$source/input/quick.cfg
compare() { "$python" "$source/tests/cli/compare.py" "results/$1" "results/$2" same; }
frontier="$small --set network.kind=frontier --set network.units=8"
diagonal="$frontier --set system.next_nearest=0.3 --set generate.temperature=4.0"

echo "== nearest neighbours, and diagonals where there are such bonds"
"$nnsm" run "$quick" $frontier --set run.name=near >log
grep -q "reach: 1 lattice spacings, from the couplings of 3000 configurations at level 0.01" log || fail "$(cat log)"
! grep -q "contradict" log || fail "$(cat log)"
"$nnsm" run "$quick" $diagonal --set run.name=far --set trust.networks=3 >log
grep -q "reach: beyond 1: .* pair (1,1) at" log || fail "$(cat log)"
grep -q "reach: 1.414 lattice spacings" log || fail "$(cat log)"
! grep -q "contradict" log || fail "$(cat log)"
"$nnsm" info results/far.network.h5 | grep -q "reach 1.41421" || fail "$("$nnsm" info results/far.network.h5)"
"$nnsm" info results/far.member2.network.h5 | grep -q "reach 1.41421" || fail "the members' reach is another"
"$python" - <<'PY'
import h5py
for name, reaches in (("near", 1), ("far", 2)):
    with h5py.File(f"results/{name}.network.h5") as f:
        g = f["reach"]
        assert len(g["p"]) == reaches and abs(g["reach"][-1] - f.attrs["reach"]) < 1e-12
        assert (g["p"][:-1] < g.attrs["level"]).all() and g["p"][-1] >= g.attrs["level"] and g.attrs["configurations"] == 3000
PY

echo "== the same on any number of ranks, from single stages, and after stops"
for ranks in 2 3; do
  mpirun -n $ranks "$nnsm" run "$quick" $diagonal --fresh --set run.name=ranks --set trust.networks=3 >log || fail "$(tail -3 log)"
  compare far ranks
done
for stage in generate train; do mpirun -n 2 "$nnsm" $stage "$quick" $diagonal --set run.name=stages >log || fail "$stage: $(tail -3 log)"; done
cmp <("$nnsm" info results/far.network.h5 | cut -d: -f2) <("$nnsm" info results/stages.network.h5 | cut -d: -f2) || fail "stages"
long="$diagonal --set train.epochs=40 --set generate.interval=60 --set checkpoint.interval=0.05 --set scan.sweeps=500"
"$nnsm" run "$quick" $long --set run.name=whole >log
mpirun -n 2 "$nnsm" run "$quick" $long --set run.name=two >log # at T = 1 all samples are ordered: differences of exactly 0
compare whole two
stops=0
for limit in 0.2 0.4 0.6 0.8 1 1.5 2 600; do
  status=0
  mpirun -n $((stops % 3 + 1)) "$nnsm" run "$quick" $long --set run.name=parts --set run.time_limit=$limit >log 2>&1 || status=$?
  [ $status = 85 ] || break
  stops=$((stops + 1))
done
[ $status = 0 ] && [ $stops -gt 0 ] || fail "exit $status after $stops stops: $(tail -3 log)"
echo "$stops stops"
compare whole parts

echo "== a stated reach is taken, and contradicted"
"$nnsm" run "$quick" $diagonal --set run.name=stated --set network.reach=1 >log
grep -q "warning: couplings: the data contradict the network's reach of 1: .* pair (1,1) stands out" log || fail "$(cat log)"
! grep -q "^reach:" log || fail "it was chosen"
"$nnsm" run "$quick" $diagonal --set run.name=stated --fresh --set network.reach=1.5 >log
! grep -q "contradict" log || fail "$(cat log)"

echo "== data that cannot tell, and contradictions"
"$nnsm" run "$quick" $frontier --set run.name=frozen --set generate.temperature=0.3 --set generate.algorithm=wolff >log || fail "$(tail -3 log)"
grep -q "warning: reach: the data determine no couplings" log || fail "$(cat log)"
for wrong in "network.reach=0.5" "train.data=stream"; do
  status=0
  "$nnsm" run "$quick" $frontier --set run.name=wrong --set $wrong >log 2>&1 || status=$?
  [ $status = 2 ] && grep -q "network.reach" log || fail "$wrong: exit $status: $(cat log)"
done
"$nnsm" check "$quick" $frontier | grep -q "reach      chosen from the ensemble" || fail "the plan does not say it"
echo ok
