"""Unit vectors as raw float32, written block by block: `clustered` are those of clusters.py; `unclustered` are normal, with lengths along
turned axes that fall with the root of the axis, as spectra of embeddings do.

make_sample.py OUTPUT KIND ROWS DIMENSION SEED_OF_ROWS
"""

import sys

import numpy as np
from clusters import Clusters

output, kind, rows, dimension, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
BLOCK = 4096
world = np.random.default_rng(42)
clusters = Clusters(dimension, world)
axes = np.linalg.qr(world.standard_normal((dimension, dimension)))[0].astype("f4")
axes *= (1 / np.sqrt(1 + np.arange(dimension) / 8)).astype("f4")[:, None]

draw = np.random.default_rng(seed)
with open(output, "wb") as file:
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        if kind == "clustered":
            block = clusters.draw(draw, count)
        else:
            block = draw.standard_normal((count, dimension)).astype("f4") @ axes
        file.write((block / np.linalg.norm(block, axis=1, keepdims=True)).astype("f4").tobytes())
