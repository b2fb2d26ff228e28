"""mutate.py: two ways to spoil an HDF5 file: its bytes (what the library must survive), and its contents, which stay
parseable (what our readers must check)."""
import struct

import h5py
import numpy as np

MAGIC, USER_BLOCK = b"nnsm file", 512  # our seal, which HDF5 skips
SIGNATURES = (b"\x89HDF", b"TREE", b"SNOD", b"HEAP", b"GCOL", b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"BTHD", b"BTLF")

# ---- bytes: functions of (random, bytearray, lowest position) that change it in place or return another


def positions(rng, data, low):
    """Where something stands: half of the time near a structure of the library, else anywhere."""
    if rng.random() < 0.6:
        starts, signature = [], rng.choice(SIGNATURES)
        at = data.find(signature, low)
        while at >= 0:
            starts.append(at)
            at = data.find(signature, at + 1)
        if starts:
            return min(len(data) - 1, rng.choice(starts) + rng.randrange(120))
    return rng.randrange(low, len(data))


def flip_bits(rng, data, low):
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16, 64))):
        data[positions(rng, data, low)] ^= 1 << rng.randrange(8)


def set_number(rng, data, low):
    """A size, an address or a count that lies."""
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice((0, 1, 2, -1, -2, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, -2**63, len(data),
                        len(data) - USER_BLOCK, len(data) - 1, rng.randrange(2**63)))
    at = min(positions(rng, data, low), len(data) - size)
    data[at:at + size] = struct.pack("<Q", value % 2**64)[:size]


def in_superblock(rng, data, low):
    start = max(data.find(b"\x89HDF", low), low)
    at = min(start + rng.randrange(8, 96), len(data) - 1)
    data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))


def truncate(rng, data, low):
    return data[:rng.choice((low, low + 1, low + 8, low + 96, rng.randrange(low, len(data)), len(data) - 1))]


def extend(rng, data, low):
    return data + rng.randbytes(rng.choice((1, 8, 512, 5000)))


def swap_ranges(rng, data, low):
    size = rng.choice((1, 8, 16, 64, 512))
    if len(data) < low + 2 * size:
        return None
    a, b = (min(positions(rng, data, low), len(data) - size) for _ in range(2))
    data[a:a + size], data[b:b + size] = data[b:b + size], data[a:a + size]
    return None


def fill_range(rng, data, low):
    size, at = rng.choice((8, 64, 512, 4096)), positions(rng, data, low)
    end = min(len(data), at + size)
    data[at:end] = rng.choice((bytes(end - at), b"\xff" * (end - at), rng.randbytes(end - at)))


def insert(rng, data, low):
    at = positions(rng, data, low)
    return data[:at] + rng.randbytes(rng.choice((1, 4, 8, 100))) + data[at:]


def remove(rng, data, low):
    at = positions(rng, data, low)
    return data[:at] + data[at + rng.choice((1, 4, 8, 100)):]


BYTES = (flip_bits, flip_bits, flip_bits, set_number, set_number, in_superblock, truncate, extend, swap_ranges, fill_range,
         insert, remove)


