"""Recall@k of answers against products in float64. Prints a JSON list: the mean over the queries, for each file of answers.

recall.py SHARD(.h5) QUERIES(.h5) K ANSWERS(.json)...

An answer file has the ids that each query found. Vectors are compared by cosine, a block of rows at a time.
"""

import json
import sys

import h5py
import numpy as np

BLOCK = 20_000
shard, queries, k, *paths = sys.argv[1:]
k = int(k)
answers = [json.load(open(path)) for path in paths]
wanted = sorted({name for answer in answers for name in answer})
with h5py.File(queries) as file:
    rows = {name: row for row, name in enumerate(file["id"].asstr()[:])}
    vectors = np.stack([file["embedding"][rows[name]] for name in wanted]).astype(np.float64)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
best = np.empty((len(wanted), 0))
where = np.empty((len(wanted), 0), dtype=np.int64)
with h5py.File(shard) as file:
    names = file["id"].asstr()[:]
    for start in range(0, len(names), BLOCK):
        block = file["embedding"][start : start + BLOCK].astype(np.float64)
        scores = vectors @ (block / np.linalg.norm(block, axis=1, keepdims=True)).T
        best = np.hstack([best, scores])
        where = np.hstack([where, np.tile(np.arange(start, start + len(block)), (len(wanted), 1))])
        if best.shape[1] > k:
            kept = np.argpartition(-best, k - 1, axis=1)[:, :k]
            best, where = np.take_along_axis(best, kept, 1), np.take_along_axis(where, kept, 1)
truth = {name: set(names[where[row]]) for row, name in enumerate(wanted)}
print(json.dumps([float(np.mean([len(truth[name] & set(answer[name])) / k for name in answer])) for answer in answers]))
