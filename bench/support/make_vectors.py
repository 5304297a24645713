"""Clustered vectors (clusters.py) and their ids, written by h5py, block by block.

make_vectors.py OUTPUT ROWS DIMENSION SEED_OF_ROWS PREFIX
"""

import sys

import h5py
import numpy as np
from clusters import Clusters

output, rows, dimension, seed, prefix = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
BLOCK = 500
clusters = Clusters(dimension, np.random.default_rng(42))

draw = np.random.default_rng(seed)
with h5py.File(output, "w") as file:
    embedding = file.create_dataset("embedding", (rows, dimension), "f4")
    ids = file.create_dataset("id", (rows,), "S16")
    # Complete small blocks, with the last one cut, so that a smaller file is the beginning of a larger one with the same seed.
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        embedding[start : start + count] = clusters.draw(draw, BLOCK)[:count]
        ids[start : start + count] = np.array([f"{prefix}{i:09d}" for i in range(start, start + count)], "S16")
