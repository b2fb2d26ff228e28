#!/bin/bash
# Files of sites with more than two values, through training and scan: predictions against the sum over all states of
# the network that the file holds, read by numpy alone; the same bits on any ranks and after stops; refusals.
. "$(dirname "$0")/common.sh"
"$python" - <<'PY'
import h5py, numpy as np
rng = np.random.default_rng(11)


def states(q, n):
    return np.arange(q**n)[:, None] // q ** np.arange(n) % q


def make(name, q, shape, energy, value, temperature, labels=False, kind=np.int16):
    n = int(np.prod(shape))
    s = states(q, n)
    p = np.exp(-energy(s.reshape((-1,) + shape)) / temperature)
    chosen = rng.choice(len(s), 6000, p=p / p.sum())
    with h5py.File(name, "w") as f:
        d = f.create_dataset("configurations", data=np.array(value, kind)[s[chosen]].reshape((-1,) + shape))
        d.attrs["temperature"] = temperature
        if labels:
            d.attrs["labels"] = 1


def potts(s):
    return -sum((s == np.roll(s, 1, a)).reshape(len(s), -1).sum(1) for a in range(1, s.ndim))


def blocks(s):  # like sums of spins: neighbours alike, the ends rarer
    v = 2.0 * s - (s.max())
    return -0.15 * sum((v * np.roll(v, 1, a)).reshape(len(s), -1).sum(1) for a in range(1, s.ndim)) + 0.1 * (v**2).reshape(len(s), -1).sum(1)


make("potts.h5", 3, (2, 3), potts, [5, 7, 9], 1.2, labels=True, kind=np.uint8)
make("five.h5", 5, (2, 2), blocks, [-4, -2, 0, 2, 4], 2.5, kind=">i4")
make("spin1.h5", 3, (2, 3), blocks, [0, 1, 2], 2.5)
make("gas.h5", 2, (2, 3), blocks, [0, 1], 2.5, kind=np.int8)
PY
cat >values.cfg <<'CFG'
run : { name = "x"; seed = 4; progress = 100.0; };
ensemble : { file = "potts.h5"; };
network : { hidden = [12]; };
train : { epochs = 6; batch = 200; };
scan : { temperatures = [1.0, 1.5, 2.5, 6.0]; sweeps = 8000; thermalization = 200; sampler = "metropolis"; };
CFG
run() { # run RANKS NAME KEYS...: training and scan
  local ranks=$1 name=$2 stage
  shift 2
  for stage in train scan; do
    mpirun -n "$ranks" "$nnsm" $stage values.cfg --set run.name="$name" "$@" >log 2>&1 || fail "$stage of $name on $ranks: $(tail -3 log)"
  done
}
five=(--set ensemble.file=five.h5 --set 'scan.moves=["single","neighbour","patch"]' --set 'train.augment=["translation","spin_flip"]')

echo "== predictions against the sum over all states of the network in the file"
run 1 potts --set 'train.augment=["translation","point_group","permutation"]' --set scan.regenerate=true
run 1 five "${five[@]}"
grep -q '^scan: of the moves "single" .*, of the moves "neighbour" .*, of the moves "patch" .* accepted; .* round trips a ladder' log ||
  fail "no shares of moves, no round trips in: $(cat log)"
run 1 spin1 --set ensemble.file=spin1.h5 --set network.hidden=[] --set network.order=snake
run 1 gas --set ensemble.file=gas.h5
frontier=(--set network.kind=frontier --set network.reach=1 --set network.units=12 --set train.epochs=20)
run 2 potts_frontier "${frontier[@]}" --set 'train.augment=["point_group","permutation"]' --set scan.regenerate=true
self=("${frontier[@]}" --set 'train.augment=["point_group","permutation"]' --set scan.sampler=self_learning)
run 1 potts_self "${self[@]}"
grep -q "scan: self-learning, proposals by single sites of pair" log || fail "no self-learning"
run 1 spin1_self --set ensemble.file=spin1.h5 --set network.hidden=[] --set train.epochs=30 --set scan.sampler=self_learning
run 1 five_frontier "${frontier[@]}" "${five[@]}" --set 'train.augment=["spin_flip"]' --set network.order=snake
"$python" - <<'PY'
import h5py, numpy as np


