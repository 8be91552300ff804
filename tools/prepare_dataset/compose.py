"""Units to rows in one of three formats: running text, prompt and completion, messages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from tools.errors import InvalidArgument
from tools.prepare_dataset.contract import Format
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.material import Exchange, Passage, RowDraft, RowForm, Span, Unit
from tools.prepare_dataset.sentences import sentence_borders
from tools.prepare_dataset.wording import Wording, instruction_prompt

_SHORTEST_LEAD = 40


class Refused(Exception):
    """An example cannot be a row of this format: `reason` says why, `fix` what to do."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


def choose_format(units: Sequence[Unit], asked: Format | Literal["auto"], has_template: bool) -> tuple[Format, str]:
    """The format of all rows of a dataset, and why: mlx-lm wants one set of keys in a file."""
    if asked != "auto":
        if asked == "chat" and not has_template:
            raise InvalidArgument(
                "The model has no chat template.",
                field="format",
                expected="`text` or `completions` for this model",
                fix="Or name an instruct model.",
            )
        return asked, f"Format `{asked}`, as asked."
    exchanges = [unit for unit in units if isinstance(unit, Exchange)]
    conversations = sum(unit.form == "messages" for unit in exchanges)
    completions = sum(unit.form == "completion" for unit in exchanges)
    passages = len(units) - len(exchanges)
    if has_template and (any(unit.tools for unit in exchanges) or conversations > passages + completions):
        return "chat", f"Format `chat`: conversations are {conversations} of {_documents(units)} documents."
    if has_template and completions > passages + conversations:
        return "completions", f"Format `completions`: prompts are {completions} of {_documents(units)} documents."
    why = "most of the material is running text" if has_template else "the model has no chat template"
    return "text", f"Format `text`: {why}; questions are in the form of instruction and response."


def _documents(units: Sequence[Unit]) -> int:
    return sum(not (isinstance(unit, Exchange) and unit.is_ours) for unit in units)


