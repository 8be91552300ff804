"""One request's answers, from one model or from several of one base side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from server.engine.generation import Event, Generation, Piece, Request
from server.engine.handle import Engine
from server.engine.models import Target
from server.engine.protocol import Done, Ended, Started
from server.openai.comparing import Comparison, Scored
from server.openai.errors import ApiError

_AT_ONCE = 64


def begin(engine: Engine, asks: Sequence[Request], client: str, compare: bool = False) -> Answers:
    """Put a client's requests in line. Raises what `Engine.generate` does, and then begins none.

    compare: each model scores the answers of all, once they are there.
    """
    begun: list[Generation] = []
    try:
        for ask in asks:
            begun.append(engine.generate(replace(ask, client=client)))
    except BaseException:
        for generation in begun:
            generation.cancel()
        raise
    if not compare:
        return Answers(begun)
    return Answers(begun, Comparison(asks), lambda more: begin(engine, more, client))


def check_one_base(targets: Sequence[Target]) -> None:
    """Raises ApiError 400 naming the bases when the targets have more than one."""
    bases = {target.base.fingerprint: target.base.name for target in targets}
    if len(bases) > 1:
        told = ", ".join(f"`{target.id}` is of `{target.base.name}`" for target in targets)
        raise ApiError(
            400,
            f"`models` are compared on one base, and these have several: {told}.",
            param="models",
            code="invalid_value",
        )


class Answers:
    """Iterate for the events of all generations, as of one: `Started` and `Done` once, choices counted through.

    Choice `i` of generation `g` has the index `g * rows + i`. What one generation fails of fails all.
    Where they are compared, a `Scored` of each comes before `Done`; what is read for it is in no usage.
    """

    def __init__(
        self,
        generations: Sequence[Generation],
        comparison: Comparison | None = None,
        begin_more: Callable[[Sequence[Request]], Answers] | None = None,
    ) -> None:
        self._generations = list(generations)
        self._comparison = comparison
        self._begin_more = begin_more
        self._done: list[Done] = []
        self._rows = generations[0].request.rows
        self.rows = self._rows * len(generations)

    @property
    def target(self) -> Target:
        """What answers: the model that was asked, or the base of several."""
        first = self._generations[0].request.target
        return first if len(self._generations) == 1 else replace(first, id=first.base.name, adapter=None)

    @property
    def targets(self) -> list[Target]:
        """The target of each choice."""
        return [one.request.target for one in self._generations for _ in range(self._rows)]

    def cancel(self) -> None:
        """Give up; nothing happens when it is over."""
        for generation in self._generations:
            generation.cancel()

    def __aiter__(self) -> AsyncIterator[Event | Scored]:
        if self._comparison is not None:
            return self._compared(self._comparison)
        return aiter(self._generations[0]) if len(self._generations) == 1 else self._merged()

    async def _compared(self, comparison: Comparison) -> AsyncGenerator[Event | Scored]:
        async with aclosing(self._merged()) as events:
            async for event in events:
                comparison.saw(event)
                if isinstance(event, Done):
                    await self._read_all(comparison)
                    for scored in comparison.scored(self._done):
                        yield scored
                yield event

    async def _read_all(self, comparison: Comparison) -> None:
        """Have each model read the answers of all."""
        asks = comparison.asks()
        if not asks or self._begin_more is None:
            return
        reading = self._begin_more(asks)
        self._generations += reading._generations
        async with aclosing(reading._merged()) as events:
            async for event in events:
                comparison.saw_echo(event)

    async def _merged(self) -> AsyncGenerator[Event]:
        # Bounded: what a slow reader leaves must pile up where it is counted, in the generations.
        merged: asyncio.Queue[Event | BaseException] = asyncio.Queue(_AT_ONCE)
        readers = [
            asyncio.create_task(_read(generation, place * self._rows, merged))
            for place, generation in enumerate(self._generations)
        ]
        started, done = False, dict[int, Done]()
        try:
            while len(done) < len(readers):
                event = await merged.get()
                match event:
                    case BaseException():
                        raise event
                    case Done():
                        done[event.id] = event
                    case Started():
                        if not started:
                            yield event
                        started = True
                    case _:
                        yield event
            self._done = [done[generation.number] for generation in self._generations]
            yield _sum(self._done)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)


async def _read(generation: Generation, offset: int, into: asyncio.Queue[Event | BaseException]) -> None:
    try:
        async for event in generation:
            if isinstance(event, Piece | Ended):
                event = event.model_copy(update={"index": event.index + offset})
            await into.put(event)
    except Exception as error:
        await into.put(error)


def _sum(done: Sequence[Done]) -> Done:
    return done[0].model_copy(
        update={name: sum(getattr(one, name) for one in done) for name in Done.model_fields if name.endswith("_tokens")}
    )
