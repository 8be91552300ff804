"""Files named as JSON that are something else: one finding for the file in place of one a line."""

from __future__ import annotations

from itertools import islice

from tools.errors import Problem
from tools.prepare_dataset.material import Source

_LINES_LOOKED_AT = 200
_TABLES = {",": "`.csv`", ";": "`.csv`", "\t": "`.tsv`"}


def tell_foreign(source: Source) -> Problem | None:
    """What a file without any JSON object in its first lines is, and what to do with it; None where it has one."""
    lines = list(islice((line.strip() for line in source.text.split("\n") if line.strip()), _LINES_LOOKED_AT))
    if not lines or any(line.startswith(("{", "[")) for line in lines):
        return None
    message, fix = _told(lines)
    return Problem(path=source.name, line=1, column=1, message=message, fix=fix)


def _told(lines: list[str]) -> tuple[str, str]:
    if lines[0].startswith("version https://git-lfs"):
        return "It is a pointer of Git LFS, not the file itself.", "Bring the file with `git lfs pull`."
    if lines[0].lower().startswith(("<!doctype", "<html")):
        return "It is a web page, not JSON.", "Download the file itself."
    for sign, suffix in _TABLES.items():
        if len(lines) > 1 and lines[0].count(sign) == lines[1].count(sign) > 0:
            return "It is a table, not JSON.", f"Name it {suffix}."
    return "It holds no JSON object.", "Write one JSON object a line; name a file of running text `.txt`."
