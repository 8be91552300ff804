"""Rows to look at: some of each kind, as they are and as training reads them, and the longest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import SPLITS, LongestRow, Sample
from tools.prepare_dataset.material import RowDraft
from tools.prepare_dataset.pipeline import Prepared
from tools.prepare_dataset.row_tokens import RowTokens, row_tokens

_MOST_SAMPLES = 8
_SAMPLE_CHARS = 400
# What is shown of a stretch that is learned, or only read: its beginning and its end.
_HEAD_CHARS, _TAIL_CHARS = 240, 120
# In these the lines of the text are those of the file.
_KEEP_LINES = ("table", "examples", "questions")


def sample_rows(prepared: Prepared, tokenizer: Tokenizer | None) -> list[Sample]:
    """The first row of each kind of material in train, and the first of the other splits.

    With a tokenizer, also as training will read them.
    """
    samples: list[Sample] = []
    for split in SPLITS:
        shown: set[str] = set()
        for row in prepared.split[split]:
            kind = f"{row.span.kind} {row.form}" if split == "train" else split
            if kind in shown or len(samples) == _MOST_SAMPLES:
                continue
            shown.add(kind)
            rendered = _marked(row_tokens(row.content, row.response_start, tokenizer)) if tokenizer else None
            samples.append(
                Sample(
                    split=split, source=row.span.source, document=row.span.place, text=_shown(row), rendered=rendered
                )
            )
    return samples


def _shown(row: RowDraft) -> str:
    content: dict[str, Any] = row.content
    if "messages" in content:
        text = "\n".join(f"{turn['role']}: {turn.get('content') or ''}" for turn in content["messages"])
    else:
        text = content.get("text") or f"{content['prompt']}\n→ {content['completion']}"
    return text if len(text) <= _SAMPLE_CHARS else text[: _SAMPLE_CHARS - 1] + "…"


def _marked(tokens: RowTokens) -> str:
    """The text of a row, what is learned in ⟦ ⟧."""
    parts = []
    for learned, text in stretches(tokens):
        short = text
        if len(text) > _HEAD_CHARS + _TAIL_CHARS:
            short = f"{text[:_HEAD_CHARS]} […] {text[-_TAIL_CHARS:]}"
        parts.append(f"⟦{short}⟧" if learned else short)
    return "".join(parts)


def stretches(tokens: RowTokens) -> Iterator[tuple[bool, str]]:
    """The text of a row in stretches that are learned or only read, in turns."""
    done = 0
    pairs = zip(tokens.learned, tokens.offsets, strict=True)
    groups = [(learned, list(group)) for learned, group in groupby(pairs, key=lambda pair: pair[0])]
    for number, (learned, group) in enumerate(groups):
        # Tokens may share a character: it is of the first.
        end = len(tokens.text) if number == len(groups) - 1 else max(done, group[-1][1][1])
        yield learned, tokens.text[done:end]
        done = end


def longest_row(prepared: Prepared) -> LongestRow:
    """The row with the most tokens, the first of several."""
    row, split = max(
        ((row, split) for split in SPLITS for row in prepared.split[split]), key=lambda found: found[0].tokens
    )
    source = next(source for source in prepared.sources if source.name == row.span.source)
    line = source.text.count("\n", 0, row.span.start) + 1 if row.span.kind in _KEEP_LINES else None
    return LongestRow(tokens=row.tokens, split=split, source=source.name, document=row.span.place, line=line)
