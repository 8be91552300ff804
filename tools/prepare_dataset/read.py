"""Files to sources: read, recognized and repaired, each file's faults told."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from tools.errors import Problem
from tools.prepare_dataset.contract import Kind
from tools.prepare_dataset.edits import EditedText
from tools.prepare_dataset.file_types import FILE_TYPES
from tools.prepare_dataset.lives import looks_like_biography
from tools.prepare_dataset.material import Source, SourceFile
from tools.prepare_dataset.mojibake import mend_mojibake
from tools.prepare_dataset.readers.part import Part, Reader, Unreadable
from tools.prepare_dataset.readers.registry import read_parts
from tools.prepare_dataset.repair import repair_lines, repair_prose, repair_table
from tools.workspace.files import sha256_file

_BIOGRAPHY_NAME = re.compile(r"^(?:biogra|bios?$|vidas?$)")
_BOOK_NAME = re.compile(r"^(?:livros?|books?|romances?|contos?|novels?)$")


def size_of(file: SourceFile) -> int:
    """Bytes of a file, 0 where it cannot be told."""
    try:
        return file.path.stat().st_size
    except OSError:
        return 0


def read_sources(file: SourceFile, read: Reader = read_parts) -> tuple[list[Source], list[Problem]]:
    """The sources in `file` (a workbook has one a sheet), or what is wrong with it."""
    try:
        sha256 = sha256_file(file.path)
        parts = _of_kind([part for part in read(file.path) if part.text.strip()], file)
    except OSError:
        return [], [_problem(file, "It cannot be read.", "Check that it exists and that your user may read it.")]
    except Unreadable as fault:
        return [], [_problem(file, fault.reason, fault.fix, fault.line)]
    if not parts:
        return [], [_problem(file, "It is empty.", "Fill it, or leave it out.")]
    return [_source(file, sha256, part) for part in parts], []


def _of_kind(parts: list[Part], file: SourceFile) -> list[Part]:
    """The parts that are of the kind asked for, or could be. Raises Unreadable when none is."""
    if file.kind is None or not parts:
        return parts
    tables_told = FILE_TYPES[file.path.suffix.lower()].reader != "text"
    could_be = {file.kind} if file.kind == "table" and tables_told else {file.kind, None}
    chosen = [part for part in parts if part.kind in could_be]
    if not chosen:
        raise Unreadable(f"There is no {file.kind} in it.", "Leave the kind out, or name another file.")
    if len(chosen) < len(parts):
        others = {**chosen[0].left_out, "parts of another kind": len(parts) - len(chosen)}
        chosen[0] = replace(chosen[0], left_out=others)
    return chosen


def _source(file: SourceFile, sha256: str, part: Part) -> Source:
    edited = EditedText(part.text)
    known = part.kind or file.kind or FILE_TYPES[file.path.suffix.lower()].kind
    mend_mojibake(edited, quotes_are_syntax=known in ("table", "examples"))
    kind = known or tell_kind(file.name, edited.text)
    prose = partial(repair_prose, whole_lines=part.whole_lines)
    {"table": repair_table, "examples": repair_lines}.get(kind, prose)(edited)
    starts = edited.moved([start for start, _ in part.pages])
    return Source(
        file,
        sha256,
        part.encoding,
        edited.text,
        kind,
        dict(Counter(edited.counts()) + Counter(part.mended)),
        part=part.name,
        title=part.title,
        pages=[(start, label) for start, (_, label) in zip(starts, part.pages, strict=True)],
        steps=edited.steps,
        left_out=part.left_out,
        rival=part.rival,
    )


def _problem(file: SourceFile, message: str, fix: str, line: int | None = None) -> Problem:
    return Problem(path=file.name, line=line, message=message, fix=fix)


def tell_kind(name: str, text: str) -> Kind:
    """What a file holds, by its extension, the names of its folders and itself, then its text."""
    path = PurePosixPath(name)
    known = FILE_TYPES[path.suffix.lower()].kind
    if known is not None:
        return known
    for part in reversed([*path.parent.parts, path.stem]):
        for word in re.split(r"[^a-z0-9]+", _plain(part)):
            if _BIOGRAPHY_NAME.match(word):
                return "biography"
            if _BOOK_NAME.match(word):
                return "book"
    return "biography" if looks_like_biography(text) else "book"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
