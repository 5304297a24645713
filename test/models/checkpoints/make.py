"""Makes the checkpoints beside it, and their vectors by the authors' own code: random weights, fixed seeds.

    git clone https://github.com/chandar-lab/AMPLIFY
    pip install torch==2.15.0 transformers==5.23.0 safetensors==0.8.0 sentencepiece==0.2.3 protobuf
    python make.py [AMPLIFY]        # without AMPLIFY: the others

AMPLIFY is its published code; of xformers, which needs a GPU, it takes SwiGLU only, given here. ESM, ESM C and T5 are Hugging Face's, and so are
their tokenizers. Weights of 16 bits are computed with as float32. Afterwards format the JSON files with biome.
"""
import json, math, random, re, shutil, sys, types
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    EsmcConfig, EsmcForMaskedLM, EsmcTokenizer, EsmConfig, EsmForMaskedLM, EsmForSequenceClassification, EsmModel,
    T5Config, T5EncoderModel, T5ForConditionalGeneration, T5Tokenizer,
)
from transformers.models.t5.modeling_t5 import T5Attention

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


def pool(states, ranges, before):
    """Vectors of one sequence: states of each window as [tokens, size], averaged by residue."""
    residues, size = ranges[-1][1], states[0].shape[1]
    total, count = torch.zeros(residues, size, dtype=torch.float64), torch.zeros(residues, 1)
    for (start, end), state in zip(ranges, states):
        total[start:end] += state[before:-1]
        count[start:end] += 1
    total /= count
    places = [0, -1] if before else [-1]
    special = [torch.stack([state[i] for state in states]).double().mean(0) for i in places]
    vectors = {"mean": total.mean(0), "mean-special": (total.sum(0) + sum(special)) / (residues + len(places))}
    return {**vectors, "cls": special[0]} if before else vectors


def expect(folder, states_of, before=1):
    """
    states_of: residues -> hidden states by name, float32 [tokens, size]; None where the model has none.
    before: tokens before the residues; one is after them.
    """
    vectors = {}
    for sequence in sequences():
        cut = {"whole": [(0, len(sequence))], "truncate": [(0, min(len(sequence), LONGEST))], "windows": windows(len(sequence))}
        for long, ranges in cut.items():
            parts = [states_of(sequence[start:end]) for start, end in ranges]
            for state in parts[0]:
                for pooling, vector in pool([part[state] for part in parts], ranges, before).items():
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


def esmc(name, seed, fields, type="F32", original=False):
    folder = start(name)
    model = EsmcForMaskedLM(EsmcConfig(**fields)).eval()
    randomize(model, seed)
    tensors = {k: v.clone() for k, v in model.state_dict().items() if not k.endswith("inv_freq")}
    tokenizer = EsmcTokenizer()
    if original:
        # Under the names of EvolutionaryScale's code, with the config.json of ESM++, and without a tokenizer, which its code has.
        save(folder, original_names(tensors, fields["num_hidden_layers"]), type, 1)
        kept = ("vocab_size", "hidden_size", "num_attention_heads", "num_hidden_layers")
        (folder / "config.json").write_text(json.dumps({"model_type": "ESMplusplus", **{k: fields[k] for k in kept}}))
    else:
        model.save_pretrained(folder, max_shard_size="60KB")
        tokenizer.save_pretrained(folder)
    model.load_state_dict(rounded(tensors, type), strict=False)

    def states_of(residues):
        before = []
        hook = model.esmc.norm.register_forward_pre_hook(lambda _, x: before.append(x[0][0]))
        after = model.esmc(**tokenizer([residues], return_tensors="pt")).last_hidden_state[0]
        hook.remove()
        return {"before-norm": before[0], "after-norm": after}

    expect(folder, states_of)


