#!/bin/bash
# Files of users: however the numbers are stored, the same configurations train to the same bits on any number of ranks;
# signals become levels; what cannot be learned from is refused, with what, where and what to do.
. "$(dirname "$0")/common.sh"
make() { "$python" - "$@" <<PY
import h5py, numpy as np
rng = np.random.default_rng(11)
$(cat)
PY
}
cat >m.cfg <<'CFG'
run : { name = "m"; progress = 100.0; };
ensemble : { file = "m.h5"; };
network : { hidden = [12]; };
train : { epochs = 2; batch = 200; };
scan : { sweeps = 20; thermalization = 5; temperatures = [1.5, 2.5]; };
couplings : { basis = ("pairs"); range = 1.0; samples = 512; };
CFG
settings="--set scan.sampler=metropolis"
# ---- storage: type, byte order, chunks, filters, where the temperature stands
make <<'PY'
spins = np.where(rng.random((3000, 6, 6)) < 0.5, -1, 1)
ups = (spins > 0).astype(int)
def save(name, data, root=False, **how):
    with h5py.File(name + ".h5", "w") as f:
        d = f.create_dataset("configurations", data=data, **how)
        (f if root else d).attrs["temperature"] = 2
packed = {"chunks": (70, 5, 6), "compression": "gzip", "shuffle": True}
save("s_i1", spins.astype("i1"))
save("s_i2", spins.astype(">i2"), **packed)
save("s_i4", spins.astype("<i4"), chunks=(3000, 1, 1), fletcher32=True)
save("s_i8", spins.astype(">i8"), root=True)
save("u_u1", ups.astype("u1"))
save("u_u2", ups.astype("<u2"), **packed)
save("u_u4", ups.astype(">u4"), root=True, maxshape=(None, 6, 6), chunks=(500, 6, 6))
save("u_u8", ups.astype("u8"), chunks=(11, 6, 6))
save("u_bool", ups.astype(bool), **packed)
far = np.where(spins > 0, 2**31 - 1, -2**31)  # values that need all of 32 bits
save("f_i4", far.astype("i4"))
save("f_i8", far.astype(">i8"), chunks=(100, 6, 6))
with h5py.File("u_bits.h5", "w") as f:  # a bit field, as PyTables writes booleans
    space = h5py.h5s.create_simple(ups.shape)
    d = h5py.h5d.create(f.id, b"configurations", h5py.h5t.STD_B8LE, space)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, ups.astype("u1"), h5py.h5t.STD_B8LE)
    f["configurations"].attrs["temperature"] = 2.0
save("s_flat", spins.reshape(3000, 36).astype("i2"))
save("s_cube", spins.reshape(3000, 3, 3, 4).astype("i8"))
PY
train() { # NAME RANKS FILE [settings]: train, and the checksum of the weights
  local name=$1 ranks=$2 file=$3
  shift 3
  mpirun -n "$ranks" "$nnsm" train m.cfg --fresh --set "run.name=$name" --set "ensemble.file=$file" "$@" >log 2>&1 || fail "$file: $(tail -3 log)"
  "$python" - "results/$name.network.h5" <<'PY'
import h5py, hashlib, sys
digest = hashlib.sha256()
with h5py.File(sys.argv[1]) as f:
    f.visititems(lambda n, d: digest.update(d[()].tobytes()) if isinstance(d, h5py.Dataset) and "training" not in n else None)
print(digest.hexdigest())
PY
}
bits=$(train one 1 s_i1.h5)
ranks=1
for file in s_i1 s_i2 s_i4 s_i8 u_u1 u_u2 u_u4 u_u8 u_bool u_bits f_i4 f_i8; do
  ranks=$((ranks % 3 + 1))
  [ "$(train other $ranks $file.h5)" = "$bits" ] || fail "$file on $ranks ranks: other weights"
done
train flat 2 s_flat.h5 >/dev/null
train cube 3 s_cube.h5 >/dev/null
echo "ok: twelve ways to store the same configurations, one network"

