"""Tables to text and questions: results season by season, any other table record by record.

Every answer is computed from the cells, so that it is exact.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from tools.errors import printable
from tools.prepare_dataset.material import Parsed, Passage, Source, Span
from tools.prepare_dataset.records import Record, Table, folded, read_table
from tools.prepare_dataset.results.cells import season_name, season_years
from tools.prepare_dataset.results.columns import understand
from tools.prepare_dataset.results.leagues import Results, number_of, settle
from tools.prepare_dataset.results.match_checks import check_matches
from tools.prepare_dataset.results.matches import read_matches
from tools.prepare_dataset.results.standing_checks import check_standings
from tools.prepare_dataset.results.standings import read_standings
from tools.prepare_dataset.results.table import ResultsTable
from tools.prepare_dataset.results.units import Teller
from tools.prepare_dataset.results.wording import for_headings
from tools.prepare_dataset.wording import Wording

# A cell of more characters is told on lines of its own.
_LONG_CELL = 200


def parse_tables(sources: Sequence[Source], words: Wording) -> list[Parsed]:
    """Texts, training exchanges and questions of each table; its faults by line and cell.

    The tables are taken together: a match list is checked against the standings that another one gives, and
    where two leagues have seasons of one name the questions name the league.
    """
    parsed = [Parsed() for _ in sources]
    results: list[tuple[Results, Parsed]] = []
    for source, one in zip(sources, parsed, strict=True):
        table, problems = read_table(source.text, source.name)
        one.errors += problems
        if table is None:
            continue
        found = _read_results(source, table, one)
        if found is not None:
            results.append((found, one))
        elif not one.errors:
            _records_as_text(source, table, words, one)
    settle([found for found, _ in results])
    for found, one in results:
        _tell_results(found, words, one)
    return parsed


def title_of(name: str) -> str:
    """A title from a file's name: `liga-das-mares.csv` is `Liga das mares`."""
    stem = re.sub(r"[-_\s]+", " ", PurePosixPath(name).stem).strip() or name
    return stem[:1].upper() + stem[1:]


def _title(source: Source, table: Table) -> str:
    return table.caption or source.title or (title_of(source.part) if source.part else title_of(source.name))


def _season_of(source: Source, table: Table) -> str:
    """The season that the caption, the sheet, the work or the file names, "" where none does."""
    for text in (table.caption, source.part, source.title, PurePosixPath(source.file.name).stem):
        years = season_years(text)
        if years is not None:
            return season_name(years)
    return ""


def _read_results(source: Source, table: Table, parsed: Parsed) -> Results | None:
    columns = None if table.pairs else understand(table)
    if columns is None:
        return None
    results = ResultsTable(source.name, table, columns)
    if columns.shape == "matches":
        seasons = read_matches(results, _season_of(source, table))
        check_matches(results, seasons)
    else:
        seasons = read_standings(results, _season_of(source, table))
        if not results.errors:
            check_standings(results, seasons)
    parsed.errors += results.errors
    return None if results.errors else Results(results, _title(source, table), seasons)


def _tell_results(found: Results, words: Wording, parsed: Parsed) -> None:
    table = found.table
    own = for_headings(words.results, [folded(heading) for heading in table.table.headings])
    Teller(found, own, words.continuation).tell(parsed)
    parsed.notes.append(f"{table.path}: {'. '.join([*_understood(found), *table.notes])}.")
    parsed.warnings += table.told()


def _understood(found: Results) -> list[str]:
    """What was read as what, for people, as sentences."""
    table, seasons = found.table, found.seasons
    count = number_of(len(seasons), "season")
    told = f"Read as standings of {count}"
    if table.columns.shape == "matches":
        matches = [match for season in seasons for match in season.matches]
        played = sum(match.played for match in matches)
        told = f"Read as {played} matches in {count}"
        if played < len(matches):
            told += f", {len(matches) - played} more without a score passed over"
    read = [f"{_heading(table.table, index)} = {role.replace('_', ' ')}" for role, index in table.columns.index.items()]
    unknown = [_heading(table.table, index) for index in table.columns.unknown]
    not_read = [f"Not read: {', '.join(unknown)}"] if unknown else []
    return [told, f"Columns: {', '.join(read)}", *not_read]


def _heading(table: Table, index: int) -> str:
    return f"`{printable(' '.join(table.headings[index].split()), 40)}`"


def _records_as_text(source: Source, table: Table, words: Wording, parsed: Parsed) -> None:
    title = _title(source, table)
    if table.pairs:
        _pairs_as_text(source, table, title, parsed)
        return
    for number, record in enumerate(table.records, 1):
        text = "\n".join(
            _cell(heading, cell)
            for heading, cell in zip(table.headings, record.cells, strict=True)
            if heading and cell.strip()
        )
        key = f"{source.name}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        span = Span(source.name, "table", key, f"line {record.line}", record.start, record.end)
        ask = words.ask_row.format(row=number, title=title)
        parsed.units.append(Passage(span, title=title, composed=text, ask=ask))
    told = "Read as records, one a row: it has neither a team's points nor two teams and a score"
    parsed.notes.append(f"{source.name}: {told}.")


def _pairs_as_text(source: Source, table: Table, title: str, parsed: Parsed) -> None:
    records = [record for record in table.records if all(cell.strip() for cell in record.cells)]
    if not records:
        return
    text = "\n".join(_cell(_key(record), record.cells[1]) for record in records)
    span = Span(source.name, "table", f"{source.name}#{title}", title, records[0].start, records[-1].end)
    parsed.units.append(Passage(span, title=title, heading=f"{title}\n", heading_more=f"{title}\n", composed=text))
    parsed.notes.append(f"{source.name}: Read as {len(records)} names with their values.")


def _key(record: Record) -> str:
    return " ".join(record.cells[0].split()).rstrip(" :")


def _cell(heading: str, cell: str) -> str:
    """A cell under its heading; a long one keeps its lines."""
    if len(cell) <= _LONG_CELL:
        return f"{heading}: {' '.join(cell.split())}"
    return f"{heading}:\n" + "\n".join(line.strip() for line in cell.split("\n") if line.strip())
