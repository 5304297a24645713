"""The best Python: h5py reads blocks, Arrow record batches stream into the table, the same index.

best_python.py VECTORS DATABASE TABLE
"""

import json
import sys
from math import sqrt

import h5py
import lancedb
import pyarrow as pa

vectors, database, name = sys.argv[1:]
BLOCK = 16384
with h5py.File(vectors) as handle:
    rows, dimension = handle["embedding"].shape
    schema = pa.schema([pa.field("embedding", pa.list_(pa.float32(), dimension)), pa.field("id", pa.string())])

    def batches():
        for start in range(0, rows, BLOCK):
            block = handle["embedding"][start : start + BLOCK]
            ids = pa.array(handle["id"].asstr()[start : start + BLOCK], pa.string())
            embedding = pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), dimension)
            yield pa.RecordBatch.from_arrays([embedding, ids], schema=schema)

    table = lancedb.connect(database).create_table(name, pa.RecordBatchReader.from_batches(schema, batches()))
table.create_index(
    metric="cosine",
    vector_column_name="embedding",
    num_partitions=int(sqrt(rows)),
    num_sub_vectors=dimension // 16,
)
print(json.dumps({"rows": rows}))
