"""Embeds by a model of PyTorch, float32 on CPU: the part that bench/embed-torch.py and bench/embed-transformers.py share.

Sequences are sorted by length and computed `batch` at a time, padded and masked where a batch has several lengths.
"""
import json, resource, sys, time

import numpy as np
import torch


def embed(load):
    """Writes the mean states of the residues of each sequence, and prints one JSON object.

    Arguments of the process: model folder, FASTA, batch, threads, output (float32 vectors in FASTA order).
    `load(folder)` returns the model's dimension and a function from token ids and a mask, False at padding (both of
    sequences x tokens), to states (sequences x tokens x dimension).
    """
    folder, fasta, batch, threads, output = sys.argv[1:]
    batch = int(batch)
    torch.set_num_threads(int(threads))

    started = time.perf_counter()
    dimension, compute = load(folder)
    loaded = time.perf_counter()

    tokenizer = json.load(open(f"{folder}/tokenizer.json"))
    vocabulary = tokenizer["model"]["vocab"]
    template = [piece.get("SpecialToken", {}).get("id") for piece in tokenizer["post_processor"]["single"]]
    at = template.index(None)
    before, after = ([vocabulary[token] for token in part] for part in (template[:at], template[at + 1 :]))
    sequences = [part.split("\n", 1)[1].replace("\n", "") for part in open(fasta).read().split(">")[1:]]
    tokens = [[*before, *(vocabulary[letter] for letter in s), *after] for s in sequences]
    vectors = np.zeros((len(tokens), dimension), np.float32)
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            longest = max(len(tokens[i]) for i in rows)
            ids = torch.full((len(rows), longest), vocabulary["<pad>"])
            for row, i in enumerate(rows):
                ids[row, : len(tokens[i])] = torch.tensor(tokens[i])
            states = compute(ids, ids != vocabulary["<pad>"])
            for row, i in enumerate(rows):
                vectors[i] = states[row, len(before) : len(tokens[i]) - len(after)].mean(0).numpy()
    done = time.perf_counter()
    vectors.tofile(output)
    print(json.dumps({
        "loadSeconds": loaded - started,
        "seconds": done - loaded,
        "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "residentBytes": int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize(),
        "version": torch.__version__,
    }))
