"""forge.py FILE DATA_SET: one value of a file of ours becomes 3, under a valid checksum (src/io/seal.c)."""
import ctypes
import sys

import h5py

SEAL = 512  # bytes before the HDF5 file

with h5py.File(sys.argv[1], "r+") as file:
    file[sys.argv[2]][-1] = 3
digest = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
digest.restype, digest.argtypes = ctypes.c_uint64, (ctypes.c_char_p, ctypes.c_size_t)
with open(sys.argv[1], "r+b") as file:
    rest = file.read()[SEAL:]
    line = f"nnsm file 1 length {SEAL + len(rest)} xxh3 {digest(rest, len(rest)):016x}\n"
    file.seek(0)
    file.write(line.encode().ljust(SEAL, b"\0"))
