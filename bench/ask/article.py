"""The article's handler on Python LanceDB: connect, open the table, search, read ids and distances. Prints one JSON object.

article.py DATABASE BUCKET QUERIES(.h5) CASES RUNS
"""

import json
import os
import sys
import time

started = time.perf_counter()
import h5py
import lancedb

imported = time.perf_counter() - started
uri, bucket, path, cases, runs = sys.argv[1:6]
with h5py.File(path) as file:
    vectors = file["embedding"][:]
    names = file["id"].asstr()[:]
options = {"region": "us-east-1", "endpoint": os.environ["AWS_ENDPOINT_URL_S3"], "allow_http": "true"}
results = []
table = None
for case in json.loads(cases):
    times = []
    ids = {}
    for run in range(int(runs) + 1):
        first = (run * case["queries"]) % (len(vectors) - case["queries"] + 1)
        begin = time.perf_counter()
        if table is None:
            table = lancedb.connect(uri, storage_options=options).open_table(bucket)
        hits = 0
        for name, vector in zip(names[first:], vectors[first : first + case["queries"]]):
            query = table.search(vector).distance_type("cosine").nprobes(case["nprobes"])
            found = query.refine_factor(case["refineFactor"]).limit(case["k"]).select(["id", "_distance"]).to_arrow()
            hits += len(found)
            if case.get("withIds"):
                ids[name] = found["id"].to_pylist()
        times.append(1000 * (time.perf_counter() - begin))
    results.append({**case, "hits": hits, "milliseconds": times, "found": ids})
print(json.dumps({"importMs": 1000 * imported, "results": results}))
