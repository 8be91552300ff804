"""The comparison's PNG, decoded back to its dots."""

from __future__ import annotations

import base64
import json

import numpy as np
from mcp import Client

from server.mcp.comparison_image import BASE, TUNED, WIDTH, draw
from server.mcp.picture import BLACK
from server.mcp.server import build_server
from server.mcp.tool import ToolContext
from tests.evaluate.report.made import made
from tests.server.mcp.test_curve_image import decode
from tools.evaluate.contract import EvaluateResult
from tools.evaluate.measured import Measured

TWO = ("livros@0c1da0e5", "livros@1c1da0e5")


def image(result: EvaluateResult) -> np.ndarray:
    png = draw(result)
    assert png is not None
    return decode(png)


def bars(dots: np.ndarray, colour: tuple[int, int, int]) -> list[int]:
    """The lengths of the bars of a colour, from the top, the legend's square left out."""
    lengths = (dots[:, 16] == colour).all(axis=-1)
    tops = np.nonzero(lengths & ~np.roll(lengths, 1))[0][1:]
    found = []
    for top in tops:
        of_bar = (dots[top] == colour).all(axis=-1)
        found.append(int(of_bar.sum()))
    return found


def test_a_bar_is_as_long_as_its_figure() -> None:
    result = made(TWO).result
    dots = image(result)
    assert dots.shape[1] == WIDTH
    base, first, second = (bars(dots, colour) for colour in (BASE, *TUNED[:2]))
    # Unseen, trained and general texts, answers, and choices.
    assert len(base) == len(first) == len(second) == 6
    assert result.bits_per_byte is not None
    scores = result.bits_per_byte
    for length, value in zip((first[0], second[0]), scores.tuned.values(), strict=True):
        assert abs(length / base[0] - value / scores.base) < 0.01


def test_a_whisker_spans_the_interval_of_the_change() -> None:
    result = made().result
    dots = image(result)
    top = int(np.nonzero((dots[:, 16] == TUNED[0]).all(axis=-1))[0][10])
    rows = dots[top : top + 11, : WIDTH - 72]
    middle = max(range(len(rows)), key=lambda row: int((rows[row] == BLACK).all(axis=-1).sum()))
    columns = np.nonzero((rows[middle] == BLACK).all(axis=-1))[0]
    assert result.bits_per_byte is not None
    one = next(one for one in result.intervals if one.metric == "bits_per_byte")
    scale = bars(dots, BASE)[0] / result.bits_per_byte.base
    assert abs((columns[-1] - columns[0]) - (one.high - one.low) * scale) <= 2
    assert abs(columns[0] - 16 - (result.bits_per_byte.base + one.low) * scale) <= 2


async def test_a_detailed_evaluation_brings_the_image_and_a_concise_one_does_not(context: ToolContext) -> None:
    result = made().result
    request = json.dumps({"adapters": ["livros@0c1da0e5"], "dataset": "livros", "metrics": [], "max_items": 100})
    context.ws.store.write(
        "INSERT INTO jobs (job, kind, state, request, result, created, updated)"
        " VALUES (?, 'evaluation', 'succeeded', ?, ?, 1, 1)",
        (result.evaluation, request, result.model_dump_json()),
    )
    asked = {"evaluation": result.evaluation}
    async with Client(build_server(context)) as client:
        detailed = await client.call_tool("evaluate", {**asked, "detail": "detailed"})
        concise = await client.call_tool("evaluate", asked)
    assert [part.type for part in detailed.content] == ["text", "image"]
    assert base64.b64decode(detailed.content[1].data) == draw(result)
    assert [part.type for part in concise.content] == ["text"]


def test_what_was_not_measured_gives_no_image() -> None:
    assert draw(made(part=Measured()).result) is None
    assert draw(EvaluateResult(evaluation="livros-5c0ffee5", state="running", next="")) is None
