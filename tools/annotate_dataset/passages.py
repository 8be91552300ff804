"""The passages of the train split, and which of them no question is about yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tools.annotate_dataset.checking import folded
from tools.prepare_dataset.reading_back import Dataset, Origin


@dataclass(frozen=True)
class PassageText:
    """A piece of running text that train learns: characters of its source as `origin` tells."""

    origin: Origin
    text: str


def train_passages(dataset: Dataset) -> dict[str, PassageText]:
    """By id, in the order of train: rows copied from a source, not those composed by us."""
    texts: dict[str, str] = {}
    found = {}
    for origin in dataset.provenance():
        if origin.split != "train" or origin.row_start is None:
            continue
        if origin.source not in texts:
            texts[origin.source] = dataset.source_text(origin.source)
        found[origin.id] = PassageText(origin, texts[origin.source][origin.start : origin.end])
    return found


def without_questions(dataset: Dataset, passages: dict[str, PassageText]) -> list[PassageText]:
    """Passages that no training question was made from, and that answer none of the kept questions."""
    asked: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for origin in dataset.provenance():
        if origin.split == "train" and origin.row_start is None:
            asked[origin.source].append((origin.start, origin.end))
    answers: dict[str, list[str]] = defaultdict(list)
    for question in dataset.questions():
        if question.document is not None:
            answers[question.document] += [folded(answer) for answer in (question.answer, *question.aliases)]
    return [passage for passage in passages.values() if not _is_asked(passage, asked, answers)]


def _is_asked(passage: PassageText, asked: dict[str, list[tuple[int, int]]], answers: dict[str, list[str]]) -> bool:
    origin = passage.origin
    if any(origin.start <= start and end <= origin.end for start, end in asked[origin.source]):
        return True
    words = f" {folded(passage.text)} "
    return any(len(answer) > 2 and f" {answer} " in words for answer in answers[origin.document])
