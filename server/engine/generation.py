"""One request to the engine, as its caller sees it: a stream of events that can be cancelled."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cached_property

from server.engine.errors import SlowReader, TooSlow
from server.engine.models import Target
from server.engine.protocol import Done, Ended, Failed, Generate, Prompt, Reasoning, Started, Text, ToolCall
from server.records import GenerationRecord, current_id, join_current
from tools.errors import AfinaError
from tools.models.sampling import Sampling

# What an answer is told in.
Piece = Text | Reasoning | ToolCall
Event = Started | Piece | Ended | Done

# Events, and log-probabilities in them, that may wait for a slow reader.
_BACKLOG = 16_384


@dataclass(frozen=True)
class Request:
    """What to answer with. max_tokens counts each answer; see `protocol.Generate` for the rest."""

    target: Target
    prompts: tuple[Prompt, ...]
    max_tokens: int
    sampling: Sampling
    n: int = 1
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    echo: bool = False
    request_id: str = field(default_factory=current_id)
    client: str = ""

    @property
    def base(self) -> str:
        """The fingerprint of the base it needs."""
        return self.target.base.fingerprint

    @cached_property
    def digest(self) -> bytes:
        """Equal for requests that ask the same of the same weights, whoever asks."""
        message = self.message(0).model_copy(update={"request_id": ""})
        return hashlib.blake2b(self.base.encode() + message.model_dump_json().encode(), digest_size=16).digest()

    @property
    def rows(self) -> int:
        """Answers asked for."""
        return len(self.prompts) * self.n

    def message(self, number: int) -> Generate:
        return Generate(
            id=number,
            adapter=self.target.adapter,
            prompts=list(self.prompts),
            n=self.n,
            max_tokens=self.max_tokens,
            sampling=self.sampling,
            stop=list(self.stop),
            top_logprobs=self.top_logprobs,
            echo=self.echo,
            request_id=self.request_id,
        )


class Generation:
    """Iterate over it for Started, the pieces and Ended of each answer, and Done, which is the last.

    Iterating raises an AfinaError when the request fails: TooSlow when `timeout_s` is over, SlowReader
    when too much has piled up unread. Whoever stops before the end calls `cancel`, which may be called
    at any time. on_end: told when it is over before the engine said so.
    """

    def __init__(self, number: int, request: Request, timeout_s: float, on_end: Callable[[Generation], None]) -> None:
        self.number = number
        self.request = request
        self.since = time.monotonic()
        self.started = False
        self.writing = False
        self.attempts = 0
        self._over = False
        self._events: asyncio.Queue[Event | AfinaError] = asyncio.Queue()
        self._backlog = 0
        self._timeout_s = timeout_s
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self._too_slow)
        self._on_end = on_end
        self.record = join_current(_record_of(request), request.prompts)

    @property
    def client(self) -> str:
        return self.request.client

    @property
    def base(self) -> str:
        return self.request.base

    @property
    def over(self) -> bool:
        return self._over

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._read()

    async def _read(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            if isinstance(event, AfinaError):
                raise event
            self._backlog -= _size(event)
            yield event
            if isinstance(event, Done):
                return

    def cancel(self) -> None:
        """Give up; nothing happens when it is over."""
        if not self._over:
            self._end()
            self._on_end(self)

    def tell(self, event: Event | Failed) -> None:
        """From the engine's handle: the next event."""
        if isinstance(event, Failed):
            self.fail(AfinaError.from_dict(event.error))
            return
        self.started = True
        self.writing = self.writing or not isinstance(event, Started)
        self.record.saw(event)
        self._events.put_nowait(event)
        self._backlog += _size(event)
        if isinstance(event, Done):
            self._end()
        elif self._backlog > _BACKLOG:
            self._give_up(
                SlowReader("The answer was taken too slowly: too much of it waited to be sent.", fix="Read faster.")
            )

    def fail(self, error: AfinaError) -> None:
        """From the engine's handle: it ends with an error."""
        if not self._over:
            self._end()
            self.record.error = error.code
            self._events.put_nowait(error)

    def _too_slow(self) -> None:
        self._give_up(
            TooSlow(
                f"The answer took longer than {self._timeout_s:g} s.",
                fix="Ask for fewer tokens, or serve with a longer --request-timeout-s.",
            )
        )

    def _give_up(self, error: AfinaError) -> None:
        if not self._over:
            self.fail(error)
            self._on_end(self)

    def _end(self) -> None:
        self._over = True
        self._timer.cancel()


def _size(event: Event) -> int:
    return 1 + sum(1 + len(one.top) for one in event.logprobs) if isinstance(event, Text) else 1


def _record_of(request: Request) -> GenerationRecord:
    target = request.target
    adapter = target.adapter
    return GenerationRecord(
        base=target.base.name,
        adapter=adapter.name if adapter else "",
        version=adapter.version if adapter else "",
        rows=max(1, request.rows),
    )
