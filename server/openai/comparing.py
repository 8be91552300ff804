"""How likely each of several models finds the answers of all of them: what training changed, in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from server.engine.generation import Event, Request
from server.engine.protocol import Conversation, Done, Logprob, Reasoning, Text, ToolCall
from tools.models.sampling import GREEDY


@dataclass(frozen=True)
class Score:
    """logprob: natural, of the whole text; of its tokens the vocabulary's own spelling is scored."""

    model: str
    logprob: float
    tokens: int


@dataclass(frozen=True)
class Scored:
    """The answer `index` as each of the models finds it, in their order; done: what it took to write it."""

    index: int
    scores: list[Score]
    done: Done


@dataclass
class _Echo:
    """A conversation and the text that answers it, as a model read them."""

    text: str = ""
    logprobs: list[Logprob] = field(default_factory=list)


class Comparison:
    """Show it the events of all answers, then ask `asks` and show it the events of those.

    Answers that think or call are not scored: what was said is not all that the model wrote.
    """

    def __init__(self, asked: Sequence[Request]) -> None:
        self._asked = asked
        self._texts: dict[int, str] = {}
        self._not_plain: set[int] = set()
        self._echoes: dict[int, _Echo] = {}

    def saw(self, event: Event) -> None:
        match event:
            case Text():
                self._texts[event.index] = self._texts.get(event.index, "") + event.text
            case Reasoning() | ToolCall():
                self._not_plain.add(event.index)

    def asks(self) -> list[Request]:
        """For each model the request that has it read every answer as its own; none where there is nothing to read."""
        if not self._places:
            return []
        return [
            replace(
                asked,
                prompts=tuple(_answered(asked, self._texts[index]) for index in self._places),
                n=1,
                max_tokens=0,
                sampling=GREEDY,
                stop=(),
                top_logprobs=0,
                echo=True,
            )
            for asked in self._asked
        ]

    def saw_echo(self, event: Event) -> None:
        if isinstance(event, Text):
            echo = self._echoes.setdefault(event.index, _Echo())
            echo.text += event.text
            echo.logprobs += event.logprobs

    def scored(self, done: Sequence[Done]) -> Iterator[Scored]:
        """done: of each answer. One that was not read has no scores."""
        for index, one in enumerate(done):
            yield Scored(index, self._scores(index) if index in self._places else [], one)

    def _scores(self, index: int) -> list[Score]:
        count, place = len(self._places), self._places.index(index)
        return [
            _score(asked.target.id, self._texts[index], self._echoes.get(number * count + place, _Echo()))
            for number, asked in enumerate(self._asked)
        ]

    @property
    def _places(self) -> list[int]:
        """The answers that are scored."""
        return sorted(index for index, text in self._texts.items() if text and index not in self._not_plain)


def _answered(asked: Request, text: str) -> Conversation:
    """The conversation with this answer at its end."""
    (conversation,) = asked.prompts
    assert isinstance(conversation, Conversation)
    messages = conversation.messages
    if conversation.goes_on:
        messages = [*messages[:-1], {**messages[-1], "content": messages[-1]["content"] + text}]
    else:
        messages = [*messages, {"role": "assistant", "content": text}]
    return conversation.model_copy(update={"messages": messages, "goes_on": True, "tools": None, "json_schema": None})


def _score(model: str, text: str, echo: _Echo) -> Score:
    # Templates may take the blanks off that an answer begins with.
    start = len(echo.text) - len(text if echo.text.endswith(text) else text.lstrip())
    ends = [*(one.start for one in echo.logprobs[1:]), len(echo.text)]
    own = [one.logprob for one, end in zip(echo.logprobs, ends, strict=True) if end > start and one.logprob is not None]
    return Score(model, sum(own), len(own))
