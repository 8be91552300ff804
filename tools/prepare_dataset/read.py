"""Files to sources: bytes read, decoded, recognized and repaired, each file's faults told."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

from tools.errors import Problem
from tools.prepare_dataset.biographies import looks_like_biography
from tools.prepare_dataset.contract import Kind
from tools.prepare_dataset.decode import Undecodable, decode
from tools.prepare_dataset.material import Source, SourceFile
from tools.prepare_dataset.repair import repair_lines, repair_prose, repair_table
from tools.prepare_dataset.sources import EXAMPLES, TABLES

_BIOGRAPHY_NAME = re.compile(r"^(?:biogra|bios?$|vidas?$)")
_BOOK_NAME = re.compile(r"^(?:livros?|books?|romances?|contos?|novels?)$")


def read_source(file: SourceFile) -> tuple[Source | None, list[Problem]]:
    """The source in `file`, or what is wrong with it."""
    try:
        raw = file.path.read_bytes()
    except OSError:
        return None, [_problem(file, "It cannot be read.", "Check that it exists and that your user may read it.")]
    try:
        decoded = decode(raw)
    except Undecodable as fault:
        return None, [_problem(file, fault.reason, fault.fix, fault.line)]
    if not decoded.text.strip():
        return None, [_problem(file, "It is empty.", "Fill it, or leave it out.")]
    kind = file.kind or tell_kind(file.name, decoded.text)
    repair = {"table": repair_table, "examples": repair_lines}.get(kind, repair_prose)
    text, repairs = repair(decoded.text)
    if decoded.had_bom:
        repairs["byte_order_mark"] = 1
    if decoded.encoding != "utf_8":
        repairs["encoding"] = 1
    source = Source(file, raw, hashlib.sha256(raw).hexdigest(), decoded.encoding, text, kind, repairs)
    return source, []


def _problem(file: SourceFile, message: str, fix: str, line: int | None = None) -> Problem:
    return Problem(path=file.name, line=line, message=message, fix=fix)


def tell_kind(name: str, text: str) -> Kind:
    """What a file holds, by its extension, the names of its folders and itself, then its text."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return "table"
    if suffix in EXAMPLES:
        return "examples"
    for part in reversed([*path.parent.parts, path.stem]):
        for word in re.split(r"[^a-z0-9]+", _plain(part)):
            if _BIOGRAPHY_NAME.match(word):
                return "biography"
            if _BOOK_NAME.match(word):
                return "book"
    return "biography" if looks_like_biography(text) else "book"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
