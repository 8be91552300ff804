"""Plots of a report as SVG that stands inside its page: bars with intervals, and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_COLORS = ("#8a94a6", "#2f6fed", "#d9822b", "#2e9e6b", "#a855c7", "#c43d5a", "#5b8a9f", "#7c6f1f", "#444444")
_WIDTH, _LABEL, _BAR, _GAP = 720, 220, 14, 12


@dataclass(frozen=True)
class Bar:
    """A value and its 95% interval, where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


def color(number: int) -> str:
    """The colour of the model of that number; the base is 0."""
    return _COLORS[number % len(_COLORS)]


def bars(groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Horizontal bars from zero, a group a row, in each the models in their order."""
    most = max((max(bar.value, bar.high or 0) for _, group in groups for bar in group), default=0) or 1
    scale = (_WIDTH - _LABEL - 60) / most
    parts: list[str] = []
    y = 4
    for name, group in groups:
        middle = y + len(group) * _BAR / 2 + 4
        parts.append(f'<text x="{_LABEL - 8}" y="{middle:.0f}" text-anchor="end">{escape(_short(name))}</text>')
        for number, bar in enumerate(group):
            parts += _one_bar(bar, y, scale, color(number))
            y += _BAR
        y += _GAP
    return _svg(_WIDTH, y, parts, "Bars by group; smaller is better.")


def _one_bar(bar: Bar, y: int, scale: float, fill: str) -> list[str]:
    width, middle = bar.value * scale, y + _BAR / 2 - 1
    parts = [f'<rect x="{_LABEL}" y="{y}" width="{max(1.0, width):.1f}" height="{_BAR - 2}" fill="{fill}"/>']
    end = width
    if bar.low is not None and bar.high is not None:
        low, end = bar.low * scale, max(width, bar.high * scale)
        across = f"M{_LABEL + low:.1f} {middle}H{_LABEL + bar.high * scale:.1f}"
        parts.append(f'<path d="{across}" class="whisker" stroke-width="1.5"/>')
    parts.append(f'<text x="{_LABEL + end + 6:.1f}" y="{middle + 4}" class="value">{bar.value:.3g}</text>')
    return parts


def curve(series: Sequence[tuple[str, Sequence[tuple[float, float]]]], across: str) -> str:
    """Lines of (x, y) points, with the names of the lines and the extremes of both axes."""
    points = [(x, y) for _, line in series for x, y in line if math.isfinite(y)]
    if len(points) < 2:
        return ""
    height, left, bottom = 240, 52, 28
    (x_low, x_high), (y_low, y_high) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))

    def place(x: float, y: float) -> str:
        across_px = left + (x - x_low) / ((x_high - x_low) or 1) * (_WIDTH - left - 16)
        return f"{across_px:.1f},{12 + (y_high - y) / ((y_high - y_low) or 1) * (height - bottom - 12):.1f}"

    parts = [
        f'<path d="M{left} 12V{height - bottom}H{_WIDTH - 16}" class="axis"/>',
        f'<text x="{left - 6}" y="18" text-anchor="end">{y_high:.3g}</text>',
        f'<text x="{left - 6}" y="{height - bottom}" text-anchor="end">{y_low:.3g}</text>',
        f'<text x="{left}" y="{height - 8}">{x_low:g}</text>',
        f'<text x="{_WIDTH - 16}" y="{height - 8}" text-anchor="end">{escape(across)} {x_high:g}</text>',
    ]
    for number, (name, line) in enumerate(series):
        drawn = " ".join(place(x, y) for x, y in line if math.isfinite(y))
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{color(number)}" stroke-width="2"/>')
        at = f'x="{_WIDTH - 16}" y="{24 + 16 * number}"'
        parts.append(f'<text {at} text-anchor="end" style="fill: {color(number)}">{escape(name)}</text>')
    return _svg(_WIDTH, height, parts, f"Curves over {across}.")


def _svg(width: int, height: int, parts: Sequence[str], said: str) -> str:
    label = escape(said, quote=True)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _short(name: str) -> str:
    return name if len(name) <= 34 else "…" + name[-33:]
