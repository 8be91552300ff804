from __future__ import annotations

import random
import re
from collections import Counter

from tests.prepare_dataset.results.asking import Asking, answers, asked, kept, parse
from tools.prepare_dataset.results.units import MOST_ACROSS, MOST_OF_SEASONS
from tools.prepare_dataset.results.wording import ResultsWording
from tools.prepare_dataset.wording import wording

TEAMS = ["Ílhavo", "Peniche", "Sesimbra", "Tavira", "Viana", "Nazaré"]


def league(first: int, last: int, teams: list[str] = TEAMS) -> str:
    """Standings by chance, the same for a year whatever other years are told."""
    lines = ["época,posição,equipa,pontos,vitórias,empates,derrotas,gm,gs,melhor marcador,golos do marcador"]
    for year in range(first, last + 1):
        draw = random.Random(year)
        points = sorted(draw.sample(range(1, 60), len(teams)), reverse=True)
        order = draw.sample(teams, len(teams))
        for place, (team, told) in enumerate(zip(order, points, strict=True), 1):
            wins, draws = told // 3, told % 3
            cells = [year, place, team, told, wins, draws, 30 - wins - draws, draw.randrange(10, 60)]
            cells += [draw.randrange(10, 60), f"J{place}-{year}", draw.randrange(20)]
            lines.append(",".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def cell(text: str, name: str) -> list[str]:
    """The cells that a name tells, one a line."""
    match = re.fullmatch(r"liga\.csv:(\d+)(?:-(\d+))?:(.+)", name)
    assert match is not None, name
    lines = text.split("\n")
    column = lines[0].split(",").index(match[3])
    first, last = int(match[1]), int(match[2] or match[1])
    return [lines[n - 1].split(",")[column] for n in range(first, last + 1)]


def test_every_answer_stands_in_its_cells_or_is_counted_from_them() -> None:
    text = league(2001, 2010)
    checked: Counter[str] = Counter()
    for one in asked(parse(text)):
        assert one.cells
        cells = [value for name in one.cells for value in cell(text, name)]
        told = one.answer.split()[0].removesuffix(".º")
        if one.kind == "difference":
            assert str(int(cells[2]) - int(cells[3])) == told
        elif one.kind in ("season_of_two", "best_season", "titles"):
            assert cells
        else:
            assert told in cells
        checked[one.kind] += 1
    assert len(checked) > 16


def test_comparisons_over_seasons_are_right() -> None:
    text = league(2001, 2012)
    rows = [line.split(",") for line in text.split("\n")[1:-1]]
    points = {(row[0], row[2]): int(row[3]) for row in rows}
    champion = {row[0]: row[2] for row in rows if row[1] == "1"}
    found: Counter[str] = Counter()
    for one in [one for one in asked(parse(text)) if one.rests_on]:
        assert one.answer == expected(one, points, champion)
        found[one.kind] += 1
    assert set(found) == {
        "season_of_two", "again", "titles", "more_titles", "best_points", "best_team", "best_season"
    }  # fmt: skip


def expected(one: Asking, points: dict[tuple[str, str], int], champion: dict[str, str]) -> str:
    if one.kind == "season_of_two":
        return max((one["one"], one["other"]), key=lambda season: points[season, one["team"]])
    assert one.rests_on == tuple(f"liga.csv#{year}" for year in range(int(one["first"]), int(one["last"]) + 1))
    seasons = [str(year) for year in range(int(one["first"]), int(one["last"]) + 1)]
    if one.kind == "again":
        return champion[one["first"]] if champion[one["first"]] == champion[one["last"]] else "nobody"
    won = Counter(champion[season] for season in seasons)
    if one.kind == "titles":
        return str(won[one["team"]])
    if one.kind == "more_titles":
        return max((one["one"], one["other"]), key=lambda team: won[team])
    if one.kind == "best_season":
        return max(seasons, key=lambda season: points[season, one["team"]])
    best = max((pair for pair in points if pair[0] in seasons), key=lambda pair: points[pair])
    return best[1] if one.kind == "best_team" else f"{points[best]} pontos"


def test_no_comparison_reaches_over_a_missing_season() -> None:
    text = "\n".join(line for line in league(2001, 2010).split("\n") if not line.startswith("2005"))
    spans = [(one["first"], one["last"]) for one in asked(parse(text)) if one.rests_on and one.kind != "season_of_two"]
    assert spans
    assert all(last < "2005" or first > "2005" for first, last in spans)


def test_seasons_that_are_added_change_no_question_of_the_others() -> None:
    def told(last: int) -> list[tuple[str, str]]:
        parsed = parse(league(2001, last))
        train = {unit.messages[0]["content"] for unit in parsed.units if hasattr(unit, "messages")}
        return sorted((question, "") for question in train) + sorted(
            (ask.question, ask.answer) for ask in parsed.questions
        )

    few, more = told(2010), told(2011)
    # Only what is said of all seasons together names the last one.
    assert all("2010" in question and "2001" in question for question, _ in set(few) - set(more))
    assert len(set(few) - set(more)) <= 10


def test_training_and_test_ask_the_same_in_other_words() -> None:
    parsed = parse(league(2001, 2010))
    assert asked(parsed) == kept(parsed)
    wordings = Counter(unit.messages[0]["content"].split()[0] for unit in parsed.units if hasattr(unit, "messages"))
    assert len(wordings) > 4


def test_a_large_table_does_not_drown_the_rest() -> None:
    parsed = parse(league(1800, 1999))
    across = [one for one in asked(parsed) if one.rests_on]
    assert len(across) == MOST_ACROSS
    assert len(asked(parsed)) == MOST_ACROSS + MOST_OF_SEASONS
    assert f"questions on single seasons, {MOST_OF_SEASONS} taken" in parsed.notes[0]


def test_both_languages_ask_for_the_same_with_the_same_blanks() -> None:
    def blanks(words: ResultsWording) -> dict[str, set[frozenset[str]]]:
        return {
            kind: {frozenset(re.findall(r"{(\w+)}", template)) for template in (*told.train, *told.test)}
            for kind, told in words.kinds.items()
        }

    portuguese, english = wording("pt").results, wording("en").results
    assert blanks(portuguese) == blanks(english)
    assert all(len(found) == 1 for found in blanks(portuguese).values())
    for words in (portuguese, english):
        for told in words.kinds.values():
            assert len(set(told.train)) > 1
            assert told.test
            assert not set(told.train) & set(told.test)


def test_the_questions_are_in_english_for_english_material() -> None:
    text = "season,position,team,points\n2001,1,A,9\n2001,2,B,7\n2001,3,C,1\n"
    found = answers(parse(text, language="en"), "en")
    assert found["champion", "2001"] == "A"
    assert found["points", "2001", "C"] == "1 point"
    assert found["position", "2001", "B"] == "place 2"
