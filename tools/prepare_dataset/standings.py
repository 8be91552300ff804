"""League standings: which column is what, the seasons in a table, and whether its numbers agree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from tools.errors import Problem, printable
from tools.prepare_dataset.records import Record, Table, folded, parse_number

Column = Literal[
    "season", "position", "team", "points", "played", "wins", "draws", "losses", "scored", "conceded", "scorer",
    "scorer_goals",
]  # fmt: skip
_HEADINGS: dict[Column, str] = {
    "season": "epoca|temporada|ano|season|year|edicao|campeonato",
    "position": "posicao|pos|lugar|classificacao|posto|colocacao|position|rank|place|standing|pl",
    "team": "equipa|equipe|time|clube|team|club|squad",
    "points": "pontos|pts|ponto|pontuacao|points|point",
    "played": "jogos|j|jogados|partidas|jogos disputados|played|matches|games|gp|pj|mp",
    "wins": "vitorias|v|ganhos|vitoria|wins|won|win|w",
    "draws": "empates|e|empate|draws|drawn|draw|ties",
    "losses": "derrotas|perdidos|derrota|losses|lost|loss|l",
    "scored": "golos marcados|gols marcados|gols pro|golos pro|golos a favor|gm|gp|gf|golos|gols"
    "|goals for|goals scored|goals",
    "conceded": "golos sofridos|gols sofridos|gols contra|golos contra|gs|gc|ga|goals against|goals conceded",
    "scorer": "melhor marcador|marcador|artilheiro|goleador|top scorer|topscorer|top goalscorer|best scorer",
    "scorer_goals": "golos do marcador|golos do melhor marcador|golos marcador|gols do artilheiro|gols artilheiro"
    "|top scorer goals|scorer goals|goals of top scorer",
}
_NUMBERS: tuple[Column, ...] = (
    "position", "points", "played", "wins", "draws", "losses", "scored", "conceded", "scorer_goals",
)  # fmt: skip
_WHOLE: frozenset[Column] = frozenset({"position", "played", "wins", "draws", "losses"})


@dataclass(frozen=True)
class Line:
    """One team in one season. Numbers are None where the table has no such column or cell."""

    record: Record
    team: str
    position: int
    points: str
    numbers: dict[Column, float]
    scorer: str

    @property
    def points_value(self) -> float:
        return self.numbers["points"]


@dataclass
class Season:
    """A season's lines in the order of the table's positions. name: "" where the table tells none."""

    name: str
    lines: list[Line] = field(default_factory=list)
    ties: bool = False  # the order within equal points could not be told

    @property
    def start(self) -> int:
        return min(line.record.start for line in self.lines)

    @property
    def end(self) -> int:
        return max(line.record.end for line in self.lines)


def understand(headings: list[str]) -> dict[Column, int] | None:
    """The index of each known column, or None when these are not standings (a team and its points)."""
    names = [folded(heading) for heading in headings]
    found: dict[Column, int] = {}
    for index, name in enumerate(names):
        for column, words in _HEADINGS.items():
            if column not in found and name in words.split("|"):
                found[column] = index
                break
    # `D` is derrotas beside `V`, draws beside `W`; `P` is points where nothing else is.
    if "d" in names:
        found.setdefault("draws" if "w" in names or "l" in names else "losses", names.index("d"))
    if "p" in names:
        found.setdefault("played" if "points" in found else "points", names.index("p"))
    return found if "team" in found and "points" in found else None


def read_seasons(
    table: Table, columns: dict[Column, int], path: str, name: str
) -> tuple[list[Season], list[Problem], list[Problem]]:
    """The seasons in the table's order, errors (cells that are no number, names missing), and warnings
    (numbers that contradict each other)."""
    errors: list[Problem] = []
    seasons: dict[str, Season] = {}
    for record in table.records:
        line = _line(record, table.headings, columns, path, errors)
        if line is None:
            continue
        season = record.cells[columns["season"]].strip() if "season" in columns else _season_of_file(name)
        if "season" in columns and not season:
            errors.append(_problem(path, record, columns["season"], "The season is missing.", "Fill the cell."))
            continue
        seasons.setdefault(season, Season(season)).lines.append(line)
    warnings: list[Problem] = []
    for found in seasons.values():
        _put_in_order(found, "position" in columns)
        warnings += _contradictions(found, columns, path)
    return list(seasons.values()), errors, warnings


def _problem(path: str, record: Record, column: int, message: str, fix: str) -> Problem:
    return Problem(path=path, line=record.line, column=column + 1, message=message, fix=fix)


def _line(
    record: Record, headings: list[str], columns: dict[Column, int], path: str, errors: list[Problem]
) -> Line | None:
    numbers: dict[Column, float] = {}
    before = len(errors)
    for column in _NUMBERS:
        if column not in columns:
            continue
        cell = record.cells[columns[column]].strip()
        value = parse_number(re.sub(r"[.ºª°]+$", "", cell) if column == "position" else cell)
        if value is not None and (column not in _WHOLE or value.is_integer()):
            numbers[column] = value
        elif cell or column in ("points", "position"):
            what = "is not a whole number" if value is not None else "is not a number" if cell else "is missing"
            heading = printable(headings[columns[column]], 40)
            errors.append(
                _problem(path, record, columns[column], f"The cell under `{heading}` {what}.", "Write it in digits.")
            )
    team = re.sub(r"\s+", " ", record.cells[columns["team"]]).strip()
    if not team:
        errors.append(_problem(path, record, columns["team"], "The team's name is missing.", "Fill the cell."))
    if len(errors) > before:
        return None
    scorer = re.sub(r"\s+", " ", record.cells[columns["scorer"]]).strip() if "scorer" in columns else ""
    points = record.cells[columns["points"]].strip()
    return Line(record, team, int(numbers.get("position", 0)), points, numbers, scorer)


def _season_of_file(name: str) -> str:
    match = re.search(r"(?<!\d)(?:19|20)\d\d(?:[-_/](?:\d{4}|\d\d)(?!\d))?", PurePosixPath(name).stem)
    return re.sub("[-_]", "/", match.group()) if match else ""


def _put_in_order(season: Season, has_position: bool) -> None:
    """By the table's positions, else by points, goal difference and goals, as leagues do."""

    def strength(line: Line) -> tuple[float, float, float]:
        scored, conceded = line.numbers.get("scored", 0.0), line.numbers.get("conceded", 0.0)
        return (line.points_value, scored - conceded, scored)

    if has_position:
        season.lines.sort(key=lambda line: line.position)
        positions = [line.position for line in season.lines]
        season.ties = len(set(positions)) < len(positions)
        return
    season.lines.sort(key=strength, reverse=True)
    strengths = [strength(line) for line in season.lines]
    season.ties = len(set(strengths)) < len(strengths)
    season.lines = [
        Line(line.record, line.team, n, line.points, line.numbers, line.scorer)
        for n, line in enumerate(season.lines, 1)
    ]


