"""What is known of one request once it is over: who asked what of which model, and when what happened.

A record is begun by `server.recording` for every HTTP request and found by a context variable, so that
the engine's generations join the request that they belong to. Times are of `time.monotonic`, in seconds.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from server.engine.protocol import Done, Ended, Message, Prompt, Reasoning, Started, Text, ToolCall

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


@dataclass
class GenerationRecord:
    """One request to the engine. base and adapter are names of what is installed, never a client's words.

    adapter is empty for the bare base; reasons are the answers' finish reasons; error is the code of
    what ended it. prompts and texts are kept only where the person who serves asked to have them logged.
    """

    base: str
    adapter: str = ""
    version: str = ""
    rows: int = 1
    queued: float = field(default_factory=time.monotonic)
    started: float | None = None
    first_token: float | None = None
    done: float | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasons: list[str] = field(default_factory=list)
    error: str | None = None
    prompts: Sequence[Prompt] | None = None
    texts: dict[int, str] = field(default_factory=dict)

    def saw(self, event: Message) -> None:
        """An event of this generation came from the engine."""
        now = time.monotonic()
        match event:
            case Started():
                self.started = self.started or now
            case Text() | Reasoning() | ToolCall():
                self.first_token = self.first_token or now
                if self.prompts is not None:
                    piece = event.arguments if isinstance(event, ToolCall) else event.text
                    self.texts[event.index] = self.texts.get(event.index, "") + piece
            case Ended():
                self.reasons.append(event.reason)
            case Done():
                self.done = now
                self.prompt_tokens = event.prompt_tokens
                self.completion_tokens = event.completion_tokens
                self.cached_tokens = event.cached_tokens

    @property
    def model(self) -> str:
        """`adapter@version`, or the base's name."""
        return f"{self.adapter}@{self.version}" if self.adapter else self.base

    @property
    def wait_s(self) -> float | None:
        """From being asked to joining the batch, the loading of the base included."""
        return self.started - self.queued if self.started else None

    @property
    def first_token_s(self) -> float | None:
        return self.first_token - self.queued if self.first_token else None

    @property
    def token_s(self) -> float | None:
        """Mean time between two tokens of one answer, after its first."""
        after_first = self.completion_tokens / self.rows - 1
        if self.done is None or self.first_token is None or after_first <= 0:
            return None
        return (self.done - self.first_token) / after_first

    @property
    def ending(self) -> str:
        """The finish reasons, or the error's code, or `cancelled` when the client left before the end."""
        if self.error:
            return self.error
        return ",".join(sorted(set(self.reasons))) if self.done else "cancelled"


@dataclass
class RequestRecord:
    """One HTTP request. route is the template that it matched; keep_text: prompts and answers are logged."""

    id: str
    method: str
    path: str
    client: str = ""
    route: str | None = None
    status: int | None = None
    keep_text: bool = False
    began: float = field(default_factory=time.monotonic)
    duration_s: float = 0.0
    generations: list[GenerationRecord] = field(default_factory=list)


current: ContextVar[RequestRecord | None] = ContextVar("current_request", default=None)


def current_id() -> str:
    """The id of the request that is being answered here, or an empty text."""
    record = current.get()
    return record.id if record else ""


def join_current(generation: GenerationRecord, prompts: Sequence[Prompt]) -> GenerationRecord:
    """Have a generation told with the request that is being answered here, if there is one."""
    record = current.get()
    if record is not None:
        record.generations.append(generation)
        if record.keep_text:
            generation.prompts = prompts
    return generation


def request_id(given: str | None) -> str:
    """The client's own id where it is at most 64 plain characters, else a new one."""
    return given if given and _PLAIN_ID.fullmatch(given) else f"req-{uuid.uuid4().hex}"