# ---- many blocks: every rank reads its share, and all get what they train on
make <<'PY'
with h5py.File("large.h5", "w") as f:
    d = f.create_dataset("configurations", data=np.where(rng.random((40000, 20, 20)) < 0.5, 3, 8), dtype="i2", chunks=(900, 20, 20))
    d.attrs["temperature"] = 2.0
PY
bits=$(train big 1 large.h5 --set train.epochs=1)
for ranks in 2 5; do
  [ "$(train big $ranks large.h5 --set train.epochs=1)" = "$bits" ] || fail "large file on $ranks ranks: other weights"
done
echo "ok: a file of several blocks, the same network on 1, 2 and 5 ranks"

# ---- the same for what couplings and trust want of it, also where chunks are more than a block, or do not divide it
make <<'PY'
rows = np.where(rng.random((14000, 16, 16)) < 0.5, -1, 1)
for chunk in (5000, 700):
    with h5py.File(f"chunks{chunk}.h5", "w") as f:
        f.create_dataset("configurations", data=rows, dtype="i1", chunks=(chunk, 16, 16), compression="gzip")
        f["configurations"].attrs["temperature"] = 2.0
PY
for chunk in 5000 700; do
  for ranks in 1 2 5; do
    mpirun -n $ranks "$nnsm" run m.cfg --fresh --set train.epochs=1 --set run.name=rows$chunk-$ranks --set ensemble.file=chunks$chunk.h5 \
      --set couplings.samples=14000 >log || fail "$chunk, $ranks ranks: $(tail -3 log)"
    grep -q "^trust: .* of the energies visited .* were seen in training" log || fail "no ensemble: $(grep trust: log)"
  done
  for ranks in 2 5; do "$python" "$source/tests/cli/compare.py" results/rows$chunk-1 results/rows$chunk-$ranks same; done
done

# ---- levels of a signal
make <<'PY'
spins = np.where(rng.random((3000, 6, 6)) < 0.5, -1, 1)
signal = spins + 0.5 * rng.standard_normal(spins.shape)
def save(name, data, temperature=2.0, **how):
    with h5py.File(name + ".h5", "w") as f:
        f.create_dataset("configurations", data=data, **how).attrs["temperature"] = temperature
