"""A small tokenizer with word marks and byte fallback, as Llama 2's and Mistral's."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE

from tests.support.tiny_model import TEXT

CONTROL = ["<unk>", "<s>", "</s>", "[TOOL_CALLS]"]


def write_sentencepiece(folder: Path, vocab_size: int = 500) -> None:
    """Train it on a few lines and write its files."""
    rust = Tokenizer(BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    rust.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    rust.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = [*CONTROL, *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=special, show_progress=False)
    rust.train_from_iterator([TEXT], trainer)
    state = json.loads(rust.to_str())
    # Bytes belong to the vocabulary; the trainer makes them control tokens.
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] in CONTROL]
    (folder / "tokenizer.json").write_text(json.dumps(state))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "</s>"}')