def original_names(tensors, layers):
    get = lambda name: tensors[f"esmc.{name}"]
    names = {"embed.weight": get("embed_tokens.weight"), "transformer.norm.weight": get("norm.weight")}
    for i in range(layers):
        old, new = f"layers.{i}", f"transformer.blocks.{i}"
        joint = torch.cat([get(f"{old}.self_attn.{part}_proj.weight") for part in "qkv"])
        gated = torch.cat([get(f"{old}.mlp.{part}_proj.weight") for part in ("gate", "up")])
        names |= {f"{new}.attn.layernorm_qkv.1.weight": joint, f"{new}.ffn.1.weight": gated}
        for part in ("weight", "bias"):
            names[f"{new}.attn.layernorm_qkv.0.{part}"] = get(f"{old}.input_layernorm.{part}")
            names[f"{new}.ffn.0.{part}"] = get(f"{old}.post_attention_layernorm.{part}")
        names[f"{new}.attn.q_ln.weight"] = get(f"{old}.self_attn.q_norm.weight")
        names[f"{new}.attn.k_ln.weight"] = get(f"{old}.self_attn.k_norm.weight")
        names[f"{new}.attn.out_proj.weight"] = get(f"{old}.self_attn.o_proj.weight")
        names[f"{new}.ffn.3.weight"] = get(f"{old}.mlp.down_proj.weight")
    names["sequence_head.0.weight"] = tensors["lm_head.dense.weight"]
    return names


T5_LETTERS = "ALGVSREDTIPKFQNYMHWCXBOUZ"


def write_spiece(path):
    """Pieces as those of ProtT5: letters after a space."""
    model, Piece = sentencepiece_model_pb2.ModelProto(), sentencepiece_model_pb2.ModelProto.SentencePiece
    for piece, kind in [("<pad>", Piece.CONTROL), ("</s>", Piece.CONTROL), ("<unk>", Piece.UNKNOWN)]:
        model.pieces.add(piece=piece, score=0, type=kind)
    for i, letter in enumerate(T5_LETTERS):
        model.pieces.add(piece="\u2581" + letter, score=-2 - i / 8, type=Piece.NORMAL)
    model.trainer_spec.model_type = 1
    model.trainer_spec.unk_id, model.trainer_spec.pad_id, model.trainer_spec.eos_id, model.trainer_spec.bos_id = 2, 0, 1, -1
    model.normalizer_spec.name = "identity"
    path.write_bytes(model.SerializeToString())


def rostlab_tokens(folder, added):
    """Returns residues -> token ids by the recipe of ProtT5, or, with added tokens, of ProstT5."""
    write_spiece(folder / "spiece.model")
    (folder / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 100, "do_lower_case": False}))
    tokenizer = T5Tokenizer.from_pretrained(folder, do_lower_case=False)
    if added:
        tokenizer.add_tokens(added)
        (folder / "added_tokens.json").write_text(json.dumps({t: 128 + i for i, t in enumerate(added)}))
    prefix = "<AA2fold> " if added else ""
    return lambda residues: tokenizer(prefix + " ".join(re.sub("[UZOB]", "X", residues)), return_tensors="pt")


def ankh_tokens(folder):
    """Returns residues -> token ids by the recipe of Ankh: sequences as lists of letters."""
    pieces = ["<pad>", "</s>", "<unk>", *T5_LETTERS, *(f"<extra_id_{i}>" for i in range(6))]
    tokenizer = Tokenizer(models.Unigram([(piece, -i / 8) for i, piece in enumerate(pieces)], unk_id=2))
    tokenizer.add_special_tokens(pieces[:3])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return lambda residues: {"input_ids": torch.tensor([tokenizer.encode(list(residues), is_pretokenized=True).ids])}


def t5(create, name, seed, fields, tokens, type="F32", files=1, own_format=False):
    folder = start(name)
    ids_of = tokens(folder)
    fields = {"pad_token_id": 0, "eos_token_id": 1, **fields}
    model = create(T5Config(**fields)).eval()
    randomize(model, seed)
    # Tied tensors of one model are one tensor, which both names have.
    tensors = {k: v.clone() for k, v in model.state_dict().items()}
    if own_format:
        model.save_pretrained(folder, max_shard_size="30KB")
    else:
        save(folder, tensors, type, files)
        (folder / "config.json").write_text(json.dumps({"model_type": "t5", **fields}))
    model.load_state_dict(rounded(tensors, type))

    def states_of(residues):
        before = []
        hook = model.encoder.final_layer_norm.register_forward_pre_hook(lambda _, x: before.append(x[0][0]))
        after = model.encoder(**ids_of(residues)).last_hidden_state[0]
        hook.remove()
        return {"before-norm": before[0], "after-norm": after}

    expect(folder, states_of, len(ids_of("A")["input_ids"][0]) - 2)


