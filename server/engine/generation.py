"""One request to the engine, as its caller sees it: a stream of events that can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from server.engine.errors import TooSlow
from server.engine.models import Target
from server.engine.protocol import Done, Ended, Failed, Generate, Prompt, Reasoning, Started, Text, ToolCall
from server.records import GenerationRecord, current_id, join_current
from tools.errors import AfinaError
from tools.models.sampling import Sampling

# What an answer is told in.
Piece = Text | Reasoning | ToolCall
Event = Started | Piece | Ended | Done


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

    Iterating raises an AfinaError when the request fails, TooSlow when `timeout_s` is over. Whoever
    stops before the end calls `cancel`, which may be called at any time.
    """

    def __init__(
        self, number: int, request: Request, timeout_s: float, on_cancel: Callable[[Generation], None]
    ) -> None:
        self.number = number
        self.request = request
        self.started = False
        self.attempts = 0
        self.over = False
        self._events: asyncio.Queue[Event | AfinaError] = asyncio.Queue()
        self._timeout_s = timeout_s
        self._deadline = asyncio.get_running_loop().time() + timeout_s
        self._on_cancel = on_cancel
        self.record = join_current(_record_of(request), request.prompts)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._read()

    async def _read(self) -> AsyncIterator[Event]:
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    event = await self._events.get()
            except TimeoutError:
                self.cancel()
                self.record.error = TooSlow.code
                raise TooSlow(
                    f"The answer took longer than {self._timeout_s:g} s.",
                    fix="Ask for fewer tokens, or serve with a longer --request-timeout-s.",
                ) from None
            if isinstance(event, AfinaError):
                raise event
            yield event
            if isinstance(event, Done):
                return

    def cancel(self) -> None:
        """Give up; nothing happens when it is over."""
        if not self.over:
            self.over = True
            self._on_cancel(self)

    def tell(self, event: Event | Failed) -> None:
        """From the engine's handle: the next event."""
        if isinstance(event, Failed):
            self.fail(AfinaError.from_dict(event.error))
            return
        self.started = True
        self.over = self.over or isinstance(event, Done)
        self.record.saw(event)
        self._events.put_nowait(event)

    def fail(self, error: AfinaError) -> None:
        self.over = True
        self.record.error = error.code
        self._events.put_nowait(error)


def _record_of(request: Request) -> GenerationRecord:
    target = request.target
    adapter = target.adapter
    return GenerationRecord(
        base=target.base.name,
        adapter=adapter.name if adapter else "",
        version=adapter.version if adapter else "",
        rows=max(1, request.rows),
    )
