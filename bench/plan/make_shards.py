"""Writes many small shards of random vectors with h5py. make_shards.py FOLDER SHARDS ROWS DIMENSION"""

import sys
from pathlib import Path

import h5py
import numpy as np

folder, shards, rows, dimension = Path(sys.argv[1]), *map(int, sys.argv[2:5])
draw = np.random.default_rng(3)
for shard in range(shards):
    with h5py.File(folder / f"shard_{shard}.h5", "w") as file:
        file["embedding"] = draw.standard_normal((rows, dimension), dtype=np.float32)
        file["id"] = np.array([f"s{shard:06d}_{row:09d}" for row in range(rows)], "S18")
