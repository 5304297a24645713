"""AMPLIFY in PyTorch, float32 on CPU: what bench/embed.ts compares with.

Written after the model's published code, with PyTorch's own fused attention and SiLU. Sequences are sorted by
length and computed `batch` at a time, padded and masked where a batch has several lengths.
Arguments: model folder, FASTA, batch, threads, output (float32 vectors in FASTA order). Prints one JSON object.
"""
import json, math, resource, sys, time

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

folder, fasta, batch, threads, output = sys.argv[1:]
batch = int(batch)
torch.set_num_threads(int(threads))


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.empty(size))

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class SwiGLU(nn.Module):
    def __init__(self, size, inner):
        super().__init__()
        self.w12, self.w3 = nn.Linear(size, 2 * inner, False), nn.Linear(inner, size, False)

    def forward(self, x):
        gate, other = self.w12(x).chunk(2, -1)
        return self.w3(F.silu(gate) * other)


def rotate(x, cis):
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * cis).flatten(3)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        size, self.heads = c["hidden_size"], c["num_attention_heads"]
        for name in ("q", "k", "v", "wo"):
            setattr(self, name, nn.Linear(size, size, False))
        inner = 8 * math.ceil(int(2 * c["intermediate_size"] / 3) / 8)
        self.ffn = SwiGLU(size, inner)
        self.attention_norm, self.ffn_norm = RMSNorm(size, c["norm_eps"]), RMSNorm(size, c["norm_eps"])

    def forward(self, x, cis, mask):
        normed = self.attention_norm(x)
        q, k, v = (layer(normed).unflatten(-1, (self.heads, -1)) for layer in (self.q, self.k, self.v))
        q, k = rotate(q, cis), rotate(k, cis)
        attended = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), mask)
        x = x + self.wo(attended.transpose(1, 2).flatten(2))
        return x + self.ffn(self.ffn_norm(x))


class Amplify(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.encoder = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.transformer_encoder = nn.ModuleList(Block(c) for _ in range(c["num_hidden_layers"]))
        head = c["hidden_size"] // c["num_attention_heads"]
        frequencies = 1.0 / (10000.0 ** (torch.arange(0, head, 2).float() / head))
        angles = torch.outer(torch.arange(c["max_length"]), frequencies).float()
        self.cis = torch.polar(torch.ones_like(angles), angles)

    def forward(self, ids, mask):
        x, cis = self.encoder(ids), self.cis[: ids.shape[1]].unsqueeze(1)
        for block in self.transformer_encoder:
            x = block(x, cis, mask)
        return x


started = time.perf_counter()
config = json.load(open(f"{folder}/config.json"))
vocabulary = json.load(open(f"{folder}/tokenizer.json"))["model"]["vocab"]
# As the model's own `load` does; its peak holds the weights twice.
model = Amplify(config)
model.load_state_dict(load_file(f"{folder}/model.safetensors"), strict=False)
model.eval()
loaded = time.perf_counter()

sequences = [part.split("\n", 1)[1].replace("\n", "") for part in open(fasta).read().split(">")[1:]]
tokens = [[vocabulary["<bos>"], *(vocabulary[letter] for letter in s), vocabulary["<eos>"]] for s in sequences]
vectors = np.zeros((len(tokens), config["hidden_size"]), np.float32)
order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
with torch.inference_mode():
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        longest = max(len(tokens[i]) for i in rows)
        ids = torch.full((len(rows), longest), vocabulary["<pad>"])
        for row, i in enumerate(rows):
            ids[row, : len(tokens[i])] = torch.tensor(tokens[i])
        padded = any(len(tokens[i]) < longest for i in rows)
        mask = (ids != vocabulary["<pad>"])[:, None, None, :] if padded else None
        states = model(ids, mask)
        for row, i in enumerate(rows):
            vectors[i] = states[row, 1 : len(tokens[i]) - 1].mean(0).numpy()
done = time.perf_counter()
vectors.tofile(output)
print(json.dumps({
    "loadSeconds": loaded - started,
    "seconds": done - loaded,
    "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "residentBytes": int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize(),
    "version": torch.__version__,
}))
