"""Makes the checkpoints beside it, and their vectors by the authors' own code: random weights, fixed seeds.

    git clone https://github.com/chandar-lab/AMPLIFY
    pip install torch==2.15.0 transformers==5.23.0 safetensors==0.8.0
    python make.py AMPLIFY

AMPLIFY is its published code; of xformers, which needs a GPU, it takes SwiGLU only, given here. ESM is Hugging Face's.
Weights of 16 bits are computed with as float32. Afterwards format the JSON files with biome.
"""
import json, math, random, shutil, sys, types
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import EsmConfig, EsmForMaskedLM, EsmForSequenceClassification, EsmModel

HERE = Path(__file__).parent
TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
AMINO_ACIDS = "LAGVSERTIDPKQNFYMHWC"
ESM_TOKENS = ["<cls>", "<pad>", "<eos>", "<unk>", *AMINO_ACIDS, *"XBUZO.-", "<null_1>", "<mask>"]
AMPLIFY_TOKENS = ["<pad>", "<unk>", "<mask>", "<bos>", "<eos>", "|", *AMINO_ACIDS, "B"]
LONGEST = 12  # of residues, where sequences are cut
torch.set_grad_enabled(False)
torch.set_num_threads(1)


class SwiGLU(nn.Module):
    def __init__(self, size, inner, outputs, bias):
        super().__init__()
        self.w12, self.w3 = nn.Linear(size, 2 * inner, bias), nn.Linear(inner, outputs, bias)

    def forward(self, x):
        gate, other = self.w12(x).chunk(2, -1)
        return self.w3(nn.functional.silu(gate) * other)


def import_amplify(checkout):
    operations = types.ModuleType("xformers.ops")
    operations.SwiGLU, operations.memory_efficient_attention = SwiGLU, None
    package = types.ModuleType("amplify")
    package.__path__ = [f"{checkout}/src/amplify"]
    sys.modules |= {"xformers": types.ModuleType("xformers"), "xformers.ops": operations, "amplify": package}
    from amplify.model.amplify import AMPLIFY, AMPLIFYConfig

    return lambda fields: AMPLIFY(AMPLIFYConfig(**fields))


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        if weight.dim() > 1:
            is_table = "embeddings" in name or name == "encoder.weight"
            weight.normal_(0, 1 if is_table else 1.3 / math.sqrt(weight.shape[-1]), generator=generator)
        elif name.endswith("weight"):
            weight.uniform_(0.5, 1.5, generator=generator)
        else:
            weight.normal_(0, 0.3, generator=generator)


def save(folder, tensors, type, files):
    tensors = {k: (v.to(TYPES[type]) if v.is_floating_point() else v).clone() for k, v in tensors.items()}
    if files == 1:
        return save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    names, places = list(tensors), {}
    for i in range(files):
        file = f"model-{i + 1:05d}-of-{files:05d}.safetensors"
        save_file({k: tensors[k] for k in names[i::files]}, folder / file, {"format": "pt"})
        places |= {k: file for k in names[i::files]}
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def sequences():
    rng = random.Random(7)
    amino = lambda n: "".join(rng.choice(AMINO_ACIDS) for _ in range(n))
    return [amino(1), "X", "BZUOXJ", "A-C.D*K", amino(LONGEST), amino(LONGEST + 1), amino(29), amino(60)]


def windows(residues):
    """As docs/models.md says: of the longest length, overlapping by a quarter at least, evenly spread."""
    if residues <= LONGEST:
        return [(0, residues)]
    overlap = LONGEST // 4
    count = math.ceil((residues - overlap) / (LONGEST - overlap))
    starts = [math.floor(i * (residues - LONGEST) / (count - 1) + 0.5) for i in range(count)]
    return [(start, start + LONGEST) for start in starts]


def pool(states, ranges):
    """Vectors of one sequence: states of each window as [tokens, size], averaged by residue."""
    residues, size = ranges[-1][1], states[0].shape[1]
    total, count = torch.zeros(residues, size, dtype=torch.float64), torch.zeros(residues, 1)
    for (start, end), state in zip(ranges, states):
        total[start:end] += state[1:-1]
        count[start:end] += 1
    total /= count
    first, last = (torch.stack([state[i] for state in states]).double().mean(0) for i in (0, -1))
    special = (total.sum(0) + first + last) / (residues + 2)
    return {"mean": total.mean(0), "mean-special": special, "cls": first}


def expect(folder, states_of):
    """states_of: residues -> hidden states by name, float32 [tokens, size]; None where the model has none."""
    vectors = {}
    for sequence in sequences():
        cut = {"whole": [(0, len(sequence))], "truncate": [(0, min(len(sequence), LONGEST))], "windows": windows(len(sequence))}
        for long, ranges in cut.items():
            parts = [states_of(sequence[start:end]) for start, end in ranges]
            for state in parts[0]:
                for pooling, vector in pool([part[state] for part in parts], ranges).items():
                    vectors.setdefault(f"{long} {state} {pooling}", []).append(vector.float())
    save_file({name: torch.stack(rows) for name, rows in vectors.items()}, folder / "expected.safetensors")


