"""Unit vectors as raw float32, written block by block: `clustered` are those of make_vectors.py; `unclustered` are normal, with
lengths along turned axes that fall with the root of the axis, as spectra of embeddings do.

make_sample.py OUTPUT KIND ROWS DIMENSION SEED_OF_ROWS
"""

import sys

import numpy as np

output, kind, rows, dimension, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
world = np.random.default_rng(42)
LATENT, GROUPS, FAMILIES, BLOCK = 64, 200, 20, 4096
turn = (world.standard_normal((LATENT, dimension)) / np.sqrt(LATENT)).astype("f4")
offset = (0.5 * world.standard_normal(dimension)).astype("f4")
groups = 0.6 * world.standard_normal((GROUPS, LATENT)).astype("f4")
families = groups[:, None] + 0.45 * world.standard_normal((GROUPS, FAMILIES, LATENT)).astype("f4")
families = families.reshape(-1, LATENT)
weights = world.lognormal(0, 1, len(families))
weights /= weights.sum()
axes = np.linalg.qr(world.standard_normal((dimension, dimension)))[0].astype("f4")
axes *= (1 / np.sqrt(1 + np.arange(dimension) / 8)).astype("f4")[:, None]

draw = np.random.default_rng(seed)
with open(output, "wb") as file:
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        if kind == "clustered":
            family = draw.choice(len(families), count, p=weights)
            latent = families[family] + 0.8 * draw.standard_normal((count, LATENT)).astype("f4")
            block = latent @ turn + offset + 0.1 * draw.standard_normal((count, dimension)).astype("f4")
        else:
            block = draw.standard_normal((count, dimension)).astype("f4") @ axes
        file.write((block / np.linalg.norm(block, axis=1, keepdims=True)).astype("f4").tobytes())
