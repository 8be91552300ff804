"""The questions of an evaluation, by what each form of them tells apart.

The dataset's own ask what training told in other words, or what was held out. Beside them stand facts
in the very words of training, facts asked for their subject, and questions that nothing answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.evaluate.items import spread
from tools.evaluate.measured import Asked, Form
from tools.evaluate.probes import unanswerable
from tools.evaluate.reversing import reversed_questions
from tools.language.words import words
from tools.prepare_dataset.reading_back import Dataset, Question, Row
from tools.prepare_dataset.wording import wording

# Of each form that is made beside the dataset's own questions: together about as many as of those, where they are few.
_FEWEST_MADE, _MOST_MADE = 2, 12
_LONGEST_ANSWER = 12  # words: longer ones are no facts
_NO_ANSWER = "unanswerable"  # the kind of a given question that has none


def questions_asked(dataset: Dataset, limit: int) -> list[Asked]:
    """At most `limit` of the dataset's own questions, and some of every other form; no answers yet."""
    own = own_questions(dataset)
    given = [one for one in dataset.questions() if one.kind == _NO_ANSWER]
    most = min(max(_FEWEST_MADE, limit // 3), _MOST_MADE, limit)
    known = spread(own, limit)
    taught = [question for question in _taught(dataset) if len(words(question.answer)) <= _LONGEST_ANSWER]
    strangers = [*spread(given, most), *unanswerable(known, most)][:most]
    told = {_normal(question.question) for question in taught}
    return [
        *(Asked(question=one, form=_form(one, told), answers={}) for one in known),
        *(Asked(question=one, form="taught", answers={}, made=True) for one in spread(taught, most)),
        *(Asked(question=one, form="reversed", answers={}, made=True) for one in reversed_questions(own, most)),
        *(Asked(question=one, form="unanswerable", answers={}) for one in strangers),
    ]


def own_questions(dataset: Dataset) -> list[Question]:
    """The dataset's questions that have an answer."""
    return [one for one in dataset.questions() if one.kind != _NO_ANSWER]


def _form(question: Question, told: set[str]) -> Form:
    if question.split in ("valid", "test"):
        return "held_out"
    return "taught" if _normal(question.question) in told else "seen"


def _taught(dataset: Dataset) -> Iterator[Question]:
    """The questions that stand in training's rows, with the answers that it gives."""
    origins = [origin for origin in dataset.provenance() if origin.split == "train"]
    for origin, row in zip(origins, dataset.rows("train"), strict=True):
        pair = _pair(dataset, row) if origin.form == "question" else None
        if pair is not None:
            yield Question(
                question=pair[0],
                answer=pair[1],
                kind=origin.kind,
                source=row.source,
                document=row.document,
                split="train",
            )


def _pair(dataset: Dataset, row: Row) -> tuple[str, str] | None:
    """Question and answer of a row that has nothing else; None for one with a context."""
    if row.text is not None:
        form = wording(dataset.language).form
        start, end = f"{form.instruction}\n", f"\n\n{form.response}\n"
        prompt = row.text[: row.response_start or 0]
        if not (prompt.startswith(start) and prompt.endswith(end)):
            return None
        asked, answer = prompt[len(start) : -len(end)], row.text[row.response_start or 0 :]
    elif row.messages is not None:
        turns = [message for message in row.messages if message["role"] != "system"]
        if [turn["role"] for turn in turns] != ["user", "assistant"]:
            return None
        asked, answer = (str(turn.get("content") or "") for turn in turns)
    else:
        asked, answer = row.prompt or "", row.completion or ""
    asked, answer = asked.strip(), answer.strip()
    return (asked, answer) if asked and answer and "\n" not in asked else None


def _normal(text: str) -> str:
    return " ".join(words(text))
