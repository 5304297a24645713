"""recall@10 of a LanceDB table, or of a FAISS file, against brute force at equal nprobes and refine factor. For a table
also the error of its distances, against those of the float32 vectors in double precision.

recall.py KIND PATH TABLE VECTORS QUERIES NPROBES REFINE     KIND: lancedb | faiss
"""

import json
import sys

import h5py
import numpy as np

kind, path, name, vectors, queries, nprobes, refine = sys.argv[1:]
nprobes, refine = int(nprobes), int(refine)
K = 10
with h5py.File(queries) as handle:
    query_vectors = handle["embedding"][:]
query_vectors /= np.linalg.norm(query_vectors, axis=1, keepdims=True)
best = np.full((len(query_vectors), K), -np.inf, "f4")
who = np.zeros((len(query_vectors), K), "S16")
rows_of = np.zeros((len(query_vectors), K), "i8")
with h5py.File(vectors) as handle:
    for start in range(0, len(handle["id"]), 50000):
        block = handle["embedding"][start : start + 50000]
        ids = handle["id"][start : start + 50000]
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        scores = query_vectors @ block.T
        top = np.argpartition(-scores, K, axis=1)[:, :K]
        merged = np.concatenate([best, np.take_along_axis(scores, top, 1)], 1)
        names = np.concatenate([who, ids[top]], 1)
        numbers = np.concatenate([rows_of, top + start], 1)
        keep = np.argsort(-merged, axis=1, kind="stable")[:, :K]
        best, who = np.take_along_axis(merged, keep, 1), np.take_along_axis(names, keep, 1)
        rows_of = np.take_along_axis(numbers, keep, 1)

found = 0
errors = []
if kind == "lancedb":
    import lancedb

    table = lancedb.connect(path).open_table(name)
    for i, query in enumerate(query_vectors):
        hits = (
            table.search(query, vector_column_name="embedding").distance_type("cosine").nprobes(nprobes)
            .refine_factor(refine).limit(K).select(["id", "_distance"]).to_arrow()
        )
        found += len(set(hits["id"].to_pylist()) & {name.decode() for name in who[i]})
        reported = dict(zip(hits["id"].to_pylist(), hits["_distance"].to_pylist()))
        errors += [(rows_of[i][j], i, reported[name.decode()]) for j, name in enumerate(who[i]) if name.decode() in reported]
    with h5py.File(vectors) as handle:
        data = handle["embedding"]
        for at, (row, i, distance) in enumerate(errors):
            own, query = data[row].astype("f8"), query_vectors[i].astype("f8")
            errors[at] = abs(1 - own @ query / np.linalg.norm(own) / np.linalg.norm(query) - distance)
else:
    import faiss

    index = faiss.read_index(path)
    index.nprobe = nprobes
    _, candidates = index.search(query_vectors, K * refine)
    with h5py.File(vectors) as handle:
        data = handle["embedding"]
        for i, query in enumerate(query_vectors):
            rows = np.unique(candidates[i][candidates[i] >= 0])
            own = data[rows]
            own /= np.linalg.norm(own, axis=1, keepdims=True)
            top = rows[np.argsort(-(own @ query))[:K]]
            found += len(set(top.tolist()) & set(rows_of[i].tolist()))
report = {"recall": found / (len(query_vectors) * K)}
if errors:
    report |= {"meanDistanceError": float(np.mean(errors)), "largestDistanceError": float(np.max(errors))}
print(json.dumps(report))
