"""All units of all sources to rows, every example that cannot be one told by its line."""

from __future__ import annotations

from collections.abc import Sequence

from tools.errors import Problem
from tools.prepare_dataset.compose import Composer, Refused
from tools.prepare_dataset.cut import cut, target_tokens
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.headings import is_heading
from tools.prepare_dataset.material import Exchange, Parsed, Passage, RowDraft, Source, Unit
from tools.prepare_dataset.sources import MOST_TOLD, problems_error
from tools.prepare_dataset.stages import Stages

TOO_LONG = "does not fit max_tokens"
HEADING = "heading without text"


class RowMaker:
    """Makes rows of at most `limit` tokens, and remembers what it chose.

    drops: takes in what makes no row. overlap: tokens that the rows of a passage may repeat of each
    other (`repeating_ends`).
    """

    def __init__(self, composer: Composer, limit: int, drops: Drops, overlap: int = 0) -> None:
        self.composer, self.limit, self.overlap = composer, limit, overlap
        self.drops = drops
        self.notes: list[str] = []
        self._problems: list[Problem] = []
        self._untold = 0

    def make(self, sources: Sequence[Source], parsed: Sequence[Parsed], stages: Stages) -> list[RowDraft]:
        """The rows in the sources' order. Raises DataError listing the examples that make no row."""
        rows: list[RowDraft] = []
        stages.begin("Cutting", sum(len(source.text) for source in sources))
        before = 0
        for source, one in zip(sources, parsed, strict=True):
            stages.at(source.name, before)
            target = self._target(source)
            for unit in one.units:
                stages.at(source.name, before + unit.span.start)
                rows += self._unit(unit, source, target)
            before += len(source.text)
            self._check_system(one)
        if self._problems:
            raise problems_error(self._problems, self._untold)
        return rows

    def _target(self, source: Source) -> int:
        if source.kind != "book":
            return self.limit
        target = target_tokens(source, self.limit, self.composer)
        if target < self.limit:
            self.notes.append(f"Rows of {source.name} hold about {target} tokens, so that it gives some eight or more.")
        return target

    def _unit(self, unit: Unit, source: Source, target: int) -> list[RowDraft]:
        if isinstance(unit, Exchange):
            return self._exchange(unit, source)
        if unit.span.kind == "book" and unit.composed is None and self._is_heading(unit, source):
            return []
        rows = cut(unit, source.text, self.composer, self.limit, target, self.overlap)
        if not rows:
            self.drops.text(TOO_LONG, unit.span, source.text[unit.span.start : unit.span.end])
        return rows

    def _is_heading(self, unit: Passage, source: Source) -> bool:
        """Whether nothing but a heading is left of a passage."""
        text = source.text[unit.span.start : min(unit.span.end, unit.span.start + 300)]
        alone = len(text) < 300 and is_heading(text.strip())
        if alone:
            self.drops.text(HEADING, unit.span, text)
        return alone

    def _exchange(self, unit: Exchange, source: Source) -> list[RowDraft]:
        def fault(message: str, fix: str) -> None:
            if len(self._problems) == MOST_TOLD:
                self._untold += 1
                return
            line = source.text.count("\n", 0, unit.span.start) + 1
            self._problems.append(Problem(path=source.name, line=line, message=message, fix=fix))

        try:
            rows = self.composer.exchange(unit)
        except Refused as refused:
            fault(refused.reason, refused.fix)
            return []
        fitting = [row for row in rows if row.tokens <= self.limit]
        if len(fitting) < len(rows) and unit.is_ours:
            for row in rows:
                if row.tokens > self.limit:
                    self.drops.row(TOO_LONG, row)
        elif len(fitting) < len(rows):
            longest = max(row.tokens for row in rows)
            told = f"The example has {longest} tokens; a row holds {self.limit}."
            fix = "Shorten it, raise max_tokens, or choose a model that reads more at once."
            fault(told, fix)
        return fitting

    def _check_system(self, parsed: Parsed) -> None:
        note = "The model's template takes no system turn: it was put before the first question."
        if self.composer.merge_system and note not in self.notes:
            exchanges = [unit for unit in parsed.units if not isinstance(unit, Passage)]
            if any(unit.messages[0]["role"] == "system" for unit in exchanges):
                self.notes.append(note)


def repeating_ends(train: Sequence[RowDraft]) -> list[RowDraft]:
    """The rows of train, those that can with the end of the row before them in front.

    To be asked for last: what was dropped or changed since the cutting is not repeated, and neither
    duplicates nor held-out text are looked for in what is. Held-out rows do not repeat each other, so
    that each of their tokens is scored once.
    """
    there = {id(row) for row in train}
    return [row.repeating.row if row.repeating and id(row.repeating.before) in there else row for row in train]
