"""Paths that a pattern matches: `*`, `?` and `[…]` within a name, `**` for any number of folders.

Unlike Python's glob it follows no links below `**`, so that a loop ends; it counts what it looks at; a
name that exists is taken as it stands, brackets and all; and composed and decomposed accents are alike.
"""

from __future__ import annotations

import fnmatch
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

MAGIC = re.compile(r"[*?\[]")


def base_of(pattern: Path) -> tuple[Path, list[str]]:
    """The folder in which a pattern's search starts, and the names after it."""
    parts = list(pattern.parts)
    base = Path(parts.pop(0))
    while parts and (not MAGIC.search(parts[0]) or os.path.lexists(base / parts[0])):
        base /= parts.pop(0)
    return base, parts


class Search:
    """A search below a folder. seen: called for each entry looked at. failed: for each folder that cannot be read."""

    def __init__(self, seen: Callable[[], None], failed: Callable[[OSError], None]) -> None:
        self._seen, self._failed = seen, failed

    def matches(self, folder: Path, names: list[str]) -> Iterator[Path]:
        """What matches `names` below `folder`, in order of the names; hidden entries only where they are asked for."""
        if not names:
            yield folder
            return
        first, rest = names[0], names[1:]
        if first == "**":
            while rest[:1] == ["**"]:
                rest = rest[1:]
            yield from self.matches(folder, rest or ["*"])
            for entry in self._entries(folder, hidden=False):
                if entry.is_dir(follow_symlinks=False):
                    yield from self.matches(Path(entry.path), ["**", *rest])
            return
        name = re.compile(fnmatch.translate(unicodedata.normalize("NFC", first)))
        for entry in self._entries(folder, hidden=first.startswith(".")):
            if name.match(unicodedata.normalize("NFC", entry.name)) and (not rest or entry.is_dir()):
                yield from self.matches(Path(entry.path), rest)

    def _entries(self, folder: Path, *, hidden: bool) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                entries = []
                for entry in found:
                    self._seen()
                    if hidden or not entry.name.startswith("."):
                        entries.append(entry)
        except NotADirectoryError:
            return []
        except OSError as error:
            self._failed(error)
            return []
        return sorted(entries, key=lambda entry: entry.name)


def as_stored(path: Path) -> Path:
    """The path as its parts are stored, where they differ only in how accents are written; else as it came."""
    found = Path(path.anchor)
    for part in path.parts[1:]:
        if not os.path.lexists(found / part):
            wanted = unicodedata.normalize("NFC", part)
            try:
                here = sorted(entry.name for entry in found.iterdir())
            except OSError:
                return path
            same = [name for name in here if unicodedata.normalize("NFC", name) == wanted]
            if not same:
                return path
            part = same[0]
        found /= part
    return found


def real_of(path: Path) -> Path:
    """The path without links. One whose links go round, which `Path.resolve` raises for, stays as it is."""
    return Path(os.path.realpath(path))
