"""A prepared dataset to its version folder, whole or not at all; the card is written last.

Nothing in it depends on time, place or process: the same sources give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.errors import AfinaError, Problem, telling_os_errors
from tools.prepare_dataset.card import card_text
from tools.prepare_dataset.contract import SPLITS, Split
from tools.prepare_dataset.guard import GAP_CHARACTERS, GUARD_GAP
from tools.prepare_dataset.identity import CODE_FORMAT
from tools.prepare_dataset.lines import file_lines
from tools.prepare_dataset.material import RowDraft, Source
from tools.prepare_dataset.pipeline import Prepared
from tools.prepare_dataset.reading_back import Dataset, Question, row_id, told_by
from tools.prepare_dataset.repair_log import log_of
from tools.prepare_dataset.sources import problems_error
from tools.prepare_dataset.verify import verify
from tools.workspace.files import publishing, sha256_file, sweep_temporary
from tools.workspace.layout import DATASET_MARKER, Workspace
from tools.workspace.locks import FileLock

_LENGTHS = (0, 10, 50, 90, 99, 100)


_ORIGINALS = "sources/original"


def write(ws: Workspace, name: str, prepared: Prepared) -> Path:
    """The folder of the version: the one there already, or a new one.

    Raises DiskFull or NoPermission; then nothing is left behind.
    """
    final = ws.data / name / prepared.version
    # One writer a dataset: what an earlier one that was killed left there is nobody's.
    with FileLock.acquire(ws.lock_path(f"dataset-{name}")), telling_os_errors(final, "write the dataset"):
        sweep_temporary(final.parent)
        if not (final / DATASET_MARKER).is_file():
            with publishing(final) as folder:
                fill(folder, name, prepared)
    return final


def fill(folder: Path, name: str, prepared: Prepared) -> None:
    """Write all files of the version into an empty folder."""
    files: dict[str, str] = {}

    def put(relative: str, content: bytes) -> None:
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files[relative] = hashlib.sha256(content).hexdigest()

    for split in SPLITS:
        put(f"{split}.jsonl", lines_of([row.content for row in prepared.split[split]]))
    put("questions.jsonl", lines_of([question.model_dump() for question in prepared.questions]))
    put("provenance.jsonl", lines_of(_provenance(prepared)))
    put("dropped.jsonl", lines_of([drop.as_json() for drop in prepared.drops.all]))
    for source in prepared.sources:
        put(f"sources/text/{source.name}", source.text.encode("utf-8"))
        if source.steps:
            put(repairs_path(source), log_of(source.steps))
    for source in prepared.sources:
        original = f"{_ORIGINALS}/{source.file.name}"
        if original not in files:
            files[original] = _copy(source, folder / original)
    card = make_card(name, prepared, files)
    _prove(Dataset(folder, card))
    (folder / "card.md").write_text(card_text(card), encoding="utf-8")
    (folder / DATASET_MARKER).write_text(dump_card(card), encoding="utf-8")


def _prove(dataset: Dataset) -> None:
    problems = verify(dataset)
    if problems:
        raise AfinaError(
            "The dataset does not hold what it says; it was not kept.",
            fix="The fault is ours, not your material's: report it with what is listed.",
            problems=problems[:20],
        )


def repairs_path(source: Source) -> str:
    """Where the log of a source's mends stands in the version's folder."""
    return f"sources/repairs/{source.name}.jsonl"


def dump_card(card: dict[str, Any]) -> str:
    return json.dumps(card, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def lines_of(rows: list[dict[str, Any]]) -> bytes:
    """Rows as the bytes of a JSON lines file."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


def _provenance(prepared: Prepared) -> list[dict[str, Any]]:
    placed = [(split, index, row) for split in SPLITS for index, row in enumerate(prepared.split[split])]
    sources = {source.name: source for source in prepared.sources}
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for number, (_, _, row) in enumerate(placed):
        numbers[row.span.source].append(number)
    lines: dict[int, int | None] = {}
    for name, own in numbers.items():
        source, starts = sources[name], [placed[number][2].span.start for number in own]
        lines.update(zip(own, file_lines(source.file.name, source.text, source.steps, starts), strict=True))
    found = []
    for number, (split, index, row) in enumerate(placed):
        source = sources[row.span.source]
        found.append(origin_of(row, split, index, source.sha256, source.page_at(row.span.start), lines[number]))
    return found


def origin_of(
    row: RowDraft, split: Split, index: int, sha256: str, page: str | None, line: int | None = None
) -> dict[str, Any]:
    """The line of provenance.jsonl for a row (`reading_back.Origin`). sha256: of the source's original bytes."""
    span = row.span
    return {
        "split": split,
        "index": index,
        "id": row_id(row.content),
        "source": span.source,
        "sha256": sha256,
        "kind": span.kind,
        "document": span.document,
        "place": span.place,
        "start": span.start,
        "end": span.end,
        "row_start": row.row_start,
        "response_start": row.response_start,
        "page": page,
        "line": line,
        "cells": list(row.cells),
        "tokens": row.tokens,
        "form": row.form,
        "body_start": _body_start(row),
    }


