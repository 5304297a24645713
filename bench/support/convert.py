"""Copies a shard block by block into another layout: gzip (chunked, shuffled, compressed) or float16.

convert.py INPUT OUTPUT LAYOUT
"""

import sys

import h5py

source, target, layout = sys.argv[1:]
BLOCK = 4096
with h5py.File(source) as old, h5py.File(target, "w") as new:
    options = {"gzip": {"chunks": (256, old["embedding"].shape[1]), "compression": "gzip", "shuffle": True}}
    kind = "f2" if layout == "float16" else "f4"
    embedding = new.create_dataset("embedding", old["embedding"].shape, kind, **options.get(layout, {}))
    # Ids of variable length here; those of the other files are of fixed length.
    ids = new.create_dataset("id", old["id"].shape, h5py.string_dtype())
    for start in range(0, len(ids), BLOCK):
        embedding[start : start + BLOCK] = old["embedding"][start : start + BLOCK]
        ids[start : start + BLOCK] = old["id"][start : start + BLOCK]