def spoil_bytes(rng, path, low):
    """Returns what was done."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    mutation = rng.choice(BYTES)
    data = mutation(rng, data, low) or data
    with open(path, "wb") as file:
        file.write(data)
    return mutation.__name__


# ---- contents


def objects(file):
    found = ["/"]
    file.visit(lambda name: found.append("/" + name))
    return found


def strange_numbers(rng, count):
    return np.array([rng.choice((np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e308, -1e308, 1e-320, 2.0**63, 0.5,
                                 rng.uniform(-10, 10))) for _ in range(count)])


def strange_integer(rng):
    return rng.choice((0, 1, -1, 2, 3, 7, 127, 255, 1 << 20, (1 << 20) + 1, 1 << 24, 1 << 31, (1 << 31) - 1, 1 << 32,
                       1 << 40, (1 << 63) - 1, -(1 << 63), -5, 64))


def strange_attribute(rng, old):
    return rng.choice((
        lambda: strange_integer(rng), lambda: strange_integer(rng), lambda: strange_integer(rng),
        lambda: float(strange_numbers(rng, 1)[0]), lambda: float(strange_numbers(rng, 1)[0]),
        lambda: np.array([strange_integer(rng) for _ in range(rng.choice((1, 2, 3, 4, 9, 100)))], np.int64),
        lambda: strange_numbers(rng, rng.choice((2, 5, 1000))),
        lambda: "x" * rng.choice((0, 1, 63, 64, 65, 5000, 60000)), lambda: "raster\0relu", lambda: "é" * 40,
        lambda: np.array([b"nnsm network"] * 9, "S64"), lambda: np.bytes_(b"y" * rng.choice((1, 15, 16, 17, 200))),
        lambda: np.array(["one", "two", "three", "four"], h5py.string_dtype()),
        lambda: h5py.Empty(rng.choice(("i8", "f8", "S5", h5py.string_dtype()))),
        lambda: np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]), lambda: np.ones((3, 3)), lambda: np.float16(1.5),
        lambda: np.bool_(True), lambda: np.array([old]) if np.ndim(old) == 0 else old))()


def change_attribute(rng, file):
    where = [(o, a) for o in objects(file) for a in file[o].attrs]
    if not where:
        return "nothing"
    name, attribute = rng.choice(where)
    if rng.random() < 0.15:
        del file[name].attrs[attribute]
        return f"no {name}@{attribute}"
    value = strange_attribute(rng, file[name].attrs[attribute])
    file[name].attrs[attribute] = value
    return f"{name}@{attribute} = {str(value)[:60]!r}"


def data_sets(file):
    return [name for name in objects(file) if isinstance(file[name], h5py.Dataset)]


def change_values(rng, file):
    data = file[rng.choice(data_sets(file))]
    if not 0 < data.size < 1 << 20:
        return "nothing"
    values = data[()].reshape(-1)
    for _ in range(rng.choice((1, 1, 3, values.size))):
        at = rng.randrange(values.size)
        if values.dtype.kind == "f":
            values[at] = strange_numbers(rng, 1)[0]
        elif values.dtype.kind in "iu":
            values[at] = np.array(strange_integer(rng) % 2**64, np.uint64).astype(values.dtype)
    data[...] = values.reshape(data.shape)
    return f"values of {data.name}"


def another_shape(rng, data):
    shape = list(data.shape) or [1]
    what = rng.randrange(6)
    if what == 0:
        shape[rng.randrange(len(shape))] += rng.choice((-1, 1, 1000))
    elif what == 1:
        shape = [int(np.prod(shape))]
    elif what == 2:
        shape = shape + [1] * rng.choice((1, 8, 20))
    elif what == 3:
        shape[rng.randrange(len(shape))] = 0
    elif what == 4:
        shape = shape[::-1]
    else:
        shape = []
    return tuple(max(0, s) for s in shape)


def change_shape(rng, file):
    data = file[rng.choice(data_sets(file))]
    if data.size is not None and data.size >= 1 << 20:
        return "nothing"
    name, shape, kind, kept = data.name, another_shape(rng, data), data.dtype, dict(data.attrs)
    values = np.resize(data[()], shape) if data.size else np.zeros(shape, kind)
    del file[name]
    made = file.create_dataset(name, data=values, dtype=kind)
    for attribute, value in kept.items():
        made.attrs[attribute] = value
    return f"{name} of shape {shape}"


def claim_much(rng, file):
    """Sizes far beyond what the file holds."""
    name = rng.choice(data_sets(file))
    data, kept = file[name], dict(file[name].attrs)
    shape = list(data.shape) or [1]
    shape[rng.randrange(len(shape))] = rng.choice((1 << 24, 1 << 31, 1 << 40, (1 << 62) // max(1, data.dtype.itemsize)))
    kind = data.dtype
    del file[name]
    options = {"chunks": tuple(min(s, 4) or 1 for s in shape)} if rng.random() < 0.7 else {}
    if rng.random() < 0.3:
        options["compression"], options["chunks"] = "gzip", tuple(min(s, 4) or 1 for s in shape)
    made = file.create_dataset(name, shape=tuple(shape), dtype=kind, **options)
    for attribute, value in kept.items():
        made.attrs[attribute] = value
    return f"{name} claims {shape}"


def change_type(rng, file):
    name = rng.choice(data_sets(file))
    if not 0 < file[name].size < 1 << 20:
        return "nothing"
    data, kept = file[name][()], dict(file[name].attrs)
    shape = data.shape
    kind = rng.choice(("i1", "u1", ">i4", "i8", "u8", "f2", ">f8", "f4", "S3", "vlen", "compound", "text", "bool"))
    del file[name]
    if kind == "vlen":
        made = file.create_dataset(name, shape, h5py.vlen_dtype(np.int32))
    elif kind == "text":
        made = file.create_dataset(name, shape, h5py.string_dtype())
    elif kind == "compound":
        made = file.create_dataset(name, shape, [("a", "i4"), ("b", "f8")])
    else:
        with np.errstate(all="ignore"):
            made = file.create_dataset(name, data=data.astype(kind))
    for attribute, value in kept.items():
        made.attrs[attribute] = value
    return f"{name} of type {kind}"


def change_links(rng, file):
    name = rng.choice(objects(file)[1:] or ["/x"])
    if name not in file:
        return "nothing"
    what = rng.randrange(6)
    del file[name]
    if what == 1:
        file.create_group(name)
    elif what == 2:
        file[name] = h5py.SoftLink(rng.choice(("/nowhere", name, "/")))
    elif what == 3:
        file[name] = h5py.ExternalLink(rng.choice(("absent.h5", "/dev/zero", "/etc/passwd")), "/")
    elif what == 4:
        file[name] = np.dtype("f8")
    elif what == 5:
        file.create_dataset(name, data=h5py.Empty("f8"))
    return f"{name} {('gone', 'a group', 'a link', 'an external link', 'a type', 'empty')[what]}"


CONTENTS = (change_attribute, change_attribute, change_attribute, change_values, change_values, change_shape, claim_much,
            change_type, change_links)


def spoil_once(rng, file):
    try:
        return rng.choice(CONTENTS)(rng, file)
    except (AttributeError, ValueError, LookupError, MemoryError, OSError, RuntimeError, TypeError, OverflowError) as problem:
        return f"h5py refused ({type(problem).__name__})"  # what it had done until then stays


def spoil_contents(rng, path):
    """Returns what was done."""
    with h5py.File(path, "r+") as file:
        return "; ".join(spoil_once(rng, file) for _ in range(rng.choice((1, 1, 1, 2, 3))) if len(file))
