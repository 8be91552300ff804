"""Pairs to the rows that teach them, each accepted or refused with the reason and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tools.annotate_dataset.asked import Asked
from tools.annotate_dataset.checking import Fault, Rests, check_question
from tools.annotate_dataset.contract import Pair, Refused
from tools.annotate_dataset.passages import Passages, PassageText
from tools.annotate_dataset.summaries import check_summary
from tools.annotate_dataset.taking_in import Accepted
from tools.errors import nearest
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.language import Language, is_clearly_not
from tools.prepare_dataset.material import Exchange, RowDraft, Span, UnitKind
from tools.prepare_dataset.reading_back import Dataset

# Of the information that a question is asked with: the paragraphs of its quotes.
_MOST_INFORMATION = 1500  # characters


class Examiner:
    """Examines pairs one after the other: a later one may not repeat an earlier one."""

    def __init__(self, dataset: Dataset, passages: Passages, composer: Composer) -> None:
        self._passages, self._composer = passages, composer
        self._language = dataset.language
        self._asked = Asked.of(dataset, passages.rows)

    def examine(self, pairs: Sequence[Pair]) -> tuple[list[Accepted], list[Refused]]:
        accepted: list[Accepted] = []
        refused: list[Refused] = []
        for index, pair in enumerate(pairs):
            found = self._one(pair)
            if isinstance(found, Fault):
                refused.append(Refused(index=index, passage=pair.passage, reason=found.reason, fix=found.fix))
                continue
            accepted.append(found)
            span = found.rows[0].span
            self._passages.mark(pair.form, span.source, span.start, span.end)
            for question in (pair.question, pair.rephrased):
                if question:
                    self._asked.add(question, pair.answer)
        return accepted, refused

    def _one(self, pair: Pair) -> Fault | Accepted:
        passage = self._passages.by_id.get(pair.passage)
        if passage is None:
            near = nearest(pair.passage, self._passages.by_id)
            fix = f"Did you mean `{near[0]}`?" if near else "Use the id of a passage that was handed out."
            return Fault("There is no passage of that id in train.", fix)
        return self._summary(pair, passage) if pair.form == "summary" else self._question(pair, passage)

    def _question(self, pair: Pair, passage: PassageText) -> Fault | Accepted:
        found = check_question(pair, passage.text, self._language_of(passage.text))
        if isinstance(found, Fault):
            return found
        for question in (pair.question, pair.rephrased):
            fault = self._asked.fault(question, pair.answer) if question else None
            if fault is not None:
                return fault
        ask, answer = pair.question.strip(), pair.answer.strip()
        start, end = found.span
        span = self._span(passage, start, end)
        alone = self._row(Exchange(span, _turns(ask, answer), "question"))
        if isinstance(alone, Fault):
            return alone
        informed = self._informed(span, ask, answer, (_around(passage.text, start, end), passage.text[start:end]))
        return Accepted(pair, (alone, *informed), _moved(found, passage))

    def _informed(self, span: Span, ask: str, answer: str, texts: Iterable[str]) -> Iterator[RowDraft]:
        """The guide's second form, with the first of the texts at hand that fits, if one does."""
        words = self._composer.words
        for text in texts:
            context = words.information.format(text=text, question=ask)
            row = self._row(Exchange(span, _turns(words.from_information, answer), "question", context=context))
            if not isinstance(row, Fault):
                yield row
                return

    def _summary(self, pair: Pair, passage: PassageText) -> Fault | Accepted:
        text = passage.to_sum_up()
        if not passage.can_be_summed:
            return Fault("The passage is too short to sum up.", "Ask questions about it.")
        if not self._passages.lacks(passage, "summary"):
            return Fault("The passage has a summary already.", "Sum up another one.")
        found = check_summary(pair, text, self._language_of(text))
        if isinstance(found, Fault):
            return found
        turns = _turns(self._composer.words.summarize, pair.answer.strip())
        row = self._row(Exchange(self._span(passage, 0, len(text)), turns, "summary", context=text))
        return row if isinstance(row, Fault) else Accepted(pair, (row,), _moved(found, passage))

    def _row(self, exchange: Exchange) -> Fault | RowDraft:
        row = self._composer.exchange(exchange)[0]
        limit = self._passages.limit
        if row.tokens > limit:
            return Fault(f"The row would have {row.tokens} tokens; the dataset's limit is {limit}.", "Shorten it.")
        return row

    def _language_of(self, text: str) -> Language:
        other: Language = "en" if self._language == "pt" else "pt"
        return other if is_clearly_not(text, self._language) else self._language

    @staticmethod
    def _span(passage: PassageText, start: int, end: int) -> Span:
        origin = passage.origin
        kind: UnitKind = "biography" if origin.kind == "biography" else "book"
        return Span(origin.source, kind, origin.document, origin.place, origin.start + start, origin.start + end)


def _turns(ask: str, answer: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"role": "user", "content": ask}, {"role": "assistant", "content": answer}


def _moved(found: Rests, passage: PassageText) -> tuple[tuple[int, int], ...]:
    """The quotes' characters in the source."""
    start = passage.origin.start
    return tuple((start + begin, start + end) for begin, end in found.quotes)


def _around(text: str, start: int, end: int) -> str:
    """The paragraphs that hold characters `start` to `end`, or those characters alone where that is too much."""
    begin = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
    stop = text.find("\n\n", end)
    around = text[begin : stop if stop >= 0 else len(text)].strip()
    return around if len(around) <= _MOST_INFORMATION else text[start:end]
