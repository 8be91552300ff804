"""One load client for every OpenAI-compatible server: streams side by side, each timed as its user sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

_MOST_SECONDS = 900
_ATTEMPTS = 3


@dataclass(frozen=True)
class Answer:
    """A streamed answer. first_s, last_s: from the sending to its first and last piece of text; tokens by `usage`."""

    text: str
    first_s: float
    last_s: float
    tokens: int

    @property
    def decode(self) -> float:
        """Tokens a second after the first."""
        return (self.tokens - 1) / (self.last_s - self.first_s)


@dataclass(frozen=True)
class Load:
    """What a number of clients got that asked at the same moment, and after how long the last was through.

    processor_s: seconds of processors that the server's processes took for it.
    """

    answers: list[Answer]
    seconds: float
    processor_s: float = 0.0

    @property
    def tokens(self) -> int:
        return sum(answer.tokens for answer in self.answers)

    @property
    def throughput(self) -> float:
        """Tokens a second of all clients together."""
        return self.tokens / self.seconds

    @property
    def first_p95(self) -> float:
        """The 95th percentile, by nearest rank, of the seconds to the first text."""
        times = sorted(answer.first_s for answer in self.answers)
        return times[math.ceil(0.95 * len(times)) - 1]


def put_load(url: str, bodies: Sequence[dict[str, Any]]) -> Load:
    """Send each body's chat request at once, each from a client of its own, and read all answers to their end."""
    return asyncio.run(_all(url, bodies))


async def _all(url: str, bodies: Sequence[dict[str, Any]]) -> Load:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(base_url=url, timeout=_MOST_SECONDS, trust_env=False, limits=limits) as client:
        began = time.perf_counter()
        answers = await asyncio.gather(*(_persistent(client, body) for body in bodies))
        return Load(answers, time.perf_counter() - began)


async def _persistent(client: httpx2.AsyncClient, body: dict[str, Any]) -> Answer:
    """Ask again where a server resets the connection, as it does with a short line of those that it has to accept."""
    began = time.perf_counter()
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(httpx2.TransportError):
            return await _stream(client, body, began)
    return await _stream(client, body, began)


async def _stream(client: httpx2.AsyncClient, body: dict[str, Any], began: float) -> Answer:
    asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
    text, first, last, tokens = "", 0.0, 0.0, 0
    async with client.stream("POST", "/v1/chat/completions", json=asked) as response:
        if response.status_code != 200:
            raise AssertionError(f"{response.status_code}: {(await response.aread()).decode()}")
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line.removeprefix("data: "))
            if "error" in event:
                raise AssertionError(event["error"])
            piece = "".join(choice["delta"].get("content") or "" for choice in event["choices"])
            if piece:
                last = time.perf_counter() - began
                first = first or last
                text += piece
            if event.get("usage"):
                tokens = event["usage"]["completion_tokens"]
    if not tokens or not first:
        raise AssertionError(f"an answer without text: {text!r}, {tokens} tokens")
    return Answer(text, first, last, tokens)