def log_softmax(o):
    return o - np.log(np.exp(o).sum(-1, keepdims=True))


def conditionals_dense(net, s, x, q, n):
    one = np.eye(q)[x].reshape(len(s), -1) if q > 2 else 2.0 * x - 1
    a, layer, o = one, 1, net["output/bias"][()] + np.zeros((len(s), 1))
    while f"hidden_{layer}" in net:
        a = np.maximum(a @ net[f"hidden_{layer}/weight"][()].T + net[f"hidden_{layer}/bias"][()], 0)
        layer += 1
    if layer > 1:
        o = o + a @ net["output/weight"][()].T
    return one, o + one @ net["direct/weight"][()].T


def frontiers(order, shape):
    """Of every position: the visited sites next to the unvisited region of its site, nearest first, then by position."""
    at = np.stack(np.unravel_index(order, shape), 1)
    d = abs(at[:, None] - at[None])
    square = (np.minimum(d, np.array(shape) - d) ** 2).sum(2)
    found = []
    for p in range(len(order)):
        region = {p}
        while True:
            more = {k for k in range(p, len(order)) for r in region if square[k, r] <= 1} - region
            if not more:
                break
            region |= more
        near = [k for k in range(p) if min(square[k, r] for r in region) <= 1]
        found.append(sorted(near, key=lambda k: (square[p, k], k)))
    return found


def conditionals_frontier(net, s, x, q, n, shape, order):
    """Logits of the file's fits, one an output here, in the order in which the network takes them: see README."""
    assert net.attrs["share"] == 0 and net.attrs["horizon"] == 0 and net.attrs["version"] == 5
    w, e, theta = (net[k][()].astype(float) for k in ("units/weight", "units/offset", "fits/weight"))
    seen, o, last, units = frontiers(order, shape), np.zeros((len(s), n, q)), shape[-1], 0
    for step in range(n):
        p = step // last * last + (step % last + last // 2) % last
        sites, f = seen[p], len(seen[p])
        inputs = (np.eye(q)[x[:, sites]] - 1 / q)[:, :, 1:].reshape(len(s), -1)
        u = min(int(net.attrs["units"]), q**f - f * (q - 1) - 1) if f > 1 else 0
        u = u // q * q if "labels" in net.attrs else u
        i = f * (q - 1)
        h = inputs @ w[: u * i].reshape(u, i).T + e[:u]
        features = np.concatenate([inputs, np.tanh(h), np.ones((len(s), 1))], 1)
        rows = theta[: (q - 1) * (i + u + 1)].reshape(q - 1, -1)
        o[:, p, 1:] = features @ rows.T
        w, e, theta, units = w[u * i :], e[u:], theta[rows.size :], units + u
    assert len(w) == len(e) == len(theta) == 0 and units > 0
    return None, o


