"""compare.py A B [same|different]: compare all data sets of two runs' ensemble, network and results files, bit by bit.

Attributes too. Wall times (/training/seconds, /timing) and /provenance say how a result was made and are left out,
and so is the checksum of the ensemble's file, which covers the provenance in it."""
import os
import sys

import h5py
import numpy

LEFT_OUT = ("/training/seconds", "/timing", "/provenance")


def contents(path):
    found = {}

    def visit(name, item):
        if ("/" + name).startswith(LEFT_OUT):
            return
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()
        for key, value in item.attrs.items():
            if (name, key) not in (("", "name"), ("ensemble", "checksum"), ("window", "source_checksum")):  # that of a file which has its name in it
                found[f"{name}@{key}"] = numpy.asarray(value).tobytes()

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return found


first, second, wanted = sys.argv[1:4]
differing = []
kinds = ["network", "results"]
kinds += [kind for kind in ("ensemble", "blocks", "latent") if os.path.exists(f"{first}.{kind}.h5")]
for kind in kinds:
    a, b = contents(f"{first}.{kind}.h5"), contents(f"{second}.{kind}.h5")
    if a.keys() != b.keys():
        sys.exit(f"{first} and {second}: {kind} files have different data sets: {a.keys() ^ b.keys()}")
    differing += [f"{kind}:/{name}" for name in a if a[name] != b[name]]
if wanted == "same" and differing:
    sys.exit(f"{first} and {second} differ in {', '.join(differing)}")
if wanted == "different" and not {"ensemble:/configurations", "network:/output/bias"} <= set(differing):
    sys.exit(f"{first} and {second} should differ; they differ only in {differing}")
print(f"{first} and {second}: {wanted}")
