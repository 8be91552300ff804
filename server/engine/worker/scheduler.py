"""What the engine's process does all the time: take messages, generate a token for every row, tell."""

from __future__ import annotations

import gc
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from server.engine.protocol import (
    Cancel,
    Cancelled,
    Done,
    Ended,
    Failed,
    Generate,
    Load,
    Loaded,
    LoadFailed,
    Message,
    Started,
    Stop,
    Text,
    ToEngine,
)
from server.engine.worker.answers import AnswerReader
from server.engine.worker.prompts import Prepared, prepare
from server.engine.worker.serving import Serving, logprob_of, row_of
from tools.compute import device, generation
from tools.errors import AfinaError, MachineError, WorkerDied

log = logging.getLogger(__name__)

_TELL_MEMORY_S = 1.0
_IDLE_WAIT_S = 1.0


@dataclass
class _Asked:
    """A request that has joined the batch: its rows by their generator's id."""

    request: Generate
    prepared: Prepared
    indices: dict[int, int] = field(default_factory=dict)
    readers: dict[int, AnswerReader] = field(default_factory=dict)
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class Scheduler:
    """Runs until told to stop. send: passes a message to the server."""

    def __init__(self, send: Callable[[Message], None], receive: Callable[[float], ToEngine | None]) -> None:
        self._send = send
        self._receive = receive
        self._serving: Serving | None = None
        self._line: deque[tuple[Generate, Prepared]] = deque()
        self._asked: dict[int, _Asked] = {}
        self._owner: dict[int, int] = {}  # the generator's row → the request
        self._told_memory = 0.0

    def run(self) -> None:
        while True:
            busy = bool(self._owner)
            message = self._receive(0 if busy else _IDLE_WAIT_S)
            while message is not None:
                if isinstance(message, Stop):
                    return
                self._take(message)
                message = self._receive(0)
            self._admit()
            if self._owner and self._serving:
                for event in self._serving.generator.step():
                    self._tell(event)
            self._tell_memory()

    # Messages ---------------------------------------------------------------------------------

    def _take(self, message: ToEngine) -> None:
        match message:
            case Load():
                self._load(message)
            case Generate():
                self._guarded(message, lambda: self._queue(message))
            case Cancel():
                self._cancel(message.id)

    def _load(self, message: Load) -> None:
        start = time.monotonic()
        self._forget()
        try:
            self._serving = Serving.of(message)
        except Exception as error:
            self._forget()
            self._send(LoadFailed(base=message.base, error=_told(error).to_dict()))
            return
        self._send(Loaded(base=message.base, seconds=time.monotonic() - start))
        self._tell_memory(now=True)

    def _forget(self) -> None:
        """Let go of the base and everything on it."""
        self._serving = None
        self._line.clear()
        self._asked.clear()
        self._owner.clear()
        gc.collect()
        device.give_back()

    def _queue(self, request: Generate) -> None:
        if self._serving is None:
            raise MachineError("The engine holds no model.", fix="Call again.")
        prepared = prepare(request, self._serving.base, self._serving.conversations)
        self._serving.admission.check(request, prepared, self._serving.adapters.bytes_of(request.adapter))
        self._line.append((request, prepared))

    def _cancel(self, number: int) -> None:
        self._line = deque(one for one in self._line if one[0].id != number)
        asked = self._asked.get(number)
        if asked is not None:
            self._leave(asked)
        self._send(Cancelled(id=number))

    # Joining and leaving the batch ------------------------------------------------------------

    def _admit(self) -> None:
        """Let requests join, in order, while they have room beside the others."""
        serving = self._serving
        while self._line and serving:
            request, prepared = self._line[0]
            if not serving.admission.fits(request, prepared, serving.adapters.bytes_with(request.adapter)):
                return
            self._line.popleft()
            self._guarded(request, lambda: self._join(request, prepared))  # noqa: B023 - called at once

    def _join(self, request: Generate, prepared: Prepared) -> None:
        serving = self._serving
        assert serving is not None
        slot = serving.adapters.take(request.adapter)
        asked = _Asked(request, prepared)
        self._asked[request.id] = asked
        serving.adapters.keep_within(serving.admission.join(request, prepared))
        self._send(Started(id=request.id))
        for index in range(len(prepared.prompts) * request.n):
            prompt, plan = prepared.prompts[index // request.n], prepared.plans[index // request.n]
            reader = AnswerReader(plan, len(prompt), request.id, index)
            row = serving.generator.add(row_of(request, prepared, index, slot, reader))
            if request.echo and request.top_logprobs is None:
                text = prepared.echoes[index // request.n].text
                self._send(Text(id=request.id, index=index, text=text))
            asked.indices[row] = index
            asked.readers[row] = reader
            self._owner[row] = request.id

    def _leave(self, asked: _Asked) -> None:
        serving = self._serving
        assert serving is not None
        for row in asked.indices:
            serving.generator.cancel(row)
            self._owner.pop(row, None)
        serving.admission.leave(asked.request.id)
        serving.adapters.give_back(asked.request.adapter)
        del self._asked[asked.request.id]

    def _guarded(self, request: Generate, work: Callable[[], None]) -> None:
        """A request that cannot be begun fails alone."""
        try:
            work()
        except Exception as error:
            if request.id in self._asked:
                self._leave(self._asked[request.id])
            self._send(Failed(id=request.id, error=_told(error, request.request_id).to_dict()))

    # Telling ----------------------------------------------------------------------------------

    def _tell(self, event: generation.Event) -> None:
        number = self._owner.get(event.uid)
        if number is None:
            return
        asked = self._asked[number]
        match event:
            case generation.Delta():
                logprobs = [logprob_of(token) for token in event.logprobs]
                for message in asked.readers[event.uid].read(event.text, logprobs):
                    self._send(message)
            case generation.PromptScored():
                index = asked.indices[event.uid]
                text, placed = asked.prepared.echoes[index // asked.request.n].part(event.first, event.logprobs)
                scored = [logprob_of(token) for token in placed]
                self._send(Text(id=number, index=index, text=text, logprobs=scored))
            case generation.Failed():
                self._fail(asked, event.error)
            case generation.Finished():
                self._end(asked, event)

    def _end(self, asked: _Asked, event: generation.Finished) -> None:
        """One answer is complete, perhaps the last."""
        reader, number = asked.readers.pop(event.uid), asked.request.id
        del self._owner[event.uid]
        index = asked.indices.pop(event.uid)
        if reader.error is not None:
            self._fail(asked, reader.error)
            return
        for message in reader.end():
            self._send(message)
        asked.completion_tokens += event.completion_tokens
        if index % asked.request.n == 0:
            asked.cached_tokens += event.cached_tokens
        if reader.thoughts and self._serving:
            thought = self._serving.base.tokenizer.count(reader.thoughts)
            asked.reasoning_tokens += min(thought, event.completion_tokens)
        self._send(Ended(id=number, index=index, reason=reader.reason(event.reason)))
        if not asked.indices:
            self._leave(asked)
            self._send(
                Done(
                    id=number,
                    prompt_tokens=sum(len(prompt) for prompt in asked.prepared.prompts),
                    completion_tokens=asked.completion_tokens,
                    cached_tokens=asked.cached_tokens,
                    reasoning_tokens=asked.reasoning_tokens,
                )
            )

    def _fail(self, asked: _Asked, error: Exception) -> None:
        self._leave(asked)
        self._send(Failed(id=asked.request.id, error=_told(error, asked.request.request_id).to_dict()))

    def _tell_memory(self, now: bool = False) -> None:
        if self._serving is None or (not now and time.monotonic() - self._told_memory < _TELL_MEMORY_S):
            return
        self._told_memory = time.monotonic()
        self._serving.adapters.sweep()
        self._send(self._serving.memory(len(self._owner)))


def _told(error: Exception, request_id: str = "") -> AfinaError:
    """The error in our own words; what a library said stays in the engine's log."""
    if isinstance(error, AfinaError):
        return error
    log.error("a request met a defect: id=%s", request_id, exc_info=error)
    return WorkerDied("The engine could not answer this request, by a defect of ours.", fix="See logs/engine.log.")
