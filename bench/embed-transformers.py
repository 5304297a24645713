"""ESM C and T5 by Hugging Face Transformers, float32 on CPU: what bench/embed.ts compares with.

Sequences are sorted by length and computed `batch` at a time, padded and masked where a batch has several lengths.
Arguments: model folder, FASTA, batch, threads, output (float32 vectors in FASTA order). Prints one JSON object.
"""
import json, resource, sys, time

import numpy as np
import torch
from transformers import EsmcModel, T5EncoderModel

folder, fasta, batch, threads, output = sys.argv[1:]
batch = int(batch)
torch.set_num_threads(int(threads))

started = time.perf_counter()
config = json.load(open(f"{folder}/config.json"))
tokenizer = json.load(open(f"{folder}/tokenizer.json"))
vocabulary = tokenizer["model"]["vocab"]
family = {"esmc": EsmcModel, "t5": T5EncoderModel}[config["model_type"]]
model = family.from_pretrained(folder, dtype=torch.float32).eval()
loaded = time.perf_counter()

template = [piece.get("SpecialToken", {}).get("id") for piece in tokenizer["post_processor"]["single"]]
at = template.index(None)
before, after = ([vocabulary[token] for token in part] for part in (template[:at], template[at + 1 :]))
sequences = [part.split("\n", 1)[1].replace("\n", "") for part in open(fasta).read().split(">")[1:]]
tokens = [[*before, *(vocabulary[letter] for letter in s), *after] for s in sequences]
vectors = np.zeros((len(tokens), model.config.hidden_size), np.float32)
order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
with torch.inference_mode():
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        longest = max(len(tokens[i]) for i in rows)
        ids = torch.full((len(rows), longest), vocabulary["<pad>"])
        for row, i in enumerate(rows):
            ids[row, : len(tokens[i])] = torch.tensor(tokens[i])
        states = model(input_ids=ids, attention_mask=(ids != vocabulary["<pad>"]).long()).last_hidden_state
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
