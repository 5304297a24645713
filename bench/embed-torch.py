"""AMPLIFY in PyTorch: what bench/embed.ts compares with. Arguments: see embed_padded.py.

Written after the model's published code, with PyTorch's own fused attention and SiLU.
"""
import json, math

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from embed_padded import embed


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


def load(folder):
    config = json.load(open(f"{folder}/config.json"))
    # As the model's own `load` does; its peak holds the weights twice.
    model = Amplify(config)
    model.load_state_dict(load_file(f"{folder}/model.safetensors"), strict=False)
    model.eval()
    return config["hidden_size"], lambda ids, mask: model(ids, None if mask.all() else mask[:, None, None, :])


embed(load)
