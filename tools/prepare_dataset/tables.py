"""Tables to text and questions: standings season by season, any other table record by record.

Every answer is computed from the cells, so that it is exact.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, Source, Span
from tools.prepare_dataset.records import Table, read_table
from tools.prepare_dataset.standings import Line, Season, read_seasons, understand
from tools.prepare_dataset.wording import Wording


def parse_table(source: Source, words: Wording) -> Parsed:
    """Texts, training exchanges and questions of one table; its faults by line and cell."""
    table, problems = read_table(source.text, source.name)
    if table is None:
        return Parsed(errors=problems)
    title = title_of(source.name)
    columns = understand(table.headings)
    if columns is None:
        return _records_as_text(source, table, title, words)
    seasons, errors, warnings = read_seasons(table, columns, source.name, source.name)
    parsed = Parsed(errors=errors, warnings=warnings)
    if not errors:
        for season in seasons:
            _season(source, season, title, words, parsed)
    return parsed


def title_of(name: str) -> str:
    """A title from a file's name: `liga-das-mares.csv` is `Liga das mares`."""
    stem = re.sub(r"[-_\s]+", " ", PurePosixPath(name).stem).strip() or name
    return stem[:1].upper() + stem[1:]


def _records_as_text(source: Source, table: Table, title: str, words: Wording) -> Parsed:
    parsed = Parsed()
    for number, record in enumerate(table.records, 1):
        cells = [
            f"{heading}: {' '.join(cell.split())}"
            for heading, cell in zip(table.headings, record.cells, strict=True)
            if cell.strip()
        ]
        text = "\n".join(cells)
        key = f"{source.name}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        span = Span(source.name, "table", key, f"line {record.line}", record.start, record.end)
        ask = words.ask_row.format(row=number, title=title)
        parsed.units.append(Passage(span, title=title, composed=text, ask=ask))
    return parsed


def _season(source: Source, season: Season, title: str, words: Wording, parsed: Parsed) -> None:
    place = season.name or title
    span = Span(source.name, "table", f"{source.name}#{place}", place, season.start, season.end)
    heading = words.season.format(season=season.name) if season.name else words.no_season.format(title=title)
    lines = [words.season_line.format(position=x.position, team=x.team, points=x.points) for x in season.lines]
    top = top_scorer(season)
    if top is not None:
        scorer, goals = top
        told = f"{scorer} ({words.goals.format(count=goals)})" if goals is not None else scorer
        lines.append(words.top_scorer_line.format(scorer=told))
    parsed.units.append(
        Passage(
            span,
            title=title,
            heading=heading + "\n",
            heading_more=words.continuation.format(heading=heading.removesuffix(":")) + ":\n",
            composed="\n".join(lines),
            ask=words.ask_season.format(season=season.name or title),
        )
    )
    for kind, values, answer, aliases in _facts(season, words):
        given = {"season": season.name or title, **values}
        ask = getattr(words, f"ask_{kind}").format(**given)
        turns = ({"role": "user", "content": ask}, {"role": "assistant", "content": answer})
        parsed.units.append(Exchange(span, turns, "question"))
        test = getattr(words, f"test_{kind}").format(**given)
        parsed.questions.append(Ask(test, answer, aliases, "table", source.name, span.document))


Fact = tuple[str, dict[str, str], str, tuple[str, ...]]


def _facts(season: Season, words: Wording) -> Iterator[Fact]:
    """(kind of question, what it names, answer, aliases). Where two teams share a place, nothing is asked of it."""
    lines = season.lines
    first, last = lines[0], lines[-1]
    distinct = len({line.team.casefold() for line in lines}) == len(lines)
    if not distinct:
        return
    if not season.ties and len(lines) > 1:
        yield "champion", {}, first.team, ()
        yield "last", {}, last.team, ()
        second = lines[1]
        gap = abs(first.points_value - second.points_value)
        yield "difference", {"first": first.team, "second": second.team}, *_points(_plain(gap), words)
    for line in _some(lines, 3):
        yield "points", {"team": line.team}, *_points(line.points, words)
    top = top_scorer(season)
    if top is not None:
        yield "top_scorer", {}, top[0], ()
    if len({line.scorer for line in lines if line.scorer}) > 1:
        for line in _some([line for line in lines if line.scorer], 2):
            yield "team_scorer", {"team": line.team}, line.scorer, ()


def _points(count: str, words: Wording) -> tuple[str, tuple[str, ...]]:
    return (words.point if count == "1" else words.points).format(count=count), (count,)


def _plain(number: float) -> str:
    return str(int(number)) if number.is_integer() else str(number).replace(".", ",")


def _some(lines: list[Line], count: int) -> list[Line]:
    """A few lines, the same ones each time, spread over a league by chance: asking all would drown the books."""

    def chance(line: Line) -> bytes:
        return hashlib.sha256(f"{line.team}\0{line.record.cells}".encode()).digest()

    return sorted(sorted(lines, key=chance)[:count], key=lambda line: line.position)


def top_scorer(season: Season) -> tuple[str, str | None] | None:
    """The season's top scorer and goals: the most goals where each team tells its own, or the only one told.

    None when nobody is told, or several share the place.
    """
    told = [line for line in season.lines if line.scorer]
    if not told:
        return None
    if all("scorer_goals" in line.numbers for line in told):
        most = max(line.numbers["scorer_goals"] for line in told)
        best = {line.scorer for line in told if line.numbers["scorer_goals"] == most}
        return (best.pop(), _plain(most)) if len(best) == 1 else None
    only = {line.scorer for line in told}
    return (only.pop(), None) if len(only) == 1 else None
