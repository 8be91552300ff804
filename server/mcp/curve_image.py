"""The loss curve as a PNG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from server.mcp.picture import BLACK, GREY, SIGN, Canvas, Colour, blank, png, ticks, write
from tools.training_status.contract import Point

WIDTH, HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 24, 28
TRAIN, VALID = (31, 119, 180), (230, 115, 0)

Series = list[tuple[float, float]]


def draw(points: Sequence[Point]) -> bytes | None:
    """Training and validation loss over the steps; None when there are not two of either to join."""
    train = [(float(p.step), p.train_loss) for p in points if p.train_loss is not None and math.isfinite(p.train_loss)]
    valid = [(float(p.step), p.valid_loss) for p in points if p.valid_loss is not None and math.isfinite(p.valid_loss)]
    if len(train) < 2 and len(valid) < 2:
        return None
    canvas = blank(WIDTH, HEIGHT)
    plot = _Plot(canvas, [*train, *valid])
    plot.axes()
    plot.line(train, TRAIN, thick=1)
    plot.line(valid, VALID, thick=2)
    write(canvas, _LEFT, 7, "train", TRAIN)
    write(canvas, _LEFT + 60, 7, "valid", VALID)
    write(canvas, WIDTH - _RIGHT - 40, HEIGHT - 12, "step", BLACK)
    return png(canvas)


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
        for loss in ticks(self._y0, self._y1):
            _, row = self._dot(self._x0, loss)
            self._canvas[row, _LEFT : WIDTH - _RIGHT] = GREY
            write(self._canvas, 6, row - 5, f"{loss:.4g}", BLACK)
        for step in ticks(self._x0, self._x1):
            column, _ = self._dot(step, self._y0)
            self._canvas[_TOP : HEIGHT - _BOTTOM, column] = GREY
            label = f"{step:g}"
            left = min(column - SIGN // 2 * len(label), WIDTH - SIGN * len(label))
            write(self._canvas, left, HEIGHT - _BOTTOM + 5, label, BLACK)

    def line(self, points: Series, colour: Colour, thick: int) -> None:
        dots = [self._dot(x, y) for x, y in points]
        for (x0, y0), (x1, y1) in pairwise(dots):
            count = max(abs(x1 - x0), abs(y1 - y0), 1) + 1
            columns = np.linspace(x0, x1, count).round().astype(int)
            rows = np.linspace(y0, y1, count).round().astype(int)
            for shift in range(thick):
                self._canvas[np.minimum(rows + shift, HEIGHT - 1), columns] = colour
