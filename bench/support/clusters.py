"""Clustered vectors like those of protein language models: families of families in a space of 64 dimensions, rotated into D, with a
common offset and a little noise. The same world for every set of vectors; the vectors are drawn by seed.
"""

import numpy as np

LATENT, GROUPS, FAMILIES = 64, 200, 20


class Clusters:
    def __init__(self, dimension, world):
        """@param world the generator of the families, also of what a caller draws after them"""
        self.dimension = dimension
        self.turn = (world.standard_normal((LATENT, dimension)) / np.sqrt(LATENT)).astype("f4")
        self.offset = (0.5 * world.standard_normal(dimension)).astype("f4")
        groups = 0.6 * world.standard_normal((GROUPS, LATENT)).astype("f4")
        families = groups[:, None] + 0.45 * world.standard_normal((GROUPS, FAMILIES, LATENT)).astype("f4")
        self.families = families.reshape(-1, LATENT)
        weights = world.lognormal(0, 1, len(self.families))
        self.weights = weights / weights.sum()

    def draw(self, draw, count):
        """Returns [count, D] float32 vectors."""
        family = draw.choice(len(self.families), count, p=self.weights)
        latent = self.families[family] + 0.8 * draw.standard_normal((count, LATENT)).astype("f4")
        noise = 0.1 * draw.standard_normal((count, self.dimension)).astype("f4")
        return latent @ self.turn + self.offset + noise