class Composer:
    """Makes rows of one format in one language. merge_system: the template takes no system turn."""

    def __init__(self, form: Format, words: Wording, counter: RowCounter) -> None:
        self.format, self.words, self.counter = form, words, counter
        # Without a template, nothing else stands between a prompt of ours and its answer.
        self._gap = "" if counter.has_template else "\n"
        self.merge_system = form == "chat" and not self._takes_system()

    def _takes_system(self) -> bool:
        turns = [{"role": role, "content": f"um {role}"} for role in ("system", "user", "assistant")]
        try:
            self.counter.check_turns(turns, None)
        except InvalidArgument:
            return False
        return True

    # Passages ---------------------------------------------------------------------------------

    def passage(self, unit: Passage, piece: str, start: int, *, index: int, whole: bool) -> RowDraft:
        """The row of one piece, characters from `start` of the source where it is copied.

        index: of the piece in its passage. whole: the piece is all of it.
        """
        heading = unit.heading_more if index else unit.heading
        copied = unit.composed is None
        span = replace(unit.span, start=start, end=start + len(piece)) if copied else unit.span
        if self.format == "text":
            content: dict[str, Any] = {"text": heading + piece}
            return self._draft(content, span, piece, row_start=len(heading) if copied else None)
        if unit.ask is not None and whole:
            content = self._turns(unit.ask, heading + piece)
            return self._draft(content, span, piece, row_start=len(heading) if copied else None)
        lead = _lead(piece)
        request = self._request(unit)
        content = self._turns(f"{request}\n\n{piece[:lead].rstrip()}" if lead else request, piece[lead:])
        if copied:
            span = replace(span, start=start + lead)
        return self._draft(content, span, piece, row_start=0 if copied else None)

    def _request(self, unit: Passage) -> str:
        if unit.title and unit.span.kind == "book":
            return self.words.continue_book.format(title=unit.title, place=unit.span.place)
        if unit.heading:
            return f"{self.words.continue_text}\n\n{unit.heading.strip()}"
        return self.words.continue_text

    # Exchanges --------------------------------------------------------------------------------

    def exchange(self, unit: Exchange) -> list[RowDraft]:
        """Its rows: one in chat, one an assistant turn in the other formats. Raises Refused."""
        return [replace(row, cells=unit.cells, rests_on=unit.rests_on) for row in self._rows(unit)]

    def _rows(self, unit: Exchange) -> list[RowDraft]:
        if self.format == "chat":
            return [self._chat(unit)]
        if unit.tools or any(message.get("tool_calls") or message["role"] == "tool" for message in unit.messages):
            raise Refused("Calls of tools have no place in this format.", "Prepare it with format=`chat`.")
        turns = [index for index, message in enumerate(unit.messages) if message["role"] == "assistant"]
        return [self._single(unit, index) for index in turns]

    def _chat(self, unit: Exchange) -> RowDraft:
        messages = [dict(message) for message in unit.messages]
        if unit.context:  # of the question that the last turn answers
            messages[-2]["content"] = f"{messages[-2]['content']}\n\n{unit.context}"
        if self.merge_system and messages[0]["role"] == "system" and len(messages) > 1:
            system = messages.pop(0)
            messages[0]["content"] = f"{system['content']}\n\n{messages[0]['content']}"
        content: dict[str, Any] = {"messages": messages}
        if unit.tools:
            content["tools"] = [dict(tool) for tool in unit.tools]
        learned = "\n".join(_said(turn) for turn in messages)
        answers = [_said(turn) for turn in messages if turn["role"] == "assistant"]
        try:
            if unit.form == "messages" or len(messages) > 2:
                self.counter.check_turns(messages, content.get("tools"))
            return self._draft(content, unit.span, learned, own="\n".join(answers), form=_form(unit))
        except InvalidArgument as error:
            fix = "Rewrite the conversation, or choose another model or format."
            raise Refused(error.message, error.fix or fix) from error

    def _single(self, unit: Exchange, index: int) -> RowDraft:
        ask, answer = str(unit.messages[index - 1]["content"]).strip(), str(unit.messages[index]["content"]).strip()
        before = [self.words.form.told(message) for message in unit.messages[: index - 1]]
        context = "\n".join(part for part in (*before, unit.context) if part)
        learned = "\n".join(part for part in (context, ask, answer) if part)
        if self.format == "completions":
            prompt = f"{context}\n\n{ask}" if before else f"{ask}\n\n{context}" if context else ask
            if unit.is_ours:
                prompt += self._gap
            return self._draft(
                {"prompt": prompt, "completion": answer}, unit.span, learned, own=answer, form=_form(unit)
            )
        lead = instruction_prompt(self.words, ask, context)
        return self._draft(
            {"text": lead + answer}, unit.span, learned, own=answer, response_start=len(lead), form=_form(unit)
        )

    # Rows -------------------------------------------------------------------------------------

    def _turns(self, ask: str, answer: str) -> dict[str, Any]:
        if self.format == "completions":
            return {"prompt": ask + self._gap, "completion": answer}
        return {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]}

    def _draft(
        self,
        content: dict[str, Any],
        span: Span,
        learned: str,
        *,
        own: str | None = None,
        row_start: int | None = None,
        response_start: int | None = None,
        form: RowForm = "passage",
    ) -> RowDraft:
        own = learned if own is None else own
        return RowDraft(content, span, learned, own, self.counter.row(content), row_start, response_start, form)


def _said(turn: Mapping[str, Any]) -> str:
    """A turn's text, and the calls that it makes."""
    calls = json.dumps(turn["tool_calls"], ensure_ascii=False) if turn.get("tool_calls") else ""
    return f"{turn.get('content') or ''}{calls}"


def _form(unit: Exchange) -> RowForm:
    return "exchange" if unit.form == "messages" or unit.form == "completion" else unit.form


def _lead(piece: str) -> int:
    """Characters of a passage that go into the request: its first sentences, at most a third of it."""
    for before, after in sentence_borders(piece, 0, len(piece) // 3 + 1):
        if before >= _SHORTEST_LEAD:
            return after
    words = list(re.finditer(r"\S+\s+", piece))
    count = min(12, len(words) // 3)
    return words[count - 1].end() if count else 0