def start(name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def rounded(tensors, type):
    return {k: v.to(TYPES[type]).float() if v.is_floating_point() else v for k, v in tensors.items()}


def amplify(create, name, seed, fields, type="F32", files=1, prefix="", shuffled=False):
    folder, tokens = start(name), list(AMPLIFY_TOKENS)
    if shuffled:
        random.Random(seed).shuffle(tokens)
    ids = {token: i for i, token in enumerate(tokens)}
    special = {f"{t}_token_id": ids[f"<{t}>"] for t in ("pad", "unk", "mask", "bos", "eos")}
    fields = {"model_type": "AMPLIFY", "vocab_size": len(tokens), "max_length": 2048, **special, **fields}
    model = create(fields).eval()
    randomize(model, seed)
    tensors = model.state_dict()
    save(folder, {prefix + k: v for k, v in tensors.items()}, type, files)
    (folder / "config.json").write_text(json.dumps(fields))
    single = [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}]
    words = {"type": "WordPiece", "unk_token": "<unk>", "vocab": ids}
    tokenizer = {"version": "1.0", "post_processor": {"type": "TemplateProcessing", "single": single}, "model": words}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    model.load_state_dict(rounded(tensors, type))

    def states_of(residues):
        row = [ids["<bos>"], *(ids.get(letter, ids["<unk>"]) for letter in residues), ids["<eos>"]]
        state = model(torch.tensor([row]), output_hidden_states=True).hidden_states[-1]
        after = {"after-norm": model.layer_norm_2(state)[0]} if fields["layer_norm_before_last_layer"] else {}
        return {"before-norm": state[0], **after}

    expect(folder, states_of)


def esm(create, name, seed, fields, type="F32", files=1, extras=False, shuffled=False, own_format=False):
    folder, tokens = start(name), list(ESM_TOKENS)
    if shuffled:
        random.Random(seed).shuffle(tokens)
    ids = {token: i for i, token in enumerate(tokens)}
    special = {"pad_token_id": ids["<pad>"], "mask_token_id": ids["<mask>"]}
    fields = {"model_type": "esm", "vocab_size": len(tokens), "max_position_embeddings": 100, **special, **fields}
    model = create(EsmConfig(**fields)).eval()
    randomize(model, seed)
    tensors = {k: v.clone() for k, v in model.state_dict().items()}
    (folder / "vocab.txt").write_text("\n".join(tokens))
    if own_format:
        # As the library itself writes them: with the norms' old names.
        model.save_pretrained(folder, max_shard_size="30KB")
    else:
        stored = {k: v for k, v in tensors.items() if not k.endswith("inv_freq")}
        if extras:
            # What published checkpoints have, and no embedding needs.
            stored["esm.embeddings.position_embeddings.weight"] = torch.randn(100, fields["hidden_size"])
            stored["esm.embeddings.position_ids"] = torch.arange(100)[None]
            for i in range(fields["num_hidden_layers"]):
                stored[f"esm.encoder.layer.{i}.attention.self.rotary_embeddings.inv_freq"] = torch.randn(4)
        save(folder, stored, type, files)
        (folder / "config.json").write_text(json.dumps(fields))
    model.load_state_dict({k: v if "inv_freq" in k else rounded({k: v}, type)[k] for k, v in tensors.items()})
    encoder = getattr(model, "esm", model)

    def states_of(residues):
        row = [ids["<cls>"], *(ids.get(letter, ids["<unk>"]) for letter in residues), ids["<eos>"]]
        before = []
        hook = encoder.encoder.emb_layer_norm_after.register_forward_pre_hook(lambda _, x: before.append(x[0][0]))
        after = encoder(input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row))).last_hidden_state[0]
        hook.remove()
        return {"before-norm": before[0], "after-norm": after}

    expect(folder, states_of)


def main():
    torch.manual_seed(1)
    (HERE / "sequences.fasta").write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(sequences())))
    new = import_amplify(sys.argv[1])
    sizes = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, dropout_prob=0.1, rms_norm=True, norm_eps=1e-5)
    base = dict(**sizes, layer_norm_after_embedding=False, layer_norm_before_last_layer=True, ffn_bias=False, att_bias=False)
    # 2/3 of 50 is rounded down to 33 and up to 40.
    amplify(new, "amplify-swiglu", 1, {**base, "hidden_act": "SwiGLU", "intermediate_size": 50, "ffn_bias": True}, "BF16", 3, shuffled=True)
    gelu = {"hidden_act": "GELU", "intermediate_size": 37, "rms_norm": False, "layer_norm_after_embedding": True}
    amplify(new, "amplify-gelu", 2, {**base, **gelu, "att_bias": True, "norm_eps": 1e-3}, "F16", prefix="model.")
    relu = {"hidden_act": "ReLU", "intermediate_size": 40, "num_attention_heads": 12, "layer_norm_before_last_layer": False}
    amplify(new, "amplify-relu", 3, {**base, **relu, "ffn_bias": True, "layer_norm_after_embedding": True})

    sizes = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=34, layer_norm_eps=1e-5)
    base = dict(**sizes, position_embedding_type="rotary", token_dropout=True, emb_layer_norm_before=False)
    esm(EsmForMaskedLM, "esm2", 4, base, "F16", 2, extras=True, shuffled=True)
    pooled = {"token_dropout": False, "emb_layer_norm_before": True, "num_attention_heads": 6, "layer_norm_eps": 1e-3}
    esm(EsmModel, "esm2-bare", 5, {**base, **pooled}, "BF16")
    esm(EsmForSequenceClassification, "esm2-transformers-5", 6, {**base, "rope_theta": 5000.0}, own_format=True)
    esm(EsmForMaskedLM, "esm1", 7, {**base, "position_embedding_type": "absolute", "emb_layer_norm_before": True}, shuffled=True)


main()
