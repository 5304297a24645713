"""FAISS: IVF-PQ of the same shape, trained on 64 rows a partition, all rows added; the index is written to a file.

faiss_build.py VECTORS OUTPUT
"""

import json
import sys
from math import sqrt

import faiss
import h5py
import numpy as np

vectors, output = sys.argv[1:]
BLOCK = 50000
with h5py.File(vectors) as handle:
    data = handle["embedding"]
    rows, dimension = data.shape
    partitions = int(sqrt(rows))
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFPQ(quantizer, dimension, partitions, dimension // 16, 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = 10
    sample_rows = max(64 * partitions, 64 * 256)
    step = max(1, rows // sample_rows)
    sample = np.concatenate([data[s : s + 64] for s in range(0, rows, 64 * step)])
    faiss.normalize_L2(sample)
    index.train(sample)
    for start in range(0, rows, BLOCK):
        block = data[start : start + BLOCK]
        faiss.normalize_L2(block)
        index.add(block)
faiss.write_index(index, output)
print(json.dumps({"rows": rows}))