def check(name, moves, labels=False, least=0.02):
    net = h5py.File(f"results/{name}.network.h5")
    values, shape = net.attrs["values"], [int(x) for x in net.attrs["lattice"]]
    q, n, t0 = len(values), int(np.prod(shape)), float(net.attrs["temperature"])
    order = np.arange(n).reshape(shape)
    if net.attrs["order"] in (b"snake", "snake"):
        order[1::2] = order[1::2, ::-1]
    order = order.ravel()
    s = np.arange(q**n)[:, None] // q ** np.arange(n) % q  # by site
    x = s[:, order]
    if net.attrs["network"] in (b"frontier", "frontier"):
        one, o = conditionals_frontier(net, s, x, q, n, shape, order)
    else:
        one, o = conditionals_dense(net, s, x, q, n)
    if q > 2:
        log_p = np.take_along_axis(log_softmax(o.reshape(len(s), n, q)), x[:, :, None], 2).sum((1, 2))
    else:
        log_p = -np.log1p(np.exp(-one * o)).sum(1)
    assert abs(np.exp(log_p).sum() - 1) < 1e-5, np.exp(log_p).sum()
    m = values[s].mean(1)
    if labels:
        m = (q * np.stack([(s == k).sum(1) for k in range(q)]).max(0) / n - 1) / (q - 1)
    r = h5py.File(f"results/{name}.results.h5")
    assert list(r.attrs["values"]) == list(values) and r.attrs["labels"] == labels
    scan, z = r["scan/learned"], []
    for i, t in enumerate(r["scan/temperature"][()]):
        w = np.exp(log_p * t0 / t - (log_p * t0 / t).max())
        z_t = np.exp(log_p * t0 / t).sum()
        w /= w.sum()
        h = -t0 * log_p
        free = -t * np.log(z_t) / n
        exact = {
            "abs_magnetization": w @ abs(m), "magnetization2": w @ m**2, "learned_energy": w @ h / n,
            "heat_capacity": (w @ h**2 - (w @ h) ** 2) / n / t**2, "free_energy": free, "entropy": (w @ h / n - free) / t,
        }
        for key, value in exact.items():
            mean, error = scan[key]["mean"][i], scan[key]["error"][i]
            if abs(t - t0) < 1e-9 and key == "free_energy":
                assert abs(mean) < 1e-6
                continue
            assert abs(mean - value) < 4.5 * error + 1e-4, (name, t, key, mean, error, value)
            z.append((mean - value) / error)
    print(f"{name}: {len(z)} observables, rms deviation {np.sqrt(np.mean(np.square(z))):.2f} sigma")
    assert 0.3 < np.sqrt(np.mean(np.square(z))) < 1.7, z
    made = set(scan["move_acceptance"]) if "move_acceptance" in scan else set()
    assert made == moves, made
    for key in made:
        share = scan["move_acceptance"][key][()]
        assert (share > least).all() and (share < 0.951).all() and share[-1] > share[0], (key, share)


check("potts", {"single"}, labels=True)
check("five", {"single", "neighbour", "patch"})
check("spin1", {"single", "neighbour"})
check("gas", set())
check("potts_frontier", {"single"}, labels=True)
check("potts_self", set(), labels=True)
check("spin1_self", set())
check("five_frontier", {"single", "neighbour", "patch"}, least=0)  # of the true couplings: patches hardly move at T = 1
with h5py.File("results/potts.results.h5") as f:
    assert "regeneration_acceptance" in f["scan/learned"]
    assert "permutation" in [n.decode() if isinstance(n, bytes) else n for n in f["trust/symmetry/name"][()]]
PY

echo "== the couplings of the models that made the data, within their errors; the distilled scan beside the learned one"
run 2 labels --set 'train.augment=["translation","permutation"]' --set train.epochs=80 --set scan.sweeps=2000
run 2 numbers --set ensemble.file=five.h5 --set 'train.augment=["translation","spin_flip"]' --set train.epochs=80 --set scan.sweeps=2000
"$python" - <<'PY'
import h5py, numpy as np
# Along a periodic extent of 2 the same pair is met twice.
for name, expected in {
    "labels": {"pair (1,0)": 2.0, "pair (0,1)": 1.0, "pair (1,1)": 0.0},
    "numbers": {"pair (1,0)": 0.3, "pair (0,1)": 0.3, "pair (1,1)": 0.0, "field v^2": -0.1, "field v^4": 0.0},
}.items():
    with h5py.File(f"results/{name}.results.h5") as f:
        c = f["couplings"]
        names = [n.decode() if isinstance(n, bytes) else n for n in c["operator"][()]]
        j, e = c["maximum_likelihood"][()], c["maximum_likelihood_error"][()]
        print(name, *(f"{n}: {x:.3f}({y:.3f})" for n, x, y in zip(names, j, e)))
        for key, value in expected.items():
            x, y = j[names.index(key)], e[names.index(key)]
            assert abs(x - value) < 4 * y and y < 0.15, (key, x, y, value)
        p, e = c["pseudo_likelihood"][()], c["pseudo_likelihood_error"][()]
        for key, value in expected.items():
            x, y = p[names.index(key)], e[names.index(key)]
            assert abs(x - value) < 4 * y and y < 0.15, ("pseudo-likelihood", key, x, y, value)
        a, b = (f[f"scan/{h}/abs_magnetization/mean"][()] for h in ("learned", "distilled"))
        assert abs(a - b).max() < 0.1 * a.max(), (a, b)
        assert "move_acceptance" in f["scan/distilled"]
