"""Names of the sheets and tables of a file, which stand behind its own name and name files in a dataset."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_NO_FILE = frozenset('/\\#:*?"<>|')
_LENGTH, _BYTES = 60, 120


class PartNames:
    """Gives the parts of one file names that any disk takes, each its own, also where case does not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._times: Counter[str] = Counter()

    def new(self, told: str) -> str:
        """A name like the one that the file tells."""
        bare = _plain(told)
        name = bare
        while name.casefold() in self._taken:
            self._times[bare.casefold()] += 1
            name = f"{bare} {self._times[bare.casefold()] + 1}"
        self._taken.add(name.casefold())
        return name


def _plain(told: str) -> str:
    clean = "".join("-" if c in _NO_FILE or not (c.isprintable() or c.isspace()) else c for c in told)
    bare = re.sub(r"\s+", " ", unicodedata.normalize("NFC", clean)).strip(" .")[:_LENGTH]
    return bare.encode()[:_BYTES].decode("utf-8", "ignore").strip(" .") or "-"