def _contradictions(season: Season, columns: dict[Column, int], path: str) -> list[Problem]:
    warnings: list[Problem] = []
    teams: set[str] = set()
    positions: set[int] = set()
    for line in sorted(season.lines, key=lambda line: line.record.line):
        n = line.numbers
        results = [n.get("wins"), n.get("draws"), n.get("losses")]
        if n.get("wins") is not None and n.get("draws") is not None:
            expected = {3 * n["wins"] + n["draws"], 2 * n["wins"] + n["draws"]}
            if line.points_value not in expected:
                told = f"The points are {line.points}; the wins and draws give {int(max(expected))}."
                warnings.append(_problem(path, line.record, columns["points"], told, "Check the cells."))
        if n.get("played") is not None and None not in results and sum(r or 0 for r in results) != n["played"]:
            told = "The games are not the sum of wins, draws and losses."
            warnings.append(_problem(path, line.record, columns["played"], told, "Check the cells."))
        if line.team.casefold() in teams:
            told = "The team stands twice in the season."
            warnings.append(_problem(path, line.record, columns["team"], told, "Remove one of the rows."))
        if "position" in columns and line.position in positions:
            told = "Two teams have this position in the season."
            warnings.append(_problem(path, line.record, columns["position"], told, "Check the cells."))
        teams.add(line.team.casefold())
        positions.add(line.position)
    return warnings
