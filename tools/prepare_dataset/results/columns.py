"""Which column of a table of results holds what, told by its heading and, where that says two things, by its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from tools.prepare_dataset.records import Table, folded, parse_number
from tools.prepare_dataset.results.cells import DateColumn, is_missing, parse_score, season_years

Role = Literal[
    "season", "competition", "date", "round", "position", "team", "points", "played", "wins", "draws", "losses",
    "scored", "conceded", "goals", "difference", "scorer", "scorer_goals", "home", "away", "home_goals", "away_goals",
    "score", "outcome", "home_points", "away_points",
]  # fmt: skip
Shape = Literal["standings", "matches"]

_SHARED: dict[Role, str] = {
    "season": "epoca|temporada|ano|season|year|edicao|epoca desportiva|ano da temporada",
    "competition": "div|divisao|division|liga|league|competicao|competition|campeonato|torneio|tournament|serie"
    "|escalao|prova",
}
_STANDINGS: dict[Role, str] = {
    **_SHARED,
    "position": "posicao|pos|lugar|classificacao|posto|colocacao|class|cl|position|rank|ranking|place|standing|no|n o"
    "|n|#",
    "team": "equipa|equipe|time|clube|equipas|equipes|times|clubes|team|club|squad|teams|clubs",
    "points": "pontos|pts|ponto|pontuacao|points|point|pontos ganhos|total de pontos|total points",
    "played": "jogos|j|jogados|partidas|jogos disputados|jogos realizados|played|matches|games|games played"
    "|matches played|pj|mp|pld|jgs",
    "wins": "vitorias|v|ganhos|vitoria|jogos ganhos|vit|wins|won|win|w",
    "draws": "empates|e|empate|emp|draws|drawn|draw|ties|tied",
    "losses": "derrotas|perdidos|derrota|jogos perdidos|der|losses|lost|loss",
    "scored": "golos marcados|gols marcados|gols pro|golos pro|golos a favor|gols a favor|golos favor|marcados|gm|gf"
    "|goals for|goals scored|scored",
    "conceded": "golos sofridos|gols sofridos|gols contra|golos contra|sofridos|gc|ga|goals against|goals conceded"
    "|conceded",
    "goals": "golos|gols|goals|golos m-s|golos m/s|golos marcados-sofridos",
    "difference": "diferenca de golos|diferenca de gols|saldo de gols|saldo de golos|saldo|sg|dg|gd|diferenca|dif"
    "|goal difference|goal diff|diff|+/-",
    "scorer": "melhor marcador|marcador|artilheiro|goleador|top scorer|topscorer|top goalscorer|best scorer",
    "scorer_goals": "golos do marcador|golos do melhor marcador|golos marcador|gols do artilheiro|gols artilheiro"
    "|top scorer goals|scorer goals|goals of top scorer",
}
_MATCHES: dict[Role, str] = {
    **_SHARED,
    "date": "data|dia|data do jogo|data da partida|date|match date|day|kickoff|kick off",
    "round": "jornada|rodada|ronda|jor|rod|fase|etapa|round|matchday|match day|week|matchweek|gameweek|gw|stage|phase",
    "home": "equipa da casa|equipe da casa|time da casa|clube da casa|casa|visitado|visitada|equipa visitada|mandante"
    "|equipe mandante|time mandante|anfitriao|equipa casa|home|home team|hometeam|home club|equipa 1|equipe 1|time 1"
    "|clube 1|team 1|equipa a|time a|team a",
    "away": "equipa de fora|equipe de fora|time de fora|clube de fora|fora|visitante|equipa visitante|equipe visitante"
    "|time visitante|equipa fora|away|away team|awayteam|away club|visitor|visitors|guest|equipa 2|equipe 2|time 2"
    "|clube 2|team 2|equipa b|time b|team b",
    "home_goals": "golos casa|golos da casa|gols casa|gols da casa|golos visitado|golos do visitado|golos visitada"
    "|gols mandante|gols do mandante|golos em casa|golos equipa da casa|golos equipa casa|placar mandante"
    "|gols visitado|home goals|home score|goals home|score home|fthg|hg|golos 1|gols 1|goals 1|score 1|g1|gc",
    "away_goals": "golos fora|golos de fora|gols fora|gols de fora|golos visitante|golos do visitante|gols visitante"
    "|gols do visitante|golos equipa de fora|golos equipa fora|golos equipa visitante|placar visitante|away goals"
    "|away score|goals away|score away|ftag|ag|golos 2|gols 2|goals 2|score 2|g2|gv|gf",
    "score": "resultado|resultado final|score|result|final score|placar|placar final|final|ft|full time|marcador",
    "outcome": "ftr|res|outcome|1x2",
    "home_points": "pontos casa|pontos da casa|pontos mandante|home points",
    "away_points": "pontos fora|pontos de fora|pontos visitante|away points",
}
_CHECKED = 500  # cells of a column looked at to tell what it holds


@dataclass(frozen=True)
class Columns:
    """The column of each role, counted from 0, and those with a heading that says nothing known."""

    shape: Shape
    index: Mapping[Role, int]
    unknown: tuple[int, ...]


def understand(table: Table) -> Columns | None:
    """What the columns hold; None where they are neither standings (a team, its points) nor matches
    (two teams and a score)."""
    names = [folded(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)) or heading.strip() for heading in table.headings]
    matches = _match_columns(table, names)
    if {"home", "away"} <= matches.keys() and ("score" in matches or {"home_goals", "away_goals"} <= matches.keys()):
        return _columns("matches", matches, table)
    standings = _standing_columns(table, names)
    if {"team", "points"} <= standings.keys():
        return _columns("standings", standings, table)
    return None


def _columns(shape: Shape, found: dict[Role, int], table: Table) -> Columns:
    known = set(found.values())
    unknown = [index for index, heading in enumerate(table.headings) if heading and index not in known]
    return Columns(shape, found, tuple(unknown))


def _by_heading(names: Sequence[str], words: Mapping[Role, str]) -> dict[Role, int]:
    """The first column whose heading is one of a role's words, the words in their order of trust."""
    roles = {word: role for role, told in words.items() for word in told.split("|")}
    found: dict[Role, int] = {}
    for index, name in enumerate(names):
        role = roles.get(name)
        if role is not None:
            found.setdefault(role, index)
    return found


