# Sourced by the tests of models, after common.sh: what every model's run must do.

# Stopped and gone on, on other numbers of ranks, through the generator and the scan: the same bits.
same_after_stops() { # VARIANT ARGUMENT...
  local variant=$1 stops=0 ranks=1 status limit
  shift
  set -- "$@" --set $variant --set checkpoint.interval=0.05 --set scan.sweeps=3000 --set scan.thermalization=101
  "$nnsm" run "$source/input/quick.cfg" "$@" --fresh --set run.name=whole >log || fail "$(tail -3 log)"
  for limit in 0.2 0.5 0.8 1.2 600; do
    status=0
    mpirun -n $ranks "$nnsm" run "$source/input/quick.cfg" "$@" --set run.name=stopped --set run.time_limit=$limit \
      >log 2>&1 || status=$?
    [ $status -eq 0 ] && break
    [ $status -eq 85 ] || fail "exit $status: $(tail -3 log)"
    stops=$((stops + 1)) ranks=$((ranks % 3 + 1))
  done
  [ $stops -gt 0 ] || fail "the run ended before it was stopped"
  "$python" "$source/tests/cli/compare.py" results/whole results/stopped same
  rm -f results/stopped.*
}

# Single stages on results/one.ensemble.h5 learn the model from the files; leaves follow.cfg.
same_from_files() { # ARGUMENT...
  local stage
  cat >follow.cfg <<'CFG'
run : { name = "follow"; seed = 2007; };
ensemble : { file = "results/one.ensemble.h5"; };
CFG
  for stage in train scan; do
    # shellcheck disable=SC2046
    "$nnsm" $stage follow.cfg $(echo "$*" | sed 's/--set generate[^ ]*//g') >log || fail "$stage of a file: $(tail -3 log)"
  done
  "$python" - <<'PY'
import h5py

one, follow = (h5py.File(f"results/{name}.results.h5") for name in ("one", "follow"))
for what in ("scan/true/order_parameter/mean", "scan/learned/order_parameter/mean", "scan/true/energy/mean"):
    assert (one[what][:] == follow[what][:]).all(), what
PY
}

# A configuration that names another model than the file is refused, with both.
refused() { # WORD COMMAND...
  local word=$1 code=0
  shift
  "$@" >log 2>&1 || code=$?
  [ $code -eq 3 ] || fail "exit code $code instead of 3: $*"
  grep -q "$word" log || fail "no \"$word\" in: $(cat log)"
}
