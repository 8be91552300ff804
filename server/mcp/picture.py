"""A canvas of dots with lines, bars and small letters, as a PNG: a plotting library would cost a second of start."""

from __future__ import annotations

import math
import struct
import unicodedata
import zlib
from typing import Any

import numpy as np

Canvas = np.ndarray[Any, np.dtype[np.uint8]]
Colour = tuple[int, int, int]

GREY, BLACK = (222, 222, 222), (60, 60, 60)
# A sign with the space after it, and its height, in dots.
SIGN, LETTER = 8, 10

# Five rows of three dots for each sign, a bit a dot.
_FONT = {
    "0": (7, 5, 5, 5, 7), "1": (2, 6, 2, 2, 7), "2": (7, 1, 7, 4, 7), "3": (7, 1, 7, 1, 7), "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7), "6": (7, 4, 7, 5, 7), "7": (7, 1, 2, 2, 2), "8": (7, 5, 7, 5, 7), "9": (7, 5, 7, 1, 7),
    "a": (2, 5, 7, 5, 5), "b": (6, 5, 6, 5, 6), "c": (7, 4, 4, 4, 7), "d": (6, 5, 5, 5, 6), "e": (7, 4, 6, 4, 7),
    "f": (7, 4, 6, 4, 4), "g": (7, 4, 5, 5, 7), "h": (5, 5, 7, 5, 5), "i": (7, 2, 2, 2, 7), "j": (1, 1, 1, 5, 7),
    "k": (5, 5, 6, 5, 5), "l": (4, 4, 4, 4, 7), "m": (5, 7, 7, 5, 5), "n": (6, 5, 5, 5, 5), "o": (7, 5, 5, 5, 7),
    "p": (7, 5, 7, 4, 4), "q": (7, 5, 5, 7, 1), "r": (7, 5, 6, 5, 5), "s": (7, 4, 7, 1, 7), "t": (7, 2, 2, 2, 2),
    "u": (5, 5, 5, 5, 7), "v": (5, 5, 5, 5, 2), "w": (5, 5, 7, 7, 5), "x": (5, 5, 2, 5, 5), "y": (5, 5, 2, 2, 2),
    "z": (7, 1, 2, 4, 7), ".": (0, 0, 0, 0, 2), ",": (0, 0, 0, 2, 4), "-": (0, 0, 7, 0, 0), "+": (0, 2, 7, 2, 0),
    "_": (0, 0, 0, 0, 7), ":": (0, 2, 0, 2, 0), "/": (1, 1, 2, 4, 4), "%": (5, 1, 2, 4, 5), "@": (7, 5, 7, 4, 7),
    "(": (2, 4, 4, 4, 2), ")": (2, 1, 1, 1, 2), "#": (5, 7, 5, 7, 5), " ": (0, 0, 0, 0, 0),
}  # fmt: skip


def blank(width: int, height: int) -> Canvas:
    """A white canvas."""
    return np.full((height, width, 3), 255, np.uint8)


def write(canvas: Canvas, x: int, y: int, text: str, colour: Colour) -> None:
    """Signs of 6 by 10 dots; capitals and accents fall, and signs that the font lacks are left blank."""
    for place, sign in enumerate(_plain(text)):
        for row, bits in enumerate(_FONT.get(sign, _FONT[" "])):
            for column in range(3):
                if bits >> (2 - column) & 1:
                    top, left = y + 2 * row, x + SIGN * place + 2 * column
                    canvas[max(0, top) : max(0, top + 2), max(0, left) : max(0, left + 2)] = colour


def _plain(text: str) -> str:
    spelled = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in spelled if not unicodedata.combining(sign))


def ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers inside the range."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, math.floor(high / step) + 1)]


def png(canvas: Canvas) -> bytes:
    """The canvas as the bytes of a PNG, eight bits a colour."""
    height, width, _ = canvas.shape
    rows = b"".join(b"\x00" + canvas[row].tobytes() for row in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
