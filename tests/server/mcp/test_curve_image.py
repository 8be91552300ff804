"""The loss curve's PNG, decoded back to its dots."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from mcp import Client

from server.mcp.curve_image import HEIGHT, TRAIN, VALID, WIDTH, draw
from server.mcp.server import build_server
from server.mcp.tool import ToolContext
from tests.list_workspace.rows import add_run
from tools.training_status.contract import Point
from tools.workspace import runs


def decode(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, data, size = 8, b"", (0, 0)
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        if kind == b"IDAT":
            data += body
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(size[1], 1 + 3 * size[0])
    return rows[:, 1:].reshape(size[1], size[0], 3)


def height_of(image: np.ndarray, colour: tuple[int, int, int], column: int) -> float:
    """The mean row of a line at a column, below the legend."""
    rows = np.nonzero((image[24:, column] == colour).all(axis=-1))[0]
    assert len(rows), "no line there"
    return float(rows.mean())


def test_both_losses_are_drawn_where_they_belong() -> None:
    points = [Point(step=s, train_loss=4 - 0.03 * s, valid_loss=4 - 0.01 * s) for s in range(0, 101, 10)]
    png = draw(points)
    assert png is not None
    image = decode(png)
    assert image.shape == (HEIGHT, WIDTH, 3)
    for colour in (TRAIN, VALID):
        assert height_of(image, colour, 100) < height_of(image, colour, 600)  # it falls
    assert height_of(image, VALID, 600) < height_of(image, TRAIN, 600)


def test_what_cannot_be_drawn_gives_no_image() -> None:
    assert draw([]) is None
    assert draw([Point(step=0, valid_loss=1.0)]) is None
    assert draw([Point(step=0, train_loss=float("nan")), Point(step=1, train_loss=float("inf"))]) is None


def test_a_flat_curve_is_drawn() -> None:
    assert draw([Point(step=s, train_loss=2.0) for s in (0, 1)]) is not None


async def test_a_detailed_status_brings_the_image_and_a_concise_one_does_not(context: ToolContext) -> None:
    add_run(context.ws, "livros-20261124-1", "paused", 1.0)
    for step in (0, 10):
        runs.add_metrics(context.ws, "livros-20261124-1", step, "valid", {"loss": 3.0 - step / 10})
    async with Client(build_server(context)) as client:
        detailed = await client.call_tool("training_status", {"detail": "detailed"})
        concise = await client.call_tool("training_status", {})
    assert [part.type for part in detailed.content] == ["text", "image"]
    assert detailed.content[1].mime_type == "image/png"
    assert [part.type for part in concise.content] == ["text"]
