"""Base and tuned side by side as a PNG: bars with the 95% intervals of the changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from server.mcp.picture import BLACK, GREY, LETTER, SIGN, Canvas, Colour, blank, png, write
from tools.evaluate.contract import EvaluateResult, Interval, Scores

WIDTH = 640
BASE = (153, 163, 179)
TUNED = ((47, 111, 237), (217, 127, 34), (43, 154, 107), (157, 87, 194), (200, 68, 106), (63, 147, 168), (138, 123, 34))
_LEFT, _RIGHT, _BAR, _GAP = 16, 72, 14, 14
_GENERAL = "general_bits_per_byte_"


@dataclass(frozen=True)
class _Group:
    """A figure of every model. most: the value at the end of the scale; percent: whether it is a share."""

    metric: str
    name: str
    scores: Scores
    most: float
    percent: bool


def draw(result: EvaluateResult) -> bytes | None:
    """The figures that verdicts stand on, the base's bar first; None while nothing was measured.

    A whisker is the 95% interval of a change, laid to the end of its base's bar: where it crosses that end, the
    change may be chance.
    """
    groups = list(_groups(result))
    if not groups:
        return None
    models = [result.base or "base", *groups[0].scores.tuned]
    legend = (LETTER + 6) * len(models)
    height = legend + _GAP + sum(LETTER + 6 + _BAR * len(models) + _GAP for _ in groups)
    canvas = blank(WIDTH, height)
    for number, model in enumerate(models):
        top = 8 + (LETTER + 6) * number
        canvas[top : top + LETTER, _LEFT : _LEFT + LETTER] = _colour(number)
        write(canvas, _LEFT + 18, top, model, BLACK)
    intervals = {(one.metric, one.model): one for one in result.intervals}
    top = legend + _GAP
    for group in groups:
        top = _draw_group(canvas, top, group, intervals)
    return png(canvas)


def _draw_group(canvas: Canvas, top: int, group: _Group, intervals: Mapping[tuple[str, str], Interval]) -> int:
    """Draw a group from row `top` on; returns the row below it."""
    write(canvas, _LEFT, top, group.name, BLACK)
    top += LETTER + 6
    scale = (WIDTH - _LEFT - _RIGHT) / (group.most or 1.0)
    for number, (model, value) in enumerate([("", group.scores.base), *group.scores.tuned.items()]):
        end = _LEFT + round(value * scale)
        canvas[top : top + _BAR - 3, _LEFT : WIDTH - _RIGHT] = 245
        canvas[top : top + _BAR - 3, _LEFT : max(end, _LEFT + 1)] = _colour(number)
        one = intervals.get((group.metric, model))
        if one is not None:
            ends = [_LEFT + round((value - one.change + part) * scale) for part in (one.low, one.high)]
            _whisker(canvas, top + _BAR // 2 - 2, *(min(max(x, _LEFT), WIDTH - _RIGHT) for x in ends))
        said = f"{100 * value:.0f}%" if group.percent else f"{value:.2f}"
        write(canvas, WIDTH - _RIGHT + SIGN, top, said, BLACK)
        top += _BAR
    canvas[top + _GAP // 2, _LEFT : WIDTH - _LEFT] = GREY
    return top + _GAP


def _whisker(canvas: Canvas, middle: int, low: int, high: int) -> None:
    canvas[middle : middle + 1, low : high + 1] = BLACK
    for end in (low, high):
        canvas[middle - 3 : middle + 4, end : end + 1] = BLACK


def _groups(result: EvaluateResult) -> Iterator[_Group]:
    questions = result.questions
    bits = [
        ("bits_per_byte", "bits per byte, unseen rows", result.bits_per_byte),
        ("trained_bits_per_byte", "bits per byte, rows trained on", result.trained_bits_per_byte),
        *(
            (f"{_GENERAL}{language}", f"bits per byte, general text ({language})", scores)
            for language, scores in (result.forgetting or {}).items()
        ),
    ]
    measured = [(metric, name, scores) for metric, name, scores in bits if scores is not None]
    # One scale, so that texts can be compared with each other.
    ends = [
        scores.base + one.high for metric, _, scores in measured for one in result.intervals if one.metric == metric
    ]
    values = [value for _, _, scores in measured for value in (scores.base, *scores.tuned.values())]
    for metric, name, scores in measured:
        yield _Group(metric, name, scores, max([*values, *ends]), percent=False)
    if questions is not None:
        yield _Group("token_f1", f"words in common, {questions.asked} questions", questions.token_f1, 1.0, percent=True)
        if questions.choice_accuracy is not None:
            name = f"right one of several, {questions.chance or 0:.0%} by chance"
            yield _Group("choice_accuracy", name, questions.choice_accuracy, 1.0, percent=True)


def _colour(number: int) -> Colour:
    return TUNED[(number - 1) % len(TUNED)] if number else BASE
