"""Which files of a repository or folder make a model. No pickles, no code."""

from __future__ import annotations

import fnmatch
from pathlib import Path

WEIGHTS = "model*.safetensors"
SMALL = (
    "config.json", "generation_config.json", "model.safetensors.index.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "chat_template.json", "vocab.json", "merges.txt", "tokenizer.model",
)  # fmt: skip


def is_weights(name: str) -> bool:
    """Whether a path in a repository names weights: at its root, not the copies that some keep in folders."""
    return "/" not in name and fnmatch.fnmatchcase(name, WEIGHTS)


def small(folder: Path) -> list[Path]:
    """The files of configuration and tokenizer in a folder."""
    return [folder / name for name in SMALL if (folder / name).is_file()]


def of_model(folder: Path) -> list[Path]:
    """All files in a folder that make a model."""
    return [*small(folder), *sorted(folder.glob(WEIGHTS))]