PY

echo "== the same bits on any number of ranks, and after stops"
for ranks in 2 3; do
  run $ranks five$ranks "${five[@]}"
  run $ranks five_frontier$ranks "${frontier[@]}" "${five[@]}" --set 'train.augment=["spin_flip"]' --set network.order=snake
  run $ranks potts_self$ranks "${self[@]}"
done
sed -i 's/sweeps = 8000/sweeps = 40000/' values.cfg
run 1 long "${five[@]}"
run 1 long_self "${self[@]}"
stop() { # stop NAME KEYS...: a run that is stopped again and again
  local name=$1 stage status limit
  shift
  for stage in train scan; do
    status=85
    for limit in 0.05 0.15 0.3 0.6 600; do
      [ "$status" = 85 ] || break
      status=0
      mpirun -n 2 "$nnsm" $stage values.cfg --set run.name="$name" "$@" --set run.time_limit=$limit --set checkpoint.interval=0.05 >log 2>&1 || status=$?
      echo "$name, $stage: $status after at most $limit s"
    done
    [ "$status" = 0 ] || fail "$stage: exit $status: $(tail -3 log)"
  done
}
stop stopped "${five[@]}"
stop stopped_self "${self[@]}"
for name in five five2 five3 five_frontier five_frontier2 five_frontier3 long stopped; do cp five.h5 results/$name.ensemble.h5; done
for name in potts_self potts_self2 potts_self3 long_self stopped_self; do cp potts.h5 results/$name.ensemble.h5; done
for pair in "five five2" "five five3" "five_frontier five_frontier2" "five_frontier five_frontier3" "potts_self potts_self2" "potts_self potts_self3" "long stopped" "long_self stopped_self"; do
  "$python" "$source/tests/cli/compare.py" results/${pair% *} results/${pair#* } same
done

echo "== what does not fit the values is refused"
expect() { # expect CODE TEXT STAGE KEYS...
  local code=$1 text=$2 status=0
  shift 2
  "$nnsm" "$@" >out 2>&1 || status=$?
  [ "$status" = "$code" ] && grep -qF -- "$text" out || fail "$*: exit $status, not $code with '$text': $(tail -3 out)"
  echo "ok: $text"
}
expect 2 'labels have no neighbouring values' scan values.cfg --set run.name=y --set network.file=results/potts.network.h5 --set 'scan.moves=["patch"]'
expect 2 'sites of two values know only "single"' scan values.cfg --set run.name=y --set network.file=results/gas.network.h5 --set 'scan.moves=["single","neighbour"]'
expect 2 '"m2" is an operator of sites of two values, not of 3' train values.cfg --set run.name=y --set 'couplings.basis=["pairs","m2"]'
expect 2 '"m2" is an operator of sites of two values, not of 3' check "$source/input/potts3.cfg" --set 'couplings.basis=["pairs","m2"]'
expect 2 'not labels, and cannot be exchanged' train values.cfg --set run.name=y --set ensemble.file=spin1.h5 --set 'train.augment=["permutation"]'
expect 2 'not symmetric about 0; remove "spin_flip"' train values.cfg --set run.name=y --set ensemble.file=spin1.h5 --set 'train.augment=["spin_flip"]'
"$python" - <<'PY'
import h5py
for name, values in {"twice": [5, 5, 9], "short": [5, 7], "many": list(range(40))}.items():
    with h5py.File("results/potts.network.h5") as a, h5py.File(f"results/{name}.network.h5", "w") as b:  # unsealed
        for key in a:
            a.copy(key, b)
        for key, value in a.attrs.items():
            b.attrs[key] = value
        b.attrs["values"] = values
PY
expect 3 'alphabet value 5 is given twice' scan values.cfg --set run.name=twice
expect 3 'as the architecture says' scan values.cfg --set run.name=short
expect 3 'attribute values' scan values.cfg --set run.name=many
echo "all values hold"
