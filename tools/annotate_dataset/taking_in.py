"""Accepted pairs into a new version of the dataset, beside the old one, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.annotate_dataset.contract import Pair
from tools.annotate_dataset.passages import Passages
from tools.errors import telling_os_errors
from tools.language.dates import other_forms
from tools.prepare_dataset.card import card_text
from tools.prepare_dataset.identity import CODE_FORMAT
from tools.prepare_dataset.material import RowDraft
from tools.prepare_dataset.reading_back import Dataset, Origin, Question
from tools.prepare_dataset.versions import make_newest
from tools.prepare_dataset.write import counted, dump_card, lengths_of, lines_of, origin_of, with_shares
from tools.workspace.files import publishing, sweep_temporary
from tools.workspace.layout import DATASET_MARKER, Workspace

_REWRITTEN = ("train.jsonl", "provenance.jsonl", "questions.jsonl")


@dataclass(frozen=True)
class Accepted:
    """A pair with the rows that teach it. quotes: the characters of its source that prove it.

    The rows' span is the text from the first quote to the last; a summary's, the text that it sums up.
    """

    pair: Pair
    rows: tuple[RowDraft, ...]
    quotes: tuple[tuple[int, int], ...]


def take_in(ws: Workspace, dataset: Dataset, passages: Passages, accepted: Sequence[Accepted]) -> Path:
    """The folder of the version with the pairs in train and, if they ask, among the questions.

    passages: of the dataset. The same pairs taken in by the same version give the same new one. The
    caller holds the dataset's lock. Raises DiskFull, NoPermission.
    """
    made_from = [dataset.version, [one.pair.model_dump() for one in accepted], CODE_FORMAT]
    version = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:8]
    final = ws.data / dataset.name / version
    with telling_os_errors(final, "write the dataset"):
        sweep_temporary(final.parent)
        if not (final / DATASET_MARKER).is_file():
            with publishing(final) as folder:
                _fill(folder, version, dataset, passages, accepted)
    make_newest(final)
    return final


def _fill(folder: Path, version: str, dataset: Dataset, passages: Passages, accepted: Sequence[Accepted]) -> None:
    files: dict[str, str] = dict(dataset.card["files"])
    for name in files:
        if name not in _REWRITTEN:
            _share(dataset.folder / name, folder / name)

    def put(name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        files[name] = hashlib.sha256(content).hexdigest()

    train = [row.as_json() for row in passages.rows]
    put("train.jsonl", lines_of([*train, *(row.content for one in accepted for row in one.rows)]))
    put("provenance.jsonl", lines_of(_provenance(dataset, passages.origins, accepted, len(train))))
    questions = [*dataset.questions(), *(_question(one) for one in accepted if one.pair.form == "question")]
    put("questions.jsonl", lines_of([question.model_dump() for question in questions]))
    card = _card(version, dataset, passages.origins, accepted, questions, files)
    (folder / "card.md").write_text(card_text(card), encoding="utf-8")
    (folder / DATASET_MARKER).write_text(dump_card(card), encoding="utf-8")


def _share(source: Path, target: Path) -> None:
    """One file in both versions, which nothing of ours ever writes to again; a copy where links are not to be had.

    Who edits it by hand changes it in both, and both are then refused by the hashes in their cards.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _provenance(
    dataset: Dataset, origins: Sequence[Origin], accepted: Sequence[Accepted], taught: int
) -> list[dict[str, Any]]:
    old = [vars(origin) for origin in origins]
    pages = {origin.id: origin.page for origin in origins}
    hashes = {source["path"]: source["sha256"] for source in dataset.card["sources"]}
    rows = [(one, row) for one in accepted for row in one.rows]
    lines = _lines(dataset, [row for _, row in rows])
    new = [
        {
            **origin_of(row, "train", number, hashes[row.span.source], pages[one.pair.passage], line),
            "quotes": [list(quote) for quote in one.quotes],
        }
        for number, ((one, row), line) in enumerate(zip(rows, lines, strict=True), taught)
    ]
    return [*old[:taught], *new, *old[taught:]]


def _lines(dataset: Dataset, rows: Sequence[RowDraft]) -> list[int | None]:
    """The lines of their files on which the rows' spans start."""
    found: dict[int, int | None] = {}
    for source in {row.span.source: None for row in rows}:
        own = [number for number, row in enumerate(rows) if row.span.source == source]
        found.update(zip(own, dataset.file_lines(source, [rows[n].span.start for n in own]), strict=True))
    return [found[number] for number in range(len(rows))]


def _question(one: Accepted) -> Question:
    pair, span = one.pair, one.rows[0].span
    return Question(
        question=pair.rephrased or pair.question,
        answer=pair.answer,
        aliases=list(other_forms(pair.answer)),
        kind=span.kind,
        source=span.source,
        document=span.document,
        split="train",
    )


def _card(
    version: str,
    dataset: Dataset,
    origins: Sequence[Origin],
    accepted: Sequence[Accepted],
    questions: Sequence[Question],
    files: dict[str, str],
) -> dict[str, Any]:
    old = dataset.card
    rows = [row for one in accepted for row in one.rows]
    of_source = Counter(row.span.source for row in rows)
    train = dict(old["splits"]["train"])
    train["rows"] += len(rows)
    train["tokens"] += sum(row.tokens for row in rows)
    known = [origin.tokens for origin in origins if origin.split == "train" and origin.tokens is not None]
    train["lengths"] = lengths_of([*known, *(row.tokens for row in rows)])
    before = old.get("annotated") or {"from": dataset.version, "questions": 0, "summaries": 0, "note": ""}
    forms = Counter(one.pair.form for one in accepted)
    annotated = {
        "from": before["from"],
        "questions": before["questions"] + forms["question"],
        "summaries": before["summaries"] + forms["summary"],
    }
    annotated["note"] = (
        f"{annotated['questions']} questions and {annotated['summaries']} summaries were taken in by annotate_dataset, "
        f"on top of version {annotated['from']}."
    )
    return {
        **old,
        "version": version,
        "annotates": dataset.version,
        "annotated": annotated,
        "splits": with_shares({**old["splits"], "train": train}),
        "questions": len(questions),
        "questions_by": counted(questions),
        "sources": [{**source, "rows": source["rows"] + of_source[source["path"]]} for source in old["sources"]],
        "longest_row_tokens": max(old["longest_row_tokens"], *(row.tokens for row in rows)),
        "notes": [*(note for note in old["notes"] if note != before["note"]), annotated["note"]],
        "files": files,
    }