def _match_columns(table: Table, names: Sequence[str]) -> dict[Role, int]:
    found = _by_heading(names, _MATCHES)
    sides: tuple[tuple[Role, Role, str], ...] = (("home", "home_goals", "casa"), ("away", "away_goals", "fora"))
    for side, goals, word in sides:
        # `Casa` may stand over the goals of the team at home.
        if word in names and _mostly(table, names.index(word), lambda cell: parse_number(cell) is not None):
            found[goals] = names.index(word)
            found.pop(side, None)
            others = _by_heading([name if name != word else "" for name in names], _MATCHES)
            if side in others:
                found[side] = others[side]
    if "score" in found and not _mostly(table, found["score"], lambda cell: parse_score(cell) is not None):
        index = found.pop("score")
        if _mostly(table, index, lambda cell: cell.strip().upper() in {"H", "D", "A", "1", "X", "2"}):
            found.setdefault("outcome", index)
        elif not {"home_goals", "away_goals"} <= found.keys():
            found["score"] = index  # its cells are faults to be told
    if "date" in found:
        dates = DateColumn([record.cells[found["date"]] for record in table.records[:_CHECKED]])
        if not _mostly(table, found["date"], lambda cell: dates.read(cell) is not None, share=0.5):
            del found["date"]  # `Dia` may stand over days of the week
    _competition_or_season(table, found)
    return found


def _standing_columns(table: Table, names: Sequence[str]) -> dict[Role, int]:
    found = _by_heading(names, _STANDINGS)
    _ambiguous_letters(found, names)
    if "goals" in found and not _mostly(table, found["goals"], lambda cell: parse_score(cell) is not None):
        found.setdefault("scored", found.pop("goals"))
    _competition_or_season(table, found)
    return found


def _ambiguous_letters(found: dict[Role, int], names: Sequence[str]) -> None:
    """Abbreviations that say one thing beside one heading and another beside another."""

    def put(name: str, role: Role) -> None:
        if name in names and names.index(name) not in found.values():
            found.setdefault(role, names.index(name))

    has = set(names).__contains__
    # `D` is derrotas beside `V`, draws beside `W`; `P` is points where nothing else is.
    put("l", "position" if has("v") else "losses")
    put("d", "draws" if has("w") or has("l") else "losses")
    put("g", "wins" if "draws" in found else "scored")
    put("pl", "played" if "position" in found else "position")
    put("pg", "wins" if "points" in found else "points")
    put("pe", "draws")
    put("pp", "losses")
    put("t", "draws")
    if "played" in found or has("gc") or has("sg"):
        put("gp", "scored")
    put("gp", "played")
    put("p", "points" if "points" not in found else "losses" if has("g") and "played" in found else "played")
    put("gs", "scored" if has("gc") or has("ga") else "conceded")
    if has("f") and has("a"):
        put("f", "scored")
        put("a", "conceded")
    if has("s") and has("m"):
        put("m", "scored")
        put("s", "conceded")


def _competition_or_season(table: Table, found: dict[Role, int]) -> None:
    """`Campeonato` may stand over years."""
    index = found.get("competition")
    if index is not None and "season" not in found and _mostly(table, index, lambda cell: bool(season_years(cell))):
        found["season"] = found.pop("competition")


def _mostly(table: Table, index: int, holds: Callable[[str], bool], share: float = 0.8) -> bool:
    """Whether such a share of the cells that hold something are so."""
    cells = [c for record in islice(table.records, _CHECKED) if not is_missing(c := record.cells[index])]
    return bool(cells) and sum(map(holds, cells)) >= share * len(cells)
