"""Names that people type, URLs carry and file systems take."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from tools.errors import InvalidArgument, printable

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def check_name(name: str, field: str) -> str:
    """The name as it is, or a refusal that shows one that would do."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise InvalidArgument(
            f"`{printable(name)}` cannot be a name.",
            field=field,
            expected="1 to 63 lower-case letters, digits, `-`, `_` or `.`, starting with a letter or digit",
            fix=f"Try `{slug(name)}`.",
        )
    return name


def slug(text: str, fallback: str = "meu-modelo") -> str:
    """A name made from any text: accents dropped, the rest joined by hyphens."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:48].strip("-") or fallback


def dated(name: str, taken: set[str], now: datetime | None = None) -> str:
    """`<name>-<yyyymmdd>-<n>` with the first n that is free."""
    day = (now or datetime.now()).strftime("%Y%m%d")
    n = 1
    while f"{name}-{day}-{n}" in taken:
        n += 1
    return f"{name}-{day}-{n}"
