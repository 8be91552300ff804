"""The questions that a dataset asks already, to tell repetitions and contradictions among new ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tools.annotate_dataset.checking import Fault
from tools.language.one_form import content, forms, missing
from tools.prepare_dataset.reading_back import Dataset, Row
from tools.prepare_dataset.wording import Wording, wording

# Questions of so many words that differ in one more are one question, if their answers are one.
_LONG = 4
_NO = frozenset({"não", "nunca", "sem", "nem", "not", "never", "no", "without"})
Key = tuple[str, ...]


class Asked:
    """Questions by their words, whatever their order and small words."""

    def __init__(self) -> None:
        self._answers: dict[Key, list[tuple[str, ...]]] = defaultdict(list)
        self._shorter: dict[Key, set[Key]] = defaultdict(set)

    @staticmethod
    def of(dataset: Dataset, train: list[Row]) -> Asked:
        """Those kept for evaluation and those in the rows of train."""
        asked = Asked()
        for question in dataset.questions():
            asked.add(question.question, question.answer, *question.aliases)
        words = wording(dataset.language)
        for row in train:
            turns = _turns(row, words)
            if turns is not None:
                asked.add(*turns)
        return asked

    def add(self, question: str, *answers: str) -> None:
        """answers: all that count as right."""
        key = _key(question)
        self._answers[key].append(answers)
        for shorter in _one_less(key):
            self._shorter[shorter].add(key)

    def fault(self, question: str, answer: str) -> Fault | None:
        """Why a question cannot be asked too: it is there already, with this answer or another one."""
        key = _key(question)
        for answers in self._answers.get(key, ()):
            if not _same(answer, answers):
                told = "The question is there already, with another answer."
                return Fault(told, "Correct the answer, or say in the question what sets it apart.")
        if key in self._answers:
            return Fault("The question is there already.", "Ask for something else.")
        near = {*self._shorter.get(key, ()), *(shorter for shorter in _one_less(key) if shorter in self._answers)}
        if any(_same(answer, answers) for other in sorted(near) for answers in self._answers[other]):
            return Fault("Nearly the same question is there already.", "Ask for something else.")
        return None


def _key(question: str) -> Key:
    return tuple(sorted(content(question)))


def _one_less(key: Key) -> Iterator[Key]:
    """The key without each of its words but those that turn the sense, where it is long enough."""
    if len(key) <= _LONG:
        return
    for at, word in enumerate(key):
        if word not in _NO and not word[:1].isdigit():
            yield key[:at] + key[at + 1 :]


def _same(answer: str, others: tuple[str, ...]) -> bool:
    """Whether an answer says what another one does, or a part of it."""
    return any(not missing(answer, forms(other)) or not missing(other, forms(answer)) for other in others)


def _turns(row: Row, words: Wording) -> tuple[str, str] | None:
    """What a row asks and answers, where it does and rests on no context."""
    if row.messages is not None:
        turns = row.messages if len(row.messages) == 2 else []
        return (str(turns[0].get("content") or ""), str(turns[1].get("content") or "")) if turns else None
    if row.prompt is not None:
        return row.prompt.strip(), row.completion or ""
    text, start = row.text or "", row.response_start
    if start is None:
        return None
    shape = rf"{re.escape(words.instruction)}\n(?P<ask>.*?)\n\n{re.escape(words.response)}\n"
    match = re.fullmatch(shape, text[:start], re.DOTALL)
    return (match["ask"], text[start:]) if match else None
