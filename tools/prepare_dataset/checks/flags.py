"""What a person should look at: told by file and line, nothing left out for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tools.errors import Problem
from tools.prepare_dataset.checks.languages import NAMES, other_language
from tools.prepare_dataset.checks.lengths import Outlier, find_outliers
from tools.prepare_dataset.checks.secrets import TOLD, Secret, find_secrets
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.lines import file_lines
from tools.prepare_dataset.material import RowDraft, Source

# Of one sort in one file; the rest is counted.
_MOST_TOLD = 10
_SECRET_FIX = "If it should not be learned, remove or replace it in the file and call again."
_LANGUAGE_FIX = "If it should not be learned, leave it out; `language` sets the language of the wording."
_LENGTH_FIX = "Check that the text there is whole and belongs to the work."


@dataclass
class Flags:
    """problems: what was found, by file and line. counts: how often, by what it is."""

    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def find_flags(sources: Sequence[Source], rows: Sequence[RowDraft], language: Language) -> Flags:
    """Secrets in the sources; rows in another language than `language`, and of an unusual length."""
    flags = Flags()
    for source in sources:
        _secrets(source, flags)
    by_name = {source.name: source for source in sources}
    _languages(by_name, rows, language, flags)
    _lengths(by_name, rows, flags)
    return flags


def _secrets(source: Source, flags: Flags) -> None:
    places: defaultdict[Secret, list[int]] = defaultdict(list)
    for found in find_secrets(source.text):
        places[found.kind].append(found.position)
    for kind, positions in places.items():
        flags.counts[kind] += len(positions)
        told = f"Here stands {TOLD[kind]}."
        for n, (position, line) in enumerate(_with_lines(source, positions[:_MOST_TOLD]), 1):
            more = len(positions) - n
            message = f"{told} {more} more follow in this file." if n == _MOST_TOLD and more else told
            flags.problems.append(_problem(source, position, line, message, _SECRET_FIX))


def _languages(sources: Mapping[str, Source], rows: Iterable[RowDraft], language: Language, flags: Flags) -> None:
    found: defaultdict[tuple[str, str], list[RowDraft]] = defaultdict(list)
    totals: Counter[str] = Counter()
    for row in rows:
        if row.form == "question" or row.span.kind == "table":
            continue
        totals[row.span.source] += 1
        other = other_language(row.learned, language)
        if other is not None:
            found[row.span.source, other].append(row)
    for (name, other), those in found.items():
        flags.counts[f"rows in {NAMES[other]}"] += len(those)
        told = (
            f"{len(those)} of its {totals[name]} rows are in {NAMES[other]}, not {NAMES[language]}; the first is here."
        )
        flags.problems += _about_rows(sources[name], those[:1], told, _LANGUAGE_FIX)


def _lengths(sources: Mapping[str, Source], rows: Sequence[RowDraft], flags: Flags) -> None:
    found: defaultdict[tuple[str, bool], list[Outlier]] = defaultdict(list)
    for outlier in find_outliers(rows):
        found[outlier.row.span.source, outlier.is_short].append(outlier)
    for (name, short), those in found.items():
        what = "short" if short else "long"
        flags.counts[f"very {what} rows"] += len(those)
        first = those[0]
        told = f"A row of {first.row.tokens} tokens starts here, where {first.usual} are usual."
        if len(those) > 1:
            told += f" {len(those) - 1} more rows of this file are as {what}."
        flags.problems += _about_rows(sources[name], [first.row], told, _LENGTH_FIX)


def _about_rows(source: Source, rows: Sequence[RowDraft], told: str, fix: str) -> Iterator[Problem]:
    for position, line in _with_lines(source, [row.span.start for row in rows]):
        yield _problem(source, position, line, told, fix)


def _with_lines(source: Source, positions: Sequence[int]) -> Iterator[tuple[int, int | None]]:
    return zip(positions, file_lines(source.file.name, source.text, source.steps, positions), strict=True)


def _problem(source: Source, position: int, line: int | None, message: str, fix: str) -> Problem:
    page = source.page_at(position)
    where = f"Page {page}: " if page is not None else ""
    return Problem(path=source.name, line=line, message=where + message, fix=fix)
