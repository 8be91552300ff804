"""Answers to fixed prompts at each evaluation: what a person sees of the learning."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.generate import generate_step

from tools.models.serving import Serving, question_ids
from tools.models.tokenizer import Tokenizer

MOST_TOKENS = 48


def answer(model: nn.Module, tokenizer: Tokenizer, serving: Serving, prompt: str) -> str:
    """The greedy answer to `prompt`, at most MOST_TOKENS tokens, as the endpoint would give it."""
    model.eval()
    written: list[int] = []
    for token, _ in generate_step(mx.array(question_ids(tokenizer, prompt, serving)), model, max_tokens=MOST_TOKENS):
        if int(token) in tokenizer.eos_ids:
            break
        written.append(int(token))
    return tokenizer.decode(written).strip()
