"""Clustered vectors like those of protein language models, written by h5py: families of families in a space of 64
dimensions, rotated into D, with a common offset and a little noise. Seeded; written block by block.

make_vectors.py OUTPUT ROWS DIMENSION SEED_OF_ROWS PREFIX
"""

import sys

import h5py
import numpy as np

output, rows, dimension, seed, prefix = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
world = np.random.default_rng(42)
LATENT, GROUPS, FAMILIES, BLOCK = 64, 200, 20, 500
turn = (world.standard_normal((LATENT, dimension)) / np.sqrt(LATENT)).astype("f4")
offset = (0.5 * world.standard_normal(dimension)).astype("f4")
groups = 0.6 * world.standard_normal((GROUPS, LATENT)).astype("f4")
families = groups[:, None] + 0.45 * world.standard_normal((GROUPS, FAMILIES, LATENT)).astype("f4")
families = families.reshape(-1, LATENT)
weights = world.lognormal(0, 1, len(families))
weights /= weights.sum()

draw = np.random.default_rng(seed)
with h5py.File(output, "w") as file:
    embedding = file.create_dataset("embedding", (rows, dimension), "f4")
    ids = file.create_dataset("id", (rows,), "S16")
    # Complete small blocks, with the last one cut, so that a smaller file is the beginning of a larger one with the same seed.
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        family = draw.choice(len(families), BLOCK, p=weights)
        latent = families[family] + 0.8 * draw.standard_normal((BLOCK, LATENT)).astype("f4")
        noise = 0.1 * draw.standard_normal((BLOCK, dimension)).astype("f4")
        embedding[start : start + count] = (latent @ turn + offset + noise)[:count]
        ids[start : start + count] = np.array([f"{prefix}{i:09d}" for i in range(start, start + count)], "S16")
