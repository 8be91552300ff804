"""What a dataset is made from besides its sources, and the version that all of it together gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tools.errors import InvalidArgument
from tools.models.info import load_info
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import Format
from tools.prepare_dataset.language import Language
from tools.workspace.files import sha256_file

# Raised whenever the same sources would give other bytes.
CODE_FORMAT = 2


@dataclass(frozen=True)
class Options:
    """What shapes a dataset besides its sources.

    max_tokens: of a row, template included. overlap_tokens: that a row of train may repeat of the one before.
    """

    format: Format | Literal["auto"]
    max_tokens: int
    valid_fraction: float
    test_fraction: float
    seed: int
    language: Language | Literal["auto"]
    overlap_tokens: int = 0


@dataclass(frozen=True)
class ModelIdentity:
    """The model that rows are cut for. Hashes as hex digits; template "" where there is none."""

    name: str
    fingerprint: str
    tokenizer_sha256: str
    template: str
    max_positions: int


def identify(folder: Path, tokenizer: Tokenizer | None = None) -> ModelIdentity:
    """The model in `folder`; its tokenizer is given where it is loaded. Raises DataError when it is damaged."""
    info, tokenizer = load_info(folder), tokenizer or Tokenizer.load(folder)
    digest = sha256_file(folder / "tokenizer.json")
    return ModelIdentity(info.name, info.fingerprint, digest, tokenizer.template_hash, info.max_positions)


def version_of(hashes: Sequence[tuple[str, str, str | None]], options: Options, model: ModelIdentity) -> str:
    """8 hex digits of all that a dataset is made from. hashes: (name, sha256, kind asked for) of each source."""
    made_from = [sorted(hashes, key=str), asdict(options), asdict(model), CODE_FORMAT]
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:8]


def check_overlap(overlap: int, max_tokens: int) -> None:
    """Raise InvalidArgument when rows would repeat more than they add."""
    if overlap > max_tokens // 2:
        raise InvalidArgument(
            "overlap_tokens leaves too little of a row for new text.",
            field="overlap_tokens",
            expected=f"at most {max_tokens // 2}, half of max_tokens",
            fix="64 to 128 is usual.",
        )
