"""Plots of a report as markup: bars with intervals, changes beside zero, and curves over steps.

Positions are shares of the width, so that plots fit a phone and a wide screen, and letters keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Of the width, what the longest bar or whisker takes: its value stands to the right.
_LONGEST = 82.0
_BAR = 18


@dataclass(frozen=True)
class Bar:
    """A value and its 95% interval, where there is one. place: of its model; said: the value in words."""

    place: int
    value: float
    said: str
    low: float | None = None
    high: float | None = None

    @property
    def end(self) -> float:
        return max(self.value, self.high or 0.0)


@dataclass(frozen=True)
class Group:
    """Bars of the models, in their order, on one thing."""

    name: str
    note: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Line:
    """A curve's points, (x, y); those that are no numbers are left out. marked: each point is shown."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: bool = False

    @property
    def drawn(self) -> list[tuple[float, float]]:
        return [(x, y) for x, y in self.points if math.isfinite(y)]


@dataclass(frozen=True)
class Curve:
    """Markup of a curve, and its ticks as (share of the axis from its beginning, value)."""

    svg: str
    across: Sequence[tuple[float, float]]
    up: Sequence[tuple[float, float]]


def tone(place: int) -> str:
    """The class that colours the model of that place; the first, a base, is grey."""
    return f"s{1 + (place - 1) % 8}" if place else "s0"


def bars(group: Group, most: float) -> str:
    """A group's bars below each other, on a scale from zero to `most`."""
    scale = _LONGEST / (most or 1.0)
    parts: list[str] = []
    for number, bar in enumerate(group.bars):
        top, middle = number * _BAR + 2, number * _BAR + _BAR // 2
        width = max(0.4, bar.value * scale)
        parts.append(
            f'<rect x="0" y="{top}" width="{width:.2f}%" height="{_BAR - 4}" rx="2" class="{tone(bar.place)}"/>'
        )
        if bar.low is not None and bar.high is not None:
            parts += _whisker(bar.low * scale, bar.high * scale, middle, "whisker")
        at = f'x="{max(width, bar.end * scale):.2f}%" y="{middle + 4}" dx="8"'
        parts.append(f"<text {at}>{escape(bar.said)}</text>")
    said = "; ".join(bar.said for bar in group.bars)
    return _svg("bars", _BAR * len(group.bars), f"{group.name}: {said}", parts)


def strip(change: float, low: float, high: float, kind: str) -> str:
    """A change and its interval beside zero, which stands in the middle. kind: the class that colours it."""
    reach = max(abs(low), abs(high), abs(change)) * 1.12 or 1.0
    at = [50 + 50 * value / reach for value in (low, change, high)]
    parts = [
        '<line x1="0" x2="100%" y1="11" y2="11" class="rule"/>',
        '<line x1="50%" x2="50%" y1="1" y2="21" class="zero"/>',
        *_whisker(at[0], at[2], 11, kind),
        f'<circle cx="{at[1]:.2f}%" cy="11" r="4.5" class="{kind}"/>',
    ]
    return _svg("strip", 22, "", parts)


def _whisker(low: float, high: float, middle: int, kind: str) -> list[str]:
    ends = [f'x1="{x:.2f}%" x2="{x:.2f}%" y1="{middle - 4}" y2="{middle + 4}"' for x in (low, high)]
    across = f'x1="{low:.2f}%" x2="{high:.2f}%" y1="{middle}" y2="{middle}"'
    return [f'<line {place} class="{kind}"/>' for place in (across, *ends)]


def curve(lines: Sequence[Line], said: str) -> Curve | None:
    """Lines in one box whose letters stand beside it; None where there are not two points."""
    points = [point for line in lines for point in line.drawn]
    if len(points) < 2:
        return None
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low, y_high = min(y for _, y in points), max(y for _, y in points)
    margin = (y_high - y_low) * 0.06 or 0.5
    y_low, y_high = y_low - margin, y_high + margin
    span = (x_high - x_low) or 1.0

    def place(x: float, y: float) -> str:
        return f"{100 * (x - x_low) / span:.2f} {100 * (y_high - y) / (y_high - y_low):.2f}"

    up = [((y - y_low) / (y_high - y_low), y) for y in ticks(y_low, y_high)]
    parts = [f'<path d="M0 {100 - 100 * share:.2f}H100" class="grid"/>' for share, _ in up]
    for number, line in enumerate(lines):
        path = "M" + "L".join(place(x, y) for x, y in line.drawn)
        parts.append(f'<path d="{path}" class="line l{number}"/>' if line.drawn else "")
        if line.marked:
            dots = "".join(f"M{place(x, y)}h0" for x, y in line.drawn)
            parts.append(f'<path d="{dots}" class="dots l{number}"/>')
    drawn = f'viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{escape(said, quote=True)}"'
    across = [((x - x_low) / span, x) for x in ticks(x_low, x_high, most=5)]
    return Curve(f'<svg class="curve" {drawn}>{"".join(parts)}</svg>', across, up)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers inside the range, at most about `most`."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    return [round(i * step, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _svg(kind: str, height: int, said: str, parts: Sequence[str]) -> str:
    label = f'role="img" aria-label="{escape(said, quote=True)}"' if said else 'aria-hidden="true"'
    return f'<svg class="{kind}" width="100%" height="{height}" {label}>{"".join(parts)}</svg>'
