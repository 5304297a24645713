"""FAISS and numpy for bench/search.ts. One method a process, so that its peak memory is that of the method.

peer.py METHOD FOLDER VECTORS QUERIES    METHOD: gemm, ground-truth, flat, ivfflat, ivfpq

Prints {"ready": true}, then answers each request {"queries": N, "k": K, "nprobe": P} with a line of JSON. Indexes and ground truth are kept in
FOLDER and built where they are missing, outside of all times.
"""

import json
import os
import resource
import sys
import time
from math import sqrt

import faiss
import h5py
import numpy as np

method, folder, vectors, queries = sys.argv[1:]


def load(path):
    with h5py.File(path) as handle:
        rows = handle["embedding"][:]
    faiss.normalize_L2(rows)
    return rows


def kept(name, make, read, write):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return read(path)
    made = make()
    write(made, path + ".tmp")
    os.rename(path + ".tmp", path)
    return made


def ground_truth(count, k):
    def save(rows, path):
        with open(path, "wb") as file:
            np.save(file, rows)

    def make():
        return faiss.knn(query_vectors[:count], load(vectors), k, metric=faiss.METRIC_INNER_PRODUCT)[1].astype(np.int32)

    return kept(f"ground-truth-{count}-{k}.npy", make, np.load, save)


def index(name, make):
    def build():
        data = load(vectors)
        rows, dimension = data.shape
        partitions = int(sqrt(rows))
        made = make(faiss.IndexFlatIP(dimension), dimension, partitions)
        made.cp.niter = 10
        made.train(data[:: max(1, rows // (64 * partitions))])
        made.add(data)
        return made

    return kept(f"{name}.faiss", build, faiss.read_index, lambda made, path: faiss.write_index(made, path))


query_vectors = load(queries)
product = faiss.METRIC_INNER_PRODUCT
if method == "flat":
    data = load(vectors)
elif method == "ivfflat":
    found = index("ivfflat", lambda q, d, n: faiss.IndexIVFFlat(q, d, n, product))
    inverted = found
elif method == "ivfpq":
    inverted = index("ivfpq", lambda q, d, n: faiss.IndexIVFPQ(q, d, n, d // 16, 8, product))
    data = load(vectors)
    found = faiss.IndexRefineFlat(inverted, faiss.swig_ptr(data))
    found.k_factor = 10
print(json.dumps({"ready": True}), flush=True)

for line in sys.stdin:
    request = json.loads(line)
    count, k = request.get("queries", 0), request.get("k", 10)
    answer = {}
    if method == "gemm":
        dimension = query_vectors.shape[1]
        a = np.random.default_rng(1).standard_normal((2048, dimension), dtype="f4")
        b = np.random.default_rng(2).standard_normal((8192, dimension), dtype="f4")
        a @ b.T
        started = time.perf_counter()
        for _ in range(5):
            a @ b.T
        answer = {"flopsPerSecond": 5 * 2 * len(a) * len(b) * dimension / (time.perf_counter() - started)}
    elif method == "ground-truth" and "hits" not in request:
        ground_truth(count, k)
    elif method == "ground-truth":
        # Hits of others, as a Parquet file, against the true neighbours.
        import pyarrow.parquet as pq

        table = pq.read_table(request["hits"], columns=["query_id", "target_id"])
        pairs = {}
        for query, target in zip(table["query_id"].to_pylist(), table["target_id"].to_pylist()):
            pairs.setdefault(int(query[1:]), set()).add(int(target[1:]))
        true = ground_truth(request["of"], request["most"])[:, :k]
        hits = sum(len(pairs.get(i, set()) & set(true[i].tolist())) for i in range(count))
        answer = {"recall": hits / (count * k)}
    else:
        block = query_vectors[:count]
        if "nprobe" in request:
            inverted.nprobe = request["nprobe"]
        started = time.perf_counter()
        if method == "flat":
            _, rows = faiss.knn(block, data, k, metric=product)
        else:
            _, rows = found.search(block, k)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        true = ground_truth(request["of"], request["most"])[:count, :k]
        recall = float(np.mean([len(set(a) & set(t)) / k for a, t in zip(rows.tolist(), true.tolist())]))
        answer = {"seconds": seconds, "recall": recall, "peakMemoryBytes": peak}
    print(json.dumps(answer), flush=True)
