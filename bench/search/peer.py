"""FAISS and numpy for bench/search.ts: builds its indexes once, in memory, then answers one JSON line a request.

peer.py VECTORS QUERIES     requests: {"way": "flat" | "ivfflat" | "ivfpq" | "gemm", "queries": N, "k": K, "nprobe": P}
"""

import json
import sys
import time
from math import sqrt

import faiss
import h5py
import numpy as np

vectors, queries = sys.argv[1:]
with h5py.File(vectors) as handle:
    data = handle["embedding"][:]
with h5py.File(queries) as handle:
    asked = handle["embedding"][:]
faiss.normalize_L2(data)
faiss.normalize_L2(asked)
rows, dimension = data.shape
partitions = int(sqrt(rows))

flat = faiss.IndexFlatIP(dimension)
flat.add(data)
quantizer = faiss.IndexFlatIP(dimension)
ivfflat = faiss.IndexIVFFlat(quantizer, dimension, partitions, faiss.METRIC_INNER_PRODUCT)
ivfflat.cp.niter = 10
sample = data[:: max(1, rows // (64 * partitions))]
ivfflat.train(sample)
ivfflat.add(data)
ivfpq = faiss.IndexIVFPQ(quantizer, dimension, partitions, dimension // 16, 8, faiss.METRIC_INNER_PRODUCT)
ivfpq.train(sample)
ivfpq.add(data)
refined = faiss.IndexRefineFlat(ivfpq, faiss.swig_ptr(data))
refined.k_factor = 10
truth = {}
print(json.dumps({"ready": True, "bytes": data.nbytes}), flush=True)

for line in sys.stdin:
    request = json.loads(line)
    way, count, k = request["way"], request.get("queries", 0), request.get("k", 10)
    if way == "gemm":
        a, b = asked[:2048], data[:8192]
        a @ b.T
        started = time.perf_counter()
        for _ in range(3):
            a @ b.T
        flops = 3 * 2 * len(a) * len(b) * dimension
        print(json.dumps({"flopsPerSecond": flops / (time.perf_counter() - started)}), flush=True)
        continue
    if way == "recall":
        # Hits of others, as a Parquet file, against the true neighbours that `flat` found before.
        import pyarrow.parquet as pq

        table = pq.read_table(request["hits"], columns=["query_id", "target_id"])
        found = {}
        for query, target in zip(table["query_id"].to_pylist(), table["target_id"].to_pylist()):
            found.setdefault(int(query[1:]), set()).add(int(target[1:]))
        true = truth[k]
        wanted = request["wanted"]
        hits = sum(len(found.get(i, set()) & set(true[i].tolist())) for i in range(wanted))
        print(json.dumps({"recall": hits / (wanted * k)}), flush=True)
        continue
    index = {"flat": flat, "ivfflat": ivfflat, "ivfpq": refined}[way]
    if "nprobe" in request:
        ivfflat.nprobe = ivfpq.nprobe = request["nprobe"]
    block = asked[:count]
    started = time.perf_counter()
    _, answer = index.search(block, k)
    seconds = time.perf_counter() - started
    if way == "flat":
        if len(answer) >= len(truth.get(k, [])):
            truth[k] = answer
        recall = 1.0
    else:
        recall = float(np.mean([len(set(a) & set(t)) / k for a, t in zip(answer.tolist(), truth[k][:count].tolist())]))
    print(json.dumps({"seconds": seconds, "recall": recall}), flush=True)