def _body_start(row: RowDraft) -> int:
    if row.row_start is not None:
        return row.row_start
    return row.response_start or max(0, told_by(row.content).find(row.own))


def _copy(source: Source, target: Path) -> str:
    """The file as it came, beside the text made of it; SHA-256 of the copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with telling_os_errors(source.file.path, "copy the source"):
        shutil.copyfile(source.file.path, target)
    digest = sha256_file(target)
    if digest != source.sha256:
        told = "The file changed while it was read."
        problem = Problem(path=source.file.name, message=told, fix="Call again once it is at rest.")
        raise problems_error([problem])
    return digest


def make_card(name: str, prepared: Prepared, files: dict[str, str]) -> dict[str, Any]:
    """All that is to be known of a version, for programs; `card_text` tells it to people."""
    rows = Counter(row.span.source for split in SPLITS for row in prepared.split[split])
    dropped = prepared.drops.counts()
    return {
        "name": name,
        "version": prepared.version,
        "code_format": CODE_FORMAT,
        "format": prepared.format,
        "question_form": {"text": "instruction", "completions": "prompt", "chat": "chat"}[prepared.format],
        "language": prepared.language,
        "settings": asdict(prepared.options),
        "model": asdict(prepared.model),
        "splits": with_shares({split: _split_size(prepared.split[split]) for split in SPLITS}),
        "split_by": "row" if prepared.divided.by_row else "document",
        "chosen": prepared.divided.chosen,
        "guard": {"characters": GAP_CHARACTERS, "gaps": dropped[GUARD_GAP]},
        "questions": len(prepared.questions),
        "questions_by": counted(prepared.questions),
        "sources": [
            {
                "path": source.name,
                "kind": source.kind,
                "title": source.title,
                "pages": len(source.pages),
                "encoding": source.encoding,
                "repairs": source.repairs,
                "left_out": source.left_out,
                "rows": rows[source.name],
                "sha256": source.sha256,
                "text": f"sources/text/{source.name}",
                "original": f"{_ORIGINALS}/{source.file.name}",
                "log": repairs_path(source) if source.steps else None,
            }
            for source in prepared.sources
        ],
        "dropped": [{"reason": reason, "count": count} for reason, count in sorted(dropped.items())],
        "flags": dict(prepared.flags.counts),
        "overlap": prepared.divided.overlap.model_dump(),
        "longest_row_tokens": max(row.tokens for split in SPLITS for row in prepared.split[split]),
        "problems": [problem.model_dump(exclude_none=True) for problem in prepared.warnings],
        "notes": prepared.notes,
        "rebuild": _rebuild(name, prepared),
        "files": files,
    }


def lengths_of(rows: Sequence[int]) -> dict[str, int]:
    """How long rows are: tokens that so many hundredths of them have at most."""
    lengths = sorted(rows)
    return {f"{share}%": lengths[(len(lengths) - 1) * share // 100] for share in _LENGTHS} if lengths else {}


def with_shares(splits: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sizes of splits, each with its share of all tokens, 0 to 1."""
    total = sum(size["tokens"] for size in splits.values())
    return {split: {**size, "share": round(size["tokens"] / max(1, total), 4)} for split, size in splits.items()}


def counted(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """How many questions there are of each kind, and in which split their answers stand."""
    counts = Counter((question.split, question.kind) for question in questions)
    places = (*SPLITS, None)
    order = sorted(counts, key=lambda key: (places.index(key[0]), key[1]))
    return [{"split": split, "kind": kind, "count": counts[split, kind]} for split, kind in order]


def _rebuild(name: str, prepared: Prepared) -> dict[str, Any]:
    """The call that makes the version anew from the originals in its folder."""
    files = {source.file.name: source.file.kind for source in prepared.sources}
    sources: list[Any] = [
        {"path": f"{_ORIGINALS}/{path}", "kind": kind} if kind else f"{_ORIGINALS}/{path}"
        for path, kind in files.items()
    ]
    # A folder is read but for what is hidden or called README.
    whole = not any(part.startswith((".", "readme")) for path in files for part in path.lower().split("/"))
    if whole and not any(files.values()):
        sources = [_ORIGINALS]
    return {"sources": sources, "name": name, "model": prepared.model.name, **asdict(prepared.options)}


def _split_size(rows: list[RowDraft]) -> dict[str, Any]:
    return {
        "rows": len(rows),
        "tokens": sum(row.tokens for row in rows),
        "documents": len({row.span.document for row in rows}),
        "lengths": lengths_of([row.tokens for row in rows]),
    }