save("signal", signal.astype("f4"), chunks=(64, 6, 6), compression="gzip")
save("double", signal.astype("f4").astype(">f8"))
save("half", signal.astype("f2"))
save("adc", np.floor(1000 * signal).astype("<i4"))
save("second", (np.where(rng.random((3000, 6, 6)) < 0.5, -1, 1) * 0.7).astype("f8"), 2.5)
save("cut", np.where(signal.astype("f4") >= np.sort(signal.astype("f4").ravel())[signal.size // 2], 1, -1))
PY
bits=$(train cut 1 cut.h5)
[ "$(train level 2 signal.h5 --set ensemble.levels=2)" = "$bits" ] || fail "quantiles differ from numpy's"
[ "$(train level 3 double.h5 --set ensemble.levels=2)" = "$bits" ] || fail "doubles differ from floats"
grep -q "a signal cut into 2 levels at .*(quantiles)" log || fail "no thresholds in the log: $(cat log)"
grep -q "kept: 0.[0-9]* of the signal's variance by the means of the levels, 1.000 of 1.000 bits" log || fail "no loss in the log"
half=$(train half 2 half.h5 --set "ensemble.thresholds=[0.0]")
[ "$(train adc 1 adc.h5 --set "ensemble.thresholds=[0.0]")" = "$(train signal 2 signal.h5 --set "ensemble.thresholds=(0.0)")" ] || fail "integers"
"$python" - <<'PY'
import h5py, numpy as np
with h5py.File("results/signal.network.h5") as f, h5py.File("signal.h5") as s:
    levels, x = f["ensemble/levels"].attrs, s["configurations"][()].astype(float)
    up = x >= 0
    assert np.allclose(levels["share"], [1 - up.mean(), up.mean()], atol=1e-12), levels["share"]
    assert np.allclose(levels["mean"], [x[~up].mean(), x[up].mean()], atol=1e-9), levels["mean"]
    assert abs(levels["signal_variance"] - x.var()) < 1e-9
    between = sum(w.mean() * (x[w].mean() - x.mean()) ** 2 for w in (up, ~up))
    assert abs(levels["explained_variance"] - between / x.var()) < 1e-9
PY
# The network keeps its thresholds: a scan and a second ensemble are cut by them.
"$nnsm" run m.cfg $settings --set run.name=both --set ensemble.file=signal.h5 --set ensemble.levels=2 --set trust.compare=second.h5 >log || fail "$(tail -3 log)"
grep -q "trust: the ensemble at T = 2.5: abs_magnetization predicted" log || fail "no comparison: $(cat log)"
"$nnsm" info results/both.results.h5 >/dev/null
! "$nnsm" train m.cfg --set run.name=both --set ensemble.file=signal.h5 --set ensemble.levels=0 --set "ensemble.thresholds=(0.5)" 2>err || fail "other thresholds went on"
grep -q "ensemble.thresholds" err || fail "other thresholds: $(cat err)"
echo "ok: levels"

# ---- nnsm info: what the data say of themselves
make <<'PY'
def save(name, data, **attributes):
    with h5py.File(name + ".h5", "w") as f:
        d = f.create_dataset("configurations", data=data)
        d.attrs.update({"temperature": 2.0, **attributes})
spins = np.where(rng.random((4000, 6, 6)) < 0.5, -1, 1).astype(np.int8)
save("fair", spins)
save("field", np.where(rng.random((4000, 6, 6)) < 0.4, 0, 1).astype(np.int8))
dead = spins.copy()
dead[:, 2, 4] = 1
save("dead", dead, boundary=np.bytes_("open"))
labels = rng.choice([0, 4, 9], (4000, 6, 6), p=[0.4, 0.3, 0.3]).astype(np.int8)
save("labels", labels, labels=1)
save("evenly", rng.integers(0, 3, (4000, 6, 6)).astype(np.int8), labels=1)
slip = spins.copy()
slip[1234, 5, 0] = 99
save("slip", slip)
turns = [spins[:40]]
for k in range(99):  # 40 series in turn, of each a third of the sites are drawn anew from one configuration to the next
    new = np.where(rng.random((40, 6, 6)) < 0.5, -1, 1)
    turns.append(np.where(rng.random((40, 6, 6)) < 0.33, new, turns[-1]).astype(np.int8))
save("turns", np.concatenate(turns))
save("stated", np.concatenate(turns), chains=40)
with h5py.File("root.h5", "w") as f:  # all attributes at the root
    f["configurations"] = np.where(spins > 0, 3, -2).astype(np.int8)
    f.attrs.update({"temperature": 2.0, "boundary": np.bytes_("open"), "chains": 40, "values": [-2, 3]})
with h5py.File("named.h5", "w") as f:
    f["configurations"] = labels
    f.attrs.update({"temperature": 2.0, "values": [0, 4, 9], "labels": 1})
save("slow", np.repeat(spins[:400], 10, axis=0))
save("short", np.repeat(spins[:8], 500, axis=0))
PY
says() { # TEXT FILE
  "$nnsm" info "$2" >log || fail "info $2"
  grep -qE -- "$1" log || fail "info $2: no '$1' in: $(cat log)"
}
says "2 values: -1 \(0.[0-9]*\) 1" fair.h5
says "worth [34][0-9]* independent configurations of 4000; 4000 are different" fair.h5
[ "$(grep -c "contradicted\|doubtful" log)" = 0 ] || fail "fair.h5: $(cat log)"
[ "$(grep -c "no order of spins" log)" = 0 ] || fail "fair.h5: $(cat log)"
says "value inversion +p = [0-9.]*e-[0-9]* +contradicted: mean of the values" field.h5
[ "$(grep -c contradicted log)" = 1 ] || fail "field.h5: $(cat log)"
says "m is the mean of these values, which shows no order of spins: ensemble.thresholds = \(0.5\)" field.h5
says "2 values: -2 \([0-9.]*\) 3" root.h5
says "on 6 x 6 open sites at T = 2, 40 chains" root.h5
says "3 values \(labels\)" named.h5
says "1 site has the same value in every configuration" dead.h5
says "reflection of axis 1 +p = [0-9.e-]* +contradicted: values at site" dead.h5
[ "$(grep -c translation log)" = 0 ] || fail "an open lattice has no translations: $(cat log)"
says "permutation of labels +p = [0-9.]*e-[0-9]* +contradicted: the share of label 0" labels.h5
says "permutation of labels +p = (1|0\.[0-9]*) *$" evenly.h5
says "configurations 40 apart are alike, nearer ones are not: 40 series in turn" turns.h5
for file in stated fair slow; do
  "$nnsm" info $file.h5 >log || fail "info $file.h5"
  if grep -q "in turn" log; then fail "$file.h5: $(cat log)"; fi
done
says "the value 99 stands at 1 of 144000 sites only" slip.h5
says "autocorrelation time along a chain: [3-7]\." slow.h5
says "; 400 are different" slow.h5
says "cannot be told: fewer than 8 blocks" short.h5
says "floating-point numbers from -.* cut them into levels" signal.h5
says "whole numbers from -.* cut them into levels" adc.h5
echo "ok: info"

train slow 2 slow.h5 >/dev/null
grep -q "warning: the ensemble is worth only [0-9]* independent configurations of 4000; more of them, or farther apart" log || fail "$(cat log)"
! grep -q "generate\." log || fail "nothing is generated: $(grep generate log)"
echo "ok: no advice on what a measured file has not"

# ---- refused, on several ranks
expect() { # TEXT FILE [settings]
  local text=$1 file=$2 status=0
  shift 2
  timeout 120 mpirun -n 3 "$nnsm" train m.cfg --fresh --set run.name=bad --set "ensemble.file=$file" "$@" >out 2>err || status=$?
  [ "$status" = 3 ] || fail "$file $*: exit $status, not 3: $(cat err)"
  [ "$(grep -c '^nnsm: ' err)" = 1 ] || fail "$file $*: not one message: $(cat err)"
  grep '^nnsm: ' err | grep -qF -- "$file" || fail "$file $*: the file is not named: $(cat err)"
  grep -qF -- "$text" err || fail "$file $*: no '$text' in: $(cat err)"
  echo "ok: $(grep '^nnsm: ' err)"
}
make <<'PY'
good = np.where(rng.random((500, 4, 4)) < 0.5, -1, 1).astype(np.int8)
def save(name, data, temperature=2.0, **attributes):
    with h5py.File(name + ".h5", "w") as f:
        d = f.create_dataset("configurations", data=data)
        if temperature is not None:
            d.attrs["temperature"] = temperature
        d.attrs.update(attributes)
save("rank1", good.reshape(-1))
save("rank5", good.reshape(500, 2, 2, 2, 2))
bad = good.astype(float)
bad[321, 1, 2] = np.nan
save("nan", bad)
bad[321, 1, 2] = -np.inf
save("inf", bad)
save("float", good.astype(float))
save("outside", good * 3, values=[-1, 1])
save("single", good[:1])
save("same", np.repeat(good[:1], 500, axis=0))
save("ones", np.ones((500, 4, 4), np.int8))
save("cold", good, None)
save("minus", good, -2.0)
save("nokelvin", good, np.nan)
save("hot", good, np.inf)
save("word", good, np.bytes_("two"))
save("empty", np.zeros((0, 4, 4), np.int8))
save("thin", np.zeros((500, 0, 4), np.int8))
save("many", rng.integers(0, 100, (500, 4, 4)))
save("twice", good, values=[-1, 1, 1])
save("boundary", good, boundary=np.bytes_("closed"))
save("beyond", np.where(good > 0, 2**63 + 5, 0).astype("u8"))
save("text", np.full((500, 4, 4), b"up"))
save("complex", good * 1j)
with h5py.File("lzf.h5", "w") as f:  # a filter of h5py alone
    f.create_dataset("configurations", data=good, compression="lzf").attrs["temperature"] = 2.0
with h5py.File("huge.h5", "w") as f:  # 10 GB declared, nothing stored
    f.create_dataset("configurations", (40000000, 16, 16), np.int8, chunks=(1000, 16, 16)).attrs["temperature"] = 2.0
with h5py.File("nothing.h5", "w") as f:
    f.create_dataset("spins", data=good)
with h5py.File("group.h5", "w") as f:
    f.create_group("configurations").attrs["temperature"] = 2.0
PY
[ "$(stat -c %s huge.h5)" -lt 5000 ] || fail "huge.h5 is no small file"
expect "has 1 dimensions; it needs 2 to 4 dimensions" rank1.h5
expect "has 5 dimensions; it needs 2 to 4 dimensions" rank5.h5
expect "configuration 321 has the value nan at site 6" nan.h5 --set "ensemble.thresholds=(0.0)"
expect "configuration 321 has the value nan at site 6" nan.h5 --set ensemble.levels=2
expect "configuration 321 has the value -inf at site 6" inf.h5 --set ensemble.levels=2
expect "say how they become levels" float.h5
expect "the values of a site are -1 1" outside.h5
expect "has 1 configuration in its first dimension" single.h5
expect "all 500 configurations are identical" same.h5
expect "has the value 1: there is nothing to learn" ones.h5
expect "attribute temperature is missing" cold.h5
expect "attribute temperature is -2" minus.h5
expect "attribute temperature is nan" nokelvin.h5
expect "attribute temperature is inf" hot.h5
expect "attribute temperature of /configurations is not a number" word.h5
expect "has 0 configurations in its first dimension" empty.h5
expect "lattice extent 0 of /configurations is out of range" thin.h5
expect "has more than 32 different values; cut them into levels" many.h5
expect "alphabet value 1 is given twice" twice.h5
expect 'attribute boundary is "closed"' boundary.h5
expect "beyond signed 64 bits" beyond.h5
expect "holds text of 2 bytes; it must hold whole numbers" text.h5
expect "holds compounds of 16 bytes; it must hold whole numbers" complex.h5
expect "claims more values than the file holds" huge.h5
expect "is packed by filter 32000 (lzf), which this HDF5 library does not have" lzf.h5
expect "data set /configurations is missing" nothing.h5
expect "/configurations is missing" group.h5
expect "leave all values in one level" many.h5 --set "ensemble.thresholds=(1000.0)"
expect "no value lies in level 3 of 3" many.h5 --set "ensemble.thresholds=(50.0,1000.0)"
expect "alone takes more than one level's share" outside.h5 --set ensemble.levels=6
for flag in spin_flip:field:"value inversion" point_group:dead:"reflection of axis 1" permutation:labels:"permutation of labels"; do
  IFS=: read -r word file what <<<"$flag"
  expect "the data contradict the symmetry $what, p = " $file.h5 --set "train.augment=(\"$word\")"
  grep -q "remove \"$word\" from train.augment" err || fail "no advice: $(cat err)"
done
train evenly 2 evenly.h5 --set 'train.augment=("permutation")' >/dev/null
train slip 2 slip.h5 >/dev/null
grep -q "warning: the value 99 stands at 1 of 144000 sites" log || fail "no word of a single 99: $(cat log)"
train fair 2 fair.h5 --set 'train.augment=("translation","point_group","spin_flip")' >/dev/null
echo "ok: symmetries that hold are let through"
