"""Reads files with other libraries than LanceFlow's. A line of JSON in: {"what", "path"}; a line of JSON out."""
import base64
import hashlib
import json
import os
import sys

import h5py
import numpy as np
import pyarrow.parquet


def shard(path):
    with h5py.File(path, "r") as file:
        stored = file["embedding"]
        vectors = stored[:]
        texts = file["id"]
        kind = texts.id.get_type()
        ids = [text if isinstance(text, bytes) else str(text).encode() for text in texts[:]]
        if not kind.is_variable_str() and kind.get_strpad() == h5py.h5t.STR_SPACEPAD:
            ids = [text.rstrip(b" ") for text in ids]
    lengths = np.array([len(text) for text in ids], dtype="<u4")
    parts = [np.ascontiguousarray(vectors).tobytes(), lengths.tobytes(), b"".join(ids)]
    head = f"lanceflow-content-1 {vectors.dtype} {vectors.shape[1]} {vectors.shape[0]} "
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return {
        "contentHash": hashlib.sha256(head.encode() + digests).hexdigest(),
        "ids": [base64.b64encode(text).decode() for text in ids],
        "dimension": int(vectors.shape[1]),
        "vectors": base64.b64encode(np.ascontiguousarray(vectors, dtype="<f4").tobytes()).decode(),
    }


def hits(path):
    names = ["query_id", "target_id", "distance", "bucket"]
    table = pyarrow.parquet.read_table(path, columns=names)
    rows = zip(*(table.column(name).to_pylist() for name in names))
    return [list(row) for row in rows]


# The libraries write to standard output and error as they like.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    order = json.loads(line)
    try:
        answer = {"value": {"shard": shard, "hits": hits}[order["what"]](order["path"])}
        text = json.dumps(answer)
    except BaseException as error:
        text = json.dumps({"error": f"{type(error).__name__}: {error}"[:500]})
    answers.write(text + "\n")
    answers.flush()
