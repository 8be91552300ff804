"""Files to sources: read, recognized and repaired, each file's faults told."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from tools.errors import Problem
from tools.prepare_dataset.biographies import looks_like_biography
from tools.prepare_dataset.contract import Kind
from tools.prepare_dataset.edits import EditedText
from tools.prepare_dataset.file_types import FILE_TYPES
from tools.prepare_dataset.material import Source, SourceFile
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.registry import read_parts
from tools.prepare_dataset.repair import repair_lines, repair_prose, repair_table
from tools.workspace.files import sha256_file

_BIOGRAPHY_NAME = re.compile(r"^(?:biogra|bios?$|vidas?$)")
_BOOK_NAME = re.compile(r"^(?:livros?|books?|romances?|contos?|novels?)$")


def read_sources(file: SourceFile) -> tuple[list[Source], list[Problem]]:
    """The sources in `file` (a workbook has one a sheet), or what is wrong with it."""
    try:
        sha256 = sha256_file(file.path)
        parts = [part for part in read_parts(file.path) if part.text.strip()]
    except OSError:
        return [], [_problem(file, "It cannot be read.", "Check that it exists and that your user may read it.")]
    except Unreadable as fault:
        return [], [_problem(file, fault.reason, fault.fix, fault.line)]
    if not parts:
        return [], [_problem(file, "It is empty.", "Fill it, or leave it out.")]
    return [_source(file, sha256, part) for part in parts], []


def _source(file: SourceFile, sha256: str, part: Part) -> Source:
    kind = part.kind or file.kind or tell_kind(file.name, part.text)
    edited = EditedText(part.text)
    {"table": repair_table, "examples": repair_lines}.get(kind, repair_prose)(edited)
    starts = edited.moved([start for start, _ in part.pages])
    return Source(
        file,
        sha256,
        part.encoding,
        edited.text,
        kind,
        {**edited.counts(), **part.mended},
        part=part.name,
        title=part.title,
        pages=[(start, label) for start, (_, label) in zip(starts, part.pages, strict=True)],
        steps=edited.steps,
        left_out=part.left_out,
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
