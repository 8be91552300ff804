"""Hidden states of rows, kept on disk: written once, read at every pass.

Each row has a checksum, so that one that was half written when the machine went down, or damaged
since, is known and made again.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from tools.errors import telling_os_errors
from tools.workspace.files import read_json, write_json

_STATES, _INDEX, _IDENTITY = "states.bin", "index.bin", "identity.json"
# Half-precision types that numpy lacks or that need no arithmetic here go by their bits.
_BITS: dict[Any, tuple[Any, Any]] = {
    mx.float32: (np.uint32, mx.uint32),
    mx.float16: (np.uint16, mx.uint16),
    mx.bfloat16: (np.uint16, mx.uint16),
}


def store_bytes(lengths: Items[int], width: int, dtype: Any) -> int:
    """Bytes on disk for rows of so many tokens."""
    return sum(lengths) * width * int(dtype.size) + 8 * len(lengths)


class HiddenStore:
    """States [tokens, width] of each row. Not to be written by two processes at once."""

    def __init__(self, folder: Path, identity: dict[str, Any], lengths: Items[int], width: int, dtype: Any) -> None:
        """Open what `folder` holds for this very `identity`, or begin anew. Raises DiskFull, NoPermission."""
        self.lengths, self.width, self.dtype = list(lengths), width, dtype
        self._numpy, self._bits = _BITS[dtype]
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        described = {**identity, "lengths": self.lengths, "width": width, "dtype": str(dtype)}
        with telling_os_errors(folder, "keep hidden states"):
            folder.mkdir(parents=True, exist_ok=True)
            kept = _identity(folder / _IDENTITY) == described
            mode: Any = "r+" if kept else "w+"
            self._states = np.memmap(folder / _STATES, self._numpy, mode, shape=(int(self._starts[-1]), width))
            # For each row: whether it is there, and its checksum.
            self._index = np.memmap(folder / _INDEX, np.uint32, mode, shape=(len(self.lengths), 2))
            if not kept:
                write_json(folder / _IDENTITY, described)
        self._checked = np.zeros(len(self.lengths), np.bool_)

    @property
    def complete(self) -> bool:
        return bool(self._index[:, 0].all())

    def has(self, row: int) -> bool:
        """Whether a row is there and as it was written."""
        if self._index[row, 0] and not self._checked[row]:
            whole = _checksum(self._slice(row)) == self._index[row, 1]
            self._checked[row] = whole
            self._index[row, 0] = whole
        return bool(self._index[row, 0])

    def put(self, row: int, states: mx.array) -> None:
        """Keep the states [length, width] of a row."""
        target = self._slice(row)
        target[:] = np.array(states.view(self._bits))
        self._index[row] = 1, _checksum(target)
        self._checked[row] = True

    def lay_out(self, places: Items[tuple[int, int, int, int]], shape: tuple[int, int]) -> mx.array:
        """The bits of states [lines, width of line, width]: rows at (row, line, start, length), zeros elsewhere.

        Any thread may call this, one at a time and none beside `put`: it runs nothing on the device.
        """
        filled = sum(length for *_, length in places) == shape[0] * shape[1]
        whole = (np.empty if filled else np.zeros)((*shape, self.width), self._numpy)
        for row, line, start, length in places:
            whole[line, start : start + length] = self._slice(row)
        return mx.array(whole)

    def states(self, bits: mx.array) -> mx.array:
        """The states that `lay_out` gave the bits of."""
        return bits.view(self.dtype)

    def sync(self) -> None:
        """Have the disk hold what was put."""
        self._states.flush()
        self._index.flush()

    def _slice(self, row: int) -> np.ndarray:
        return self._states[self._starts[row] : self._starts[row + 1]]


def _identity(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = read_json(path)
    except (OSError, ValueError):
        return None
    return found


def _checksum(states: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(states).view(np.uint8).data)
