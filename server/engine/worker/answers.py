"""One answer's text as messages: what is thought, what is said, what is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from server.engine.protocol import Logprob, Message, Reasoning, Text, ToolCall
from server.engine.worker.conversations import AnswerPlan
from tools.errors import AfinaError
from tools.models.reasoning import ThoughtSplitter
from tools.models.tool_calls.parser import CallArguments, CallStart, Piece, Said, ToolCallParser

Reason = Literal["stop", "length", "tool_calls"]


class AnswerReader:
    """Feed it an answer's text as it comes. thoughts: all that was thought so far. processors: the answer's own."""

    def __init__(self, plan: AnswerPlan, prompt_tokens: int, number: int, index: int) -> None:
        """number: the request's. index: the answer's."""
        self.processors = plan.processors(prompt_tokens)
        self._number = number
        self._index = index
        self._is_free = plan.is_free
        self._splitter = ThoughtSplitter(plan.thinking)
        self._parser = ToolCallParser(plan.syntax, plan.tools.by_name()) if plan.tools else None
        self._waiting: list[Logprob] = []  # of text that was not told yet
        self.thoughts = ""

    @property
    def error(self) -> AfinaError | None:
        """What the answer's grammar met: it is not to be trusted then."""
        return next((process.error for process in self.processors if process.error), None)

    def read(self, text: str, logprobs: list[Logprob]) -> Iterator[Message]:
        self._waiting += logprobs
        if self._is_free:
            yield self._text(text)
            return
        yield from self._told(*self._splitter.feed(text), ended=False)

    def end(self) -> Iterator[Message]:
        """What was held back."""
        yield from self._told(*self._splitter.finish(), ended=True)

    def reason(self, reason: Literal["stop", "length"]) -> Reason:
        """Why the answer ended, once it has: calls are one reason."""
        return "tool_calls" if reason == "stop" and self._parser and self._parser.calls else reason

    def _told(self, thought: str, said: str, ended: bool) -> Iterator[Message]:
        if thought:
            self.thoughts += thought
            yield Reasoning(id=self._number, index=self._index, text=thought)
        if thought or self._splitter.is_thinking:
            self._waiting = []  # log-probabilities are told of what is said alone
        for piece in self._pieces(said, ended):
            yield from self._message(piece)
        if ended and self._waiting and not (self._parser and self._parser.calls):
            yield self._text("")

    def _pieces(self, said: str, ended: bool) -> list[Piece]:
        if self._parser is None:
            return [Said(said)] if said else []
        pieces = self._parser.feed(said) if said else []
        return pieces + self._parser.finish() if ended else pieces

    def _message(self, piece: Piece) -> Iterator[Message]:
        if isinstance(piece, Said):
            yield self._text(piece.text)
            return
        self._waiting = []
        match piece:
            case CallStart():
                yield ToolCall(
                    id=self._number, index=self._index, call=piece.call, call_id=piece.id, name=piece.name, arguments=""
                )
            case CallArguments():
                yield ToolCall(id=self._number, index=self._index, call=piece.call, arguments=piece.text)

    def _text(self, text: str) -> Text:
        logprobs, self._waiting = self._waiting, []
        return Text(id=self._number, index=self._index, text=text, logprobs=logprobs)
