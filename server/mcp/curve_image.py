"""The loss curve as a PNG, drawn here: a plotting library would cost a second of start and 50 MB."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tools.training_status.contract import Point

WIDTH, HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 24, 28
_GREY, _BLACK = (222, 222, 222), (60, 60, 60)
TRAIN, VALID = (31, 119, 180), (230, 115, 0)

Canvas = np.ndarray[Any, np.dtype[np.uint8]]
Series = list[tuple[float, float]]

# Five rows of three dots for each sign, a bit a dot.
_FONT = {
    "0": (7, 5, 5, 5, 7), "1": (2, 6, 2, 2, 7), "2": (7, 1, 7, 4, 7), "3": (7, 1, 7, 1, 7), "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7), "6": (7, 4, 7, 5, 7), "7": (7, 1, 2, 2, 2), "8": (7, 5, 7, 5, 7), "9": (7, 5, 7, 1, 7),
    ".": (0, 0, 0, 0, 2), "-": (0, 0, 7, 0, 0), "a": (2, 5, 7, 5, 5), "d": (6, 5, 5, 5, 6), "e": (7, 4, 6, 4, 7),
    "i": (7, 2, 2, 2, 7), "l": (4, 4, 4, 4, 7), "n": (5, 7, 7, 7, 5), "o": (7, 5, 5, 5, 7), "p": (7, 5, 7, 4, 4),
    "r": (7, 5, 6, 5, 5), "s": (7, 4, 7, 1, 7), "t": (7, 2, 2, 2, 2), "v": (5, 5, 5, 5, 2), " ": (0, 0, 0, 0, 0),
}  # fmt: skip


def draw(points: Sequence[Point]) -> bytes | None:
    """Training and validation loss over the steps; None when there are not two of either to join."""
    train = [(float(p.step), p.train_loss) for p in points if p.train_loss is not None and math.isfinite(p.train_loss)]
    valid = [(float(p.step), p.valid_loss) for p in points if p.valid_loss is not None and math.isfinite(p.valid_loss)]
    if len(train) < 2 and len(valid) < 2:
        return None
    canvas: Canvas = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    plot = _Plot(canvas, [*train, *valid])
    plot.axes()
    plot.line(train, TRAIN, thick=1)
    plot.line(valid, VALID, thick=2)
    _text(canvas, _LEFT, 7, "train", TRAIN)
    _text(canvas, _LEFT + 60, 7, "valid", VALID)
    _text(canvas, WIDTH - _RIGHT - 40, HEIGHT - 12, "step", _BLACK)
    return _png(canvas)


class _Plot:
    """Maps steps and losses to dots, over ranges that hold all `points`."""

    def __init__(self, canvas: Canvas, points: Series) -> None:
        self._canvas = canvas
        steps, losses = [x for x, _ in points], [y for _, y in points]
        self._x0, self._x1 = min(steps), max(max(steps), min(steps) + 1)
        margin = (max(losses) - min(losses)) * 0.05 or 0.05
        self._y0, self._y1 = min(losses) - margin, max(losses) + margin

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        across = (x - self._x0) / (self._x1 - self._x0)
        down = (self._y1 - y) / (self._y1 - self._y0)
        return (
            _LEFT + round(across * (WIDTH - _LEFT - _RIGHT - 1)),
            _TOP + round(down * (HEIGHT - _TOP - _BOTTOM - 1)),
        )

    def axes(self) -> None:
        for loss in _ticks(self._y0, self._y1):
            _, row = self._dot(self._x0, loss)
            self._canvas[row, _LEFT : WIDTH - _RIGHT] = _GREY
            _text(self._canvas, 6, row - 5, f"{loss:.4g}", _BLACK)
        for step in _ticks(self._x0, self._x1):
            column, _ = self._dot(step, self._y0)
            self._canvas[_TOP : HEIGHT - _BOTTOM, column] = _GREY
            label = f"{step:g}"
            left = min(column - 4 * len(label), WIDTH - 8 * len(label))
            _text(self._canvas, left, HEIGHT - _BOTTOM + 5, label, _BLACK)

    def line(self, points: Series, colour: tuple[int, int, int], thick: int) -> None:
        dots = [self._dot(x, y) for x, y in points]
        for (x0, y0), (x1, y1) in pairwise(dots):
            count = max(abs(x1 - x0), abs(y1 - y0), 1) + 1
            columns = np.linspace(x0, x1, count).round().astype(int)
            rows = np.linspace(y0, y1, count).round().astype(int)
            for shift in range(thick):
                self._canvas[np.minimum(rows + shift, HEIGHT - 1), columns] = colour


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers inside the range."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, math.floor(high / step) + 1)]


def _text(canvas: Canvas, x: int, y: int, text: str, colour: tuple[int, int, int]) -> None:
    """Signs of 6 by 10 dots; those that the font lacks are left blank."""
    for place, sign in enumerate(text):
        for row, bits in enumerate(_FONT.get(sign, _FONT[" "])):
            for column in range(3):
                if bits >> (2 - column) & 1:
                    top, left = y + 2 * row, x + 8 * place + 2 * column
                    canvas[max(0, top) : max(0, top + 2), max(0, left) : max(0, left + 2)] = colour


def _png(canvas: Canvas) -> bytes:
    height, width, _ = canvas.shape
    rows = b"".join(b"\x00" + canvas[row].tobytes() for row in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
