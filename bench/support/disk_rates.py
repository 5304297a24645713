"""Rates of the disk alone: reading a shard's vectors through HDF5, as ingest does, without the page cache, and writing the same
number of bytes, flush included.

disk_rates.py SHARD FOLDER
"""

import json
import os
import sys
import time

import h5py

shard, folder = sys.argv[1:]
with open(shard, "rb") as file:
    os.fsync(file.fileno())
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
started = time.perf_counter()
with h5py.File(shard) as file:
    data = file["embedding"]
    block = None
    for start in range(0, len(data), 4096):
        block = data[start : start + 4096]
    size = data.size * data.dtype.itemsize
read = size / (time.perf_counter() - started)

path = os.path.join(folder, "disk_rates.tmp")
piece = os.urandom(8 << 20)
started = time.perf_counter()
with open(path, "wb") as file:
    for _ in range(max(1, size // len(piece))):
        file.write(piece)
    file.flush()
    os.fsync(file.fileno())
write = max(1, size // len(piece)) * len(piece) / (time.perf_counter() - started)
os.remove(path)
print(json.dumps({"readBytesPerSecond": read, "writeBytesPerSecond": write}))
