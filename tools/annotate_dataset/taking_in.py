"""Accepted questions into a new version of the dataset, beside the old one, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.annotate_dataset.contract import Pair
from tools.errors import telling_os_errors
from tools.prepare_dataset.card import card_text
from tools.prepare_dataset.identity import CODE_FORMAT
from tools.prepare_dataset.material import RowDraft
from tools.prepare_dataset.reading_back import Dataset, Question
from tools.prepare_dataset.write import dump_card, lengths_of, lines_of, make_newest, origin_of
from tools.workspace.files import publishing, sweep_temporary
from tools.workspace.layout import DATASET_MARKER, Workspace
from tools.workspace.locks import FileLock


@dataclass(frozen=True)
class Accepted:
    """A pair with the row that teaches it. The row's span is the quote."""

    pair: Pair
    row: RowDraft


def take_in(ws: Workspace, dataset: Dataset, accepted: Sequence[Accepted]) -> Path:
    """The folder of the version with the pairs in train and among the questions.

    The same pairs taken in by the same version give the same new one. Raises DiskFull, NoPermission.
    """
    made_from = [dataset.version, [one.pair.model_dump() for one in accepted], CODE_FORMAT]
    version = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:8]
    final = ws.data / dataset.name / version
    with FileLock.acquire(ws.lock_path(f"dataset-{dataset.name}")), telling_os_errors(final, "write the dataset"):
        sweep_temporary(final.parent)
        if not (final / DATASET_MARKER).is_file():
            with publishing(final) as folder:
                _fill(folder, version, dataset, accepted)
    make_newest(final)
    return final


def _fill(folder: Path, version: str, dataset: Dataset, accepted: Sequence[Accepted]) -> None:
    _copy_folder(dataset.folder / "sources", folder / "sources")
    for name in ("valid.jsonl", "test.jsonl"):
        shutil.copyfile(dataset.folder / name, folder / name)
    files: dict[str, str] = dict(dataset.card["files"])

    def put(name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        files[name] = hashlib.sha256(content).hexdigest()

    train = [row.as_json() for row in dataset.rows("train")]
    put("train.jsonl", lines_of([*train, *(one.row.content for one in accepted)]))
    put("provenance.jsonl", lines_of(_provenance(dataset, accepted, len(train))))
    questions = [*dataset.questions(), *(_question(one) for one in accepted)]
    put("questions.jsonl", lines_of([question.model_dump() for question in questions]))
    card = _card(version, dataset, accepted, files)
    (folder / "card.md").write_text(card_text(card), encoding="utf-8")
    (folder / DATASET_MARKER).write_text(dump_card(card), encoding="utf-8")


def _copy_folder(source: Path, target: Path) -> None:
    """`shutil.copytree` goes on after a failure, and tells no reason at the end."""
    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            _copy_folder(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)


def _provenance(dataset: Dataset, accepted: Sequence[Accepted], taught: int) -> list[dict[str, Any]]:
    origins = dataset.provenance()
    old = [vars(origin) for origin in origins]
    pages = {origin.id: origin.page for origin in origins}
    hashes = {source["path"]: source["sha256"] for source in dataset.card["sources"]}
    new = [
        origin_of(one.row, "train", number, hashes[one.row.span.source], pages[one.pair.passage])
        for number, one in enumerate(accepted, taught)
    ]
    return [*old[:taught], *new, *old[taught:]]


def _question(one: Accepted) -> Question:
    pair, span = one.pair, one.row.span
    return Question(
        question=pair.rephrased or pair.question,
        answer=pair.answer,
        kind=span.kind,
        source=span.source,
        document=span.document,
        split="train",
    )


def _card(version: str, dataset: Dataset, accepted: Sequence[Accepted], files: dict[str, str]) -> dict[str, Any]:
    old = dataset.card
    rows = Counter(one.row.span.source for one in accepted)
    train = dict(old["splits"]["train"])
    train["rows"] += len(accepted)
    train["tokens"] += sum(one.row.tokens for one in accepted)
    lengths = [origin.tokens for origin in dataset.provenance() if origin.split == "train"]
    known = [tokens for tokens in lengths if tokens is not None]
    train["lengths"] = lengths_of([*known, *(one.row.tokens for one in accepted)])
    note = f"{len(accepted)} questions were taken in by annotate_dataset, on top of version {dataset.version}."
    return {
        **old,
        "version": version,
        "annotates": dataset.version,
        "splits": {**old["splits"], "train": train},
        "questions": old["questions"] + len(accepted),
        "sources": [{**source, "rows": source["rows"] + rows[source["path"]]} for source in old["sources"]],
        "longest_row_tokens": max(old["longest_row_tokens"], *(one.row.tokens for one in accepted)),
        "notes": [*old["notes"], note],
        "files": files,
    }