def bucket_runs(count, max_distance, tokens=3000):
    """The offsets at which T5's bucket changes, and the buckets from there."""
    offsets = torch.arange(-tokens, tokens + 1)
    buckets = T5Attention._relative_position_bucket(offsets, True, count, max_distance).tolist()
    runs = [[i - tokens, bucket] for i, bucket in enumerate(buckets) if i == 0 or bucket != buckets[i - 1]]
    return {"count": count, "maxDistance": max_distance, "tokens": tokens, "runs": runs}


def main():
    torch.manual_seed(1)
    (HERE / "sequences.fasta").write_text("".join(f">s{i}\n{s}\n" for i, s in enumerate(sequences())))
    (HERE / "relative-buckets.json").write_text(json.dumps([bucket_runs(*sizes) for sizes in [(32, 128), (64, 128), (33, 20)]]))
    if len(sys.argv) > 1:
        make_amplify(import_amplify(sys.argv[1]))
    make_esm()
    sizes = dict(vocab_size=64, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=256)
    esmc("esmc", 8, {**sizes, "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0}})
    esmc("esmc-original", 9, sizes, "BF16", original=True)
    sizes = dict(d_model=24, num_layers=2, num_heads=3, d_kv=6, d_ff=40)
    t5(T5EncoderModel, "prott5", 10, {**sizes, "vocab_size": 128}, lambda folder: rostlab_tokens(folder, []), "F16", 2)
    added = ["<fold2AA>", "<AA2fold>", *"acdefghiklmnpqrstvwy"]
    full = {**sizes, "vocab_size": 150, "layer_norm_epsilon": 1e-4, "relative_attention_max_distance": 20}
    t5(T5ForConditionalGeneration, "prostt5", 11, full, lambda folder: rostlab_tokens(folder, added))
    gated = {"feed_forward_proj": "gated-gelu", "relative_attention_num_buckets": 64, "tie_word_embeddings": False}
    t5(T5EncoderModel, "ankh", 12, {**sizes, "vocab_size": 36, **gated}, ankh_tokens, own_format=True)


def make_amplify(new):
    sizes = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, dropout_prob=0.1, rms_norm=True, norm_eps=1e-5)
    base = dict(**sizes, layer_norm_after_embedding=False, layer_norm_before_last_layer=True, ffn_bias=False, att_bias=False)
    # 2/3 of 50 is rounded down to 33 and up to 40.
    amplify(new, "amplify-swiglu", 1, {**base, "hidden_act": "SwiGLU", "intermediate_size": 50, "ffn_bias": True}, "BF16", 3, shuffled=True)
    gelu = {"hidden_act": "GELU", "intermediate_size": 37, "rms_norm": False, "layer_norm_after_embedding": True}
    amplify(new, "amplify-gelu", 2, {**base, **gelu, "att_bias": True, "norm_eps": 1e-3}, "F16", prefix="model.")
    relu = {"hidden_act": "ReLU", "intermediate_size": 40, "num_attention_heads": 12, "layer_norm_before_last_layer": False}
    amplify(new, "amplify-relu", 3, {**base, **relu, "ffn_bias": True, "layer_norm_after_embedding": True})


def make_esm():
    sizes = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=34, layer_norm_eps=1e-5)
    base = dict(**sizes, position_embedding_type="rotary", token_dropout=True, emb_layer_norm_before=False)
    esm(EsmForMaskedLM, "esm2", 4, base, "F16", 2, extras=True, shuffled=True)
    pooled = {"token_dropout": False, "emb_layer_norm_before": True, "num_attention_heads": 6, "layer_norm_eps": 1e-3}
    esm(EsmModel, "esm2-bare", 5, {**base, **pooled}, "BF16")
    esm(EsmForSequenceClassification, "esm2-transformers-5", 6, {**base, "rope_theta": 5000.0}, own_format=True)
    esm(EsmForMaskedLM, "esm1", 7, {**base, "position_embedding_type": "absolute", "emb_layer_norm_before": True}, shuffled=True)


main()
