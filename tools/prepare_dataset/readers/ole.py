"""Files in which Office kept its documents before 2007: whether their chains of sectors end.

A damaged chain that leads back into itself has no end, and a library that follows it none either.
The layout is that of Microsoft's [MS-CFB]: a header, tables of where each sector's successor is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from struct import error, iter_unpack, unpack_from

from tools.prepare_dataset.readers.part import Unreadable

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST = 0xFFFFFFFA  # greater ones are no sectors: the end of a chain, a free one
_IN_HEADER = 109  # of the sectors that hold the table
_SHIFTS = (9, 12)  # sectors of 512 or 4096 bytes


def check_chains(raw: bytes) -> None:
    """Raises Unreadable when a chain of sectors in the file has no end, or its tables cannot be read."""
    try:
        shift, mini, more = unpack_from("<H", raw, 30)[0], *unpack_from("<I4xI", raw, 60)
        if shift not in _SHIFTS:
            raise _damaged()
        sectors = _Sectors(raw, 1 << shift)
        held = sectors.table_of_table(more)
        table = [entry for number in held if number < _LAST for entry in sectors.entries(number)]
        small = list(chain.from_iterable(sectors.entries(number) for number in _followed(table, mini)))
    except error as fault:
        raise _damaged() from fault
    if _goes_round(table) or _goes_round(small):
        raise _damaged()


class _Sectors:
    """The sectors of a file; the header takes the place of the first."""

    def __init__(self, raw: bytes, size: int) -> None:
        self._raw, self._size = raw, size

    def entries(self, number: int) -> list[int]:
        """The numbers that a sector holds; one beyond the end of the file holds none."""
        start = (number + 1) * self._size
        piece = self._raw[start : start + self._size]
        return [entry for (entry,) in iter_unpack("<I", piece[: len(piece) // 4 * 4])]

    def table_of_table(self, first: int) -> list[int]:
        """The sectors that hold the table: some in the header, more in a chain of their own."""
        held = list(unpack_from(f"<{_IN_HEADER}I", self._raw, 76))
        seen: set[int] = set()
        while first < _LAST and (entries := self.entries(first)):
            if first in seen:
                raise _damaged()
            seen.add(first)
            held += entries[:-1]
            first = entries[-1]
        return held


def _followed(table: Sequence[int], start: int) -> list[int]:
    """The sectors of a chain, as far as the table tells."""
    found: dict[int, None] = {}
    while start < len(table) and start not in found:
        found[start] = None
        start = table[start]
    return list(found)


def _goes_round(table: Sequence[int]) -> bool:
    """Whether some sector is its own successor, at whatever distance."""
    walk = [0] * len(table)  # in which walk a sector was first met
    for start in range(len(table)):
        at = start
        while at < len(table) and not walk[at]:
            walk[at] = start + 1
            at = table[at]
        if at < len(table) and walk[at] == start + 1:
            return True
    return False


def _damaged() -> Unreadable:
    return Unreadable("It is damaged.", "Open it, save it again, or save each sheet as .csv.")
