"""The article's method: rows one by one from h5py, batches of 50,000, optimize, IVF-PQ with its parameters.

article.py VECTORS DATABASE TABLE
"""

import asyncio
import datetime
import json
import sys
from itertools import islice
from math import sqrt

import h5py
import lancedb
import pyarrow as pa


def batched(iterable, n):
    iterator = iter(iterable)
    while batch := list(islice(iterator, n)):
        yield batch


async def main(vectors, database, name):
    with h5py.File(vectors) as handle:
        dimension = handle["embedding"].shape[1]
        schema = pa.schema([pa.field("embedding", pa.list_(pa.float32(), dimension)), pa.field("id", pa.string())])
        connection = await lancedb.connect_async(database)
        table = await connection.create_table(name, schema=schema)
        total = 0
        rows = ({"embedding": e, "id": i.decode()} for e, i in zip(handle["embedding"], handle["id"]))
        for batch in batched(rows, 50000):
            total += len(batch)
            await table.add(batch)
        await table.optimize(cleanup_older_than=datetime.timedelta(days=0))
        config = lancedb.index.IvfPq(
            distance_type="cosine", num_partitions=int(sqrt(total)), num_sub_vectors=int(dimension / 16)
        )
        await table.create_index("embedding", config=config)
        print(json.dumps({"rows": total}))


asyncio.run(main(*sys.argv[1:]))
