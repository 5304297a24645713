"""ESM C and T5 by Hugging Face Transformers: what bench/embed.ts compares with. Arguments: see embed_padded.py."""
import json

import torch
from transformers import EsmcModel, T5EncoderModel

from embed_padded import embed


def load(folder):
    config = json.load(open(f"{folder}/config.json"))
    family = {"esmc": EsmcModel, "t5": T5EncoderModel}[config["model_type"]]
    model = family.from_pretrained(folder, dtype=torch.float32).eval()
    return model.config.hidden_size, lambda ids, mask: model(input_ids=ids, attention_mask=mask.long()).last_hidden_state


embed(load)
